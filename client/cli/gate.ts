/** The words about the gate: topics, consents, wordings, approve. */
import type { Command } from 'commander'
import type { Topic } from '../../domain/consent.ts'
import type { WordingLine } from '../../store/wordings.ts'
import type { ConsentReport } from '../gate.ts'
import { type Cell, clockOf, facts, faint, left, many, page, section, strong, table } from './layout.ts'
import type { Session } from './session.ts'

export function addGateWords(program: Command, session: Session): void {
  program
    .command('topics')
    .description('what customers can choose to hear about; with a topic, adds it or changes it')
    .argument('[topic]', 'the name of a topic, in lower case')
    .option('--title <title>', 'what customers read')
    .option('--description <text>', 'what it is about, for customers')
    .option('--double-opt-in', 'consent counts only once it is confirmed')
    .option('--single-opt-in', 'consent counts at once')
    .option('--retire', 'offer it no longer; consent that was given still counts')
    .option('--offer', 'offer it again')
    .addHelpText('after', TOPICS_HELP)
    .action((topic: string | undefined, options: TopicOptions) => topicsWord(session, topic, options))

  program
    .command('consents')
    .description('everything a customer agreed to or refused, oldest first, with the proof')
    .argument('<customer>', "the shop's id of the customer")
    .addHelpText('after', CONSENTS_HELP)
    .action((customer: string) =>
      session.perennial(async (perennial, zone) => {
        const report = await perennial.consents(customer)
        session.answer(report, () => consentsPage(report, zone))
      }),
    )

  program
    .command('wordings')
    .description('words that hold a term a person has to agree to, and who did')
    .addHelpText('after', WORDINGS_HELP)
    .action(() =>
      session.perennial(async (perennial, zone) => {
        const lines = await perennial.wordings()
        session.answer(lines, () => wordingsPage(lines, zone))
      }),
    )

  program
    .command('approve')
    .description('say yes to exactly these words, and let the messages go that are held for it')
    .argument('<hash>', 'the mark of the words, as `perennial wordings` shows it')
    .requiredOption('--by <name>', 'who says yes; kept with the words')
    .addHelpText('after', APPROVE_HELP)
    .action((hash: string, { by }: { by: string }) =>
      session.perennial(async (perennial) => {
        const done = await perennial.approve({ hash, by })
        session.answer(done, () => {
          const { journey, message, woken } = done
          return `${journey} may say ${message} in these words. ${woken === 0 ? 'No message was held.' : `${many(woken, 'held message goes', 'held messages go')} out.`}`
        })
      }),
    )
}

const TOPICS_HELP = `
Examples:
  perennial topics
  perennial topics member-day --title 'Member day' --description 'The 15th of every month.'
  perennial topics news --double-opt-in

The topics that plans name are on the list by themselves.`

const CONSENTS_HELP = `
Examples:
  perennial consents C1001
  perennial consents C1001 --json

Pending: given, but not confirmed on a topic that asks for it, so nothing is sent.`

const WORDINGS_HELP = `
Examples:
  perennial wordings
  perennial wordings --json        with the words in full

Messages with such a term are held until somebody says yes; changed words ask anew.`

const APPROVE_HELP = `
Examples:
  perennial approve 3f2a9c01d4e5b677 --by eve`

interface TopicOptions {
  title?: string
  description?: string
  doubleOptIn?: true
  singleOptIn?: true
  retire?: true
  offer?: true
}

const chosen = (yes: true | undefined, no: true | undefined): boolean | undefined => yes ?? (no ? false : undefined)

async function topicsWord(session: Session, id: string | undefined, options: TopicOptions): Promise<void> {
  await session.perennial(async (perennial) => {
    if (id === undefined) {
      const list = await perennial.topics()
      return session.answer(list, () => topicsPage(list))
    }
    const { title, description } = options
    const doubleOptIn = chosen(options.doubleOptIn, options.singleOptIn)
    const retired = chosen(options.retire, options.offer)
    const topic = await perennial.putTopic({
      id,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
      ...(doubleOptIn !== undefined && { doubleOptIn }),
      ...(retired !== undefined && { retired }),
    })
    session.answer(topic, () => topicsPage([topic]))
  })
}

function topicsPage(list: readonly Topic[]): string {
  const rows = list.map(({ id, title, description, doubleOptIn, retired }): Cell[] => [
    id,
    title,
    doubleOptIn ? 'double opt-in' : '',
    retired ? 'retired' : '',
    description,
  ])
  return table([left('TOPIC'), left('TITLE'), left(''), left(''), left('ABOUT')], rows)
}

function consentsPage({ customer, channels, lines }: ConsentReport, zone: string): string {
  const at = clockOf(zone)
  const rows = lines.map((line): Cell[] => [
    at(line.at),
    line.topic,
    line.channel,
    line.purpose,
    line.state,
    line.source,
    line.text_version,
  ])
  const columns = [left('WHEN'), left('TOPIC'), left('CHANNEL'), left('PURPOSE'), left('SAID')]
  return page(
    strong(customer),
    facts({ 'Likes best': channels.join(', ') || null }),
    lines.length > 0 ? table([...columns, left('SOURCE'), left('TEXT')], rows) : 'This customer never said anything.',
    faint(`Times are shop time, ${zone}. ${many(lines.length, 'line')}.`),
  )
}

function wordingsPage(lines: readonly WordingLine[], zone: string): string {
  const at = clockOf(zone)
  if (lines.length === 0) return 'No words wait for a yes, and none ever did.'
  const each = lines.map(({ hash, journey, message, words, terms, approved_at, approved_by, held }) =>
    section(
      `${hash}  ${journey} ${message}`,
      page(
        facts({
          State: approved_at ? `yes, by ${approved_by}, ${at(approved_at)}` : `waits; ${many(held, 'message')} held`,
          Subject: words.subject,
          Text: words.text,
        }),
        table(
          [left('TERM'), left('SUGGESTION'), left('BASIS')],
          terms.map(({ term, suggestion, basis }): Cell[] => [term, suggestion, basis]),
        ),
      ),
    ),
  )
  return page(...each, faint(`Times are shop time, ${zone}.`))
}
