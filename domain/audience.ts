/** Whom a daily sweep enters. What each is stands in activities/audiences.ts. */
export const AUDIENCES = [
  'birthday',
  'points-expiring',
  'coupons-expiring',
  'tier-ending',
  'tier-near-miss',
  'dormant',
  'silent',
] as const
export type Audience = (typeof AUDIENCES)[number]

/** What each enters a customer once for, in words; its occasion is a year where that is it. */
export const ONCE_A: Record<Audience, string> = {
  birthday: 'year',
  'points-expiring': 'week of what expires',
  'coupons-expiring': 'week of what expires',
  'tier-ending': 'term of a level',
  'tier-near-miss': 'year and level',
  dormant: 'dormancy',
  silent: 'silence',
}

export const isYearly = (audience: Audience): boolean => ONCE_A[audience] === 'year'

/** Whether the occasion is the first day on which something expires: '2027-01-05'. */
export const isDated = (audience: Audience): boolean =>
  audience === 'points-expiring' || audience === 'coupons-expiring'

/** Whether the occasion is the last day on which the customer did something: '2026-09-01'. */
export const isSilence = (audience: Audience): boolean => audience === 'dormant' || audience === 'silent'

/** How long somebody does nothing who is silent, days. */
export const SILENT_DAYS = 180

/** The least that is worth a run where the plan does not say: something that expires; of silence so many messages. */
export const leastWorth = (audience: Audience): number => (audience === 'silent' ? 10 : 1)
