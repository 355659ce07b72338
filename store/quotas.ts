/** What a provider may be given in a day of its own: a guarded counter, and a row for each message it counts. */
import { sql } from 'kysely'
import type { Db, Tx } from './db.ts'

export interface QuotaUse {
  provider: string
  /** The day in the provider's zone, '2026-11-23'. */
  day: string
  message: string
  /** How many messages the day holds. */
  most: number
}

/**
 * Counts a message against the day; false where the day is full. The same message counts once a day, however often it is asked for:
 * call it with its customer locked.
 */
export async function takeQuota(tx: Tx, { provider, day, message, most }: QuotaUse): Promise<boolean> {
  const { rows } = await sql`
    select 1 from provider_uses where provider = ${provider} and day = ${day} and message = ${message}`.execute(tx)
  if (rows.length > 0) return true
  if (most < 1) return false
  const { numAffectedRows } = await sql`
    insert into provider_days as d (provider, day, used, most) values (${provider}, ${day}, 1, ${most})
    on conflict (provider, day) do update set used = d.used + 1, most = excluded.most where d.used < excluded.most
  `.execute(tx)
  if (numAffectedRows !== 1n) return false
  await sql`insert into provider_uses (provider, day, message) values (${provider}, ${day}, ${message})`.execute(tx)
  return true
}

/** How many messages count against a day. */
export async function quotaUsed(db: Db, provider: string, day: string): Promise<number> {
  const { rows } = await sql<{ used: number }>`
    select used from provider_days where provider = ${provider} and day = ${day}`.execute(db)
  return rows[0]?.used ?? 0
}
