/** Coupons, issued once. SQL only, so a local activity. */
import { localDate } from '../domain/calendar.ts'
import type { Coupon } from '../domain/coupon.ts'
import { milliseconds } from '../domain/duration.ts'
import type { Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import { issueCoupon } from '../store/coupons.ts'
import type { Now, Parts } from './index.ts'

export interface CouponRequest {
  key: string
  run: string
  offer: string
  /** How long it can be used, as the plan words it: '7 days'. */
  valid: string
  asked: number
}

export type CouponResult = { is: 'issued'; coupon: Coupon } | { is: 'refused'; code: Refusal } | { is: 'held' }

export function couponActivities({ db, policy, drawCode, log }: Parts, now: Now) {
  return {
    /** Issues a coupon, or says why not: quota, customer's limit, control arm, run over. */
    async issueCoupon({ key, run, offer, valid, asked }: CouponRequest): Promise<CouponResult> {
      const validMs = milliseconds(valid)
      const issue = await issueCoupon(db, { key, run, offer, valid, validMs, now: now(asked), drawCode })
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
      const { code, title, expiresAt, zone } = issue.coupon
      const expires = localDate(expiresAt.getTime(), zone ?? policy.shopZone)
      return { is: 'issued', coupon: { code, offer, title, expires, expiresAt: expiresAt.toISOString() } }
    },
  }
}
