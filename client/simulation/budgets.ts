/** Money over a whole population: store/budgets.ts and store/budget-holds.ts in memory. What it counts is what the people of one thread took. */
import { type PlannedBudget, mostOf, ownBudget, pointsCost, roomOf, shareOf } from '../../domain/budget.ts'
import type { Refusal } from '../../domain/errors.ts'
import { termsOf } from '../../domain/offer.ts'
import type { MessageClass } from '../../domain/sending.ts'
import type { PointsPart, Purse } from '../preview/budget.ts'
import type { Commons, Share } from './commons.ts'

export interface BudgetState {
  id: string
  /** The campaign's, of a journey's own. */
  parent: string | null
  cap: number
  reserved: number
  spent: number
  lineBp: number
  /** How often it had no room, and when first. */
  refused: number
  exhaustedAt: number | null
  /** What was taken by the end of each day, by the day's number since the beginning. */
  taken: number[]
}

/** One budget as its thread draws on it. */
interface Drawn {
  readonly state: BudgetState
  readonly what: number
  readonly share: Share
}

interface Hold {
  key: string
  of: Drawn[]
  amount: number
  state: 'open' | 'settled' | 'released'
  settled: number
}

interface Draws {
  of: Drawn[]
  marketing: boolean
  /** Made when the journey first asks. */
  purse?: Purse
}

export class PopulationBudgets {
  readonly states = new Map<string, BudgetState>()
  private readonly drawn = new Map<string, Drawn>()
  private readonly draws = new Map<string, Draws>()
  private readonly holds = new Map<string, Hold>()
  private readonly now: () => number
  private readonly pointCost: number
  private readonly commons: Commons

  constructor(
    plans: readonly { name: string; class: MessageClass; budget?: PlannedBudget | undefined }[],
    { now, pointCost, commons }: { now: () => number; pointCost: number; commons: Commons },
  ) {
    this.now = now
    this.pointCost = pointCost
    this.commons = commons
    for (const { name, class: kind, budget } of plans) {
      if (!budget) continue
      const { cap, journeyCap, lineBp } = budget
      const shared = this.draw(budget.name, { parent: null, cap: cap ?? 0, lineBp })
      const own =
        journeyCap === null
          ? []
          : [this.draw(ownBudget(budget.name, name), { parent: budget.name, cap: journeyCap, lineBp: 0 })]
      this.draws.set(name, { of: [shared, ...own], marketing: kind === 'marketing' })
    }
  }

  private draw(id: string, first: Pick<BudgetState, 'parent' | 'cap' | 'lineBp'>): Drawn {
    const state = this.state(id, first)
    const what = this.drawn.get(id)?.what ?? FIRST_BUDGET + this.drawn.size
    const drawn = { state, what, share: this.commons.share(what, 0, { most: state.cap, lasting: false }) }
    this.drawn.set(id, drawn)
    return drawn
  }

  private state(id: string, first: Pick<BudgetState, 'parent' | 'cap' | 'lineBp'>): BudgetState {
    const known = this.states.get(id)
    if (known) {
      // Another plan may have named it before the one that words the cap.
      if (known.cap === 0) Object.assign(known, first)
      return known
    }
    const state = { id, ...first, reserved: 0, spent: 0, refused: 0, exhaustedAt: null, taken: [] }
    this.states.set(id, state)
    return state
  }

  /** What pays for a journey's coupons and points. */
  purse(journey: string): Purse {
    const draws = this.draws.get(journey)
    return draws ? (draws.purse ??= this.purseOf(draws)) : FREE
  }

  private purseOf(draws: Draws): Purse {
    const cost = ({ unit, part }: PointsPart): number => (unit === 'growth' ? 0 : pointsCost(part, this.pointCost))
    return {
      whyNotCoupon: (offer) => {
        const most = mostOf(termsOf(offer))
        return most === undefined ? 'COST_UNBOUNDED' : this.whyNoRoom(draws, most)
      },
      holdCoupon: (offer, key) => this.hold(key, draws, mostOf(termsOf(offer)) ?? 0),
      takePoints: (points, pending) => {
        const short = this.whyNoRoom(
          draws,
          points.reduce((sum, one) => sum + cost(one), 0),
        )
        if (short) return short
        for (const one of points) {
          this.hold(one.key, draws, cost(one))
          if (!pending) this.settle(one.key)
        }
        return undefined
      },
      settlePoints: ({ key, part, whole }) => {
        const hold = this.holds.get(key)
        if (hold) this.settle(key, shareOf(hold.amount, part, whole))
      },
      giveBack: ({ key, part, whole }, was) => {
        // A part of what is pending is not spent when the rest is settled.
        if (was === 'settled') this.giveBack(key, { part, whole })
        else if (part >= whole) this.release(key)
      },
    }
  }

  private whyNoRoom({ of, marketing }: Draws, amount: number): Refusal | undefined {
    const short = of.filter((drawn) => this.room(drawn, marketing, amount) < amount)
    for (const { state } of short) {
      state.refused += 1
      state.exhaustedAt ??= this.now()
    }
    return short.length > 0 ? 'BUDGET_EXHAUSTED' : undefined
  }

  /** What is left for somebody who would take so much. */
  private room({ state, share }: Drawn, marketing: boolean, wanted: number): number {
    return this.commons.left(share, roomOf(state, marketing), wanted)
  }

  private hold(key: string, { of }: Draws, amount: number): void {
    const hold: Hold = { key, of, amount, state: 'open', settled: 0 }
    this.holds.set(key, hold)
    this.move(hold, amount, 0)
  }

  /** Spends what a hold came to and frees the rest; what costs more than was held is taken besides. */
  settle(key: string, cost?: number): void {
    const hold = this.holds.get(key)
    if (hold?.state !== 'open') return
    const spent = cost ?? hold.amount
    Object.assign(hold, { state: 'settled', settled: spent })
    this.move(hold, -hold.amount, spent)
  }

  /** Lets go of an open hold, as of a coupon that expired. */
  release(key: string): void {
    const hold = this.holds.get(key)
    if (hold?.state !== 'open') return
    hold.state = 'released'
    this.move(hold, -hold.amount, 0)
  }

  /** A refund: what was spent is free, and the most of a coupon that lives again is held anew, as far as there is room. */
  refund(key: string, most: number | null): void {
    const hold = this.holds.get(key)
    if (hold?.state !== 'settled') return
    this.move(hold, 0, -hold.settled)
    Object.assign(hold, { state: 'released', settled: 0 })
    if (most === null) return
    const amount = Math.max(0, Math.min(most, ...hold.of.map((drawn) => this.room(drawn, false, most))))
    Object.assign(hold, { state: 'open', amount })
    this.move(hold, amount, 0)
  }

  private giveBack(key: string, { part, whole }: { part: number; whole: number }): void {
    const hold = this.holds.get(key)
    if (hold?.state !== 'settled') return
    const back = shareOf(hold.settled, part, whole)
    hold.settled -= back
    this.move(hold, 0, -back)
  }

  /** Remembers what is taken at the end of a day. */
  endDay(): void {
    for (const state of this.states.values()) state.taken.push(state.reserved + state.spent)
  }

  private move({ of }: Hold, reserved: number, spent: number): void {
    for (const { state, what } of of) {
      state.reserved += reserved
      state.spent += spent
      this.commons.took(what, 0, reserved + spent)
    }
  }
}

/** Offers are numbered from 0 on; nobody has so many. */
export const FIRST_BUDGET = 1_000_000

/** A journey without a budget. */
const FREE: Purse = {
  whyNotCoupon: () => undefined,
  holdCoupon: () => {},
  takePoints: () => undefined,
  settlePoints: () => {},
  giveBack: () => {},
}
