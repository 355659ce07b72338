/** The checkout's door to coupons, whoever stands at it: the HTTP routes, a test, a shop's own program in this process. */
import { type CheckoutAction, readCheckout, readIdempotencyKey } from '../domain/contracts/checkout.ts'
import { readCode } from '../domain/coupon.ts'
import type { Clock } from '../domain/tempo.ts'
import { type Db, storeError } from '../store/db.ts'
import type { Answer, Checkout } from '../store/checkouts.ts'
import {
  type Redeemed,
  type Released,
  type Reserved,
  redeemCoupon,
  releaseCoupon,
  reserveCoupon,
} from '../store/redemptions.ts'
import { type Refunded, refundCoupon } from '../store/refunds.ts'

export interface CouponParts {
  db: Db
  clock: Clock
}

export interface CouponCall {
  /** As the customer typed it. */
  code: string
  /** The request's own; a retry brings the same. */
  key: unknown
  body: unknown
}

export type CouponAnswer = Answer<Reserved> | Answer<Redeemed> | Answer<Released> | Answer<Refunded>

/**
 * Reserves, redeems, releases or refunds a coupon. What may not be is an answer with `ok: false` and a code of REFUSALS. Throws
 * CHECKOUT_INVALID, CUSTOMER_UNKNOWN, IDEMPOTENCY_MISMATCH and STORE_UNAVAILABLE: ask again under the same key.
 */
export async function askCoupon(parts: CouponParts, action: CheckoutAction, call: CouponCall): Promise<CouponAnswer> {
  const key = readIdempotencyKey(call.key)
  const code = readCode(call.code)
  const ask = ASK[action](parts.db, call.body, { key, now: parts.clock.now() })
  // What cannot be a code is no guess at one: the form of codes is no secret.
  if (code === undefined) return { ok: false, code: 'COUPON_UNKNOWN' }
  try {
    return await ask(code)
  } catch (error) {
    throw storeError(error)
  }
}

type About = Pick<Checkout, 'key' | 'now'>
type Ask = (db: Db, body: unknown, about: About) => (code: string) => Promise<CouponAnswer>

/** The body is read before the code is, so that a malformed request is told so whatever its code. */
const ASK: Record<CheckoutAction, Ask> = {
  reserve(db, body, about) {
    const { lines, shipping, for: holdMs, ...of } = readCheckout('reserve', body)
    return (code) => reserveCoupon(db, { ...of, ...about, code, holdMs, basket: { lines, shipping } })
  },
  redeem(db, body, about) {
    const { lines, shipping, ...of } = readCheckout('redeem', body)
    return (code) => redeemCoupon(db, { ...of, ...about, code, basket: { lines, shipping } })
  },
  release(db, body, about) {
    const of = readCheckout('release', body)
    return (code) => releaseCoupon(db, { ...of, ...about, code })
  },
  refund(db, body, about) {
    const of = readCheckout('refund', body)
    return (code) => refundCoupon(db, { ...of, ...about, code })
  },
}
