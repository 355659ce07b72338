/** What a reckoning measured over the whole shop, out of its row and into it. */
import { sql } from 'kysely'
import type { Frame } from '../domain/reckoning.ts'
import { QUINTILES, WINDOW } from '../domain/rfm.ts'
import { GAPS_LEAST } from '../domain/rhythm.ts'
import type { Db } from './db.ts'
import { paidOrders } from './paid-orders.ts'

export interface FrameRow {
  /** '2026-11-23'. */
  day: string
  zone: string
  r_edges: number[]
  m_edges: number[]
  gap: number | null
  category_gaps: Record<string, number>
}

/** The columns of reckonings `r`. */
export const FRAME = sql`r.day::text as day, r.zone, r.r_edges, r.m_edges, r.gap, r.category_gaps`

export const frameOf = ({ r_edges: r, m_edges: m, gap, category_gaps: byCategory }: FrameRow): Frame => ({
  edges: { r, m },
  rhythm: { gap, byCategory },
})

/** Measures all orders by `asOf`: the quintiles of R and M, the median gap of the shop and of each category. One pass over them. */
export async function measureShop(
  db: Db,
  { asOf, zone, today }: { asOf: number; zone: string; today: number },
): Promise<Omit<FrameRow, 'day' | 'zone'>> {
  const quintiles = sql`${sql.lit(`{${QUINTILES.join(',')}}`)}::float8[]`
  const { rows } = await sql<Omit<FrameRow, 'day' | 'zone'>>`
    with orders as materialized (${paidOrders({ asOf, zone, customers: sql`true` })}),
    counted as (
      select ${today}::int - max(day) as r, sum(net)::float8 as m from orders where day > ${today - WINDOW} group by customer),
    gaps as (
      select day - lag(day) over (partition by customer order by day) as gap from (select distinct customer, day from orders) v),
    category_gaps as (
      select category, day - lag(day) over (partition by customer, category order by day) as gap
      from (select distinct customer, day, jsonb_array_elements_text(categories) as category from orders) v),
    medians as (
      select category, percentile_cont(0.5) within group (order by gap) as gap from category_gaps where gap is not null
      group by category having count(*) >= ${GAPS_LEAST})
    select
      coalesce((select percentile_disc(${quintiles}) within group (order by r) from counted)::float8[], '{}') as r_edges,
      coalesce((select percentile_disc(${quintiles}) within group (order by m) from counted), '{}') as m_edges,
      (select percentile_cont(0.5) within group (order by gap) from gaps having count(gap) >= ${GAPS_LEAST}) as gap,
      coalesce((select jsonb_object_agg(category, gap) from medians), '{}') as category_gaps
  `.execute(db)
  const [row] = rows
  return row ?? { r_edges: [], m_edges: [], gap: null, category_gaps: {} }
}
