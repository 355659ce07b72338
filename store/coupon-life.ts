/** The life of one coupon, for operators: issued, held, redeemed, refunded, taken back, each with its key. */
import { sql } from 'kysely'
import type { Terms } from '../domain/offer.ts'
import type { Db } from './db.ts'
import type { HeldCoupon } from './held-coupons.ts'

export interface LifeOfCoupon {
  code: string
  offer: string
  title: string
  version: number
  terms: Terms
  status: HeldCoupon['status']
  /** Null for a code of a batch. */
  customer: string | null
  run: string | null
  batch: string | null
  /** The key it was issued under. */
  key: string
  issuedAt: Date
  expiresAt: Date
  heldBy: string | null
  heldUntil: Date | null
  voided: { key: string; reason: string; at: string } | null
  redemptions: RedemptionOfCoupon[]
}

export interface RedemptionOfCoupon {
  order: string
  customer: string
  key: string
  redeemedAt: string
  /** Minor units, as it was redeemed. */
  discount: number
  shipping: number
  gift: string | null
  /** What of the discount was taken back since, with lines that were returned. */
  reversed: number
  reversedAt: string | null
  outcome: string | null
}

export async function lifeOfCoupon(db: Db, code: string): Promise<LifeOfCoupon | undefined> {
  const { rows } = await sql<LifeOfCoupon>`
    select c.code, c.offer, o.title, c.version, v.terms, c.status, c.customer, c.enrolment as run, c.batch, c.key,
      c.issued_at as "issuedAt", c.expires_at as "expiresAt", c.held_by as "heldBy", c.held_until as "heldUntil",
      case when c.void_key is not null
        then json_build_object('key', c.void_key, 'reason', c.void_reason, 'at', c.voided_at) end as voided,
      (select coalesce(json_agg(json_build_object('order', r."order", 'customer', r.customer, 'key', r.key,
          'redeemedAt', r.redeemed_at, 'discount', r.discount, 'shipping', r.shipping, 'gift', r.gift,
          'reversed', coalesce((select sum(discount) from redemption_lines
            where redemption = r.id and reversed_at is not null), 0),
          'reversedAt', r.reversed_at, 'outcome', r.outcome) order by r.id), '[]')
        from redemptions r where r.code = c.code) as redemptions
    from coupons c join offers o on o.id = c.offer join offer_versions v on v.offer = c.offer and v.version = c.version
    where c.code = ${code}
  `.execute(db)
  return rows[0]
}
