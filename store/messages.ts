/** Messages: one row a key, written before the provider is called and settled after, so that none goes out twice. */
import { type RawBuilder, sql } from 'kysely'
import type { ChannelName } from '../domain/channel.ts'
import { MESSAGES } from '../domain/consent.ts'
import type { Refusal } from '../domain/errors.ts'
import type { MessageClass, Passed } from '../domain/sending.ts'
import { type Db, type Tx, among, at } from './db.ts'

/**
 * reserved: it goes out, and the provider surely does not have it yet. sending: the provider may have it. sent: the provider took
 * it. accepted: it has it and will say later. unknown: nobody knows. failed: the provider refused for good. skipped, held: the gate's verdicts.
 */
export type MessageStatus = 'reserved' | 'sending' | 'sent' | 'accepted' | 'unknown' | 'failed' | 'skipped' | 'held'

export interface MessageRow {
  key: string
  enrolment: string
  journey: string
  message: string
  customer: string
  class: MessageClass
  status: MessageStatus
  code: Refusal | null
  detail: string | null
  message_id: string
  channel: ChannelName
  provider: string | null
  provider_id: string | null
  attempts: number
  created_at: Date
  reserved_at: Date | null
  held_until: Date | null
  sent_at: Date | null
  /** When it entered an auction, and until when that lasts. */
  bid_at: Date | null
  bid_until: Date | null
  passed: Passed[]
}

export interface NewMessage {
  key: string
  enrolment: string
  journey: string
  message: string
  customer: string
  channel: ChannelName
  class: MessageClass
  topic: string
  messageId: string
  /** 'messages' unless told. */
  purpose?: string
  /** What it counts as in the frequency caps. */
  tags?: readonly string[]
  priority?: number
  /** The channels that were passed over, and why. */
  passed?: readonly Passed[]
  /** The wave of a campaign that it is of. */
  wave?: number
}

export async function messageByKey(db: Db, key: string): Promise<MessageRow | undefined> {
  const { rows } = await sql<MessageRow>`select * from messages where key = ${key}`.execute(db)
  return rows[0]
}

/** The columns of a `MessageRow`; a statement that is prepared names them. */
export const messageRows = sql`select key, enrolment, journey, message, customer, class, status, code, detail, message_id, channel, provider,
  provider_id, attempts, created_at, reserved_at, held_until, sent_at, bid_at, bid_until, passed from messages`

const DATES = ['created_at', 'reserved_at', 'held_until', 'sent_at', 'bid_at', 'bid_until'] as const

/** A row that came as JSON, in which instants are words. */
export type StoredMessage = Omit<MessageRow, (typeof DATES)[number]> & Record<(typeof DATES)[number], string | null>

export function messageOf(stored: StoredMessage): MessageRow {
  const dates = DATES.map((name) => [name, stored[name] === null ? null : new Date(stored[name])])
  return { ...stored, ...Object.fromEntries(dates) } as MessageRow
}

/** The same, locked to the end of the transaction: no attempt begins between what is read here and what is then written. */
export async function lockMessage(tx: Tx, key: string): Promise<MessageRow | undefined> {
  return (await lockMessages(tx, [key])).get(key)
}

/** The same for many at once, by their keys. */
export async function lockMessages(tx: Tx, keys: readonly string[]): Promise<Map<string, MessageRow>> {
  if (keys.length === 0) return new Map()
  const { rows } = await sql<MessageRow>`
    /* prepared */ ${messageRows} where key = ${among(keys)} order by key for update
  `.execute(tx)
  return new Map(rows.map((row) => [row.key, row]))
}

/**
 * The end of a statement that changed rows of messages, `with changed as (… returning *)`: each state a message comes to is a line
 * of its history. It affects as many rows as were changed.
 */
export function toldStates(now: number): RawBuilder<unknown> {
  return sql`insert into message_states (message, status, code, detail, at)
    select key, status, code, detail, ${at(now)} from changed`
}

/** The gate's verdict as it is written under a key. */
export interface WrittenVerdict {
  status: 'reserved' | 'skipped' | 'held'
  code?: Refusal
  detail?: string
  address?: string
  until?: number | null
  /** It waits in an auction. */
  bid?: { at: number; until: number }
  /** Its run counts as exposed; unless told, where it is reserved. */
  exposed?: boolean
  /** Which words go out, where it is reserved. */
  words?: { locale: string; version: number | null }
  now: number
}

/** Writes the gate's verdict under the key; a reservation counts against the cap. */
export const recordVerdict = (tx: Tx, one: NewMessage, verdict: WrittenVerdict): Promise<void> =>
  recordVerdicts(tx, [[one, verdict]])

const iso = (instant: number | null | undefined): string | null =>
  instant === undefined || instant === null ? null : at(instant).toISOString()

function verdictRow([one, verdict]: readonly [NewMessage, WrittenVerdict]): object {
  const { purpose = MESSAGES, tags = [], priority = 0, passed = [], messageId, ...plain } = one
  const { status, code, detail, address, until, bid, words, exposed = status === 'reserved', now } = verdict
  return {
    at: iso(now),
    ...plain,
    purpose,
    tags,
    priority,
    passed,
    status,
    code,
    detail,
    address,
    exposed,
    message_id: messageId,
    held_until: iso(until),
    bid_at: iso(bid?.at),
    bid_until: iso(bid?.until),
    locale: words?.locale,
    words_version: words?.version,
  }
}

/** The same for many at once, each at its own time. */
export async function recordVerdicts(tx: Tx, all: readonly (readonly [NewMessage, WrittenVerdict])[]): Promise<void> {
  if (all.length === 0) return
  await sql`
    /* prepared */ with given as (select key, enrolment, journey, message, customer, channel, class, topic, purpose, tags, priority, passed,
        status, code, detail, address, exposed, message_id, held_until, bid_at, bid_until, locale,
        words_version, wave, at
      from jsonb_to_recordset(${JSON.stringify(all.map(verdictRow))}::jsonb) as one (key text, enrolment text, journey text, message text,
        customer text, channel text, class text, topic text, purpose text, tags text[], priority int, passed jsonb, status text, code text,
        detail text, address text, exposed boolean, message_id text, held_until timestamptz,
        bid_at timestamptz, bid_until timestamptz, locale text, words_version int, wave bigint, at timestamptz)),
    changed as (insert into messages as m (key, enrolment, journey, message, customer, channel, class, topic, purpose, tags,
      priority, passed, status, code, detail, address, message_id, attempts, created_at, reserved_at, held_until, bid_at, bid_until,
      locale, words_version, wave)
    select key, enrolment, journey, message, customer, channel, class, topic, purpose, tags, priority, passed, status, code, detail,
      address, message_id, (status = 'reserved')::int, at, case when status = 'reserved' then at end, held_until, bid_at, bid_until, locale, words_version, wave from given
    on conflict (key) do update set status = excluded.status, code = excluded.code, detail = excluded.detail,
      message = excluded.message, channel = excluded.channel, passed = excluded.passed, address = excluded.address,
      attempts = m.attempts + excluded.attempts, reserved_at = excluded.reserved_at,
      held_until = excluded.held_until, bid_at = excluded.bid_at, bid_until = excluded.bid_until,
      locale = coalesce(excluded.locale, m.locale), words_version = coalesce(excluded.words_version, m.words_version)
    returning m.key, m.status, m.code, m.detail),
    exposed as (insert into exposures (message, enrolment, journey, customer, arm, at)
      select g.key, g.enrolment, g.journey, g.customer, e.arm, g.at
      from given g join enrolments e on e.id = g.enrolment
      where g.exposed and e.id = ${among(all.map(([one]) => one.enrolment))}
      on conflict (message) do nothing)
    insert into message_states (message, status, code, detail, at)
    select c.key, c.status, c.code, c.detail, g.at from changed c join given g on g.key = c.key
  `.execute(tx)
}

/** A message that its provider is about to have. */
export interface Beginning {
  key: string
  provider?: string | undefined
  now: number
}

/** A message that its provider took. */
export interface Taken {
  key: string
  detail: string
  providerId?: string | undefined
  now: number
}

/** Messages on their way to providers, no key twice in all. */
export interface Moves {
  beginning?: readonly Beginning[]
  taken?: readonly Taken[]
}

/**
 * Writes in one statement that from here on providers may have some messages, and that they took others, these with their lines in
 * the decision log. `begun`: those that may go; nothing may be sent of the others, whose run has ended or where another attempt went
 * first. `settled`: those it saw to. The customers of what was taken are locked before the messages, as the gate locks them;
 * `passing`: one that somebody else holds is left out instead of waited for.
 */
export async function moveOn(
  db: Db,
  { beginning = [], taken = [] }: Moves,
  { passing = false }: { passing?: boolean } = {},
): Promise<{ begun: ReadonlySet<string>; settled: ReadonlySet<string> }> {
  const [starting, arrived] = [beginning, taken].map((all) => all.map(({ key }) => key)) as [string[], string[]]
  const given = taken.map(({ now, ...one }) => ({ ...one, at: iso(now) }))
  const { rows } = await sql<{ key: string; begun: boolean }>`
    /* prepared */ with given as (select key, detail, "providerId", at from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
        as one (key text, detail text, "providerId" text, at timestamptz)),
    held as (select id from customers where id in (select customer from messages where key = ${among(arrived)})
        order by id for update ${passing ? sql`skip locked` : sql``}),
    ours as (select m.key from messages m where m.key = ${among(arrived)} and m.customer in (select id from held)),
    starting as (select key, provider, at from unnest(${starting}::text[], ${beginning.map((one) => one.provider ?? null)}::text[],
      ${beginning.map(({ now }) => iso(now))}::timestamptz[]) as one (key, provider, at)),
    locked as (select key from messages where key = ${among(starting)} and (select count(*) from held) >= 0 order by key for update),
    sent as (update messages m set status = 'sent', code = null, detail = g.detail, sent_at = g.at,
        provider_id = coalesce(g."providerId", provider_id)
      from given g where m.key = any(array(select key from ours)) and m.key = g.key and status in ('sending', 'unknown', 'reserved')
      returning m.key, m.customer, m.journey, m.enrolment, m.message, m.status, m.code, m.detail, g.at),
    begun as (update messages m set status = 'sending', provider = g.provider from starting g
      where m.key = any(array(select key from locked)) and m.key = g.key and m.status = 'reserved'
      and exists (select 1 from enrolments e where e.id = m.enrolment and e.status = 'running')
      returning m.key, m.status, m.code, m.detail, g.at),
    noted as (insert into decisions (key, customer, journey, enrolment, about, verdict, detail, at)
      select key || '/sent/', customer, journey, enrolment, 'send', 'sent', message, at from sent
      on conflict (key) do nothing),
    told as (insert into message_states (message, status, code, detail, at)
      select key, status, code, detail, at from begun union all select key, status, code, detail, at from sent)
    select key, true as begun from begun union all select key, false from ours
  `.execute(db)
  const keysOf = (which: boolean): Set<string> =>
    new Set(rows.filter((row) => row.begun === which).map(({ key }) => key))
  return { begun: keysOf(true), settled: keysOf(false) }
}

/** The same of one message, where it is to begin. */
export async function beginSending(db: Db, one: Beginning): Promise<boolean> {
  return (await moveOn(db, { beginning: [one] })).begun.has(one.key)
}

/**
 * Writes what came of an attempt; answers whether it did. `began`: whether the provider could have the message by this attempt;
 * one that never began does not speak for one that did. A late 'sent' or 'accepted' corrects an 'unknown'; nothing else changes a settled row.
 */
export async function settleMessage(
  db: Db,
  key: string,
  outcome: {
    status: 'sent' | 'accepted' | 'reserved' | 'unknown' | 'failed'
    began: boolean
    code?: Refusal
    detail?: string
    providerId?: string
    now: number
  },
): Promise<boolean> {
  const sent = outcome.status === 'sent'
  const went = sent || outcome.status === 'accepted'
  const { numAffectedRows } = await sql`
    with changed as (update messages set status = ${outcome.status}, code = ${outcome.code ?? null},
      detail = ${outcome.detail ?? null}, provider_id = coalesce(${outcome.providerId ?? null}, provider_id),
      sent_at = ${sent ? at(outcome.now) : null}
    where key = ${key} and (status = ${outcome.began ? 'sending' : 'reserved'} or (${went} and status in ('unknown', 'reserved')))
    returning *)
    ${toldStates(outcome.now)}
  `.execute(db)
  return numAffectedRows === 1n
}

export async function messagesOf(db: Db, by: { customer?: string; enrolment?: string }): Promise<MessageRow[]> {
  const { rows } = await sql<MessageRow>`
    select * from messages
    where (${by.customer ?? null}::text is null or customer = ${by.customer ?? null})
      and (${by.enrolment ?? null}::text is null or enrolment = ${by.enrolment ?? null})
    order by created_at, key
  `.execute(db)
  return rows
}

/** The Message-IDs of the mails that the store says were sent. */
export async function sentMessageIds(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select message_id as id from messages where status = 'sent'`.execute(db)
  return rows.map((row) => row.id)
}
