/** What customers were known by, hashed (domain/identity.ts): the newest and the ones before. */
import { sql } from 'kysely'
import type { Identity } from '../domain/identity.ts'
import { type Tx, at } from './db.ts'

/** Remembers by what a customer was known now. Call it with the customer locked. */
export async function rememberIdentities(
  tx: Tx,
  { customer, identities, now }: { customer: string; identities: readonly Identity[]; now: number },
): Promise<void> {
  if (identities.length === 0) return
  await sql`
    insert into identities as i (kind, hash, customer, first_seen, last_seen)
    select kind, hash, ${customer}, ${at(now)}, ${at(now)} from json_to_recordset(${JSON.stringify(identities)}) as x (kind text, hash text)
    on conflict (kind, hash, customer) do update set last_seen = greatest(i.last_seen, excluded.last_seen)
  `.execute(tx)
}
