/** The operator's hand on a journey: paused or not, and what it came to in numbers. */
import { sql } from 'kysely'
import type { Arm } from '../domain/experiment.ts'
import type { RunStatus } from '../domain/journey.ts'
import type { ResumeRule } from '../domain/pause.ts'
import { type Db, at, inTransaction } from './db.ts'
import { wake, wakeCampaign } from './dispatch.ts'
import { logSteering } from './steering-log.ts'

/** Pauses a journey: nobody is dropped, runs hold before their next effect. False if it was paused. */
export function pauseJourney(db: Db, name: string, now: number, by = 'operator'): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const { numAffectedRows } = await sql`
      insert into journeys (name, paused_at) values (${name}, ${at(now)})
      on conflict (name) do update set paused_at = excluded.paused_at where journeys.paused_at is null
    `.execute(tx)
    if (numAffectedRows !== 1n) return false
    await sql`insert into pauses (journey, paused_at) values (${name}, ${at(now)})`.execute(tx)
    await logSteering(tx, { word: 'pause', journey: name, by, now })
    return true
  })
}

export interface Resume {
  now: number
  /** fire unless said. */
  rule?: ResumeRule
  /** Of skip, ms. */
  stale?: number | null
  by?: string
}

/** Resumes a journey and wakes the runs that were held for it; answers how many, undefined if it was not paused. */
export function resumeJourney(db: Db, name: string, resume: Resume): Promise<number | undefined> {
  const { now, rule = 'fire', stale = null, by = 'operator' } = resume
  return inTransaction(db, async (tx) => {
    const { numAffectedRows } = await sql`
      update journeys set paused_at = null where name = ${name} and paused_at is not null
    `.execute(tx)
    if (numAffectedRows !== 1n) return undefined
    await sql`
      update pauses set resumed_at = greatest(${at(now)}, paused_at), rule = ${rule}, stale_ms = ${stale}
      where journey = ${name} and resumed_at is null
    `.execute(tx)
    const { rows } = await sql<{ id: string }>`
      update enrolments set held_at = null, held_due = null, step = null
      where journey = ${name} and held_at is not null and status = 'running' returning id
    `.execute(tx)
    await wake(
      tx,
      rows.map((row) => row.id),
    )
    const campaigns = await wakeCampaign(tx, name)
    const woken = rows.length + campaigns
    const detail = { waits: rule, ...(stale !== null && { staleMs: stale }), woken }
    await logSteering(tx, { word: 'resume', journey: name, by, now, detail })
    return woken
  })
}

export async function pausedJourneys(db: Db): Promise<Map<string, Date>> {
  const { rows } = await sql<{ name: string; paused_at: Date }>`
    select name, paused_at from journeys where paused_at is not null
  `.execute(db)
  return new Map(rows.map((row) => [row.name, row.paused_at]))
}

export interface JourneyCounts {
  journey: string
  arm: Arm
  status: RunStatus
  runs: number
  converted: number
}

/** Runs by journey, arm and status. */
export async function journeyCounts(db: Db, journey?: string): Promise<JourneyCounts[]> {
  const { rows } = await sql<JourneyCounts>`
    select journey, arm, status, count(*) as runs, count(goal_at) as converted from enrolments
    where ${journey ?? null}::text is null or journey = ${journey ?? null}
    group by journey, arm, status order by journey, arm, status
  `.execute(db)
  return rows
}

export interface EffectCounts {
  journey: string
  what: 'message' | 'coupon' | 'points'
  name: string
  status: string
  code: string | null
  count: number
}

/** Messages by name, status and reason; coupons by offer; points by rule. */
export async function effectCounts(db: Db, journey?: string): Promise<EffectCounts[]> {
  const { rows } = await sql<EffectCounts>`
    select journey, 'message' as what, message as name, status, code, count(*) as count from messages
    where ${journey ?? null}::text is null or journey = ${journey ?? null} group by journey, message, status, code
    union all
    select e.journey, 'coupon', c.offer, 'issued', null, count(*) from coupons c join enrolments e on e.id = c.enrolment
    where ${journey ?? null}::text is null or e.journey = ${journey ?? null} group by e.journey, c.offer
    union all
    select journey, 'coupon', coalesce(detail, ''), verdict, code, count(*) from decisions
    where about = 'coupon' and verdict = 'refused' and (${journey ?? null}::text is null or journey = ${journey ?? null})
    group by journey, detail, verdict, code
    union all
    select journey, 'points', split_part(coalesce(detail, ''), ':', 1), verdict, code, count(*) from decisions
    where about = 'points' and (${journey ?? null}::text is null or journey = ${journey ?? null})
    group by journey, split_part(coalesce(detail, ''), ':', 1), verdict, code
    order by 1, 2, 3, 4, 5
  `.execute(db)
  return rows
}

/** Whether nobody may enter: the plan says that the journey is off, and no operator has switched it on. */
export async function isSwitchedOff(db: Db, { name, off }: { name: string; off?: boolean }): Promise<boolean> {
  if (!off) return false
  const { rows } = await sql`select 1 from journeys where name = ${name} and switched_on_at is not null`.execute(db)
  return rows.length === 0
}

/** Switches a journey on for a reason, or off again (`because` null); false where it was so. */
export async function switchJourney(
  db: Db,
  { name, because, now }: { name: string; because: string | null; now: number },
): Promise<boolean> {
  const on = because === null ? null : at(now)
  const { numAffectedRows } = await sql`
    insert into journeys as j (name, switched_on_at, switched_on_because) values (${name}, ${on}, ${because})
    on conflict (name) do update set switched_on_at = excluded.switched_on_at, switched_on_because = excluded.switched_on_because
    where (j.switched_on_at is null) <> (excluded.switched_on_at is null)
  `.execute(db)
  return numAffectedRows === 1n
}

/** The journeys that an operator has switched on, with since when. */
export async function switchedOnJourneys(db: Db): Promise<Map<string, Date>> {
  const { rows } = await sql<{ name: string; switched_on_at: Date }>`
    select name, switched_on_at from journeys where switched_on_at is not null`.execute(db)
  return new Map(rows.map((row) => [row.name, row.switched_on_at]))
}
