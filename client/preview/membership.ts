/** Campaigns in a preview: when the next one begins, and whether a wave's filter takes the customer in. */
import { type AudienceFacts, type AudienceFilter, type FilterSetting, satisfies } from '../../domain/audience-filter.ts'
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

export type DatedEvent = AudienceFacts['events'][number]

export const datedOf = ({ id, type, properties, at }: TakenEvent): DatedEvent => ({
  id,
  type,
  properties,
  at: Date.parse(at),
})

/** What is known of a member beside the facts that a story asks for. */
export interface Reached {
  readonly customer: VirtualCustomer
  readonly consents: readonly string[]
  readonly events: () => readonly DatedEvent[]
}

/** What a filter may ask of the facts of a story. */
export type FilterFacts = Pick<Facts, 'zone' | 'tags' | 'traits' | 'standing'> & { tier: { level: string } | null }

/** Most filters ask for few of them. */
class Known implements AudienceFacts {
  private readonly facts: FilterFacts
  private readonly of: Reached

  constructor(facts: FilterFacts, of: Reached) {
    this.facts = facts
    this.of = of
  }

  get zone() {
    return this.facts.zone
  }

  get tags() {
    return this.facts.tags
  }

  get traits() {
    return this.facts.traits
  }

  get standing() {
    return this.facts.standing
  }

  get tier() {
    return this.facts.tier?.level ?? null
  }

  get locale() {
    return this.of.customer.locale ?? null
  }

  get consents() {
    return this.of.consents
  }

  get channels() {
    const { email, reach } = this.of.customer
    return CHANNELS.filter((name) => (name === 'email' ? email !== null : reach?.[name] !== undefined))
  }

  get events() {
    return this.of.events()
  }
}

const NO_NAMES = new Map<string, AudienceFilter>()

/** By the rules of the domain. Throws AUDIENCE_UNKNOWN. */
export const holdsFor = (
  filter: AudienceFilter,
  of: FilterFacts & Reached,
  setting: Pick<FilterSetting, 'now' | 'named'>,
): boolean => satisfies(filter, new Known(of, of), setting)

/** The same; an audience that is only named is taken to hold the customer. */
export function isReached(filter: AudienceFilter, facts: FilterFacts, of: Reached, now: number): boolean {
  try {
    return satisfies(filter, new Known(facts, of), { now, named: NO_NAMES })
  } catch (error) {
    if (error instanceof PerennialError && error.code === 'AUDIENCE_UNKNOWN') return true
    throw error
  }
}
