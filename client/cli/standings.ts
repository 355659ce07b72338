/** The words about where customers stand: standings, standing, reckon. */
import type { Command } from 'commander'
import { F_LEAST } from '../../domain/rfm.ts'
import { STAGES } from '../../domain/standing.ts'
import type { Reckoning } from '../../store/reckonings.ts'
import type { StandingReport } from '../standings.ts'
import {
  type Cell,
  clockOf,
  facts,
  faint,
  left,
  many,
  number,
  page,
  percent,
  right,
  section,
  strong,
  table,
} from './layout.ts'
import type { Session } from './session.ts'

export function addStandingWords(program: Command, session: Session): void {
  program
    .command('standings')
    .description('how many customers are in each stage and segment, by the newest reckoning, and what it measured')
    .addHelpText('after', STANDINGS_HELP)
    .action(() =>
      session.perennial(async (perennial) => {
        const reckoning = await perennial.standings()
        session.answer(reckoning, () => standingsPage(reckoning))
      }),
    )

  program
    .command('standing')
    .description('where one customer stands, and why')
    .argument('<customer>', "the shop's id of the customer")
    .addHelpText('after', STANDING_HELP)
    .action((customer: string) =>
      session.perennial(async (perennial) => {
        const report = await perennial.standing(customer)
        session.answer(report, () => standingPage(report))
      }),
    )

  program
    .command('reckon')
    .description('reckon where everybody stands now, where the night has not done so')
    .option('--anew', 'measure and place once more what was reckoned today already')
    .addHelpText('after', RECKON_HELP)
    .action(({ anew = false }: { anew?: boolean }) =>
      session.perennial(async (perennial) => {
        const done = await perennial.reckon({ anew })
        const said =
          done.customers === 0 ? 'Nothing was left to reckon.' : `${many(done.customers, 'customer')} reckoned.`
        session.answer(done, () => page(said, done.reckoning ? standingsPage(done.reckoning) : ''))
      }),
    )
}

const STANDINGS_HELP = `
Examples:
  perennial standings
  perennial standings --json

A reckoning is made once a day, after midnight at the shop. Who buys in between is placed at once, by the same edges.`

const STANDING_HELP = `
Examples:
  perennial standing C1001
  perennial standing C1001 --json`

const RECKON_HELP = `
Examples:
  perennial reckon           begin today's reckoning, or go on with it
  perennial reckon --anew    once more, as after an import of old orders

Stages that change are told as stage.changed and begin journeys. The first reckoning of a shop tells of none.`

const yuan = (minor: number): string => (minor / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })
const days = (count: number): string => many(Math.round(count * 10) / 10, 'day')

function standingsPage(reckoning: Reckoning): string {
  const { day, as_of: asOf, zone, stages, segments, finished_at: finished } = reckoning
  const when = `As of ${clockOf(zone)(asOf)}, ${zone}.`
  return page(
    strong(`Reckoning of ${day}`),
    finished ? section('Stages', shares(stages ?? {}, STAGES)) : `Not finished: placed up to '${reckoning.after}'.`,
    section('Segments', shares(segments ?? {}, Object.keys(segments ?? {}).sort())),
    section('Measured', measured(reckoning)),
    faint(when),
  )
}

function shares(counts: Record<string, number>, names: readonly string[]): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const rows = names.flatMap((name): Cell[][] => {
    const count = counts[name]
    return count === undefined ? [] : [[name, number(count), percent(count / all)]]
  })
  return table([left(''), right('CUSTOMERS'), right('SHARE')], rows)
}

function measured({ r_edges: r, m_edges: m, gap, category_gaps: gaps }: Reckoning): string {
  const categories = Object.keys(gaps)
    .sort()
    .map((name) => `${name} ${days(gaps[name] ?? 0)}`)
  return facts({
    'R 5 to 2 up to': r.length === 0 ? 'nobody bought within the year' : `${r.join(', ')} days since the last order`,
    'F 2 to 5 from': `${F_LEAST.join(', ')} orders`,
    'M 1 to 4 up to': m.length === 0 ? null : `${m.map(yuan).join(', ')} yuan`,
    'bought again after': gap === null ? 'not known: too few came twice' : `${days(gap)}, the median`,
    'by category': categories.length === 0 ? null : categories.join(', '),
  })
}

function standingPage(report: StandingReport): string {
  const { customer, standing, rhythm, limits, silence, orders, yearOrders, stageSince, asOf, reckoning } = report
  const { rfm, segment, lastPaidAt, yearSpent, cycles } = standing
  const at = clockOf(reckoning.zone)
  const usual = rhythm.usual === null ? 'not known' : days(rhythm.usual)
  const whose = rhythm.own === null ? ', as others do' : ', their own median'
  const again = Object.entries(cycles).map(([name, cycle]) => `${name} after ${days(cycle)}`)
  return page(
    strong(`${customer}  ${standing.stage}`),
    facts({
      since: at(stageSince),
      'churn risk': standing.churnRisk ? 'yes' : 'no',
      'paid orders': `${number(orders)}, ${number(yearOrders)} of them within the year for ${yuan(yearSpent)} yuan`,
      'last order': lastPaidAt === null ? null : `${at(new Date(lastPaidAt))}, ${days(silence ?? 0)} before`,
      'buys every': orders === 0 ? null : `${usual}${rhythm.usual === null ? '' : whose}`,
      'silence means':
        orders === 0
          ? null
          : `at risk after ${days(limits.atRisk)}, dormant after ${days(limits.dormant)}, lost after ${days(limits.lost)}`,
      RFM: rfm && `${rfm.r}-${rfm.f}-${rfm.m}, ${segment}`,
      'bought again': again.length === 0 ? null : again.join(', '),
    }),
    faint(`As of ${at(asOf)}, ${reckoning.zone}, by the reckoning of ${reckoning.day}.`),
  )
}
