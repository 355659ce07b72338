/** The words that prove: preview, check, rejected. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isZone } from '../../domain/calendar.ts'
import { PerennialError } from '../../domain/errors.ts'
import type { Arm } from '../../domain/experiment.ts'
import { isKeyPart } from '../../domain/ids.ts'
import { isLocale } from '../../domain/locale.ts'
import type { RejectedEvent } from '../../store/rejected-events.ts'
import type { CheckAnswer } from '../operator.ts'
import type { VirtualCustomer } from '../preview/setting.ts'
import { type ScriptedEvent, type Timeline, formatTimeline, parseScriptedEvent, walk } from '../preview.ts'
import { EXIT } from './problems.ts'
import { type Cell, clockOf, faint, left, many, number, page, strong, table } from './layout.ts'
import type { Session } from './session.ts'

export function addProvingWords(program: Command, session: Session): void {
  program
    .command('preview')
    .description('walk a journey on a virtual clock and see what would happen; nothing is sent, no server is needed')
    .argument('<journey>', 'the name of a journey')
    .option(
      '--event <type@after>',
      'something that happens, so long after the beginning; may be repeated',
      collected,
      [],
    )
    .option('--customer <id>', 'whose arm and splits are drawn', keyPart, 'C1001')
    .option('--name <name>', 'what the words call the customer', 'Ada')
    .option('--zone <zone>', "the customer's zone", zoneRead, 'UTC')
    .option(
      '--tier <level>',
      "their level, what is missing to keep it and its days left: 'gold', 'gold,1200,30'",
      tierRead,
    )
    .option('--start <time>', 'when it begins, ISO 8601', instant)
    .addOption(
      new Option('--arm <arm>', 'the arm; drawn: as the hash of the customer says').choices([
        'treated',
        'holdout',
        'drawn',
      ]),
    )
    .option('--as <customer>', 'with the facts of a real customer, and the words that operators have published')
    .option('--locale <tag>', 'the language the customer reads', localeRead)
    .option('--brief', 'a line a message, without its text')
    .addHelpText('after', PREVIEW_HELP)
    .action((journey: string, options: PreviewOptions) => preview(session, journey, options))

  program
    .command('check')
    .description('check that everything the store promises holds; exit code 1 if anything does not')
    .addHelpText('after', CHECK_HELP)
    .action(() =>
      session.perennial(async (perennial) => {
        const answer = await perennial.check()
        if (!answer.holds) session.exitCode = EXIT.refused
        session.answer(answer, () => checkPage(answer))
      }),
    )

  program
    .command('rejected')
    .description('events of a batch that were not taken, newest first, each with what was wrong')
    .option('--limit <count>', 'how many at most', countRead, 20)
    .addHelpText('after', REJECTED_HELP)
    .action(({ limit }: { limit: number }) =>
      session.perennial(async (perennial, zone) => {
        const events = await perennial.rejected(limit)
        session.answer(events, () => rejectedPage(events, zone))
      }),
    )
}

const PREVIEW_HELP = `
Examples:
  perennial preview first-order
  perennial preview first-order --event order.paid@2d
  perennial preview first-order --event cart.added@1h --event order.paid@5d --brief
  perennial preview first-order --event 'cart.added@1h{"cart":"K1"}' --zone Asia/Shanghai --start 2026-11-23T21:00:00+08:00
  perennial preview birthday --customer C1001 --arm drawn --json
  perennial preview first-order --locale zh-CN
  perennial preview first-order --as C1001                who this customer is, and what they would get now
  perennial preview tier-keep --tier gold,1200,30

Times after the beginning are a number and a unit: 90m, 1h, 2d, 2w.`

const CHECK_HELP = `
Examples:
  perennial check                what holds, and the first few rows of what does not
  perennial check --json || page-somebody`

const REJECTED_HELP = `
Examples:
  perennial rejected
  perennial rejected --limit 100 --json

A batch keeps its good events; the bad ones are kept here, so that the shop's engineers can mend and resend them.`

type Tier = NonNullable<VirtualCustomer['tier']>

interface PreviewOptions {
  event: ScriptedEvent[]
  customer: string
  name: string
  zone: string
  tier?: Tier
  start?: number
  arm?: Arm | 'drawn'
  brief?: boolean
  as?: string
  locale?: string
}

const collected = (text: string, before: ScriptedEvent[]): ScriptedEvent[] => [...before, parseScriptedEvent(text)]

function keyPart(text: string): string {
  if (isKeyPart(text)) return text
  throw new InvalidArgumentError('Expected an id: 1 to 128 characters without blanks or slashes.')
}

function localeRead(text: string): string {
  if (isLocale(text)) return text
  throw new InvalidArgumentError("Expected a BCP 47 tag: 'zh-CN'.")
}

function zoneRead(text: string): string {
  if (isZone(text)) return text
  throw new PerennialError('TIME_MALFORMED', `'${text}' is not a time zone`, {
    field: 'zone',
    expected: "'Asia/Shanghai'",
  })
}

/** A level, and whole numbers for the rest. */
function tierRead(text: string): Tier {
  const [, level, needed, daysLeft] = /^([a-z][a-z0-9-]*)(?:,(\d{1,9})(?:,(\d{1,4}))?)?$/.exec(text) ?? []
  if (level === undefined) throw new InvalidArgumentError("Expected a level: 'gold', 'gold,1200' or 'gold,1200,30'.")
  return {
    level,
    ...(needed !== undefined && { needed: Number(needed) }),
    ...(daysLeft !== undefined && { daysLeft: Number(daysLeft) }),
  }
}

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** A date alone is its midnight in UTC; a time must say its offset. */
function instant(text: string): number {
  const at = ISO.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return at
  throw new PerennialError('TIME_MALFORMED', `'${text}' is not a time`, {
    field: 'start',
    expected: "'2026-11-23' or '2026-11-23T10:00:00+08:00'",
  })
}

const MOST = 10_000

function countRead(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= MOST) return count
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST}.`)
}

async function preview(session: Session, name: string, options: PreviewOptions): Promise<void> {
  const entry = await session.journey(name)
  const { event: events, customer: id, name: called, zone, locale, tier = null, start, arm, brief = false } = options
  const { as } = options
  const real = as === undefined ? undefined : await realOf(session, as, entry.plan.topic)
  const customer = real?.customer ?? { id, name: called, zone, tier }
  const timeline = await walk(entry, {
    events,
    ...(real && { published: real.published, shopZone: real.shopZone }),
    customer: { ...customer, ...(locale !== undefined && { locale }) },
    ...(start === undefined ? {} : { start }),
    ...(arm === undefined ? {} : { arm }),
  })
  session.answer(timeline, () => previewPage(entry.plan.title, timeline, !brief))
}

/** Who a customer is and what operators have published, read from a running Perennial. */
function realOf(session: Session, id: string, topic: string) {
  return session.perennial(async (perennial, shopZone) => ({
    ...(await perennial.words.previewAs(id, topic)),
    shopZone,
  }))
}

function previewPage(title: string, timeline: Timeline, words: boolean): string {
  return page(
    `${strong(title)}  ${faint(timeline.run)}`,
    formatTimeline(timeline, { words }),
    faint(`A preview on a virtual clock, ${timeline.zone}. Nothing was sent.`),
  )
}

function checkPage({ holds, invariants }: CheckAnswer): string {
  const rows = invariants.map(({ invariant, broken }): Cell[] => [broken === 0 ? 'holds' : 'BROKEN', invariant])
  const broken = invariants.filter((one) => one.broken > 0)
  const examples = broken.map(
    ({ invariant, broken, examples }) =>
      `${strong(invariant)}, ${many(broken, 'row')}\n${table(
        [left(''), left('')],
        examples.map(({ key, wrong }) => [key, wrong]),
      )}`,
  )
  const verdict = holds
    ? `All ${invariants.length} hold.`
    : `${number(broken.length)} of ${invariants.length} ${broken.length === 1 ? 'does' : 'do'} not hold. Pause the journeys concerned and look at the rows above.`
  return page(table([left(''), left('')], rows), ...examples, verdict)
}

function rejectedPage(events: readonly RejectedEvent[], zone: string): string {
  if (events.length === 0) return 'No event was rejected.'
  const at = clockOf(zone)
  const rows = events.map(({ received_at, id, code, message }): Cell[] => [
    at(received_at),
    id ?? '(no id)',
    code,
    message,
  ])
  return page(
    table([left('WHEN'), left('EVENT'), left('CODE'), left('WHAT WAS WRONG')], rows),
    faint(`Times are shop time, ${zone}. --json shows each body as it came.`),
  )
}
