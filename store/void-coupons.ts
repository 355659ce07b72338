/** Taking back a coupon that nobody has redeemed: by an operator's word, or where what it was given for fell away. */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { releaseCoupon } from './coupon-budgets.ts'
import { type Tx, at } from './db.ts'
import { decide } from './decisions.ts'
import { lockCoupon } from './held-coupons.ts'

export type Voiding =
  | { is: 'void'; replayed: boolean }
  | { is: 'refused'; code: Extract<Refusal, 'COUPON_UNKNOWN' | 'COUPON_REDEEMED' | 'COUPON_LOST'> }

/**
 * Takes an unredeemed coupon back for good, once: under its key, and once a coupon whatever the key. A cart that holds it loses
 * it. It keeps its place in the quota and in what its customer may have: it was issued. Locks the customer and then the coupon,
 * as a redemption does, so of the two at once one is first and the other is refused. Throws IDEMPOTENCY_MISMATCH where the key
 * took back another coupon.
 */
export async function voidCoupon(
  tx: Tx,
  { code, key, reason, now }: { code: string; key: string; reason: string; now: number },
): Promise<Voiding> {
  // A coupon never changes hands, so its customer may be read before either is locked.
  await sql`select 1 from customers where id = (select customer from coupons where code = ${code}) for update`.execute(
    tx,
  )
  const coupon = await lockCoupon(tx, code)
  const { rows } = await sql<{ code: string }>`select code from coupons where void_key = ${key}`.execute(tx)
  if (rows[0] && rows[0].code !== code) {
    throw new PerennialError('IDEMPOTENCY_MISMATCH', `'${key}' took back another coupon`, { field: 'key' })
  }
  if (!coupon) return { is: 'refused', code: 'COUPON_UNKNOWN' }
  const { status, customer, journey, enrolment, offer } = coupon
  if (status === 'void') return { is: 'void', replayed: true }
  if (status === 'redeemed' || status === 'lost') {
    return { is: 'refused', code: status === 'lost' ? 'COUPON_LOST' : 'COUPON_REDEEMED' }
  }
  const { numAffectedRows } = await sql`
    update coupons set status = 'void', held_by = null, held_until = null, held_basket = null, void_key = ${key},
      void_reason = ${reason}, voided_at = ${at(now)}
    where code = ${code} and status in ('open', 'held')
  `.execute(tx)
  if (numAffectedRows !== 1n) throw new PerennialError('INTERNAL', 'a coupon was not as its lock said')
  await releaseCoupon(tx, { code, now })
  if (customer !== null) {
    const about = { customer, journey: journey ?? offer, enrolment, about: 'coupon', verdict: 'void' } as const
    await decide(tx, { ...about, key: `void/${key}`, detail: `${offer}: ${reason}`, now })
  }
  return { is: 'void', replayed: false }
}
