/** A coupon under its lock, and what stands beside it on an order. */
import { sql } from 'kysely'
import type { Beside, Taken, Terms } from '../domain/offer.ts'
import { type Tx, at } from './db.ts'

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
  expires_at: Date
}

/** The coupon, held locked to the end of the transaction. Lock the customer first. */
export async function lockCoupon(tx: Tx, code: string): Promise<HeldCoupon | undefined> {
  const { rows } = await sql<HeldCoupon>`
    select c.code, c.offer, o.title, o.per_member, v.terms, c.customer, c.enrolment, e.journey, c.batch, c.status, c.held_by,
      c.held_until, c.expires_at
    from coupons c join offers o on o.id = c.offer join offer_versions v on v.offer = c.offer and v.version = c.version
    left join enrolments e on e.id = c.enrolment where c.code = ${code} for update of c
  `.execute(tx)
  return rows[0]
}

/** True while some order has it: a hold whose time is over is none. */
export function isHeldBy({ status, held_until }: Pick<HeldCoupon, 'status' | 'held_until'>, now: number): boolean {
  return status === 'held' && held_until !== null && held_until.getTime() > now
}

export interface Standing {
  /** Whether the customer has paid for an order other than this one. */
  paidBefore: boolean
  /** The order's other coupons, held or redeemed. */
  beside: Beside[]
  /** What those that are redeemed took off already. */
  taken: Taken
  /** How many codes for anybody the customer has redeemed of this offer. */
  redeemedOfOffer: number
}

export async function standingOn(
  tx: Tx,
  { code, offer }: Pick<HeldCoupon, 'code' | 'offer'>,
  { order, customer, now }: { order: string; customer: string; now: number },
): Promise<Standing> {
  const { rows } = await sql<{
    paid: boolean
    groups: string[]
    lines: { line: string; discount: number }[]
    shipping: number
    mine: number
  }>`
    select
      exists (select 1 from events where customer = ${customer} and type = 'order.paid'
        and properties->>'order' is distinct from ${order}) as paid,
      array(select v.terms->>'group' from (
          select code from coupons where held_by = ${order} and held_until > ${at(now)}
          union select code from redemptions where "order" = ${order} and reversed_at is null) b
        join coupons c on c.code = b.code join offer_versions v on v.offer = c.offer and v.version = c.version
        where c.code <> ${code}) as groups,
      (select coalesce(json_agg(json_build_object('line', l.line, 'discount', l.discount)), '[]')
        from redemptions r join redemption_lines l on l.redemption = r.id
        where r."order" = ${order} and r.reversed_at is null) as lines,
      (select coalesce(sum(shipping), 0)::float8 from redemptions where "order" = ${order} and reversed_at is null) as shipping,
      (select count(*) from redemptions r join coupons c on c.code = r.code
        where r.customer = ${customer} and r.reversed_at is null and c.offer = ${offer} and c.customer is null) as mine
  `.execute(tx)
  const [row] = rows
  const taken = new Map<string, number>()
  for (const { line, discount } of row?.lines ?? []) taken.set(line, (taken.get(line) ?? 0) + discount)
  return {
    paidBefore: row?.paid ?? false,
    beside: (row?.groups ?? []).map((group) => ({ group })),
    taken: { lines: taken, shipping: row?.shipping ?? 0 },
    redeemedOfOffer: row?.mine ?? 0,
  }
}
