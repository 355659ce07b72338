/** The words about tiers: tiers, tiers programme, tier. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { PerennialError } from '../../domain/errors.ts'
import { PROGRAMMES } from '../../domain/programmes.ts'
import type { Counting, Programme } from '../../domain/tier.ts'
import type { ProgrammeVersion } from '../../store/programmes.ts'
import type { TierRow } from '../../store/tier-history.ts'
import type { LevelLine, TierReport, TiersReport } from '../tiers.ts'
import { type Cell, clockOf, facts, faint, left, many, number, page, right, section, strong, table } from './layout.ts'
import type { Session } from './session.ts'

export function addTierWords(program: Command, session: Session): void {
  const tiers = program
    .command('tiers')
    .description('the levels of the shop’s programme, what each gives, and how many customers are on it')
    .addHelpText('after', TIERS_HELP)
    .action(() =>
      session.perennial(async (perennial, zone) => {
        const report = await perennial.tiers()
        session.answer(report, () => tiersPage(report, zone))
      }),
    )

  tiers
    .command('programme')
    .description('the programme itself; with a file or a name, set it: a new version')
    .argument('[file]', `a JSON file, or one of ${Object.keys(PROGRAMMES).join(', ')}`)
    .addHelpText('after', PROGRAMME_HELP)
    .action((file: string | undefined) =>
      session.perennial(async (perennial, zone) => {
        if (file === undefined) {
          const now = await perennial.programme()
          return session.answer(now, () => programmePage(now, zone))
        }
        const set = await perennial.changeProgramme(await programmeFrom(file))
        const said = set.changed ? 'is the programme from now on' : 'is the programme already; nothing was changed'
        session.answer(set, () => page(`Version ${set.version} ${said}.`, programmePage(set, zone)))
      }),
    )

  program
    .command('tier')
    .description('the tier of a customer: the level, what is missing to the next and to keep it, and its history')
    .argument('<customer>', "the shop's id of the customer")
    .addHelpText('after', TIER_HELP)
    .action((customer: string) =>
      session.perennial(async (perennial, zone) => {
        const report = await perennial.tier(customer)
        session.answer(report, () => tierPage(report, zone))
      }),
    )
}

const TIERS_HELP = `
Examples:
  perennial tiers
  perennial tiers programme              the rules behind the levels
  perennial tiers programme tiers.json   set them anew`

const PROGRAMME_HELP = `
Examples:
  perennial tiers programme --json > tiers.json    what holds now; the file takes what stands under "programme"
  perennial tiers programme three-levels
  perennial tiers programme tiers.json

Who has a level keeps it, and what it gives, until the end of its term. A rise, and what follows a term, goes by the newest version.`

const TIER_HELP = `
Examples:
  perennial tier C1001
  perennial tier C1001 --json`

async function programmeFrom(file: string): Promise<unknown> {
  const named = PROGRAMMES[file]
  if (named) return named
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown
  } catch (cause) {
    throw new PerennialError('PROGRAMME_INVALID', `${file} is no file of JSON`, {
      field: 'file',
      expected: `a JSON file, or one of ${Object.keys(PROGRAMMES).join(', ')}`,
      cause,
    })
  }
}

function givesInWords({ discount, multiplier, birthday, services, gift }: LevelLine): string {
  const words = [
    discount !== undefined && `${discount} % off`,
    multiplier !== undefined && `points x ${multiplier}`,
    ...(services ?? []),
    birthday !== undefined && `birthday ${birthday}`,
    gift?.offer !== undefined && `gift ${gift.offer}`,
    gift?.points !== undefined && `gift ${number(gift.points)} points`,
  ]
  return words.filter(Boolean).join('; ')
}

function tiersPage({ version, since, title, levels }: TiersReport, zone: string): string {
  const rows = levels.map((level): Cell[] => [
    level.id,
    level.title,
    number(level.from),
    number(level.customers),
    givesInWords(level),
  ])
  const columns = [left('LEVEL'), left('TITLE'), right('FROM GROWTH'), right('CUSTOMERS'), left('GIVES')]
  return page(
    strong(title),
    table(columns, rows),
    faint(`Version ${version}, since ${clockOf(zone)(since)} shop time, ${zone}.`),
  )
}

function countsInWords(window: Counting): string {
  if (typeof window === 'object') return `of the last ${many(window.days, 'day')}`
  return { 'calendar-year': 'of the calendar year', 'tier-start': 'since the level was reached', join: 'ever' }[window]
}

function lastsInWords({ term }: Programme): string {
  if ('days' in term) return many(term.days, 'day')
  if ('months' in term) return many(term.months, 'month')
  return term.calendarYears === 1
    ? 'to the end of the year'
    : `${many(term.calendarYears, 'calendar year')}, this one included`
}

function programmePage({ version, since, programme }: ProgrammeVersion, zone: string): string {
  const { title, levels, downgrade, graceDays, onRefund, nearMiss } = programme
  return page(
    strong(title),
    facts({
      version,
      since: clockOf(zone)(since),
      levels: levels.map((level) => `${level.title} from ${number(level.from)}`).join(', '),
      'growth that counts': countsInWords(programme.window),
      'a level lasts': lastsInWords(programme),
      'where it is not kept': downgrade === 'one-down' ? 'one level down' : 'to what the growth carries',
      'days of grace': graceDays,
      'a refund counts': onRefund === 'at-once' ? 'at once' : 'when the term ends',
      'almost there': `${nearMiss.from} to ${nearMiss.to} % of the next level`,
    }),
  )
}

function tierPage({ customer, tier, history }: TierReport, zone: string): string {
  const at = clockOf(zone)
  const { next, keep } = tier
  const end = (row: TierRow): Cell => (row.valid_to ? at(row.valid_to) : null)
  const rows = history.map((row): Cell[] => [
    at(row.valid_from),
    end(row),
    row.level,
    row.why,
    number(row.growth),
    row.version,
  ])
  const columns = [left('FROM'), left('TO'), left('LEVEL'), left('WHY'), right('GROWTH'), right('VERSION')]
  return page(
    strong(`${customer}  ${tier.title}`),
    facts({
      growth: number(tier.growth),
      'to the next': next && `${number(next.needed)} to ${next.title}`,
      'to keep it': keep && `${number(keep.needed)} until ${keep.until}, in ${many(keep.daysLeft, 'day')}`,
      'at the till': tier.discount > 0 ? `${tier.discount} % off` : null,
      points: tier.multiplier > 1 ? `x ${tier.multiplier}` : null,
      services: tier.services.join(', ') || null,
    }),
    section('History', table(columns, rows)),
    faint(`Times are shop time, ${zone}.`),
  )
}
