/** Asking providers what became of messages: before one is repeated, and from time to time while it is open. */
import { CHANNELS } from '../domain/channel.ts'
import { lockCustomer, suppress } from '../store/customers.ts'
import { inTransaction } from '../store/db.ts'
import { type OpenFate, giveUpWaiting, leftBehind, lookedFor, openFates, settleFate } from '../store/fates.ts'
import { forgetRequests } from '../store/receipts.ts'
import type { Receipt, Sought } from './channels/channel.ts'
import type { Parts } from './index.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Between two questions about one message: shorter than the hour in which the upkeep comes round. */
const ASKED_EVERY = 45 * MINUTE
/** The operators report within three days; a WeCom member confirms within a week or never. */
const ASKED_FOR = 7 * DAY
const PAGE = 50
/** A signed request is refused by its time after minutes; its id is kept much longer. */
const REQUESTS_KEPT = 7 * DAY

function soughtOf({ key, address, message_id, provider_id, reserved_at }: OpenFate): Sought {
  const providerId = provider_id === null ? {} : { providerId: provider_id }
  return { key, to: address, messageId: message_id, begunAt: reserved_at.getTime(), ...providerId }
}

/**
 * What an earlier attempt of a message left with a provider that can be asked: before anything is repeated or given up as unknown.
 * The answer is written; the row then says it. Does nothing for a message that nobody left behind.
 */
export async function learnFate({ db, channels }: Pick<Parts, 'db' | 'channels'>, key: string, now: number) {
  if (![...channels.values()].some(({ lookUp, ready }) => lookUp && ready.ok)) return
  const left = await leftBehind(db, key)
  const channel = left && channels.get(left.channel)
  if (!left || !channel?.lookUp) return
  const receipt = await channel.lookUp(soughtOf(left))
  if (receipt) await writeFate({ db }, left, receipt, now)
}

async function writeFate({ db }: Pick<Parts, 'db'>, of: OpenFate, receipt: Receipt, now: number): Promise<boolean> {
  const { key, customer } = of
  const { detail } = receipt
  return inTransaction(db, async (tx) => {
    await lockCustomer(tx, customer)
    if (receipt.deadAddress) await suppress(tx, { channel: of.channel, address: of.address, reason: 'refused', now })
    switch (receipt.is) {
      case 'sent':
        return settleFate(tx, { key, customer, status: 'sent', now })
      case 'refused':
        return settleFate(tx, { key, customer, status: 'failed', code: 'PROVIDER_REFUSED', detail, now })
      case 'accepted':
        return settleFate(tx, { key, customer, status: 'accepted', detail, now })
      case 'transient':
        // It surely has nothing. A run that still asks for it may send it; one that has gone on does not get it any more.
        return of.status === 'sending'
          ? settleFate(tx, { key, customer, status: 'reserved', now })
          : settleFate(tx, { key, customer, status: 'failed', code: 'NEVER_ARRIVED', detail, now })
      case 'unknown':
        return false
    }
  })
}

/** Asks about a page of messages that are open; answers how many it asked about. */
export async function pollFates({ db, channels }: Parts, now: number): Promise<number> {
  const askable = CHANNELS.filter((name) => {
    const channel = channels.get(name)
    return channel?.lookUp !== undefined && channel.ready.ok
  })
  if (askable.length === 0) return 0
  const page = { channels: askable, after: now - ASKED_FOR, notSince: now - ASKED_EVERY, limit: PAGE }
  const open = await openFates(db, page)
  // Noted first: one that makes the provider stumble must not come back at once.
  await lookedFor(
    db,
    open.map(({ key }) => key),
    now,
  )
  for (const one of open) {
    const receipt = await channels.get(one.channel)?.lookUp?.(soughtOf(one))
    if (receipt) await writeFate({ db }, one, receipt, now)
  }
  return open.length
}

/** A page of messages that were accepted and never heard of again. */
export function giveUpFates({ db }: Parts, now: number): Promise<number> {
  return giveUpWaiting(db, { before: now - ASKED_FOR, now, limit: 500 })
}

export function forgetReceiptRequests({ db }: Parts, now: number): Promise<number> {
  return forgetRequests(db, now - REQUESTS_KEPT, 1_000)
}
