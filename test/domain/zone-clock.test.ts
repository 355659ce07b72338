/** The calendar by arithmetic against Temporal itself, most of all around the changes of clocks. */
import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'
import { afterDays, dayAfter, daysBetween, instantOn, localDate, occurrenceOf, opensAt } from '../../domain/calendar.ts'
import { ZoneClock, dateOfDay, dayOfDate } from '../../domain/zone-clock.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Clocks that jump by half an hour, over a whole day, at midnight, in either half of the year, and not at all. */
const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Europe/London',
  'America/New_York',
  'America/St_Johns',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Pacific/Apia',
  'Africa/Casablanca',
]
const zone = fc.constantFrom(...ZONES)
const anyTime = fc.integer({ min: Date.UTC(1965, 0, 1), max: Date.UTC(2060, 0, 1) })
/** Within three days of a change of the zone's clock, where it has one. */
const nearChange = zone.chain((name) =>
  fc.tuple(fc.constant(name), anyTime, fc.integer({ min: -3 * DAY, max: 3 * DAY })).map(([, at, by]) => {
    const change = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(name).getTimeZoneTransition('next')
    return [name, (change?.epochMilliseconds ?? at) + by] as const
  }),
)
const moment = fc.oneof(fc.tuple(zone, anyTime), nearChange)
const minute = fc.integer({ min: 0, max: 1439 })
const timeOf = (at: number) =>
  `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}` as `${number}:${number}`

const here = (at: number, name: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(name)
const there = (date: Temporal.PlainDate, at: number, name: string): number =>
  date.toZonedDateTime({ timeZone: name, plainTime: new Temporal.PlainTime(Math.floor(at / 60), at % 60) })
    .epochMilliseconds

const RUNS = { numRuns: 1_000 }

describe('the clock of a zone by arithmetic', () => {
  it('shows the date that Temporal shows', () => {
    fc.assert(
      fc.property(moment, ([name, at]) => {
        expect(localDate(at, name)).toBe(here(at, name).toPlainDate().toString())
      }),
      RUNS,
    )
  })

  it('finds the instant of a time so many days on, where it is skipped or comes twice too', () => {
    fc.assert(
      fc.property(moment, minute, fc.integer({ min: -5, max: 400 }), ([name, at], time, days) => {
        const expected = there(here(at, name).toPlainDate().add({ days }), time, name)
        expect(afterDays(at, { days, at: timeOf(time) }, name)).toBe(expected)
        const date = here(at, name).toPlainDate().add({ days }).toString()
        expect(instantOn(date, timeOf(time), name)).toBe(expected)
        expect(daysBetween(at, expected, name)).toBe(
          here(at, name).toPlainDate().until(here(expected, name).toPlainDate(), { largestUnit: 'day' }).days,
        )
      }),
      RUNS,
    )
  })

  it('opens after the quiet hours when Temporal says it is their end', () => {
    fc.assert(
      fc.property(moment, minute, minute, ([name, at], from, to) => {
        const now = here(at, name)
        const clock = now.hour * 60 + now.minute
        const spans = from > to
        const inside = spans ? clock >= from || clock < to : clock >= from && clock < to
        const day = now.toPlainDate().add({ days: spans && clock >= from ? 1 : 0 })
        expect(opensAt({ from, to }, name, at)).toBe(inside ? Math.max(at, there(day, to, name)) : at)
      }),
      RUNS,
    )
  })

  it('knows the next weekday', () => {
    fc.assert(
      fc.property(moment, minute, ([name, at], time) => {
        const { due, next } = occurrenceOf({ weekday: 'friday', at: timeOf(time) }, name, at)
        const today = here(at, name).toPlainDate()
        const friday = today.add({ days: (5 - today.dayOfWeek + 7) % 7 })
        expect([due, next]).toEqual([there(friday, time, name), there(friday.add({ days: 7 }), time, name)])
      }),
      RUNS,
    )
  })
})

it('counts days as the calendar does, and leaves dates that there are not to whoever names them', () => {
  fc.assert(
    fc.property(fc.integer({ min: -200_000, max: 200_000 }), fc.integer({ min: -800, max: 800 }), (day, by) => {
      const date = Temporal.PlainDate.from('1970-01-01').add({ days: day })
      expect(dateOfDay(day)).toBe(date.toString())
      expect(dayAfter(date.toString(), by)).toBe(date.add({ days: by }).toString())
    }),
    RUNS,
  )
  for (const none of ['2027-02-29', '2027-13-01', '2027-2-1', 'soon', '']) expect(dayOfDate(none)).toBeUndefined()
  expect(() => dayAfter('2027-02-29', 1)).toThrow(expect.objectContaining({ code: 'TIME_MALFORMED' }))
})

it('asks once for each span between changes, and again beyond it', () => {
  let asked = 0
  const clock = new ZoneClock((at) => {
    asked += 1
    const from = Math.floor(at / (100 * DAY)) * 100 * DAY
    return { from, to: from + 100 * DAY, offset: HOUR }
  })
  for (let day = 0; day < 200; day++) clock.at(day * DAY)
  expect(asked).toBe(2)
  expect(clock.instantOf({ day: 50, ms: 0 })).toBe(50 * DAY - HOUR)
  expect(clock.instantOf({ day: 99, ms: 0 })).toBeUndefined()
})
