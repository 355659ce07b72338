/** The words a journey is written in. Types only: what each does stands in steps.ts. */
import type { Audience } from '../../domain/audience.ts'
import type { BudgetWords } from '../../domain/budget.ts'
import type { CalendarTarget } from '../../domain/calendar.ts'
import type { ChannelName } from '../../domain/channel.ts'
import type { Coupon, Offer } from '../../domain/coupon.ts'
import type { Facts } from '../../domain/customer.ts'
import type { MessageDelivery } from '../../domain/delivery.ts'
import type { CalendarDays, Duration } from '../../domain/duration.ts'
import type { Refusal } from '../../domain/errors.ts'
import type { ExpiringNews, ExpiryKind } from '../../domain/expiry.ts'
import type { EndPattern, EventPattern, Properties, TakenEvent } from '../../domain/journey.ts'
import type { PointRule, Unit } from '../../domain/points.ts'
import type { ProgrammeWords, RewardWords } from '../../domain/referral.ts'
import type { Judgement } from '../../domain/risk.ts'
import type { Overlap } from '../../domain/schedule.ts'
import type { MessageClass } from '../../domain/sending.ts'
import type { LevelBenefits } from '../../domain/tier.ts'
import type { CopyDraft, Letters } from '../../domain/template.ts'

/** An event, or a day of the calendar: a daily sweep enters those whose day it is, at `at` on their own clock. */
export type Begins =
  | EventPattern
  | {
      every: 'day'
      at: `${number}:${number}`
      audience: Audience
      /** The least that is worth a run: of what expires so many points or coupons, 1 unless said; of silence so many messages, 10. */
      worth?: number
    }

/** How the schedule of a plan keeps its times; what is not said is as docs/journeys.md has it. */
export interface ScheduleWords {
  /** Runs begin up to so much later, each schedule by a share of its own. */
  jitter?: Duration
  /** When it is time again and the last run is still on. */
  overlap?: Overlap
  /** Runs that an outage left out are made up for as far back as this. */
  catchUp?: Duration
}

export interface Plan<
  M extends string = string,
  O extends string = string,
  P extends string = string,
  R extends string = string,
> {
  /** What people call it. */
  title: string
  /** Absent: operators start it by hand. */
  begins?: Begins
  /** Where a schedule begins it. */
  schedule?: ScheduleWords
  /** What it is for. Reached, it counts a conversion and ends the run, in the middle of a wait too. */
  goal?: EndPattern & { within?: Duration }
  /** Ends the run without counting; with `sameOccasion` only the run of the cart or order that the event names. */
  exit?: EndPattern | EndPattern[]
  /** Percent of customers who get nothing, so that lift can be measured. 0 to 50; 0 unless said. */
  holdout?: number
  /** A property of the beginning event that makes runs distinct: 'cart', 'order'. */
  occasion?: string
  /** Whether one may come again. Unless said: never, or once an occasion. */
  reentry?: { when: 'never' | 'after-exit' | 'any'; gap?: Duration; atMost?: number }
  /** marketing unless said. */
  class?: MessageClass
  /** What the customer agreed to get; 'marketing' unless said. */
  topic?: string
  /** What consent is needed for beside messages at all, e.g. 'profiling'. */
  purpose?: string
  /** Of two journeys that want the last place the frequency caps have, the higher goes. 0 unless said. */
  priority?: number
  /** The channels of its messages, the one the plan would rather use first; the customer's favourites go before. E-mail unless said. */
  channels?: ChannelName[]
  /** What its messages count as in the frequency caps: 'promotion'. */
  tags?: string[]
  /** Terms of the wording check for which the shop holds proof. */
  evidence?: string[]
  /** Where a message differs from the plan. */
  messages?: Partial<Record<NoInfer<M>, MessageDelivery>>
  /** The words of each message in Liquid: letters by language, `{ en: 'Subject\n\nText' }`, or field by field. */
  copy: Record<M, Letters | CopyDraft>
  /** The offers coupons are issued from, as they are at first; operators steer them afterwards. */
  offers?: Record<O, Offer>
  /** The rules by which points are awarded. */
  points?: Record<P, PointRule>
  /** The money its coupons and points are paid from; without one they are limited by quotas alone. */
  budget?: BudgetWords
  /** Nobody enters until an operator has switched it on: `perennial switch <journey> on`. */
  off?: true
  /** What `reward` gives, by name: a rule of the points or an offer of this plan. */
  rewards?: Record<R, RewardWords>
  /** The journey of an older shape whose runs may go on as runs of this one: `perennial migrate`. */
  takes?: string
  /** A referral programme. Its runs begin with `referral.qualified`, and their occasion is the friend. */
  referral?: ProgrammeWords
}

export type SendOutcome = { is: 'sent' | 'accepted' } | { is: 'skipped' | 'failed' | 'unknown'; code: Refusal }

/** A coupon, or why there is none. Words that name a coupon that was refused are skipped, so a story need not ask. */
export type IssueOutcome = ({ issued: true } & Coupon) | { issued: false; refused: Refusal }

/** What was awarded, bonuses included, or why nothing was. */
export type AwardOutcome =
  { awarded: true; unit: Unit; amount: number; pending: boolean } | { awarded: false; refused: Refusal }

/**
 * A level that was reached: what it gives at the till, and what of its gift was given. Where a part of the gift was refused, or it
 * has none, `coupon` is null and `points` 0.
 */
export type GrantOutcome =
  | ({
      granted: true
      level: string
      title: string
      coupon: Coupon | null
      points: number
      refused: { coupon?: Refusal; points?: Refusal }
    } & LevelBenefits)
  | { granted: false; refused: Refusal }
/** The customer's code to share, or why there is none. `ends` is a date: '2027-11-23'. */
export type CodeOutcome = { given: true; code: string; ends: string } | { given: false; refused: Refusal }

/** What was given: points of a unit or a coupon; or why nothing was. */
export type RewardOutcome =
  | ({ given: true; points?: { unit: string; amount: number }; coupon?: Coupon } & object)
  | { given: false; refused: Refusal }

/** The number of approved friends by now, or why this one is not. */
export type ApproveOutcome = { approved: true; friends: number } | { approved: false; refused: Refusal }

/** Who decided, and why; `by` is 'deadline' where nobody did. */
export interface ReviewOutcome {
  decision: 'approve' | 'deny'
  by: string
  reason: string
}

/** Whether it was done, by whom, and what they noted; `by` is 'deadline' where nobody said anything in time. */
export interface TaskOutcome {
  done: boolean
  by: string
  note: string
}

/** Whether the next message may carry `links.confirm`, or why not. */
export type AskConsentOutcome = { asked: true } | { asked: false; refused: Refusal }

type Arm = () => unknown

/** What an event must hold; what is undefined is not asked. */
export type Match = Record<string, Properties[string] | undefined>

export interface Kit<M extends string, O extends string, P extends string = string, R extends string = string> {
  /** Elapsed time ('2 days' is 48 hours), or calendar days to a time on the customer's clock. */
  wait(time: Duration | CalendarDays): Promise<void>
  /**
   * Until a date, weekday, festival or time on the customer's clock, or an instant; true when it was reached. Where it has passed: `now` goes on at once,
   * `next` takes the next one (a date has none: goes on), `skip` goes on and answers false, `exit` leaves the journey.
   */
  waitUntil(target: CalendarTarget, policy?: { late: 'now' | 'next' | 'skip' | 'exit' }): Promise<boolean>
  /**
   * The event, or undefined when the time is over. An event that came since the run began and that no earlier wait took counts
   * at once. `match` is what the event must hold, lists included; an event of the types `restart` that holds it begins the time anew.
   */
  waitForEvent(
    type: string,
    options: { within: Duration; match?: Match; restart?: string | string[] },
  ): Promise<TakenEvent | undefined>
  /** The properties of the event that began the run; `{}` where a sweep or an operator did. */
  beginning(): Promise<Properties>
  /** The newest event of these types that the run has heard, that which began it with them. `match` is what it must hold. */
  newest(type: string | string[], options?: { match?: Match }): Promise<TakenEvent | undefined>
  /**
   * One message through the gate. A refusal is a value and never ends the journey. News that would be sent after `until`, or later
   * than `within` after the plan meant it, is skipped.
   */
  send(
    message: M,
    data?: Record<string, unknown>,
    news?: { until: string } | { within: Duration },
  ): Promise<SendOutcome>
  /**
   * Waits for the day so many days before the first of what expires in the run's week, at the hour of the sweep, and answers what
   * is there then, all of it together. Undefined where that day is past, or nothing is left that is worth a message.
   */
  expiring(kind: ExpiryKind, options: { daysBefore: number }): Promise<ExpiringNews | undefined>
  /** One coupon, once; with `pack` of the offer that the customer's level has for the day, where it has one. */
  issueCoupon(offer: O, options: { valid: Duration; pack?: 'birthday' }): Promise<IssueOutcome>
  /** What a rule comes to, once: by a fixed amount, or by what was paid for the order that began the run. */
  awardPoints(rule: P): Promise<AwardOutcome>
  /** Makes what the run has pending the customer's own; answers what of the run is settled by now. */
  settlePoints(): Promise<{ points: number; growth: number }>
  /** Takes back what the run awarded: pending points are void, settled ones go by their rule. */
  takeBackPoints(): Promise<{ points: number; growth: number }>
  /** The gift of the level that was reached, once a member, period and level, in a journey that begins with tier.upgraded. */
  grantTierBenefits(): Promise<GrantOutcome>
  /** One of the plan's rewards, once. Of a referral: as it was when the friend claimed, and only once it is approved. */
  reward(name: R): Promise<RewardOutcome>
  /** A person decides, by `perennial review` or over HTTP; where nobody does within the time, `otherwise` holds. */
  review(topic: string, options: { within: Duration; otherwise: ReviewOutcome['decision'] }): Promise<ReviewOutcome>
  /**
   * A person does something, e.g. the customer's adviser: they see it in `perennial tasks` and say `perennial task done`, or cannot. At
   * the deadline the story goes on without it. Working days are those of the shop's calendar.
   */
  task(name: string, options: { within: Duration | { workingDays: number }; note?: string }): Promise<TaskOutcome>
  /** Tags the customer, until it is taken off or as long as it lasts. The shop's own tags are apart and never touched. */
  tag(name: string, options?: { lasts: Duration }): Promise<void>
  /** Takes off a tag that a journey gave. */
  untag(name: string): Promise<void>
  /** Withdraws consent to the plan's topic over every channel, with the run and the reason ('silence') as its proof. */
  unsubscribe(reason: string): Promise<void>
  /**
   * Makes e-mail consent pending that a journey withdrew, so that `links.confirm` in the next message gives it back; of the plan's topic
   * unless said. Refused where it is given (CONSENT_GIVEN), and where the customer never agreed or said no themselves (NO_CONSENT).
   */
  askConsent(topic?: string): Promise<AskConsentOutcome>
  /** The customer's own code to share in a programme, made at the first asking. `programme` is the journey that has it. */
  referralCode(programme: string): Promise<CodeOutcome>
  /** Rests until the order of the run's referral can no longer be returned. */
  returnsOver(): Promise<void>
  /** What the risk rules say of the run's referral, with the ids of those that fired. */
  judge(): Promise<Judgement>
  /** Approves the run's referral where the rules or a reviewer allow it; else it is denied by this. */
  approve(): Promise<ApproveOutcome>
  /** Gives what the ladder has for the approved friends by now and has not given; answers the rungs, the lowest first. */
  climb(): Promise<number[]>
  /** Goes one of the ways, always the same for one customer; answers which. Weights are equal unless said. */
  split<A extends string>(name: string, arms: Record<A, Arm>, weights?: Record<A, number>): Promise<A>
  /** The customer's facts as they are now. */
  customer(): Promise<Facts>
}

export type Story<M extends string, O extends string, P extends string = string, R extends string = string> = (
  steps: Kit<M, O, P, R>,
) => Promise<void>

/** What is put right when the goal or an exit ended the run: only what takes back, as the customer gets nothing more. */
export type CleanUp = (
  steps: Pick<Kit<string, string, string>, 'takeBackPoints'> & {
    /** Takes back what a void referral was rewarded with: points by their rule, coupons that are not used, rungs by the policy. */
    takeBackRewards(): Promise<{ rewards: number; used: number }>
    /** Takes back the run's coupons that nobody has used, and frees what the budget held for them. */
    voidCoupons(): Promise<{ coupons: number; used: number }>
    /** Takes off a tag that a journey gave. */
    untag(name: string): Promise<void>
  },
) => Promise<unknown>

/** What a journey file exports. */
export interface Journey {
  readonly plan: Plan
  readonly story: Story<string, string, string>
  readonly cleanUp?: CleanUp
}
