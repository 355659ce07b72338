/** What a simulation came to: one object for the table, the JSON and the page. Money in minor units. */
import { pointsCost } from '../../domain/budget.ts'
import type { ChannelName } from '../../domain/channel.ts'
import { REFUSALS, type Refusal } from '../../domain/errors.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { BudgetState } from './budgets.ts'
import { Dice } from './dice.ts'
import type { Person, PersonLine } from './person.ts'
import type { Simulated } from './simulate.ts'
import type { MessageEnd } from './tally.ts'

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
  points: { pending: number; available: number; expired: number; liability: number; growth: number }
  failures: { journey: string; count: number; message: string }[]
}

export interface Reporting {
  seed: number
}

export function reportOf(simulated: Simulated, { seed }: Reporting): SimulationReport {
  const { shop, tally, members, from, days } = simulated
  const sent = [...tally.messages.values()].filter(({ status }) => status === 'sent')
  const dates = Array.from({ length: days }, (_, day) => dateOf(from + day * DAY))
  const perDay = byDay(sent, simulated)
  return {
    from: dateOf(from),
    days,
    seed,
    customers: members.length,
    events: tally.events,
    runs: [...tally.journeys.values()].reduce((sum, { entered }) => sum + entered, 0),
    sent: sent.length,
    perDay: dates.map((date, day) => ({ date, sent: perDay[day] ?? 0 })),
    channels: channelsOf(sent, simulated),
    journeys: journeysOf(sent, simulated),
    ...worstOf(sent, simulated),
    ...gateOf(simulated),
    coupons: couponsOf(simulated, seed),
    budgets: [...shop.budgets.states.values()].map((state) => budgetOf(state, simulated)),
    dead: deadBranches(simulated),
    points: pointsOf(simulated),
    failures: [...tally.failures].map(([journey, failure]) => ({ journey, ...failure })),
  }
}

const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

function byDay(sent: readonly MessageEnd[], { tally, days }: Simulated): number[] {
  const counts = Array.from({ length: days }, () => 0)
  for (const { at } of sent) counts[tally.dayOf(at)] = (counts[tally.dayOf(at)] ?? 0) + 1
  return counts
}

function channelsOf(sent: readonly MessageEnd[], simulated: Simulated): SimulationReport['channels'] {
  return [...groups(sent, ({ channel }) => channel)]
    .map(([channel, some]) => ({ channel, sent: some.length, days: byDay(some, simulated) }))
    .sort((one, other) => other.sent - one.sent || (one.channel < other.channel ? -1 : 1))
}

function journeysOf(sent: readonly MessageEnd[], simulated: Simulated): JourneyReport[] {
  const by = groups(sent, ({ journey }) => journey)
  return simulated.entries.flatMap(({ plan: { name, title } }) => {
    const count = simulated.tally.journeys.get(name)
    if (!count) return []
    const { running, ...ended } = count.ends
    const { entered, holdout, converted: goal } = count
    const some = by.get(name) ?? []
    return [
      { journey: name, title, entered, holdout, goal, ended, running, sent: some.length, days: byDay(some, simulated) },
    ]
  })
}

function groups<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
  const by = new Map<K, T[]>()
  for (const one of all) {
    const some = by.get(keyOf(one))
    if (some) some.push(one)
    else by.set(keyOf(one), [one])
  }
  return by
}

function worstOf(
  sent: readonly MessageEnd[],
  { shop, members }: Simulated,
): Pick<SimulationReport, 'worst' | 'messagesPerCustomer'> {
  const by = groups(sent, ({ customer }) => customer)
  const spread = new Map<number, number>([[0, members.length - by.size]])
  for (const { length } of by.values()) spread.set(length, (spread.get(length) ?? 0) + 1)
  const messagesPerCustomer = Object.fromEntries([...spread].sort(([one], [other]) => one - other))
  const person = shop.worstHit()
  const hits = person && by.get(person.id)
  if (!hits) return { worst: null, messagesPerCustomer }
  return { worst: { ...hitOf(person, hits), timeline: person.timeline() ?? [] }, messagesPerCustomer }
}

function hitOf({ id, zone }: Person, hits: readonly MessageEnd[]) {
  const times = hits.map(({ at }) => at).sort((one, other) => one - other)
  const within = times.map((at) => times.filter((one) => one > at - 7 * DAY && one <= at).length)
  return { customer: id, sent: hits.length, busiestWeek: Math.max(...within), zone }
}

function gateOf({ tally }: Simulated): Pick<SimulationReport, 'caps' | 'quietHours' | 'refusals' | 'entriesRefused'> {
  const refusals = refusalsOf(tally.refusals)
  const hits = (code: Refusal): number => refusals.find((one) => one.code === code)?.count ?? 0
  return {
    caps: { hits: hits('FREQUENCY_CAP'), outranked: hits('OUTRANKED'), auctions: hits('AUCTION') },
    quietHours: { held: hits('QUIET_HOURS') },
    refusals,
    entriesRefused: refusalsOf(tally.entryRefusals),
  }
}

function refusalsOf(counts: ReadonlyMap<Refusal, ReadonlyMap<string, number>>): RefusalReport[] {
  return [...counts]
    .map(([code, by]) => ({
      code,
      meaning: REFUSALS[code],
      count: [...by.values()].reduce((sum, count) => sum + count, 0),
      journeys: Object.fromEntries([...by].sort(([one], [other]) => (one < other ? -1 : 1))),
    }))
    .sort((one, other) => other.count - one.count || (one.code < other.code ? -1 : 1))
}

const REDRAWN = 1_000

function couponsOf({ shop, tally, members }: Simulated, seed: number): SimulationReport['coupons'] {
  const costs = new Map<string, number>()
  for (const { customer, cost } of tally.redemptions) costs.set(customer, (costs.get(customer) ?? 0) + cost)
  const used = [...costs.values()].filter((cost) => cost > 0)
  const offers = [...shop.coupons.stocks].map(
    ([
      offer,
      {
        offer: { quota },
        issued,
        redeemed,
        cost,
      },
    ]) => ({
      offer,
      quota,
      issued,
      redeemed,
      cost,
    }),
  )
  const sum = (of: (one: (typeof offers)[number]) => number): number => offers.reduce((all, one) => all + of(one), 0)
  return {
    issued: sum((one) => one.issued),
    redeemed: sum((one) => one.redeemed),
    cost: sum((one) => one.cost),
    perCustomer: { ...sampleOf(used), customers: used.length },
    redrawn: { ...sampleOf(redrawn(used, members.length, seed)), times: REDRAWN },
    offers: offers.sort((one, other) => (one.offer < other.offer ? -1 : 1)),
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
  const sum = sorted.reduce((all, one) => all + one, 0)
  return { mean: sorted.length === 0 ? 0 : Math.round(sum / sorted.length), p50: at(0.5), p99: at(0.99) }
}

const PACE_DAYS = 28
const YEAR = 365

function budgetOf(state: BudgetState, { from, days }: Simulated): BudgetReport {
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
function deadBranches({ entries, tally }: Simulated): DeadBranch[] {
  const dead = entries.flatMap(({ plan }) => {
    const named = (what: DeadBranch['what'], names: object): DeadBranch[] =>
      Object.keys(names)
        .filter((name) => !tally.journeys.get(plan.name)?.reached.has(name))
        .map((name) => ({ journey: plan.name, what, name }))
    return [...named('message', plan.copy), ...named('offer', plan.offers), ...named('rule', plan.points)]
  })
  const ways = [...tally.splits].flatMap(([key, by]) => {
    const [journey = '', split = ''] = key.split('/')
    const unseen = [...by].filter(([, count]) => count === 0)
    return unseen.map(([way]): DeadBranch => ({ journey, what: 'way of a split', name: `${split}: ${way}` }))
  })
  return [...dead, ...ways]
}

/** The liability is what all points would cost that are not spent or expired, pending ones too: nothing is taken off for breakage. */
function pointsOf({ shop }: Simulated): SimulationReport['points'] {
  const sums = { pending: 0, available: 0, expired: 0, growth: 0 }
  for (const { lots } of shop.people.values()) {
    for (const { unit, state, remaining, expired } of lots.all) {
      if (unit === 'growth') sums.growth += state === 'available' ? remaining : 0
      else if (state === 'pending' || state === 'available') sums[state] += remaining
      if (unit === 'points') sums.expired += expired
    }
  }
  return { ...sums, liability: pointsCost(sums.pending + sums.available, shop.rules.pointCost) }
}
