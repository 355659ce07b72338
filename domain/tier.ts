/**
 * Tiers, before any database: which level a growth value carries, what counts towards it, how long it lasts and what is left to
 * do. Rank 0 is the lowest level, which everybody has and which never ends. Times on the customer's clock, instants in epoch ms.
 */
import { type Term, afterDays, daysBetween, localDate, startOfYear, termEnd } from './calendar.ts'

/** Given once when a level is reached by rising: a coupon of an offer, points, or both. */
export interface Gift {
  /** The name of an offer, and how long its coupon is good: '30 days'. */
  offer?: string | undefined
  valid: string
  points?: number | undefined
  /** Calendar days until those points expire; for ever unless said. */
  validDays?: number | undefined
}

export interface Level {
  /** Its word in keys, in kebab-case. */
  id: string
  title: string
  /** The growth value from which on one has it; 0 for the first. */
  from: number
  /** Percent off, which the shop's checkout takes. */
  discount?: number | undefined
  /** What points are multiplied by under rules that say `tier: true`. */
  multiplier?: number | undefined
  /** The offer that takes the place of the birthday coupon. */
  birthday?: string | undefined
  /** In words: 'A line of your own'. */
  services?: string[] | undefined
  gift?: Gift | undefined
}

/** What of the growth value counts: of the last so many days, of the calendar year, since the level was reached, or since the customer came. */
export type Counting = { days: number } | 'calendar-year' | 'tier-start' | 'join'

/** The one programme of a shop. */
export interface Programme {
  title: string
  /** Lowest first. */
  levels: Level[]
  window: Counting
  /** How long a level lasts that was reached. */
  term: Term
  /** At the end of a term that was not kept: to the next lower level, or to the one that the growth value carries. */
  downgrade: 'one-down' | 'balance-based'
  /** Days after the term in which it may still be kept. */
  graceDays: number
  /** Whether growth value that a refund took counts against the level at once or when the term ends. */
  onRefund: 'at-once' | 'term-end'
  /** Percent of the next level at which the customer is told: from here, up to here. */
  nearMiss: { from: number; to: number }
}

/** The highest level that a growth value carries. */
export function rankFor({ levels }: Programme, growth: number): number {
  return levels.findLastIndex((level) => growth >= level.from)
}

/** Where a level of an earlier version stands in this one: by its word, else by what it took. */
export function rankUnder(programme: Programme, { id, from }: Pick<Level, 'id' | 'from'>): number {
  const same = programme.levels.findIndex((level) => level.id === id)
  return same >= 0 ? same : rankFor(programme, from)
}

export function levelAt({ levels }: Programme, rank: number): Level {
  const level = levels[rank]
  if (level === undefined) throw new RangeError(`a programme of ${levels.length} levels has none of rank ${rank}`)
  return level
}

/** Growth value that was settled at `since` or later, by a transfer after the one of number `after`. */
export interface Counted {
  since: number
  after: number
}

/** What counts at an instant, for a customer who joined then and whose level begins to count there. */
export function countedAt(
  { window }: Pick<Programme, 'window'>,
  { at, zone, joined, opened }: { at: number; zone: string; joined: number; opened: Counted },
): Counted {
  if (window === 'join') return { since: joined, after: 0 }
  if (window === 'tier-start') return opened
  const since = window === 'calendar-year' ? startOfYear(at, zone) : daysBefore(at, window.days, zone)
  return { since, after: 0 }
}

/** Midnight at which the last so many days began, today included: a year's term does not count the day on which it began. */
const daysBefore = (at: number, days: number, zone: string): number =>
  afterDays(at, { days: 1 - days, at: '00:00' }, zone)

/** A term: the midnight after its last day, and the one after its days of grace, when it is decided whether it was kept. */
export interface Lasting {
  end: number
  due: number
}

/** The term of a level: from now where it was reached now, or the one that follows the term which ended at `from`. */
export function lastingFrom(
  { term, graceDays }: Pick<Programme, 'term' | 'graceDays'>,
  { from, zone, follows }: { from: number; zone: string; follows: boolean },
): Lasting {
  const end = termEnd(term, from, zone, follows)
  return { end, due: graceDays === 0 ? end : afterDays(end, { days: graceDays, at: '00:00' }, zone) }
}

/** The rank after a term, by what its growth value carries. */
export function rankAfterTerm(programme: Programme, rank: number, growth: number): number {
  const carried = rankFor(programme, growth)
  if (carried >= rank) return rank
  return programme.downgrade === 'one-down' ? rank - 1 : carried
}

/** True where so much of the next level is reached that the customer is told how little is missing. */
export function isNear({ nearMiss }: Programme, growth: number, next: Level): boolean {
  const share = (growth / next.from) * 100
  return share >= nearMiss.from && share <= nearMiss.to
}

/** What a level gives at the till, for words and for the checkout. Percent; 1 multiplies nothing. */
export interface LevelBenefits {
  discount: number
  multiplier: number
  services: string[]
}

export const benefitsOf = ({ discount = 0, multiplier = 1, services = [] }: Level): LevelBenefits => ({
  discount,
  multiplier,
  services,
})

/** What a story and the checkout know of a customer's tier. */
export interface TierFacts extends LevelBenefits {
  level: string
  title: string
  /** What counts now. */
  growth: number
  /** The level above and what is missing to it; null on the highest. */
  next: { level: string; title: string; needed: number } | null
  /** What is missing to keep the level, the last day of its term, and how many days that is away; null on the lowest. */
  keep: { needed: number; until: string; daysLeft: number } | null
}

/** How a customer stands. `keeping` is what counts towards the end of the term, under the version the level was reached by. */
export function tierFacts(of: {
  programme: Programme
  level: Level
  growth: number
  keeping: { growth: number; end: number } | null
  now: number
  zone: string
}): TierFacts {
  const { programme, level, growth, keeping, now, zone } = of
  const next = programme.levels[rankUnder(programme, level) + 1]
  return {
    level: level.id,
    title: level.title,
    ...benefitsOf(level),
    growth,
    next: next ? { level: next.id, title: next.title, needed: Math.max(0, next.from - growth) } : null,
    keep: keeping && {
      needed: Math.max(0, level.from - keeping.growth),
      until: localDate(keeping.end - 1, zone),
      daysLeft: daysBetween(now, keeping.end - 1, zone),
    },
  }
}
