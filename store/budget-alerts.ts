/** Alerts of budgets: written with what caused them, told once a threshold and cap, handed to the log by the upkeep. */
import { sql } from 'kysely'
import { type Standing, type Threshold, crossed, levelOf } from '../domain/budget.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'

/** A budget as its row is, locked or just written. */
export interface BudgetRow extends Standing {
  id: string
  parent: string | null
  round: number
  alerted: number
}

export const BUDGET_COLUMNS = sql`id, parent, cap, reserved, spent, line_bp as "lineBp", round, alerted`

async function write(tx: Tx, row: BudgetRow, thresholds: readonly Threshold[], now: number): Promise<void> {
  await sql`
    insert into budget_alerts (budget, round, threshold, cap, taken, at)
    select ${row.id}, ${row.round}, t, ${row.cap}, ${row.reserved + row.spent}, ${at(now)}::timestamptz
    from unnest(${thresholds}::smallint[]) t on conflict do nothing
  `.execute(tx)
}

/** Writes the alerts of thresholds that a budget passed for the first time since its cap was set. Call it with the row locked. */
export async function alertPassed(tx: Tx, row: BudgetRow, now: number): Promise<void> {
  const level = levelOf(row)
  if (level <= row.alerted) return
  await write(tx, row, crossed(row.alerted, level), now)
  await sql`update budgets set alerted = ${level} where id = ${row.id}`.execute(tx)
}

/** Somebody was refused for want of money: told as 100 %, as nothing more can be given, be it that only the line is left. */
export function alertExhausted(tx: Tx, row: BudgetRow, now: number): Promise<void> {
  return write(tx, row, [100], now)
}

/**
 * After a new cap: thresholds that are not reached under it will be told again when they are; those that are reached are told
 * now, unless they were before.
 */
export async function rearm(tx: Tx, row: BudgetRow, now: number): Promise<void> {
  const level = levelOf(row)
  await write(tx, row, crossed(row.alerted, level), now)
  await sql`update budgets set alerted = ${level} where id = ${row.id}`.execute(tx)
}

export interface BudgetAlert {
  budget: string
  /** Percent of the cap; 100 also where a journey was refused. */
  threshold: Threshold
  cap: number
  /** Reserved and spent, at that moment. */
  taken: number
  at: Date
}

const ALERTS_AT_ONCE = 100

/** Hands alerts that nobody was told of to `tell`, once: behind their locks, and marked before they are let go. */
export function announceAlerts(db: Db, now: number, tell: (alert: BudgetAlert) => void): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await sql<BudgetAlert & { round: number }>`
      select budget, round, threshold, cap, taken, at from budget_alerts where announced_at is null
      order by at, budget, threshold limit ${ALERTS_AT_ONCE} for update skip locked
    `.execute(tx)
    for (const { budget, round, threshold, ...rest } of rows) {
      tell({ budget, threshold, ...rest })
      await sql`
        update budget_alerts set announced_at = ${at(now)}
        where budget = ${budget} and round = ${round} and threshold = ${threshold}
      `.execute(tx)
    }
    return rows.length
  })
}
