/**
 * The nightly reckoning, once a day of the shop's calendar: it measures the whole shop, then places customers page by page, each
 * page with its cursor in one transaction. Killed anywhere it goes on where it was.
 */
import { sql } from 'kysely'
import { localDate } from '../domain/calendar.ts'
import { dayNumber, reckon } from '../domain/reckoning.ts'
import type { Order } from '../domain/rhythm.ts'
import { thresholdsOf } from '../domain/stage.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { ordersJson, paidOrders } from './paid-orders.ts'
import { FRAME, type FrameRow, frameOf, measureShop } from './reckoning-frames.ts'
import { type Earlier, type StandingContext, place } from './standings.ts'

export interface Reckoning extends FrameRow {
  as_of: Date
  thresholds: Record<string, number>
  after: string
  finished_at: Date | null
  /** How many customers stood where when it was finished. */
  stages: Record<string, number> | null
  segments: Record<string, number> | null
}

const COLUMNS = sql`${FRAME}, r.as_of, r.thresholds, r.after, r.finished_at, r.stages, r.segments`

/** The newest, or the newest that is finished. */
export async function newestReckoning(
  db: Db,
  { finished = false }: { finished?: boolean } = {},
): Promise<Reckoning | undefined> {
  const { rows } = await sql<Reckoning>`
    select ${COLUMNS} from reckonings r where ${!finished} or r.finished_at is not null order by r.day desc limit 1
  `.execute(db)
  return rows[0]
}

export async function reckoningOf(db: Db, day: string): Promise<Reckoning | undefined> {
  const { rows } = await sql<Reckoning>`select ${COLUMNS} from reckonings r where r.day = ${day}`.execute(db)
  return rows[0]
}

export interface ReckonRequest extends StandingContext {
  now: number
}

const PAGE = 2_000

/**
 * A page of today's reckoning, which it begins where there is none; answers how many customers it looked at, 0 when the day's is
 * finished. One of an earlier day that never was is left as it is.
 */
export async function reckonPage(db: Db, asked: ReckonRequest): Promise<number> {
  const today = localDate(asked.now, asked.shopZone)
  const newest = await newestReckoning(db)
  if (newest && newest.day >= today) return newest.finished_at ? 0 : placePage(db, newest.day, asked)
  await begin(db, today, asked)
  return placePage(db, today, asked)
}

/** Today's reckoning, to its end; `anew` measures and places once more where it was finished. */
export async function reckonNow(
  db: Db,
  { anew = false, ...asked }: ReckonRequest & { anew?: boolean },
): Promise<{ customers: number; reckoning: Reckoning | undefined }> {
  if (anew) await begin(db, localDate(asked.now, asked.shopZone), asked, { anew })
  let customers = 0
  for (let page = await reckonPage(db, asked); page > 0; page = await reckonPage(db, asked)) customers += page
  return { customers, reckoning: await newestReckoning(db) }
}

async function begin(
  db: Db,
  today: string,
  { now, shopZone: zone }: ReckonRequest,
  { anew = false } = {},
): Promise<void> {
  const { r_edges, m_edges, gap, category_gaps } = await measureShop(db, { asOf: now, zone, today: dayNumber(today) })
  await sql`
    insert into reckonings as r (day, as_of, zone, r_edges, m_edges, gap, category_gaps, thresholds)
    values (${today}, ${at(now)}, ${zone}, ${r_edges}, ${m_edges}, ${gap}, ${JSON.stringify(category_gaps)},
      ${JSON.stringify(thresholdsOf())})
    on conflict (day) do update set as_of = excluded.as_of, zone = excluded.zone, r_edges = excluded.r_edges,
      m_edges = excluded.m_edges, gap = excluded.gap, category_gaps = excluded.category_gaps, thresholds = excluded.thresholds,
      after = '', finished_at = null, stages = null, segments = null
    where ${anew} and r.as_of < excluded.as_of
  `.execute(db)
}

interface PageRow extends Earlier {
  customer: string
  as_of: Date | null
  orders: Order[] | null
}

function placePage(db: Db, day: string, context: ReckonRequest): Promise<number> {
  return inTransaction(db, async (tx) => {
    const reckoning = await lockReckoning(tx, day)
    if (!reckoning || reckoning.finished_at) return 0
    const ids = await lockCustomers(tx, reckoning.after)
    const last = ids.at(-1)
    if (last !== undefined) await placeUpTo(tx, reckoning, { last, context })
    await (ids.length < PAGE ? finish(tx, reckoning, context.now) : goOnAfter(tx, reckoning, last))
    return ids.length
  })
}

/** Not `for update`: whoever stands anew meanwhile, and has a customer we wait for, points to the row. */
async function lockReckoning(tx: Tx, day: string): Promise<Reckoning | undefined> {
  const { rows } = await sql<Reckoning>`
    select ${COLUMNS} from reckonings r where r.day = ${day} for no key update`.execute(tx)
  return rows[0]
}

/** Nothing about them is decided until the page is written; messages and the like that point to them are. */
async function lockCustomers(tx: Tx, after: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from customers where id > ${after} order by id limit ${PAGE} for no key update`.execute(tx)
  return rows.map(({ id }) => id)
}

async function placeUpTo(
  tx: Tx,
  reckoning: Reckoning,
  { last, context }: { last: string; context: ReckonRequest },
): Promise<void> {
  const { after, zone, day } = reckoning
  const asOf = reckoning.as_of.getTime()
  const customers = sql`e.customer > ${after} and e.customer <= ${last}`
  const { rows } = await sql<PageRow>`
    select c.id as customer, s.stage, s.changes, s.stage_since, s.as_of, b.orders from customers c
    left join standings s on s.customer = c.id
    left join (select o.customer, ${ordersJson} as orders from (${paidOrders({ asOf, zone, customers })}) o group by o.customer) b
      on b.customer = c.id
    where c.id > ${after} and c.id <= ${last}
  `.execute(tx)
  const [today, frame] = [dayNumber(day), frameOf(reckoning)]
  // Who bought since it began stands already where this one would place them, and later.
  const due = rows.filter((row) => row.as_of === null || row.as_of.getTime() < asOf)
  const all = due.map(({ orders, ...earlier }) => ({
    customer: earlier.customer,
    earlier,
    reckoned: reckon(orders ?? [], today, frame),
  }))
  const known = await wasReckonedBefore(tx, day)
  await place(tx, all, { reckoning: day, asOf, now: context.now, today: day, known }, context)
}

async function wasReckonedBefore(tx: Tx, day: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from reckonings where finished_at is not null and day < ${day} limit 1`.execute(tx)
  return rows.length > 0
}

async function goOnAfter(tx: Tx, { day }: Reckoning, last: string | undefined): Promise<void> {
  await sql`update reckonings set after = ${last ?? ''} where day = ${day}`.execute(tx)
}

async function finish(tx: Tx, { day }: Reckoning, now: number): Promise<void> {
  await sql`
    update reckonings set finished_at = ${at(now)},
      stages = coalesce((select jsonb_object_agg(stage, n) from (select stage, count(*) as n from standings group by stage) c), '{}'),
      segments = coalesce((select jsonb_object_agg(segment, n)
        from (select segment, count(*) as n from standings where segment is not null group by segment) c), '{}')
    where day = ${day}
  `.execute(tx)
}
