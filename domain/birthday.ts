/** Birthdays by either calendar: the days on which they are kept, and the year each belongs to. */
import {
  type Birthday,
  birthdayWithin as solarWithin,
  birthdaysAround,
  dayAfter,
  instantOn,
  localDate,
} from './calendar.ts'
import { lunarBirthday, toLunar } from './lunar.ts'

/** How a birthday is counted: by our own calendar, by the moon's, or in a leap month of the moon's. */
export const CALENDARS = ['solar', 'lunar', 'lunar-leap'] as const
export type BirthCalendar = (typeof CALENDARS)[number]

/** `calendar` is solar unless said; months and days are its own. */
export interface KeptBirthday extends Birthday {
  calendar?: BirthCalendar
}

/** True for a day that some lunar year has: a 30th is one of every month. */
export function isLunarBirthday({ month, day }: Birthday): boolean {
  return Number.isInteger(month) && Number.isInteger(day) && month >= 1 && month <= 12 && day >= 1 && day <= 30
}

/** The date on which a birthday by the moon is kept in the lunar year that `date` lies in. */
function lunarDateNear({ month, day, calendar }: KeptBirthday, year: number): string {
  return lunarBirthday({ month, day, leap: calendar === 'lunar-leap' }, year)
}

/**
 * The birthday that is kept at `at` on the clock of a zone within [from, to), if any, and the year that makes it once: of a birthday by
 * the moon the lunar year, as a year of ours may have two of them or none.
 */
export function birthdayWithin(
  birthday: KeptBirthday,
  zone: string,
  at: string,
  window: { from: number; to: number },
): { instant: number; year: number } | undefined {
  if ((birthday.calendar ?? 'solar') === 'solar') return solarWithin(birthday, zone, at, window)
  const years = [window.from, window.to].map((instant) => toLunar(localDate(instant, zone)).year)
  for (const year of new Set(years)) {
    const instant = instantOn(lunarDateNear(birthday, year), at, zone)
    if (instant >= window.from && instant < window.to) return { instant, year }
  }
  return undefined
}

/** The birthdays that may be kept somewhere on earth within [from, to); whether one is, birthdayWithin says. */
export function birthdaysWithin(window: { from: number; to: number }): { solar: Birthday[]; lunar: Birthday[] } {
  const last = dayAfter(localDate(window.to, 'UTC'), 1)
  const lunar: Birthday[] = []
  for (let date = dayAfter(localDate(window.from, 'UTC'), -1); date <= last; date = dayAfter(date, 1)) {
    const { month, day } = toLunar(date)
    lunar.push({ month, day })
    // The 30th of a month that has 29 days.
    if (day === 29) lunar.push({ month, day: 30 })
  }
  return { solar: birthdaysAround(window), lunar }
}

/** Month and day by our calendar in the year, of either calendar, that a date lies in: what bonuses of the day go by. */
export function solarBirthday(birthday: KeptBirthday, date: string): Birthday {
  if ((birthday.calendar ?? 'solar') === 'solar') return { month: birthday.month, day: birthday.day }
  const [, month = 0, day = 0] = lunarDateNear(birthday, toLunar(date).year).split('-').map(Number)
  return { month, day }
}
