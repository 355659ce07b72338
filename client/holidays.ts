/** Public holidays: brought in as a list, and asked whether people work. */
import { type HolidayLine, isWorkday, readHolidays } from '../domain/holiday.ts'
import { localDate, yearOf } from '../domain/calendar.ts'
import { PerennialError } from '../domain/errors.ts'
import type { Clock } from '../domain/tempo.ts'
import type { Db } from '../store/db.ts'
import { type HolidayYear, holidayYears, holidaysOf, setHolidays } from '../store/holidays.ts'

export interface HolidaysTaken {
  region: string
  years: { year: number; holidays: number; workdays: number }[]
}

export function holidayDesk({ db, clock }: { db: Db; clock: Clock }) {
  return {
    /** `missing`: of this year and the next, those that a region which is kept here has not been told of. */
    async years(): Promise<{ known: HolidayYear[]; missing: { region: string; year: number }[] }> {
      const known = await holidayYears(db)
      const now = yearOf(localDate(clock.now(), 'UTC'))
      const missing = [...new Set(known.map((one) => one.region))].flatMap((region) =>
        [now, now + 1]
          .filter((year) => !known.some((one) => one.region === region && one.year === year))
          .map((year) => ({ region, year })),
      )
      return { known, missing }
    },

    /** Takes every year that the list has days of, each in place of what was known of it. Throws HOLIDAYS_INVALID. */
    async take({ region, text, by }: { region: string; text: string; by: string }): Promise<HolidaysTaken> {
      if (!/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(region))
        throw new PerennialError('HOLIDAYS_INVALID', `'${region}' is not a region`, {
          field: 'region',
          expected: "'CN'",
        })
      const byYear = new Map<number, HolidayLine[]>()
      for (const day of readHolidays(text)) {
        const year = yearOf(day.date)
        byYear.set(year, [...(byYear.get(year) ?? []), day])
      }
      if (byYear.size === 0) throw new PerennialError('HOLIDAYS_INVALID', 'there is no day in the list')
      for (const [year, days] of byYear) await setHolidays(db, { region, year, days, by, now: clock.now() })
      const many = (days: readonly HolidayLine[], kind: string): number =>
        days.filter((one) => one.kind === kind).length
      const years = [...byYear].map(([year, days]) => ({
        year,
        holidays: many(days, 'holiday'),
        workdays: many(days, 'workday'),
      }))
      return { region, years }
    },

    /** 'unknown' for a year that nobody has told us of. */
    async isWorkday(region: string, date: string): Promise<boolean | 'unknown'> {
      return isWorkday(date, await holidaysOf(db, region))
    },
  }
}

export type HolidayDesk = ReturnType<typeof holidayDesk>
