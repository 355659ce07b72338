/** The pages of customers that daily sweeps about silence walk through: who stopped buying, and who does nothing at all. */
import { sql } from 'kysely'
import { OWN_EVENTS } from '../domain/own-events.ts'
import { type Db, at } from './db.ts'

export interface Silence {
  customer: string
  zone: string | null
  /** The day of the shop's calendar on which they last did something: '2026-09-01'. */
  last: string
}

interface Page {
  journey: string
  /** The zone of the shop. */
  shopZone: string
  /** Customers after this id, in the order of ids, at most `limit`. */
  after: string
  limit: number
}

/** Who is dormant by the newest reckoning and was not in the journey for it yet; `last` is the day of their last paid order. */
export async function dormantCustomers(db: Db, { journey, shopZone, after, limit }: Page): Promise<Silence[]> {
  const { rows } = await sql<Silence>`
    select d.customer, d.zone, d.last from (
      select s.customer, c.zone, (s.last_paid_at at time zone ${shopZone}::text)::date::text as last
      from standings s join customers c on c.id = s.customer where s.stage = 'dormant' and s.customer > ${after}) d
    where not exists (
      select 1 from enrolments e where e.customer = d.customer and e.journey = ${journey} and e.occasion = d.last)
    order by d.customer limit ${limit}
  `.execute(db)
  return rows
}

/** One who got so many marketing messages since, and whether they did anything since. */
export interface Written extends Silence {
  silent: boolean
}

/** Who got at least `messages` marketing messages from `since` to `now`. What Perennial tells itself is nothing that they did. */
export async function writtenCustomers(
  db: Db,
  { journey, shopZone, after, limit, since, now, messages }: Page & { since: number; now: number; messages: number },
): Promise<Written[]> {
  const { rows } = await sql<Written>`
    select w.customer, w.zone, w.day as last, w.at <= ${at(since)} and not exists (
        select 1 from enrolments e where e.customer = w.customer and e.journey = ${journey} and e.occasion = w.day) as silent
    from (
      select c.id as customer, c.zone, l.at, (l.at at time zone ${shopZone}::text)::date::text as day
      from (
        select customer from messages where customer > ${after} and class = 'marketing' and status in ('sent', 'accepted')
          and reserved_at > ${at(since)} and reserved_at <= ${at(now)}
        group by customer having count(*) >= ${messages} order by customer limit ${limit}) m
      join customers c on c.id = m.customer
      cross join lateral (
        select coalesce(max(e.received_at), c.created_at) as at from events e
        where e.customer = c.id and e.type <> all(${OWN_EVENTS})) l) w
    order by w.customer
  `.execute(db)
  return rows
}
