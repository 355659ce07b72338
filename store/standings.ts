/** Where customers stand: what the nightly reckoning wrote of each, and who bought since, by what it measured. */
import { sql } from 'kysely'
import { localDate } from '../domain/calendar.ts'
import type { Routing } from '../domain/journey.ts'
import { type Reckoned, dayNumber, reckon } from '../domain/reckoning.ts'
import type { Order } from '../domain/rhythm.ts'
import type { Stage, Standing } from '../domain/standing.ts'
import { type Db, type Tx, at } from './db.ts'
import type { tellEvent } from './events.ts'
import { ordersJson, paidOrders } from './paid-orders.ts'
import { FRAME, type FrameRow, frameOf } from './reckoning-frames.ts'

interface StandingRow {
  stage: Stage
  r: number | null
  f: number | null
  m: number | null
  segment: string | null
  gap_days: number | null
  cycles: Record<string, number>
  year_spent: number
  last_paid_at: Date | null
  churn_risk: boolean
}

/** Null before the first reckoning of this customer. */
export async function standingOf(db: Db, customer: string): Promise<Standing | null> {
  const { rows } = await sql<StandingRow>`
    select stage, r, f, m, segment, gap_days, cycles, year_spent, last_paid_at, churn_risk
    from standings where customer = ${customer}`.execute(db)
  const [row] = rows
  if (!row) return null
  const { r, f, m } = row
  return {
    stage: row.stage,
    rfm: r === null || f === null || m === null ? null : { r, f, m },
    segment: row.segment,
    gapDays: row.gap_days,
    cycles: row.cycles,
    yearSpent: row.year_spent,
    lastPaidAt: row.last_paid_at?.toISOString() ?? null,
    churnRisk: row.churn_risk,
  }
}

/** What else a standing says of itself: by which reckoning, as of when, and since when its stage is what it is. */
export interface Placed {
  by: string
  asOf: Date
  stageSince: Date
  /** Paid orders in all, and within the window. */
  orders: number
  yearOrders: number
}

export async function placedOf(db: Db, customer: string): Promise<Placed | undefined> {
  const { rows } = await sql<Placed>`
    select reckoning::text as by, as_of as "asOf", stage_since as "stageSince", orders, year_orders as "yearOrders"
    from standings where customer = ${customer} and reckoning is not null`.execute(db)
  return rows[0]
}

/** Whom a change of stage is told to; `tell` is `tellEvent` of events.ts, which stands on this file. */
export interface StandingContext {
  plans: readonly Routing[]
  shopZone: string
  tell: typeof tellEvent
}

/** What of an earlier standing a new one goes on from. */
export interface Earlier {
  stage: Stage | null
  changes: number | null
  stage_since: Date | null
}

/** A customer reckoned anew. */
export interface Placing {
  customer: string
  earlier: Earlier
  reckoned: Reckoned
}

/** By which reckoning, as of when, which day of the shop's calendar that is, and whether one was finished before it. */
export interface PlacedBy {
  reckoning: string
  asOf: number
  now: number
  today: string
  known: boolean
}

/**
 * Writes standings in one statement and tells of each stage that changed. Who is seen for the first time was a prospect where the
 * shop had been reckoned before, and is placed silently where it had not. Call it with all of the customers locked.
 */
export async function place(
  tx: Tx,
  all: readonly Placing[],
  by: PlacedBy,
  { tell, plans, shopZone }: StandingContext,
): Promise<void> {
  if (all.length === 0) return
  const changed: { customer: string; nth: number; from: Stage; to: Stage }[] = []
  const rows = all.map(({ customer, earlier, reckoned }) => {
    const from = earlier.stage ?? (by.known ? 'prospect' : null)
    const told = from !== null && from !== reckoned.stage
    const changes = (earlier.changes ?? 0) + (told ? 1 : 0)
    if (told) changed.push({ customer, nth: changes, from, to: reckoned.stage })
    const since = earlier.stage === reckoned.stage ? earlier.stage_since : at(by.asOf)
    const { rfm, ...rest } = reckoned
    return { customer, ...rest, ...rfm, changes, since }
  })
  await write(tx, rows, by)
  for (const { customer, nth, from, to } of changed) {
    const properties = { from, to, change: `${by.today}.${to}` }
    const event = { id: `standing/${customer}/${nth}`, type: 'stage.changed', customer, properties }
    await tell(tx, event, { plans, now: by.now, shopZone })
  }
}

async function write(tx: Tx, rows: readonly object[], { reckoning, asOf }: PlacedBy): Promise<void> {
  await sql`/* prepared */
    insert into standings as s (customer, stage, r, f, m, segment, orders, year_orders, year_spent, first_paid_at, last_paid_at,
      gap_days, cycles, churn_risk, changes, stage_since, as_of, reckoning)
    select customer, stage, r, f, m, segment, orders, "yearOrders", "yearSpent", "firstPaidAt", "lastPaidAt", "gapDays", cycles,
      "churnRisk", changes, since, ${at(asOf)}, ${reckoning}
    from json_to_recordset(${JSON.stringify(rows)}) as n (customer text, stage text, r int, f int, m int, segment text, orders int,
      "yearOrders" int, "yearSpent" bigint, "firstPaidAt" timestamptz, "lastPaidAt" timestamptz, "gapDays" float8, cycles jsonb,
      "churnRisk" boolean, changes int, since timestamptz)
    on conflict (customer) do update set stage = excluded.stage, r = excluded.r, f = excluded.f, m = excluded.m,
      segment = excluded.segment, orders = excluded.orders, year_orders = excluded.year_orders, year_spent = excluded.year_spent,
      first_paid_at = excluded.first_paid_at, last_paid_at = excluded.last_paid_at, gap_days = excluded.gap_days,
      cycles = excluded.cycles, churn_risk = excluded.churn_risk, changes = excluded.changes, stage_since = excluded.stage_since,
      as_of = excluded.as_of, reckoning = excluded.reckoning
  `.execute(tx)
}

type Read = FrameRow & Earlier & { orders: Order[] | null; known: boolean }

/**
 * Reckons one customer by what the newest reckoning measured, as where an order of theirs was paid or refunded. Nothing happens
 * before the shop's first. Call it with the customer locked.
 */
export async function standAnew(
  tx: Tx,
  { customer, now }: { customer: string; now: number },
  context: StandingContext,
): Promise<void> {
  const theirs = paidOrders({ asOf: now, zone: sql`r.zone`, customers: sql`e.customer = ${customer}` })
  const { rows } = await sql<Read>`/* prepared */
    select ${FRAME}, s.stage, s.changes, s.stage_since, (select ${ordersJson} from (${theirs}) o) as orders,
      exists (select 1 from reckonings where finished_at is not null) as known
    from (select day, zone, r_edges, m_edges, gap, category_gaps from reckonings order by day desc limit 1) r left join standings s on s.customer = ${customer}
  `.execute(tx)
  const [read] = rows
  if (!read) return
  const today = localDate(now, read.zone)
  const reckoned = reckon(read.orders ?? [], dayNumber(today), frameOf(read))
  const by = { reckoning: read.day, asOf: now, now, today, known: read.known }
  await place(tx, [{ customer, earlier: read, reckoned }], by, context)
}
