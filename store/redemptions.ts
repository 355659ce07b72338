/**
 * Coupons at the checkout: reserved for a cart, redeemed on an order once, let go. Each is one transaction under an idempotency
 * key (checkouts.ts), behind the customer's lock and then the coupon's. A refusal is a value and leaves nothing but its line in
 * the decision log, so it may be asked again under the same key.
 */
import { sql } from 'kysely'
import { costOf } from '../domain/budget.ts'
import type { Refusal } from '../domain/errors.ts'
import { type Basket, type Gives, type Worth, whyNotRedeem, worthBeside } from '../domain/offer.ts'
import {
  type Answer,
  type Checkout,
  type Done,
  type Kept,
  type Refused,
  mustHit,
  noteKey,
  noteUnder,
  once,
  sameAs,
} from './checkouts.ts'
import { isCovered, settleCoupon } from './coupon-budgets.ts'
import { type Db, type Tx, at } from './db.ts'
import { type HeldCoupon, isHeldBy, standingOn } from './held-coupons.ts'
import { countRedeemed, redeemLimit } from './identity-limits.ts'

export interface WithBasket extends Checkout {
  basket: Basket
}

/** `gives` is null where the shop's own till knows what the coupon is worth. */
export interface Valued extends Worth {
  offer: string
  title: string
  gives: Gives | null
  expiresAt: string
}

export type Reserved = { ok: true; heldUntil: string } & Valued
export type Redeemed = { ok: true; redeemedAt: string } & Valued
export interface Released {
  ok: true
  /** False where this order did not have it. */
  released: boolean
}

/** Takes the coupon for the order for `holdMs`, or until it expires. Asked again by the same order it holds on anew. */
export function reserveCoupon(db: Db, asked: WithBasket & { holdMs: number }): Promise<Answer<Reserved>> {
  const { order, now, basket, holdMs } = asked
  return once<Reserved>(db, 'reserve', { ...asked, input: { basket, holdMs } }, async (tx, coupon) => {
    const worth = await valued(tx, coupon, asked)
    if (!worth.ok) return worth
    const until = at(Math.min(now + holdMs, coupon.expires_at.getTime()))
    mustHit(
      await sql`
      update coupons set status = 'held', held_by = ${order}, held_until = ${until}, held_basket = ${JSON.stringify(basket)}
      where code = ${coupon.code} and ${takeable(order, now)}
    `.execute(tx),
    )
    return { answer: { ok: true, heldUntil: until.toISOString(), ...worth.valued } }
  })
}

/** Uses the coupon on the order. Asked again for the same order, under whatever key, it answers the first redemption again. */
export function redeemCoupon(db: Db, asked: WithBasket): Promise<Answer<Redeemed>> {
  const { basket } = asked
  return once<Redeemed>(db, 'redeem', { ...asked, input: { basket } }, async (tx, coupon, hash) => {
    // A redemption stands just where the coupon is redeemed.
    const before = coupon.status === 'redeemed' ? await redemptionOn(tx, coupon.code, asked.order) : undefined
    return before ? { answer: sameAs<Redeemed>(before, hash), replayed: true } : redeemLocked(tx, coupon, asked, hash)
  })
}

/** Redeems a coupon under its lock and its customer's, with the answer kept under the key. */
export async function redeemLocked(
  tx: Tx,
  coupon: HeldCoupon,
  asked: WithBasket,
  hash: string,
): Promise<Done<Redeemed>> {
  const worth = await valued(tx, coupon, asked)
  if (!worth.ok) return worth
  const { order, customer, key, now } = asked
  const answer: Redeemed = { ok: true, redeemedAt: at(now).toISOString(), ...worth.valued }
  const { discount, shipping, gift, lines } = answer
  const total = lines.reduce((sum, line) => sum + line.amount, 0)
  const { hold } = coupon
  const paid = { cost: costOf(coupon.terms, answer), redemption: key, now }
  const covered = hold !== null && isCovered(hold, paid.cost)
  const unpaid = hold && !covered ? await settleCoupon(tx, hold, paid) : undefined
  if (unpaid) return { ok: false, code: unpaid }
  const { journey, enrolment } = noteUnder(coupon, customer)
  mustHit(
    await sql`/* prepared */
    with used as (
      update coupons set status = 'redeemed', held_by = null, held_until = null, held_basket = null
      where code = ${coupon.code} and ${takeable(order, now)} returning code),
    made as (
      insert into redemptions (code, customer, "order", key, basket, discount, shipping, gift, redeemed_at)
      select code, ${customer}, ${order}, ${key}, ${total}, ${discount}, ${shipping}, ${gift}, ${at(now)} from used
      returning id),
    lines as (
      insert into redemption_lines (redemption, line, amount, discount)
      select made.id, l.* from made,
        json_to_recordset(${JSON.stringify(lines)}) as l (line text, amount bigint, discount bigint)),
    noted as (
      insert into decisions (key, customer, journey, enrolment, about, verdict, detail, at)
      select ${noteKey(asked, 'redeemed')}, ${customer}, ${journey}, ${enrolment}, 'coupon', 'redeemed', ${coupon.offer}, ${at(now)}
      from made on conflict (key) do nothing)
    insert into checkout_answers (key, request_hash, answer, at)
    select ${key}, ${hash}, ${JSON.stringify(answer)}, ${at(now)} from made
  `.execute(tx),
  )
  if (covered) await settleCoupon(tx, hold, paid)
  if (coupon.customer === null) {
    await countRedeemed(tx, { code: coupon.code, customer, kinds: coupon.terms.limitBy ?? [] })
  }
  return { answer, kept: true }
}

/** Lets go of what the order holds; nothing happens where it holds nothing. A redeemed coupon is refunded, not released. */
export function releaseCoupon(db: Db, asked: Checkout): Promise<Answer<Released>> {
  const { order } = asked
  return once<Released>(db, 'release', { ...asked, input: {} }, async (tx, coupon) => {
    if (await redemptionOn(tx, coupon.code, order)) return { ok: false, code: 'COUPON_REDEEMED' }
    return { answer: { ok: true, released: await letGo(tx, coupon.code, order) } }
  })
}

/** Lets go of a hold; false where the order has none. Call it with the coupon locked. */
export async function letGo(tx: Tx, code: string, order: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update coupons set status = 'open', held_by = null, held_until = null, held_basket = null
    where code = ${code} and status = 'held' and held_by = ${order}
  `.execute(tx)
  return numAffectedRows === 1n
}

/** What the coupon does to the basket, or why it may not. */
async function valued(
  tx: Tx,
  coupon: HeldCoupon,
  { order, customer, basket, now }: WithBasket,
): Promise<{ ok: true; valued: Valued } | Refused> {
  const refuse = (code: Refusal): Refused => ({ ok: false, code })
  const over = stateRefusal(coupon, now)
  if (over) return refuse(over)
  if (isHeldBy(coupon, now) && coupon.held_by !== order) return refuse('COUPON_HELD')
  const { paidBefore, beside, redeemedOfOffer } = await standingOn(tx, coupon, { order, customer, now })
  const { code: own, offer, title, terms, expires_at, per_member: perMember } = coupon
  // One's own coupons were counted when they were issued; a code for anybody counts here.
  if (coupon.customer === null) {
    if (redeemedOfOffer >= perMember) return refuse('MEMBER_LIMIT')
    const limit = await redeemLimit(tx, { offer, customer, kinds: terms.limitBy ?? [], perMember })
    if (limit) return refuse(limit)
  }
  const code = whyNotRedeem(terms, { basket, paidBefore, beside })
  if (code) return refuse(code)
  const worth = worthBeside({ code: own, terms }, basket, beside)
  return { ok: true, valued: { offer, title, gives: terms.gives, expiresAt: expires_at.toISOString(), ...worth } }
}

function stateRefusal({ status, expires_at }: HeldCoupon, now: number): Refusal | undefined {
  if (status === 'redeemed') return 'COUPON_REDEEMED'
  if (status === 'lost') return 'COUPON_LOST'
  if (status === 'void') return 'COUPON_VOID'
  return expires_at.getTime() <= now ? 'COUPON_EXPIRED' : undefined
}

const takeable = (order: string, now: number) => sql`
  expires_at > ${at(now)} and (status = 'open' or (status = 'held' and (held_by = ${order} or held_until <= ${at(now)})))`

/** The answer of the redemption that stands of a coupon on an order. */
export async function redemptionOn(tx: Tx, code: string, order: string): Promise<Kept | undefined> {
  const { rows } = await sql<Kept>`
    select a.request_hash, a.answer from redemptions r join checkout_answers a on a.key = r.key
    where r.code = ${code} and r."order" = ${order} and r.reversed_at is null
  `.execute(tx)
  return rows[0]
}
