/** What runs wait for. The inbox gives an event to a wait in the transaction that stores it; a signal only says: look. */
import { sql } from 'kysely'
import type { Properties, RunStatus, TakenEvent } from '../domain/journey.ts'
import { type Held, type Pause, type Rest, dueAfter } from '../domain/pause.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { holdRun, lockRun } from './enrolments.ts'
import { pausesSince } from './pauses.ts'

interface WaitView {
  status: RunStatus
  event: TakenEvent | null
}

interface EventRow {
  id: string
  type: string
  received_at: Date
  properties: Properties
}

const taken = (row: EventRow): TakenEvent => ({
  id: row.id,
  type: row.type,
  at: row.received_at.toISOString(),
  properties: row.properties,
})

async function viewOf(db: Db, run: string, key: string): Promise<WaitView> {
  const { rows } = await sql<{ status: RunStatus } & EventRow>`
    select r.status, e.id, e.type, e.received_at, e.properties from enrolments r
    left join waits w on w.key = ${key} left join events e on e.seq = w.taken_seq where r.id = ${run}
  `.execute(db)
  const [row] = rows
  return { status: row?.status ?? 'stopped', event: row?.id ? taken(row) : null }
}

export interface NewWait {
  key: string
  run: string
  type: string
  match: Properties
  deadline: number
}

/**
 * Registers a wait and, in the same transaction, takes the oldest event that came since the run began, by the deadline, and
 * that no earlier wait of it took. Asked again it answers the same.
 */
export function openWait(db: Db, wait: NewWait): Promise<WaitView> {
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, wait.run)
    const { numAffectedRows } = await sql`
      insert into waits (key, enrolment, type, match, deadline, open)
      values (${wait.key}, ${wait.run}, ${wait.type}, ${JSON.stringify(wait.match)}::jsonb, ${at(wait.deadline)},
              ${run?.status === 'running'})
      on conflict (key) do nothing
    `.execute(tx)
    if (numAffectedRows === 1n && run?.status === 'running') {
      await takeEarlier(tx, wait.key)
    }
    return viewOf(tx, wait.run, wait.key)
  })
}

/** Gives an open wait the oldest event that came by its deadline, since the run began, and that no wait of the run took. */
async function takeEarlier(tx: Tx, key: string): Promise<void> {
  await sql`
    update waits set open = false, taken_seq = found.seq
    from (select e.seq from waits w join enrolments r on r.id = w.enrolment
            join events e on e.customer = r.customer and e.type = w.type and e.seq > r.begun_seq
          where w.key = ${key} and e.received_at <= w.deadline and e.properties @> w.match
            and not exists (select 1 from waits other where other.enrolment = r.id and other.taken_seq = e.seq)
          order by e.seq limit 1) found
    where key = ${key} and open
  `.execute(tx)
}

/** Opens the waits anew that the end of a run closed, and gives them what came since. With the customer locked. */
export async function reopenWaits(tx: Tx, run: string, endedAt: Date): Promise<void> {
  const { rows } = await sql<{ key: string }>`
    update waits set open = true where enrolment = ${run} and not open and taken_seq is null and deadline >= ${endedAt}
    returning key
  `.execute(tx)
  for (const { key } of rows) await takeEarlier(tx, key)
}

export function viewWait(db: Db, { run, key }: { run: string; key: string }): Promise<WaitView> {
  return viewOf(db, run, key)
}

export interface LastLook {
  run: string
  key: string
  /** The deadline that is over, as the caller knows it. */
  deadline: number
  restart: string | readonly string[] | null
  /** What an event that begins the time anew must hold, as one that ends the wait. */
  match?: Properties
  within: number
  /** Since when it has been resting for that deadline; without it no pause is asked about. */
  rest?: Rest
  /** The step, for people, and when it asked. */
  step?: string
  now?: number
}

/**
 * The last look at a deadline. Waits for events that are being stored, then closes the wait, unless an event of `restart` or a
 * pause moved the deadline on: then `again` is the new one. The event's time of arrival decides, not who came first. While the
 * journey is paused nothing is decided. Asked again, as where the answer was lost, it answers the same.
 */
export function closeWait(db: Db, look: LastLook): Promise<(WaitView & { again: number | null }) | Held> {
  return inTransaction(db, async (tx) => {
    const { run, key, rest, deadline, now = deadline } = look
    const state = await lockRun(tx, run)
    const pauses = rest ? await pausesSince(tx, { run, since: rest.since }) : []
    if (pauses.some(({ to }) => to === null)) {
      const view = await viewOf(tx, run, key)
      if (view.event !== null || state?.status !== 'running') return { ...view, again: null }
      await holdRun(tx, run, now, { ...(look.step && { step: look.step }), due: deadline })
      return { is: 'held', until: null }
    }
    const again = look.restart === null && pauses.length === 0 ? null : await movedDeadline(tx, look, pauses)
    await sql`
      update waits set open = ${again !== null}, deadline = coalesce(${again === null ? null : at(again)}, deadline)
      where key = ${key} and open
    `.execute(tx)
    // Under the old deadline the inbox gave it no event that came since.
    if (again !== null) await takeEarlier(tx, key)
    const view = await viewOf(tx, run, key)
    return { ...view, again: view.event === null && view.status === 'running' ? again : null }
  })
}

/** Where pauses and the newest event of `restart` moved a deadline; null where it is over. */
async function movedDeadline(
  tx: Tx,
  { run, key, deadline, restart, match = {}, within, rest }: LastLook,
  pauses: readonly Pause[],
): Promise<number | null> {
  const shifted = dueAfter({ since: rest?.since ?? deadline - within, due: deadline }, pauses)
  const { rows } = await sql<{ last: Date | null; deadline: Date }>`
    select w.deadline, (select max(e.received_at) from events e join enrolments r on r.id = ${run}
      where e.customer = r.customer and e.type = any(${restart === null ? [] : [restart].flat()}) and e.seq > r.begun_seq
        and e.received_at <= greatest(w.deadline, ${at(shifted)}) and e.properties @> ${JSON.stringify(match)}::jsonb) as last
    from waits w where w.key = ${key}
  `.execute(tx)
  const [row] = rows
  if (!row) return null
  const stored = row.deadline.getTime()
  if (stored > deadline) return stored
  const last = row.last?.getTime()
  const moved = last === undefined ? 0 : dueAfter({ since: last, due: last + within }, pauses)
  const again = Math.max(shifted, moved)
  return again > stored ? again : null
}

/** The newest event of these types that a run has heard, that which began it with them; null where there is none. */
export async function newestEvent(
  db: Db,
  { run, types, match = {} }: { run: string; types: readonly string[]; match?: Properties },
): Promise<TakenEvent | null> {
  const { rows } = await sql<EventRow>`
    select e.id, e.type, e.received_at, e.properties from enrolments r join events e on e.customer = r.customer
    where r.id = ${run} and e.type = any(${types}) and e.properties @> ${JSON.stringify(match)}::jsonb
      and (e.seq > r.begun_seq or (e.seq = r.begun_seq and r.begun_by = e.type || ' ' || e.id))
    order by e.seq desc limit 1
  `.execute(db)
  return rows[0] ? taken(rows[0]) : null
}
