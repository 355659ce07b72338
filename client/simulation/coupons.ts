/** The coupons of a whole population: one quota for all, a limit for each, and what becomes of each at the checkout. */
import { costOf, mostOf } from '../../domain/budget.ts'
import { type Offer, codeFrom } from '../../domain/coupon.ts'
import type { Refusal } from '../../domain/errors.ts'
import { bucketOf } from '../../domain/experiment.ts'
import { type Terms, termsOf, whyNotRedeem, worthOf } from '../../domain/offer.ts'
import type { Shelf } from '../preview/effects.ts'
import type { PopulationBudgets } from './budgets.ts'
import type { Commons, Share } from './commons.ts'
import { numberOf } from './dice.ts'

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

/** What people of this thread were given of a number for all. */
interface Counter {
  readonly what: number
  readonly part: number
  readonly most: number
  readonly share: Share
  issued: number
}

/** The part of an offer that is all of it; occasions are others. */
const WHOLE = 0

interface Stock {
  nth: number
  offer: Offer
  terms: Terms
  all: Counter
  /** What each occasion gave, where the offer counts that. */
  byOccasion: Map<string, Counter>
  redeemed: number
  cost: number
}

/** Whose coupons they are. */
export interface Holder {
  readonly id: string
  /** In the population. */
  readonly place: number
  readonly coupons: Map<string, HeldCoupon>
  /** None of them ends later. */
  lastCoupon: number
}

interface Given extends Pick<HeldCoupon, 'key' | 'title' | 'expiresAt'> {
  name: string
  occasion: string | null
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
  commons: Commons
  /** How many people the other threads play, who may all ask at once. */
  others: number
  /** Told of each coupon, and whose it is. */
  issued: (coupon: HeldCoupon, of: Holder) => void
}

export class PopulationCoupons {
  readonly stocks = new Map<string, Stock>()
  private readonly over: CouponsOver

  constructor(plans: readonly { offers: Record<string, Offer> }[], over: CouponsOver) {
    this.over = over
    for (const { offers } of plans) {
      for (const [name, offer] of Object.entries(offers)) {
        if (this.stocks.has(name)) continue
        const nth = this.stocks.size
        const all = this.counterOf(nth, WHOLE, offer.quota)
        this.stocks.set(name, { nth, offer, terms: termsOf(offer), all, byOccasion: new Map(), redeemed: 0, cost: 0 })
      }
    }
  }

  private counterOf(what: number, part: number, most: number): Counter {
    const { commons, others: burst } = this.over
    return { what, part, most, share: commons.share(what, part, { most, lasting: true, burst }), issued: 0 }
  }

  /** What counts a coupon of an offer: the quota, and the number of its occasion where there is one. */
  private countersOf({ nth, offer, all, byOccasion }: Stock, occasion: string | null): Counter[] {
    if (offer.perOccasion === undefined || occasion === null) return [all]
    const known = byOccasion.get(occasion) ?? this.counterOf(nth, numberOf(occasion), offer.perOccasion)
    byOccasion.set(occasion, known)
    return [all, known]
  }

  private left({ share, most, issued }: Counter): number {
    return this.over.commons.left(share, most - issued, 1)
  }

  private count(counter: Counter): void {
    counter.issued += 1
    this.over.commons.took(counter.what, counter.part, 1)
  }

  /** The shelf of one customer. */
  shelfOf(holder: Holder): Shelf {
    return new HoldersShelf(this, holder)
  }

  /** What is left of an offer for an occasion; undefined where there is no such offer. */
  leftOf(name: string, occasion: string | null): number | undefined {
    const stock = this.stocks.get(name)
    if (!stock) return undefined
    let left = Infinity
    for (const counter of this.countersOf(stock, occasion)) left = Math.min(left, this.left(counter))
    return left
  }

  /** Gives one to a customer; answers its code. */
  give({ name, occasion, ...asked }: Given, holder: Holder): string {
    const { coupons: held } = holder
    const stock = this.stocks.get(name)
    if (stock) for (const counter of this.countersOf(stock, occasion)) this.count(counter)
    const coupon: HeldCoupon = {
      code: codeOf(asked.key, held),
      key: asked.key,
      offer: name,
      title: asked.title,
      terms: stock?.terms ?? termsOf({}),
      expiresAt: asked.expiresAt,
      status: 'open',
      order: null,
      cost: 0,
    }
    held.set(coupon.code, coupon)
    this.over.issued(coupon, holder)
    return coupon.code
  }

  takeBack({ coupons: held }: Holder, code: string): 'void' | 'used' | 'over' {
    const coupon = held.get(code)
    if (coupon?.status !== 'open') return coupon?.status === 'redeemed' ? 'used' : 'over'
    coupon.status = 'lost'
    this.over.budgets.release(coupon.key)
    return 'void'
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
    this.settle(coupon, 1)
    this.over.budgets.settle(coupon.key, cost)
    return coupon
  }

  /** The order is refunded as a whole: the coupon comes back, by its terms. Answers what it had cost beside it. */
  refund(held: Map<string, HeldCoupon>, order: string, now: number): { coupon: HeldCoupon; cost: number } | undefined {
    const coupon = [...held.values()].find((one) => one.status === 'redeemed' && one.order === order)
    if (!coupon) return undefined
    this.settle(coupon, -1)
    const { cost } = coupon
    const { onRefund } = coupon.terms
    if (onRefund.is === 'reissue') coupon.expiresAt = Math.max(coupon.expiresAt, now + onRefund.ms)
    const lives = onRefund.is !== 'lost' && coupon.expiresAt > now
    Object.assign(coupon, { status: lives ? 'open' : 'lost', order: null, cost: 0 })
    this.over.budgets.refund(coupon.key, lives ? (mostOf(coupon.terms) ?? 0) : null)
    return { coupon, cost }
  }

  private settle({ offer, cost }: HeldCoupon, by: 1 | -1): void {
    const stock = this.stocks.get(offer)
    if (!stock) return
    stock.redeemed += by
    stock.cost += by * cost
  }
}

class HoldersShelf implements Shelf {
  private readonly of: PopulationCoupons
  private readonly holder: Holder
  private readonly counts = new Map<string, number>()

  constructor(of: PopulationCoupons, holder: Holder) {
    this.of = of
    this.holder = holder
  }

  offer(name: string): Offer | undefined {
    return this.of.stocks.get(name)?.offer
  }

  had(name: string): number {
    return this.counts.get(name) ?? 0
  }

  left(name: string, { quota }: Offer, occasion: string | null): number {
    return this.of.leftOf(name, occasion) ?? quota
  }

  take(name: string, { key, title, expiresAt }: Parameters<Shelf['take']>[1], occasion: string | null): string {
    this.counts.set(name, this.had(name) + 1)
    const { holder } = this
    holder.lastCoupon = Math.max(holder.lastCoupon, expiresAt)
    return this.of.give({ name, occasion, key, title, expiresAt }, holder)
  }

  takeBack(code: string): 'void' | 'used' | 'over' {
    return this.of.takeBack(this.holder, code)
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
