/** When a campaign's day comes round: the same day of every month or year, or festivals. Pure; instants are epoch ms. */
import { type Time, dateIn, instantOn, localDate } from './calendar.ts'
import { type FestivalName, festivalOn } from './festival.ts'

/**
 * A day that a month lacks is its last, so 29 February is the 28th of a common year. `at` is on the clock of a zone: where the
 * clock jumps over it the occasion is at the time that follows, where it comes twice at the first.
 */
export type Timetable =
  | { every: 'month'; day: number; at: Time }
  | { every: 'year'; date: `${number}-${number}`; at: Time }
  | { every: 'festival'; festivals: readonly FestivalName[]; at: Time }

/** `occasion` tells one time round from another, in keys too: '2026-11-15', or '2026.mid-autumn' for festivals. */
export interface Occasion {
  occasion: string
  /** On the calendar of the zone. */
  date: string
  instant: number
}

type Day = Omit<Occasion, 'instant'>

/** The occasions of a timetable whose instants lie within [from, to), in order. */
export function occasionsWithin(
  timetable: Timetable,
  zone: string,
  { from, to }: { from: number; to: number },
): Occasion[] {
  const found: Occasion[] = []
  // Laba of a year may be one of the last days of the year before.
  const last = yearIn(to, zone) + (timetable.every === 'festival' ? 1 : 0)
  for (let year = yearIn(from, zone); year <= last; year++) {
    for (const day of daysOf(timetable, year)) {
      const instant = instantOn(day.date, timetable.at, zone)
      if (instant >= from && instant < to) found.push({ instant, ...day })
    }
  }
  return found.sort((one, other) => one.instant - other.instant)
}

const yearIn = (instant: number, zone: string): number => Number(localDate(instant, zone).slice(0, 4))

/** Asked for each zone of a shop, day by day. */
const known = new WeakMap<Timetable, Map<number, readonly Day[]>>()

function daysOf(timetable: Timetable, year: number): readonly Day[] {
  const years = known.get(timetable) ?? new Map<number, readonly Day[]>()
  const days = years.get(year) ?? daysIn(timetable, year)
  known.set(timetable, years.set(year, days))
  return days
}

/** Of festivals that meet on one day the one that stands first counts, so that a day is one occasion. */
function daysIn(timetable: Timetable, year: number): Day[] {
  if (timetable.every === 'month') {
    const months = Array.from({ length: 12 }, (_, index) => index + 1)
    return months.map((month) => dayOf(dateIn({ year, month, day: timetable.day })))
  }
  if (timetable.every === 'year') {
    const [month = 1, day = 1] = timetable.date.split('-').map(Number)
    return [dayOf(dateIn({ year, month, day }))]
  }
  const days = timetable.festivals.map((name) => ({ occasion: `${year}.${name}`, date: festivalOn(name, year) }))
  return days.filter(({ date }, index) => days.findIndex((one) => one.date === date) === index)
}

const dayOf = (date: string): Day => ({ occasion: date, date })

/** Longer than any timetable takes to come round: a festival of the moon may be 385 days after the last. */
const ROUND = 400 * 86_400_000

/**
 * Which occasion a campaign that was due at `scheduled` is for: the one that is `ahead` ms later to the ms, as a schedule has it. Else
 * an operator has chosen the time: the one whose day is not over yet, today's or the next.
 */
export function occasionDue(
  timetable: Timetable,
  zone: string,
  { scheduled, ahead }: { scheduled: number; ahead: number },
): Occasion | undefined {
  const exact = occasionsWithin(timetable, zone, { from: scheduled + ahead, to: scheduled + ahead + 1 })[0]
  if (exact) return exact
  const midnight = instantOn(localDate(scheduled, zone), '00:00', zone)
  return occasionsWithin(timetable, zone, { from: midnight, to: midnight + ROUND })[0]
}
