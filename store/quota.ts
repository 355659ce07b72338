/**
 * The quota of an offer: in one counter, or spread over several, and what one occasion may give of it in another. No transaction
 * waits for a second counter of the quota while it has one; the occasion's is locked before any of those.
 */
import { sql } from 'kysely'
import { BUCKETS_MOST } from '../domain/coupon.ts'
import { PerennialError } from '../domain/errors.ts'
import { allocate } from '../domain/offer.ts'
import { type Db, type Tx, inTransaction } from './db.ts'

/** An even share of `total` for each of `count`, the first ones a unit more. */
const spread = (total: number, count: number): number[] =>
  allocate(
    total,
    Array.from({ length: count }, () => Math.max(1, total)),
  )

/** Spreads the quota of an offer that has no counter yet. */
export async function openBuckets(tx: Tx, offer: string, quota: number, buckets = 1): Promise<void> {
  await insertBuckets(tx, offer, spread(quota, buckets), spread(0, buckets))
}

async function insertBuckets(tx: Tx, offer: string, quotas: number[], issued: number[]): Promise<void> {
  await sql`
    insert into offer_buckets (offer, bucket, quota, issued)
    select ${offer}, nth - 1, quota, issued
    from unnest(${quotas}::int[], ${issued}::int[]) with ordinality as b (quota, issued, nth)
  `.execute(tx)
}

interface Bucket {
  bucket: number
  quota: number
  issued: number
}

/** In the order in which everybody locks several. */
async function lockBuckets(tx: Tx, offer: string): Promise<Bucket[]> {
  const { rows } = await sql<Bucket>`
    select bucket, quota, issued from offer_buckets where offer = ${offer} order by bucket for update`.execute(tx)
  return rows
}

/** Takes `size` places at once, all of them or none; false where so many are not left. */
export async function takePlaces(tx: Tx, offer: string, size: number): Promise<boolean> {
  // Behind the offer's own row, as steering is: else the counters it waits for may be gone by then.
  await sql`select 1 from offers where id = ${offer} for no key update`.execute(tx)
  const left = await lockBuckets(tx, offer)
  const rooms = left.map(({ quota, issued }) => quota - issued)
  if (rooms.reduce((sum, room) => sum + room, 0) < size) return false
  const { numAffectedRows } = await sql`
    update offer_buckets b set issued = b.issued + t.size
    from unnest(${left.map(({ bucket }) => bucket)}::int[], ${allocate(size, rooms)}::int[]) as t (bucket, size)
    where b.offer = ${offer} and b.bucket = t.bucket and b.issued + t.size <= b.quota
  `.execute(tx)
  if (numAffectedRows === BigInt(left.length)) return true
  throw new PerennialError('INTERNAL', `the counters of '${offer}' were not as their lock said`)
}

/**
 * Locks what counts the coupons of an offer for an occasion, to the end of the transaction. It begins with what the occasion gave
 * before the offer had a number for each: such issues are over, as whoever says the number rewrites the counters they need.
 */
export async function lockOccasion(tx: Tx, offer: string, occasion: string): Promise<void> {
  if (await lockCounter(tx, offer, occasion)) return
  await sql`
    insert into occasion_counters (offer, occasion, issued, most)
    select o.id, ${occasion}, given, greatest(given, o.per_occasion) from offers o, (
      select count(*) as given from coupons c join enrolments e on e.id = c.enrolment
      where c.offer = ${offer} and e.occasion = ${occasion}) before
    where o.id = ${offer} on conflict do nothing
  `.execute(tx)
  await lockCounter(tx, offer, occasion)
}

async function lockCounter(tx: Tx, offer: string, occasion: string): Promise<boolean> {
  const { rows } = await sql`/* prepared */
    select 1 from occasion_counters where offer = ${offer} and occasion = ${occasion} for update`.execute(tx)
  return rows.length > 0
}

export interface Steering {
  offer: string
  /** How many coupons there are in all; never below what was issued. */
  quota?: number | undefined
  /** What one customer may have from now on; who has more keeps it. */
  perMember?: number | undefined
  /** What one occasion may give from now on, the one that is on too; 0: nothing more. Who has a coupon keeps it. */
  perOccasion?: number | undefined
  /** Over how many counters the quota is spread. */
  buckets?: number | undefined
}

export interface Steered {
  offer: string
  quota: number
  issued: number
  perMember: number
  perOccasion: number | null
  buckets: number
}

/** Changes what an operator may, in one transaction, while coupons are issued. Throws OFFER_UNKNOWN, QUOTA_INVALID. */
export function steerOffer(db: Db, { offer, quota, perMember, perOccasion, buckets }: Steering): Promise<Steered> {
  return inTransaction(db, async (tx) => {
    const { rows } = await sql<Pick<Steered, 'perMember' | 'perOccasion'>>`
      update offers set per_member = coalesce(${perMember ?? null}::int, per_member),
        per_member_most = greatest(per_member_most, ${perMember ?? null}::int),
        per_occasion = coalesce(${perOccasion ?? null}::int, per_occasion)
      where id = ${offer} returning per_member as "perMember", per_occasion as "perOccasion"
    `.execute(tx)
    const [row] = rows
    if (!row) throw new PerennialError('OFFER_UNKNOWN', `no offer '${offer}'`, { field: 'offer' })
    const before = await lockBuckets(tx, offer)
    const sumOf = (of: 'quota' | 'issued'): number => before.reduce((sum, bucket) => sum + bucket[of], 0)
    const steered = { quota: quota ?? sumOf('quota'), issued: sumOf('issued'), buckets: buckets ?? before.length }
    checkSteering(steered)
    // Also for what an occasion may give: whoever went by another number finds their counter gone, and begins anew.
    if (quota !== undefined || buckets !== undefined || perOccasion !== undefined) {
      const issued = spread(steered.issued, steered.buckets)
      const left = spread(steered.quota - steered.issued, steered.buckets)
      await sql`delete from offer_buckets where offer = ${offer}`.execute(tx)
      const quotas = issued.map((many, at) => many + (left[at] ?? 0))
      await insertBuckets(tx, offer, quotas, issued)
    }
    return { offer, ...row, ...steered }
  })
}

function checkSteering({ quota, issued, buckets }: Pick<Steered, 'quota' | 'issued' | 'buckets'>): void {
  if (quota < issued) {
    throw new PerennialError('QUOTA_INVALID', `a quota of ${quota}, and ${issued} are issued`, {
      field: 'quota',
      expected: `${issued} or more`,
    })
  }
  if (buckets < 1 || buckets > BUCKETS_MOST) {
    throw new PerennialError('QUOTA_INVALID', `${buckets} buckets`, {
      field: 'buckets',
      expected: `1 to ${BUCKETS_MOST}`,
    })
  }
}
