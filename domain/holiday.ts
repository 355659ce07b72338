/**
 * Public holidays, which a government announces year by year: what is not announced is not guessed. A weekend that is worked for a
 * holiday is a day of its own kind. The days are the operator's data (store/holidays.ts).
 */
import { afterDays, dayAfter, isWeekend, localDate, localTime, yearOf } from './calendar.ts'
import { PerennialError } from './errors.ts'

export type DayKind = 'holiday' | 'workday'

/** What is known of one region: the years that were announced, and of them the days that are not as their weekday says. */
export interface Holidays {
  years: ReadonlySet<number>
  days: ReadonlyMap<string, DayKind>
}

/** Whether people work on a date; 'unknown' for a year that nobody has told us of. */
export function isWorkday(date: string, { years, days }: Holidays): boolean | 'unknown' {
  if (!years.has(yearOf(date))) return 'unknown'
  const kind = days.get(date)
  return kind === undefined ? !isWeekend(date) : kind === 'workday'
}

/**
 * The instant of the same time of day so many working days later in a zone. In a year that nobody has told us of a working day is one
 * of the week.
 */
export function workdaysAfter(
  from: number,
  days: number,
  { zone, holidays }: { zone: string; holidays: Holidays },
): number {
  const works = (date: string): boolean => {
    const known = isWorkday(date, holidays)
    return known === 'unknown' ? !isWeekend(date) : known
  }
  const today = localDate(from, zone)
  let ahead = 0
  for (let left = days; left > 0; ahead += 1) if (works(dayAfter(today, ahead + 1))) left -= 1
  return afterDays(from, { days: ahead, at: localTime(from, zone).slice(11) as `${number}:${number}` }, zone)
}

export interface HolidayLine {
  date: string
  kind: DayKind
  name: string
}

/**
 * Reads lines 'date,kind,name': '2027-02-06,holiday,春节' and '2027-02-20,workday,春节'. Blank lines, a heading and lines that begin
 * with # are left out. Throws HOLIDAYS_INVALID, naming the line.
 */
export function readHolidays(text: string): HolidayLine[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const read = lines.flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#') || (index === 0 && /^date,/i.test(line))) return []
    const [date = '', kind = '', ...name] = line.split(',').map((cell) => cell.trim())
    if (!isDate(date) || (kind !== 'holiday' && kind !== 'workday')) throw invalid(index + 1, line)
    return [{ date, kind: kind as DayKind, name: name.join(',') }]
  })
  const twice = read.find((one, index) => read.findIndex((other) => other.date === one.date) !== index)
  if (twice) throw new PerennialError('HOLIDAYS_INVALID', `${twice.date} stands there twice`, { field: twice.date })
  return read
}

function isDate(date: string): boolean {
  try {
    return /^\d{4}-\d{2}-\d{2}$/.test(date) && yearOf(date) > 0
  } catch {
    return false
  }
}

function invalid(line: number, text: string): PerennialError {
  return new PerennialError('HOLIDAYS_INVALID', `line ${line}: '${text.slice(0, 80)}'`, {
    field: `line ${line}`,
    expected: "'2027-02-06,holiday,春节' or '2027-02-20,workday,春节'",
  })
}
