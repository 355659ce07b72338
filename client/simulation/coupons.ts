/** The coupons of a whole population: one quota for all, a limit for each, and what becomes of each at the checkout. */
import { costOf, mostOf } from '../../domain/budget.ts'
import { type Offer, codeFrom } from '../../domain/coupon.ts'
import type { Refusal } from '../../domain/errors.ts'
import { bucketOf } from '../../domain/experiment.ts'
import { type Terms, termsOf, whyNotRedeem, worthOf } from '../../domain/offer.ts'
import type { Shelf } from '../preview/effects.ts'
import type { PopulationBudgets } from './budgets.ts'

export interface HeldCoupon {
  code: string
  key: string
  offer: string
  title: string
  terms: Terms
  expiresAt: number
  status: 'open' | 'redeemed' | 'lost'
  order: string | null
  /** What it took off, minor units. */
  cost: number
}

interface Stock {
  offer: Offer
  terms: Terms
  issued: number
  /** Of those, what each occasion gave, where the offer counts that. */
  byOccasion: Map<string, number>
  redeemed: number
  cost: number
}

/** What one paid order asks of the customer's coupons. */
export interface Checkout {
  order: string
  amount: number
  paidBefore: boolean
  now: number
}

export interface CouponsOver {
  budgets: PopulationBudgets
  /** Told of each coupon. */
  issued: (coupon: HeldCoupon) => void
}

export class PopulationCoupons {
  readonly stocks = new Map<string, Stock>()
  private readonly over: CouponsOver

  constructor(plans: readonly { offers: Record<string, Offer> }[], over: CouponsOver) {
    this.over = over
    for (const { offers } of plans) {
      for (const [name, offer] of Object.entries(offers)) {
        if (this.stocks.has(name)) continue
        this.stocks.set(name, { offer, terms: termsOf(offer), issued: 0, byOccasion: new Map(), redeemed: 0, cost: 0 })
      }
    }
  }

  /** The shelf of one customer, whose coupons `held` are. */
  shelfOf(held: Map<string, HeldCoupon>, ends: (at: number) => void): Shelf {
    const counts = new Map<string, number>()
    return {
      offer: (name) => this.stocks.get(name)?.offer,
      had: (name) => counts.get(name) ?? 0,
      left: (name, { quota, perOccasion = Infinity }, occasion) => {
        const { issued = 0, byOccasion } = this.stocks.get(name) ?? {}
        const ofOccasion = occasion === null ? Infinity : perOccasion - (byOccasion?.get(occasion) ?? 0)
        return Math.min(quota - issued, ofOccasion)
      },
      take: (name, asked, occasion) => {
        const stock = this.stocks.get(name)
        counts.set(name, (counts.get(name) ?? 0) + 1)
        if (stock) stock.issued += 1
        if (stock?.offer.perOccasion !== undefined && occasion !== null)
          stock.byOccasion.set(occasion, (stock.byOccasion.get(occasion) ?? 0) + 1)
        const code = codeOf(asked.key, held)
        const terms = stock?.terms ?? termsOf({})
        const coupon: HeldCoupon = { ...asked, code, offer: name, terms, status: 'open', order: null, cost: 0 }
        held.set(code, coupon)
        ends(coupon.expiresAt)
        this.over.issued(coupon)
        return code
      },
      takeBack: (code) => {
        const coupon = held.get(code)
        if (coupon?.status !== 'open') return coupon?.status === 'redeemed' ? 'used' : 'over'
        coupon.status = 'lost'
        this.over.budgets.release(coupon.key)
        return 'void'
      },
    }
  }

  /** The customer uses the coupon that ends first of those that go with the order; undefined where none does. */
  redeem(held: Map<string, HeldCoupon>, { order, amount, paidBefore, now }: Checkout): HeldCoupon | undefined {
    const basket = { lines: [{ id: 'goods', amount }], shipping: 0 }
    const open = [...held.values()]
      .filter(({ status, expiresAt }) => status === 'open' && expiresAt > now)
      .sort((one, other) => one.expiresAt - other.expiresAt || (one.code < other.code ? -1 : 1))
    const whyNot = ({ terms }: HeldCoupon): Refusal | undefined =>
      whyNotRedeem(terms, { basket, paidBefore, beside: [] })
    const coupon = open.find((one) => whyNot(one) === undefined)
    if (!coupon) return undefined
    const cost = costOf(coupon.terms, worthOf(coupon.terms, basket))
    Object.assign(coupon, { status: 'redeemed', order, cost })
    this.count(coupon, 1)
    this.over.budgets.settle(coupon.key, cost)
    return coupon
  }

  /** The order is refunded as a whole: the coupon comes back, by its terms. */
  refund(held: Map<string, HeldCoupon>, order: string, now: number): HeldCoupon | undefined {
    const coupon = [...held.values()].find((one) => one.status === 'redeemed' && one.order === order)
    if (!coupon) return undefined
    this.count(coupon, -1)
    const { onRefund } = coupon.terms
    if (onRefund.is === 'reissue') coupon.expiresAt = Math.max(coupon.expiresAt, now + onRefund.ms)
    const lives = onRefund.is !== 'lost' && coupon.expiresAt > now
    Object.assign(coupon, { status: lives ? 'open' : 'lost', order: null, cost: 0 })
    this.over.budgets.refund(coupon.key, lives ? (mostOf(coupon.terms) ?? 0) : null)
    return coupon
  }

  private count({ offer, cost }: HeldCoupon, by: 1 | -1): void {
    const stock = this.stocks.get(offer)
    if (!stock) return
    stock.redeemed += by
    stock.cost += by * cost
  }
}

/** The same code for the same key; drawn anew, by a number, where the customer has one of it. */
function codeOf(key: string, held: ReadonlyMap<string, HeldCoupon>): string {
  for (let draw = 0; ; draw++) {
    const code = codeFrom(
      Uint8Array.from({ length: 12 }, (_, i) => bucketOf('code', key, String(draw), String(i)) >> 3),
    )
    if (!held.has(code)) return code
  }
}
