/** Points that leave a balance without a journey: spent at the checkout, given back with an order, expired. */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { allocate, expiryOf, sumOf } from '../domain/points.ts'
import { type Customer, lockCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { type Transfer, expireLots, post, repay, spendableLots, taken, transferByKey, transferOf } from './ledger.ts'

export type Spend =
  { is: 'spent'; amount: number; replayed: boolean } | { is: 'refused'; code: Extract<Refusal, 'POINTS_SHORT'> }

/** The customer, locked. Throws CUSTOMER_UNKNOWN. */
async function locked(tx: Tx, id: string) {
  const person = await lockCustomer(tx, id)
  if (person) return person
  throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
}

/**
 * Spends points, all of it or nothing, those that expire first before the others. Growth value cannot be spent. Throws
 * AMOUNT_INVALID, CUSTOMER_UNKNOWN, IDEMPOTENCY_MISMATCH.
 */
export async function spendPoints(
  db: Db,
  asked: { key: string; customer: string; amount: number; now: number },
): Promise<Spend> {
  const { customer, amount } = asked
  if (!Number.isSafeInteger(amount) || amount <= 0) {
    throw new PerennialError('AMOUNT_INVALID', `${amount} points cannot be spent`, {
      field: 'amount',
      expected: 'a whole number above zero',
    })
  }
  return inTransaction(db, async (tx) => {
    await locked(tx, customer)
    return spendIn(tx, asked)
  })
}

/** The same within a transaction that has locked the customer. */
export async function spendIn(
  tx: Tx,
  { key, customer, amount, now }: { key: string; customer: string; amount: number; now: number },
): Promise<Spend> {
  const request = { customer, amount }
  if (await transferOf(tx, key, request)) return { is: 'spent', amount, replayed: true }
  await expireLots(tx, { customer, now })
  const draws = allocate(await spendableLots(tx, { customer, unit: 'points', now }), amount)
  if (sumOf(draws) < amount) return { is: 'refused', code: 'POINTS_SHORT' }
  await post(
    tx,
    { key, kind: 'spend', unit: 'points', customer, request, now },
    { postings: { available: -amount, spent: amount }, lots: draws.map(taken) },
  )
  return { is: 'spent', amount, replayed: false }
}

export interface RestoreRequest {
  key: string
  /** The key of the spend that is given back. */
  spend: string
  /** What becomes of points that expired meanwhile: so many days of grace, or forfeit. */
  expired: { graceDays: number } | 'forfeit'
  shopZone: string
  now: number
}

export interface Restored {
  restored: number
  forfeited: number
  replayed: boolean
}

/**
 * Gives a spend back to the lots it came from, once, as where the order that was paid with points is refunded. Throws
 * SPEND_UNKNOWN, IDEMPOTENCY_MISMATCH, also where the spend was given back under another key.
 */
export async function restorePoints(db: Db, asked: RestoreRequest): Promise<Restored> {
  return inTransaction(db, async (tx) => {
    const found = await transferByKey(tx, asked.spend)
    if (found?.kind !== 'spend')
      throw new PerennialError('SPEND_UNKNOWN', `no spend '${asked.spend}'`, { field: 'spend' })
    return restoreIn(tx, asked, found, await locked(tx, found.customer))
  })
}

/** The same within a transaction that has locked the customer whose spend it is. */
export async function restoreIn(
  tx: Tx,
  asked: RestoreRequest,
  found: Pick<Transfer, 'id'>,
  { id: customer, zone }: Pick<Customer, 'id' | 'zone'>,
): Promise<Restored> {
  const request = { spend: asked.spend, expired: asked.expired }
  const before = await transferOf(tx, asked.key, request)
  if (before) return { ...(await restoredBy(tx, before.id)), replayed: true }
  const { rows: others } = await sql`select 1 from point_transfers where reverses = ${found.id}`.execute(tx)
  if (others.length > 0) {
    const why = `'${asked.spend}' was given back under another key`
    throw new PerennialError('IDEMPOTENCY_MISMATCH', why, { field: 'key' })
  }
  await expireLots(tx, { customer, now: asked.now })
  const { alive, over } = await drawnBy(tx, found.id, asked.now)
  const late = sumOf(over)
  const grace = asked.expired === 'forfeit' ? 0 : late
  const back = sumOf(alive) + grace
  const days = asked.expired === 'forfeit' ? undefined : asked.expired.graceDays
  const expiresAt = expiryOf(asked.now, days, zone ?? asked.shopZone)
  const { key, now } = asked
  const id = await post(
    tx,
    { key, kind: 'restore', unit: 'points', customer, request, reverses: found.id, now },
    {
      postings: { spent: -(back + late - grace), available: back, expired: late - grace },
      lots: alive.map(({ lot, amount }) => ({ lot, amount, from: 'available' })),
      ...(grace > 0 && { opens: { amount: grace, state: 'available', expiresAt } }),
    },
  )
  await repay(tx, { customer, unit: 'points', now }, key)
  return { ...(await restoredBy(tx, id)), replayed: false }
}

async function restoredBy(tx: Tx, id: number): Promise<{ restored: number; forfeited: number }> {
  const { rows } = await sql<{ account: string; amount: number }>`
    select account, amount from point_postings where transfer = ${id}`.execute(tx)
  const of = (account: string): number => rows.find((row) => row.account === account)?.amount ?? 0
  return { restored: of('available'), forfeited: of('expired') }
}

/** What a spend took, from lots that are good at `now` and from lots whose time is over. */
async function drawnBy(tx: Tx, spend: number, now: number) {
  const { rows } = await sql<{ lot: number; amount: number; alive: boolean }>`
    select m.lot, -m.amount as amount,
      l.state = 'available' and (l.expires_at is null or l.expires_at > ${at(now)}) as alive
    from point_lot_moves m join point_lots l on l.id = m.lot where m.transfer = ${spend}
  `.execute(tx)
  return { alive: rows.filter((row) => row.alive), over: rows.filter((row) => !row.alive) }
}

const CUSTOMERS_AT_ONCE = 500

/** Expires what is due by `now`, customer by customer; answers how many customers lost something, 500 at most a call. */
export async function expirePoints(db: Db, { now }: { now: number }): Promise<number> {
  const { rows } = await sql<{ customer: string }>`
    select distinct customer from point_lots
    where state = 'available' and remaining > 0 and expires_at <= ${at(now)} order by customer limit ${CUSTOMERS_AT_ONCE}
  `.execute(db)
  for (const { customer } of rows) {
    await inTransaction(db, async (tx) => {
      await locked(tx, customer)
      await expireLots(tx, { customer, now })
    })
  }
  return rows.length
}
