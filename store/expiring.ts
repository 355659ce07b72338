/** What expires soon: of one customer for a message, and page by page for the daily sweeps. */
import { sql } from 'kysely'
import { localDate } from '../domain/calendar.ts'
import type { Expiring } from '../domain/expiry.ts'
import { type Db, at } from './db.ts'

/** A customer with something that expires in the time looked at, ISO 8601. */
export interface ExpiringOf {
  customer: string
  zone: string | null
  /** The newest occasion of the journey before `until`, a date; null where they were never in it. */
  told: string | null
  items: Expiring[]
}

interface Page {
  journey: string
  /** What expires after `from` and before `until`, shop time. */
  from: number
  until: number
  after: string
  limit: number
}

/** Settled points, customers in the order of their ids. */
export function customersWithPoints(db: Db, page: Page): Promise<ExpiringOf[]> {
  return walked(
    db,
    page,
    sql`select customer, json_agg(json_build_object('at', extract(epoch from expires_at) * 1000, 'amount', remaining)) as items
      from point_lots where customer > ${page.after} and unit = 'points' and state = 'available' and remaining > 0
        and expires_at > ${at(page.from)} and expires_at < ${at(page.until)}
      group by customer order by customer limit ${page.limit}`,
  )
}

/** Coupons of their own that no cart holds, customers in the order of their ids. */
export function customersWithCoupons(db: Db, page: Page): Promise<ExpiringOf[]> {
  return walked(
    db,
    page,
    sql`select customer, json_agg(json_build_object('at', extract(epoch from expires_at) * 1000, 'amount', 1)) as items
      from coupons where customer > ${page.after} and customer is not null and status in ('open', 'held')
        and (status = 'open' or held_until <= ${at(page.from)})
        and expires_at > ${at(page.from)} and expires_at < ${at(page.until)}
      group by customer order by customer limit ${page.limit}`,
  )
}

async function walked(db: Db, { journey, until }: Page, found: ReturnType<typeof sql>): Promise<ExpiringOf[]> {
  const { rows } = await sql<ExpiringOf>`
    select f.customer, c.zone, f.items,
      (select max(occasion) from enrolments e where e.customer = f.customer and e.journey = ${journey}
        and e.occasion <= ${localDate(until, 'UTC')}) as told
    from (${found}) f join customers c on c.id = f.customer order by f.customer
  `.execute(db)
  return rows
}

/** The customer's settled points that expire after `now`, a lot each. */
export async function expiringLots(db: Db, { customer, now }: { customer: string; now: number }): Promise<Expiring[]> {
  const { rows } = await sql<{ expires_at: Date; amount: number }>`
    select expires_at, remaining as amount from point_lots
    where customer = ${customer} and unit = 'points' and state = 'available' and remaining > 0 and expires_at > ${at(now)}
    order by expires_at, id
  `.execute(db)
  return rows.map(({ expires_at: end, amount }) => ({ at: end.getTime(), amount }))
}

/** The customer's own coupons that can be used at `now` and that no cart holds. */
export async function expiringCoupons(
  db: Db,
  { customer, now }: { customer: string; now: number },
): Promise<Expiring[]> {
  const { rows } = await sql<{ code: string; title: string; expires_at: Date }>`
    select c.code, o.title, c.expires_at from coupons c join offers o on o.id = c.offer
    where c.customer = ${customer} and c.expires_at > ${at(now)}
      and (c.status = 'open' or (c.status = 'held' and c.held_until <= ${at(now)}))
    order by c.expires_at, c.code
  `.execute(db)
  return rows.map(({ expires_at: end, ...coupon }) => ({ at: end.getTime(), amount: 1, coupon }))
}
