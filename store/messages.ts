/** Messages: one row a key, written before the provider is called and settled after, so that none goes out twice. */
import { type RawBuilder, sql } from 'kysely'
import type { ChannelName } from '../domain/channel.ts'
import { MESSAGES } from '../domain/consent.ts'
import type { Refusal } from '../domain/errors.ts'
import type { MessageClass, Passed } from '../domain/sending.ts'
import { type Db, type Tx, at } from './db.ts'

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
}

export async function messageByKey(db: Db, key: string): Promise<MessageRow | undefined> {
  const { rows } = await sql<MessageRow>`select * from messages where key = ${key}`.execute(db)
  return rows[0]
}

/** The same, locked to the end of the transaction: no attempt begins between what is read here and what is then written. */
export async function lockMessage(tx: Tx, key: string): Promise<MessageRow | undefined> {
  const { rows } = await sql<MessageRow>`select * from messages where key = ${key} for update`.execute(tx)
  return rows[0]
}

/**
 * The end of a statement that changed rows of messages, `with changed as (… returning *)`: each state a message comes to is a line
 * of its history. It affects as many rows as were changed.
 */
export function toldStates(now: number): RawBuilder<unknown> {
  return sql`insert into message_states (message, status, code, detail, at)
    select key, status, code, detail, ${at(now)} from changed`
}

/** Writes the gate's verdict under the key; a reservation counts against the cap. */
export async function recordVerdict(
  tx: Tx,
  one: NewMessage,
  verdict: {
    status: 'reserved' | 'skipped' | 'held'
    code?: Refusal
    detail?: string
    address?: string
    until?: number | null
    /** It waits in an auction. */
    bid?: { at: number; until: number }
    /** Its run counts as exposed; unless told, where it is reserved. */
    exposed?: boolean
    now: number
  },
): Promise<void> {
  const exposed = verdict.exposed ?? verdict.status === 'reserved'
  const { purpose = MESSAGES, tags = [], priority = 0, passed = [] } = one
  const bid = verdict.bid
  const reserved = verdict.status === 'reserved' ? at(verdict.now) : null
  const until = verdict.until === undefined || verdict.until === null ? null : at(verdict.until)
  await sql`
    /* prepared */ with changed as (insert into messages as m (key, enrolment, journey, message, customer, channel, class, topic, purpose, tags,
      priority, passed, status, code, detail, address, message_id, attempts, created_at, reserved_at, held_until, bid_at, bid_until)
    values (${one.key}, ${one.enrolment}, ${one.journey}, ${one.message}, ${one.customer}, ${one.channel}, ${one.class},
      ${one.topic}, ${purpose}, ${tags}, ${priority}, ${JSON.stringify(passed)}::jsonb, ${verdict.status},
      ${verdict.code ?? null}, ${verdict.detail ?? null}, ${verdict.address ?? null}, ${one.messageId},
      ${reserved === null ? 0 : 1}, ${at(verdict.now)}, ${reserved}, ${until}, ${bid ? at(bid.at) : null}, ${bid ? at(bid.until) : null})
    on conflict (key) do update set status = excluded.status, code = excluded.code, detail = excluded.detail,
      channel = excluded.channel, passed = excluded.passed, address = excluded.address,
      attempts = m.attempts + excluded.attempts, reserved_at = excluded.reserved_at,
      held_until = excluded.held_until, bid_at = excluded.bid_at, bid_until = excluded.bid_until returning m.*),
    exposed as (insert into exposures (message, enrolment, journey, customer, arm, at)
      select c.key, c.enrolment, c.journey, c.customer, e.arm, ${at(verdict.now)}
      from changed c join enrolments e on e.id = c.enrolment where ${exposed}
      on conflict (message) do nothing)
    ${toldStates(verdict.now)}
  `.execute(tx)
}

/**
 * Writes that from here on the provider may have it; false where the run has ended or another attempt went first, and then
 * nothing may be sent.
 */
export async function beginSending(db: Db, key: string, now: number, provider?: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    /* prepared */ with changed as (update messages m set status = 'sending', provider = ${provider ?? null} where key = ${key} and status = 'reserved'
      and exists (select 1 from enrolments e where e.id = m.enrolment and e.status = 'running') returning m.*)
    ${toldStates(now)}
  `.execute(db)
  return numAffectedRows === 1n
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

/**
 * The same for a message that the provider took, with its line in the decision log, in one statement: the customer is locked
 * before the message, as the gate locks them.
 */
export async function settleSent(
  db: Db,
  key: string,
  { detail, providerId, now }: { detail: string; providerId?: string; now: number },
): Promise<boolean> {
  const { rows } = await sql<{ settled: number }>`
    /* prepared */ with held as (select 1 from customers where id = (select customer from messages where key = ${key}) for update),
    changed as (update messages set status = 'sent', code = null, detail = ${detail}, sent_at = ${at(now)},
        provider_id = coalesce(${providerId ?? null}, provider_id)
      where exists (select 1 from held) and key = ${key} and status in ('sending', 'unknown', 'reserved') returning *),
    noted as (insert into decisions (key, customer, journey, enrolment, about, verdict, detail, at)
      select key || '/sent/', customer, journey, enrolment, 'send', 'sent', message, ${at(now)} from changed
      on conflict (key) do nothing),
    told as (${toldStates(now)} returning 1)
    select count(*) as settled from told
  `.execute(db)
  return rows[0]?.settled === 1
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
