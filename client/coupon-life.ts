/** What an operator asks and does about one coupon. */
import { readCode } from '../domain/coupon.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type LifeOfCoupon, lifeOfCoupon } from '../store/coupon-life.ts'
import { inTransaction } from '../store/db.ts'
import { voidCoupon } from '../store/void-coupons.ts'
import type { OperatorParts } from './operator.ts'

export type CouponLife = LifeOfCoupon

export interface CouponVoided {
  code: string
  /** Why it was not taken back; null where it was, now or before. */
  refused: Refusal | null
  /** True where it had been taken back before. */
  before: boolean
}

/** The coupon of a code as somebody typed it. Throws COUPON_NOT_FOUND. */
export async function couponLife({ db }: OperatorParts, text: string): Promise<CouponLife> {
  const code = readCode(text)
  const found = code === undefined ? undefined : await lifeOfCoupon(db, code)
  if (found) return found
  throw new PerennialError('COUPON_NOT_FOUND', `no coupon '${text.slice(0, 40)}'`, { field: 'code' })
}

/** Takes a coupon back that nobody has redeemed; asked again it answers the same. Throws COUPON_NOT_FOUND. */
export async function voidByOperator(
  parts: OperatorParts,
  { code: text, reason }: { code: string; reason: string },
): Promise<CouponVoided> {
  const { code } = await couponLife(parts, text)
  const now = parts.clock.now()
  const voiding = await inTransaction(parts.db, (tx) => voidCoupon(tx, { code, key: `operator/${code}`, reason, now }))
  return voiding.is === 'void'
    ? { code, refused: null, before: voiding.replayed }
    : { code, refused: voiding.code, before: false }
}
