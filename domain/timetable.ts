/** When a campaign's day comes round: the same day of every month or year. Pure; instants are epoch ms. */
import { type Time, dayAfter, instantOn, localDate } from './calendar.ts'

export type FestivalName = string

export type Timetable =
  | { every: 'month'; day: number; at: Time }
  | { every: 'year'; date: `${number}-${number}`; at: Time }
  | { every: 'festival'; festivals: readonly FestivalName[]; at: Time }

export interface Occasion {
  occasion: string
  date: string
  instant: number
}

/** The occasions of a timetable whose instants lie within [from, to), in order. */
export function occasionsWithin(
  timetable: Timetable,
  zone: string,
  { from, to }: { from: number; to: number },
): Occasion[] {
  const found: Occasion[] = []
  for (let date = localDate(from, zone); instantOn(date, timetable.at, zone) < to; date = dayAfter(date, 1)) {
    const instant = instantOn(date, timetable.at, zone)
    const is =
      (timetable.every === 'month' && Number(date.slice(8)) === timetable.day) ||
      (timetable.every === 'year' && date.slice(5) === timetable.date)
    if (is && instant >= from) found.push({ occasion: date, date, instant })
  }
  return found
}

/** Which occasion a campaign that was due at `scheduled` is for. */
export function occasionDue(
  timetable: Timetable,
  zone: string,
  { scheduled, ahead }: { scheduled: number; ahead: number },
): Occasion | undefined {
  return occasionsWithin(timetable, zone, { from: scheduled + ahead, to: scheduled + ahead + 400 * 86_400_000 })[0]
}
