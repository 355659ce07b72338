/**
 * Who is in which audience, decided behind the customer's lock: by what happens to one customer, in the transaction that stores it,
 * and by walks over all of them (audience-walks.ts). Who enters or leaves is told of by an event of our own.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { AudienceFilter } from '../domain/audience-filter.ts'
import { type LookedAt, NEW, lookedAt, touchedBy } from '../domain/audience-review.ts'
import type { Routing } from '../domain/journey.ts'
import { matching } from './audience-sql.ts'
import { filtersOf, newestAudiences } from './audiences.ts'
import type { CustomerChange } from './customers.ts'
import { type Db, type Tx, at } from './db.ts'
import type { tellEvent } from './events.ts'

/** Whom entries and exits are told to. */
export interface AudienceContext {
  plans: readonly Routing[]
  shopZone?: string
  /** `tellEvent` of events.ts, handed in as that file stands on this one. */
  tell: typeof tellEvent
}

/** The audiences in force, ready to be looked at. */
interface InForce {
  named: ReadonlyMap<string, AudienceFilter>
  looks: ReadonlyMap<string, LookedAt>
}

/** What says whether the audiences that a process knows are those in force: the database and the newest revision. */
export const AUDIENCES_MARK: RawBuilder<string> = sql`
  (select current_database() || ' ' || coalesce(max(revision), 0) from audiences)`

const NOBODY: InForce = { named: new Map(), looks: new Map() }
/** By database, the newest of each; a process has one. */
const known = new Map<string, { mark: string; inForce: InForce }>()

async function inForceAt(tx: Tx, mark: string): Promise<InForce> {
  const [database = '', revision] = mark.split(' ')
  if (revision === '0') return NOBODY
  const before = known.get(database)
  if (before?.mark === mark) return before.inForce
  const named = filtersOf(await newestAudiences(tx))
  const looks = new Map([...named].map(([name, filter]) => [name, lookedAt(filter, { named })]))
  known.set(database, { mark, inForce: { named, looks } })
  return { named, looks }
}

export interface AudienceReview {
  customer: string
  /** What happened to them touches these things, as `lookedAt` names them. */
  touched: readonly string[]
  now: number
  /** AUDIENCES_MARK, where it was read behind the customer's lock. */
  mark?: string | undefined
}

/** Looks anew at the audiences that look at what was touched. Call it with the customer locked, after the change. */
export async function reviewAudiences(tx: Tx, asked: AudienceReview, context: AudienceContext): Promise<void> {
  const { customer, touched, now } = asked
  const mark = asked.mark ?? (await sql<{ mark: string }>`select ${AUDIENCES_MARK} as mark`.execute(tx)).rows[0]?.mark
  const { named, looks } = await inForceAt(tx, mark ?? '')
  const names = [...looks].filter(([, { things }]) => touched.some((one) => things.has(one))).map(([name]) => name)
  if (names.length > 0) await decideMembership(tx, { customer, names, named, now }, context)
}

/** The same for what an event that was just stored brought. */
export async function reviewEvent(
  tx: Tx,
  event: { type: string; customer: CustomerChange },
  { now, mark, isNew, ...context }: AudienceContext & { now: number; mark: string; isNew?: boolean },
): Promise<void> {
  const touched = [...(isNew ? [NEW] : []), ...touchedBy(event)]
  if (touched.length > 0) await reviewAudiences(tx, { customer: event.customer.id, touched, now, mark }, context)
}

export interface Deciding {
  customer: string
  names: readonly string[]
  named: ReadonlyMap<string, AudienceFilter>
  now: number
}

/**
 * Enters a customer into those of the audiences that take them in and takes them out of the others; answers how many that were. One
 * that was removed takes nobody in. Call it with the customer locked.
 */
export async function decideMembership(tx: Tx, of: Deciding, context: AudienceContext): Promise<number> {
  const { customer, names, now } = of
  const { rows } = await sql<{ holds: boolean[]; open: string[]; quiet: string[] }>`
    /* prepared */ select array[${sql.join(names.map((name) => takesIn(name, of)))}]::boolean[] as holds,
      array(select audience from audience_members m where m.customer = c.id and m.left_at is null) as open,
      array(select audience from audience_walks where quiet and not settled) as quiet
    from customers c where c.id = ${customer}
  `.execute(tx)
  const [row] = rows
  if (!row) return 0
  const changed = names.filter((name, n) => row.holds[n] !== row.open.includes(name))
  for (const audience of changed) {
    const enters = !row.open.includes(audience)
    const entry = enters ? await enter(tx, { audience, customer, now }) : await leave(tx, { audience, customer, now })
    if (row.quiet.includes(audience)) continue
    const word = enters ? 'entered' : 'left'
    const properties = { audience, entry: `${audience}.${entry}` }
    const event = {
      id: `audience/${audience}/${customer}/${entry}/${word}`,
      type: `audience.${word}`,
      customer,
      properties,
    }
    await context.tell(tx, event, {
      plans: context.plans,
      now,
      ...(context.shopZone && { shopZone: context.shopZone }),
    })
  }
  return changed.length
}

/** Whether an audience takes a customer `c` in. */
export function takesIn(name: string, { named, now }: Pick<Deciding, 'named' | 'now'>): RawBuilder<SqlBool> {
  return named.has(name) ? matching({ audience: name }, { named, now }) : sql`false`
}

interface One {
  audience: string
  customer: string
  now: number
}

async function enter(tx: Tx, { audience, customer, now }: One): Promise<number> {
  const { rows } = await sql<{ entry: number }>`
    insert into audience_members (audience, customer, entry, entered_at)
    select ${audience}, ${customer}, coalesce(max(entry), 0) + 1, greatest(${at(now)}, max(left_at)) from audience_members
    where audience = ${audience} and customer = ${customer} returning entry
  `.execute(tx)
  return rows[0]?.entry ?? 0
}

async function leave(tx: Tx, { audience, customer, now }: One): Promise<number> {
  const { rows } = await sql<{ entry: number }>`
    update audience_members set left_at = greatest(entered_at, ${at(now)})
    where audience = ${audience} and customer = ${customer} and left_at is null returning entry
  `.execute(tx)
  return rows[0]?.entry ?? 0
}

/** How many are in each, and how many ever were. */
export async function memberCounts(db: Db): Promise<Map<string, { members: number; entries: number }>> {
  const { rows } = await sql<{ audience: string; members: number; entries: number }>`
    select audience, count(*) filter (where left_at is null) as members, count(*) as entries
    from audience_members group by audience`.execute(db)
  return new Map(rows.map(({ audience, ...counts }) => [audience, counts]))
}

/** Those whose newest definition has not been held to everybody yet. */
export async function unsettledAudiences(db: Db): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ audience: string }>`select audience from audience_walks where not settled`.execute(db)
  return new Set(rows.map(({ audience }) => audience))
}
