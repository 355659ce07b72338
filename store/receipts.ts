/** Receipts: what providers say of messages afterwards, each taken once; and what it means for the address. */
import { sql } from 'kysely'
import type { ChannelName } from '../domain/channel.ts'
import { PerennialError } from '../domain/errors.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { settleFate } from './fates.ts'
import { setConsent, suppress } from './customers.ts'

/**
 * delivered: it reached the customer. failed: it never will. bounced: the address took it back; `permanent` where it always will.
 * complained: the customer called it unwanted. refused: the customer wants no more messages on the channel.
 */
export type ReceiptKind = 'delivered' | 'failed' | 'bounced' | 'complained' | 'refused'

export interface ProviderReceipt {
  provider: string
  /** The provider's own id of what it says; the same again is a double. */
  id: string
  kind: ReceiptKind
  channel: ChannelName
  permanent?: boolean
  /** Which message: what we gave the provider along, or what it calls it. */
  of?: { key?: string; messageId?: string; providerId?: string }
  /** The address, where the provider names it: e-mail, or a phone in E.164. */
  address?: string
  /** The provider's code and words, without the person's. */
  detail?: string
}

interface Owner {
  key: string | null
  customer: string
  address: string | null
}

export interface TakenReceipts {
  taken: number
  doubles: number
  /** Those whose message we do not know. They are kept, and count for the address they name. */
  strangers: number
}

/**
 * Takes what one request brought, all or nothing. `request`: the id of a signed request, refused as RECEIPT_REPLAYED when it came
 * before. `topics`: those a customer leaves who refuses a channel. Everybody it is about is locked first, in the order of ids.
 */
export async function takeReceipts(
  db: Db,
  receipts: readonly ProviderReceipt[],
  { now, request, topics }: { now: () => number; request?: string; topics: readonly string[] },
): Promise<TakenReceipts> {
  return inTransaction(db, async (tx) => {
    const owners = await Promise.all(receipts.map((one) => ownersOf(tx, one)))
    const ids = [...new Set(owners.flat().map(({ customer }) => customer))]
    await sql`select id from customers where id = any(${ids}) order by id for update`.execute(tx)
    const asked = now()
    if (request !== undefined) await onlyOnce(tx, request, asked)
    const counts = { taken: 0, doubles: 0, strangers: 0 }
    for (const [index, receipt] of receipts.entries()) {
      const by = owners[index] ?? []
      const key = by.find((owner) => owner.key !== null)?.key ?? null
      if (!(await keep(tx, receipt, key, asked))) counts.doubles += 1
      else {
        counts.taken += 1
        if (key === null && receipt.kind !== 'refused') counts.strangers += 1
        await apply(tx, receipt, by, { topics, now: asked })
      }
    }
    return counts
  })
}

/** The message a receipt is of, and whose it is; for a refusal everybody who has the number. */
async function ownersOf(tx: Tx, { of = {}, kind, address, channel }: ProviderReceipt): Promise<Owner[]> {
  if (kind === 'refused') {
    const { rows } = await sql<Owner>`
      select null::text as key, id as customer, phone as address from customers where phone = ${address ?? ''}`.execute(
      tx,
    )
    return rows
  }
  const { rows } = await sql<Owner>`
    select key, customer, address from messages where channel = ${channel}
      and (key = ${of.key ?? null} or message_id = ${of.messageId ?? null} or provider_id = ${of.providerId ?? null}) limit 1
  `.execute(tx)
  return rows
}

async function onlyOnce(tx: Tx, request: string, now: number): Promise<void> {
  const { numAffectedRows } = await sql`
    insert into receipt_requests (id, at) values (${request}, ${at(now)}) on conflict do nothing`.execute(tx)
  if (numAffectedRows !== 1n) {
    throw new PerennialError('RECEIPT_REPLAYED', 'a request with this id was taken before', { field: 'webhook-id' })
  }
}

async function keep(tx: Tx, receipt: ProviderReceipt, message: string | null, now: number): Promise<boolean> {
  const { provider, id, kind, detail } = receipt
  const { numAffectedRows } = await sql`
    insert into receipts (provider, id, message, kind, detail, at)
    values (${provider}, ${id}, ${message}, ${kind}, ${detail ?? null}, ${at(now)}) on conflict do nothing
  `.execute(tx)
  return numAffectedRows === 1n
}

async function apply(
  tx: Tx,
  { kind, permanent, channel, address, detail, provider, id }: ProviderReceipt,
  owners: readonly Owner[],
  { topics, now }: { topics: readonly string[]; now: number },
): Promise<void> {
  if (kind === 'refused') {
    const source = `receipt ${provider} ${id}`
    for (const { customer } of owners) await leave(tx, { customer, channel, topics, source, now })
    return
  }
  const [owner] = owners
  if (owner?.key) {
    const of = { key: owner.key, customer: owner.customer, detail: detail ?? null, now }
    if (kind === 'delivered' || kind === 'complained') await settleFate(tx, { ...of, status: 'sent' })
    else if (kind === 'failed' || permanent) await settleFate(tx, { ...of, status: 'failed', code: 'PROVIDER_REFUSED' })
  }
  const dead = kind === 'complained' || (kind === 'bounced' && permanent === true)
  const gone = owner?.address ?? address
  if (dead && gone) {
    const reason = kind === 'complained' ? 'complaint' : 'bounce'
    await suppress(tx, { channel, address: gone, reason, now })
  }
}

/** Withdraws the consent to every topic that is known of the customer on the channel, and to those that are named. */
async function leave(
  tx: Tx,
  of: { customer: string; channel: ChannelName; topics: readonly string[]; source: string; now: number },
): Promise<void> {
  const { rows } = await sql<{ topic: string }>`
    select distinct topic from consents where customer = ${of.customer} and channel = ${of.channel}`.execute(tx)
  const all = new Set([...of.topics, ...rows.map(({ topic }) => topic)])
  const { topics: _named, ...change } = of
  for (const topic of all) await setConsent(tx, { ...change, topic, granted: false })
}

/** Forgets the ids of requests so old that their time alone refuses them. Answers how many. */
export async function forgetRequests(db: Db, before: number, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from receipt_requests where id in (select id from receipt_requests where at < ${at(before)} limit ${limit})
  `.execute(db)
  return Number(numAffectedRows)
}
