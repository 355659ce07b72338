/** Runs of campaigns and their waves: where each stands, as its pages left it. The rows, not the workflow, say what is done. */
import { sql } from 'kysely'
import type { AudienceFilter } from '../domain/audience-filter.ts'
import { NO_COUNTS, type WaveCounts } from '../domain/campaign.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { campaignRunId } from '../domain/ids.ts'
import { matching } from './audience-sql.ts'
import { type Db, type Tx, at } from './db.ts'
import type { MessageStatus } from './messages.ts'

export type CampaignStatus = 'running' | 'completed' | 'stopped' | 'failed'

export interface CampaignRun {
  id: string
  campaign: string
  occasion: string
  zone: string
  /** The day of the occasion: '2026-11-15'. */
  day: string
  workflow: string
  status: CampaignStatus
  begun_by: string
  begun_at: Date
  ended_at: Date | null
}

const RUN = sql`id, campaign, occasion, zone, to_char(day, 'YYYY-MM-DD') as day, workflow, status, begun_by, begun_at, ended_at`

export interface NewCampaignRun {
  campaign: string
  occasion: string
  zone: string
  day: string
  /** Its own id where an operator begins it, for the dispatcher to start. */
  workflow?: string
  begunBy: string
  now: number
}

/** Writes the run where it is not known yet, and answers it either way; `fresh` where it is new. */
export async function openCampaignRun(db: Db, one: NewCampaignRun): Promise<CampaignRun & { fresh: boolean }> {
  const id = campaignRunId(one)
  const { numAffectedRows } = await sql`
    insert into campaign_runs (id, campaign, occasion, zone, day, workflow, begun_by, begun_at)
    values (${id}, ${one.campaign}, ${one.occasion}, ${one.zone}, ${one.day}::date, ${one.workflow ?? id}, ${one.begunBy}, ${at(one.now)})
    on conflict (id) do nothing
  `.execute(db)
  const run = await campaignRun(db, id)
  if (!run) throw new PerennialError('INTERNAL', `the run '${id}' vanished`)
  return { ...run, fresh: numAffectedRows === 1n }
}

/** The order to start it. Within the transaction that opens it, so that it is not lost. */
export async function dispatchCampaign(tx: Tx, run: string): Promise<void> {
  await sql`insert into dispatch (kind, campaign, created_at) values ('start', ${run}, now())`.execute(tx)
}

export async function campaignRun(db: Db, id: string): Promise<CampaignRun | undefined> {
  const { rows } = await sql<CampaignRun>`select ${RUN} from campaign_runs where id = ${id}`.execute(db)
  return rows[0]
}

/** The newest runs of a campaign. */
export async function campaignRuns(db: Db, campaign: string, limit = 50): Promise<CampaignRun[]> {
  const { rows } = await sql<CampaignRun>`
    select ${RUN} from campaign_runs where campaign = ${campaign} order by begun_at desc, id limit ${limit}`.execute(db)
  return rows
}

/** Ends a run that is on; false where it had ended. */
export async function endCampaignRun(
  db: Db,
  { run, status, now }: { run: string; status: Exclude<CampaignStatus, 'running'>; now: number },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update campaign_runs set status = ${status}, ended_at = ${at(now)} where id = ${run} and status = 'running'`.execute(
    db,
  )
  return numAffectedRows === 1n
}

/** The zones that customers told, with how many there are of the audience in each; null: those who told none. */
export async function audienceByZone(
  db: Db,
  filter: AudienceFilter,
  { now, named }: { now: number; named: ReadonlyMap<string, AudienceFilter> },
): Promise<{ zone: string | null; members: number }[]> {
  const { rows } = await sql<{ zone: string | null; members: number }>`
    select c.zone, count(*) as members from customers c where ${matching(filter, { now, named })} group by c.zone order by 2 desc, 1
  `.execute(db)
  return rows
}

export interface Wave {
  id: number
  run: string
  name: string
  ordinal: number
  message: string
  due_at: Date
  cursor: string
  members: number
  pages: number
  begun_at: Date | null
  walked_at: Date | null
  done_at: Date | null
  skipped: boolean
}

export interface NewWave {
  run: string
  name: string
  ordinal: number
  message: string
  due: number
}

/** Writes the wave where it is not known yet, and answers it as it stands. */
export async function openWave(db: Db, { run, name, ordinal, message, due }: NewWave): Promise<Wave> {
  await sql`
    insert into campaign_waves (run, name, ordinal, message, due_at) values (${run}, ${name}, ${ordinal}, ${message}, ${at(due)})
    on conflict (run, name) do nothing
  `.execute(db)
  const { rows } = await sql<Wave>`select * from campaign_waves where run = ${run} and name = ${name}`.execute(db)
  const [wave] = rows
  if (!wave) throw new PerennialError('INTERNAL', `the wave '${name}' of '${run}' vanished`)
  return wave
}

export async function wavesOf(db: Db, run: string): Promise<Wave[]> {
  const { rows } = await sql<Wave>`select * from campaign_waves where run = ${run} order by ordinal`.execute(db)
  return rows
}

/** A wave with all that its next page depends on. */
export interface WaveState extends Wave {
  status: CampaignStatus
  paused: boolean
}

/**
 * Locks a wave, so that its pages come one after the other, and its run and the campaign's pause shared, so that a stop and a
 * resume wait for the page.
 */
export async function lockWave(tx: Tx, id: number): Promise<WaveState | undefined> {
  const { rows } = await sql<WaveState>`
    select w.*, r.status, (select paused_at from journeys where name = r.campaign for share) is not null as paused
    from campaign_waves w join campaign_runs r on r.id = w.run where w.id = ${id} for update of w for share of r
  `.execute(tx)
  return rows[0]
}

/** How far a page has brought its wave. */
export async function moveWave(
  tx: Tx,
  id: number,
  { cursor, members, walked, now }: { cursor: string; members: number; walked: boolean; now: number },
): Promise<void> {
  await sql`
    update campaign_waves set cursor = ${cursor}, members = members + ${members}, pages = pages + 1,
      begun_at = coalesce(begun_at, ${at(now)}), walked_at = ${walked ? at(now) : null}
    where id = ${id}
  `.execute(tx)
}

export async function finishWave(
  tx: Tx,
  id: number,
  { skipped, now }: { skipped: boolean; now: number },
): Promise<void> {
  await sql`
    update campaign_waves set done_at = ${at(now)}, skipped = ${skipped} where id = ${id} and done_at is null`.execute(
    tx,
  )
}

const COUNTED: Partial<Record<MessageStatus, 'sent' | 'accepted' | 'unknown' | 'failed' | 'skipped'>> = {
  sent: 'sent',
  accepted: 'accepted',
  unknown: 'unknown',
  failed: 'failed',
  skipped: 'skipped',
}

/** What became of a wave so far, by outcome. */
export async function waveCounts(db: Db, wave: Pick<Wave, 'id' | 'skipped'>): Promise<WaveCounts> {
  const { rows } = await sql<{ status: MessageStatus; code: Refusal | null; count: number }>`
    select status, code, count(*) as count from messages where wave = ${wave.id} group by status, code`.execute(db)
  const counts: WaveCounts = { ...NO_COUNTS, went: !wave.skipped, reasons: {} }
  for (const { status, code, count } of rows) {
    counts.members += count
    const kind = COUNTED[status]
    if (kind !== undefined) counts[kind] += count
    if (code !== null && (kind === 'skipped' || kind === 'failed'))
      counts.reasons[code] = (counts.reasons[code] ?? 0) + count
  }
  return counts
}

/**
 * What of a wave is neither sent nor decided against: what is held, with when the first of it may be asked for again (null: once
 * somebody acts), and what is on its way.
 */
export async function openOf(db: Db, wave: number): Promise<{ held: number; working: number; next: number | null }> {
  const { rows } = await sql<{ held: number; working: number; next: Date | null }>`
    select count(*) filter (where status = 'held') as held, count(*) filter (where status <> 'held') as working,
      min(held_until) filter (where status = 'held') as next
    from messages where wave = ${wave} and status in ('held', 'reserved', 'sending')`.execute(db)
  const [row] = rows
  return { held: row?.held ?? 0, working: row?.working ?? 0, next: row?.next?.getTime() ?? null }
}
