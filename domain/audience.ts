/** Whom a daily sweep enters. What each is stands in activities/audiences.ts. */
export const AUDIENCES = ['birthday'] as const
export type Audience = (typeof AUDIENCES)[number]
