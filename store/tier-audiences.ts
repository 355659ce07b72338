/** The pages of members that daily sweeps about tiers walk through. */
import { sql } from 'kysely'
import { type Db, at } from './db.ts'
import type { TierRow } from './tier-history.ts'

/** A member with what is needed to say what counts. */
export interface TierMember extends TierRow {
  zone: string | null
  joined: Date
}

interface Page {
  /** Members after this id, in the order of ids, at most `limit`. */
  after: string
  limit: number
}

/** Members whose term ends after `from`, and by `until`. */
export async function endingTiers(
  db: Db,
  { from, until, after, limit }: { from: number; until: number } & Page,
): Promise<TierMember[]> {
  const { rows } = await sql<TierMember>`
    select h.*, c.zone, c.created_at as joined from tier_history h join customers c on c.id = h.customer
    where h.valid_to is null and h.term_end > ${at(from)} and h.term_end <= ${at(until)} and h.customer > ${after}
    order by h.customer limit ${limit}
  `.execute(db)
  return rows
}

/** Members with any growth value. */
export async function growingTiers(db: Db, { after, limit }: Page): Promise<TierMember[]> {
  const { rows } = await sql<TierMember>`
    select h.*, c.zone, c.created_at as joined from tier_history h join customers c on c.id = h.customer
    join point_balances b on b.customer = h.customer and b.unit = 'growth' and b.available > 0
    where h.valid_to is null and h.customer > ${after} order by h.customer limit ${limit}
  `.execute(db)
  return rows
}
