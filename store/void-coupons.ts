/** Taking back a coupon that nobody has redeemed: by an operator's word, or where what it was given for fell away. */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { releaseCoupon } from './coupon-budgets.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { lockRun } from './enrolments.ts'
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

/** What became of a coupon that was to be taken back: `over` where its time was, or it had been taken back or lost before. */
export type CouponBack = 'void' | 'used' | 'over'

/**
 * Takes back the coupon that an effect key issued. Behind the customer's lock and then the coupon's, as the checkout takes them: it is
 * redeemed or void, never both.
 */
export async function takeCouponBack(
  tx: Tx,
  { key, reason, now }: { key: string; reason: string; now: number },
): Promise<CouponBack> {
  const { rows } = await sql<{ code: string; over: boolean }>`
    select code, expires_at <= ${at(now)} and status = 'open' as over from coupons where key = ${key}`.execute(tx)
  const [coupon] = rows
  if (!coupon || coupon.over) return 'over'
  const voided = await voidCoupon(tx, { code: coupon.code, key: `${key}/taken-back`, reason, now })
  if (voided.is === 'void') return voided.replayed ? 'over' : 'void'
  return voided.code === 'COUPON_REDEEMED' ? 'used' : 'over'
}

/**
 * Takes back what coupons a run issued and nobody has used, with what the budget held for them; whether the run is on does not
 * matter. Asked again there is nothing left to take. Throws RUN_UNKNOWN.
 */
export function voidCouponsOf(
  db: Db,
  { run: id, now: clock }: { run: string; now: () => number },
): Promise<{ coupons: number; used: number }> {
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, id)
    if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
    const now = clock()
    const reason = run.reason === null ? 'its run is over' : `its run is over: ${run.reason}`
    const { rows } = await sql<{ key: string }>`
      select key from coupons where enrolment = ${id} order by issued_at, key`.execute(tx)
    const back = { coupons: 0, used: 0 }
    for (const { key } of rows) {
      const became = await takeCouponBack(tx, { key, reason, now })
      if (became === 'void') back.coupons += 1
      if (became === 'used') back.used += 1
    }
    return back
  })
}
