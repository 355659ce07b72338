/** What a journey's budget has to do with its points: held with the award, spent when they are the customer's own. */
import { pointsCost, shareOf } from '../domain/budget.ts'
import type { Refusal } from '../domain/errors.ts'
import type { Earning, PointRule } from '../domain/points.ts'
import { holdMoney, linkOf, lockHold, settleHold, whyNoRoom } from './budget-holds.ts'
import type { Tx } from './db.ts'
import type { RunState } from './enrolments.ts'

/** The key of the transfer that an earning is. */
export const earnKey = (key: string, bonus: string | null): string => (bonus === null ? key : `${key}+${bonus}`)

export interface PointsToHold {
  key: string
  run: Pick<RunState, 'journey' | 'customer'>
  enrolment: string
  terms: Pick<PointRule, 'unit' | 'pending'>
  earnings: readonly Earning[]
  pointCost?: number | undefined
  now: number
}

/**
 * Holds what an award costs, bonuses included, all of it or nothing; spends it at once where the points do not wait. Growth value
 * cannot be spent and costs nothing.
 */
export async function holdPoints(tx: Tx, of: PointsToHold): Promise<Refusal | undefined> {
  const { key, run, enrolment, terms, earnings, pointCost = 1, now } = of
  const link = terms.unit === 'growth' ? undefined : await linkOf(tx, run.journey)
  if (!link) return undefined
  const costs = earnings.map(({ bonus, amount }) => ({
    key: earnKey(key, bonus),
    amount: pointsCost(amount, pointCost),
  }))
  const total = costs.reduce((sum, { amount }) => sum + amount, 0)
  const short = await whyNoRoom(tx, link, { amount: total, marketing: link.class === 'marketing', now })
  if (short) return short
  const { journey, customer } = run
  for (const cost of costs) {
    const held = await holdMoney(tx, { ...cost, journey, enrolment, customer, now })
    if (held.is === 'refused') return held.code
    if (!terms.pending) await settleHold(tx, { key: cost.key, now })
  }
  return undefined
}

/** Spends what is held for an award as far as it became the customer's own: refunds of parts may have taken some before. */
export async function spendHeld(
  tx: Tx,
  { key, part, whole, now }: { key: string; part: number; whole: number; now: number },
): Promise<void> {
  const hold = await lockHold(tx, key)
  if (hold) await settleHold(tx, { key, cost: shareOf(hold.amount, part, whole), now })
}
