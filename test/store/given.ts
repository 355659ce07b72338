/** What the tests of the store and of the activities start from: plans made by hand, a clock that moves only when told. */
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { PlanFacts } from '../../activities/index.ts'
import { PLAIN } from '../../domain/delivery.ts'
import { runId } from '../../domain/ids.ts'
import type { Routing } from '../../domain/journey.ts'
import { type Db, type Tx, inTransaction } from '../../store/db.ts'
import { acceptEvent } from '../../store/events.ts'
import { openReview } from '../../store/reviews.ts'
import { NOON, asEvent, person, until } from '../world.ts'

export const SECOND = 1000
export const HOUR = 3_600_000
export const DAY = 86_400_000

/** A plan as the inbox reads it: begins with customer.registered, once a life, nobody held out; the rest as told. */
export function routing(name: string, more: Partial<Routing> = {}): Routing {
  return {
    name,
    begins: { on: 'customer.registered' },
    goal: undefined,
    exits: [],
    holdout: 0,
    occasion: undefined,
    reentry: { when: 'never', gap: 0, atMost: Infinity },
    ...more,
  }
}

/** The same with all that activities read of a plan: marketing, one message 'hello', no offers. */
export function planFacts(name: string, more: Partial<PlanFacts> = {}): PlanFacts {
  return {
    ...routing(name),
    class: 'marketing',
    topic: 'marketing',
    delivery: PLAIN,
    copy: { hello: { subject: 'Hello', text: 'Hello {{ name }}' } },
    offers: {},
    points: {},
    rewards: {},
    sweep: undefined,
    ...more,
  }
}

export interface HandClock {
  now(): number
  pass(ms: number): number
  set(instant: number): void
}

export function handClock(start = NOON): HandClock {
  let instant = start
  return {
    now: () => instant,
    pass: (ms) => (instant += ms),
    set: (to) => void (instant = to),
  }
}

let events = 0

/** An inbox for some plans: takes an event as the API would, under an id of its own unless it has one. */
export function inboxOf(db: Db, clock: { now(): number }, plans: readonly Routing[]) {
  return (
    type: string,
    customer: string | object,
    more: { id?: string; properties?: object; at?: string } = {},
  ): Promise<'stored' | 'duplicate'> => {
    const event = asEvent({ id: `${type}-${++events}`, type, customer, ...more })
    return acceptEvent(db, event, { plans, now: () => clock.now() })
  }
}

export interface OpenedReview {
  id: number
  run: string
  key: string
  deadline: number
}

/** Opens reviews or tasks that are due in a day, each of a run of its own in the journey 'story'. */
export function reviewsOpened(
  db: Db,
  clock: HandClock,
  { key: step, ...asked }: { key: string } & Pick<Parameters<typeof openReview>[1], 'topic' | 'otherwise' | 'note'>,
): () => Promise<OpenedReview> {
  const send = inboxOf(db, clock, [routing('story')])
  let opened = 0
  return async () => {
    const customer = `C${++opened}`
    await send('customer.registered', person(customer))
    const run = `story/${customer}`
    const key = `${run}/${step}`
    const deadline = clock.now() + DAY
    await openReview(db, { ...asked, key, run, deadline, now: clock.now() })
    const [row] = await rowsOf<{ id: number }>(db, `select id from reviews where key = '${key}'`)
    return { id: row?.id ?? 0, run, key, deadline }
  }
}

/** Members who are in a journey, made by SQL as enrol() would make them, for crowds. Their ids are `${prefix}1` and so on. */
export async function enterCrowd(
  db: Db,
  asked: { journey: string; prefix: string; size: number; occasion?: string; now?: number },
): Promise<{ customer: string; run: string }[]> {
  const { journey, prefix, size, occasion = null, now = NOON } = asked
  const crowd = Array.from({ length: size }, (_, i) => {
    const customer = `${prefix}${i + 1}`
    return { customer, run: runId({ journey, customer, occasion }) }
  })
  const customers = crowd.map((one) => one.customer)
  const runs = crowd.map((one) => one.run)
  const at = new Date(now)
  await inTransaction(db, async (tx) => {
    await sql`
      insert into customers (id, zone, created_at, updated_at)
      select id, 'UTC', ${at}, ${at} from unnest(${customers}::text[]) id on conflict do nothing`.execute(tx)
    await sql`
      insert into enrolments (id, journey, customer, occasion, arm, status, begun_by, begun_seq, entered_at, starts_at)
      select r, ${journey}, c, ${occasion}, 'treated', 'running', 'operator', 0, ${at}, ${at}
      from unnest(${runs}::text[], ${customers}::text[]) as crowd (r, c)`.execute(tx)
    await sql`
      insert into outcomes (enrolment, kind, at, detail)
      select r, 'entered', ${at}, 'operator' from unnest(${runs}::text[]) r`.execute(tx)
    await sql`
      insert into dispatch (kind, enrolment, created_at) select 'start', r, now() from unnest(${runs}::text[]) r`.execute(
      tx,
    )
  })
  return crowd
}

export async function rowsOf<T>(db: Db, query: string): Promise<T[]> {
  const { rows } = await sql.raw<T>(query).execute(db)
  return rows
}

/** The number of rows of every table, by its name. */
export async function rowCounts(db: Db): Promise<Record<string, number>> {
  const tables = await rowsOf<{ name: string }>(
    db,
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
  )
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const [row] = await rowsOf<{ count: number }>(db, `select count(*) as count from ${name}`)
    counts[name] = row?.count ?? 0
  }
  return counts
}

/** Wake-ups that were ordered so far, by run. */
export async function wakesOf(db: Db): Promise<string[]> {
  const rows = await rowsOf<{ enrolment: string }>(db, `select enrolment from dispatch where kind = 'wake' order by id`)
  return rows.map((row) => row.enrolment)
}

/**
 * Holds a customer's lock, begins `work`, waits until it stands in the queue behind that lock, does `meanwhile` in the
 * transaction that holds it, commits, and answers what the work came to.
 */
export async function behindLock<T>(
  db: Db,
  customer: string,
  { work, meanwhile }: { work: () => Promise<T>; meanwhile: (tx: Tx) => Promise<unknown> },
): Promise<T> {
  const begun: { work?: Promise<T> } = {}
  await inTransaction(db, async (tx) => {
    await sql`select 1 from customers where id = ${customer} for update`.execute(tx)
    begun.work = work()
    // It may be over before it is awaited below.
    begun.work.catch(() => undefined)
    await somebodyQueues(db)
    await meanwhile(tx)
  })
  expect(begun.work).toBeDefined()
  return begun.work as Promise<T>
}

/** Resolves when a transaction of this database waits for another's lock. */
export function somebodyQueues(db: Db): Promise<void> {
  return until(async () => {
    const rows = await rowsOf(
      db,
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows.length > 0 || 'nobody waits for the lock'
  })
}

export { NOON }

/** Works through all of them, 16 at a time: as many as there are connections, so that none waits in vain for one. */
export async function crowded<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  const left = all.entries()
  const caller = async (): Promise<void> => {
    for (const [at, one] of left) answers[at] = await work(one)
  }
  await Promise.all(Array.from({ length: 16 }, caller))
  return answers
}
