/** Whom a daily sweep enters. What each is stands in activities/audiences.ts. */
export const AUDIENCES = ['birthday', 'tier-ending', 'tier-near-miss'] as const
export type Audience = (typeof AUDIENCES)[number]

/** What each enters a customer once for, in words; its occasion is a year where that is it. */
export const ONCE_A: Record<Audience, string> = {
  birthday: 'year',
  'tier-ending': 'term of a level',
  'tier-near-miss': 'year and level',
}

export const isYearly = (audience: Audience): boolean => ONCE_A[audience] === 'year'
