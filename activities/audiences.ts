/** The audiences of daily sweeps: who of the customers enters on a day, under which occasion, and at what hour of theirs. */
import type { Audience } from '../domain/audience.ts'
import { birthdayWithin, birthdaysAround } from '../domain/calendar.ts'
import { customersByBirthday } from '../store/customers.ts'
import type { Db } from '../store/db.ts'
import { tierEnding, tierNearMiss } from './tier-audiences.ts'

export interface AudiencePage {
  /** Occasions that fall in [from, to), shop time. */
  from: number
  to: number
  /** The time of day on the customer's clock, '09:30'. */
  at: string
  /** Customers after this id, in the order of ids, at most `limit`. */
  after: string
  limit: number
  /** The zone of customers who did not tell theirs. */
  shopZone: string
}

/** One who enters: the occasion makes it once, `instant` is when the story begins. */
export interface Member {
  customer: string
  occasion: string
  instant: number
}

/** `walked` are all the ids looked at, in order: the page is the last where they are fewer than `limit`. */
export interface MemberPage {
  walked: string[]
  members: Member[]
}

export const MEMBERS: Record<Audience, (db: Db, page: AudiencePage) => Promise<MemberPage>> = {
  async birthday(db, page) {
    const people = await customersByBirthday(db, { days: birthdaysAround(page), after: page.after, limit: page.limit })
    const members = people.flatMap(({ id, birth_month: month, birth_day: day, zone }) => {
      if (month === null || day === null) return []
      const kept = birthdayWithin({ month, day }, zone ?? page.shopZone, page.at, page)
      return kept ? [{ customer: id, occasion: String(kept.year), instant: kept.instant }] : []
    })
    return { walked: people.map((one) => one.id), members }
  },
  'tier-ending': tierEnding,
  'tier-near-miss': tierNearMiss,
}
