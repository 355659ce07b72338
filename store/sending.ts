/** What the gate reads of customers for messages, in one statement for one message or a page of them. */
import { sql } from 'kysely'
import { CAPABILITIES, type ChannelName } from '../domain/channel.ts'
import { MESSAGES } from '../domain/consent.ts'
import type { Bid, PastMessage } from '../domain/pressure.ts'
import { type Tx, among, at } from './db.ts'

/** One channel of a message, as far as the customer goes. */
export interface Way {
  channel: ChannelName
  address: string | null
  consented: boolean
  suppressed: boolean
}

export interface SendRow {
  name: string | null
  zone: string | null
  locale: string | null
  /** The customer's favourite channels, best first. */
  likes: string[]
  ways: Way[]
  /** What counts in the caps, and what waits in an auction; of other messages than this. */
  past: PastMessage[]
  rivals: Bid[]
  /** The terms a person has agreed to in exactly these words. */
  approved: string[]
}

export interface SendQuestion {
  topic: string
  purpose: string
  channels: readonly ChannelName[]
  /** How far back the caps look. */
  since: number
}

/** One message that is asked about. */
export interface AskedMessage extends SendQuestion {
  key: string
  customer: string
  /** The hash of the words. */
  wording: string
}

/** Undefined for an unknown customer. Call it with the customer locked. */
export async function sendFacts(tx: Tx, asked: AskedMessage): Promise<SendRow | undefined> {
  return (await sendFactsOfAll(tx, [asked])).get(asked.key)
}

/**
 * What is known of each message, by its key. Call it with the customers locked. Who has withdrawn consent to messages has none for
 * any other purpose; a bid of the control arm takes nothing away from others.
 */
export async function sendFactsOfAll(tx: Tx, all: readonly AskedMessage[]): Promise<Map<string, SendRow>> {
  if (all.length === 0) return new Map()
  const { rows } = await sql<SendRow & { key: string }>`
    /* prepared */ select q.key, c.name, c.zone, c.locale, c.channels as likes,
      (select json_agg(json_build_object('channel', way.channel, 'address', way.address,
          'suppressed', exists (select 1 from suppressions s where s.channel = way.channel and s.address = lower(way.address)),
          'consented', not exists (
            select 1 from unnest(q.purposes) what where not coalesce((select granted from consents o
              where o.customer = c.id and o.topic = q.topic and o.channel = way.channel and o.purpose = what
              order by o.id desc limit 1), false))))
        from (select channel, case kind when 'email' then c.email when 'phone' then c.phone when 'customer' then c.id
            else (select address from addresses a where a.customer = c.id and a.kind = ask.kind) end as address
          from unnest(q.channels, q.kinds) ask (channel, kind)) way) as ways,
      coalesce((select json_agg(json_build_object('at', extract(epoch from m.reserved_at) * 1000, 'channel', m.channel,
          'tags', m.tags, 'class', m.class)) from messages m
        where m.customer = c.id and m.reserved_at > q.since and m.key <> q.key
          and m.status in ('reserved', 'sending', 'accepted', 'sent', 'unknown')), '[]') as past,
      coalesce((select json_agg(json_build_object('key', m.key, 'priority', m.priority, 'channel', m.channel, 'tags', m.tags,
          'at', extract(epoch from m.bid_at) * 1000, 'until', extract(epoch from m.bid_until) * 1000))
        from messages m join enrolments e on e.id = m.enrolment
        where m.customer = c.id and m.status = 'held' and m.bid_at is not null and m.key <> q.key
          and e.arm = 'treated' and e.status = 'running'), '[]') as rivals,
      coalesce((select array_agg(term) from wordings where hash = q.wording and approved_at is not null), '{}') as approved
    from jsonb_to_recordset(${JSON.stringify(all.map(askedRow))}::jsonb) as q (key text, customer text, wording text, topic text,
      purposes text[], channels text[], kinds text[], since timestamptz)
    join customers c on c.id = q.customer and c.id = ${among(all.map((one) => one.customer))}
  `.execute(tx)
  return new Map(rows.map(({ key, ...row }) => [key, row]))
}

const askedRow = ({ purpose, since, ...one }: AskedMessage): object => ({
  ...one,
  purposes: [...new Set([MESSAGES, purpose])],
  kinds: one.channels.map((channel) => CAPABILITIES[channel].address),
  since: at(since),
})
