/**
 * Coupons that the events of an order name, for shops that do not call the checkout's routes a second time: `order.paid` redeems
 * what the cart had reserved, `order.refunded` gives it back. In the event's own transaction and behind the same locks as the
 * routes, so whichever comes first did it. What may not be is a line in the decision log; the event is taken all the same.
 */
import { sql } from 'kysely'
import { readCode } from '../domain/coupon.ts'
import type { Refusal } from '../domain/errors.ts'
import { type Properties, occasionOf } from '../domain/journey.ts'
import { type Checkout, note, requestHash } from './checkouts.ts'
import type { Tx } from './db.ts'
import { decide } from './decisions.ts'
import { type HeldCoupon, lockCoupon } from './held-coupons.ts'
import { letGo, redeemLocked, redemptionOn } from './redemptions.ts'
import { refundLocked } from './refunds.ts'

interface OrderEvent {
  id: string
  type: string
  customer: { id: string }
  properties: Properties
}

/** So many coupons of one order are looked at. */
const NAMED_MOST = 20
/** Of what is no code, so much is kept in the log. */
const SHOWN = 40

/** Does with the coupons that an order's event names what the event says. Call it with the customer locked. */
export async function settleOrderCoupons(tx: Tx, event: OrderEvent, now: number): Promise<void> {
  if (event.type !== 'order.paid' && event.type !== 'order.refunded') return
  const named = namedIn(event.properties)
  if (named.length === 0) return
  const order = occasionOf('order', event.properties)
  const codes: string[] = []
  for (const text of named) {
    const code = order === undefined ? undefined : readCode(text)
    if (code === undefined)
      await refuse(tx, event, { text, code: order === undefined ? 'OCCASION_MISSING' : 'COUPON_UNKNOWN', now })
    else if (!codes.includes(code)) codes.push(code)
  }
  if (order === undefined) return
  // All of them before the first is looked at, and in one order: two orders of the same codes never wait for each other.
  const locked: [string, HeldCoupon | undefined][] = []
  for (const code of codes.toSorted()) locked.push([code, await lockCoupon(tx, code)])
  const settle = event.type === 'order.paid' ? paid : refunded
  for (const [code, coupon] of locked) {
    // No key of a request has a blank in it.
    const asked = { key: `${event.type} ${event.id} ${code}`, code, customer: event.customer.id, order, now }
    if (!coupon) await refuse(tx, event, { text: code, code: 'COUPON_UNKNOWN', now })
    else await settled(tx, coupon, asked, settle)
  }
}

function namedIn({ coupon, coupons }: Properties): string[] {
  const all = [coupon, ...(Array.isArray(coupons) ? coupons : [coupons])]
  return all
    .filter((one) => one !== undefined && one !== null)
    .map(String)
    .slice(0, NAMED_MOST)
}

type Settle = (tx: Tx, coupon: HeldCoupon, asked: Checkout) => Promise<Refusal | undefined>

async function settled(tx: Tx, coupon: HeldCoupon, asked: Checkout, settle: Settle): Promise<void> {
  const theirs = coupon.customer !== null && coupon.customer !== asked.customer
  const code = theirs ? 'COUPON_NOT_YOURS' : await settle(tx, coupon, asked)
  if (code) await note(tx, coupon, asked, { verdict: 'refused', code })
}

async function paid(tx: Tx, coupon: HeldCoupon, asked: Checkout): Promise<Refusal | undefined> {
  const { code, order, customer } = asked
  if (await redemptionOn(tx, code, order)) return undefined
  const { rows } = await sql`
    select 1 from events where customer = ${customer} and type = 'order.refunded' and properties->>'order' = ${order} limit 1
  `.execute(tx)
  if (rows.length > 0) {
    await letGo(tx, code, order)
    return 'ORDER_REFUNDED'
  }
  if (coupon.held_by !== order || coupon.held_basket === null) return notHeld(coupon)
  const basket = coupon.held_basket
  // As a redeem of this order would be asked, which is then told this redemption.
  const hash = requestHash('redeem', { code, customer, order, input: { basket } })
  const done = await redeemLocked(tx, coupon, { ...asked, basket }, hash)
  return 'ok' in done ? done.code : undefined
}

function notHeld({ status }: HeldCoupon): Refusal {
  if (status === 'redeemed') return 'COUPON_REDEEMED'
  if (status === 'lost') return 'COUPON_LOST'
  return status === 'void' ? 'COUPON_VOID' : 'NOT_RESERVED'
}

async function refunded(tx: Tx, coupon: HeldCoupon, asked: Checkout): Promise<Refusal | undefined> {
  const done = await refundLocked(tx, coupon, asked)
  return 'ok' in done ? done.code : undefined
}

/** The line of a coupon that is none. */
function refuse(
  tx: Tx,
  { id, type, customer }: OrderEvent,
  { text, code, now }: { text: string; code: Refusal; now: number },
): Promise<void> {
  const shown = text.slice(0, SHOWN)
  return decide(tx, {
    key: `${type} ${id} ${shown}`,
    customer: customer.id,
    journey: type,
    enrolment: null,
    about: 'coupon',
    verdict: 'refused',
    code,
    detail: shown,
    now,
  })
}
