/**
 * Limits over accounts: those of one phone or one mail address count as one customer where the offer says so. Whoever counts
 * holds a lock on each identity of the customer, so that two accounts of one are counted one after the other.
 */
import { sql } from 'kysely'
import type { Refusal } from '../domain/errors.ts'
import type { LimitBy } from '../domain/offer.ts'
import type { Tx } from './db.ts'

export interface Counted {
  offer: string
  customer: string
  kinds: readonly LimitBy[]
}

/**
 * Locks what the customer was ever known by, to the end of the transaction: always all of it and in one order, so that two
 * accounts never hold what the other waits for. Call it with the customer locked.
 */
async function lockIdentities(tx: Tx, customer: string): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(id) from (
      select distinct hashtextextended(kind || ' ' || hash, 0) as id from identities
      where customer = ${customer} and kind in ('phone', 'email') order by id offset 0) ids
  `.execute(tx)
}

/** The other accounts that share an identity with the customer, as a subquery. */
export const otherAccounts = (customer: string, kinds: readonly LimitBy[]) => sql`
  select o.customer from identities m join identities o on o.kind = m.kind and o.hash = m.hash and o.customer <> m.customer
  where m.customer = ${customer} and m.kind = any(${kinds})`

/** Why the customer may have no coupon of the offer for the sake of their other accounts, if so. */
export async function issueLimit(tx: Tx, { offer, customer, kinds }: Counted): Promise<Refusal | undefined> {
  if (kinds.length === 0) return undefined
  await lockIdentities(tx, customer)
  const { rows } = await sql<{ full: boolean }>`
    with others as (${otherAccounts(customer, kinds)})
    select exists (select 1 from others) and o.per_member <= (
      select count(*) from coupons where offer = ${offer} and customer in (select customer from others union select ${customer}))
      and o.per_member > coalesce((select issued from member_counters where offer = ${offer} and customer = ${customer}), 0) as full
    from offers o where o.id = ${offer}
  `.execute(tx)
  return rows[0]?.full ? 'IDENTITY_LIMIT' : undefined
}

/** The same for a code for anybody, which counts while it is redeemed. */
export async function redeemLimit(
  tx: Tx,
  { offer, customer, kinds, perMember }: Counted & { perMember: number },
): Promise<Refusal | undefined> {
  if (kinds.length === 0) return undefined
  await lockIdentities(tx, customer)
  const { rows } = await sql<{ full: boolean }>`
    with others as (${otherAccounts(customer, kinds)})
    select exists (select 1 from others) and ${perMember} <= (
      select count(*) from redemptions r join coupons c on c.code = r.code
      where r.customer in (select customer from others union select ${customer}) and r.reversed_at is null
        and c.offer = ${offer} and c.customer is null) as full
  `.execute(tx)
  return rows[0]?.full ? 'IDENTITY_LIMIT' : undefined
}

/** Counts a code for anybody under what its customer is known by, while it stands redeemed. */
export async function countRedeemed(
  tx: Tx,
  { code, customer, kinds }: { code: string; customer: string; kinds: readonly LimitBy[] },
): Promise<void> {
  if (kinds.length === 0) return
  await sql`
    insert into coupon_identities (kind, hash, code)
    select kind, hash, ${code} from identities where customer = ${customer} and kind = any(${kinds}) on conflict do nothing
  `.execute(tx)
}

/** A code for anybody whose redemption was taken back counts for nobody. */
export async function uncountRedeemed(tx: Tx, code: string): Promise<void> {
  await sql`delete from coupon_identities where code = ${code}`.execute(tx)
}

/** Whether the customer, or another account of the same person, has paid for an order other than this one. */
export async function paidByOthers(
  tx: Tx,
  { customer, kinds, order }: { customer: string; kinds: readonly LimitBy[]; order: string },
): Promise<boolean> {
  if (kinds.length === 0) return false
  const { rows } = await sql`
    select 1 from events where customer in (${otherAccounts(customer, kinds)}) and type = 'order.paid'
      and properties->>'order' is distinct from ${order} limit 1
  `.execute(tx)
  return rows.length > 0
}
