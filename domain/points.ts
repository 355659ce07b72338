/**
 * Points and growth value, before any database. Two units that never mix: points are spent, growth value only counts towards a
 * tier. All amounts are whole; money is in minor units (fen).
 */
import { type Birthday, afterDays, fallsOn } from './calendar.ts'

export type Unit = 'points' | 'growth'

/**
 * What a return of the order may take back. pending-only: what is not settled yet. within-balance: also what is settled, as far as
 * there is any. negative-allowed: all of it; what is missing is owed and paid from what comes next.
 */
export type OnReturn = 'pending-only' | 'within-balance' | 'negative-allowed'

/** A rule as a plan words it; what of it was in force is frozen with each award. */
export interface PointRule {
  title: string
  /** points unless said. */
  unit?: Unit
  /** So many at once, or so many for each whole yuan that was paid. */
  earn: { fixed: number } | { perYuan: number }
  /** Multipliers by name, each an award of its own on top of the base: 2 adds the base once more, and 2 and 2 make 3. */
  bonuses?: Record<string, Bonus>
  /** What it awards at most, the base before its bonuses; what is beyond is not awarded. */
  atMost?: Cap | Cap[]
  /** Whether the level the customer had when the order was paid multiplies it, as a bonus of the name 'tier'. */
  tier?: boolean
  /** Whether they wait to be settled, as where the order may yet be returned. */
  pending?: boolean
  /** Calendar days until they expire, to the end of that day; for ever unless said. */
  validDays?: number
  /** within-balance unless said. */
  onReturn?: OnReturn
}

/** Every day, or on the customer's birthday or a day of the month alone, on the customer's own calendar. */
export type Bonus = number | { times: number; on: 'birthday' | { day: number } }

/** So much on one day of the customer's own calendar, or for one order. */
export interface Cap {
  points: number
  per: 'day' | 'order'
}

/** The day on which a run was entered, as the customer's calendar has it. */
export interface BonusDay {
  date: string
  birthday: Birthday | null
}

export const capsOf = ({ atMost }: Pick<PointRule, 'atMost'>): readonly Cap[] =>
  atMost === undefined ? NO_CAPS : Array.isArray(atMost) ? atMost : [atMost]

const NO_CAPS: readonly Cap[] = []

/** What is left of awards under caps: the first of them first, those that come to nothing left out. */
export function withinCap(earnings: readonly Earning[], left: number): Earning[] {
  let rest = Math.max(0, left)
  return earnings.flatMap(({ bonus, amount }) => {
    const kept = Math.min(amount, rest)
    rest -= kept
    return kept > 0 ? [{ bonus, amount: kept }] : []
  })
}

/** What was paid for an order after discounts; `freight` is the part of it that earns nothing. Minor units. */
export interface PaidOrder {
  amount: number
  freight: number
}

/** The order that an event tells of; undefined where it does not say what was paid. */
export function paidOrderOf(properties: Record<string, unknown>): PaidOrder | undefined {
  const { amount, freight = 0 } = properties
  const known = isAmount(amount) && isAmount(freight)
  return known ? { amount, freight } : undefined
}

export const isAmount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const FEN = 100

/** Whole yuan that earn: what was paid less its freight, the rest of a yuan dropped. */
export function yuanThatEarn({ amount, freight }: PaidOrder): number {
  return Math.floor(Math.max(0, amount - freight) / FEN)
}

/** One award; `bonus` null is the base. */
export interface Earning {
  bonus: string | null
  amount: number
}

/** Rounded before it is dropped: 70 × 1.1 is 77, though doubles say a little less. */
const whole = (amount: number): number => Math.floor(Math.round(amount * 1e6) / 1e6)

/** The base and each bonus, without those that come to nothing; undefined where the rule needs an order and there is none. */
export function earningsOf(
  rule: Pick<PointRule, 'earn' | 'bonuses'>,
  order: PaidOrder | undefined,
  day?: BonusDay,
): Earning[] | undefined {
  if ('perYuan' in rule.earn && order === undefined) return undefined
  const base = 'fixed' in rule.earn ? rule.earn.fixed : order ? whole(yuanThatEarn(order) * rule.earn.perYuan) : 0
  const earnings: Earning[] = base > 0 ? [{ bonus: null, amount: base }] : []
  for (const [bonus, worth] of Object.entries(rule.bonuses ?? {})) {
    const amount = whole(base * (timesOn(worth, day) - 1))
    if (amount > 0) earnings.push({ bonus, amount })
  }
  return earnings
}

function timesOn(bonus: Bonus, day: BonusDay | undefined): number {
  if (typeof bonus === 'number') return bonus
  if (day === undefined) return 1
  const on = bonus.on === 'birthday' ? day.birthday : bonus.on
  return on !== null && fallsOn(on, day.date) ? bonus.times : 1
}

/** A rule with the multiplier of a level as one more bonus. */
export function withTier<R extends Pick<PointRule, 'bonuses'>>(rule: R, multiplier: number): R {
  return { ...rule, bonuses: Object.assign({ ...rule.bonuses }, { tier: multiplier }) }
}

/** Points of one award, with a time of their own. `expiresAt` null: never. */
export interface Lot {
  id: number
  remaining: number
  expiresAt: number | null
}

export interface Draw {
  lot: number
  amount: number
}

/**
 * Which lots a debit takes: lot `first` before all, then the one that expires first, then the oldest. Answers as much as there is;
 * whoever needs all of it compares the sum.
 */
export function allocate(lots: readonly Lot[], amount: number, first?: number): Draw[] {
  const end = (lot: Lot): number => lot.expiresAt ?? Infinity
  const rank = (lot: Lot): number => (lot.id === first ? 0 : 1)
  const order = [...lots].sort((a, b) => rank(a) - rank(b) || (end(a) === end(b) ? a.id - b.id : end(a) - end(b)))
  const draws: Draw[] = []
  let left = amount
  for (const { id, remaining } of order) {
    const taken = Math.min(left, remaining)
    if (taken > 0) draws.push({ lot: id, amount: taken })
    left -= taken
  }
  return draws
}

export const sumOf = (parts: readonly { amount: number }[]): number =>
  parts.reduce((sum, { amount }) => sum + amount, 0)

/** What a return takes of settled points now, and what is owed from then on. */
export function clawBack(policy: OnReturn, asked: number, available: number): { taken: number; owed: number } {
  if (policy === 'pending-only') return { taken: 0, owed: 0 }
  const taken = Math.min(asked, available)
  return { taken, owed: policy === 'negative-allowed' ? asked - taken : 0 }
}

/** The end of the `days`-th local day after `from`: midnight at which that day is over. Undefined days: never. */
export function expiryOf(from: number, days: number | undefined, zone: string): number | null {
  return days === undefined ? null : afterDays(from, { days: days + 1, at: '00:00' }, zone)
}
