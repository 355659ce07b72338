/**
 * The other side of the money bench: what a careful engineer would write by hand for one kind of coupon and of points, without a
 * function of ours, over the same tables. One transaction behind the customer's lock, the guarded statement, the idempotency row,
 * the line in the log; as few ways to the store as that takes. And the guarded statement alone.
 */
import { createHash, randomUUID } from 'node:crypto'
import type pg from 'pg'

const DAY = 86_400_000

async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const answer = await work(client)
    await client.query('commit')
    return answer
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

const lock = (client: pg.PoolClient, customer: string): Promise<unknown> =>
  client.query('select 1 from customers where id = $1 for update', [customer])

const note = (client: pg.PoolClient, key: string, customer: string, verdict: string): Promise<unknown> =>
  client.query(
    `insert into decisions (key, customer, journey, enrolment, about, verdict, detail, at)
     values ($1, $2, 'bench', null, 'coupon', $3, 'bench', $4) on conflict (key) do nothing`,
    [key, customer, verdict, new Date()],
  )

const hash = (request: object): string => createHash('sha256').update(JSON.stringify(request)).digest('hex')

export interface Issuing {
  customer: string
  run: string
  offer: string
  key: string
  code: string
}

/** Quota, limit, coupon: one row, or none where one of them says no. The key is the idempotency row. */
const ISSUE = `
  with spent as (
    update offer_buckets set issued = issued + 1 where offer = $1 and bucket = 0 and issued < quota returning offer),
  counted as (
    insert into member_counters as m (offer, customer, issued) select offer, $2, 1 from spent
    on conflict (offer, customer) do update set issued = m.issued + 1 where m.issued < 1 returning m.offer)
  insert into coupons (code, key, request_hash, offer, version, customer, enrolment, issued_at, expires_at)
  select $3, $4, $5, offer, 1, $2, $6, $7, $8 from counted`

const issuing = ({ customer, run, offer, key, code }: Issuing): unknown[] => {
  const now = Date.now()
  return [offer, customer, code, key, hash({ run, offer }), run, new Date(now), new Date(now + 7 * DAY)]
}

export interface Held {
  budget: string
  most: number
}

/** What a coupon may cost is held of its budget, as far as that goes. */
const HOLD = `
  with taken as (
    update budgets set reserved = reserved + $2
    where id = $1 and reserved + spent + $2 <= cap - (cap * line_bp + 9999) / 10000 returning id)
  insert into budget_holds (key, budget, journey, enrolment, customer, coupon, amount, created_at, expires_at)
  select $3, id, $4, $5, $6, $7, $2, $8, $9 from taken`

function holding({ key, run, customer, code }: Issuing, { budget, most }: Held): unknown[] {
  const now = Date.now()
  return [budget, most, key, budget, run, customer, code, new Date(now), new Date(now + 7 * DAY)]
}

/** With `held` the coupon is of a budget, which a statement more goes for. */
export function issueByHand(pool: pg.Pool, asked: Issuing, held?: Held): Promise<void> {
  return inTransaction(pool, async (client) => {
    await lock(client, asked.customer)
    must(await client.query(ISSUE, issuing(asked)))
    if (held) must(await client.query(HOLD, holding(asked, held)))
    await note(client, asked.key, asked.customer, 'issued')
  })
}

export async function issueNaked(pool: pg.Pool, asked: Issuing): Promise<void> {
  must(await pool.query(ISSUE, issuing(asked)))
}

export interface Redeeming {
  customer: string
  code: string
  order: string
  lines: { id: string; amount: number }[]
}

const REDEEM = `
  with used as (
    update coupons set status = 'redeemed', held_by = null, held_until = null
    where code = $1 and status = 'open' and expires_at > $2 returning code),
  made as (
    insert into redemptions (code, customer, "order", key, basket, discount, shipping, redeemed_at)
    select code, $3, $4, $5, $6, $7, 0, $2 from used returning id),
  lines as (
    insert into redemption_lines (redemption, line, amount, discount)
    select made.id, l.* from made, json_to_recordset($8) as l (line text, amount bigint, discount bigint))
  insert into checkout_answers (key, request_hash, answer, at) select $5, $9, $10, $2 from made`

function redeeming({ customer, code, order, lines }: Redeeming): unknown[] {
  const off = lines.map(({ id, amount }) => ({ line: id, amount, discount: Math.round(amount / 10) }))
  const [total, discount] = [lines, off].map((all) =>
    all.reduce((sum, line) => sum + ('discount' in line ? Number(line.discount) : line.amount), 0),
  )
  const answer = JSON.stringify({ ok: true, discount, lines: off })
  const request = hash({ code, customer, order, lines })
  return [code, new Date(), customer, order, randomUUID(), total, discount, JSON.stringify(off), request, answer]
}

/** The hold is spent at what the coupon took off, and the rest of it freed. */
const SETTLE = `
  with settled as (
    update budget_holds set state = 'settled', settled = $2, resolved_at = $3 where coupon = $1 and state = 'open'
    returning budget, amount)
  update budgets b set reserved = b.reserved - s.amount, spent = b.spent + $2 from settled s
  where b.id = s.budget and b.reserved >= s.amount and s.amount >= $2`

export function redeemByHand(pool: pg.Pool, asked: Redeeming, budgeted = false): Promise<void> {
  return inTransaction(pool, async (client) => {
    await lock(client, asked.customer)
    const { rows } = await client.query<{ customer: string }>(
      `select c.customer, c.status, c.expires_at, v.terms from coupons c
       join offer_versions v on v.offer = c.offer and v.version = c.version where c.code = $1 for update of c`,
      [asked.code],
    )
    if (rows[0]?.customer !== asked.customer) throw new Error('not theirs')
    const redeemed = redeeming(asked)
    must(await client.query(REDEEM, redeemed))
    if (budgeted) must(await client.query(SETTLE, [asked.code, redeemed[6], redeemed[1]]))
    await note(client, `${asked.code}/${asked.order}`, asked.customer, 'redeemed')
  })
}

export async function redeemNaked(pool: pg.Pool, asked: Redeeming): Promise<void> {
  must(await pool.query(REDEEM, redeeming(asked)))
}

/** Codes by the chunk in one transaction each, as makeCodes does, without a batch that could go on. */
export function codesByHand(pool: pg.Pool, offer: string, batch: string, codes: readonly string[]): Promise<void> {
  return inTransaction(pool, async (client) => {
    const spent = `update offer_buckets set issued = issued + $2 where offer = $1 and bucket = 0 and issued + $2 <= quota`
    must(await client.query(spent, [offer, codes.length]))
    const now = Date.now()
    await client.query(
      `insert into coupons (code, key, request_hash, offer, version, batch, issued_at, expires_at)
       select code, $1 || '/' || code, '', $2, 1, $1, $3, $4 from unnest($5::text[]) code`,
      [batch, offer, new Date(now), new Date(now + 30 * DAY), codes],
    )
  })
}

/** One earned lot: transfer (its key is the idempotency row), two postings, lot, balance. */
const EARN = `
  with made as (
    insert into point_transfers (key, request_hash, kind, unit, customer, enrolment, rule, on_return, at)
    values ($1, $2, 'earn', 'points', $3, $4, 'order', 'within-balance', $5) returning id),
  posted as (
    insert into point_postings (transfer, account, amount)
    select id, account, amount from made, (values ('issued', -$6::bigint), ('pending', $6::bigint)) p (account, amount)),
  opened as (
    insert into point_lots (transfer, customer, unit, original, remaining, state, expires_at)
    select id, $3, 'points', $6, $6, 'pending', $7 from made)
  insert into point_balances as b (customer, unit, pending) select $3, 'points', $6 from made
  on conflict (customer, unit) do update set pending = b.pending + $6`

export interface Earning {
  customer: string
  run: string
  key: string
  amount: number
}

function earning({ customer, run, key, amount }: Earning): unknown[] {
  const now = Date.now()
  return [key, hash({ run, amount }), customer, run, new Date(now), amount, new Date(now + 365 * DAY)]
}

export function earnByHand(pool: pg.Pool, asked: Earning): Promise<void> {
  return inTransaction(pool, async (client) => {
    await lock(client, asked.customer)
    must(await client.query(EARN, earning(asked)))
    await note(client, asked.key, asked.customer, 'awarded')
  })
}

export async function earnNaked(pool: pg.Pool, asked: Earning): Promise<void> {
  must(await pool.query(EARN, earning(asked)))
}

/** Takes `$5` from one lot that has it: transfer, postings, lot, move, balance. */
const SPEND = `
  with made as (
    insert into point_transfers (key, request_hash, kind, unit, customer, at)
    values ($1, $2, 'spend', 'points', $3, $4) returning id),
  posted as (
    insert into point_postings (transfer, account, amount)
    select id, account, amount from made, (values ('spent', $5::bigint), ('available', -$5::bigint)) p (account, amount)),
  drawn as (
    update point_lots set remaining = remaining - $5 where id = $6 and state = 'available' and remaining >= $5 returning id),
  moved as (
    insert into point_lot_moves (transfer, lot, amount) select made.id, drawn.id, -$5::bigint from made, drawn)
  update point_balances set available = available - $5 from drawn
  where customer = $3 and unit = 'points' and available >= $5`

export interface Spending {
  customer: string
  key: string
  amount: number
}

export function spendByHand(pool: pg.Pool, { customer, key, amount }: Spending): Promise<void> {
  return inTransaction(pool, async (client) => {
    await lock(client, customer)
    const { rows } = await client.query<{ id: number; remaining: number }>(
      `select id, remaining from point_lots where customer = $1 and unit = 'points' and state = 'available'
         and remaining > 0 and (expires_at is null or expires_at > $2) order by expires_at, id for update`,
      [customer, new Date()],
    )
    const lot = rows.find(({ remaining }) => remaining >= amount)
    if (!lot) throw new Error('too few points')
    must(await client.query(SPEND, [key, hash({ customer, amount }), customer, new Date(), amount, lot.id]))
  })
}

function must({ rowCount }: pg.QueryResult): void {
  if (rowCount !== 1) throw new Error(`${rowCount} rows where one was due`)
}
