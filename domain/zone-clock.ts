/** The clock of a zone as arithmetic: it is so far from UTC for months on end, and only around a change has the calendar to be asked. */

const DAY = 86_400_000
/** No change of a clock is larger; what is nearer to one than this may be twice, or not at all. */
const NEAR = 2 * DAY

/** From `from` up to `to` the zone's clock shows UTC and `offset` ms. */
export interface Span {
  from: number
  to: number
  offset: number
}

/** An instant on a clock: whole days since 1970-01-01 on its calendar, and ms since midnight. */
export interface Wall {
  day: number
  ms: number
}

export class ZoneClock {
  private readonly spans: Span[] = []
  private last: Span | undefined
  private readonly ask: (instant: number) => Span

  /** `ask` answers the span that an instant is in; it is asked once for each. */
  constructor(ask: (instant: number) => Span) {
    this.ask = ask
  }

  at(instant: number): Wall {
    const wall = instant + this.spanAt(instant).offset
    const day = Math.floor(wall / DAY)
    return { day, ms: wall - day * DAY }
  }

  /** The instant at which the clock shows a day and ms since midnight; undefined where that is near a change of it. */
  instantOf({ day, ms }: Wall): number | undefined {
    const wall = day * DAY + ms
    const { from, to, offset } = this.spanAt(wall)
    const instant = wall - offset
    return instant >= from + NEAR && instant < to - NEAR ? instant : undefined
  }

  private spanAt(instant: number): Span {
    const { last } = this
    if (last && instant >= last.from && instant < last.to) return last
    let span = this.spans.find(({ from, to }) => instant >= from && instant < to)
    if (!span) {
      span = this.ask(instant)
      this.spans.push(span)
    }
    this.last = span
    return span
  }
}

/** '2026-11-30' of a day since 1970-01-01. */
export function dateOfDay(day: number): string {
  const known = dates.get(day)
  if (known !== undefined) return known
  const text = new Date(day * DAY).toISOString()
  const date = text.slice(0, text.indexOf('T'))
  if (dates.size >= DATES_MOST) dates.clear()
  dates.set(day, date)
  return date
}

/** Most questions are of a few hundred days. */
const dates = new Map<number, string>()
const DATES_MOST = 2_000

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/

/** The day since 1970-01-01 of a date that the calendar has, written as '2026-11-30'; undefined for anything else. */
export function dayOfDate(date: string): number | undefined {
  const known = daysRead.get(date)
  if (known !== undefined) return known
  if (!DATE.test(date)) return undefined
  const time = Date.parse(`${date}T00:00:00Z`)
  const day = time / DAY
  if (Number.isNaN(time) || dateOfDay(day) !== date) return undefined
  if (daysRead.size >= DATES_MOST) daysRead.clear()
  daysRead.set(date, day)
  return day
}

const daysRead = new Map<string, number>()
