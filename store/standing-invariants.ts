/** What must hold of reckonings and standings. Composed in invariants.ts. */
import { type RawBuilder, sql } from 'kysely'
import { type Box, F_LEAST, SEGMENTS, WINDOW } from '../domain/rfm.ts'
import { paidOrders } from './paid-orders.ts'

const between = (axis: string, [from, to]: readonly [number, number]): string => `${axis} between ${from} and ${to}`

const boxText = ({ r, f, m }: Box): string =>
  `(${[between('r', r), between('f', f), ...(m ? [between('m', m)] : [])].join(' and ')})`

/** The name of a cell, by the same boxes as in the domain. */
const SEGMENT = `case ${Object.entries(SEGMENTS)
  .map(([name, boxes]) => `when ${(boxes as readonly Box[]).map(boxText).join(' or ')} then '${name}'`)
  .join(' ')} end`

const F_SCORE = `1 + ${F_LEAST.map((least) => `(s.year_orders >= ${least})::int`).join(' + ')}`

const passed = (edges: string, value: string): string =>
  `(select count(*) from unnest(${edges}) edge where edge < ${value})`

/** The day of a standing on the calendar of its reckoning. */
const TODAY = `(s.as_of at time zone c.zone)::date`

const theirs = paidOrders({ asOf: sql`s.as_of`, zone: sql`c.zone`, customers: sql`e.customer = s.customer` })
const inTheYear = sql.raw(`o.day > ${TODAY} - date '1970-01-01' - ${WINDOW}`)

/** Each selects the rows that break it: a key and what is wrong with it. */
export const STANDING_INVARIANTS: Record<string, string | RawBuilder<unknown>> = {
  'a segment is the cell of its scores': `
    select customer as key, segment || ' at ' || r || '-' || f || '-' || m as wrong from standings
    where reckoning is not null and r is not null and segment is distinct from ${SEGMENT}`,
  'scores follow the edges of their reckoning': `
    select s.customer as key, s.r || '-' || s.f || '-' || s.m || ' by ' || s.reckoning as wrong
    from standings s join reckonings c on c.day = s.reckoning
    where s.r is not null and (s.f <> ${F_SCORE} or s.m <> 1 + ${passed('c.m_edges', 's.year_spent')}
      or s.r <> 5 - ${passed('c.r_edges', `${TODAY} - (s.last_paid_at at time zone c.zone)::date`)})`,
  'a standing counts the paid orders there are': sql`
    select s.customer as key, s.orders || ' orders, ' || s.year_orders || ' in the year for ' || s.year_spent || ', the last '
      || coalesce(s.last_paid_at::text, 'never') || '; events say ' || o.orders || ', ' || o.year_orders || ' for ' || o.year_spent as wrong
    from standings s join reckonings c on c.day = s.reckoning
    cross join lateral (
      select count(*) as orders, count(*) filter (where ${inTheYear}) as year_orders,
        coalesce(sum(o.net) filter (where ${inTheYear}), 0) as year_spent,
        date_trunc('milliseconds', min(o.at)) as first, date_trunc('milliseconds', max(o.at)) as last from (${theirs}) o) o
    where (s.orders, s.year_orders, s.year_spent) is distinct from (o.orders, o.year_orders, o.year_spent)
      or (s.first_paid_at, s.last_paid_at) is distinct from (o.first, o.last)`,
  'every change of stage was told once, and the last one is the stage': `
    select s.customer as key, s.changes || ' changes to ' || s.stage || ', told ' || count(e.seq) as wrong
    from standings s left join events e on e.customer = s.customer and e.type = 'stage.changed'
    where s.reckoning is not null group by s.customer having count(e.seq) <> s.changes
      or s.stage <> (array_agg(e.properties->>'to' order by e.seq desc))[1]`,
  // Who came in that minute may have been written behind the page that they would have been on.
  'a finished reckoning placed everybody': `
    select c.id as key, 'came ' || c.created_at || ', stands as of ' || coalesce(s.as_of::text, 'never') as wrong
    from (select as_of from reckonings where finished_at is not null order by day desc limit 1) r
    join customers c on c.created_at < r.as_of - interval '1 minute'
    left join standings s on s.customer = c.id where s.customer is null or s.as_of < r.as_of`,
}
