/** A coupon under its lock, and what stands beside it on an order. */
import { type RawBuilder, sql } from 'kysely'
import type { Basket, Beside, Terms } from '../domain/offer.ts'
import { HOLD_OF_COUPON, type HoldRow } from './budget-holds.ts'
import { type Tx, at } from './db.ts'
import { paidByOthers } from './identity-limits.ts'

export interface HeldCoupon {
  code: string
  offer: string
  title: string
  per_member: number
  /** Of the version it was issued under. */
  terms: Terms
  /** Null for a code of a batch, which is whoever's brings it. */
  customer: string | null
  enrolment: string | null
  journey: string | null
  batch: string | null
  status: 'open' | 'held' | 'redeemed' | 'lost' | 'void'
  held_by: string | null
  held_until: Date | null
  /** What the cart held it for. */
  held_basket: Basket | null
  /**
   * What is held for it; null where its journey had no budget when it was issued. Whoever changes that has the customer locked
   * (as a coupon with a hold has one), so read behind that lock it is the newest.
   */
  hold: HoldRow | null
  /** How it stands on the order that asks, where that was read with it. */
  standing?: StandingRow | null
  expires_at: Date
}

/** Selects and locks the coupon, as a statement or a part of one. Lock the customer first. */
export const couponForUpdate = (code: string) => sql<HeldCoupon>`
  select c.code, c.offer, o.title, o.per_member, v.terms, c.customer, c.enrolment, e.journey, c.batch, c.status, c.held_by,
    c.held_until, c.held_basket, c.expires_at, ${HOLD_OF_COUPON} as hold
  from coupons c join offers o on o.id = c.offer join offer_versions v on v.offer = c.offer and v.version = c.version
  left join enrolments e on e.id = c.enrolment where c.code = ${code} for update of c`

/** Its columns, of a part of a statement that is called `locked`. */
export const COUPON_COLUMNS = sql.raw(
  `offer title per_member terms customer enrolment journey batch status held_by held_until held_basket expires_at hold`
    .split(' ')
    .map((column) => `locked.${column}`)
    .join(', '),
)

/** The coupon, held locked to the end of the transaction. Lock the customer first, and of several coupons the lower code. */
export async function lockCoupon(tx: Tx, code: string): Promise<HeldCoupon | undefined> {
  const { rows } = await sql<HeldCoupon>`/* prepared */ ${couponForUpdate(code)}`.execute(tx)
  return rows[0]
}

/** True while some order has it: a hold whose time is over is none. */
export function isHeldBy({ status, held_until }: Pick<HeldCoupon, 'status' | 'held_until'>, now: number): boolean {
  return status === 'held' && held_until !== null && held_until.getTime() > now
}

export interface Standing {
  /** Whether the customer, or another account of theirs where the offer counts those, has paid for an order other than this one. */
  paidBefore: boolean
  /** The order's other coupons, held or redeemed. */
  beside: Beside[]
  /** How many codes for anybody the customer has redeemed of this offer. */
  redeemedOfOffer: number
}

interface BesideRow {
  code: string
  terms: Terms
  redeemed: boolean
  shipping: number
  lines: { line: string; discount: number }[]
}

/** What the store says of a coupon's standing, before it is read. */
export interface StandingRow {
  paid: boolean
  beside: BesideRow[]
  mine: number
}

export interface AtCheckout {
  order: string
  customer: string
  now: number
}

/** Selects a `StandingRow` of the coupon that `code` and `offer` name, as a statement or a part of one. */
export const standingRow = (
  { code, offer }: { code: RawBuilder<unknown>; offer: RawBuilder<unknown> },
  { order, customer, now }: AtCheckout,
) => sql<StandingRow>`
  select
    exists (select 1 from events where customer = ${customer} and type = 'order.paid'
      and properties->>'order' is distinct from ${order}) as paid,
    (select coalesce(json_agg(json_build_object('code', c.code, 'terms', v.terms, 'redeemed', r.id is not null,
        'shipping', coalesce(r.shipping, 0), 'lines', (
          select coalesce(json_agg(json_build_object('line', line, 'discount', discount)), '[]')
          from redemption_lines where redemption = r.id))), '[]')
      from (select code from coupons where held_by = ${order} and held_until > ${at(now)}
        union select code from redemptions where "order" = ${order} and reversed_at is null) b
      join coupons c on c.code = b.code join offer_versions v on v.offer = c.offer and v.version = c.version
      left join redemptions r on r.code = c.code and r."order" = ${order} and r.reversed_at is null
      where c.code <> ${code}) as beside,
    (select count(*) from redemptions r join coupons c on c.code = r.code
      where r.customer = ${customer} and r.reversed_at is null and c.offer = ${offer} and c.customer is null) as mine`

/** How the coupon stands on the order; `standing` where it was read with the coupon. Call it with the customer locked. */
export async function standingOn(tx: Tx, coupon: HeldCoupon, checkout: AtCheckout): Promise<Standing> {
  const { order, customer } = checkout
  const { terms } = coupon
  const row = coupon.standing ?? (await readStanding(tx, coupon, checkout))
  const { paid, beside, mine } = row
  const kinds = terms.needs.firstOrder ? (terms.limitBy ?? []) : []
  return {
    paidBefore: paid || (await paidByOthers(tx, { customer, kinds, order })),
    beside: beside.map(({ code: other, terms: theirs, redeemed, shipping, lines }) => {
      const taken = { lines: new Map(lines.map(({ line, discount }) => [line, discount])), shipping }
      return { code: other, terms: theirs, redeemed: redeemed ? taken : null }
    }),
    redeemedOfOffer: mine,
  }
}

async function readStanding(tx: Tx, { code, offer }: HeldCoupon, checkout: AtCheckout): Promise<StandingRow> {
  const { rows } = await standingRow({ code: sql`${code}`, offer: sql`${offer}` }, checkout).execute(tx)
  return rows[0] ?? { paid: false, beside: [], mine: 0 }
}
