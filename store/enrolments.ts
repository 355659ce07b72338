/** Runs of journeys: who entered, in which arm, how it ended. The row, not the workflow, says whether a run is still on. */
import { sql } from 'kysely'
import type { Arm } from '../domain/experiment.ts'
import { runId } from '../domain/ids.ts'
import type { PastEntry, RunStatus } from '../domain/journey.ts'
import { type Db, type Tx, among, at } from './db.ts'
import { decide } from './decisions.ts'
import { wake } from './dispatch.ts'
import { type MessageRow, type StoredMessage, messageOf, messageRows } from './messages.ts'
import type { Reader } from './words.ts'

export interface Enrolment {
  id: string
  journey: string
  customer: string
  occasion: string | null
  arm: Arm
  status: RunStatus
  begun_by: string
  entered_at: Date
  starts_at: Date
  goal_until: Date | null
  goal_at: Date | null
  ended_at: Date | null
  reason: string | null
  /** Where it holds or failed, as far as the store knows. */
  step: string | null
  failed_code: string | null
  /** Stopped with the clean-up of its plan. */
  clean_up: boolean
  /** The run of another journey that it goes on from. */
  migrated_from: string | null
  /** The run of a campaign that the customer is a member of; null in a journey. */
  campaign: string | null
}

export interface NewEnrolment {
  journey: string
  customer: string
  occasion: string | null
  arm: Arm
  /** What began it: 'event <id>', 'sweep', 'operator'. */
  begunBy: string
  begunSeq: number
  startsAt: number
  goalUntil: number | null
  now: number
}

/** Enters a customer, with the outcome, the decision and the order to start the workflow; false if the run exists. */
export async function enrol(tx: Tx, one: NewEnrolment): Promise<boolean> {
  const id = runId(one)
  const { numAffectedRows } = await sql`
    insert into enrolments (id, journey, customer, occasion, arm, status, begun_by, begun_seq, entered_at, starts_at, goal_until)
    values (${id}, ${one.journey}, ${one.customer}, ${one.occasion}, ${one.arm}, 'running', ${one.begunBy}, ${one.begunSeq},
            ${at(one.now)}, ${at(one.startsAt)}, ${one.goalUntil === null ? null : at(one.goalUntil)})
    on conflict (id) do nothing
  `.execute(tx)
  if (numAffectedRows !== 1n) return false
  await sql`
    insert into outcomes (enrolment, kind, at, detail) values (${id}, 'entered', ${at(one.now)}, ${one.begunBy})
  `.execute(tx)
  await sql`insert into dispatch (kind, enrolment, created_at) values ('start', ${id}, now())`.execute(tx)
  await decide(tx, {
    key: `${id}/entry`,
    customer: one.customer,
    journey: one.journey,
    enrolment: id,
    about: 'entry',
    verdict: 'entered',
    detail: one.arm === 'holdout' ? `${one.begunBy}, held out` : one.begunBy,
    now: one.now,
  })
  return true
}

/** The customer's earlier runs of a journey, for the re-entry rule. Call it with the customer locked. */
export async function pastEntries(tx: Tx, journey: string, customer: string): Promise<PastEntry[]> {
  const { rows } = await sql<{ occasion: string | null; entered_at: Date; status: RunStatus }>`
    select occasion, entered_at, status from enrolments where customer = ${customer} and journey = ${journey}
  `.execute(tx)
  return rows.map((row) => ({
    occasion: row.occasion,
    enteredAt: row.entered_at.getTime(),
    open: row.status === 'running',
  }))
}

/** Marks the conversion of these runs, whether or not they still run. */
export async function convert(tx: Tx, ids: readonly string[], event: string, now: number): Promise<void> {
  if (ids.length === 0) return
  await sql`update enrolments set goal_at = ${at(now)} where id = any(${ids})`.execute(tx)
  await sql`
    insert into outcomes (enrolment, kind, at, detail)
    select id, 'converted', ${at(now)}, ${event} from unnest(${ids}::text[]) id on conflict do nothing
  `.execute(tx)
}

/**
 * Ends those of the runs that are on, with the outcome; answers which they were. Nothing is sent in them from here on. Call it
 * with their customers locked: else a wait that is being opened could outlive its run.
 */
export async function endRuns(
  tx: Tx,
  ids: readonly string[],
  end: { status: Exclude<RunStatus, 'running'>; reason: string; now: number },
): Promise<string[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<{ id: string }>`
    with ended as (
      update enrolments set status = ${end.status}, ended_at = ${at(end.now)}, reason = ${end.reason}, held_at = null
      where id = any(${ids}) and status = 'running' returning id),
    closed as (update waits set open = false where enrolment in (select id from ended) and open)
    insert into outcomes (enrolment, kind, at, detail)
    select id, 'ended', ${at(end.now)}, ${`${end.status}: ${end.reason}`} from ended returning enrolment as id
  `.execute(tx)
  return rows.map((row) => row.id)
}

/** Ends runs from outside and wakes their workflows, so that they notice at once. */
export async function endAndWake(
  tx: Tx,
  ids: readonly string[],
  end: Parameters<typeof endRuns>[2],
): Promise<string[]> {
  const ended = await endRuns(tx, ids, end)
  await wake(tx, ended)
  return ended
}

export async function enrolment(db: Db, id: string): Promise<Enrolment | undefined> {
  const { rows } = await sql<Enrolment>`select * from enrolments where id = ${id}`.execute(db)
  return rows[0]
}

/** The newest runs of a journey or of a customer. */
export async function enrolments(
  db: Db,
  by: { journey?: string; customer?: string; status?: RunStatus },
  limit: number,
): Promise<Enrolment[]> {
  const { rows } = await sql<Enrolment>`
    select * from enrolments
    where (${by.journey ?? null}::text is null or journey = ${by.journey ?? null})
      and (${by.customer ?? null}::text is null or customer = ${by.customer ?? null})
      and (${by.status ?? null}::text is null or status = ${by.status ?? null})
    order by entered_at desc, id limit ${limit}
  `.execute(db)
  return rows
}

/** What every effect asks first, in its own transaction: the run, whether its journey is paused; the customer is locked. */
export interface RunState {
  journey: string
  customer: string
  arm: Arm
  status: RunStatus
  reason: string | null
  paused: boolean
}

/**
 * Locks the customer, then reads the run and its journey's pause (shared, so that a resume waits for the answer). Undefined for
 * an unknown run.
 */
export async function lockRun(tx: Tx, id: string): Promise<RunState | undefined> {
  await sql`
    /* prepared */ select 1 from customers where id = (select customer from enrolments where id = ${id}) for update
  `.execute(tx)
  const { rows } = await sql<RunState>`
    /* prepared */ select journey, customer, arm, status, reason,
      (select paused_at from journeys where name = enrolments.journey for share) is not null as paused
    from enrolments where id = ${id}
  `.execute(tx)
  return rows[0]
}

/** A run as a page of them is read, with what says in which words its customer is written to. */
export interface RunInPage extends RunState, Reader {
  run: string
  /** What an earlier attempt left of the message that is asked about. */
  before: MessageRow | undefined
}

/**
 * The same for many runs at once, each with one message of it, locked too; but for those whose customer somebody else holds: nobody
 * waits for another's customer.
 */
export async function lockRuns(tx: Tx, asked: readonly { run: string; key: string }[]): Promise<RunInPage[]> {
  const [ids, keys] = [asked.map(({ run }) => run), asked.map(({ key }) => key)]
  const { rows: locked } = await sql<{ id: string }>`
    /* prepared */ select id from customers where id in (select customer from enrolments where id = ${among(ids)})
    order by id for update skip locked
  `.execute(tx)
  if (locked.length === 0) return []
  const customers = locked.map((row) => row.id)
  const { rows } = await sql<Omit<RunInPage, 'before'> & { before: StoredMessage | null }>`
    /* prepared */ with before as (${messageRows} where key = ${among(keys)} and customer = ${among(customers)} order by key for update)
    select q.run, e.journey, e.customer, e.arm, e.status, e.reason, c.locale, c.zone, c.phone,
      (select paused_at from journeys where name = e.journey for share) is not null as paused,
      (select to_jsonb(before) from before where before.key = q.key) as before
    from unnest(${ids}::text[], ${keys}::text[]) q (run, key) join enrolments e on e.id = q.run and e.id = ${among(ids)}
    join customers c on c.id = e.customer and c.id = ${among(customers)}
  `.execute(tx)
  return rows.map(({ before, ...run }) => ({ ...run, before: before ? messageOf(before) : undefined }))
}

/** The runs of some customers who are in a journey, with those customers locked; at most `limit` customers, undefined where none is in. */
export async function lockRunning(tx: Tx, journey: string, limit: number): Promise<string[] | undefined> {
  const { rows: locked } = await sql<{ id: string }>`
    select id from customers
    where id in (select customer from enrolments where journey = ${journey} and status = 'running' order by customer limit ${limit})
    order by id for update
  `.execute(tx)
  if (locked.length === 0) return undefined
  const customers = locked.map((row) => row.id)
  const { rows } = await sql<{ id: string }>`
    select id from enrolments where journey = ${journey} and status = 'running' and customer = any(${customers})
  `.execute(tx)
  return rows.map((row) => row.id)
}

/** Remembers that the run waits for its journey to be resumed, at which step, and since when that is due. */
export async function holdRun(
  tx: Tx,
  id: string,
  now: number,
  { step = null, due = now }: { step?: string | null; due?: number } = {},
): Promise<void> {
  await sql`
    update enrolments set held_at = ${at(now)}, step = coalesce(${step}, step), held_due = coalesce(held_due, ${at(due)})
    where id = ${id} and status = 'running'
  `.execute(tx)
}
