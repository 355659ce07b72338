/** The audiences of daily sweeps: who of the customers enters on a day, under which occasion, and at what hour of theirs. */
import type { Audience } from '../domain/audience.ts'
import { birthdayWithin, birthdaysWithin } from '../domain/birthday.ts'
import { localDate, occurrenceOf } from '../domain/calendar.ts'
import { AHEAD, TOGETHER, nextWeek } from '../domain/expiry.ts'
import { birthdayOf, customersByBirthday } from '../store/customers.ts'
import type { Db } from '../store/db.ts'
import { type ExpiringOf, customersWithCoupons, customersWithPoints } from '../store/expiring.ts'
import { dormant, silent } from './silence-audiences.ts'
import { tierEnding, tierNearMiss } from './tier-audiences.ts'

export interface AudiencePage {
  journey: string
  /** Occasions that fall in [from, to), shop time. */
  from: number
  to: number
  /** The time of day on the customer's clock, '09:30'. */
  at: string
  /** The least that is worth a run: points, coupons, or messages. */
  worth: number
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
    const { after, limit } = page
    const people = await customersByBirthday(db, { ...birthdaysWithin(page), after, limit })
    const members = people.flatMap((person) => {
      const birthday = birthdayOf(person)
      const kept = birthday && birthdayWithin(birthday, person.zone ?? page.shopZone, page.at, page)
      return kept ? [{ customer: person.id, occasion: String(kept.year), instant: kept.instant }] : []
    })
    return { walked: people.map((one) => one.id), members }
  },
  'points-expiring': async (db, page) => expiring(await customersWithPoints(db, soon(page)), page),
  'coupons-expiring': async (db, page) => expiring(await customersWithCoupons(db, soon(page)), page),
  'tier-ending': tierEnding,
  'tier-near-miss': tierNearMiss,
  dormant,
  silent,
}

const DAY = 86_400_000

/** What may matter to anybody's day in the page, whatever their zone. */
const soon = ({ journey, from, to, after, limit }: AudiencePage) => ({
  journey,
  after,
  limit,
  from,
  until: to + (AHEAD + TOGETHER + 2) * DAY,
})

/** Those with a week ahead that is worth telling of and that they were not told of yet; its first day makes it once. */
function expiring(found: readonly ExpiringOf[], page: AudiencePage): MemberPage {
  const members = found.flatMap(({ customer, zone: own, items, told }) => {
    const zone = own ?? page.shopZone
    const instant = hourWithin(page, zone)
    if (instant === undefined) return []
    const alive = items.filter(({ at }) => at > instant)
    const occasion = nextWeek(alive, zone, { today: localDate(instant, zone), told, worth: page.worth })
    return occasion === undefined ? [] : [{ customer, occasion, instant }]
  })
  return { walked: found.map((one) => one.customer), members }
}

/** The hour of the day on a clock within [from, to); none on the one day a year that has it twice before or after. */
function hourWithin({ at, from, to }: AudiencePage, zone: string): number | undefined {
  const { due, late, next } = occurrenceOf({ at: at as `${number}:${number}` }, zone, from)
  const instant = late ? next : due
  return instant !== undefined && instant < to ? instant : undefined
}
