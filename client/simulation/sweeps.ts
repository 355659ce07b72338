/** Whom the daily sweeps enter: activities/audiences.ts over a population in memory. A new audience is a line of this table. */
import { type Audience, SILENT_DAYS } from '../../domain/audience.ts'
import { birthdayWithin, birthdaysWithin } from '../../domain/birthday.ts'
import { afterDays, dayAfter, daysBetween, instantOn, localDate, occurrenceOf } from '../../domain/calendar.ts'
import { OWN_EVENTS } from '../../domain/own-events.ts'
import { AHEAD, type ExpiryKind, TOGETHER, nextWeek } from '../../domain/expiry.ts'
import { type Person, birthdayNumber } from './person.ts'
import type { PopulationShop } from './shop.ts'

export interface SweepWindow {
  journey: string
  at: string
  worth: number
  /** Occasions in [from, to), epoch ms. */
  from: number
  to: number
}

export interface Swept {
  person: Person
  occasion: string
  /** When the story begins. */
  instant: number
}

type Sweep = (shop: PopulationShop, window: SweepWindow) => Iterable<Swept>

export const SWEEPS: Partial<Record<Audience, Sweep>> = {
  *birthday(shop, window) {
    const { solar, lunar } = birthdaysWithin(window)
    const byMoon = lunar.map((one) => ({ ...one, calendar: 'lunar' as const }))
    const days = new Set([...solar, ...byMoon].map(birthdayNumber))
    for (const person of shop.rolls.bornOn(days)) {
      const { birthday } = person.customer
      const kept = birthday && birthdayWithin(birthday, person.zone, window.at, window)
      if (kept) yield { person, occasion: String(kept.year), instant: kept.instant }
    }
  },
  'points-expiring': (shop, window) => expiring(shop, window, 'points'),
  'coupons-expiring': (shop, window) => expiring(shop, window, 'coupons'),
  *'tier-ending'(shop, window) {
    const hours = byZone((zone) => hourOf(window, zone))
    for (const person of shop.rolls.climbers) {
      const due = person.tier.dueAt
      if (due === undefined || due > window.to + (TIER_AHEAD + 14) * DAY) continue
      const [end, instant] = [person.tier.endingAt(), hours(person.zone)]
      const last = (end ?? 0) - 1
      if (end === undefined || end <= window.from || instant === undefined || instant > last) continue
      if (daysBetween(instant, last, person.zone) > TIER_AHEAD) continue
      yield { person, occasion: `${person.tier.now.id}.${localDate(last, person.zone)}`, instant }
    }
  },
  *dormant(shop, window) {
    const hours = byZone((zone) => hourOf(window, zone))
    for (const person of shop.standings.dormant) {
      const last = shop.standings.lastPaidOf(person)
      if (last === undefined) continue
      const occasion = localDate(last, shop.rules.shopZone)
      const instant = hours(person.zone)
      if (instant !== undefined && !wasIn(person, window, occasion)) yield { person, occasion, instant }
    }
  },
  *silent(shop, window) {
    const hours = byZone((zone) => hourOf(window, zone))
    const since = window.from - SILENT_DAYS * DAY
    if (since < shop.opened) return
    for (const person of shop.people.values()) {
      // Too few messages in all are too few of late.
      if (person.joined > since || person.load.past.length < window.worth) continue
      const last = person.events.findLast(({ type }) => !OWN_EVENTS.includes(type))
      const at = last ? Date.parse(last.at) : person.joined
      if (at > since) continue
      const written = person.load.past.filter((one) => one.class === 'marketing' && one.at > since)
      if (written.length < window.worth) continue
      const occasion = localDate(at, shop.rules.shopZone)
      const instant = hours(person.zone)
      if (instant !== undefined && !wasIn(person, window, occasion)) yield { person, occasion, instant }
    }
  },
  *'tier-near-miss'(shop, window) {
    const hours = byZone((zone) => hourOf(window, zone))
    for (const person of shop.rolls.climbers) {
      const next = person.tier.next
      // All that there is, counted or not, is cheap to ask and nearly always too little.
      if (!next || person.lots.allGrowth * 100 < next.from * shop.rules.programme.nearMiss.from) continue
      const instant = hours(person.zone)
      if (instant === undefined) continue
      const occasion = `${next.id}.${localDate(instant, person.zone).slice(0, 4)}`
      if (!wasIn(person, window, occasion) && person.tier.isNearAt(instant)) yield { person, occasion, instant }
    }
  },
}

const DAY = 86_400_000
/** How many days before the last day of a term somebody is told first. */
const TIER_AHEAD = 30
/** What may matter to anybody's day, whatever their zone. */
const SOON = (AHEAD + TOGETHER + 2) * DAY

/** Those of whom something may expire soon that they were not told of. */
const MAY_LOSE: Record<ExpiryKind, (shop: PopulationShop, window: SweepWindow) => Iterable<Person>> = {
  *points({ rolls, people }, { to }) {
    if (rolls.points.soonest > to + SOON) return
    for (const person of people.values()) if (person.lots.soonest <= to + SOON) yield person
  },
  *coupons({ rolls: { holders } }, { from, journey }) {
    for (const person of holders) {
      const told = lastOccasion(person, journey)
      // The last of them is over, or of a week that was told of.
      const isOver = person.lastCoupon <= from
      if (isOver || (told !== null && localDate(person.lastCoupon - 1, person.zone) < dayAfter(told, TOGETHER))) {
        // Until there is another one.
        holders.delete(person)
      } else yield person
    }
  },
}

function* expiring(shop: PopulationShop, window: SweepWindow, kind: ExpiryKind): Generator<Swept> {
  const hours = byZone((zone) => nextHourOf(window, zone))
  for (const person of MAY_LOSE[kind](shop, window)) {
    const { zone } = person
    const soon = shop.perishables(person, kind).filter(({ at }) => at < window.to + SOON)
    const instant = soon.length > 0 ? hours(zone) : undefined
    if (instant === undefined) continue
    const [today, told] = [localDate(instant, zone), lastOccasion(person, window.journey)]
    const alive = soon.filter(({ at }) => at > instant)
    const occasion = nextWeek(alive, zone, { today, told, worth: window.worth })
    if (occasion !== undefined) yield { person, occasion, instant }
  }
}

const wasIn = (person: Person, { journey }: SweepWindow, occasion: string): boolean =>
  person.runs.get(journey)?.some((run) => run.occasion === occasion) ?? false

function lastOccasion({ runs }: Person, journey: string): string | null {
  let last: string | null = null
  for (const { occasion } of runs.get(journey) ?? [])
    if (last === null || (occasion ?? '') > last) last = occasion ?? ''
  return last
}

/** A birthday that is told when its sweep has gone, on the eve or on the day itself: store/occasions.ts. */
export function lateBirthday(person: Person, at: string, now: number): Swept | undefined {
  const { customer, zone } = person
  const window = { from: instantOn(localDate(now, zone), '00:00', zone), to: (Math.floor(now / DAY) + 1) * DAY }
  const kept = customer.birthday && birthdayWithin(customer.birthday, zone, at, window)
  return kept ? { person, occasion: String(kept.year), instant: kept.instant } : undefined
}

/** What is the same for everybody in a zone, reckoned once. */
function byZone<T>(reckon: (zone: string) => T): (zone: string) => T {
  const known = new Map<string, T>()
  return (zone) => {
    const before = known.get(zone)
    if (before !== undefined || known.has(zone)) return before as T
    const reckoned = reckon(zone)
    known.set(zone, reckoned)
    return reckoned
  }
}

const timeOf = (at: string) => at as `${number}:${number}`

/** The time of day on a clock within the window; undefined where a clock change leaves it out. */
function hourOf({ from, to, at }: SweepWindow, zone: string): number | undefined {
  return [0, 1].map((days) => afterDays(from, { days, at: timeOf(at) }, zone)).find((one) => one >= from && one < to)
}

function nextHourOf({ from, to, at }: SweepWindow, zone: string): number | undefined {
  const { due, late, next } = occurrenceOf({ at: timeOf(at) }, zone, from)
  const instant = late ? next : due
  return instant !== undefined && instant < to ? instant : undefined
}
