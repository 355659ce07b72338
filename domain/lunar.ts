/**
 * The Chinese calendar: lunar dates, festivals and birthdays kept by it. It stands on tyme4ts, whose dates are those of the Purple
 * Mountain Observatory; the 'chinese' calendar of ICU and Temporal is a day wrong in some years (Spring Festival 2027 is 02-06).
 */
import { LunarDay, LunarYear, SolarDay, SolarTerm } from 'tyme4ts'
import { PerennialError } from './errors.ts'

export interface LunarDate {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  /** True in the second month of the same number, which some years have. */
  leap?: boolean
}

const FIRST_YEAR = 1901
const LAST_YEAR = 2100

const two = (number: number): string => String(number).padStart(2, '0')
const iso = (day: SolarDay): string => `${day.getYear()}-${two(day.getMonth())}-${two(day.getDay())}`

function yearRead(year: number): number {
  if (Number.isInteger(year) && year >= FIRST_YEAR && year <= LAST_YEAR) return year
  throw new PerennialError('TIME_MALFORMED', `the lunar year ${year} is not known`, {
    field: 'year',
    expected: `${FIRST_YEAR} to ${LAST_YEAR}`,
  })
}

/** The date '2027-02-06' of a lunar date. Throws TIME_MALFORMED where that year has no such month or day. */
export function lunarDate({ year, month, day, leap = false }: LunarDate): string {
  try {
    return iso(LunarDay.fromYmd(yearRead(year), leap ? -month : month, day).getSolarDay())
  } catch (cause) {
    if (cause instanceof PerennialError) throw cause
    throw new PerennialError('TIME_MALFORMED', `the lunar year ${year} has no ${leap ? 'leap ' : ''}${month}-${day}`, {
      field: 'date',
      expected: 'a month of 1 to 12 and a day that it has, leap only in the year that doubles it',
      cause,
    })
  }
}

/** The lunar date of '2027-02-06'. */
export function toLunar(date: string): LunarDate {
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number)
  const lunar = SolarDay.fromYmd(year, month, day).getLunarDay()
  const signed = lunar.getMonth()
  return {
    year: lunar.getYear(),
    month: Math.abs(signed),
    day: lunar.getDay(),
    ...(signed < 0 && { leap: true }),
  }
}

/**
 * When a lunar birthday is kept in a lunar year. One in a leap month is kept in that leap month where the year has it, else in the
 * month of the same number; a 30th of a month that has 29 days is kept on the 29th. So everybody has one a year.
 */
export function lunarBirthday(birthday: Omit<LunarDate, 'year'>, year: number): string {
  const leap = birthday.leap === true && LunarYear.fromYear(yearRead(year)).getLeapMonth() === birthday.month
  const at = (day: number): string => lunarDate({ year, month: birthday.month, day, leap })
  if (birthday.day < 30) return at(birthday.day)
  try {
    return at(30)
  } catch {
    return at(29)
  }
}

export const FESTIVALS = [
  'spring-festival',
  'lantern',
  'qingming',
  'dragon-boat',
  'qixi',
  'mid-autumn',
  'double-ninth',
  'laba',
  'new-years-eve',
] as const
export type Festival = (typeof FESTIVALS)[number]

/** Qingming is a term of the sun, the rest are days of the moon. */
const LUNAR_FESTIVALS: Partial<Record<Festival, readonly [month: number, day: number]>> = {
  'spring-festival': [1, 1],
  lantern: [1, 15],
  'dragon-boat': [5, 5],
  qixi: [7, 7],
  'mid-autumn': [8, 15],
  'double-ninth': [9, 9],
}

/**
 * The date of a festival in a year of our own calendar. Laba and new year's eve end the lunar year before, so each year has one;
 * laba may fall on the last days of December.
 */
export function festivalDate(festival: Festival, year: number): string {
  yearRead(year)
  if (festival === 'qingming') return iso(SolarTerm.fromName(year, '清明').getJulianDay().getSolarDay())
  if (festival === 'new-years-eve') return iso(LunarDay.fromYmd(year, 1, 1).getSolarDay().next(-1))
  if (festival === 'laba') return lunarDate({ year: year - 1, month: 12, day: 8 })
  const [month, day] = LUNAR_FESTIVALS[festival] ?? [1, 1]
  return lunarDate({ year, month, day })
}
