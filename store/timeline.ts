/** The life of messages, every state and every receipt with its time; and how they went on the whole. */
import { sql } from 'kysely'
import type { ChannelName } from '../domain/channel.ts'
import type { Refusal } from '../domain/errors.ts'
import { type Db, at } from './db.ts'

export interface TimelineState {
  /** A status of the message, or what its provider said later: 'delivered', 'bounced', 'complained' … */
  state: string
  at: Date
  code: Refusal | null
  detail: string | null
}

export interface MessageLife {
  key: string
  journey: string
  message: string
  channel: ChannelName
  provider: string | null
  status: string
  segments: number | null
  cost: number | null
  states: TimelineState[]
}

/** The newest `limit` messages of a customer, oldest first, with their states in the order in which they came. */
export async function livesOf(db: Db, customer: string, limit: number): Promise<MessageLife[]> {
  const { rows } = await sql<Omit<MessageLife, 'states'>>`
    select key, journey, message, channel, provider, status, segments, cost from messages
    where customer = ${customer} order by created_at desc, key limit ${limit}
  `.execute(db)
  const keys = rows.map(({ key }) => key)
  const { rows: states } = await sql<TimelineState & { message: string }>`
    select message, status as state, at, code, detail, id as place from message_states where message = any(${keys})
    union all
    select message, kind, at, null, detail, null from receipts where message = any(${keys})
    order by at, place nulls last
  `.execute(db)
  const lives = new Map<string, TimelineState[]>(keys.map((key) => [key, []]))
  for (const { message, state, at: when, code, detail } of states)
    lives.get(message)?.push({ state, at: when, code, detail })
  return rows.reverse().map((row) => ({ ...row, states: lives.get(row.key) ?? [] }))
}

export interface ChannelLine {
  name: ChannelName
  provider: string
  ready: boolean
  missing: string[]
  per_second: number | null
  quota: number | null
  quota_zone: string | null
  at: Date
}

/** What the workers said of their channels when they last started. */
export async function channelLines(db: Db): Promise<ChannelLine[]> {
  const { rows } = await sql<ChannelLine>`select * from channels order by name`.execute(db)
  return rows
}

export async function saveChannels(db: Db, lines: readonly Omit<ChannelLine, 'at'>[], now: number): Promise<void> {
  for (const { name, provider, ready, missing, per_second, quota, quota_zone } of lines)
    await sql`
      insert into channels (name, provider, ready, missing, per_second, quota, quota_zone, at)
      values (${name}, ${provider}, ${ready}, ${missing}, ${per_second}, ${quota}, ${quota_zone}, ${at(now)})
      on conflict (name) do update set provider = excluded.provider, ready = excluded.ready, missing = excluded.missing,
        per_second = excluded.per_second, quota = excluded.quota, quota_zone = excluded.quota_zone, at = excluded.at
    `.execute(db)
}

export interface ChannelCounts {
  channel: ChannelName
  sent: number
  accepted: number
  unknown: number
  failed: number
  bounced: number
  complained: number
}

/** Messages by channel, and what was said of them, from an instant on. */
export async function channelCounts(db: Db, since: number): Promise<ChannelCounts[]> {
  const { rows } = await sql<ChannelCounts>`
    with told as (
      select m.channel, r.kind from receipts r join messages m on m.key = r.message where r.at >= ${at(since)})
    select channel, count(*) filter (where status = 'sent') as sent, count(*) filter (where status = 'accepted') as accepted,
      count(*) filter (where status = 'unknown') as unknown, count(*) filter (where status = 'failed') as failed,
      (select count(*) from told t where t.channel = m.channel and t.kind = 'bounced') as bounced,
      (select count(*) from told t where t.channel = m.channel and t.kind = 'complained') as complained
    from messages m where reserved_at >= ${at(since)} group by channel order by channel
  `.execute(db)
  return rows
}
