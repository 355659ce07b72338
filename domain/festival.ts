/** The festivals of a shop's year by one name each: those of the moon and the sun (lunar.ts), and those that have a fixed date. */
import { FESTIVALS, type Festival, festivalDate } from './lunar.ts'

/** Month and day of those that keep their date. */
const FIXED = {
  'new-year': '01-01',
  'valentines-day': '02-14',
  'womens-day': '03-08',
  'labour-day': '05-01',
  '520': '05-20',
  '618': '06-18',
  'national-day': '10-01',
  'double-eleven': '11-11',
  'double-twelve': '12-12',
  christmas: '12-25',
} as const

type FixedFestival = keyof typeof FIXED

export type FestivalName = Festival | FixedFestival

export const FESTIVAL_NAMES = [...FESTIVALS, ...(Object.keys(FIXED) as FixedFestival[])] as readonly FestivalName[]

const isFixed = (name: FestivalName): name is FixedFestival => Object.hasOwn(FIXED, name)

/** The date of a festival in a year of our own calendar. Throws TIME_MALFORMED for a year that the moon is not known of. */
export function festivalOn(name: FestivalName, year: number): string {
  return isFixed(name) ? `${String(year).padStart(4, '0')}-${FIXED[name]}` : festivalDate(name, year)
}
