/**
 * What a person has to decide (a review) or to do (a task) before a run goes on. The row is the truth, the signal only wakes; where
 * nobody answers by the deadline the default holds, by the time of the answer and not by who won a race.
 */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import type { RunStatus } from '../domain/journey.ts'
import type { Fired } from '../domain/risk.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { wake } from './dispatch.ts'
import { type RunState, lockRun } from './enrolments.ts'

export type ReviewDecision = 'approve' | 'deny'
export type TaskResult = 'done' | 'cannot'
/** What an answer may be, by the kind of row. */
export type Decision = ReviewDecision | TaskResult
export type ReviewKind = 'review' | 'task'

/** What an answer that is refused, and a row that is not there, are called by kind. */
const CODES = {
  review: { unknown: 'REVIEW_UNKNOWN', decided: 'REVIEW_DECIDED', over: 'REVIEW_OVER' },
  task: { unknown: 'TASK_UNKNOWN', decided: 'TASK_DECIDED', over: 'TASK_OVER' },
} as const

/** How a review or task stands: `decided` null while it is open. */
export interface ReviewView {
  status: RunStatus
  decided: { decision: Decision; by: string; reason: string } | null
}

export interface NewReview {
  key: string
  run: string
  topic: string
  /** Shop time, epoch ms. */
  deadline: number
  /** 'cannot' makes it a task. */
  otherwise: ReviewDecision | 'cannot'
  /** What a task asks for beyond its topic. */
  note?: string
  now: number
}

const kindOf = (otherwise: Decision): ReviewKind => (otherwise === 'cannot' ? 'task' : 'review')

/** Who decided where no person did. */
export const BY_DEADLINE = 'deadline'
export const BY_CONTROL_ARM = 'control arm'

async function viewOf(db: Db, run: string, key: string): Promise<ReviewView> {
  const { rows } = await sql<{ status: RunStatus; decision: Decision | null; by: string; reason: string | null }>`
    select e.status, r.decision, r.by, r.reason from enrolments e left join reviews r on r.key = ${key} where e.id = ${run}
  `.execute(db)
  const [row] = rows
  const decided = row?.decision ? { decision: row.decision, by: row.by, reason: row.reason ?? '' } : null
  return { status: row?.status ?? 'stopped', decided }
}

/** Puts it in the queue; asked again it answers how it stands. In the control arm nobody is asked: the default holds. */
export function openReview(
  db: Db,
  { key, run: id, topic, deadline, otherwise, note: text = '', now }: NewReview,
): Promise<ReviewView> {
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, id)
    if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
    if (run.status === 'running') {
      const held = run.arm === 'holdout'
      await sql`
        insert into reviews (key, enrolment, kind, topic, note, opened_at, deadline, otherwise, decision, by, decided_at)
        values (${key}, ${id}, ${kindOf(otherwise)}, ${topic}, ${text}, ${at(now)}, ${at(deadline)}, ${otherwise},
                ${held ? otherwise : null}, ${held ? BY_CONTROL_ARM : null}, ${held ? at(now) : null})
        on conflict (key) do nothing
      `.execute(tx)
      const kind = kindOf(otherwise)
      await note(tx, run, { key, run: id, kind, verdict: 'asked', detail: topic, now })
    }
    return viewOf(tx, id, key)
  })
}

export function viewReview(db: Db, { run, key }: { run: string; key: string }): Promise<ReviewView> {
  return viewOf(db, run, key)
}

/** The last look at a deadline that is over: what was decided by then, else the default. Asked again it answers the same. */
export function closeReview(db: Db, { run: id, key }: { run: string; key: string }): Promise<ReviewView> {
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, id)
    if (run?.status === 'running') await takeDefault(tx, run, key)
    return viewOf(tx, id, key)
  })
}

/** Dated at the deadline, whenever it is written. */
async function takeDefault(tx: Tx, run: RunState, key: string): Promise<void> {
  const { rows } = await sql<{
    enrolment: string
    kind: ReviewKind
    topic: string
    decision: Decision
    deadline: Date
  }>`
    update reviews set decision = otherwise, by = ${BY_DEADLINE}, reason = 'nobody decided', decided_at = deadline
    where key = ${key} and decision is null returning enrolment, kind, topic, decision, deadline
  `.execute(tx)
  const [row] = rows
  if (!row) return
  const { kind, enrolment, deadline } = row
  const detail = `${row.topic}: ${row.decision}, as nobody decided`
  await note(tx, run, { key, run: enrolment, kind, verdict: 'decided', detail, now: deadline.getTime() })
}

export interface DecideReview<D extends Decision = ReviewDecision> {
  id: number
  decision: D
  by: string
  reason: string
  /** Whether what spoke against it is not to be asked about again for this customer. */
  remember: boolean
  /** Read behind the customer's lock. */
  now: () => number
}

export type ReviewAnswer<D extends Decision = ReviewDecision> =
  { ok: true; id: number; decision: D; by: string; replayed: boolean } | { ok: false; code: Refusal }

/**
 * Decides a review, or answers a task, and wakes its run. The same answer again is answered as the first time. Throws
 * REVIEW_UNKNOWN or TASK_UNKNOWN, as the decision is of the one or of the other.
 */
export function decideReview<D extends Decision>(db: Db, asked: DecideReview<D>): Promise<ReviewAnswer<D>> {
  return inTransaction(db, async (tx) => {
    const { id, decision, by, reason } = asked
    const kind = decision === 'done' || decision === 'cannot' ? 'task' : 'review'
    const codes = CODES[kind]
    const { rows: found } = await sql<{ enrolment: string }>`
      select enrolment from reviews where id = ${id} and kind = ${kind}`.execute(tx)
    const run = found[0] && (await lockRun(tx, found[0].enrolment))
    if (!run || !found[0]) throw new PerennialError(codes.unknown, `no ${kind} ${id}`, { field: 'id' })
    const now = asked.now()
    const { rows } = await sql<ReviewRow>`select * from reviews where id = ${id} for update`.execute(tx)
    const row = rows[0] as ReviewRow
    const over = now > row.deadline.getTime() || row.by === BY_DEADLINE
    if (row.decision !== null && !over) {
      if (row.decision !== decision) return { ok: false, code: codes.decided }
      return { ok: true, id, decision, by: row.by ?? '', replayed: true }
    }
    if (run.status !== 'running') return { ok: false, code: 'LEFT_JOURNEY' }
    if (over) {
      await takeDefault(tx, run, row.key)
      return { ok: false, code: codes.over }
    }
    await sql`
      update reviews set decision = ${decision}, by = ${by}, reason = ${reason}, remember = ${asked.remember}, decided_at = ${at(now)}
      where id = ${id} and decision is null
    `.execute(tx)
    const detail = `${row.topic}: ${decision} by ${by}${reason === '' ? '' : `, ${reason}`}`
    await note(tx, run, { key: row.key, run: row.enrolment, kind, verdict: 'decided', detail, now })
    await wake(tx, [row.enrolment])
    return { ok: true, id, decision, by, replayed: false }
  })
}

interface ReviewRow {
  key: string
  enrolment: string
  topic: string
  deadline: Date
  decision: Decision | null
  by: string | null
}

/** What a run's reviewer said of it last, by whoever it was; undefined where no review of it is decided. */
export async function lastReview(
  tx: Tx,
  run: string,
): Promise<{ decision: ReviewDecision; by: string; remember: boolean } | undefined> {
  const { rows } = await sql<{ decision: ReviewDecision; by: string; remember: boolean }>`
    select decision, by, remember from reviews where enrolment = ${run} and kind = 'review' and decision is not null order by id desc limit 1
  `.execute(tx)
  return rows[0]
}

/** A row of the queue; of a task the topic is its name. */
export interface ReviewLine {
  id: number
  topic: string
  note: string
  journey: string
  customer: string
  occasion: string | null
  run: string
  openedAt: Date
  deadline: Date
  otherwise: Decision
  /** Where the run is about a referral: what the risk rules said of it. */
  points: number | null
  rules: Fired[]
}

/** The open reviews, or tasks, of runs that are on, the one that is due first on top. */
export async function openReviews(
  db: Db,
  { now, kind = 'review', limit = 500 }: { now: number; kind?: ReviewKind; limit?: number },
): Promise<ReviewLine[]> {
  const { rows } = await sql<ReviewLine>`
    select r.id, r.topic, r.note, e.journey, e.customer, e.occasion, e.id as run, r.opened_at as "openedAt", r.deadline, r.otherwise,
      j.points, coalesce(j.rules, '[]') as rules
    from reviews r join enrolments e on e.id = r.enrolment
    left join lateral (select points, rules from risk_judgements where enrolment = e.id order by id desc limit 1) j on true
    where r.kind = ${kind} and r.decision is null and r.deadline >= ${at(now)} and e.status = 'running' order by r.deadline, r.id limit ${limit}
  `.execute(db)
  return rows
}

function note(
  tx: Tx,
  { customer, journey }: RunState,
  {
    key,
    run,
    kind,
    ...what
  }: { key: string; run: string; kind: ReviewKind; verdict: string; detail: string; now: number },
): Promise<void> {
  return decide(tx, {
    key: `${key}/${what.verdict}`,
    customer,
    journey,
    enrolment: run,
    about: kind,
    ...what,
  })
}
