/** The budget of a plan in memory: store/budget-holds.ts for one run, with as much left as the walk says. */
import { mostOf, pointsCost, roomOf } from '../../domain/budget.ts'
import type { Offer } from '../../domain/coupon.ts'
import type { Refusal } from '../../domain/errors.ts'
import { termsOf } from '../../domain/offer.ts'
import type { Unit } from '../../domain/points.ts'
import type { Setting } from './setting.ts'

/** What a point costs in a walk, as where POINT_COST is not set. */
const POINT = 1

/** Points of one key, and how many of how many. */
export interface PointsPart {
  key: string
  unit: Unit
  part: number
  whole: number
}

/** What pays for the coupons and points of a journey. */
export interface Purse {
  /** Why a coupon of the offer may not be, by the most that it costs. */
  whyNotCoupon(offer: Offer): Refusal | undefined
  holdCoupon(offer: Offer, key: string): void
  /** Takes what points cost, all of them or none, or says why they may not be. */
  takePoints(points: readonly PointsPart[], pending: boolean): Refusal | undefined
  /** They are the customer's own. */
  settlePoints(points: PointsPart): void
  /** A return took them. */
  giveBack(points: PointsPart, was: 'pending' | 'settled'): void
}

export class VirtualBudget implements Purse {
  private left: number

  constructor({ plan, budgetLeft }: Pick<Setting, 'plan' | 'budgetLeft'>) {
    this.left = plan.budget ? (budgetLeft ?? firstRoom(plan)) : Infinity
  }

  whyNotCoupon(offer: Offer): Refusal | undefined {
    const amount = this.left === Infinity ? 0 : mostOf(termsOf(offer))
    if (amount === undefined) return 'COST_UNBOUNDED'
    return amount > this.left ? 'BUDGET_EXHAUSTED' : undefined
  }

  holdCoupon(offer: Offer): void {
    this.left -= mostOf(termsOf(offer)) ?? 0
  }

  takePoints(points: readonly PointsPart[]): Refusal | undefined {
    const amount = points.reduce((sum, { unit, part }) => sum + costOfPoints(unit, part), 0)
    if (amount > this.left) return 'BUDGET_EXHAUSTED'
    this.left -= amount
    return undefined
  }

  settlePoints(): void {}

  giveBack({ unit, part }: PointsPart): void {
    this.left += costOfPoints(unit, part)
  }
}

/** Growth value cannot be spent and costs nothing. */
const costOfPoints = (unit: Unit, points: number): number => (unit === 'growth' ? 0 : pointsCost(points, POINT))

/** What the plan's own words leave this journey; a cap that another plan or an operator words is not known here. */
function firstRoom({ budget, class: kind }: Setting['plan']): number {
  if (!budget) return Infinity
  const { cap, journeyCap, lineBp } = budget
  const campaign = cap === null ? Infinity : roomOf({ cap, reserved: 0, spent: 0, lineBp }, kind === 'marketing')
  return Math.min(campaign, journeyCap ?? Infinity)
}
