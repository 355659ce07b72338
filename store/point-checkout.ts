/**
 * Points at the checkout: spent on an order, given back with its refund. Each is one transaction under an idempotency key, behind the
 * customer's lock, and once an order whatever the key. A refusal is a value and leaves nothing but its line in the decision log.
 */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type Customer, lockCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction, isUniqueViolation } from './db.ts'
import { decide } from './decisions.ts'
import { balancesOf, hashOf, transferByKey } from './ledger.ts'
import { restoreIn, spendIn } from './spends.ts'

interface Asked {
  /** The request's own key; the same one again answers the same again. */
  key: string
  customer: string
  order: string
  now: number
}

export interface SpentAnswer {
  ok: true
  spent: number
  /** What the customer has left. */
  available: number
}

export interface RestoredAnswer {
  ok: true
  restored: number
  /** What had expired meanwhile and is not given back. */
  forfeited: number
  available: number
}

type Refused = { ok: false; code: Refusal }
export type PointAnswer<A> = (A & { replayed: boolean }) | Refused

/** Throws CUSTOMER_UNKNOWN, IDEMPOTENCY_MISMATCH, also where the order was paid with another amount. */
export function spendOnOrder(db: Db, asked: Asked & { amount: number }): Promise<PointAnswer<SpentAnswer>> {
  const { customer, order, amount, now } = asked
  return once<SpentAnswer>(db, 'spend', { ...asked, input: { amount } }, async (tx) => {
    const { live, restored } = await spendsOn(tx, customer, order)
    // What was given back may be spent on the order once more.
    const key = live?.key ?? `${spendKey(order)}${restored > 0 ? `#${restored + 1}` : ''}`
    const spend = await spendIn(tx, { key, customer, amount, now })
    if (spend.is === 'refused') return { ok: false, code: spend.code }
    const answer = { ok: true, spent: spend.amount, available: await availableOf(tx, customer) } as const
    return spend.replayed ? { ...answer, replayed: true } : answer
  })
}

/** Gives back what was spent on the order. Throws CUSTOMER_UNKNOWN, IDEMPOTENCY_MISMATCH. */
export function restoreOfOrder(
  db: Db,
  asked: Asked & { refund: string; graceDays: number; shopZone: string },
): Promise<PointAnswer<RestoredAnswer>> {
  const { customer, order, refund, graceDays, shopZone, now } = asked
  return once<RestoredAnswer>(db, 'restore', { ...asked, input: { refund, graceDays } }, async (tx, person) => {
    const key = `order/${order}/refund/${refund}/restore`
    const done = await transferByKey(tx, key)
    const { live, restored } = await spendsOn(tx, customer, order)
    const spend = done?.customer === customer ? await spendOfRestore(tx, done.id) : live
    if (!spend) return { ok: false, code: restored > 0 ? 'POINTS_RESTORED' : 'NOT_SPENT' }
    const expired = graceDays === 0 ? ('forfeit' as const) : { graceDays }
    const back = await restoreIn(tx, { key, spend: spend.key, expired, shopZone, now }, spend, person)
    const { restored: amount, forfeited, replayed } = back
    const answer = { ok: true, restored: amount, forfeited, available: await availableOf(tx, customer) } as const
    return replayed ? { ...answer, replayed } : answer
  })
}

const spendKey = (order: string): string => `order/${order}/spend`

interface OrderSpend {
  id: number
  key: string
  live: boolean
}

/** What the customer spent on an order: the spend that stands, and how many were given back. */
async function spendsOn(tx: Tx, customer: string, order: string) {
  const { rows } = await sql<OrderSpend>`
    select t.id, t.key, not exists (select 1 from point_transfers r where r.reverses = t.id) as live
    from point_transfers t where t.customer = ${customer} and t.kind = 'spend'
      and (t.key = ${spendKey(order)} or starts_with(t.key, ${`${spendKey(order)}#`})) order by t.id
  `.execute(tx)
  return { live: rows.find((row) => row.live), restored: rows.filter((row) => !row.live).length }
}

async function spendOfRestore(tx: Tx, restore: number): Promise<Pick<OrderSpend, 'id' | 'key'>> {
  const { rows } = await sql<Pick<OrderSpend, 'id' | 'key'>>`
    select s.id, s.key from point_transfers r join point_transfers s on s.id = r.reverses where r.id = ${restore}
  `.execute(tx)
  if (rows[0]) return rows[0]
  throw new PerennialError('INTERNAL', `restore ${restore} gives nothing back`)
}

async function availableOf(tx: Tx, customer: string): Promise<number> {
  return (await balancesOf(tx, customer)).find(({ unit }) => unit === 'points')?.available ?? 0
}

/** `replayed` where it was done before, under another key. */
type Work<A> = (tx: Tx, person: Customer) => Promise<(A & { replayed?: boolean }) | Refused>

async function once<A extends { ok: true }>(
  db: Db,
  action: string,
  asked: Asked & { input: object },
  work: Work<A>,
): Promise<PointAnswer<A>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(db, (tx) => onceIn(tx, action, asked, work))
    } catch (error) {
      // Somebody else's request took the same key meanwhile, or the order: now it is there to be read.
      const taken = ['checkout_answers_pkey', 'point_transfers_key_key'].some((one) => isUniqueViolation(error, one))
      if (attempt > 1 || !taken) throw error
    }
  }
}

async function onceIn<A extends { ok: true }>(
  tx: Tx,
  action: string,
  asked: Asked & { input: object },
  work: Work<A>,
): Promise<PointAnswer<A>> {
  const { key, customer, order, input, now } = asked
  const person = await lockCustomer(tx, customer)
  if (!person) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${customer}'`, { field: 'customer' })
  const hash = hashOf({ action: `points/${action}`, customer, order, input })
  const { rows } = await sql<{ request_hash: string; answer: A }>`
    select request_hash, answer from checkout_answers where key = ${key}`.execute(tx)
  const [before] = rows
  if (before?.request_hash === hash) return { ...before.answer, replayed: true }
  if (before) {
    throw new PerennialError('IDEMPOTENCY_MISMATCH', 'the same was asked for before with other input', {
      field: 'Idempotency-Key',
    })
  }
  const answer = await work(tx, person)
  if (!answer.ok) {
    const { code } = answer
    const own = `checkout/points/${customer}/${order}/${action}/${code}`
    const about = { customer, journey: 'checkout', enrolment: null, about: 'points' } as const
    await decide(tx, { key: own, ...about, verdict: 'refused', code, detail: `${action} on order ${order}`, now })
    return answer
  }
  const { replayed = false, ...kept } = answer
  await sql`
    insert into checkout_answers (key, request_hash, answer, at) values (${key}, ${hash}, ${JSON.stringify(kept)}, ${at(now)})
  `.execute(tx)
  return { ...answer, replayed }
}
