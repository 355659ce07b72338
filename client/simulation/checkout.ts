/** What an order means at the checkout: coupons and points that are used on it, and come back with its refund. */
import { occasionOf } from '../../domain/journey.ts'
import { REFUNDED } from '../../domain/returns.ts'
import type { Act } from './members.ts'
import type { Person } from './person.ts'
import type { PopulationShop } from './shop.ts'

/** `paidBefore`: whether they had paid for any order before this act. */
export function settleOrder(shop: PopulationShop, person: Person, act: Act, paidBefore: boolean): void {
  const { type, properties } = act
  const order = occasionOf('order', properties)
  if (order === undefined) return
  if (type === 'order.paid') pay(shop, person, act, { order, paidBefore })
  if (type === REFUNDED && properties['amount'] === undefined) payBack(shop, person, order)
}

function pay(
  { clock: { now }, coupons, spends, tally }: PopulationShop,
  person: Person,
  { properties: { amount }, redeems, spends: most }: Act,
  { order, paidBefore }: { order: string; paidBefore: boolean },
): void {
  if (redeems && typeof amount === 'number') {
    const coupon = coupons.redeem(person.coupons, { order, amount, paidBefore, now })
    if (coupon) tally.redeemed(person, coupon, now)
  }
  if (most !== undefined) tally.spent(person, spends.spend(person, { order, most, now }), now)
}

function payBack(
  { clock: { now }, coupons, rolls, spends, tally }: PopulationShop,
  person: Person,
  order: string,
): void {
  const back = coupons.refund(person.coupons, order, now)
  if (back) {
    // A coupon that is issued anew lives longer.
    person.lastCoupon = Math.max(person.lastCoupon, back.coupon.expiresAt)
    rolls.holders.add(person)
    tally.unredeemed(person, back, now)
  }
  tally.spent(person, -spends.restore(person, order, now), now)
}
