import { describe, expect, it } from 'vitest'
import { timetableContract } from '../../domain/contracts/timetable.ts'
import { FESTIVAL_NAMES, festivalOn } from '../../domain/festival.ts'
import { type Timetable, occasionDue, occasionsWithin } from '../../domain/timetable.ts'

const DAY = 86_400_000
const utc = (text: string): number => Date.parse(`${text}Z`)
const year = (of: number) => ({ from: Date.UTC(of, 0, 1), to: Date.UTC(of + 1, 0, 1) })
const shown = (timetable: Timetable, zone: string, within: { from: number; to: number }): string[] =>
  occasionsWithin(timetable, zone, within).map(
    ({ occasion, instant }) => `${occasion} ${new Date(instant).toISOString().slice(0, 16)}`,
  )

describe('festivals', () => {
  it.each([
    ['new-year', '2027-01-01'],
    ['valentines-day', '2027-02-14'],
    ['womens-day', '2027-03-08'],
    ['labour-day', '2027-05-01'],
    ['520', '2027-05-20'],
    ['618', '2027-06-18'],
    ['national-day', '2027-10-01'],
    ['double-eleven', '2027-11-11'],
    ['double-twelve', '2027-12-12'],
    ['christmas', '2027-12-25'],
    ['spring-festival', '2027-02-06'],
    ['mid-autumn', '2027-09-15'],
    ['qingming', '2027-04-05'],
  ] as const)('%s of 2027 is %s', (name, date) => expect(festivalOn(name, 2027)).toBe(date))

  it('have one name each, and one date a year', () => {
    expect(new Set(FESTIVAL_NAMES).size).toBe(19)
    for (const name of FESTIVAL_NAMES) expect(name).toMatch(/^[a-z0-9]+(-[a-z]+)*$/)
  })
})

describe('the occasions of a timetable', () => {
  it('of a month: a day that it lacks is its last', () => {
    expect(shown({ every: 'month', day: 31, at: '09:00' }, 'UTC', { ...year(2028), to: Date.UTC(2028, 4, 1) })).toEqual(
      [
        '2028-01-31 2028-01-31T09:00',
        '2028-02-29 2028-02-29T09:00',
        '2028-03-31 2028-03-31T09:00',
        '2028-04-30 2028-04-30T09:00',
      ],
    )
  })

  it('of a year: 29 February is the 28th of a common year', () => {
    const leap: Timetable = { every: 'year', date: '02-29', at: '09:00' }
    expect([2027, 2028].flatMap((one) => shown(leap, 'Asia/Shanghai', year(one)))).toEqual([
      '2027-02-28 2027-02-28T01:00',
      '2028-02-29 2028-02-29T01:00',
    ])
  })

  it('of festivals: named by the year, in order, and two on one day are one', () => {
    // In 2020 the moon of mid-autumn was full on National Day.
    const timetable: Timetable = { every: 'festival', festivals: ['mid-autumn', 'national-day', '618'], at: '00:00' }
    expect(shown(timetable, 'UTC', year(2020))).toEqual([
      '2020.618 2020-06-18T00:00',
      '2020.mid-autumn 2020-10-01T00:00',
    ])
    expect(occasionsWithin(timetable, 'UTC', year(2021)).map((one) => one.occasion)).toEqual([
      '2021.618',
      '2021.mid-autumn',
      '2021.national-day',
    ])
  })

  it('of laba, which may come before the year it is named by', () => {
    const laba: Timetable = { every: 'festival', festivals: ['laba'], at: '09:00' }
    const all = occasionsWithin(laba, 'UTC', { from: Date.UTC(2000, 0, 1), to: Date.UTC(2090, 0, 1) })
    expect(new Set(all.map((one) => one.occasion)).size).toBe(all.length)
    expect(all).toHaveLength(90)
    const early = all.filter(({ occasion, date }) => occasion.slice(0, 4) !== date.slice(0, 4))
    expect(early.length).toBeGreaterThan(0)
    for (const { occasion, date } of early) expect(date).toBe(`${Number(occasion.slice(0, 4)) - 1}${date.slice(4)}`)
  })

  it('are those of the zone’s own clock: a day apart on two sides of the date line', () => {
    const day: Timetable = { every: 'month', day: 1, at: '08:00' }
    const within = { from: utc('2027-02-28T00:00'), to: utc('2027-03-02T12:00') }
    expect(shown(day, 'Pacific/Kiritimati', within)).toEqual(['2027-03-01 2027-02-28T18:00'])
    expect(shown(day, 'Pacific/Pago_Pago', within)).toEqual(['2027-03-01 2027-03-01T19:00'])
  })

  it('take the first instant and leave the last', () => {
    const day: Timetable = { every: 'month', day: 15, at: '09:00' }
    const [at, next] = [utc('2027-01-15T09:00'), utc('2027-02-15T09:00')]
    expect(occasionsWithin(day, 'UTC', { from: at, to: next }).map((one) => one.instant)).toEqual([at])
  })

  it.each([
    // The clock goes from 24:00 to 01:00: midnight is not there, one o'clock is.
    ['America/Santiago', { every: 'year', date: '09-06', at: '00:00' }, 2026, '2026-09-06 2026-09-06T04:00'],
    // 02:00 to 02:30, by half an hour.
    ['Australia/Lord_Howe', { every: 'year', date: '10-04', at: '02:15' }, 2026, '2026-10-04 2026-10-03T15:45'],
    ['Europe/London', { every: 'year', date: '03-29', at: '01:30' }, 2026, '2026-03-29 2026-03-29T01:30'],
    // 01:30 comes twice: the first.
    ['Europe/London', { every: 'year', date: '10-25', at: '01:30' }, 2026, '2026-10-25 2026-10-25T00:30'],
    ['America/New_York', { every: 'year', date: '11-01', at: '01:30' }, 2026, '2026-11-01 2026-11-01T05:30'],
    ['Australia/Lord_Howe', { every: 'year', date: '04-05', at: '01:45' }, 2026, '2026-04-05 2026-04-04T14:45'],
  ] as const)('meet a clock change in %s once: %j', (zone, timetable, of, expected) => {
    expect(shown(timetable, zone, year(of))).toEqual([expected])
  })

  it('are one a month in every zone and year, at whatever hour', () => {
    for (const zone of ['America/Santiago', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Cairo', 'Asia/Beirut']) {
      for (const at of ['00:00', '00:30', '02:15', '23:59'] as const) {
        const all = occasionsWithin({ every: 'month', day: 31, at }, zone, {
          from: Date.UTC(2020, 0, 2),
          to: Date.UTC(2030, 0, 2),
        })
        expect(new Set(all.map((one) => one.date)).size).toBe(120)
        expect(all).toHaveLength(120)
      }
    }
  })
})

describe('the occasion that is due', () => {
  const monthly: Timetable = { every: 'month', day: 15, at: '09:00' }
  const due = (scheduled: string, ahead: number) =>
    occasionDue(monthly, 'UTC', { scheduled: utc(scheduled), ahead })?.occasion

  it('is the one so much after the time of the schedule, however long that is', () => {
    expect(due('2027-01-15T09:00', 0)).toBe('2027-01-15')
    expect(due('2027-01-12T09:00', 3 * DAY)).toBe('2027-01-15')
    expect(due('2027-01-06T09:00', 40 * DAY)).toBe('2027-02-15')
  })

  it('is today’s or the next, when somebody has it run at another time', () => {
    expect(due('2027-01-13T11:11', 3 * DAY)).toBe('2027-01-15')
    expect(due('2027-01-15T20:00', 0)).toBe('2027-01-15')
    expect(due('2027-01-16T00:00', 0)).toBe('2027-02-15')
  })
})

describe('a timetable in a plan', () => {
  it.each([
    { every: 'month', day: 15, at: '09:00' },
    { every: 'year', date: '02-29', at: '09:00' },
    { every: 'festival', festivals: ['mid-autumn', '618'], at: '09:00' },
  ])('is read: %j', (timetable) => expect(timetableContract.parse(timetable)).toEqual(timetable))

  it.each([
    [{ every: 'month', day: 32, at: '09:00' }, 'day'],
    [{ every: 'month', day: 15, at: '25:00' }, 'at'],
    [{ every: 'month', day: 15 }, 'at'],
    [{ every: 'year', date: '02-30', at: '09:00' }, 'date'],
    [{ every: 'year', date: '2027-02-28', at: '09:00' }, 'date'],
    [{ every: 'festival', festivals: [], at: '09:00' }, 'festivals'],
    [{ every: 'festival', festivals: ['618', '618'], at: '09:00' }, 'festivals'],
    [{ every: 'festival', festivals: ['easter'], at: '09:00' }, 'festivals'],
    [{ every: 'week', at: '09:00' }, 'every'],
    [{ every: 'month', day: 15, at: '09:00', zone: 'UTC' }, ''],
  ])('is refused: %j, for %s', (timetable, field) => {
    const { error } = timetableContract.safeParse(timetable)
    expect(error?.issues[0]?.path[0] ?? '').toBe(field)
  })
})
