/** Public holidays by region and year, as operators bring them in. */
import { sql } from 'kysely'
import type { HolidayLine, Holidays } from '../domain/holiday.ts'
import { type Db, at, inTransaction } from './db.ts'

/** Takes the days of a year in place of what was known of it. `days` are all of that year. */
export function setHolidays(
  db: Db,
  {
    region,
    year,
    days,
    by,
    now,
  }: { region: string; year: number; days: readonly HolidayLine[]; by: string; now: number },
): Promise<void> {
  return inTransaction(db, async (tx) => {
    await sql`delete from holiday_years where region = ${region} and year = ${year}`.execute(tx)
    await sql`insert into holiday_years (region, year, by, at) values (${region}, ${year}, ${by}, ${at(now)})`.execute(
      tx,
    )
    await sql`
      insert into holidays (region, date, year, kind, name)
      select ${region}, d.date::date, ${year}, d.kind, d.name
      from jsonb_to_recordset(${JSON.stringify(days)}::jsonb) as d(date text, kind text, name text)
    `.execute(tx)
  })
}

/** What is known of a region, ready for `isWorkday`. */
export async function holidaysOf(db: Db, region: string): Promise<Holidays> {
  const { rows: years } = await sql<{ year: number }>`select year from holiday_years where region = ${region}`.execute(
    db,
  )
  const { rows: days } = await sql<{ date: string; kind: 'holiday' | 'workday' }>`
    select to_char(date, 'YYYY-MM-DD') as date, kind from holidays where region = ${region}`.execute(db)
  return { years: new Set(years.map((row) => row.year)), days: new Map(days.map((row) => [row.date, row.kind])) }
}

export interface HolidayYear {
  region: string
  year: number
  holidays: number
  workdays: number
  by: string
  at: Date
}

export async function holidayYears(db: Db): Promise<HolidayYear[]> {
  const { rows } = await sql<HolidayYear>`
    select y.region, y.year, y.by, y.at, count(h.date) filter (where h.kind = 'holiday') as holidays,
      count(h.date) filter (where h.kind = 'workday') as workdays
    from holiday_years y left join holidays h on h.region = y.region and h.year = y.year
    group by y.region, y.year order by y.region, y.year
  `.execute(db)
  return rows
}
