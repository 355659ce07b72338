/** Where customers stand: what the nightly reckoning wrote of each. */
import { sql } from 'kysely'
import type { Stage, Standing } from '../domain/standing.ts'
import type { Db } from './db.ts'

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
