/** The budget of a plan in memory: store/budget-holds.ts for one run, with as much left as the walk says. */
import { mostOf, pointsCost, roomOf } from '../../domain/budget.ts'
import type { Offer } from '../../domain/coupon.ts'
import type { Refusal } from '../../domain/errors.ts'
import { termsOf } from '../../domain/offer.ts'
import type { Unit } from '../../domain/points.ts'
import type { Setting } from './setting.ts'

/** What a point costs in a walk, as where POINT_COST is not set. */
const POINT = 1

export class VirtualBudget {
  private left: number

  constructor({ plan, budgetLeft }: Pick<Setting, 'plan' | 'budgetLeft'>) {
    this.left = plan.budget ? (budgetLeft ?? firstRoom(plan)) : Infinity
  }

  /** Why a coupon of the offer may not be, by the most that it costs. */
  whyNotCoupon(offer: Offer): Refusal | undefined {
    const amount = this.left === Infinity ? 0 : mostOf(termsOf(offer))
    if (amount === undefined) return 'COST_UNBOUNDED'
    return amount > this.left ? 'BUDGET_EXHAUSTED' : undefined
  }

  holdCoupon(offer: Offer): void {
    this.left -= mostOf(termsOf(offer)) ?? 0
  }

  /** Takes what points cost, or says why they may not be. */
  takePoints(unit: Unit, points: number): Refusal | undefined {
    const amount = unit === 'growth' ? 0 : pointsCost(points, POINT)
    if (amount > this.left) return 'BUDGET_EXHAUSTED'
    this.left -= amount
    return undefined
  }

  /** Points that are void cost nothing any more. */
  giveBack(unit: Unit, points: number): void {
    if (unit === 'points') this.left += pointsCost(points, POINT)
  }
}

/** What the plan's own words leave this journey; a cap that another plan or an operator words is not known here. */
function firstRoom({ budget, class: kind }: Setting['plan']): number {
  if (!budget) return Infinity
  const { cap, journeyCap, lineBp } = budget
  const campaign = cap === null ? Infinity : roomOf({ cap, reserved: 0, spent: 0, lineBp }, kind === 'marketing')
  return Math.min(campaign, journeyCap ?? Infinity)
}
