/** Money for what is given away: a campaign's cap, within it a journey's own, and what each gift may cost. Minor units (fen). */
import { PerennialError } from './errors.ts'
import type { Gives, Terms, Worth } from './offer.ts'

/** The most a cap may be: with it the sums of hundredths of a percent stay exact. */
export const BUDGET_MOST = 100_000_000_000

/** Percent of the cap; each is told once a cap. */
export const THRESHOLDS = [50, 80, 95, 100] as const
export type Threshold = (typeof THRESHOLDS)[number]

/** Hundredths of a percent of a campaign's cap that marketing may not touch, unless said. */
export const LINE_UNSAID = 500
const WHOLE = 10_000

/** A budget as a plan words it: a name that some other plan or an operator gives a cap, or the first cap as well. */
export type BudgetWords =
  | string
  | {
      /** The campaign's, which journeys may share. */
      name: string
      /** The first cap, minor units; operators steer it afterwards. */
      cap: number
      /** The most that this journey may take of it. */
      journeyCap?: number | undefined
      /** Percent of the cap that only service and transactional journeys may touch: 5 unless said. */
      line?: number | undefined
    }

/** The same, read. Null where the plan does not word it. */
export interface PlannedBudget {
  name: string
  cap: number | null
  journeyCap: number | null
  lineBp: number
}

export function plannedBudget(words: BudgetWords): PlannedBudget {
  if (typeof words === 'string') return { name: words, cap: null, journeyCap: null, lineBp: LINE_UNSAID }
  const { name, cap, journeyCap = null, line } = words
  return { name, cap, journeyCap, lineBp: line === undefined ? LINE_UNSAID : Math.round(line * 100) }
}

/** The id of a journey's own budget within its campaign's. */
export const ownBudget = (campaign: string, journey: string): string => `${campaign}/${journey}`

/** Throws JOURNEY_INVALID where two plans word the first cap of one budget differently: which would hold would be chance. */
export function checkBudgetsAgree(plans: Iterable<{ name: string; budget?: PlannedBudget | undefined }>): void {
  const first = new Map<string, { plan: string; cap: number; lineBp: number }>()
  for (const { name: plan, budget } of plans) {
    if (!budget || budget.cap === null) continue
    const { name, cap, lineBp } = budget
    const before = first.get(name)
    if (before && (before.cap !== cap || before.lineBp !== lineBp)) {
      const why = `workflows/${plan}.ts, budget: '${name}' has another cap or line in workflows/${before.plan}.ts`
      throw new PerennialError('JOURNEY_INVALID', why, { field: 'budget', expected: `'${name}' alone in one of them` })
    }
    first.set(name, before ?? { plan, cap, lineBp })
  }
}

/** What of a cap is kept from marketing, rounded up. */
export const lineOf = (cap: number, lineBp: number): number => Math.ceil((cap * lineBp) / WHOLE)

export interface Standing {
  cap: number
  reserved: number
  spent: number
  lineBp: number
}

/** What may still be taken of a budget, by marketing or by all others; never below zero. */
export function roomOf({ cap, reserved, spent, lineBp }: Standing, marketing: boolean): number {
  return Math.max(0, cap - (marketing ? lineOf(cap, lineBp) : 0) - reserved - spent)
}

/** The highest threshold that is reached; 0 below all. */
export function levelOf({ cap, reserved, spent }: Omit<Standing, 'lineBp'>): Threshold | 0 {
  const taken = reserved + spent
  const reached = THRESHOLDS.filter((threshold) => taken > 0 && taken * 100 >= cap * threshold)
  return reached.at(-1) ?? 0
}

/** Of the thresholds up to `level` those above `alerted`. */
export const crossed = (alerted: number, level: number): Threshold[] =>
  THRESHOLDS.filter((threshold) => threshold > alerted && threshold <= level)

/** Whether what an offer gives says by itself what one coupon costs at most. */
export function isBounded(gives: Gives | null | undefined): boolean {
  return !!gives && ('amount' in gives || ('percent' in gives && gives.atMost !== undefined))
}

/** The most that one coupon costs: what it gives at most, else what the plan words as its cost. Undefined: nobody knows. */
export function mostOf({ gives, cost }: Pick<Terms, 'gives' | 'cost'>): number | undefined {
  if (gives && 'amount' in gives) return gives.amount
  if (gives && 'percent' in gives && gives.atMost !== undefined) return gives.atMost
  return cost
}

/** What a coupon did cost on an order; for a gift, and where the shop's own till knows, what the plan words. */
export function costOf({ gives, cost = 0 }: Pick<Terms, 'gives' | 'cost'>, { discount, shipping }: Worth): number {
  return gives === null || 'gift' in gives ? cost : discount + shipping
}

/** What points cost, `each` minor units a point, which may be a fraction; rounded up. Doubles say a little more or less. */
export const pointsCost = (points: number, each: number): number => Math.ceil(Math.round(points * each * 1e6) / 1e6)

/** What a part of a whole cost, rounded down: the rest stays spent. */
export function shareOf(cost: number, part: number, whole: number): number {
  return whole === 0 || part >= whole ? cost : Number((BigInt(cost) * BigInt(part)) / BigInt(whole))
}
