/** Held messages leave one after the other: slots of time, so many messages in each, reserved when the message is held. */
import { sql } from 'kysely'
import { type Db, type Tx, at } from './db.ts'

/** At most `messages` in each window of `windowMs`, by channel. */
export interface ReleaseRate {
  messages: number
  windowMs: number
}

/**
 * Reserves a place in the first slot from `opensAt` on that has one; answers when the slot begins, epoch ms. Slots lie on one grid
 * for all openings of a channel, so that two mornings that overlap share the rate. A slot is taken by a guarded upsert; the
 * opening's row is where the search goes on, and puts those of one opening in a line.
 */
export async function reserveSlot(
  tx: Tx,
  { channel, opensAt, rate: { messages, windowMs } }: { channel: string; opensAt: number; rate: ReleaseRate },
): Promise<number> {
  const first = Math.ceil(opensAt / windowMs) * windowMs
  const { rows } = await sql<{ next: Date }>`
    insert into release_openings as o (channel, opens_at, next_slot) values (${channel}, ${at(opensAt)}, ${at(first)})
    on conflict (channel, opens_at) do update set next_slot = greatest(o.next_slot, excluded.next_slot) returning next_slot as next
  `.execute(tx)
  let slot = rows[0]?.next.getTime() ?? first
  const begun = slot
  while (!(await take(tx, channel, slot, messages))) slot += windowMs
  if (slot > begun) {
    await sql`update release_openings set next_slot = ${at(slot)} where channel = ${channel} and opens_at = ${at(opensAt)}`.execute(
      tx,
    )
  }
  return slot
}

async function take(tx: Tx, channel: string, slot: number, most: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into release_slots as s (channel, slot, taken) values (${channel}, ${at(slot)}, 1)
    on conflict (channel, slot) do update set taken = s.taken + 1 where s.taken < ${most}
  `.execute(tx)
  return numAffectedRows === 1n
}

export interface Slot {
  channel: string
  /** When it begins. */
  slot: number
}

/**
 * How many messages a slot still has room for, with the channel's slots locked to the end of the transaction, so that what is taken
 * after this is not past it.
 */
export async function placesLeft(tx: Tx, { channel, slot, messages }: Slot & { messages: number }): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`slots/${channel}`}, 0))`.execute(tx)
  const { rows } = await sql<{ taken: number }>`
    select taken from release_slots where channel = ${channel} and slot = ${at(slot)}`.execute(tx)
  return Math.max(0, messages - (rows[0]?.taken ?? 0))
}

/** Takes places that there are. */
export async function takePlaces(tx: Tx, { channel, slot, count }: Slot & { count: number }): Promise<void> {
  if (count === 0) return
  await sql`
    insert into release_slots as s (channel, slot, taken) values (${channel}, ${at(slot)}, ${count})
    on conflict (channel, slot) do update set taken = s.taken + excluded.taken
  `.execute(tx)
}

const KEPT = 2 * 86_400_000
const PAGE = 5_000

/** Forgets slots that are long over; answers how many, 0 when none is left. */
export async function forgetSlots(db: Db, { now }: { now: number }): Promise<number> {
  const { numAffectedRows: slots = 0n } = await sql`
    delete from release_slots where (channel, slot) in (
      select channel, slot from release_slots where slot < ${at(now - KEPT)} limit ${PAGE})
  `.execute(db)
  const { numAffectedRows: openings = 0n } = await sql`
    delete from release_openings where opens_at < ${at(now - KEPT)} and next_slot < ${at(now - KEPT)}
  `.execute(db)
  return Number(slots + openings)
}
