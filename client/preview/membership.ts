/** Campaigns in a preview: when the next one begins, and whether a wave's filter takes the customer in. */
import { type AudienceFacts, type AudienceFilter, satisfies } from '../../domain/audience-filter.ts'
import { dayAfter, localDate } from '../../domain/calendar.ts'
import type { CampaignTerms } from '../../domain/campaign.ts'
import { CHANNELS, type ChannelName } from '../../domain/channel.ts'
import type { Facts } from '../../domain/customer.ts'
import { PerennialError } from '../../domain/errors.ts'
import type { TakenEvent } from '../../domain/journey.ts'
import { occasionsWithin } from '../../domain/timetable.ts'
import type { VirtualCustomer } from './setting.ts'

const DAY = 86_400_000
const ROUND = 400 * DAY

/** When the first campaign begins from `from` on, and for which day; one that operators begin does at `from`. */
export function nextCampaign(
  { begins, ahead }: CampaignTerms,
  zone: string,
  from: number,
): { start: number; occasion: string } {
  const [next] = begins ? occasionsWithin(begins, zone, { from: from + ahead, to: from + ahead + ROUND }) : []
  if (next) return { start: next.instant - ahead, occasion: next.occasion }
  return { start: from, occasion: dayAfter(localDate(from, zone), Math.ceil(ahead / DAY)) }
}

/** The same where the beginning is told: its day is so many days later as the plan says. */
export function campaignFrom(
  { ahead }: CampaignTerms,
  zone: string,
  start: number,
): { start: number; occasion: string } {
  return { start, occasion: dayAfter(localDate(start, zone), Math.ceil(ahead / DAY)) }
}

export type DatedEvent = AudienceFacts['events'][number]

export const datedOf = ({ id, type, properties, at }: TakenEvent): DatedEvent => ({
  id,
  type,
  properties,
  at: Date.parse(at),
})

/** The channels that somebody has an address on. */
export const channelsOf = ({ email, reach }: Pick<VirtualCustomer, 'email' | 'reach'>): ChannelName[] =>
  CHANNELS.filter((name) => (name === 'email' ? email !== null : reach?.[name] !== undefined))

/** What is known of a member beside the facts that a story asks for. */
interface Reached {
  customer: VirtualCustomer
  consents: readonly string[]
  events: readonly DatedEvent[]
}

const NO_NAMES = new Map<string, AudienceFilter>()

/** By the rules of the domain; an audience that is only named is taken to hold the customer. */
export function isReached(
  filter: AudienceFilter,
  { zone, tags, traits, standing, tier }: Facts,
  { customer, consents, events }: Reached,
  now: number,
): boolean {
  const { locale = null } = customer
  const known = { zone, tags, traits, standing, tier: tier?.level ?? null, locale, consents, events }
  try {
    return satisfies(filter, { ...known, channels: channelsOf(customer) }, { now, named: NO_NAMES })
  } catch (error) {
    if (error instanceof PerennialError && error.code === 'AUDIENCE_UNKNOWN') return true
    throw error
  }
}
