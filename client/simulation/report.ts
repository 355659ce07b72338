/** What a simulation came to: one object for the table, the JSON and the page. Money in minor units. */
import { pointsCost } from '../../domain/budget.ts'
import type { ChannelName } from '../../domain/channel.ts'
import { REFUSALS, type Refusal } from '../../domain/errors.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { BudgetState } from './budgets.ts'
import { Dice } from './dice.ts'
import type { Outcome } from './outcome.ts'
import type { PersonLine } from './person.ts'

const DAY = 86_400_000

export interface JourneyReport {
  journey: string
  title: string
  entered: number
  holdout: number
  /** Reached the goal within its window, also after the story was told. */
  goal: number
  ended: Record<Exclude<RunStatus, 'running'>, number>
  running: number
  sent: number
  /** Sends by day. */
  days: number[]
}

export interface Sample {
  mean: number
  p50: number
  p99: number
}

export interface BudgetReport extends Pick<BudgetState, 'id' | 'cap' | 'reserved' | 'spent' | 'refused'> {
  left: number
  /** The day on which it first had no room; null where it always had. */
  exhausted: string | null
  /** The day on which it would have none at the pace of the last 28 days; null where that is beyond a year, or it has none by now. */
  lasts: string | null
  days: number[]
}

export interface DeadBranch {
  journey: string
  what: 'message' | 'offer' | 'rule' | 'way of a split'
  name: string
}

export interface RefusalReport {
  code: Refusal
  meaning: string
  count: number
  journeys: Record<string, number>
}

export interface SimulationReport {
  from: string
  days: number
  seed: number
  /** How many times as much made-up customers do as the table in docs/simulation.md; null of those out of a file. */
  activity: number | null
  customers: number
  events: number
  runs: number
  sent: number
  perDay: { date: string; sent: number }[]
  channels: { channel: ChannelName; sent: number; days: number[] }[]
  journeys: JourneyReport[]
  worst: { customer: string; sent: number; busiestWeek: number; zone: string; timeline: PersonLine[] } | null
  /** How many customers got so many messages. */
  messagesPerCustomer: Record<string, number>
  caps: { hits: number; outranked: number; auctions: number }
  quietHours: { held: number }
  refusals: RefusalReport[]
  /** Why events began nothing. */
  entriesRefused: RefusalReport[]
  coupons: {
    issued: number
    redeemed: number
    cost: number
    /** Over the customers who used any. */
    perCustomer: Sample & { customers: number }
    /** Of the whole, over so many populations of the same size drawn out of this one with replacement. */
    redrawn: Sample & { times: number }
    offers: { offer: string; quota: number; issued: number; redeemed: number; cost: number }[]
  }
  budgets: BudgetReport[]
  dead: DeadBranch[]
  points: { pending: number; available: number; expired: number; spent: number; liability: number; growth: number }
  failures: { journey: string; count: number; message: string }[]
  /** Those that were told by name: how often somebody came in and fell out, and how many are in them at the end. */
  audiences: { audience: string; entered: number; left: number; members: number }[]
}

/** What was simulated, and what it came to. */
export interface Reported {
  entries: readonly CatalogueEntry[]
  customers: number
  /** Epoch ms. */
  from: number
  days: number
  seed: number
  /** Of customers who are made up. */
  activity?: number | undefined
  /** What a point costs, minor units. */
  pointCost: number
  outcome: Outcome
}

export function reportOf(of: Reported): SimulationReport {
  const { entries, outcome, customers, from, days, seed, activity = null } = of
  const { channels, events, budgets, failures } = outcome
  const perDay = Array.from({ length: days }, (_, day) => sumOf([...channels.values()].map((sent) => sent[day] ?? 0)))
  const journeys = journeysOf(entries, outcome)
  return {
    from: dateOf(from),
    days,
    seed,
    activity,
    customers,
    events,
    runs: sumOf(journeys.map(({ entered }) => entered)),
    sent: sumOf(perDay),
    perDay: perDay.map((sent, day) => ({ date: dateOf(from + day * DAY), sent })),
    channels: [...channels]
      .map(([channel, some]) => ({ channel, sent: sumOf(some), days: some }))
      .sort((one, other) => other.sent - one.sent || (one.channel < other.channel ? -1 : 1)),
    journeys,
    worst: worstOf(outcome),
    messagesPerCustomer: perCustomerOf(outcome, customers),
    ...gateOf(outcome),
    coupons: couponsOf(of),
    budgets: [...budgets.values()].map((state) => budgetOf(state, of)),
    dead: deadBranches(entries, outcome),
    points: pointsOf(of),
    failures: [...failures].sort(byName).map(([journey, failure]) => ({ journey, ...failure })),
    audiences: [...outcome.audiences].map(([audience, { entered, left }]) => ({
      audience,
      entered,
      left,
      members: entered - left,
    })),
  }
}

const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10)
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0)
const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : 1

function journeysOf(entries: readonly CatalogueEntry[], outcome: Outcome): JourneyReport[] {
  return entries.flatMap(({ plan: { name, title } }) => {
    const count = outcome.journeys.get(name)
    if (!count) return []
    const { running, ...ended } = count.ends
    const { entered, holdout, converted: goal, days } = count
    return [{ journey: name, title, entered, holdout, goal, ended, running, sent: sumOf(days), days }]
  })
}

function perCustomerOf({ messagesPerCustomer: got }: Outcome, customers: number): Record<string, number> {
  const spread = new Map([[0, customers - sumOf([...got.values()])], ...got])
  return Object.fromEntries([...spread].sort(([one], [other]) => one - other))
}

function worstOf({ worst }: Outcome): SimulationReport['worst'] {
  if (!worst) return null
  const { customer, sent, zone, timeline = [] } = worst
  const times = worst.times.toSorted((one, other) => one - other)
  const within = times.map((at) => times.filter((one) => one > at - 7 * DAY && one <= at).length)
  return { customer, sent, busiestWeek: Math.max(...within), zone, timeline }
}

function gateOf(outcome: Outcome): Pick<SimulationReport, 'caps' | 'quietHours' | 'refusals' | 'entriesRefused'> {
  const refusals = refusalsOf(outcome.refusals)
  const hits = (code: Refusal): number => refusals.find((one) => one.code === code)?.count ?? 0
  return {
    caps: { hits: hits('FREQUENCY_CAP'), outranked: hits('OUTRANKED'), auctions: hits('AUCTION') },
    quietHours: { held: hits('QUIET_HOURS') },
    refusals,
    entriesRefused: refusalsOf(outcome.entryRefusals),
  }
}

function refusalsOf(counts: ReadonlyMap<Refusal, ReadonlyMap<string, number>>): RefusalReport[] {
  return [...counts]
    .map(([code, by]) => ({
      code,
      meaning: REFUSALS[code],
      count: sumOf([...by.values()]),
      journeys: Object.fromEntries([...by].sort(byName)),
    }))
    .sort((one, other) => other.count - one.count || (one.code < other.code ? -1 : 1))
}

const REDRAWN = 1_000

function couponsOf({ outcome, customers, seed }: Reported): SimulationReport['coupons'] {
  const costs = [...outcome.costs].sort(([one], [other]) => one - other)
  const used = costs.flatMap(([, cost]) => (cost > 0 ? [cost] : []))
  const offers = [...outcome.offers].sort(byName).map(([offer, counts]) => ({ offer, ...counts }))
  return {
    issued: sumOf(offers.map((one) => one.issued)),
    redeemed: sumOf(offers.map((one) => one.redeemed)),
    cost: sumOf(offers.map((one) => one.cost)),
    perCustomer: { ...sampleOf(used), customers: used.length },
    redrawn: { ...sampleOf(redrawn(used, customers, seed)), times: REDRAWN },
    offers,
  }
}

/** What the whole comes to where as many customers are drawn out of these, anybody any number of times. */
function redrawn(used: readonly number[], customers: number, seed: number): number[] {
  const dice = new Dice(seed, 'redrawn')
  return Array.from({ length: used.length === 0 ? 0 : REDRAWN }, () => {
    let sum = 0
    for (let drawn = 0; drawn < customers; drawn++) sum += used[dice.below(customers)] ?? 0
    return sum
  })
}

/** By nearest rank; all 0 for nothing. */
function sampleOf(values: readonly number[]): Sample {
  const sorted = [...values].sort((one, other) => one - other)
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { mean: sorted.length === 0 ? 0 : Math.round(sumOf(sorted) / sorted.length), p50: at(0.5), p99: at(0.99) }
}

const PACE_DAYS = 28
const YEAR = 365

function budgetOf(state: BudgetState, { from, days }: Reported): BudgetReport {
  const { id, cap, reserved, spent, refused, exhaustedAt, taken } = state
  const left = cap - reserved - spent
  const window = Math.min(PACE_DAYS, days)
  const before = taken.at(-1 - window) ?? 0
  const pace = ((taken.at(-1) ?? 0) - before) / window
  const more = pace > 0 ? left / pace : Infinity
  return {
    id,
    cap,
    reserved,
    spent,
    refused,
    left,
    exhausted: exhaustedAt === null ? null : dateOf(exhaustedAt),
    lasts: exhaustedAt !== null || more > YEAR ? null : dateOf(from + (days + Math.floor(more)) * DAY),
    days: taken,
  }
}

/** What of the plans nobody came to. Ways are known of the splits that somebody came to. */
function deadBranches(entries: readonly CatalogueEntry[], { journeys, splits }: Outcome): DeadBranch[] {
  const dead = entries.flatMap(({ plan }) => {
    const named = (what: DeadBranch['what'], names: object): DeadBranch[] =>
      Object.keys(names)
        .filter((name) => !journeys.get(plan.name)?.reached.has(name))
        .map((name) => ({ journey: plan.name, what, name }))
    return [...named('message', plan.copy), ...named('offer', plan.offers), ...named('rule', plan.points)]
  })
  const ways = [...splits].sort(byName).flatMap(([key, by]) => {
    const [journey = '', split = ''] = key.split('/')
    const unseen = [...by].filter(([, count]) => count === 0)
    return unseen.map(([way]): DeadBranch => ({ journey, what: 'way of a split', name: `${split}: ${way}` }))
  })
  return [...dead, ...ways]
}

/** The liability is what all points would cost that are not spent or expired, pending ones too: nothing is taken off for breakage. */
function pointsOf({ outcome: { points }, pointCost }: Reported): SimulationReport['points'] {
  return { ...points, liability: pointsCost(points.pending + points.available, pointCost) }
}

/** What made-up customers were drawn with, in words. */
export const drawnWith = ({ seed, activity }: Pick<SimulationReport, 'seed' | 'activity'>): string =>
  activity === null ? `seed ${seed}` : `seed ${seed}, activity ${activity}`
