/** The outbox: what Temporal has to be told, kept until it was. */
import { sql } from 'kysely'
import type { Db } from './db.ts'

export interface Dispatch {
  id: number
  /** retry: a run that failed is taken up again. */
  kind: 'start' | 'wake' | 'retry'
  /** The id of the workflow. */
  workflow: string
  attempts: number
  /** Of a journey. */
  run: { journey: string; customer: string; startsAt: string; from: string | null } | null
  /** Of a campaign. */
  campaign: { campaign: string; occasion: string; zone: string } | null
}

/**
 * Adds a wake-up for each run. Within the transaction that gives the reason for it, so that none is lost. Members of campaigns have
 * no workflow to wake.
 */
export async function wake(db: Db, enrolments: readonly string[]): Promise<void> {
  if (enrolments.length === 0) return
  await sql`
    insert into dispatch (kind, enrolment, created_at) select 'wake', e.id, now()
    from unnest(${enrolments}::text[]) asked join enrolments e on e.id = asked where e.campaign is null
  `.execute(db)
}

/** Adds a wake-up for each run of a campaign that is on; answers how many. */
export async function wakeCampaign(db: Db, campaign: string): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    insert into dispatch (kind, campaign, created_at)
    select 'wake', id, now() from campaign_runs where campaign = ${campaign} and status = 'running'
  `.execute(db)
  return Number(numAffectedRows)
}

/**
 * Leases up to `limit` rows that are due, oldest first, for `leaseMs`; a dispatcher that dies gives them back by that. Rows of a
 * run whose start is still to be told wait for it.
 */
export async function leaseDispatch(
  db: Db,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<Dispatch[]> {
  const { rows } = await sql<Dispatch>`
    with due as (
      select id from dispatch d where delivered_at is null and due_at <= now()
        and (kind = 'start' or not exists (
          select 1 from dispatch s where s.enrolment = d.enrolment and s.kind = 'start' and s.delivered_at is null)
          and not exists (select 1 from dispatch s where s.campaign = d.campaign and s.kind = 'start' and s.delivered_at is null))
      order by id limit ${limit} for update skip locked),
    leased as (
      update dispatch set due_at = now() + ${leaseMs} * interval '1 millisecond', attempts = attempts + 1
      where id in (select id from due) returning id, kind, enrolment, campaign, attempts)
    select l.id, l.kind, l.attempts, coalesce(e.id, r.workflow) as workflow,
      case when e.id is not null then json_build_object('journey', e.journey, 'customer', e.customer, 'startsAt', e.starts_at,
        'from', e.migrated_from) end as run,
      case when r.id is not null then json_build_object('campaign', r.campaign, 'occasion', r.occasion, 'zone', r.zone) end as campaign
    from leased l left join enrolments e on e.id = l.enrolment left join campaign_runs r on r.id = l.campaign order by l.id
  `.execute(db)
  return rows
}

export async function markDelivered(db: Db, ids: readonly number[]): Promise<void> {
  await sql`update dispatch set delivered_at = now(), last_error = null where id = any(${ids})`.execute(db)
}

/** Keeps the reason and puts the row off. */
export async function markUndelivered(
  db: Db,
  id: number,
  { error, retryMs }: { error: string; retryMs: number },
): Promise<void> {
  await sql`
    update dispatch set last_error = ${error}, due_at = now() + ${retryMs} * interval '1 millisecond' where id = ${id}
  `.execute(db)
}

/** How many rows wait, and the newest reason why one does. */
export async function dispatchBacklog(db: Db): Promise<{ waiting: number; lastError: string | null }> {
  const { rows } = await sql<{ waiting: number; lastError: string | null }>`
    select count(*) as waiting, max(last_error) as "lastError" from dispatch where delivered_at is null
  `.execute(db)
  return rows[0] ?? { waiting: 0, lastError: null }
}
