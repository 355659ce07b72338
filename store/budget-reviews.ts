/** The weekly look at what budgets brought, and what an operator does with its proposals. */
import { sql } from 'kysely'
import {
  type BudgetMeasured,
  type JourneyMeasure,
  type Proposal,
  isoWeek,
  proposalsOf,
} from '../domain/budget-review.ts'
import { localDate } from '../domain/calendar.ts'
import { PerennialError } from '../domain/errors.ts'
import { changeCap, lockBudgets } from './budgets.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'

/** Runs that entered longer ago say little of today, ms. */
const LOOKS_BACK = 90 * 86_400_000

/** What became of the runs of each journey with a budget whose time to convert is over by `now`. */
export async function measureJourneys(db: Db, now: number): Promise<JourneyMeasure[]> {
  const { rows } = await sql<Omit<JourneyMeasure, 'treated' | 'held'> & Record<'tr' | 'tc' | 'hr' | 'hc', number>>`
    select l.journey, l.budget, l.own,
      count(*) filter (where arm = 'treated') as tr, count(goal_at) filter (where arm = 'treated') as tc,
      count(*) filter (where arm = 'holdout') as hr, count(goal_at) filter (where arm = 'holdout') as hc,
      coalesce((sum(h.spent)), 0)::bigint as spent
    from budget_journeys l join enrolments e on e.journey = l.journey
    left join (select enrolment, sum(settled) as spent from budget_holds where state = 'settled' group by enrolment) h
      on h.enrolment = e.id
    where e.entered_at > l.since and e.entered_at > ${at(now - LOOKS_BACK)} and coalesce(e.goal_until, e.ended_at) <= ${at(now)}
    group by l.journey order by l.journey
  `.execute(db)
  return rows.map(({ tr, tc, hr, hc, ...rest }) => ({
    ...rest,
    treated: { runs: tr, converted: tc },
    held: { runs: hr, converted: hc },
  }))
}

async function standings(db: Db): Promise<BudgetMeasured[]> {
  const { rows } = await sql<BudgetMeasured>`
    select id as budget, parent, cap, reserved, spent, line_bp as "lineBp" from budgets order by id`.execute(db)
  return rows
}

/** Looks at the week once, in the shop's zone; answers 1 where this call did. Its proposals wait for an operator. */
export async function reviewBudgets(db: Db, { now, zone }: { now: number; zone: string }): Promise<number> {
  const week = isoWeek(localDate(now, zone))
  const { rows } = await sql`
    select 1 from budget_reviews where week = ${week} union all select 1 where not exists (select 1 from budgets)`.execute(
    db,
  )
  if (rows.length > 0) return 0
  return inTransaction(db, async (tx) => {
    const measured = await measureJourneys(tx, now)
    const { numAffectedRows } = await sql`
      insert into budget_reviews (week, measured, at) values (${week}, ${JSON.stringify(measured)}, ${at(now)})
      on conflict (week) do nothing
    `.execute(tx)
    if (numAffectedRows !== 1n) return 0
    const proposals = proposalsOf(await standings(tx), measured)
    for (const [nth, one] of proposals.entries()) await addProposal(tx, { id: `${week}-${nth + 1}`, week, ...one }, now)
    return 1
  })
}

async function addProposal(tx: Tx, one: Proposal & { id: string; week: string }, now: number): Promise<void> {
  await sql`
    insert into budget_proposals (id, week, giver, taker, amount, reasons, made_at)
    values (${one.id}, ${one.week}, ${one.giver}, ${one.taker}, ${one.amount}, ${JSON.stringify(one.reasons)}, ${at(now)})
  `.execute(tx)
}

export interface ProposalLine extends Proposal {
  /** The week and a number: '2026-W48-1'. */
  id: string
  status: 'open' | 'applied' | 'dismissed'
  madeAt: Date
  decidedAt: Date | null
}

const PROPOSAL = sql`id, giver, taker, amount, reasons, status, made_at as "madeAt", decided_at as "decidedAt"`

/** The newest first; those that wait before the others. */
export async function budgetProposals(db: Db, limit = 50): Promise<ProposalLine[]> {
  const { rows } = await sql<ProposalLine>`
    select ${PROPOSAL} from budget_proposals order by status <> 'open', made_at desc, id limit ${limit}`.execute(db)
  return rows
}

export interface Decided {
  proposal: ProposalLine
  /** False where it was decided so before. */
  changed: boolean
}

type Deciding = { id: string; now: number }

/**
 * Moves the money of a proposal from cap to cap, once, all of it or nothing. Throws PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, and
 * BUDGET_TAKEN where the money is gone meanwhile.
 */
export const applyProposal = (db: Db, asked: Deciding): Promise<Decided> => decide(db, asked, 'applied')

/** Throws PROPOSAL_UNKNOWN, PROPOSAL_DECIDED. */
export const dismissProposal = (db: Db, asked: Deciding): Promise<Decided> => decide(db, asked, 'dismissed')

function decide(db: Db, { id, now }: Deciding, status: 'applied' | 'dismissed'): Promise<Decided> {
  return inTransaction(db, async (tx) => {
    const { rows } =
      await sql<ProposalLine>`select ${PROPOSAL} from budget_proposals where id = ${id} for update`.execute(tx)
    const [found] = rows
    if (!found) throw new PerennialError('PROPOSAL_UNKNOWN', `no proposal '${id}'`, { field: 'id' })
    if (found.status === status) return { proposal: found, changed: false }
    if (found.status !== 'open') {
      throw new PerennialError('PROPOSAL_DECIDED', `'${id}' is ${found.status}`, { field: 'id' })
    }
    if (status === 'applied') await moveCaps(tx, found, now)
    await sql`
      update budget_proposals set status = ${status}, decided_at = ${at(now)} where id = ${id} and status = 'open'
    `.execute(tx)
    return { proposal: { ...found, status, decidedAt: at(now) }, changed: true }
  })
}

async function moveCaps(tx: Tx, { giver, taker, amount }: Proposal, now: number): Promise<void> {
  const rows = await lockBudgets(tx, [giver, taker])
  for (const row of rows) await changeCap(tx, row, { cap: row.cap + (row.id === giver ? -amount : amount), now })
}
