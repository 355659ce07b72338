/** What people ask about referrals: one customer's, and the newest of all. */
import { sql } from 'kysely'
import type { Refusal } from '../domain/errors.ts'
import type { ReferralStatus } from '../domain/referral.ts'
import type { Fired, RiskOutcome } from '../domain/risk.ts'
import type { Db } from './db.ts'

export interface ReferralLine {
  friend: string
  advocate: string
  campaign: string
  code: string
  status: ReferralStatus
  reason: Refusal | null
  claimedAt: Date
  order: string | null
  returnsUntil: Date | null
  approvedAt: Date | null
  voidedAt: Date | null
  /** The newest judgement; null where there is none yet. */
  risk: { outcome: RiskOutcome; points: number; rules: Fired[] } | null
}

/** The newest referrals that a customer is the advocate or the friend of, or of all customers. */
export async function referralLines(
  db: Db,
  { customer = null, limit = 200 }: { customer?: string | null; limit?: number } = {},
): Promise<ReferralLine[]> {
  const { rows } = await sql<ReferralLine>`
    select r.friend, r.advocate, r.campaign, r.code, r.status, r.reason, r.claimed_at as "claimedAt", r."order",
      r.returns_until as "returnsUntil", r.approved_at as "approvedAt", r.voided_at as "voidedAt",
      case when j.outcome is not null then json_build_object('outcome', j.outcome, 'points', j.points, 'rules', j.rules) end as risk
    from referrals r
    left join lateral (select outcome, points, rules from risk_judgements where friend = r.friend order by id desc limit 1) j on true
    where ${customer}::text is null or r.advocate = ${customer} or r.friend = ${customer}
    order by r.claimed_at desc, r.friend limit ${limit}
  `.execute(db)
  return rows
}

export interface AdvocateCode {
  campaign: string
  code: string
  claims: number
  limit: number
  startsAt: Date
  endsAt: Date
}

/** How many friends of an advocate stand where. */
export type FriendCounts = Record<'claimed' | 'pending' | 'approved' | 'denied' | 'voided', number>

export interface RewardLine {
  key: string
  campaign: string
  /** For a friend or for a rung, never both. */
  friend: string | null
  rung: number | null
  kind: 'points' | 'coupon'
  givenAt: Date
  takenBackAt: Date | null
}

export interface CustomerReferral {
  customer: string
  codes: AdvocateCode[]
  friends: FriendCounts
  rewards: RewardLine[]
  /** How they came themselves; null where nobody brought them. */
  broughtBy: { advocate: string; code: string; status: ReferralStatus } | null
}

/** A customer as advocate and as friend. `pending` counts what is held or in review too. */
export async function referralsOfCustomer(db: Db, customer: string): Promise<CustomerReferral> {
  const { rows: codes } = await sql<AdvocateCode>`
    select campaign, code, claims, usage_limit as limit, starts_at as "startsAt", ends_at as "endsAt" from referral_codes
    where advocate = ${customer} order by campaign
  `.execute(db)
  const { rows: counts } = await sql<FriendCounts>`
    select count(*) filter (where status = 'claimed') as claimed,
      count(*) filter (where status in ('pending', 'held', 'in-review')) as pending,
      count(*) filter (where status = 'approved') as approved, count(*) filter (where status = 'denied') as denied,
      count(*) filter (where status = 'voided') as voided
    from referrals where advocate = ${customer}
  `.execute(db)
  const { rows: rewards } = await sql<RewardLine>`
    select key, campaign, friend, rung, kind, given_at as "givenAt", taken_back_at as "takenBackAt" from referral_rewards
    where advocate = ${customer} order by given_at, key limit 1000
  `.execute(db)
  const { rows: own } = await sql<NonNullable<CustomerReferral['broughtBy']>>`
    select advocate, code, status from referrals where friend = ${customer}`.execute(db)
  const none = { claimed: 0, pending: 0, approved: 0, denied: 0, voided: 0 }
  return { customer, codes, friends: counts[0] ?? none, rewards, broughtBy: own[0] ?? null }
}
