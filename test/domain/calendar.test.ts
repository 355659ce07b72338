import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'
import {
  type CalendarTarget,
  type QuietHours,
  afterDays,
  birthdayWithin,
  birthdaysAround,
  dayAfter,
  fallsOn,
  isBirthday,
  isDate,
  isZone,
  localDate,
  localTime,
  minuteOfDay,
  occurrenceOf,
  opensAt,
} from '../../domain/calendar.ts'

const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Asia/Kolkata',
  'Europe/Berlin',
  'America/New_York',
  'America/Los_Angeles',
  'America/St_Johns',
  // Half past nine in Darwin is midnight in UTC: the edge between two sweeps.
  'Australia/Darwin',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
  'Africa/Cairo',
]
const DAY = 86_400_000
const HOUR = 3_600_000

/** The instant of a wall-clock time: of('2026-11-23T10:00', 'Europe/Berlin'). */
const of = (wall: string, zone: string): number =>
  Temporal.PlainDateTime.from(wall).toZonedDateTime(zone).epochMilliseconds
/** The instant of an offset time: utc('2026-03-29T01:30Z'). */
const utc = (iso: string): number => Date.parse(iso)

describe('zones, times and dates', () => {
  it('knows a zone when it sees one', () => {
    for (const zone of ZONES) expect(isZone(zone)).toBe(true)
    for (const zone of ['', 'Mars/Olympus', 'Asia', '10:00']) expect(isZone(zone)).toBe(false)
  })

  it('reads a time of day, and nothing else', () => {
    expect(minuteOfDay('09:30')).toBe(570)
    expect(minuteOfDay('9:30')).toBe(570)
    expect(minuteOfDay('23:59')).toBe(1439)
    for (const time of ['', '24:00', '9', '09:60', '9.30', '-1:00', '09:30 ']) {
      expect(() => minuteOfDay(time)).toThrow(expect.objectContaining({ code: 'TIME_MALFORMED' }))
    }
  })

  it('names the zone that is none', () => {
    expect(() => localDate(0, 'Mars/Olympus')).toThrow(expect.objectContaining({ code: 'TIME_MALFORMED' }))
    expect(() => opensAt({ from: 0, to: 1 }, 'Mars/Olympus', 0)).toThrow(/Mars/)
  })

  it('shows a day on the customer’s calendar', () => {
    const newYear = utc('2026-12-31T20:00Z')
    expect(localDate(newYear, 'UTC')).toBe('2026-12-31')
    expect(localDate(newYear, 'Asia/Shanghai')).toBe('2027-01-01')
    expect(localTime(newYear, 'Asia/Shanghai')).toBe('2027-01-01 04:00')
  })
})

describe('calendar days', () => {
  it.each([
    // The clock goes from 02:00 to 03:00: what lies between moves forward by as much.
    ['a gap in Berlin', 'Europe/Berlin', '2026-03-27T12:00', { days: 2, at: '02:30' }, '2026-03-29T01:30Z'],
    ['a gap in New York', 'America/New_York', '2026-03-06T12:00', { days: 2, at: '02:30' }, '2026-03-08T07:30Z'],
    // The clock goes back to a time that was: the first counts.
    ['an overlap in Berlin', 'Europe/Berlin', '2026-10-23T12:00', { days: 2, at: '02:30' }, '2026-10-25T00:30Z'],
    ['an overlap in New York', 'America/New_York', '2026-10-30T12:00', { days: 2, at: '01:30' }, '2026-11-01T05:30Z'],
  ] as const)('come to the right instant over %s', (_what, zone, from, wait, expected) => {
    expect(afterDays(of(from, zone), wait, zone)).toBe(utc(expected))
  })

  it('are 23 and 25 hours where the clock is changed', () => {
    const day = { days: 1, at: '10:00' } as const
    for (const [zone, spring, autumn] of [
      ['Europe/Berlin', '2026-03-28T10:00', '2026-10-24T10:00'],
      ['America/New_York', '2026-03-07T10:00', '2026-10-31T10:00'],
    ] as const) {
      expect(afterDays(of(spring, zone), day, zone) - of(spring, zone)).toBe(23 * HOUR)
      expect(afterDays(of(autumn, zone), day, zone) - of(autumn, zone)).toBe(25 * HOUR)
    }
  })

  it('stand on 29 February where there is one', () => {
    expect(localDate(afterDays(utc('2028-02-28T12:00Z'), { days: 1, at: '10:00' }, 'UTC'), 'UTC')).toBe('2028-02-29')
    expect(localDate(afterDays(utc('2027-02-28T12:00Z'), { days: 1, at: '10:00' }, 'UTC'), 'UTC')).toBe('2027-03-01')
  })
})

describe('targets', () => {
  const monday = of('2026-11-23T10:00', 'Europe/Berlin')
  const berlin = (target: CalendarTarget) => {
    const { due, late, next } = occurrenceOf(target, 'Europe/Berlin', monday)
    return { due: localTime(due, 'Europe/Berlin'), late, next: next && localTime(next, 'Europe/Berlin') }
  }

  it.each([
    [{ at: '18:00' }, { due: '2026-11-23 18:00', late: false, next: '2026-11-24 18:00' }],
    [{ at: '09:00' }, { due: '2026-11-23 09:00', late: true, next: '2026-11-24 09:00' }],
    [{ at: '10:00' }, { due: '2026-11-23 10:00', late: false, next: '2026-11-24 10:00' }],
    [{ weekday: 'friday' }, { due: '2026-11-27 09:00', late: false, next: '2026-12-04 09:00' }],
    [
      { weekday: 'sunday', at: '20:00' },
      { due: '2026-11-29 20:00', late: false, next: '2026-12-06 20:00' },
    ],
    [
      { weekday: 'monday', at: '11:00' },
      { due: '2026-11-23 11:00', late: false, next: '2026-11-30 11:00' },
    ],
    [{ weekday: 'monday' }, { due: '2026-11-23 09:00', late: true, next: '2026-11-30 09:00' }],
    [{ date: '2027-02-06' }, { due: '2027-02-06 09:00', late: false, next: undefined }],
    [
      { date: '2026-11-01', at: '12:00' },
      { due: '2026-11-01 12:00', late: true, next: undefined },
    ],
    [{ festival: 'mid-autumn' }, { due: '2027-09-15 09:00', late: false, next: '2028-10-03 09:00' }],
    // Laba is kept in the last days of a year or the first of the next.
    [{ festival: 'laba' }, { due: '2027-01-15 09:00', late: false, next: '2028-01-04 09:00' }],
    [
      { festival: ['mid-autumn', 'spring-festival'], at: '10:00' },
      { due: '2027-02-06 10:00', late: false, next: '2027-09-15 10:00' },
    ],
    [{ instant: '2026-11-24T20:00:00+08:00' }, { due: '2026-11-24 13:00', late: false, next: undefined }],
    [
      { instant: '2026-11-24T12:00:00Z', before: '1 hour' },
      { due: '2026-11-24 12:00', late: false, next: undefined },
    ],
    [
      { instant: '2026-11-23T06:00:00Z', after: '2 hours' },
      { due: '2026-11-23 09:00', late: true, next: undefined },
    ],
  ] as const)('%j', (target, expected) => expect(berlin(target)).toEqual(expected))

  it('of a festival is late on its day alone', () => {
    const at = (time: string) =>
      occurrenceOf({ festival: 'spring-festival' }, 'Asia/Shanghai', of(time, 'Asia/Shanghai'))
    expect(at('2027-02-06T09:00').late).toBe(false)
    const late = at('2027-02-06T10:00')
    expect([late.late, localDate(late.next ?? 0, 'Asia/Shanghai')]).toEqual([true, '2028-01-26'])
    expect(localDate(at('2027-02-07T00:00').due, 'Asia/Shanghai')).toBe('2028-01-26')
  })

  it.each(['2026-11-11', '2026-11-11T20:00', 'soon', '', undefined as unknown as string])(
    'names the instant that is none: %j',
    (instant) => {
      expect(() => occurrenceOf({ instant }, 'UTC', monday)).toThrow(
        expect.objectContaining({ code: 'TIME_MALFORMED' }),
      )
    },
  )

  it('refuses a date that no calendar has', () => {
    for (const date of ['2027-02-30', '2027-13-01'] as const) {
      expect(() => berlin({ date })).toThrow(expect.objectContaining({ code: 'TIME_MALFORMED' }))
    }
  })

  it('fall on the weekday they name, at most a week ahead, in every zone', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer({ min: 0, max: 4 * 365 * 24 }), (zone, hours) => {
        const now = utc('2026-01-01T00:00Z') + hours * HOUR
        const { due, late, next } = occurrenceOf({ weekday: 'friday', at: '10:00' }, zone, now)
        const coming = late ? (next ?? 0) : due
        expect(Temporal.PlainDate.from(localDate(coming, zone)).dayOfWeek).toBe(5)
        expect(coming).toBeGreaterThanOrEqual(now)
        expect(coming).toBeLessThanOrEqual(now + 7 * DAY + HOUR)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('quiet hours', () => {
  const night: QuietHours = { from: 20 * 60 + 30, to: 9 * 60 }

  it.each(['UTC', 'Asia/Shanghai', 'Asia/Kolkata', 'Europe/Berlin', 'America/New_York', 'Pacific/Auckland'])(
    'last from half past eight to nine over midnight in %s',
    (zone) => {
      const opens = (wall: string): string => localTime(opensAt(night, zone, of(wall, zone)), zone)
      expect(opens('2026-11-23T09:00')).toBe('2026-11-23 09:00')
      expect(opens('2026-11-23T20:29')).toBe('2026-11-23 20:29')
      expect(opens('2026-11-23T20:30')).toBe('2026-11-24 09:00')
      expect(opens('2026-11-23T23:59')).toBe('2026-11-24 09:00')
      expect(opens('2026-11-24T00:00')).toBe('2026-11-24 09:00')
      expect(opens('2026-11-24T08:59')).toBe('2026-11-24 09:00')
      expect(opens('2026-12-31T23:00')).toBe('2027-01-01 09:00')
    },
  )

  it('end at nine where the night is an hour shorter or longer', () => {
    for (const eve of ['2026-03-28T22:00', '2026-10-24T22:00']) {
      const morning = opensAt(night, 'Europe/Berlin', of(eve, 'Europe/Berlin'))
      expect(localTime(morning, 'Europe/Berlin').slice(11)).toBe('09:00')
      expect(morning - of(eve, 'Europe/Berlin')).toBe((eve.startsWith('2026-03') ? 10 : 12) * HOUR)
    }
  })

  it('may lie within a day, or not be at all', () => {
    const siesta = { from: 13 * 60, to: 15 * 60 }
    expect(opensAt(siesta, 'UTC', utc('2026-11-23T14:00Z'))).toBe(utc('2026-11-23T15:00Z'))
    expect(opensAt(siesta, 'UTC', utc('2026-11-23T15:00Z'))).toBe(utc('2026-11-23T15:00Z'))
    expect(opensAt({ from: 0, to: 0 }, 'UTC', utc('2026-11-23T03:00Z'))).toBe(utc('2026-11-23T03:00Z'))
  })

  it('are over the first time where the clock is set back over their end', () => {
    const early = { from: 22 * 60, to: 2 * 60 + 30 }
    const secondTime = utc('2026-10-25T01:10Z')
    expect(localTime(secondTime, 'Europe/Berlin')).toBe('2026-10-25 02:10')
    expect(opensAt(early, 'Europe/Berlin', secondTime)).toBe(secondTime)
  })

  it('never let out a message in them, never call it back, and are asked once', () => {
    const quiet = fc
      .record({ from: fc.integer({ min: 0, max: 1439 }), length: fc.integer({ min: 0, max: 16 * 60 }) })
      .map(({ from, length }): QuietHours => ({ from, to: (from + length) % 1440 }))
    const instant = fc.integer({ min: utc('2025-01-01T00:00Z') / 60_000, max: utc('2030-01-01T00:00Z') / 60_000 })
    // Half the instants lie near a change of the clock, where the mistakes are.
    const change = fc
      .record({
        day: fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-05', '2026-10-25', '2026-11-01'),
        minutes: fc.integer({ min: -1440, max: 2880 }),
      })
      .map(({ day, minutes }) => utc(`${day}T00:00Z`) / 60_000 + minutes)
    fc.assert(
      fc.property(quiet, fc.constantFrom(...ZONES), fc.oneof(instant, change), (quiet, zone, minutes) => {
        const at = minutes * 60_000
        const opens = opensAt(quiet, zone, at)
        expect(opens).toBeGreaterThanOrEqual(at)
        expect(opens - at).toBeLessThanOrEqual(17 * HOUR)
        expect(opensAt(quiet, zone, opens)).toBe(opens)
        expect(isQuiet(quiet, zone, opens) && !isRepeated(zone, opens)).toBe(false)
      }),
      { seed: 1, numRuns: 3_000 },
    )
  })

  function isQuiet({ from, to }: QuietHours, zone: string, instant: number): boolean {
    const minute = minuteOfDay(localTime(instant, zone).slice(11))
    return (minute - from + 1440) % 1440 < (to - from + 1440) % 1440
  }

  /** True where the clock shows a time for the second time. */
  function isRepeated(zone: string, instant: number): boolean {
    return Temporal.PlainDateTime.from(localTime(instant, zone)).toZonedDateTime(zone).epochMilliseconds < instant
  }
})

describe('birthdays', () => {
  it('are days that some year has', () => {
    expect(isBirthday({ month: 2, day: 29 })).toBe(true)
    for (const [month, day] of [
      [2, 30],
      [4, 31],
      [13, 1],
      [0, 1],
      [1, 0],
    ] as const) {
      expect(isBirthday({ month, day })).toBe(false)
    }
  })

  it.each([
    [2026, '2026-02-28'],
    [2027, '2027-02-28'],
    [2028, '2028-02-29'],
    [2100, '2100-02-28'],
  ])('of 29 February are kept in %d on %s', (year, day) => {
    const window = { from: utc(`${year}-02-20T00:00Z`), to: utc(`${year}-03-10T00:00Z`) }
    const kept = birthdayWithin({ month: 2, day: 29 }, 'Europe/Berlin', '09:30', window)
    expect(kept?.year).toBe(year)
    expect(localTime(kept?.instant ?? 0, 'Europe/Berlin')).toBe(`${day} 09:30`)
  })

  it('belong to the year of the customer’s own calendar', () => {
    const window = { from: utc('2026-12-31T00:00Z'), to: utc('2027-01-01T00:00Z') }
    const first = { month: 1, day: 1 }
    expect(birthdayWithin(first, 'Pacific/Auckland', '09:30', window)).toMatchObject({ year: 2027 })
    expect(birthdayWithin(first, 'America/New_York', '09:30', window)).toBeUndefined()
    const last = { month: 12, day: 31 }
    const next = { from: window.to, to: window.to + DAY }
    expect(birthdayWithin(last, 'Pacific/Pago_Pago', '20:00', next)).toMatchObject({ year: 2026 })
  })

  const sweeps = Array.from({ length: 4 * 365 + 5 }, (_, day) => {
    const from = utc('2025-12-30T00:00Z') + day * DAY
    return { from, to: from + DAY }
  }).map((window) => ({ window, birthdays: birthdaysAround(window) }))

  it.each(ZONES)('fall in exactly one of the daily sweeps of a year in %s', (zone) => {
    const kept = sweeps.flatMap(({ window, birthdays }) =>
      birthdays.flatMap((birthday) => {
        const year = birthdayWithin(birthday, zone, '09:30', window)?.year ?? 0
        return year >= 2026 && year <= 2029 ? [`${birthday.month}-${birthday.day}/${year}`] : []
      }),
    )
    expect(new Set(kept).size).toBe(kept.length)
    expect(kept).toHaveLength(4 * 366)
  })
})

describe('dates', () => {
  it.each([
    ['2027-02-28', { month: 2, day: 29 }, true],
    ['2028-02-28', { month: 2, day: 29 }, false],
    ['2028-02-29', { month: 2, day: 29 }, true],
    ['2027-03-29', { month: 2, day: 29 }, false],
    ['2027-04-30', { day: 31 }, true],
    ['2027-05-30', { day: 31 }, false],
    ['2027-05-15', { day: 15 }, true],
  ])('on %s falls %j: %s', (date, day, falls) => {
    expect(fallsOn(day, date)).toBe(falls)
  })

  it('are added over ends of months and years, and read as they are written', () => {
    expect([dayAfter('2027-02-28', 1), dayAfter('2028-02-28', 1), dayAfter('2027-01-01', -1)]).toEqual([
      '2027-03-01',
      '2028-02-29',
      '2026-12-31',
    ])
    expect(['2027-02-28', '2027-02-29', '2027-2-28', '2027-02-28T00:00', 'soon'].map(isDate)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
  })
})
