/** What became of messages after the call: those that are open, what their provider says later, and what that cost. */
import { sql } from 'kysely'
import type { ChannelName } from '../domain/channel.ts'
import type { Refusal } from '../domain/errors.ts'
import { type Db, type Tx, at } from './db.ts'
import { decide } from './decisions.ts'
import { type MessageStatus, toldStates } from './messages.ts'

export interface OpenFate {
  key: string
  customer: string
  channel: ChannelName
  address: string
  message_id: string
  provider_id: string | null
  status: MessageStatus
  reserved_at: Date
}

export interface Page {
  /** Only messages of these channels. */
  channels: readonly ChannelName[]
  /** Reserved after this, and not looked for since. Shop time, epoch ms. */
  after: number
  notSince: number
  limit: number
}

/** Messages whose provider has yet to say what became of them, the longest unasked first. */
export async function openFates(db: Db, { channels, after, notSince, limit }: Page): Promise<OpenFate[]> {
  const { rows } = await sql<OpenFate>`
    select key, customer, channel, address, message_id, provider_id, status, reserved_at from messages
    where status in ('accepted', 'unknown') and channel = any(${channels}) and address is not null
      and reserved_at > ${at(after)} and reserved_at < ${at(notSince)} and coalesce(looked_at, reserved_at) < ${at(notSince)}
    order by coalesce(looked_at, reserved_at), key limit ${limit}
  `.execute(db)
  return rows
}

/** The same of one message that an attempt left behind; undefined where it is at rest. */
export async function leftBehind(db: Db, key: string): Promise<OpenFate | undefined> {
  const { rows } = await sql<OpenFate>`
    select key, customer, channel, address, message_id, provider_id, status, reserved_at from messages
    where key = ${key} and status = 'sending' and address is not null
  `.execute(db)
  return rows[0]
}

export async function lookedFor(db: Db, keys: readonly string[], now: number): Promise<void> {
  await sql`update messages set looked_at = ${at(now)} where key = any(${keys})`.execute(db)
}

/** Accepted, and nobody said anything in all that time: it is not known what became of them. Answers how many. */
export async function giveUpWaiting(db: Db, { before, now, limit }: { before: number; now: number; limit: number }) {
  const { numAffectedRows } = await sql`
    with changed as (update messages set status = 'unknown', code = 'SEND_FATE_UNKNOWN'
      where key in (select key from messages where status = 'accepted' and reserved_at < ${at(before)}
        order by reserved_at limit ${limit} for update skip locked)
      and status = 'accepted' returning *)
    ${toldStates(now)}
  `.execute(db)
  return Number(numAffectedRows)
}

export interface Fate {
  key: string
  customer: string
  /** 'reserved': the provider surely never got it, and the run still asks for it. */
  status: 'sent' | 'failed' | 'accepted' | 'reserved'
  code?: Refusal
  detail?: string | null
  now: number
}

/**
 * Writes what a provider says of a message it may have; answers whether that was news. Nothing changes one that is at rest, but for
 * 'sent', which corrects an 'unknown'. Call it with the customer locked.
 */
export async function settleFate(tx: Tx, { key, customer, status, code, detail = null, now }: Fate): Promise<boolean> {
  const sent = status === 'sent'
  const from = status === 'reserved' ? ['sending'] : ['sending', 'accepted', 'unknown'].filter((one) => one !== status)
  const { numAffectedRows } = await sql`
    with changed as (update messages set status = ${status}, code = ${code ?? null}, detail = ${detail},
      sent_at = ${sent ? at(now) : null}
    where key = ${key} and status = any(${from}) returning *)
    ${toldStates(now)}
  `.execute(tx)
  if (numAffectedRows !== 1n) return false
  if (status === 'sent' || status === 'failed') {
    const { rows } = await sql<{ journey: string; enrolment: string; message: string }>`
      select journey, enrolment, message from messages where key = ${key}`.execute(tx)
    const [row] = rows
    if (row) {
      const { journey, enrolment, message } = row
      const said = { verdict: status, code: code ?? null, detail: detail === null ? message : `${message}: ${detail}` }
      await decide(tx, {
        key: `${key}/${status}/${code ?? ''}`,
        customer,
        journey,
        enrolment,
        about: 'send',
        ...said,
        now,
      })
    }
  }
  return true
}

/** What the segments of an SMS came to. */
export async function noteCost(
  db: Db,
  key: string,
  { segments, cost }: { segments?: number; cost?: number },
): Promise<void> {
  if (segments === undefined && cost === undefined) return
  await sql`update messages set segments = ${segments ?? null}, cost = ${cost ?? null} where key = ${key}`.execute(db)
}
