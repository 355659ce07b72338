/** Codes that were tried and are none: counted for each who, so that nobody can guess for long. */
import { sql } from 'kysely'
import { type Tx, at } from './db.ts'

/** So many codes that are none, in so long, and no code is looked at any more until the oldest of them is that old. */
export const TRIES_MOST = 10
export const TRIES_WITHIN_MS = 10 * 60_000

/** Selects when (`tried`) the last try was that locks one of `who` out at `now`; null where none is. Read it with the customer locked. */
export const lockingTry = (who: readonly string[], now: number) => sql`
  select max(at) as tried from (
    select at, row_number() over (partition by who order by at desc) as nth from code_tries
    where who = any(${who}) and at > ${at(now - TRIES_WITHIN_MS)}) t where nth = ${TRIES_MOST}`

/** Counts a code that is none; the same one again is one try. Those that count no more are let go. */
export async function countTry(tx: Tx, who: readonly string[], code: string, now: number): Promise<void> {
  await sql`delete from code_tries where who = any(${who}) and at <= ${at(now - TRIES_WITHIN_MS)}`.execute(tx)
  await sql`
    insert into code_tries (who, code, at) select distinct w, ${code}, ${at(now)}::timestamptz from unnest(${who}::text[]) w
    on conflict (who, code) do update set at = excluded.at
  `.execute(tx)
}

/** Until when none of `who` may try a code, or undefined where they may. Call it with the customer locked. */
export async function lockedUntil(tx: Tx, who: readonly string[], now: number): Promise<number | undefined> {
  const { rows } = await sql<{ tried: Date | null }>`${lockingTry(who, now)}`.execute(tx)
  return rows[0]?.tried ? rows[0].tried.getTime() + TRIES_WITHIN_MS : undefined
}
