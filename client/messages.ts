/** Messages as people ask for them: what a customer got, state by state, and how the channels do. */
import { localDate } from '../domain/calendar.ts'
import { COMPLAINT_DAYS, type ComplaintLevel, complaintLevel, complaintShare } from '../domain/complaints.ts'
import type { ChannelName } from '../domain/channel.ts'
import { PerennialError } from '../domain/errors.ts'
import { customer } from '../store/customers.ts'
import type { Db } from '../store/db.ts'
import { quotaUsed } from '../store/quotas.ts'
import { type ChannelLine, type MessageLife, channelCounts, channelLines, livesOf } from '../store/timeline.ts'

const DAY = 86_400_000
const SHOWN = 200

export interface MessagesReport {
  customer: string
  /** The newest, oldest first. */
  messages: MessageLife[]
}

/** Throws CUSTOMER_UNKNOWN. */
export async function messagesReport(db: Db, id: string): Promise<MessagesReport> {
  if (!(await customer(db, id)))
    throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
  return { customer: id, messages: await livesOf(db, id, SHOWN) }
}

export interface ChannelReport {
  channel: ChannelName
  provider: string | null
  ready: boolean
  /** Settings that it lacks. */
  missing: string[]
  /** Messages a second. */
  rate: number | null
  quota: { most: number; used: number; day: string } | null
  /** Of the last days. */
  sent: number
  accepted: number
  unknown: number
  failed: number
  bounced: number
  complained: number
  /** Complaints by messages sent; null where none was. */
  complaintShare: number | null
  complaints: ComplaintLevel
}

export interface ChannelsReport {
  days: number
  channels: ChannelReport[]
}

/** Every channel that a worker has said something of, or that carried a message in the last days. */
export async function channelsReport(db: Db, now: number): Promise<ChannelsReport> {
  const [lines, counts] = await Promise.all([channelLines(db), channelCounts(db, now - COMPLAINT_DAYS * DAY)])
  const names = [...new Set([...lines.map(({ name }) => name), ...counts.map(({ channel }) => channel)])].sort()
  const channels = names.map(async (channel): Promise<ChannelReport> => {
    const line = lines.find(({ name }) => name === channel)
    const {
      sent = 0,
      accepted = 0,
      unknown = 0,
      failed = 0,
      bounced = 0,
      complained = 0,
    } = counts.find((one) => one.channel === channel) ?? {}
    const share = complaintShare({ sent, complained })
    return {
      channel,
      provider: line?.provider ?? null,
      ready: line?.ready ?? false,
      missing: line?.missing ?? [],
      rate: line?.per_second ?? null,
      quota: line ? await quotaOf(db, line, now) : null,
      sent,
      accepted,
      unknown,
      failed,
      bounced,
      complained,
      complaintShare: share,
      complaints: complaintLevel(share),
    }
  })
  return { days: COMPLAINT_DAYS, channels: await Promise.all(channels) }
}

async function quotaOf(
  db: Db,
  { provider, quota, quota_zone }: ChannelLine,
  now: number,
): Promise<ChannelReport['quota']> {
  if (quota === null || quota_zone === null) return null
  const day = localDate(now, quota_zone)
  return { most: quota, used: await quotaUsed(db, provider, day), day }
}
