/** Members of campaigns, a page at a time: who comes next, who is held, how they enter and how they leave. */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { AudienceFilter } from '../domain/audience-filter.ts'
import type { Arm } from '../domain/experiment.ts'
import type { RunStatus } from '../domain/journey.ts'
import { matching } from './audience-sql.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { endRuns } from './enrolments.ts'
import { type MessageRow, lockMessages, toldStates } from './messages.ts'
import type { Reader } from './words.ts'

/** One who is asked for in a page, behind their lock. */
export interface PageMember extends Reader {
  customer: string
  /** Null where they are not enrolled yet. */
  arm: Arm | null
  status: RunStatus | null
  /** What an earlier page or attempt left of the wave's message. */
  before: MessageRow | undefined
}

export interface NextPage {
  campaign: string
  occasion: string
  zone: string
  /** Whether those who told no zone are of this run. */
  shopZone: boolean
  /** All of these. */
  filters: readonly AudienceFilter[]
  named: ReadonlyMap<string, AudienceFilter>
  after: string
  limit: number
  now: number
}

const inZone = (zone: string, shopZone: boolean): RawBuilder<SqlBool> =>
  shopZone ? sql`(c.zone = ${zone} or c.zone is null)` : sql`c.zone = ${zone}`

/**
 * Locks the next customers of the audience in the order of their ids; who left the campaign is not among them. That is asked one by one:
 * as a join, of a table that nothing is known of yet, it reads all enrolments for each page.
 */
export async function lockNext(tx: Tx, page: NextPage): Promise<string[]> {
  const { campaign, occasion, zone, shopZone, filters, named, after, limit, now } = page
  const holds = filters.map((filter) => matching(filter, { now, named }))
  const { rows } = await sql<{ id: string }>`
    select c.id from customers c where ${sql.join([inZone(zone, shopZone), ...holds], sql` and `)} and c.id > ${after}
      and coalesce((select status from enrolments where id = ${campaign} || '/' || c.id || '/' || ${occasion}), 'running') = 'running'
    order by c.id limit ${limit} for update of c
  `.execute(tx)
  return rows.map((row) => row.id)
}

/** How many are still ahead of a wave. */
export async function countAhead(db: Db, page: Omit<NextPage, 'limit'>): Promise<number> {
  const { campaign, occasion, zone, shopZone, filters, named, after, now } = page
  const holds = filters.map((filter) => matching(filter, { now, named }))
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from customers c where ${sql.join([inZone(zone, shopZone), ...holds], sql` and `)} and c.id > ${after}
      and not exists (select 1 from enrolments e
        where e.id = ${campaign} || '/' || c.id || '/' || ${occasion} and e.status <> 'running')
  `.execute(db)
  return rows[0]?.count ?? 0
}

/** Locks the customers of what an earlier page left: held until now, or reserved by an attempt that died; in the order of their ids. */
export async function lockLeft(
  tx: Tx,
  { wave, statuses, limit, now }: { wave: number; statuses: readonly string[]; limit: number; now: number },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from customers where id in (
      select customer from messages where wave = ${wave} and status = any(${[...statuses, 'held']})
        and (status <> 'held' or held_until <= ${at(now)}) order by customer limit ${limit})
    order by id for update
  `.execute(tx)
  return rows.map((row) => row.id)
}

/** What is known of locked customers as members: read behind their locks, so that it is the newest. */
export async function membersOf(
  tx: Tx,
  customers: readonly string[],
  { campaign, occasion, send }: { campaign: string; occasion: string; send: string },
): Promise<PageMember[]> {
  const { rows } = await sql<PageMember & { message: string | null }>`
    select c.id as customer, c.locale, c.zone, c.phone, e.arm, e.status, m.key as message
    from customers c left join enrolments e on e.id = ${campaign} || '/' || c.id || '/' || ${occasion}
    left join messages m on m.key = e.id || '/send/' || ${send}
    where c.id = any(${customers}) order by c.id
  `.execute(tx)
  const keys = rows.flatMap(({ message }) => message ?? [])
  const before = await lockMessages(tx, keys)
  return rows.map(({ message, ...row }) => ({ ...row, before: message === null ? undefined : before.get(message) }))
}

export interface NewMember {
  run: string
  customer: string
  arm: Arm
}

/**
 * Enters those who are not in yet, each with the outcome and the decision. No workflow is begun for them, and they wait for no
 * event. Call it with the customers locked.
 */
export async function enrolMembers(
  tx: Tx,
  members: readonly NewMember[],
  of: { campaign: string; campaignRun: string; occasion: string; goalUntil: number | null; now: number },
): Promise<void> {
  if (members.length === 0) return
  const begunBy = `campaign ${of.occasion}`
  await sql`
    with given as (select run, customer, arm from jsonb_to_recordset(${JSON.stringify(members)}::jsonb)
        as one (run text, customer text, arm text)),
    entered as (insert into enrolments (id, journey, customer, occasion, arm, status, begun_by, begun_seq, entered_at, starts_at, goal_until,
        campaign)
      select run, ${of.campaign}, customer, ${of.occasion}, arm, 'running', ${begunBy}, 0, ${at(of.now)}, ${at(of.now)},
        ${of.goalUntil === null ? null : at(of.goalUntil)}, ${of.campaignRun} from given
      on conflict (id) do nothing returning id, customer, arm),
    told as (insert into outcomes (enrolment, kind, at, detail) select id, 'entered', ${at(of.now)}, ${begunBy} from entered)
    insert into decisions (key, customer, journey, enrolment, about, verdict, detail, at)
    select id || '/entry', customer, ${of.campaign}, id, 'entry', 'entered',
      case arm when 'holdout' then ${`${begunBy}, held out`} else ${begunBy} end, ${at(of.now)} from entered
    on conflict (key) do nothing
  `.execute(tx)
}

/** Ends a page of those who are still in, with their customers locked; answers how many, 0 when none is left. */
export function endMembers(
  db: Db,
  end: {
    campaignRun: string
    status: Exclude<RunStatus, 'running' | 'goal'>
    reason: string
    limit: number
    now: number
  },
): Promise<number> {
  return inTransaction(db, async (tx) => {
    const { rows } = await sql<{ id: string }>`
      select id from customers where id in (
        select customer from enrolments where campaign = ${end.campaignRun} and status = 'running' order by customer limit ${end.limit})
      order by id for update
    `.execute(tx)
    if (rows.length === 0) return 0
    const { rows: runs } = await sql<{ id: string }>`
      select id from enrolments where campaign = ${end.campaignRun} and status = 'running' and customer = any(${rows.map((row) => row.id)})
    `.execute(tx)
    const ended = await endRuns(
      tx,
      runs.map((run) => run.id),
      end,
    )
    // Whoever was locked and had left meanwhile is no longer looked for.
    return Math.max(ended.length, 1)
  })
}

/** What is reserved or held of a run that was stopped goes nowhere; a page of it, with their keys; none when nothing is left. */
export async function withdrawMessages(
  tx: Tx,
  { run, limit, now }: { run: string; limit: number; now: number },
): Promise<string[]> {
  const { rows: locked } = await sql<{ id: string }>`
    select id from customers where id in (
      select m.customer from campaign_waves w join messages m on m.wave = w.id and m.status in ('held', 'reserved')
      where w.run = ${run} order by m.customer limit ${limit}) order by id for update
  `.execute(tx)
  const { rows } = await sql<{ key: string }>`
    with changed as (update messages set status = 'skipped', code = 'LEFT_JOURNEY', held_until = null, bid_at = null, bid_until = null,
        reserved_at = null
      where customer = any(${locked.map((row) => row.id)}) and wave in (select id from campaign_waves where run = ${run})
        and status in ('held', 'reserved') returning *),
    told as (${toldStates(now)} returning message)
    select message as key from told
  `.execute(tx)
  return rows.map((row) => row.key)
}

/** The messages of a wave that some attempt began and nobody settled. */
export async function begunOf(db: Db, wave: number): Promise<{ key: string; run: string }[]> {
  const { rows } = await sql<{ key: string; run: string }>`
    select key, enrolment as run from messages where wave = ${wave} and status = 'sending' order by key`.execute(db)
  return rows
}
