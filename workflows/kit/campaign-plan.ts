/** The words a campaign is written in. Types only: what a wave does stands in activities/waves.ts. */
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import type { Time } from '../../domain/calendar.ts'
import type { LateWave, WaveCounts } from '../../domain/campaign.ts'
import type { Duration } from '../../domain/duration.ts'
import type { Timetable } from '../../domain/timetable.ts'
import type { Plan } from './plan.ts'

/** What a campaign's plan says as a journey's does. */
type Said<M extends string, O extends string> = Pick<
  Plan<M, O, never, never>,
  | 'title'
  | 'goal'
  | 'exit'
  | 'holdout'
  | 'class'
  | 'topic'
  | 'purpose'
  | 'priority'
  | 'channels'
  | 'tags'
  | 'evidence'
  | 'messages'
  | 'copy'
  | 'offers'
  | 'budget'
  | 'off'
  | 'schedule'
>

export interface CampaignPlan<M extends string = string, O extends string = string> extends Said<M, O> {
  /** When its day comes round; absent: operators start it. */
  begins?: Timetable
  /** How long before the day its first wave goes. */
  ahead?: Duration
  /** Whom it is for: everybody, an audience by its name, or a filter. */
  audience: 'everybody' | (string & {}) | AudienceFilter
  /** At most so many of its messages in each span, over all zones. */
  rate?: { messages: number; every: Duration }
  /** The hours on the zone's clock in which its messages go; narrower than the quiet hours where both are said. */
  hours?: { from: Time; to: Time }
}

/** One wave; days are counted from the day of the occasion. */
export interface WaveWords<M extends string, O extends string> {
  days: number
  at: Time
  /** Of the audience only these. */
  to?: AudienceFilter
  send: M
  /** One coupon each, while there are some; who gets none is sent `otherwise`. */
  coupon?: { offer: O; valid: Duration; otherwise?: M }
  /** Where its hour has passed: `now` goes all the same, `skip` leaves it out; unless said it goes within its own day. */
  late?: LateWave
}

export interface CampaignKit<M extends string, O extends string> {
  /** One message to a whole audience, at its hour; answers what became of it once nothing of it is held any more. */
  wave(name: string, words: WaveWords<M, O>): Promise<WaveCounts>
}

export type CampaignStory<M extends string, O extends string> = (steps: CampaignKit<M, O>) => Promise<void>

/** What a campaign file exports. */
export interface Campaign {
  readonly plan: CampaignPlan
  readonly waves: CampaignStory<string, string>
}
