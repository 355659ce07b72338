/** What operators look for among runs, and what they do to one: found by step and error, taken up again, ended, moved. */
import { sql } from 'kysely'
import type { Arm } from '../domain/experiment.ts'
import { runId } from '../domain/ids.ts'
import { MIGRATED, type Properties } from '../domain/journey.ts'
import { type Db, type Tx, at } from './db.ts'
import { endAndWake, enrol } from './enrolments.ts'
import { reopenWaits } from './waits.ts'

/** What customers were given in some runs, whatever became of it since. */
export interface HandedOver {
  messages: number
  coupons: number
  points: number
  growth: number
}

export const NOTHING: HandedOver = { messages: 0, coupons: 0, points: 0, growth: 0 }

export async function handedOver(db: Db, runs: readonly string[]): Promise<HandedOver> {
  const { rows } = await sql<HandedOver>`
    select
      (select count(*) from messages where enrolment = any(${runs}) and status in ('sending', 'sent', 'accepted', 'unknown'))
        as messages,
      (select count(*) from coupons where enrolment = any(${runs})) as coupons,
      coalesce(sum(original) filter (where t.unit = 'points'), 0)::int8 as points,
      coalesce(sum(original) filter (where t.unit = 'growth'), 0)::int8 as growth
    from point_transfers t join point_lots l on l.transfer = t.id where t.enrolment = any(${runs}) and t.kind = 'earn'
  `.execute(db)
  return rows[0] ?? NOTHING
}

/** Says of runs that were stopped that their plan's clean-up is to be done. */
export async function askForCleanUp(tx: Tx, runs: readonly string[]): Promise<void> {
  await sql`update enrolments set clean_up = true where id = any(${runs})`.execute(tx)
}

export interface FailedRun {
  id: string
  journey: string
  customer: string
  ended_at: Date
  /** The step it had come to. */
  step: string | null
  code: string | null
  reason: string | null
}

export interface FailedQuery {
  journey?: string | undefined
  run?: string | undefined
  /** A part of the error's code or words. */
  error?: string | undefined
  step?: string | undefined
  limit: number
}

/** Runs that failed, the newest first. */
export async function failedRuns(db: Db, { journey, run, error, step, limit }: FailedQuery): Promise<FailedRun[]> {
  const { rows } = await sql<FailedRun>`
    select id, journey, customer, ended_at, step, failed_code as code, reason from enrolments
    where status = 'failed'
      and (${journey ?? null}::text is null or journey = ${journey ?? null})
      and (${run ?? null}::text is null or id = ${run ?? null})
      and (${step ?? null}::text is null or step = ${step ?? null})
      and (${error ?? null}::text is null
        or strpos(lower(coalesce(failed_code, '') || ' ' || coalesce(reason, '')), lower(${error ?? ''})) > 0)
    order by ended_at desc, id limit ${limit}
  `.execute(db)
  return rows
}

/** The end of a run that may be taken up again, and what came to its customer since. With the customer locked. */
export async function failureOf(
  tx: Tx,
  run: string,
  exits: readonly string[],
): Promise<{ failed: boolean; converted: boolean; others: number; since: { type: string; properties: Properties }[] }> {
  const { rows } = await sql<{ failed: boolean; converted: boolean; others: number }>`
    select e.status = 'failed' as failed, e.goal_at is not null as converted,
      (select count(*) from enrolments o where o.customer = e.customer and o.journey = e.journey and o.status = 'running') as others
    from enrolments e where e.id = ${run}
  `.execute(tx)
  const { rows: since } = await sql<{ type: string; properties: Properties }>`
    select v.type, v.properties from enrolments e join events v on v.customer = e.customer
    where e.id = ${run} and v.type = any(${exits}) and v.received_at >= e.ended_at
  `.execute(tx)
  return { ...(rows[0] ?? { failed: false, converted: false, others: 0 }), since }
}

/** Makes a failed run one that is on, and orders it to be taken up where it failed. */
export async function reopenRun(tx: Tx, run: string): Promise<void> {
  const { rows } = await sql<{ ended_at: Date }>`
    update enrolments e set status = 'running', ended_at = null, reason = null, step = null, failed_code = null
    from (select id, ended_at from enrolments where id = ${run} and status = 'failed') before
    where e.id = before.id returning before.ended_at
  `.execute(tx)
  const [before] = rows
  if (!before) return
  await sql`delete from outcomes where enrolment = ${run} and kind = 'ended'`.execute(tx)
  await reopenWaits(tx, run, before.ended_at)
  await sql`insert into dispatch (kind, enrolment, created_at) values ('retry', ${run}, now())`.execute(tx)
}

/** The journeys that somebody is in, with how many runs are on. */
export async function openJourneys(db: Db): Promise<{ name: string; on: number }[]> {
  const { rows } = await sql<{ name: string; on: number }>`
    select journey as name, count(*) as "on" from enrolments where status = 'running' and campaign is null group by journey order by journey
  `.execute(db)
  return rows
}

export interface OpenRun {
  id: string
  customer: string
  occasion: string | null
  entered_at: Date
  /** Where the store knows: an event it waits for, or an effect that is held. */
  step: string | null
}

/** Open runs of a journey in the order of their ids, a page of them. */
export async function openRuns(
  db: Db,
  { journey, after = '', limit }: { journey: string; after?: string; limit: number },
): Promise<OpenRun[]> {
  const { rows } = await sql<OpenRun>`
    select e.id, e.customer, e.occasion, e.entered_at, coalesce(
      (select 'wait for ' || w.type from waits w where w.enrolment = e.id and w.open order by w.deadline limit 1),
      (select 'send ' || m.message from messages m
        where m.enrolment = e.id and m.status in ('held', 'reserved', 'sending') order by m.created_at desc limit 1),
      case when e.held_at is not null then e.step end) as step
    from enrolments e where e.journey = ${journey} and e.status = 'running' and e.campaign is null and e.id > ${after} order by e.id limit ${limit}
  `.execute(db)
  return rows
}

export interface MovingRun {
  id: string
  status: string
  arm: Arm
  occasion: string | null
  begun_seq: number
  goal_until: Date | null
  /** What ties it to its journey: points, rewards or a question to a person that the run itself has to see to. */
  tied: boolean
}

/** A run that is to go on as one of another journey. With the customer locked. */
export async function movingRun(tx: Tx, run: string): Promise<MovingRun | undefined> {
  const { rows } = await sql<MovingRun>`
    select id, status, arm, occasion, begun_seq, goal_until,
      exists (select 1 from point_transfers t where t.enrolment = e.id)
        or exists (select 1 from reviews r where r.enrolment = e.id) as tied
    from enrolments e where id = ${run}
  `.execute(tx)
  return rows[0]
}

/**
 * Ends a run and enters its customer in another journey, all that it had kept: arm, occasion, window of the goal, and the events
 * that came since it began. Nothing is sent in the old one from here on. False where the new run exists.
 */
export async function moveRun(
  tx: Tx,
  run: MovingRun,
  { to, customer, occasion, now }: { to: string; customer: string; occasion: string | null; now: number },
): Promise<boolean> {
  const entered = await enrol(tx, {
    journey: to,
    customer,
    occasion,
    arm: run.arm,
    begunBy: `migrated from ${run.id}`,
    begunSeq: run.begun_seq,
    startsAt: now,
    goalUntil: run.goal_until?.getTime() ?? null,
    now,
  })
  if (!entered) return false
  const id = runId({ journey: to, customer, occasion })
  await sql`update enrolments set migrated_from = ${run.id} where id = ${id}`.execute(tx)
  await endAndWake(tx, [run.id], { status: 'exited', reason: MIGRATED, now })
  // A goal that is reached from here on counts for the new run alone.
  await sql`update enrolments set goal_until = least(goal_until, ${at(now - 1)}) where id = ${run.id}`.execute(tx)
  return true
}
