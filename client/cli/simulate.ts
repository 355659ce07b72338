/** The word that lets a whole population live through some days: `simulate`. */
import { readFile, writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { lookedAt } from '../../domain/audience-review.ts'
import { readAudienceList } from '../../domain/contracts/audience.ts'
import { PerennialError } from '../../domain/errors.ts'
import { localTime } from '../../domain/calendar.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import { jsonOf } from '../json.ts'
import { Crew, threadsFor } from '../simulation/crew.ts'
import { generatedMembers } from '../simulation/generated.ts'
import { USUAL } from '../simulation/made-up-kinds.ts'
import { LETTERS } from '../simulation/made-up-habits.ts'
import { readMembers } from '../simulation/member-file.ts'
import { pageOf } from '../simulation/page.ts'
import { type SimulationReport, drawnWith, reportOf } from '../simulation/report.ts'
import { RULES } from '../simulation/simulate.ts'
import type { Session } from './session.ts'
import { type Cell, facts, faint, left, many, number, page, right, section, table } from './layout.ts'

const HELP = `
Examples:
  perennial simulate                                        all journeys and campaigns, 10,000 made-up customers, 90 days
  perennial simulate first-order birthday --customers generated:2000 --days 30
  perennial simulate --customers people.ndjson --from 2026-11-23 --html simulation.html
  perennial simulate --seed 8 --save simulation.json        other customers; the same bytes for the same seed
  perennial simulate --activity 1                           the same people of a busy shop: they do five times as much
  perennial simulate --audiences audiences.json             with the shop's audiences, as 'perennial audiences --json' prints them

--customers is 'generated', 'generated:<how many>', or a file in JSON or NDJSON (docs/simulation.md). A journey that begins
switched off stays off unless it is named.`

interface Options {
  customers: string
  days: number
  seed: number
  activity?: number
  from: number
  doubleOptIn: string[]
  audiences?: string
  html?: string
  save?: string
  threads?: number
}

export function addSimulatingWord(program: Command, session: Session): void {
  program
    .command('simulate')
    .description(
      'let a whole population live through some days on a virtual clock; nothing is sent, no server is needed',
    )
    .argument('[journeys...]', 'the journeys to play; all of them unless named')
    .option('--customers <who>', "'generated', 'generated:2000' or a file", `generated:${CUSTOMERS}`)
    .option('--days <days>', 'how many days', whole(1, 730), 90)
    .option('--seed <number>', 'other customers for another number', whole(0, 1_000_000_000), 7)
    .option(
      '--activity <times>',
      `made-up customers do so many times as much as a busy shop's (default: ${USUAL})`,
      timesRead,
    )
    .option('--from <date>', 'the first day, in UTC', dateRead, Date.UTC(2026, 10, 23))
    .option(
      '--threads <number>',
      'over how many threads; comes to the same (default: as many as are of use)',
      whole(1, 64),
    )
    .option(
      '--double-opt-in <topics>',
      'topics to which consent counts only once it is confirmed, with commas between them',
      listed,
      [LETTERS],
    )
    .option('--audiences <file>', "audiences by name: what 'perennial audiences --json' prints")
    .option('--html <file>', 'writes a page with charts')
    .option('--save <file>', 'writes all of it in JSON')
    .addHelpText('after', HELP)
    .action((names: string[], options: Options) => simulateWord(session, names, options))
}

const CUSTOMERS = 10_000
const CUSTOMERS_MOST = 1_000_000

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
  }

function timesRead(text: string): number {
  const times = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && times >= 0.01 && times <= 10) return times
  throw new InvalidArgumentError('Expected a number from 0.01 to 10.')
}

const listed = (text: string): string[] => text.split(',').filter((topic) => topic !== '')

function dateRead(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(text)) return at
  throw new PerennialError('TIME_MALFORMED', `'${text}' is not a date`, { field: 'from', expected: "'2026-11-23'" })
}

async function simulateWord(session: Session, names: string[], options: Options): Promise<void> {
  const { days, seed, from, doubleOptIn, html, save, customers: who } = options
  const asked = customersAsked(who)
  if (asked === undefined && options.activity !== undefined) {
    throw new InvalidArgumentError('--activity is for customers who are made up; those of a file do what it says.')
  }
  const activity = asked === undefined ? undefined : (options.activity ?? USUAL)
  const audiences = await audiencesSaid(options)
  // The threads load the journeys while the customers are made.
  const crew = new Crew(options.threads ?? threadsFor(asked ?? Infinity))
  try {
    const entries = names.length > 0 ? await named(session, names) : [...(await session.catalogue()).values()]
    for (const { plan } of entries) mustBeKnown(plan, audiences)
    const members =
      asked === undefined
        ? await readMembers(who, { from, days })
        : generatedMembers({ customers: asked, seed, from, days, activity })
    const rules = { switchedOn: names, doubleOptIn, audiences }
    const outcome = await crew.simulate({ entries, members, from, days, rules })
    const { pointCost } = RULES
    const report = reportOf({ entries, customers: members.length, from, days, seed, activity, pointCost, outcome })
    if (html !== undefined) await writeFile(html, pageOf(report))
    if (save !== undefined) await writeFile(save, `${JSON.stringify(report, null, 2)}\n`)
    session.answer(report, () => reportPage(report))
  } finally {
    await crew.close()
  }
}

/** By name, in the order of names; none where no file was said. */
async function audiencesSaid({ audiences: file }: Options): Promise<ReadonlyMap<string, AudienceFilter>> {
  if (file === undefined) return new Map()
  const expected = 'a file with what `perennial audiences --json` prints'
  return readAudienceList(
    await jsonOf(readFile(file, 'utf8'), file, { code: 'AUDIENCE_INVALID', field: 'audiences', expected }),
  )
}

/** Whom a campaign is for. Throws AUDIENCE_UNKNOWN. */
function mustBeKnown({ name, campaign }: CatalogueEntry['plan'], named: ReadonlyMap<string, AudienceFilter>): void {
  if (!campaign) return
  try {
    lookedAt(campaign.audience, { named })
  } catch (cause) {
    if (!(cause instanceof PerennialError)) throw cause
    throw new PerennialError(cause.code, `the campaign '${name}' cannot be played: ${cause.message}`, {
      field: 'audiences',
      expected: '--audiences with a file that has it',
      cause,
    })
  }
}

const named = (session: Session, names: readonly string[]) =>
  Promise.all([...new Set(names)].sort().map((name) => session.journey(name)))

/** How many are to be made up; undefined where they are in a file. */
function customersAsked(who: string): number | undefined {
  if (!who.startsWith('generated')) return undefined
  const [, count = String(CUSTOMERS)] = /^generated(?::(\d{1,7}))?$/.exec(who) ?? [who, '0']
  const customers = Number(count)
  if (customers >= 1 && customers <= CUSTOMERS_MOST) return customers
  throw new InvalidArgumentError(`Expected 'generated:<how many>' from 1 to ${CUSTOMERS_MOST}, or a file.`)
}

const money = (minor: number): string => (minor / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })

function reportPage(report: SimulationReport): string {
  const { from, days, customers, events, runs, sent } = report
  const head = `${many(customers, 'customer')}, ${many(days, 'day')} from ${from}, ${drawnWith(report)}: ${many(events, 'event')}, ${many(runs, 'run')}, ${many(sent, 'message')}`
  return page(
    head,
    section('Journeys', journeysTable(report)),
    section('Not sent, not given', refusalsTable(report)),
    section('Coupons', couponsPage(report)),
    section('Budgets', budgetsTable(report)),
    section('Points', pointsPage(report)),
    section('Audiences', audiencesTable(report)),
    section('Nobody came to', deadTable(report)),
    section('The worst hit', worstPage(report)),
    section(
      'Stories that failed',
      table(
        [left('JOURNEY'), right('RUNS'), left('WHY')],
        report.failures.map((one): Cell[] => [one.journey, one.count, one.message]),
      ),
    ),
    faint('A simulation on a virtual clock. Customers do what they do whatever is sent to them. Nothing was sent.'),
  )
}

function journeysTable({ journeys }: SimulationReport): string {
  const heads = ['ENTERED', 'HELD OUT', 'GOAL', 'COMPLETED', 'EXITED', 'FAILED', 'STILL IN', 'SENT'].map(right)
  const rows = journeys.map((one): Cell[] => [
    one.journey,
    ...[one.entered, one.holdout, one.goal, one.ended.completed, one.ended.exited, one.ended.failed, one.running].map(
      number,
    ),
    number(one.sent),
  ])
  return table([left('JOURNEY'), ...heads], rows)
}

function refusalsTable({ refusals, entriesRefused }: SimulationReport): string {
  const rows = [...refusals, ...entriesRefused].map(({ code, count, meaning }): Cell[] => [
    code,
    number(count),
    meaning,
  ])
  return table([left('CODE'), right('TIMES'), left('MEANING')], rows)
}

function couponsPage({ coupons }: SimulationReport): string {
  const { perCustomer, redrawn, offers } = coupons
  const rows = offers
    .filter(({ issued }) => issued > 0)
    .map(({ offer, issued, redeemed, cost }): Cell[] => [offer, number(issued), number(redeemed), money(cost)])
  return page(
    table([left('OFFER'), right('ISSUED'), right('REDEEMED'), right('COST')], rows),
    facts({
      'cost in all': money(coupons.cost),
      'a customer who used any': `half at most ${money(perCustomer.p50)}, 99 of 100 at most ${money(perCustomer.p99)} (${many(perCustomer.customers, 'customer')})`,
      'in all, redrawn': `half at most ${money(redrawn.p50)}, 99 of 100 at most ${money(redrawn.p99)} (${many(redrawn.times, 'population')} drawn out of this one)`,
    }),
  )
}

function budgetsTable({ budgets }: SimulationReport): string {
  const rows = budgets.map(({ id, cap, reserved, spent, left: rest, exhausted, lasts }): Cell[] => [
    id,
    ...[cap, reserved, spent, rest].map(money),
    exhausted === null
      ? lasts === null
        ? 'more than a year at this pace'
        : `${lasts} at this pace`
      : `no room on ${exhausted}`,
  ])
  return table([left('BUDGET'), ...['CAP', 'RESERVED', 'SPENT', 'LEFT'].map(right), left('LASTS UNTIL')], rows)
}

function pointsPage({ points }: SimulationReport): string {
  const { pending, available, expired, spent, liability } = points
  return facts({
    available: number(available),
    pending: number(pending),
    expired: number(expired),
    spent: number(spent),
    liability: money(liability),
  })
}

function audiencesTable({ audiences }: SimulationReport): string {
  return table(
    [left('AUDIENCE'), ...['CAME IN', 'FELL OUT', 'IN AT THE END'].map(right)],
    audiences.map(({ audience, entered, left: gone, members }): Cell[] => [
      audience,
      ...[entered, gone, members].map(number),
    ]),
  )
}

function deadTable({ dead }: SimulationReport): string {
  return table(
    [left('JOURNEY'), left('WHAT'), left('NAME')],
    dead.map(({ journey, what, name }): Cell[] => [journey, what, name]),
  )
}

function worstPage({ worst }: SimulationReport): string {
  if (!worst) return ''
  const { customer, sent, busiestWeek, zone, timeline } = worst
  const shown = timeline.filter(({ what }) => what !== 'begin' && what !== 'end' && what !== 'split')
  const rows = shown.map(({ at, run, text }): Cell[] => [localTime(at, zone), run?.split('/')[0] ?? '', text])
  const head = `${customer}, ${many(sent, 'message')}, ${busiestWeek} of them in seven days (${zone})`
  return page(head, table([left('WHEN'), left('JOURNEY'), left('WHAT')], rows))
}
