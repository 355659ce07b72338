/** Budgets: stored when a worker starts, steered by operators from then on. What is taken of them stands in budget-holds.ts. */
import { sql } from 'kysely'
import { type PlannedBudget, type Threshold, ownBudget, roomOf } from '../domain/budget.ts'
import { PerennialError } from '../domain/errors.ts'
import type { MessageClass } from '../domain/sending.ts'
import { BUDGET_COLUMNS, type BudgetRow, rearm } from './budget-alerts.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'

/** What a plan says of its money. */
export interface BudgetedPlan {
  name: string
  class: MessageClass
  budget?: PlannedBudget | undefined
}

/**
 * Stores the budgets of plans that are not known yet, and what each journey draws on. A cap that is stored stays as it was
 * steered; a budget that no plan gives a cap has none to give until an operator does.
 */
export async function addBudgets(db: Db, plans: Iterable<BudgetedPlan>, now: () => number): Promise<void> {
  // Those that word a cap come first, so that a plan with the name alone does not store it empty.
  const worded = (plan: BudgetedPlan): number => ((plan.budget?.cap ?? null) === null ? 1 : 0)
  for (const plan of [...plans].sort((a, b) => worded(a) - worded(b))) {
    await inTransaction(db, async (tx) => {
      const { budget } = plan
      if (!budget) return void (await sql`delete from budget_journeys where journey = ${plan.name}`.execute(tx))
      const { name, cap, journeyCap, lineBp } = budget
      await lockUnlessLinked(tx, plan.name)
      await addBudget(tx, { id: name, parent: null, cap: cap ?? 0, lineBp })
      const own = journeyCap === null ? null : ownBudget(name, plan.name)
      // A journey is of one class, so a line within its own cap would only make the cap smaller.
      if (own !== null) await addBudget(tx, { id: own, parent: name, cap: journeyCap ?? 0, lineBp: 0 })
      await link(tx, { journey: plan.name, budget: name, own, class: plan.class }, now)
    })
  }
}

async function addBudget(tx: Tx, one: Pick<BudgetRow, 'id' | 'parent' | 'cap' | 'lineBp'>): Promise<void> {
  await sql`
    insert into budgets as b (id, parent, cap, line_bp) values (${one.id}, ${one.parent}, ${one.cap}, ${one.lineBp})
    on conflict (id) do update set cap = excluded.cap, line_bp = excluded.line_bp
      where b.cap = 0 and b.round = 1 and excluded.cap > 0
  `.execute(tx)
}

export interface BudgetLink {
  journey: string
  budget: string
  own: string | null
  class: MessageClass
}

/**
 * A journey gets its budget behind everybody's lock: whatever was given before this moment has no hold, whatever is given after
 * it has one. Before the budget is touched, as whoever issues has a customer first and then the budget.
 */
async function lockUnlessLinked(tx: Tx, journey: string): Promise<void> {
  const { rows } = await sql`select 1 from budget_journeys where journey = ${journey}`.execute(tx)
  if (rows.length === 0) await sql`lock table customers in exclusive mode`.execute(tx)
}

async function link(tx: Tx, one: BudgetLink, now: () => number): Promise<void> {
  await sql`
    insert into budget_journeys (journey, budget, own, class, since)
    values (${one.journey}, ${one.budget}, ${one.own}, ${one.class}, ${at(now())})
    on conflict (journey) do update set budget = excluded.budget, own = excluded.own, class = excluded.class
  `.execute(tx)
}

/**
 * Budgets, held locked in the order of their ids. Not `for update`: a row that is written twice has its parent looked at by the
 * foreign key, which would wait for whoever has that locked and waits for this one.
 */
export async function lockBudgets(tx: Tx, ids: readonly string[]): Promise<BudgetRow[]> {
  const { rows } = await sql<BudgetRow>`/* prepared */
    select ${BUDGET_COLUMNS} from budgets where id = any(${ids}) order by id for no key update`.execute(tx)
  return rows
}

/** Throws BUDGET_UNKNOWN. */
export async function lockBudget(tx: Tx, id: string): Promise<BudgetRow> {
  const [row] = await lockBudgets(tx, [id])
  if (row) return row
  throw new PerennialError('BUDGET_UNKNOWN', `no budget '${id}'`, { field: 'budget' })
}

export interface Capped {
  budget: string
  cap: number
  before: number
  changed: boolean
}

/** Gives a budget another cap, never below what is reserved and spent. Throws BUDGET_UNKNOWN, BUDGET_TAKEN. */
export function setCap(db: Db, asked: { budget: string; cap: number; now: number }): Promise<Capped> {
  return inTransaction(db, async (tx) => changeCap(tx, await lockBudget(tx, asked.budget), asked))
}

/** The same within a transaction that has the budget locked. */
export async function changeCap(tx: Tx, row: BudgetRow, { cap, now }: { cap: number; now: number }): Promise<Capped> {
  const { id: budget, cap: before } = row
  if (cap === before) return { budget, cap, before, changed: false }
  const { rows } = await sql<BudgetRow>`
    update budgets set cap = ${cap}, round = round + 1 where id = ${budget} and reserved + spent <= ${cap}
    returning ${BUDGET_COLUMNS}
  `.execute(tx)
  if (!rows[0]) {
    const taken = row.reserved + row.spent
    throw new PerennialError('BUDGET_TAKEN', `of '${budget}' ${taken} are reserved and spent`, {
      field: 'cap',
      expected: `at least ${taken}`,
    })
  }
  await rearm(tx, rows[0], now)
  return { budget, cap, before, changed: true }
}

export interface Lined {
  budget: string
  /** Percent of the cap that marketing may not touch. */
  line: number
}

/** Sets the share of a cap that marketing may not touch, percent with two decimals. Throws BUDGET_UNKNOWN. */
export function setLine(db: Db, { budget, line }: Lined): Promise<Lined> {
  return inTransaction(db, async (tx) => {
    await lockBudget(tx, budget)
    await sql`update budgets set line_bp = ${Math.round(line * 100)} where id = ${budget}`.execute(tx)
    return { budget, line }
  })
}

export interface AlertLine {
  threshold: Threshold
  at: Date
  cap: number
  taken: number
}

/** A budget as an operator sees it, in minor units. */
export interface BudgetLine {
  budget: string
  /** The campaign's budget that this journey's own lies in. */
  parent: string | null
  cap: number
  reserved: number
  spent: number
  /** Of the cap. */
  left: number
  /** Of that what marketing may take. */
  forMarketing: number
  /** Percent of the cap that marketing may not touch. */
  line: number
  /** Who draws on it. */
  journeys: string[]
  /** Those that hold under the cap of today. */
  alerts: AlertLine[]
}

type ListedRow = BudgetRow & { journeys: string[]; alerts: (Omit<AlertLine, 'at'> & { at: string })[] }

export async function budgetLines(db: Db): Promise<BudgetLine[]> {
  const { rows } = await sql<ListedRow>`
    select ${BUDGET_COLUMNS},
      array(select journey from budget_journeys j where b.id in (j.budget, j.own) order by journey) as journeys,
      (select coalesce(json_agg(json_build_object('threshold', threshold, 'at', at, 'cap', cap, 'taken', taken)
        order by threshold), '[]') from (
          select distinct on (a.threshold) a.* from budget_alerts a
          where a.budget = b.id and (a.round = b.round or a.threshold <= b.alerted) order by a.threshold, a.round desc) a
      ) as alerts
    from budgets b order by id
  `.execute(db)
  return rows.map(({ id, parent, cap, reserved, spent, lineBp, journeys, alerts }) => ({
    budget: id,
    parent,
    cap,
    reserved,
    spent,
    left: cap - reserved - spent,
    forMarketing: roomOf({ cap, reserved, spent, lineBp }, true),
    line: lineBp / 100,
    journeys,
    alerts: alerts.map((alert) => ({ ...alert, at: new Date(alert.at) })),
  }))
}

/** How often each budget passed each threshold, over all its caps. */
export async function alertCounts(db: Db): Promise<{ budget: string; threshold: Threshold; count: number }[]> {
  const { rows } = await sql<{ budget: string; threshold: Threshold; count: number }>`
    select budget, threshold, count(*) as count from budget_alerts group by budget, threshold order by budget, threshold
  `.execute(db)
  return rows
}
