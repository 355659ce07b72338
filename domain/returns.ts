/**
 * What a refund takes back. An order may be refunded in parts: each takes its share of what the order earned, rounded down over
 * the sum of the parts, so that in whatever sizes they come all is taken with the last and never more. Money in minor units.
 */
import { type PaidOrder, paidOrderOf } from './points.ts'

/** The shop's event; `order` of its properties names the order. */
export const REFUNDED = 'order.refunded'

/** One such event. `amount` of its properties is what was paid back, `freight` the part of it that had earned nothing. */
export interface RefundTold {
  id: string
  properties: Record<string, unknown>
}

export interface RefundedPart {
  /** The shop's id of the refund, or `@` and the event's where it says none. */
  refund: string
  /** What was paid back of the goods before this part, and with it. */
  before: number
  upTo: number
}

export interface Refunds {
  /** One says no amount, or the parts come to all that had earned. */
  whole: boolean
  /** What earned, and the parts of it in the order in which they were told; none of them where what was paid is not known. */
  goods: number
  parts: RefundedPart[]
}

/** What the refunds of one order come to. The same refund told twice counts once, as it was told first. */
export function refundsOf(paid: PaidOrder | undefined, told: readonly RefundTold[]): Refunds {
  const goods = paid ? goodsOf(paid) : 0
  const parts = new Map<string, RefundedPart>()
  let upTo = 0
  let whole = false
  for (const { id, properties } of told) {
    const paidBack = paidOrderOf(properties)
    if (paidBack === undefined || goods === 0) {
      whole = true
      continue
    }
    const refund = refundId(properties['refund']) ?? `@${id}`
    if (parts.has(refund)) continue
    const before = upTo
    upTo = Math.min(goods, upTo + goodsOf(paidBack))
    parts.set(refund, { refund, before, upTo })
  }
  return { whole: whole || (told.length > 0 && upTo >= goods), goods, parts: [...parts.values()] }
}

/** What was paid back in all, each refund once; one that does not say how much counts as nothing. */
export function paidBackOf(told: readonly RefundTold[]): number {
  const seen = new Set<string>()
  let back = 0
  for (const { id, properties } of told) {
    const paidBack = paidOrderOf(properties)
    const refund = refundId(properties['refund']) ?? `@${id}`
    if (!paidBack || seen.has(refund)) continue
    seen.add(refund)
    back += paidBack.amount
  }
  return back
}

const goodsOf = ({ amount, freight }: PaidOrder): number => Math.max(0, amount - freight)

function refundId(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && text !== '' && text.length <= 128 ? text : undefined
}

/** A part's share of an award. The shares of parts that come to `goods` sum to `earned`. */
export function shareOf(earned: number, { before, upTo }: RefundedPart, goods: number): number {
  // Products of points and fen may pass 2^53.
  const until = (sum: number): number => Number((BigInt(earned) * BigInt(sum)) / BigInt(goods))
  return until(upTo) - until(before)
}
