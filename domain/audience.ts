/** Whom a daily sweep enters. What each is stands in activities/audiences.ts. */
export const AUDIENCES = ['birthday', 'points-expiring', 'coupons-expiring'] as const
export type Audience = (typeof AUDIENCES)[number]

/** What tells the runs of a swept journey apart: the year, or the first day on which something expires. */
export const occasionOfSweep = (audience: Audience): 'year' | 'date' => (audience === 'birthday' ? 'year' : 'date')
