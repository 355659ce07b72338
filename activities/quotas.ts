/** What providers may be given in a day: a message over it waits for the next day of the provider. */
import { afterDays, localDate } from '../domain/calendar.ts'
import type { Tx } from '../store/db.ts'
import { takeQuota } from '../store/quotas.ts'
import type { Channel } from './channels/channel.ts'

export interface Quota {
  /** Messages a day. */
  most: number
  /** The zone whose days they are. */
  zone: string
}

/** By provider, as channels name theirs; without one there is no limit. */
export type Quotas = ReadonlyMap<string, Quota>

/**
 * Counts a message against its provider's day; answers until when it has to wait where the day is full. Call it in the transaction
 * that reserves the message, behind the customer's lock; asked again for the same message and day it counts once.
 */
export async function overQuota(
  tx: Tx,
  quotas: Quotas | undefined,
  { channel, key, now }: { channel: Pick<Channel, 'provider'>; key: string; now: number },
): Promise<number | undefined> {
  const quota = quotas?.get(channel.provider)
  if (!quota) return undefined
  const day = localDate(now, quota.zone)
  if (await takeQuota(tx, { provider: channel.provider, day, message: key, most: quota.most })) return undefined
  return afterDays(now, { days: 1, at: '00:00' }, quota.zone)
}
