/** Coupons by hand for the tests of the store: offers, codes and requests of the checkout with every field said. */
import { randomBytes } from 'node:crypto'
import { codeFrom } from '../../domain/coupon.ts'
import type { CheckoutWords } from '../../domain/offer.ts'
import { codesOf, makeCodes } from '../../store/codes.ts'
import { type Issue, addOffers, issueCoupon } from '../../store/coupons.ts'
import type { Db } from '../../store/db.ts'
import { redeemCoupon, releaseCoupon, reserveCoupon } from '../../store/redemptions.ts'
import { refundCoupon } from '../../store/refunds.ts'
import { DAY, HOUR, NOON } from './given.ts'

export const drawCode = (): string => codeFrom(randomBytes(12))

export const BASKET = {
  lines: [
    { id: 'a', amount: 1000 },
    { id: 'b', amount: 500 },
  ],
  shipping: 600,
}

export interface Asked {
  key?: string
  customer?: string
  order?: string
  now?: number
  basket?: { lines: { id: string; amount: number; category?: string }[]; shipping: number }
}

/** The run of a customer whom `enterCrowd` put into the journey 'story'. */
export const runOf = (customer: string): string => `story/${customer}`

export function couponShop(db: Db, customer: string) {
  let count = 0
  const all = (code: string, more: Asked) => ({
    key: `q-${++count}`,
    code,
    customer,
    order: 'O-1',
    basket: BASKET,
    now: NOON + HOUR,
    ...more,
  })
  const shop = {
    /** A new offer of 100; its name. */
    async offer(words: CheckoutWords & { perMember?: number } = {}): Promise<string> {
      const id = `offer-${++count}`
      await addOffers(db, { [id]: { title: 'Offer', quota: 100, perMember: 1, gives: { percent: 10 }, ...words } })
      return id
    },
    issue(offer: string, to: string, nth = 1): Promise<Issue> {
      const key = `${runOf(to)}/coupon/${offer}#${nth}`
      const valid = { valid: '7 days', validMs: 7 * DAY, now: NOON }
      return issueCoupon(db, { key, run: runOf(to), offer, ...valid, drawCode })
    },
    /** The code of a coupon of a new offer, issued to `to`. */
    async code(words: CheckoutWords & { perMember?: number } = {}, to = customer): Promise<string> {
      const issue = await shop.issue(await shop.offer(words), to)
      return issue.is === 'issued' ? issue.coupon.code : ''
    },
    /** Codes of an offer for whoever brings them. */
    async codes(offer: string, size: number): Promise<string[]> {
      const batch = `batch-${offer}`
      await makeCodes(db, { batch, offer, count: size, valid: '7 days', now: NOON, drawCode })
      const codes: string[] = []
      for await (const some of codesOf(db, { batch, made: size })) codes.push(...some)
      return codes
    },
    order: (): string => `O-${++count}`,
    reserve: (code: string, more: Asked & { holdMs?: number } = {}) =>
      reserveCoupon(db, { holdMs: HOUR, ...all(code, more) }),
    redeem: (code: string, more: Asked = {}) => redeemCoupon(db, all(code, more)),
    release: (code: string, more: Asked = {}) => releaseCoupon(db, all(code, more)),
    refund: (code: string, more: Asked & { lines?: string[] } = {}) => refundCoupon(db, all(code, more)),
  }
  return shop
}

export const no = (code: string): object => ({ ok: false, code })
