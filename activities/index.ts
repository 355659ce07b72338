/** All activities over one set of parts, which the composition root hands in. Types cross to the workflows, code does not. */
import type { Audience } from '../domain/audience.ts'
import type { CalendarTarget, QuietHours } from '../domain/calendar.ts'
import type { CampaignTerms } from '../domain/campaign.ts'
import type { Offer } from '../domain/coupon.ts'
import type { ChannelName } from '../domain/channel.ts'
import type { Delivery } from '../domain/delivery.ts'
import type { CapRule } from '../domain/pressure.ts'
import type { MessageClass } from '../domain/sending.ts'
import type { Routing } from '../domain/journey.ts'
import type { PointRule } from '../domain/points.ts'
import type { RewardTerms } from '../domain/referral.ts'
import type { Copy } from '../domain/template.ts'
import type { Clock } from '../domain/tempo.ts'
import type { BudgetAlert } from '../store/budget-alerts.ts'
import type { Db } from '../store/db.ts'
import type { Channel } from './channels/channel.ts'
import { consentActivities } from './consents.ts'
import { campaignActivities } from './campaigns.ts'
import { couponActivities } from './coupons.ts'
import { customerActivities } from './customers.ts'
import { expiryActivities } from './expiries.ts'
import { answering } from './failures.ts'
import { messageActivities } from './messages.ts'
import { outcomeActivities } from './outcomes.ts'
import { underPauses } from './pauses.ts'
import { pointActivities } from './points.ts'
import type { Quotas } from './quotas.ts'
import { testMailActivities } from './test-mails.ts'
import { tagActivities } from './tags.ts'
import { tierActivities } from './tiers.ts'
import { referralActivities } from './referrals.ts'
import { reviewActivities } from './reviews.ts'
import { upkeepActivities } from './upkeep.ts'
import { waitActivities } from './waits.ts'

/** What the activities need to know of a plan; everything else of it is in the workflow. */
export interface PlanFacts extends Routing {
  class: MessageClass
  topic: string
  delivery: Delivery
  copy: Record<string, Copy>
  offers: Record<string, Offer>
  points: Record<string, PointRule>
  rewards: Record<string, RewardTerms>
  /** Whether coupons, points and messages of it are paid from a budget; the store knows which. */
  budget?: unknown
  /** Present where a schedule begins it: the time of day on the customer's clock, and the least that is worth a run. */
  sweep: { audience: Audience; at: string; worth?: number } | undefined
  /** Present where it is a campaign. */
  campaign?: CampaignTerms
}

export interface Policy {
  quiet: QuietHours
  /** How often a customer is written to at most, over all journeys; all of them bind. */
  caps: readonly CapRule[]
  /** How long a message waits for a better one where the caps have one place left; ms, 0: not at all. */
  auctionMs: number
  /** At most so many held messages leave in a window, by channel. */
  release: { messages: number; windowMs: number }
  /** The zone of customers who did not tell theirs. */
  shopZone: string
  /** What a point costs a budget, minor units; 1 unless told. */
  pointCost?: number
}

export interface WordsPolicy {
  /** What customers read who told no language. */
  shopLocale?: string
  /** The postal address under every mail that can be left. */
  address?: string
  /** The only addresses that tests are sent to. */
  testRecipients?: readonly string[]
}

/** One line an effect: ids and keys, never a person's data. */
export interface EffectLine {
  effect:
    | 'send'
    | 'coupon'
    | 'award'
    | 'settle'
    | 'take-back'
    | 'grant'
    | 'enrol'
    | 'finish'
    | 'referral'
    | 'reward'
    | 'review'
    | 'task'
    | 'tag'
    | 'consent'
    | 'void'
  journey: string
  customer: string
  key: string
  result: string
  code?: string | undefined
}

export interface Parts {
  db: Db
  clock: Clock
  plans: ReadonlyMap<string, PlanFacts>
  channels: ReadonlyMap<ChannelName, Channel>
  /** The channel whose task queue this worker serves: a message for another is sent on to that. Absent: it sends whatever comes. */
  at?: ChannelName
  quotas?: Quotas
  /** Messages a second by channel, for the pages of campaigns; the queues of single messages keep to them by themselves. */
  rates?: ReadonlyMap<ChannelName, number>
  policy: Policy
  /** The public address of the unsubscribe pages, and what their links are signed with. */
  publicUrl: string
  secret: string
  /** What mails say in the shop's name; all of it may be missing. */
  words?: WordsPolicy
  drawCode: () => string
  log: (line: EffectLine) => void
  /** Told once of each threshold that a budget passed; without it they wait in the store. */
  alarm?: (alert: BudgetAlert) => void
}

/** The later of the run's own clock and the worker's, so that an effect never happens before the step that asked for it. */
export type Now = (asked: number) => number

export function createActivities(parts: Parts) {
  const now: Now = (asked) => Math.max(asked, parts.clock.now())
  const all = {
    ...messageActivities(parts, now),
    ...campaignActivities(parts, now),
    ...testMailActivities(parts, now),
    ...couponActivities(parts, now),
    ...pointActivities(parts, now),
    ...expiryActivities(parts, now),
    ...tierActivities(parts, now),
    ...referralActivities(parts, now),
    ...reviewActivities(parts, now),
    ...tagActivities(parts, now),
    ...consentActivities(parts, now),
    ...waitActivities(parts, now),
    ...customerActivities(parts, now),
    ...outcomeActivities(parts, now),
    ...upkeepActivities(parts, now),
  }
  return answering(underPauses(parts, now, all))
}

export type Activities = ReturnType<typeof createActivities>
export type { CalendarTarget }
export type { OfRest } from './pauses.ts'
export type { SendRequest, SendResult } from './messages.ts'
