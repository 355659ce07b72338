/** The words a journey is written in. Types only: what each does stands in steps.ts. */
import type { Audience } from '../../domain/audience.ts'
import type { CalendarTarget } from '../../domain/calendar.ts'
import type { ChannelName } from '../../domain/channel.ts'
import type { Coupon, Offer } from '../../domain/coupon.ts'
import type { Facts } from '../../domain/customer.ts'
import type { MessageDelivery } from '../../domain/delivery.ts'
import type { CalendarDays, Duration } from '../../domain/duration.ts'
import type { Refusal } from '../../domain/errors.ts'
import type { EndPattern, EventPattern, Properties, TakenEvent } from '../../domain/journey.ts'
import type { PointRule, Unit } from '../../domain/points.ts'
import type { MessageClass } from '../../domain/sending.ts'
import type { CopyDraft } from '../../domain/template.ts'

/** An event, or a day of the calendar: a daily sweep enters those whose day it is, at `at` on their own clock. */
export type Begins = EventPattern | { every: 'day'; at: `${number}:${number}`; audience: Audience }

export interface Plan<M extends string = string, O extends string = string, P extends string = string> {
  /** What people call it. */
  title: string
  /** Absent: operators start it by hand. */
  begins?: Begins
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
  /** The words of each message in Liquid, and under `locales` in other languages. */
  copy: Record<M, CopyDraft>
  /** The offers coupons are issued from, as they are at first; operators steer them afterwards. */
  offers?: Record<O, Offer>
  /** The rules by which points are awarded. */
  points?: Record<P, PointRule>
}

export type SendOutcome = { is: 'sent' | 'accepted' } | { is: 'skipped' | 'failed' | 'unknown'; code: Refusal }

/** A coupon, or why there is none. Words that name a coupon that was refused are skipped, so a story need not ask. */
export type IssueOutcome = ({ issued: true } & Coupon) | { issued: false; refused: Refusal }

/** What was awarded, bonuses included, or why nothing was. */
export type AwardOutcome =
  { awarded: true; unit: Unit; amount: number; pending: boolean } | { awarded: false; refused: Refusal }

type Arm = () => unknown

export interface Kit<M extends string, O extends string, P extends string = string> {
  /** Elapsed time ('2 days' is 48 hours), or calendar days to a time on the customer's clock. */
  wait(time: Duration | CalendarDays): Promise<void>
  /**
   * Until a date, weekday or time on the customer's clock; true when it was reached. Where it has passed: `now` goes on at once,
   * `next` takes the next one (a date has none: goes on), `skip` goes on and answers false, `exit` leaves the journey.
   */
  waitUntil(target: CalendarTarget, policy?: { late: 'now' | 'next' | 'skip' | 'exit' }): Promise<boolean>
  /**
   * The event, or undefined when the time is over. An event that came since the run began and that no earlier wait took counts
   * at once. `match` names properties that must be equal; an event of type `restart` begins the time anew.
   */
  waitForEvent(
    type: string,
    options: { within: Duration; match?: Properties; restart?: string },
  ): Promise<TakenEvent | undefined>
  /** One message through the gate. A refusal is a value and never ends the journey. */
  send(message: M, data?: Record<string, unknown>): Promise<SendOutcome>
  /** One coupon, once. */
  issueCoupon(offer: O, options: { valid: Duration }): Promise<IssueOutcome>
  /** What a rule comes to, once: by a fixed amount, or by what was paid for the order that began the run. */
  awardPoints(rule: P): Promise<AwardOutcome>
  /** Makes what the run has pending the customer's own; answers what of the run is settled by now. */
  settlePoints(): Promise<{ points: number; growth: number }>
  /** Takes back what the run awarded: pending points are void, settled ones go by their rule. */
  takeBackPoints(): Promise<{ points: number; growth: number }>
  /** Goes one of the ways, always the same for one customer; answers which. Weights are equal unless said. */
  split<A extends string>(name: string, arms: Record<A, Arm>, weights?: Record<A, number>): Promise<A>
  /** The customer's facts as they are now. */
  customer(): Promise<Facts>
}

export type Story<M extends string, O extends string, P extends string = string> = (
  steps: Kit<M, O, P>,
) => Promise<void>

/** What is put right when the goal or an exit ended the run: only what takes back, as the customer gets nothing more. */
export type CleanUp = (steps: Pick<Kit<string, string, string>, 'takeBackPoints'>) => Promise<void>

/** What a journey file exports. */
export interface Journey {
  readonly plan: Plan
  readonly story: Story<string, string, string>
  readonly cleanUp?: CleanUp
}
