/** Coupons, issued once. SQL only, so a local activity. */
import { localDate } from '../domain/calendar.ts'
import type { Coupon } from '../domain/coupon.ts'
import { milliseconds } from '../domain/duration.ts'
import type { Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import { type IssuedCoupon, issueCoupon } from '../store/coupons.ts'
import type { Tx } from '../store/db.ts'
import { keptCoupon } from '../store/kept.ts'
import { levelNow } from '../store/tier-benefits.ts'
import { voidCouponsOf } from '../store/void-coupons.ts'
import type { Now, Parts } from './index.ts'

export interface CouponRequest {
  key: string
  run: string
  offer: string
  /** How long it can be used, as the plan words it: '7 days'. */
  valid: string
  /** The offer that the customer's level has for it takes the place of `offer`. */
  pack?: 'birthday' | undefined
  /** The run goes on from another; a coupon that it issued is the one. */
  kept?: true
  asked: number
}

export type CouponResult = { is: 'issued'; coupon: Coupon } | { is: 'refused'; code: Refusal } | { is: 'held' }

/** A coupon as stories and their words know it. */
export function couponOf({ code, offer, title, expiresAt, zone }: IssuedCoupon, shopZone: string): Coupon {
  const expires = localDate(expiresAt.getTime(), zone ?? shopZone)
  return { code, offer, title, expires, expiresAt: expiresAt.toISOString() }
}

export function couponActivities({ db, policy, drawCode, log }: Parts, now: Now) {
  return {
    /** Issues a coupon, or says why not: quota, customer's limit, control arm, run over. */
    async issueCoupon({ key, run, offer, valid, pack, kept, asked }: CouponRequest): Promise<CouponResult> {
      const before = kept && (await keptCoupon(db, { run, key }))
      if (before) return { is: 'issued', coupon: couponOf(before, policy.shopZone) }
      const validMs = milliseconds(valid)
      const request = { key, run, offer, valid, validMs, now: now(asked), drawCode }
      const instead = async (tx: Tx, customer: string): Promise<string | undefined> =>
        (await levelNow(tx, customer, request.now))?.birthday
      const issue = await issueCoupon(db, { ...request, ...(pack && { instead }) })
      const { journey, customer } = partsOfRun(run)
      log({
        effect: 'coupon',
        journey,
        customer,
        key,
        result: issue.is,
        code: issue.is === 'refused' ? issue.code : undefined,
      })
      if (issue.is !== 'issued') return issue
      return { is: 'issued', coupon: couponOf(issue.coupon, policy.shopZone) }
    },

    /** Takes back the coupons of a run that nobody has used, whether or not it is on. */
    async voidCoupons({ run, asked }: { run: string; asked: number }): Promise<{ coupons: number; used: number }> {
      const back = await voidCouponsOf(db, { run, now: () => now(asked) })
      const { journey, customer } = partsOfRun(run)
      log({ effect: 'void', journey, customer, key: run, result: `${back.coupons} void, ${back.used} used` })
      return back
    },
  }
}
