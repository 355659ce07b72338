/**
 * Referral, before any database: one advocate brings one friend; nothing is paid for sharing or claiming, only for a paid order
 * of the friend that outlived its return window. Direct friends alone count. Money is in minor units, spans in ms of shop time.
 */
import type { Duration } from './duration.ts'
import type { Refusal } from './errors.ts'
import { type PointRule, paidOrderOf } from './points.ts'

/** What becomes of a rung's reward when a void leaves the advocate below the rung. */
export type OnVoid = 'claw-back' | 'freeze'

/** A reward as a plan words it: a rule of its points, or a coupon of one of its offers. */
export type RewardWords = { points: string } | { coupon: string; valid: Duration }

/** The same with the rule as it was, so that a claim keeps the terms it was made under. */
export type RewardTerms =
  { is: 'points'; rule: string; terms: PointRule } | { is: 'coupon'; offer: string; valid: string }

/** A programme as a plan words it, in its `referral`. */
export interface ProgrammeWords {
  /** The offer of the friend's coupon, which another journey issues at the claim. */
  friend: string
  /** The reward of the advocate for each friend. */
  advocate: string
  /** What the friend's first order must come to, without freight; anything unless said. */
  minimum?: number
  /** How long that order may be returned. */
  returns: Duration
  /** How long after the claim the first order counts. */
  attribution: Duration
  /** Friends who may claim one code, and how long codes are good. */
  codes: { limit: number; valid: Duration }
  /** Rewards by the number of approved friends. */
  ladder?: Record<number, string>
  /** Approved friends one advocate is rewarded for at most. */
  atMost: number
  /** claw-back unless said. */
  onVoid?: OnVoid
}

export interface Rung {
  rung: number
  reward: string
}

/** The same, read: frozen with each referral when it is claimed. */
export interface Programme {
  friend: string
  advocate: string
  minimum: number
  returns: number
  attribution: number
  codes: { limit: number; valid: number }
  /** From the lowest rung on. */
  ladder: Rung[]
  atMost: number
  onVoid: OnVoid
  /** Every reward that it names. */
  rewards: Record<string, RewardTerms>
}

/**
 * claimed: no paid order yet. pending: the first paid order counts and may be returned. held: the risk rules ask to wait.
 * in-review: a person looks. approved: paid for. denied, voided: never, or no longer.
 */
export const REFERRAL_STATUSES = ['claimed', 'pending', 'held', 'in-review', 'approved', 'denied', 'voided'] as const
export type ReferralStatus = (typeof REFERRAL_STATUSES)[number]

/** The events of a shop that say that a customer came by somebody's code, and where the code stands in each. */
const CLAIMS: Record<string, string> = { 'referral.claimed': 'code', 'customer.registered': 'referral' }

/** The code that an event claims, as it was sent; undefined where it claims none. */
export function claimedCode({
  type,
  properties,
}: {
  type: string
  properties: Record<string, unknown>
}): string | undefined {
  const property = CLAIMS[type]
  const code = property === undefined ? undefined : properties[property]
  return typeof code === 'string' && code.length <= 100 ? code : undefined
}

export interface ClaimFacts {
  now: number
  /** Whether the code's owner is the friend, or known by the same mail, phone or card. */
  self: boolean
  /** Whether the friend, or whoever has the same mail or phone, has paid for an order. */
  known: boolean
  /** Undefined where no plan has the code's programme any more. */
  programme: object | undefined
  code: { startsAt: number; endsAt: number; claims: number; limit: number }
  /** Whose friend the customer is by now, unless by this very code. */
  before: ReferralStatus | undefined
}

/** Why a code may not be claimed, or undefined where it may. Until the first order the last valid claim wins. */
export function whyNotClaim({ now, self, known, programme, code, before }: ClaimFacts): Refusal | undefined {
  if (self) return 'REFERRAL_SELF'
  if (before !== undefined && before !== 'claimed') return 'REFERRAL_STICKY'
  if (known) return 'REFERRAL_KNOWN_CUSTOMER'
  if (programme === undefined || now < code.startsAt || now >= code.endsAt) return 'REFERRAL_EXPIRED'
  return code.claims >= code.limit ? 'REFERRAL_LIMIT_REACHED' : undefined
}

type Told = Record<string, unknown>

/** What an order is worth to a programme: paid less freight less what was refunded; a refund that names no amount is of all. */
export function worthOfOrder(paid: Told, refunds: readonly Told[]): number | undefined {
  const order = paidOrderOf(paid)
  if (!order) return undefined
  const whole = Math.max(0, order.amount - order.freight)
  const back = refunds.reduce((sum, { amount }) => sum + (isMoney(amount) ? amount : order.amount), 0)
  return Math.max(0, whole - back)
}

const isMoney = (amount: unknown): amount is number => Number.isSafeInteger(amount) && Number(amount) >= 0

/** Why an order that is worth so much does not count, or no longer; undefined where it does. An order of nothing never does. */
export function whyNotWorth(worth: number, minimum: number, refunded: boolean): Refusal | undefined {
  if (worth > 0 && worth >= minimum) return undefined
  return refunded ? 'REFERRAL_REFUNDED' : 'REFERRAL_BELOW_MINIMUM'
}

/** The rungs that so many approved friends have reached. */
export const rungsReached = (ladder: readonly Rung[], approved: number): Rung[] =>
  ladder.filter(({ rung }) => rung <= approved)

/** The permanent key of a rung's reward; after a claw-back it may be reached anew, under the next number. */
export function rungKey(of: { campaign: string; advocate: string; rung: number; nth: number }): string {
  return `ladder/${of.campaign}/${of.advocate}/${of.rung}${of.nth > 1 ? `#${of.nth}` : ''}`
}
