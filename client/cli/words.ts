/** The words about words: words (show, set, history, revert, check, test), wording, holidays. */
import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { PerennialError } from '../../domain/errors.ts'
import type { Flaw } from '../../domain/words-lint.ts'
import type { PublishedVersion, WordLine, WordsCheck, WordsShown } from '../words.ts'
import { type Cell, clockOf, faint, left, many, page, section, strong, table } from './layout.ts'
import { EXIT } from './problems.ts'
import { type Session, me } from './session.ts'

export function addWordsWords(program: Command, session: Session): void {
  const words = program
    .command('words')
    .description('the words of messages: show, set, history, revert, check, test')
    .addHelpText('after', WORDS_HELP)
  addShow(words, session)
  addSet(words, session)
  addPast(words, session)
  addProof(words, session)
}

const WORDS_HELP = `
Examples:
  perennial words show first-order
  perennial words show first-order welcome --locale zh-CN
  perennial words set first-order welcome --subject 'Ten off, for you' --by Ann
  perennial words set first-order welcome --locale zh-CN --subject 首单九折 --text-file welcome.txt --approve 唯一
  perennial words set partials footer --text 'Write to us: help@shop.com'
  perennial words history first-order welcome
  perennial words revert first-order welcome --to 2        a version of the history; 0 for the words of the plan
  perennial words check
  perennial words test first-order welcome --to ann@shop.com --as C1001

New words are held to the lint before they take effect; runs that are on read them at their next send.`

function addShow(words: Command, session: Session): void {
  words
    .command('show')
    .description('the words in force, with what is wrong with them')
    .argument('<journey>', "the name of a journey, or 'partials'")
    .argument('[message]', 'one message, with its whole text')
    .option('--locale <tag>', 'one language')
    .action((journey: string, message: string | undefined, { locale }: { locale?: string }) =>
      session.perennial(async (perennial) => {
        const shown = await perennial.words.show({ journey, message, locale })
        session.answer(shown, () => (message === undefined ? listPage(shown) : shown.map(wholePage).join('\n\n')))
      }),
    )
}

interface SetOptions {
  locale?: string
  subject?: string
  text?: string
  textFile?: string
  htmlFile?: string
  mjmlFile?: string
  approve: string[]
  evidence: [string, string][]
  note?: string
  by: string
}

const collected = (text: string, before: string[]): string[] => [...before, text]

function proofRead(text: string, before: [string, string][]): [string, string][] {
  const [, term, proof] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (term === undefined || proof === undefined)
    throw new InvalidArgumentError("Expected term=proof: '第一=survey of 2026'.")
  return [...before, [term, proof]]
}

function addSet(words: Command, session: Session): void {
  words
    .command('set')
    .description('publish new words for a message; what is not named stays as it is')
    .argument('<journey>', "the name of a journey, or 'partials'")
    .argument('<message>', 'the name of a message, or of a partial')
    .option('--locale <tag>', "the language; the plan's own unless said")
    .option('--subject <words>', 'the subject')
    .option('--text <words>', 'the text')
    .option('--text-file <file>', 'the text, out of a file')
    .option('--html-file <file>', 'the HTML, out of a file; the text is made from it unless given')
    .addOption(new Option('--mjml-file <file>', 'MJML, out of a file; compiled now').conflicts('htmlFile'))
    .option('--approve <term>', 'say yes to a term that is for review; may be repeated', collected, [])
    .option('--evidence <term=proof>', 'the proof of a claim; may be repeated', proofRead, [])
    .option('--note <words>', 'why, for the history')
    .option('--by <name>', 'who publishes them', me())
    .action((journey: string, message: string, options: SetOptions) => set(session, journey, message, options))
}

async function set(session: Session, journey: string, message: string, options: SetOptions): Promise<void> {
  const { locale, subject, by, note, approve, evidence } = options
  const parts = {
    subject,
    text: options.text ?? (await fileRead(options.textFile)),
    html: await fileRead(options.htmlFile),
    mjml: await fileRead(options.mjmlFile),
  }
  const change = Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined))
  if (Object.keys(change).length === 0)
    throw new PerennialError('COMMAND_INVALID', 'nothing new was said', {
      expected: '--subject, --text, --text-file, --html-file or --mjml-file',
    })
  const proofs = { approved: approve, evidence: Object.fromEntries(evidence) }
  await session.perennial(async (perennial) => {
    const published = await perennial.words.set({ journey, message, locale, change, by, note, ...proofs })
    session.answer(published, () => publishedPage(published))
  })
}

async function fileRead(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new PerennialError('COMMAND_INVALID', `${file} cannot be read`, { field: file, cause })
  }
}

function versionRead(text: string): number {
  const version = Number(text)
  if (Number.isInteger(version) && version >= 0) return version
  throw new InvalidArgumentError('Expected the number of a version, or 0 for the words of the plan.')
}

function addPast(words: Command, session: Session): void {
  words
    .command('history')
    .description('who published what, and when')
    .argument('<journey>', "the name of a journey, or 'partials'")
    .argument('<message>', 'the name of a message')
    .option('--locale <tag>', 'one language')
    .action((journey: string, message: string, { locale }: { locale?: string }) =>
      session.perennial(async (perennial, zone) => {
        const lines = await perennial.words.history({ journey, message, locale })
        session.answer(lines, () => historyPage(lines, zone))
      }),
    )

  words
    .command('revert')
    .description('publish an older version anew')
    .argument('<journey>', "the name of a journey, or 'partials'")
    .argument('<message>', 'the name of a message')
    .requiredOption('--to <version>', 'a version of the history; 0 for the words of the plan', versionRead)
    .option('--locale <tag>', "the language; the plan's own unless said")
    .option('--by <name>', 'who does', me())
    .action((journey: string, message: string, options: { to: number; locale?: string; by: string }) =>
      session.perennial(async (perennial) => {
        const published = await perennial.words.revert({ journey, message, ...options })
        session.answer(published, () => publishedPage(published))
      }),
    )
}

function addProof(words: Command, session: Session): void {
  words
    .command('check')
    .description('hold all words to the lint; exit code 1 where any has an error')
    .argument('[journey]', 'one journey')
    .option('--plans', 'the words of the plans alone, without a store')
    .action(async (journey: string | undefined, { plans }: { plans?: boolean }) => {
      const checked = plans
        ? (await import('../words.ts')).checkPlansWords(await session.catalogue(), journey)
        : await session.perennial((perennial) => perennial.words.check(journey))
      if (!checked.ok) session.exitCode = EXIT.refused
      session.answer(checked, () => checkPage(checked))
    })

  words
    .command('test')
    .description('send the words in force to a colleague; only addresses of TEST_RECIPIENTS, marked, counted nowhere')
    .argument('<journey>', 'the name of a journey')
    .argument('<message>', 'the name of a message')
    .requiredOption('--to <address>', 'an address of the list')
    .option('--as <customer>', 'filled in with the facts of this customer')
    .option('--locale <tag>', 'in this language')
    .option('--by <name>', 'who asks', me())
    .action((journey: string, message: string, options: TestOptions) =>
      session.perennial(async (perennial) => {
        const { as: customer, to, locale, by } = options
        const asked = { journey, message, to, by, ...(customer && { customer }), ...(locale && { locale }) }
        const sent = await perennial.words.test(asked)
        if (sent.is !== 'sent' && sent.is !== 'accepted') session.exitCode = EXIT.refused
        session.answer(sent, () =>
          page(
            `${sent.is}: “${sent.subject}” to ${to}`,
            faint(`${sent.locale}, ${versionOf(sent.version)}. ${sent.detail}`),
          ),
        )
      }),
    )
}

interface TestOptions {
  to: string
  as?: string
  locale?: string
  by: string
}

const versionOf = (version: number | null): string => (version === null ? 'the plan' : `version ${version}`)

const flawLine = ({ code, detail, todo }: Flaw): string => `${code}: ${detail}; ${todo}`

function listPage(shown: readonly WordsShown[]): string {
  const rows = shown.map(({ message, locale, version, words, flaws }): Cell[] => [
    message,
    locale,
    versionOf(version),
    flaws.length === 0 ? '' : many(flaws.length, 'flaw'),
    words.subject || words.text,
  ])
  if (rows.length === 0) return 'It has no messages.'
  return table([left('MESSAGE'), left('LOCALE'), left('FROM'), left('LINT'), left('SUBJECT')], rows)
}

function wholePage({ message, locale, version, words, flaws }: WordsShown): string {
  return page(
    `${strong(message)}  ${faint(`${locale}, ${versionOf(version)}`)}`,
    section('Subject', words.subject),
    section('Text', words.text),
    section(words.mjml === undefined ? 'HTML' : 'MJML', words.mjml ?? words.html ?? ''),
    section('Lint', flaws.map(flawLine).join('\n')),
  )
}

function publishedPage({ journey, message, locale, version, notes }: PublishedVersion): string {
  return page(
    `${journey} ${message} in ${locale} is at version ${version}; the next message has it.`,
    section('Worth knowing', notes.map(flawLine).join('\n')),
  )
}

function historyPage(lines: readonly WordLine[], zone: string): string {
  if (lines.length === 0) return 'Nothing was ever published over the words of the plan.'
  const at = clockOf(zone)
  const rows = lines.map((line): Cell[] => [
    at(line.at),
    line.locale,
    line.version,
    line.by,
    line.words === null ? '(the words of the plan)' : line.words.subject || line.words.text,
    line.note,
  ])
  return page(
    table([left('WHEN'), left('LOCALE'), left('VERSION'), left('BY'), left('SUBJECT'), left('NOTE')], rows),
    faint(`Times are shop time, ${zone}.`),
  )
}

function checkPage({ ok, flaws }: WordsCheck): string {
  if (flaws.length === 0) return 'All words are as they should be.'
  const rows = flaws.map((flaw): Cell[] => [
    flaw.severity,
    `${flaw.journey} ${flaw.message} ${flaw.locale}`,
    flaw.code,
    `${flaw.detail}; ${flaw.todo}`,
  ])
  return page(
    table([left(''), left('WORDS'), left('FLAW'), left('WHAT TO DO')], rows),
    ok
      ? 'Nothing that stops a message. What is for review is held at the send until somebody agrees.'
      : 'What is an error must be mended.',
  )
}
