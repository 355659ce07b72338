/** What customers bought, read off the events: the one place that says in SQL what a paid order is and what is left of it. */
import { type RawBuilder, sql } from 'kysely'
import type { Order } from '../domain/rhythm.ts'
import { type Db, at } from './db.ts'

/** Which events are read: those that happened by `asOf` and for which `customers`, a condition on events `e`, holds. */
export interface PaidWhere {
  asOf: number | RawBuilder<unknown>
  /** The zone whose calendar the days are of. */
  zone: string | RawBuilder<unknown>
  customers: RawBuilder<unknown>
}

/** A whole number of minor units within reach, or null: what domain/points.ts takes for an amount. */
const amountOf = (key: string): RawBuilder<unknown> => sql`
  case when jsonb_typeof(e.properties->${sql.lit(key)}) = 'number' then
    case when (e.properties->${sql.lit(key)})::numeric between 0 and 9007199254740991
      and (e.properties->${sql.lit(key)})::numeric % 1 = 0 then (e.properties->${sql.lit(key)})::bigint end end`

/**
 * A query of (customer, at, day, net, categories), one row a paid order. The same order told twice counts as it was told first. What
 * was paid back is subtracted, each refund once; an order of which all was is left out (domain/returns.ts has the rule).
 */
export function paidOrders({ asOf, zone, customers }: PaidWhere): RawBuilder<unknown> {
  const until = typeof asOf === 'number' ? at(asOf) : asOf
  return sql`
  select p.customer, p.at, (p.at at time zone ${zone}::text)::date - date '1970-01-01' as day,
    greatest(0, coalesce(p.amount, 0) - coalesce(b.back, 0)) as net, p.categories
  from (
    select distinct on (e.customer, coalesce(e.properties->>'order', '@' || e.id)) e.customer, e.properties->>'order' as "order",
      e.occurred_at as at, ${amountOf('amount')} as amount,
      case when e.properties ? 'freight' then ${amountOf('freight')} else 0 end as freight,
      case when jsonb_typeof(e.properties->'lines') = 'array'
        then jsonb_path_query_array(e.properties, '$.lines[*].category ? (@.type() == "string")') end as categories
    from events e where e.type = 'order.paid' and e.occurred_at <= ${until} and ${customers}
    order by e.customer, coalesce(e.properties->>'order', '@' || e.id), e.seq) p
  left join (
    select customer, "order", bool_or(amount is null or freight is null) as unsaid,
      sum(amount) filter (where nth = 1) as back, sum(greatest(0, amount - freight)) filter (where nth = 1) as goods
    from (
      select *, row_number() over (partition by customer, "order", refund, amount is null or freight is null order by seq) as nth
      from (
        select e.customer, e.seq, e.properties->>'order' as "order", ${amountOf('amount')} as amount,
          case when e.properties ? 'freight' then ${amountOf('freight')} else 0 end as freight,
          case when jsonb_typeof(e.properties->'refund') in ('string', 'number')
            and length(e.properties->>'refund') between 1 and 128 then e.properties->>'refund' else '@' || e.id end as refund
        from events e where e.type = 'order.refunded' and e.occurred_at <= ${until} and ${customers}) r) r
    where "order" is not null group by customer, "order") b on b.customer = p.customer and b."order" = p."order"
  where b.customer is null or not (b.unsaid or p.amount is null or p.freight is null or greatest(0, p.amount - p.freight) <= b.goods)`
}

/** Orders of each customer as the domain reads them, oldest first. */
export const ordersJson = sql`
  json_agg(json_build_object('at', (extract(epoch from o.at) * 1000)::float8, 'day', o.day, 'net', o.net::float8,
    'categories', coalesce(o.categories, '[]')) order by o.at)`

/** The orders of one customer by `asOf`, oldest first. */
export async function paidOrdersOf(
  db: Db,
  { customer, asOf, zone }: { customer: string; asOf: number; zone: string },
): Promise<Order[]> {
  const { rows } = await sql<{ orders: Order[] | null }>`
    select ${ordersJson} as orders from (${paidOrders({ asOf, zone, customers: sql`e.customer = ${customer}` })}) o
  `.execute(db)
  return rows[0]?.orders ?? []
}
