/** The ledger of points: a transfer is written whole (postings, lots, balance) or not at all. Call it with the customer locked. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { PerennialError } from '../domain/errors.ts'
import { canonical } from '../domain/journey.ts'
import { type Lot, type OnReturn, type Unit, allocate, sumOf } from '../domain/points.ts'
import { type Db, type Tx, at } from './db.ts'

export type TransferKind = 'earn' | 'settle' | 'void' | 'spend' | 'restore' | 'expire' | 'claw-back' | 'repay'
export type Account = 'pending' | 'available' | 'debt' | 'issued' | 'spent' | 'expired' | 'reversed'
export type LotState = 'pending' | 'available' | 'void' | 'expired'

export interface NewTransfer {
  /** A business key, for ever. */
  key: string
  kind: TransferKind
  unit: Unit
  customer: string
  run?: string | null
  /** What was asked: the same key with another request is refused. */
  request: unknown
  rule?: string
  onReturn?: OnReturn
  reverses?: number
  /** Of what takes back a part of an order: the refund. */
  refund?: string
  now: number
}

/** What a transfer does. Postings of zero are left out. */
export interface Entry {
  postings: Partial<Record<Account, number>>
  /** Lots that there are: what is taken (below zero) or given back, and the state they go to. */
  lots?: readonly { lot: number; amount: number; from: LotState; to?: LotState }[]
  /** A lot that it makes. */
  opens?: { amount: number; state: 'pending' | 'available'; expiresAt: number | null }
}

export const hashOf = (request: unknown): string => createHash('sha256').update(canonical(request)).digest('hex')

export interface Transfer {
  id: number
  key: string
  kind: TransferKind
  unit: Unit
  customer: string
  request_hash: string
  at: Date
}

/** The transfer that has the key, if any. Throws IDEMPOTENCY_MISMATCH where it was written for another request. */
export async function transferOf(tx: Tx, key: string, request: unknown): Promise<Transfer | undefined> {
  const before = await transferByKey(tx, key)
  if (before === undefined || before.request_hash === hashOf(request)) return before
  throw new PerennialError('IDEMPOTENCY_MISMATCH', `'${key}' was written for another request`, { field: 'key' })
}

export async function transferByKey(db: Db, key: string): Promise<Transfer | undefined> {
  const { rows } = await sql<Transfer>`
    select id, key, kind, unit, customer, request_hash, at from point_transfers where key = ${key}`.execute(db)
  return rows[0]
}

/** Writes a transfer; answers its id. Every statement's row count is looked at: what does not fit throws and undoes all. */
export async function post(tx: Tx, one: NewTransfer, entry: Entry): Promise<number> {
  const postings = Object.entries(entry.postings).filter(([, amount]) => amount !== 0) as [Account, number][]
  if (postings.reduce((sum, [, amount]) => sum + amount, 0) !== 0) {
    throw new PerennialError('INTERNAL', `the postings of '${one.key}' do not sum to zero`)
  }
  const { rows } = await sql<{ id: number }>`
    insert into point_transfers (key, request_hash, kind, unit, customer, enrolment, rule, on_return, reverses, refund, at)
    values (${one.key}, ${hashOf(one.request)}, ${one.kind}, ${one.unit}, ${one.customer}, ${one.run ?? null}, ${one.rule ?? null},
            ${one.onReturn ?? null}, ${one.reverses ?? null}, ${one.refund ?? null}, ${at(one.now)})
    returning id
  `.execute(tx)
  const id = rows[0]?.id ?? 0
  await sql`
    insert into point_postings (transfer, account, amount)
    select ${id}, account, amount from unnest(${postings.map(([account]) => account)}::text[],
      ${postings.map(([, amount]) => amount)}::bigint[]) as p (account, amount)
  `.execute(tx)
  await moveLots(tx, { id, key: one.key }, entry.lots ?? [])
  if (entry.opens) await openLot(tx, id, one, entry.opens)
  await moveBalance(tx, one, entry.postings)
  return id
}

async function moveLots(tx: Tx, by: { id: number; key: string }, lots: NonNullable<Entry['lots']>): Promise<void> {
  if (lots.length === 0) return
  const columns = [lots.map(({ lot }) => lot), lots.map(({ amount }) => amount)] as const
  const states = [lots.map(({ from }) => from), lots.map(({ from, to }) => to ?? from)] as const
  const { numAffectedRows } = await sql`
    update point_lots l set remaining = l.remaining + m.amount, state = m.next,
      resolved_by = case when m.past = 'pending' and m.next <> 'pending' then ${by.id} else l.resolved_by end
    from unnest(${columns[0]}::bigint[], ${columns[1]}::bigint[], ${states[0]}::text[], ${states[1]}::text[])
      as m (lot, amount, past, next)
    where l.id = m.lot and l.state = m.past
  `.execute(tx)
  if (numAffectedRows !== BigInt(lots.length))
    throw new PerennialError('INTERNAL', `'${by.key}' names lots that are not there`)
  await sql`
    insert into point_lot_moves (transfer, lot, amount)
    select ${by.id}, lot, amount from unnest(${columns[0]}::bigint[], ${columns[1]}::bigint[]) as m (lot, amount)
    where amount <> 0
  `.execute(tx)
}

async function openLot(tx: Tx, id: number, one: NewTransfer, lot: NonNullable<Entry['opens']>): Promise<void> {
  await sql`
    insert into point_lots (transfer, customer, unit, original, remaining, state, resolved_by, expires_at)
    values (${id}, ${one.customer}, ${one.unit}, ${lot.amount}, ${lot.amount}, ${lot.state},
            ${lot.state === 'pending' ? null : id}, ${lot.expiresAt === null ? null : at(lot.expiresAt)})
  `.execute(tx)
}

/** The guarded update of a balance: no account goes below zero. */
async function moveBalance(tx: Tx, { key, customer, unit }: NewTransfer, by: Entry['postings']): Promise<void> {
  const [pending, available, debt] = [by.pending ?? 0, by.available ?? 0, -(by.debt ?? 0)]
  await sql`
    insert into point_balances (customer, unit) values (${customer}, ${unit}) on conflict do nothing`.execute(tx)
  const { numAffectedRows } = await sql`
    update point_balances set pending = pending + ${pending}, available = available + ${available}, debt = debt + ${debt}
    where customer = ${customer} and unit = ${unit}
      and pending + ${pending} >= 0 and available + ${available} >= 0 and debt + ${debt} >= 0
  `.execute(tx)
  if (numAffectedRows !== 1n) throw new PerennialError('INTERNAL', `'${key}' would take more than there is`)
}

/** The lots a debit may take at `now`. */
export async function spendableLots(tx: Tx, of: { customer: string; unit: Unit; now: number }): Promise<Lot[]> {
  const { rows } = await sql<{ id: number; remaining: number; expires_at: Date | null }>`
    select id, remaining, expires_at from point_lots
    where customer = ${of.customer} and unit = ${of.unit} and state = 'available' and remaining > 0
      and (expires_at is null or expires_at > ${at(of.now)})
  `.execute(tx)
  return rows.map(({ id, remaining, expires_at: end }) => ({ id, remaining, expiresAt: end ? end.getTime() : null }))
}

/** Takes what has expired by `now` out of a customer's balance, a transfer a lot; answers how much. */
export async function expireLots(tx: Tx, { customer, now }: { customer: string; now: number }): Promise<number> {
  const { rows } = await sql<{ id: number; unit: Unit; amount: number }>`
    select id, unit, remaining as amount from point_lots
    where customer = ${customer} and state = 'available' and remaining > 0 and expires_at <= ${at(now)} order by id
  `.execute(tx)
  for (const { id, unit, amount } of rows) {
    const key = `lot/${id}/expire`
    await post(
      tx,
      { key, kind: 'expire', unit, customer, request: { lot: id }, now },
      {
        postings: { available: -amount, expired: amount },
        lots: [{ lot: id, amount: -amount, from: 'available', to: 'expired' }],
      },
    )
  }
  return sumOf(rows)
}

/** Pays what is owed from what became available by the transfer `cause`; so nobody who owes has anything to spend. */
export async function repay(
  tx: Tx,
  of: { customer: string; unit: Unit; run?: string | null; now: number },
  cause: string,
): Promise<void> {
  const { customer, unit, now } = of
  const { rows } = await sql<{ debt: number }>`
    select debt from point_balances where customer = ${customer} and unit = ${unit} and debt > 0`.execute(tx)
  const debt = rows[0]?.debt ?? 0
  const draws = debt === 0 ? [] : allocate(await spendableLots(tx, of), debt)
  if (draws.length === 0) return
  const amount = sumOf(draws)
  await post(
    tx,
    { key: `${cause}/repay`, kind: 'repay', unit, customer, run: of.run ?? null, request: { cause }, now },
    { postings: { available: -amount, debt: amount }, lots: draws.map(taken) },
  )
}

/** A draw as a debit of an available lot. */
export const taken = ({ lot, amount }: { lot: number; amount: number }) =>
  ({ lot, amount: -amount, from: 'available' }) as const

export interface Balance {
  unit: Unit
  pending: number
  available: number
  debt: number
}

/** A customer's balances, points first. */
export async function balancesOf(db: Db, customer: string): Promise<Balance[]> {
  const { rows } = await sql<Balance>`
    select unit, pending, available, debt from point_balances where customer = ${customer} order by unit desc`.execute(
    db,
  )
  return rows
}

/** What all customers have together, and how many have any, points first. */
export async function balanceTotals(db: Db): Promise<(Balance & { customers: number })[]> {
  const { rows } = await sql<Balance & { customers: number }>`
    select unit, sum(pending)::bigint as pending, sum(available)::bigint as available, sum(debt)::bigint as debt,
      count(*) as customers from point_balances group by unit order by unit desc`.execute(db)
  return rows
}

export interface ExpiringPoints {
  expires_at: Date
  amount: number
}

/** What expires when, soonest first, one line for each moment. */
export async function expiringPoints(db: Db, customer: string): Promise<ExpiringPoints[]> {
  const { rows } = await sql<ExpiringPoints>`
    select expires_at, sum(remaining)::bigint as amount from point_lots
    where customer = ${customer} and unit = 'points' and state = 'available' and remaining > 0 and expires_at is not null
    group by expires_at order by expires_at
  `.execute(db)
  return rows
}

export interface LedgerLine {
  at: Date
  key: string
  kind: TransferKind
  unit: Unit
  run: string | null
  rule: string | null
  pending: number
  available: number
  debt: number
}

/** The newest `limit` transfers of a customer, oldest first, with what each did to the customer's accounts. */
export async function ledgerOf(db: Db, customer: string, limit = 500): Promise<LedgerLine[]> {
  const { rows } = await sql<LedgerLine>`
    select t.at, t.key, t.kind, t.unit, t.enrolment as run, t.rule,
      coalesce(sum(p.amount) filter (where p.account = 'pending'), 0)::bigint as pending,
      coalesce(sum(p.amount) filter (where p.account = 'available'), 0)::bigint as available,
      coalesce(-sum(p.amount) filter (where p.account = 'debt'), 0)::bigint as debt
    from (select * from point_transfers where customer = ${customer} order by id desc limit ${limit}) t
    left join point_postings p on p.transfer = t.id
    group by t.id, t.at, t.key, t.kind, t.unit, t.enrolment, t.rule order by t.id
  `.execute(db)
  return rows
}
