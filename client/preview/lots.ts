/** Points and growth value of one customer, lot by lot: store/ledger.ts and store/returns.ts in memory. */
import { type Draw, type Lot, type OnReturn, type Unit, allocate, clawBack, sumOf } from '../../domain/points.ts'

/** What was earned under one key; a bonus has a lot of its own. */
export interface Earned extends Lot {
  key: string
  journey: string
  run: string
  rule: string
  /** The order that began the run, if one did. */
  order: string | undefined
  unit: Unit
  onReturn: OnReturn
  original: number
  state: 'pending' | 'available' | 'void' | 'expired'
  earnedAt: number
  /** When it became the customer's own, and by the how-manieth change; null before. */
  settled: { at: number; nth: number } | null
  /** What of it expired, and what returns have taken, with what is owed. */
  expired: number
  returned: number
  reversed: boolean
  /** The refunds of parts that were looked at. */
  refunds: readonly string[]
}

export type NewLot = Pick<
  Earned,
  'key' | 'journey' | 'run' | 'rule' | 'order' | 'unit' | 'onReturn' | 'original' | 'expiresAt'
> & { pending: boolean; now: number }

export interface Taken {
  was: 'pending' | 'settled'
  /** What went, with what is owed from now on; and what it is a part of, for the money that paid for it. */
  amount: number
  whole: number
}

const NONE: readonly string[] = []

/** Points that no rule of a journey earned. */
const OF_NONE = {
  journey: '',
  run: '',
  rule: '',
  order: undefined,
  unit: 'points',
  onReturn: 'within-balance',
  pending: false,
} as const

export class Lots {
  readonly all: Earned[] = []
  /** Those of growth value, which every decision about a tier goes through. */
  private readonly growths: Earned[] = []
  /** By journey and rule. */
  private readonly byRule = new Map<string, Map<string, Earned[]>>()
  private readonly debt: Record<Unit, number> = { points: 0, growth: 0 }
  private changes = 0
  private grown = 0

  /** All growth value that is settled, whenever it was. */
  get allGrowth(): number {
    return this.grown
  }

  /** Nothing expires before this; Infinity where nothing ever does. */
  soonest = Infinity
  private readonly ofAll: { soonest: number }

  /** `ofAll`: before when nothing of anybody expires; it may be long before. */
  constructor(ofAll: { soonest: number } = { soonest: Infinity }) {
    this.ofAll = ofAll
  }

  /** The number of the newest change: what comes after it is fresh. */
  get newest(): number {
    return this.changes
  }

  earn({ key, journey, run, rule, order, unit, onReturn, original, expiresAt, pending, now }: NewLot): Earned {
    const nth = ++this.changes
    const lot: Earned = {
      key,
      journey,
      run,
      rule,
      order,
      unit,
      onReturn,
      original,
      expiresAt,
      id: nth,
      remaining: original,
      state: pending ? 'pending' : 'available',
      earnedAt: now,
      settled: pending ? null : { at: now, nth },
      expired: 0,
      returned: 0,
      reversed: false,
      refunds: NONE,
    }
    this.all.push(lot)
    if (lot.unit === 'growth') this.growths.push(lot)
    this.file(lot)
    this.soonest = Math.min(this.soonest, lot.expiresAt ?? Infinity)
    this.ofAll.soonest = Math.min(this.ofAll.soonest, this.soonest)
    if (!pending) this.own(lot, lot.remaining, now)
    return lot
  }

  private file(lot: Earned): void {
    const ofJourney = this.byRule.get(lot.journey) ?? new Map<string, Earned[]>()
    const ofRule = ofJourney.get(lot.rule)
    if (ofRule) ofRule.push(lot)
    else this.byRule.set(lot.journey, ofJourney.set(lot.rule, [lot]))
  }

  /** What a rule of a journey has earned, the oldest first. */
  of(journey: string, rule: string): readonly Earned[] {
    return this.byRule.get(journey)?.get(rule) ?? []
  }

  /** Makes a pending lot the customer's own; answers how much that is. */
  settle(lot: Earned, now: number): number {
    lot.state = 'available'
    lot.settled = { at: now, nth: ++this.changes }
    const { remaining } = lot
    this.own(lot, remaining, now)
    return remaining
  }

  private own({ unit }: Earned, amount: number, now: number): void {
    if (unit === 'growth') this.grown += amount
    this.repay(unit, now)
  }

  /** Takes a lot back: all that is left of it, or the share of a refund. A refund is looked at once. */
  takeBack(
    lot: Earned,
    { refund, share = lot.original, now }: { refund?: string; share?: number; now: number },
  ): Taken {
    if (refund === undefined) lot.reversed = true
    else lot.refunds = [...lot.refunds, refund]
    this.changes += 1
    if (lot.state === 'pending') {
      const amount = Math.min(share, lot.remaining)
      lot.remaining -= amount
      lot.returned += amount
      if (lot.remaining === 0) lot.state = 'void'
      return { was: 'pending', amount, whole: lot.original }
    }
    const whole = lot.original - lot.returned
    const asked = Math.max(0, Math.min(share, lot.original - lot.expired - lot.returned))
    const { taken, owed } = clawBack(lot.onReturn, asked, this.available(lot.unit, now))
    this.draw(lot.unit, taken, now, lot.id)
    this.debt[lot.unit] += owed
    lot.returned += taken + owed
    return { was: 'settled', amount: taken + owed, whole }
  }

  /** What has expired by now is gone; answers how much that was. */
  expire(now: number): number {
    let gone = 0
    if (this.soonest > now) return gone
    for (const lot of this.all) {
      if (lot.state !== 'available' || lot.remaining === 0 || lot.expiresAt === null || lot.expiresAt > now) continue
      gone += lot.remaining
      if (lot.unit === 'growth') this.grown -= lot.remaining
      lot.expired += lot.remaining
      lot.remaining = 0
      lot.state = 'expired'
      this.changes += 1
    }
    this.soonest = this.all.reduce(
      (least, lot) =>
        lot.state === 'expired' || lot.remaining === 0 ? least : Math.min(least, lot.expiresAt ?? Infinity),
      Infinity,
    )
    return gone
  }

  /** Spends so many points of those there are, those that expire first before the others; answers which. */
  spend(amount: number, now: number): Draw[] {
    this.expire(now)
    this.changes += 1
    return this.draw('points', amount, now)
  }

  /** Gives a spend back to the lots it came from, and what has expired meanwhile as a lot of its own; answers how much that is. */
  restore(
    draws: readonly Draw[],
    { key, expiresAt, now }: { key: string; expiresAt: number | null; now: number },
  ): number {
    this.expire(now)
    this.changes += 1
    let late = 0
    for (const { lot: id, amount } of draws) {
      const lot = this.all.find((one) => one.id === id)
      if (lot?.state === 'available' && (lot.expiresAt ?? Infinity) > now) {
        lot.remaining += amount
        this.soonest = Math.min(this.soonest, lot.expiresAt ?? Infinity)
      } else late += amount
    }
    if (late > 0) this.earn({ ...OF_NONE, key, original: late, expiresAt, now })
    this.repay('points', now)
    return sumOf(draws)
  }

  available(unit: Unit, now: number): number {
    let sum = 0
    for (const lot of this.spendable(unit, now)) sum += lot.remaining
    return sum
  }

  pending(unit: Unit): number {
    return sumOf(this.all.map((lot) => ({ amount: lot.unit === unit && lot.state === 'pending' ? lot.remaining : 0 })))
  }

  /** The growth value that was settled at `since` or later, by a change after `after` and up to `upto`. */
  growth({ since, after }: { since: number; after: number }, upto = Infinity): number {
    let sum = 0
    for (const { settled, remaining } of this.growths) {
      if (settled && settled.at >= since && settled.nth > after && settled.nth <= upto) sum += remaining
    }
    return sum
  }

  private spendable(unit: Unit, now: number): Earned[] {
    return this.all.filter(
      (lot) =>
        lot.unit === unit &&
        lot.state === 'available' &&
        lot.remaining > 0 &&
        (lot.expiresAt === null || lot.expiresAt > now),
    )
  }

  private draw(unit: Unit, amount: number, now: number, first?: number): Draw[] {
    const lots = this.spendable(unit, now)
    const draws = allocate(lots, amount, first)
    for (const draw of draws) {
      const lot = lots.find(({ id }) => id === draw.lot)
      if (lot) lot.remaining -= draw.amount
      if (unit === 'growth') this.grown -= draw.amount
    }
    return draws
  }

  /** What is owed is paid from what there is. */
  private repay(unit: Unit, now: number): void {
    const amount = Math.min(this.debt[unit], this.debt[unit] > 0 ? this.available(unit, now) : 0)
    if (amount === 0) return
    this.draw(unit, amount, now)
    this.debt[unit] -= amount
    this.changes += 1
  }
}
