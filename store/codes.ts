/** Codes for nobody in particular, made by the batch: in chunks, each its own transaction, so that a batch that was cut goes on. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { CODES_MOST } from '../domain/coupon.ts'
import { milliseconds } from '../domain/duration.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { canonical } from '../domain/journey.ts'
import { type Db, type Tx, at, inTransaction, storeError } from './db.ts'
import { takePlaces } from './quota.ts'

export interface BatchRequest {
  /** The batch's own key: the same again goes on where it was cut, and answers the same codes when it is done. */
  batch: string
  offer: string
  count: number
  /** How long the codes live from the first chunk on, as the operator words it. */
  valid: string
  now: number
  drawCode: () => string
  /** Told after each chunk how many there are now. */
  onProgress?: ((made: number) => void) | undefined
}

export interface Batch {
  batch: string
  offer: string
  made: number
  wanted: number
  expiresAt: Date
  /** Why it stopped early: the offer's quota is used up. */
  refused: Refusal | null
}

export const CHUNK = 5_000

/**
 * Makes the codes of a batch, or those that are missing; each takes its place in the quota. Throws OFFER_UNKNOWN, COUNT_INVALID,
 * IDEMPOTENCY_MISMATCH where the batch was begun for something else, DURATION_MALFORMED.
 */
export async function makeCodes(db: Db, request: BatchRequest): Promise<Batch> {
  const { batch, offer, count, onProgress } = request
  if (!Number.isInteger(count) || count < 1 || count > CODES_MOST) {
    throw new PerennialError('COUNT_INVALID', `${count} codes`, { field: 'count', expected: `1 to ${CODES_MOST}` })
  }
  const { expiresAt } = await inTransaction(db, (tx) => begin(tx, request))
  for (;;) {
    const { made, refused } = await inTransaction(db, (tx) => makeChunk(tx, batch, request.drawCode))
    onProgress?.(made)
    if (refused || made === count) return { batch, offer, made, wanted: count, expiresAt, refused }
  }
}

async function begin(tx: Tx, { batch, offer, count, valid, now }: BatchRequest): Promise<{ expiresAt: Date }> {
  const hash = createHash('sha256').update(canonical({ offer, count, valid })).digest('hex')
  await sql`
    insert into code_batches (key, request_hash, offer, version, wanted, issued_at, expires_at)
    select ${batch}, ${hash}, id, version, ${count}, ${at(now)}, ${at(now + milliseconds(valid))}
    from offers where id = ${offer} on conflict (key) do nothing
  `.execute(tx)
  const { rows } = await sql<{ request_hash: string; expiresAt: Date }>`
    select request_hash, expires_at as "expiresAt" from code_batches where key = ${batch}`.execute(tx)
  if (!rows[0]) throw new PerennialError('OFFER_UNKNOWN', `no offer '${offer}'`, { field: 'offer' })
  if (rows[0].request_hash !== hash) {
    throw new PerennialError(
      'IDEMPOTENCY_MISMATCH',
      `the batch '${batch}' was begun for another offer, count or time`,
      {
        field: 'batch',
      },
    )
  }
  return rows[0]
}

interface BatchRow {
  key: string
  request_hash: string
  offer: string
  version: number
  wanted: number
  made: number
  issued_at: Date
  expires_at: Date
}

/** One chunk behind the lock of its batch: two processes with one batch make it together, none of it twice. */
async function makeChunk(
  tx: Tx,
  batch: string,
  drawCode: () => string,
): Promise<{ made: number; refused: Refusal | null }> {
  const { rows } = await sql<BatchRow>`select * from code_batches where key = ${batch} for update`.execute(tx)
  const [row] = rows
  if (!row) throw new PerennialError('INTERNAL', `the batch '${batch}' is gone`)
  const size = Math.min(CHUNK, row.wanted - row.made)
  if (size === 0) return { made: row.made, refused: null }
  if (!(await takePlaces(tx, row.offer, size))) return { made: row.made, refused: 'QUOTA_EXHAUSTED' }
  let missing = placesOf(row, row.made, size)
  while (missing.length > 0) missing = await insertCodes(tx, row, missing, drawCode)
  await sql`update code_batches set made = made + ${size} where key = ${batch}`.execute(tx)
  return { made: row.made + size, refused: null }
}

/** The effect keys of `size` codes, after the first `after` of a batch. */
function placesOf({ key }: { key: string }, after: number, size: number): string[] {
  return Array.from({ length: size }, (_, place) => `codes/${key}/${after + place + 1}`)
}

/** Answers the places that got no code because theirs was taken: they draw again. */
async function insertCodes(tx: Tx, batch: BatchRow, places: string[], drawCode: () => string): Promise<string[]> {
  const codes = places.map(drawCode)
  const { numAffectedRows } = await sql`
    insert into coupons (code, key, request_hash, offer, version, batch, issued_at, expires_at)
    select code, key, ${batch.request_hash}, ${batch.offer}, ${batch.version}, ${batch.key}, ${batch.issued_at}::timestamptz,
      ${batch.expires_at}::timestamptz
    from unnest(${codes}::text[], ${places}::text[]) as drawn (code, key)
    on conflict (code) do nothing
  `.execute(tx)
  if (Number(numAffectedRows) === places.length) return []
  const { rows } = await sql<{ key: string }>`select key from coupons where key = any(${places})`.execute(tx)
  const had = new Set(rows.map(({ key }) => key))
  return places.filter((place) => !had.has(place))
}

/** The codes of a batch in the order in which they were made, a chunk at a time. */
export async function* codesOf(db: Db, { batch, made }: Pick<Batch, 'batch' | 'made'>): AsyncGenerator<string[]> {
  for (let after = 0; after < made; after += CHUNK) {
    const places = placesOf({ key: batch }, after, Math.min(CHUNK, made - after))
    const { rows } = await sql<{ code: string }>`
      select code from coupons join unnest(${places}::text[]) with ordinality as p (key, place) using (key) order by place
    `
      .execute(db)
      .catch((error: unknown) => {
        throw storeError(error)
      })
    yield rows.map(({ code }) => code)
  }
}
