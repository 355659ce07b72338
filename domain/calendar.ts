/**
 * The only place that knows zones, weekdays, daylight saving and 29 February. Pure: the instant is handed in. It stands on
 * temporal-polyfill, so the kit may not import it (a workflow asks a local activity instead: a newer zone table would break
 * replay). Where the clock jumps over a time, the time moves forward; where it comes twice, the first counts.
 */
import { Temporal } from 'temporal-polyfill'
import { type CalendarDays, type Duration, milliseconds } from './duration.ts'
import { PerennialError } from './errors.ts'
import { type FestivalName, festivalOn } from './festival.ts'
import { type Span, ZoneClock, dateOfDay, dayOfDate } from './zone-clock.ts'

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/** A time on a clock: '09:30'. */
export type Time = `${number}:${number}`

/**
 * A time on the customer's clock: the next time of day, weekday or festival (of several the first), or a date ('2027-02-06'; `at`
 * defaults to '09:00'). An instant with its zone ('2026-11-11T20:00:00+08:00') is the same for everybody, and so are spans before
 * and after it.
 */
export type CalendarTarget =
  | { at: Time }
  | { weekday: (typeof WEEKDAYS)[number]; at?: Time }
  | { festival: FestivalName | readonly FestivalName[]; at?: Time }
  | { date: `${number}-${number}-${number}`; at?: Time }
  | { instant: string; before?: Duration; after?: Duration }

/** Wall-clock hours in which nothing but transactional messages goes out, in minutes from midnight; may span midnight. */
export interface QuietHours {
  from: number
  to: number
}

const DEFAULT_TIME = '09:00'

export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return true
  } catch {
    return false
  }
}

/** Minutes from midnight of '09:30'. Throws TIME_MALFORMED. */
export function minuteOfDay(time: string): number {
  const known = minutes.get(time)
  if (known !== undefined) return known
  const minute = minuteRead(time)
  minutes.set(time, minute)
  return minute
}

/** There are no more of them than minutes of a day, twice. */
const minutes = new Map<string, number>()

function minuteRead(time: string): number {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(time) ?? []
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) {
    throw new PerennialError('TIME_MALFORMED', `'${time}' is not a time of day`, { expected: "'09:30'" })
  }
  return Number(hour) * 60 + Number(minute)
}

function local(instant: number, zone: string): Temporal.ZonedDateTime {
  try {
    return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone)
  } catch (cause) {
    throw new PerennialError('TIME_MALFORMED', `'${zone}' is not a time zone`, { expected: "'Asia/Shanghai'", cause })
  }
}

const clocks = new Map<string, ZoneClock>()
const CLOCKS_MOST = 2_000

/** Made once a zone: what it costs to ask the calendar is paid for each change of its clock and not for each question. */
function clockOf(zone: string): ZoneClock {
  const known = clocks.get(zone)
  if (known) return known
  const clock = new ZoneClock((instant) => spanOf(local(instant, zone)))
  clock.at(0)
  if (clocks.size >= CLOCKS_MOST) clocks.clear()
  clocks.set(zone, clock)
  return clock
}

function spanOf(here: Temporal.ZonedDateTime): Span {
  // A change is the first instant of what follows, so what is before the next instant may be this very one.
  const from = here.add({ milliseconds: 1 }).getTimeZoneTransition('previous')
  const to = here.getTimeZoneTransition('next')
  return {
    from: from?.epochMilliseconds ?? -Infinity,
    to: to?.epochMilliseconds ?? Infinity,
    offset: here.offsetNanoseconds / 1e6,
  }
}

const MINUTE = 60_000
const DAY = 86_400_000

/** The instant of a minute of a day since 1970-01-01 on the clock of a zone. */
function instantOfDay(day: number, minute: number, zone: string): number {
  return (
    clockOf(zone).instantOf({ day, ms: minute * MINUTE }) ??
    instantOf(Temporal.PlainDate.from(dateOfDay(day)), minute, zone)
  )
}

function instantOf(date: Temporal.PlainDate, minute: number, zone: string): number {
  return date.toZonedDateTime({
    timeZone: zone,
    plainTime: new Temporal.PlainTime(Math.floor(minute / 60), minute % 60),
  }).epochMilliseconds
}

/** The first instant from `instant` on at which messages may go: `instant` itself outside the quiet hours. */
export function opensAt(quiet: QuietHours, zone: string, instant: number): number {
  const { day, ms } = clockOf(zone).at(instant)
  const minute = Math.floor(ms / MINUTE)
  const spans = quiet.from > quiet.to
  const inside = spans ? minute >= quiet.from || minute < quiet.to : minute >= quiet.from && minute < quiet.to
  if (!inside) return instant
  const tomorrow = spans && minute >= quiet.from
  // Where the clock was set back over their end, they ended the first time.
  return Math.max(instant, instantOfDay(day + (tomorrow ? 1 : 0), quiet.to, zone))
}

/** The instant `days` calendar days after `from`, at a time on the clock of `zone`. */
export function afterDays(from: number, wait: CalendarDays, zone: string): number {
  return instantOfDay(clockOf(zone).at(from).day + wait.days, minuteOfDay(wait.at), zone)
}

/** When a target falls due, whether that has passed at `now`, and when it comes next (undefined for a date and an instant). */
export function occurrenceOf(
  target: CalendarTarget,
  zone: string,
  now: number,
): { due: number; late: boolean; next: number | undefined } {
  if ('instant' in target) {
    const [before, after] = [target.before, target.after].map((span) => (span === undefined ? 0 : milliseconds(span)))
    const due = instantRead(target.instant) - (before ?? 0) + (after ?? 0)
    return { due, late: due < now, next: undefined }
  }
  const minute = minuteOfDay(target.at ?? DEFAULT_TIME)
  if ('festival' in target) {
    const [due = Infinity, next] = festivalsFrom(target.festival, local(now, zone).toPlainDate()).map((date) =>
      instantOf(date, minute, zone),
    )
    return { due, late: due < now, next }
  }
  if ('date' in target) {
    const due = instantOf(plainDate(target.date), minute, zone)
    return { due, late: due < now, next: undefined }
  }
  const today = clockOf(zone).at(now).day
  const ahead = 'weekday' in target ? (WEEKDAYS.indexOf(target.weekday) - weekdayOf(today) + 7) % 7 : 0
  const due = instantOfDay(today + ahead, minute, zone)
  const next = instantOfDay(today + ahead + ('weekday' in target ? 7 : 1), minute, zone)
  return { due, late: due < now, next }
}

/** Its place in WEEKDAYS; the first of January 1970 was a Thursday. */
const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7

/** The first two that are kept on a date or after it. */
function festivalsFrom(
  festival: FestivalName | readonly FestivalName[],
  date: Temporal.PlainDate,
): Temporal.PlainDate[] {
  return [festival]
    .flat()
    .flatMap((one) => [0, 1, 2].map((years) => plainDate(festivalOn(one, date.year + years))))
    .filter((one) => Temporal.PlainDate.compare(one, date) >= 0)
    .sort((one, other) => Temporal.PlainDate.compare(one, other))
    .slice(0, 2)
}

/** Epoch ms of '2026-11-11T20:00:00+08:00'. Throws TIME_MALFORMED, also where it does not say its zone. */
function instantRead(text: string): number {
  try {
    return Temporal.Instant.from(text).epochMilliseconds
  } catch (cause) {
    const expected = "a time with its zone: '2026-11-11T20:00:00+08:00'"
    throw new PerennialError('TIME_MALFORMED', `'${String(text).slice(0, 40)}' is not an instant`, { expected, cause })
  }
}

function plainDate(date: string): Temporal.PlainDate {
  try {
    return Temporal.PlainDate.from(date, { overflow: 'reject' })
  } catch (cause) {
    throw notADate(date, cause)
  }
}

const notADate = (date: string, cause?: unknown): PerennialError =>
  new PerennialError('TIME_MALFORMED', `'${date}' is not a date`, { expected: "'2027-02-06'", cause })

/** The year of a date '2027-02-06'. Throws TIME_MALFORMED for a day that does not exist. */
export function yearOf(date: string): number {
  return plainDate(date).year
}

/** A day of a month of a year as a date; a day that the month lacks is its last: 29 February is the 28th of a common year. */
export function dateIn({ year, month, day }: { year: number; month: number; day: number }): string {
  return Temporal.PlainDate.from({ year, month, day }, { overflow: 'constrain' }).toString()
}

/** True for Saturdays and Sundays. */
export function isWeekend(date: string): boolean {
  return plainDate(date).dayOfWeek > 5
}

/** The date on the customer's calendar: '2026-11-30'. */
export function localDate(instant: number, zone: string): string {
  return dateOfDay(clockOf(zone).at(instant).day)
}

/** Date and time on the clock of a zone, for people: '2026-11-30 09:00'. */
export function localTime(instant: number, zone: string): string {
  return local(instant, zone).toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ')
}

export interface Birthday {
  month: number
  day: number
}

/** True for a day that some year has; 29 February is one. */
export function isBirthday({ month, day }: Birthday): boolean {
  try {
    Temporal.PlainMonthDay.from({ monthCode: `M${String(month).padStart(2, '0')}`, day }, { overflow: 'reject' })
    return true
  } catch {
    return false
  }
}

/**
 * The birthday that is kept at `at` on the customer's clock within [from, to), if any, and the year it belongs to. A 29
 * February is kept on the 28th in common years.
 */
export function birthdayWithin(
  { month, day }: Birthday,
  zone: string,
  at: string,
  window: { from: number; to: number },
): { instant: number; year: number } | undefined {
  const minute = minuteOfDay(at)
  const clock = clockOf(zone)
  const years = [window.from, window.to].map((instant) => Number(dateOfDay(clock.at(instant).day).slice(0, 4)))
  for (const year of new Set(years)) {
    const instant = instantOfDay(dayOfYear(year, { month, day }), minute, zone)
    if (instant >= window.from && instant < window.to) return { instant, year }
  }
  return undefined
}

/** The day since 1970-01-01 of a day of a year; what its month lacks is the month's last. */
function dayOfYear(year: number, { month, day }: Birthday): number {
  return Date.UTC(year, month - 1, Math.min(day, lengthOf(year, month))) / DAY
}

/** How many days a month has. */
const lengthOf = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

/** True for a date that the calendar has, as '2027-02-28'. */
export function isDate(text: string): boolean {
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString() === text
  } catch {
    return false
  }
}

/** Whether a birthday, or a day of every month, is on a date: what a month does not have is kept on its last day. */
export function fallsOn(day: Birthday | { day: number }, date: string): boolean {
  if (dayOfDate(date) === undefined) throw notADate(date)
  const [year = 0, month = 0, here = 0] = date.split('-').map(Number)
  if ('month' in day && day.month !== month) return false
  return Math.min(day.day, lengthOf(year, month)) === here
}

/** So many calendar days after a date: '2027-03-01' is the day after '2027-02-28'. */
export function dayAfter(date: string, days: number): string {
  const day = dayOfDate(date)
  return day === undefined ? plainDate(date).add({ days }).toString() : dateOfDay(day + days)
}

/** The instant of a time on a date of a zone's calendar. */
export function instantOn(date: string, time: string, zone: string): number {
  const day = dayOfDate(date)
  const minute = minuteOfDay(time)
  return day === undefined ? instantOf(plainDate(date), minute, zone) : instantOfDay(day, minute, zone)
}

/** The month-days that any zone on earth has within [from, to), with 29 February where the 28th stands for it. */
export function birthdaysAround(window: { from: number; to: number }): Birthday[] {
  const days: Birthday[] = []
  const last = local(window.to, 'UTC').toPlainDate().add({ days: 1 })
  for (
    let date = local(window.from, 'UTC').toPlainDate().subtract({ days: 1 });
    Temporal.PlainDate.compare(date, last) <= 0;
    date = date.add({ days: 1 })
  ) {
    days.push({ month: date.month, day: date.day })
    if (date.month === 2 && date.day === 28 && !date.inLeapYear) days.push({ month: 2, day: 29 })
  }
  return days
}

/** How long something lasts on the calendar; calendar years count the one that runs, so 1 ends with it. */
export type Term = { days: number } | { months: number } | { calendarYears: number }

/** Midnight at which the year of `instant` began. */
export function startOfYear(instant: number, zone: string): number {
  return instantOf(local(instant, zone).toPlainDate().with({ month: 1, day: 1 }), 0, zone)
}

/**
 * Midnight after the last day of a term that begins at `from`, or that follows the one which ended at `from`. The day of the
 * month is kept where there is one: 29 February and a year end with 28 February.
 */
export function termEnd(term: Term, from: number, zone: string, follows = false): number {
  if ('calendarYears' in term) {
    // A customer who moved has their old midnight on another day: two days on it is the new year everywhere.
    const { year } = local(from, zone).add({ days: follows ? 2 : 0 })
    return instantOf(Temporal.PlainDate.from({ year: year + term.calendarYears, month: 1, day: 1 }), 0, zone)
  }
  const last = local(follows ? from - 1 : from, zone).toPlainDate()
  return instantOf(last.add(term).add({ days: 1 }), 0, zone)
}

/** Whole days from one date to another on the customer's calendar; 0 on the same day, below zero after it. */
export function daysBetween(from: number, to: number, zone: string): number {
  return clockOf(zone).at(to).day - clockOf(zone).at(from).day
}
