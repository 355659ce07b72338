/**
 * Decides tiers anew: at every growth value that is settled or taken back, in the transaction that does so, and at the end of each
 * term. Always behind the customer's lock, so that one decision follows on the other.
 */
import { sql } from 'kysely'
import { localDate } from '../domain/calendar.ts'
import { PerennialError } from '../domain/errors.ts'
import type { Properties, Routing } from '../domain/journey.ts'
import {
  type Counted,
  type Lasting,
  countedAt,
  lastingFrom,
  levelAt,
  rankAfterTerm,
  rankFor,
  rankUnder,
} from '../domain/tier.ts'
import { type Customer, lockCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import type { tellEvent } from './events.ts'
import { type ProgrammeVersion, newestProgramme, programmeOf } from './programmes.ts'
import { type TierRow, type TierWhy, currentTier, growthOf, newestGrowth, openedBy } from './tier-history.ts'

/** Whom a decision is told to, and the zone of customers who did not tell theirs. */
export interface TierContext {
  plans: readonly Routing[]
  shopZone: string
  /** `tellEvent` of events.ts, handed in as that file stands on this one. */
  tell: typeof tellEvent
}

export interface TierReview {
  customer: string
  now: number
  /** Growth was settled, growth was taken back, or time has passed. */
  because: 'growth' | 'refund' | 'time'
  /** The first transfer this transaction wrote: what was due before is decided without it. */
  fresh?: number | undefined
}

/** What a decision stands on; `now` is no earlier than the last one. */
interface Review {
  tx: Tx
  person: Customer
  zone: string
  joined: number
  newest: ProgrammeVersion
  now: number
  plans: readonly Routing[]
  tell: TierContext['tell']
}

/** Decides a customer's tier anew. Nothing happens where the shop has no programme. Call it in the transaction of the reason. */
export async function reviewTier(tx: Tx, asked: TierReview, { plans, shopZone, tell }: TierContext): Promise<void> {
  const newest = await newestProgramme(tx)
  const person = newest && (await lockCustomer(tx, asked.customer))
  if (!newest || !person) return
  const { now } = asked
  const review: Review = {
    tx,
    person,
    zone: person.zone ?? shopZone,
    joined: person.created_at.getTime(),
    newest,
    now,
    plans,
    tell,
  }
  const upto = asked.fresh === undefined ? undefined : asked.fresh - 1
  let row = (await currentTier(tx, person.id)) ?? (await placeFirst(review, upto))
  review.now = Math.max(now, row.valid_from.getTime())
  while (row.due_at && row.term_end && row.due_at.getTime() <= now) row = await endTerm(review, row, upto)
  if (asked.because === 'growth') await rise(review, row)
  if (asked.because === 'refund') await fallByRefund(review, row)
}

/** The first time a customer is seen: by what they had, without an event and without a gift. */
async function placeFirst(review: Review, upto: number | undefined): Promise<TierRow> {
  const { newest, joined, now, zone, person } = review
  const opened = { since: joined, after: 0 }
  const counted = countedAt(newest.programme, { at: now, zone, joined, opened })
  const growth = await grown(review, counted, upto)
  const rank = rankFor(newest.programme, growth)
  const lasting = rank === 0 ? null : lastingFrom(newest.programme, { from: now, zone, follows: false })
  const from = rank === 0 ? Math.min(joined, now) : now
  const next = { customer: person.id, ordinal: 1, rank, why: 'first' as const, growth, counted, lasting, from }
  return insertRow(review, { ...next, upto: upto ?? (await newestGrowth(review.tx, person.id)) })
}

async function grown({ tx, person }: Review, counted: Counted, upto?: number): Promise<number> {
  const [growth = 0] = await growthOf(tx, [{ customer: person.id, ...counted, upto }])
  return growth
}

/** Rises at once where what counts now carries a higher level. */
async function rise(review: Review, row: TierRow): Promise<void> {
  const { newest, now, zone, joined, tx } = review
  const counted = countedAt(newest.programme, { at: now, zone, joined, opened: openedBy(row) })
  const growth = await grown(review, counted)
  const rank = rankFor(newest.programme, growth)
  if (rank <= rankUnder(newest.programme, levelAt(await programmeOf(tx, row.version), row.rank))) return
  const lasting = lastingFrom(newest.programme, { from: now, zone, follows: false })
  await change(review, row, { rank, why: 'rise', growth, counted, lasting })
}

/** The end of a term, by the version it was reached under; what follows it is of the newest. */
async function endTerm(review: Review, row: TierRow, upto: number | undefined): Promise<TierRow> {
  const { tx, newest, zone, joined, now } = review
  const end = row.term_end?.getTime() ?? now
  const held = await programmeOf(tx, row.version)
  const counted = countedAt(held, { at: end - 1, zone, joined, opened: openedBy(row) })
  const growth = await grown(review, counted, upto)
  const under = (rank: number): number => rankUnder(newest.programme, levelAt(held, rank))
  const rank = Math.max(under(rankAfterTerm(held, row.rank, growth)), rankFor(newest.programme, growth))
  const before = under(row.rank)
  const why = rank > before ? 'rise' : rank === before ? 'keep' : 'fall'
  const from = why === 'rise' ? now : end
  const lasting = rank === 0 ? null : lastingFrom(newest.programme, { from, zone, follows: why !== 'rise' })
  return change(review, row, { rank, why, growth, counted, lasting, upto })
}

/**
 * A refund that counts at once: falls to what is left since the level began to count, or what counts now, whichever carries more.
 * A level that no growth carried, kept by falling one down, is not lost by it.
 */
async function fallByRefund(review: Review, row: TierRow): Promise<void> {
  const { tx, newest, now, zone, joined } = review
  const held = await programmeOf(tx, row.version)
  if (held.onRefund !== 'at-once' || row.rank === 0 || row.growth < levelAt(held, row.rank).from) return
  const windows: Counted[] = [
    { since: row.growth_since.getTime(), after: row.growth_after },
    countedAt(held, { at: now, zone, joined, opened: openedBy(row) }),
  ]
  const [since = 0, current = 0] = await growthOf(
    tx,
    windows.map((counted) => ({ customer: row.customer, ...counted })),
  )
  const [growth, counted] = since >= current ? [since, windows[0]] : [current, windows[1]]
  const carried = rankFor(held, growth)
  if (carried >= row.rank || counted === undefined) return
  const rank = rankUnder(newest.programme, levelAt(held, carried))
  const lasting = rank === 0 ? null : lastingFrom(newest.programme, { from: now, zone, follows: false })
  await change(review, row, { rank, why: 'refund', growth, counted, lasting })
}

interface Next {
  rank: number
  why: TierWhy
  growth: number
  counted: Counted
  lasting: Lasting | null
  upto?: number | undefined
}

/** Closes the row that is open, opens the next, and tells of it. */
async function change(review: Review, row: TierRow, next: Next): Promise<TierRow> {
  const { tx, now, newest } = review
  const held = levelAt(await programmeOf(tx, row.version), row.rank)
  const { numAffectedRows } = await sql`
    update tier_history set valid_to = ${at(now)}
    where customer = ${row.customer} and ordinal = ${row.ordinal} and valid_to is null
  `.execute(tx)
  if (numAffectedRows !== 1n) throw notAsLocked(row.customer)
  const again = next.why === 'rise' ? await runningPeriod(review, levelAt(newest.programme, next.rank).id) : undefined
  const opened = await insertRow(review, {
    ...next,
    upto: next.upto ?? (await newestGrowth(tx, row.customer)),
    customer: row.customer,
    ordinal: row.ordinal + 1,
    from: now,
    period: again,
  })
  await tell(review, opened, { from: held.id, again: again !== undefined })
  return opened
}

interface Period {
  period: string
  period_end: Date
}

/** The period a level's gift was given in, where it is not over: reached again, it is the same one. */
async function runningPeriod({ tx, person, now }: Review, level: string): Promise<Period | undefined> {
  const { rows } = await sql<Period>`
    select period, period_end from tier_history
    where customer = ${person.id} and level = ${level} and period_end > ${at(now)} order by ordinal desc limit 1
  `.execute(tx)
  return rows[0]
}

interface NewRow extends Next {
  customer: string
  ordinal: number
  from: number
  upto: number
  period?: Period | undefined
}

async function insertRow({ tx, zone, newest }: Review, one: NewRow): Promise<TierRow> {
  const { lasting, period: running } = one
  const end = lasting && Math.max(lasting.due, running?.period_end.getTime() ?? 0)
  const period = lasting && (running?.period ?? localDate(one.from, zone))
  const { rows } = await sql<TierRow>`
    insert into tier_history (customer, ordinal, version, level, rank, why, growth, growth_since, growth_after, growth_upto,
      period, period_end, valid_from, term_end, due_at)
    values (${one.customer}, ${one.ordinal}, ${newest.version}, ${levelAt(newest.programme, one.rank).id}, ${one.rank},
      ${one.why}, ${one.growth}, ${at(one.counted.since)}, ${one.counted.after}, ${one.upto}, ${period},
      ${end && at(end)}, ${at(one.from)}, ${lasting && at(lasting.end)}, ${lasting && at(lasting.due)})
    returning *
  `.execute(tx)
  const [row] = rows
  if (row) return row
  throw notAsLocked(one.customer)
}

const notAsLocked = (customer: string): PerennialError =>
  new PerennialError('INTERNAL', `the tier of '${customer}' was not as its lock said`)

const TOLD: Record<Exclude<TierWhy, 'first'>, { type: string; verdict: string }> = {
  rise: { type: 'tier.upgraded', verdict: 'risen' },
  keep: { type: 'tier.kept', verdict: 'kept' },
  fall: { type: 'tier.downgraded', verdict: 'fallen' },
  refund: { type: 'tier.downgraded', verdict: 'fallen' },
}

async function tell(review: Review, row: TierRow, { from, again }: { from: string; again: boolean }): Promise<void> {
  if (row.why === 'first') return
  const { tx, now, plans, newest } = review
  const { customer, level, period, ordinal } = row
  const { type, verdict } = TOLD[row.why]
  const key = `tier/${customer}/${ordinal}`
  const detail = `${from} to ${level}: ${row.growth} growth`
  await decide(tx, { key, customer, journey: 'tiers', enrolment: null, about: 'tier', verdict, detail, now })
  const properties: Properties = { level, title: levelAt(newest.programme, row.rank).title, from, period }
  if (row.why === 'rise') Object.assign(properties, { reached: `${level}.${period}`, again })
  if (verdict === 'fallen') properties['because'] = row.why === 'refund' ? 'refund' : 'term'
  await review.tell(tx, { id: `${key}/${verdict}`, type, customer, properties }, { plans, now })
}

const PAGE = 500

/** Ends the terms that are over by `now`; answers how many customers that was, 500 at most a call. */
export async function endTiers(db: Db, { now, ...context }: { now: number } & TierContext): Promise<number> {
  const { rows } = await sql<{ customer: string }>`
    select customer from tier_history where valid_to is null and due_at <= ${at(now)} order by due_at, customer limit ${PAGE}
  `.execute(db)
  for (const { customer } of rows) {
    await inTransaction(db, async (tx) => {
      await lockCustomer(tx, customer)
      await reviewTier(tx, { customer, now, because: 'time' }, context)
    })
  }
  return rows.length
}

/** Gives those a tier who have none yet, silently, by what they had; answers how many, 500 at most a call. */
export async function placeInTiers(db: Db, { now, ...context }: { now: number } & TierContext): Promise<number> {
  const newest = await newestProgramme(db)
  if (!newest) return 0
  const { rows } = await sql<{ id: string }>`
    select id from customers c where not exists (select 1 from tier_history h where h.customer = c.id)
    order by id limit ${PAGE}
  `.execute(db)
  const page = rows.map(({ id }) => id)
  await inTransaction(db, (tx) => placeLowest(tx, page, newest))
  for (const customer of page) {
    if (await currentTier(db, customer)) continue
    await inTransaction(db, async (tx) => {
      await lockCustomer(tx, customer)
      await reviewTier(tx, { customer, now, because: 'time' }, context)
    })
  }
  return page.length
}

/** Those of a page without any growth value, who are most of them, at once. */
async function placeLowest(tx: Tx, page: readonly string[], { version, programme }: ProgrammeVersion): Promise<void> {
  await sql`select 1 from customers where id = any(${page}) order by id for update`.execute(tx)
  await sql`
    insert into tier_history (customer, ordinal, version, level, rank, why, growth, growth_since, growth_after, growth_upto, valid_from)
    select id, 1, ${version}, ${levelAt(programme, 0).id}, 0, 'first', 0, created_at, 0, 0, created_at from customers c
    where id = any(${page}) and not exists (select 1 from tier_history h where h.customer = c.id)
      and not exists (select 1 from point_transfers t where t.customer = c.id and t.unit = 'growth')
  `.execute(tx)
}
