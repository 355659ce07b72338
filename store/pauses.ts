/** What pauses did and do: by which rule runs that held go on, and which hold now. */
import { sql } from 'kysely'
import type { Pause, ResumeRule } from '../domain/pause.ts'
import { type Db, at } from './db.ts'

/** The pauses of a run's journey that are on, or were when a story began to rest; the oldest first. */
export async function pausesSince(db: Db, { run, since }: { run: string; since: number }): Promise<Pause[]> {
  const { rows } = await sql<{
    paused_at: Date
    resumed_at: Date | null
    rule: ResumeRule | null
    stale_ms: number | null
  }>`
    /* prepared */ select p.paused_at, p.resumed_at, p.rule, p.stale_ms from pauses p join enrolments e on e.journey = p.journey
    where e.id = ${run} and (p.resumed_at is null or p.resumed_at > ${at(since)}) order by p.paused_at
  `.execute(db)
  return rows.map(({ paused_at, resumed_at, rule, stale_ms }) => ({
    from: paused_at.getTime(),
    to: resumed_at?.getTime() ?? null,
    rule,
    stale: stale_ms,
  }))
}

/** Says where a run holds that an effect has marked as held. */
export async function tellHeldStep(db: Db, id: string, { step, due }: { step: string; due: number }): Promise<void> {
  await sql`
    update enrolments set step = ${step}, held_due = least(held_due, ${at(due)}) where id = ${id} and held_at is not null
  `.execute(db)
}

export interface Hold {
  run: string
  step: string
  due: number
}

/** The runs of a journey that hold, with what they hold at. */
export async function holdsOf(db: Db, journey: string): Promise<Hold[]> {
  const { rows } = await sql<{ id: string; step: string | null; due: Date }>`
    select id, step, coalesce(held_due, held_at) as due from enrolments
    where journey = ${journey} and status = 'running' and held_at is not null order by id
  `.execute(db)
  return rows.map(({ id, step, due }) => ({ run: id, step: step ?? 'its next effect', due: due.getTime() }))
}

/** How many waits for an event came due while the journey was paused and are still open, by what they wait for. */
export async function waitsDue(db: Db, journey: string, now: number): Promise<{ type: string; waits: number }[]> {
  const { rows } = await sql<{ type: string; waits: number }>`
    select w.type, count(*) as waits from enrolments e join waits w on w.enrolment = e.id
    where e.journey = ${journey} and e.status = 'running' and w.open and w.deadline <= ${at(now)}
    group by w.type order by w.type
  `.execute(db)
  return rows
}
