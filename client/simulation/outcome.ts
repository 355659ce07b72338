/** What the days came to for some of the people, as plain data that goes from thread to thread and can be added up. */
import type { ChannelName } from '../../domain/channel.ts'
import type { Refusal } from '../../domain/errors.ts'
import type { AudienceMoves } from './audiences.ts'
import type { BudgetState } from './budgets.ts'
import type { PersonLine } from './person.ts'
import type { Played } from './simulate.ts'
import { type JourneyCount, counted } from './tally.ts'

/** The customer who got the most messages of some. */
export interface Hit {
  customer: string
  sent: number
  zone: string
  /** When, epoch ms. */
  times: number[]
  /** Their story, where it was kept. */
  timeline: PersonLine[] | undefined
}

export interface OfferCount {
  quota: number
  issued: number
  redeemed: number
  cost: number
}

export interface Outcome {
  events: number
  /** Messages that were sent, and those that were decided against. */
  decided: number
  journeys: Map<string, JourneyCount>
  /** Sends by day. */
  channels: Map<ChannelName, number[]>
  /** How many customers got so many messages; who got none is not counted. */
  messagesPerCustomer: Map<number, number>
  worst: Hit | undefined
  refusals: Map<Refusal, Map<string, number>>
  entryRefusals: Map<Refusal, Map<string, number>>
  splits: Map<string, Map<string, number>>
  /** What coupons took off, by the place of the customer. */
  costs: Map<number, number>
  offers: Map<string, OfferCount>
  budgets: Map<string, BudgetState>
  points: { pending: number; available: number; expired: number; spent: number; growth: number }
  failures: Map<string, { count: number; message: string }>
  audiences: ReadonlyMap<string, AudienceMoves>
}

export function outcomeOf({ shop, tally }: Played): Outcome {
  const { events, decided, journeys, channels, refusals, entryRefusals, splits, failures } = tally
  const costs = new Map<number, number>()
  for (const { of, cost } of tally.redemptions) counted(costs, of, cost)
  const messagesPerCustomer = new Map<number, number>()
  const points = { pending: 0, available: 0, expired: 0, spent: shop.spends.spent, growth: 0 }
  for (const { sent, lots } of shop.people.values()) {
    if (sent > 0) counted(messagesPerCustomer, sent)
    for (const { unit, state, remaining, expired } of lots.all) {
      if (unit === 'growth') points.growth += state === 'available' ? remaining : 0
      else if (state === 'pending' || state === 'available') points[state] += remaining
      if (unit === 'points') points.expired += expired
    }
  }
  const offers = [...shop.coupons.stocks].map(
    ([name, { all, redeemed, cost }]) => [name, { quota: all.most, issued: all.issued, redeemed, cost }] as const,
  )
  return {
    events,
    decided,
    journeys,
    channels,
    refusals,
    entryRefusals,
    splits,
    failures,
    messagesPerCustomer,
    costs,
    points,
    worst: hitOf(shop.worstHit()),
    offers: new Map(offers),
    budgets: shop.budgets.states,
    audiences: shop.audiences.moves,
  }
}

function hitOf(person: ReturnType<Played['shop']['worstHit']>): Hit | undefined {
  if (!person || person.sent === 0) return undefined
  const { id, sent, zone, load } = person
  return { customer: id, sent, zone, times: load.past.map(({ at }) => at), timeline: person.timeline() }
}

/** Whether one was hit harder; of two who got as many the first by id. */
export const isWorse = (one: { sent: number; id: string }, other: { sent: number; id: string }): boolean =>
  one.sent !== other.sent ? one.sent > other.sent : one.id < other.id

/** What the people of two threads came to, as one. */
export function together(one: Outcome, other: Outcome): Outcome {
  return {
    events: one.events + other.events,
    decided: one.decided + other.decided,
    journeys: merged(one.journeys, other.journeys, bothJourneys),
    channels: merged(one.channels, other.channels, bothDays),
    messagesPerCustomer: merged(one.messagesPerCustomer, other.messagesPerCustomer, sum),
    worst: worse(one.worst, other.worst),
    refusals: merged(one.refusals, other.refusals, bothCounts),
    entryRefusals: merged(one.entryRefusals, other.entryRefusals, bothCounts),
    splits: merged(one.splits, other.splits, bothCounts),
    costs: merged(one.costs, other.costs, sum),
    offers: merged(one.offers, other.offers, bothOffers),
    budgets: merged(one.budgets, other.budgets, bothBudgets),
    points: {
      pending: one.points.pending + other.points.pending,
      available: one.points.available + other.points.available,
      expired: one.points.expired + other.points.expired,
      spent: one.points.spent + other.points.spent,
      growth: one.points.growth + other.points.growth,
    },
    failures: merged(one.failures, other.failures, bothFailures),
    audiences: merged(one.audiences, other.audiences, bothMoves),
  }
}

const sum = (one: number, other: number): number => one + other
const bothDays = (one: number[], other: number[]): number[] => one.map((many, day) => many + (other[day] ?? 0))
const bothCounts = (one: Map<string, number>, other: Map<string, number>): Map<string, number> =>
  merged(one, other, sum)

function merged<K, V>(one: ReadonlyMap<K, V>, other: ReadonlyMap<K, V>, both: (one: V, other: V) => V): Map<K, V> {
  const all = new Map(one)
  for (const [key, value] of other) {
    const known = all.get(key)
    all.set(key, known === undefined ? value : both(known, value))
  }
  return all
}

function worse(one: Hit | undefined, other: Hit | undefined): Hit | undefined {
  if (!one || !other) return one ?? other
  return isWorse({ id: one.customer, sent: one.sent }, { id: other.customer, sent: other.sent }) ? one : other
}

const bothJourneys = (one: JourneyCount, other: JourneyCount): JourneyCount => ({
  entered: one.entered + other.entered,
  treated: one.treated + other.treated,
  holdout: one.holdout + other.holdout,
  converted: one.converted + other.converted,
  ends: {
    running: one.ends.running + other.ends.running,
    completed: one.ends.completed + other.ends.completed,
    goal: one.ends.goal + other.ends.goal,
    exited: one.ends.exited + other.ends.exited,
    stopped: one.ends.stopped + other.ends.stopped,
    failed: one.ends.failed + other.ends.failed,
  },
  days: bothDays(one.days, other.days),
  reached: new Set([...one.reached, ...other.reached]),
})

const bothOffers = (one: OfferCount, other: OfferCount): OfferCount => ({
  quota: one.quota,
  issued: one.issued + other.issued,
  redeemed: one.redeemed + other.redeemed,
  cost: one.cost + other.cost,
})

const bothBudgets = (one: BudgetState, other: BudgetState): BudgetState => ({
  ...one,
  reserved: one.reserved + other.reserved,
  spent: one.spent + other.spent,
  refused: one.refused + other.refused,
  exhaustedAt:
    one.exhaustedAt === null || other.exhaustedAt === null
      ? (one.exhaustedAt ?? other.exhaustedAt)
      : Math.min(one.exhaustedAt, other.exhaustedAt),
  taken: bothDays(one.taken, other.taken),
})

const bothMoves = (one: AudienceMoves, other: AudienceMoves): AudienceMoves => ({
  entered: one.entered + other.entered,
  left: one.left + other.left,
})

const bothFailures = (one: { count: number; message: string }, other: { count: number; message: string }) => ({
  count: one.count + other.count,
  message: one.message < other.message ? one.message : other.message,
})
