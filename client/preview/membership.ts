/** Campaigns in a preview: when the next one begins, and whether a wave's filter takes the customer in. */
import { type AudienceFilter, satisfies } from '../../domain/audience-filter.ts'
import { dayAfter, localDate } from '../../domain/calendar.ts'
import type { CampaignTerms } from '../../domain/campaign.ts'
import { CHANNELS } from '../../domain/channel.ts'
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

/** By the rules of the domain; an audience that is only named is taken to hold the customer. */
export function isReached(
  filter: AudienceFilter,
  facts: Facts,
  {
    customer,
    consents,
    events,
    now,
  }: { customer: VirtualCustomer; consents: string[]; events: readonly TakenEvent[]; now: number },
): boolean {
  const { zone, tags, traits, standing, tier } = facts
  const known = {
    zone,
    tags,
    traits,
    standing,
    locale: customer.locale ?? null,
    tier: tier?.level ?? null,
    consents,
    channels: CHANNELS.filter((name) =>
      name === 'email' ? customer.email !== null : customer.reach?.[name] !== undefined,
    ),
    // Most filters ask for none of them.
    get events() {
      return events.map((event) => ({ ...event, at: Date.parse(event.at) }))
    },
  }
  try {
    return satisfies(filter, known, { now, named: new Map() })
  } catch (error) {
    if (error instanceof PerennialError && error.code === 'AUDIENCE_UNKNOWN') return true
    throw error
  }
}
