/** What offers give and need, version by version, and what became of their coupons. */
import { sql } from 'kysely'
import { canonical } from '../domain/journey.ts'
import type { Terms } from '../domain/offer.ts'
import { type Db, type Tx, at } from './db.ts'

/** Makes `terms` what new coupons of the offer are issued under: as a version of their own, unless one says the same. */
export async function setTerms(tx: Tx, offer: string, terms: Terms): Promise<void> {
  const { rows: locked } = await sql<{
    version: number
  }>`select version from offers where id = ${offer} for update`.execute(tx)
  const { rows } = await sql<{ version: number; terms: Terms }>`
    select version, terms from offer_versions where offer = ${offer} order by version
  `.execute(tx)
  const same = rows.find((row) => canonical(row.terms) === canonical(terms))
  const version = same?.version ?? (rows.at(-1)?.version ?? 0) + 1
  if (!same) {
    await sql`
      insert into offer_versions (offer, version, terms) values (${offer}, ${version}, ${JSON.stringify(terms)})
    `.execute(tx)
  }
  if (locked[0]?.version !== version) {
    await sql`update offers set version = ${version} where id = ${offer}`.execute(tx)
  }
}

export interface OfferLine {
  id: string
  title: string
  /** The version new coupons are issued under. */
  version: number
  terms: Terms
  issued: number
  quota: number
  /** Over how many counters the quota is spread. */
  buckets: number
  perMember: number
  /** What one occasion may give; null: as many as there are. */
  perOccasion: number | null
  /** Coupons on an order that stands. */
  redeemed: number
  /** Coupons a cart has at this moment. */
  held: number
  /** Coupons whose time was over before anybody redeemed them. */
  expired: number
  /** What they took off in all, minor units, refunded orders and returned lines left out. */
  discount: number
}

/** Every offer with what was issued and redeemed of it. */
export async function offerLines(db: Db, now: number): Promise<OfferLine[]> {
  const { rows } = await sql<OfferLine>`
    select o.id, o.title, o.version, v.terms, b.issued, b.quota, b.buckets, o.per_member as "perMember", o.per_occasion as "perOccasion",
      coalesce(c.redeemed, 0) as redeemed, coalesce(c.held, 0) as held,
      coalesce(c.expired, 0) as expired, coalesce(r.discount, 0)::float8 as discount
    from offers o join offer_versions v on v.offer = o.id and v.version = o.version
    join (
      select offer, sum(issued)::int8 as issued, sum(quota)::int8 as quota, count(*) as buckets from offer_buckets group by offer) b
      on b.offer = o.id
    left join (
      select offer, count(*) filter (where status = 'redeemed') as redeemed,
        count(*) filter (where status = 'held' and held_until > ${at(now)}) as held,
        count(*) filter (where status in ('open', 'held') and expires_at <= ${at(now)}) as expired
      from coupons where status <> 'open' or expires_at <= ${at(now)} group by offer) c on c.offer = o.id
    left join (
      select c.offer, sum(r.shipping + coalesce((select sum(discount) from redemption_lines
        where redemption = r.id and reversed_at is null), 0)) as discount
      from redemptions r join coupons c on c.code = r.code
      where r.reversed_at is null group by c.offer) r on r.offer = o.id
    order by o.id
  `.execute(db)
  return rows
}
