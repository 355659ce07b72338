import { describe, expect, test } from 'vitest'
import { expiringIn, lastDayOf, markOf, nextWeek, weekFrom } from '../../domain/expiry.ts'

const at = (iso: string): number => Date.parse(iso)
const points = (iso: string, amount: number) => ({ at: at(iso), amount })

const SHANGHAI = 'Asia/Shanghai'

describe('what expires', () => {
  test('is of the day before the midnight at which it is over, on the customer’s calendar', () => {
    expect(lastDayOf(points('2027-01-05T16:00:00Z', 1), SHANGHAI)).toBe('2027-01-05')
    expect(lastDayOf(points('2027-01-05T16:00:00Z', 1), 'America/New_York')).toBe('2027-01-05')
    expect(lastDayOf(points('2027-01-05T15:59:59Z', 1), SHANGHAI)).toBe('2027-01-05')
    expect(lastDayOf(points('2027-01-05T00:00:00Z', 1), 'UTC')).toBe('2027-01-04')
  })

  test('within a week of its first day is told together, day by day', () => {
    const items = [
      points('2027-01-12T00:00:00Z', 7),
      points('2027-01-06T00:00:00Z', 10),
      points('2027-01-09T00:00:00Z', 5),
      points('2027-01-06T00:00:00Z', 1),
      points('2027-01-13T00:00:00Z', 100),
    ]
    expect(weekFrom(items, '2027-01-05', 'UTC')).toMatchObject({
      first: '2027-01-05',
      last: '2027-01-11',
      total: 23,
      by: [
        { date: '2027-01-05', amount: 11 },
        { date: '2027-01-08', amount: 5 },
        { date: '2027-01-11', amount: 7 },
      ],
    })
    expect(weekFrom(items, '2027-01-14', 'UTC')).toBeUndefined()
  })

  test('is worth a run from thirty-one days before on, where the week comes to enough and was not told of', () => {
    const items = [
      points('2027-01-06T00:00:00Z', 60),
      points('2027-01-11T00:00:00Z', 40),
      points('2027-01-13T00:00:00Z', 200),
    ]
    const next = (today: string, told: string | null = null, worth = 100) =>
      nextWeek(items, 'UTC', { today, told, worth })
    expect(next('2026-12-04')).toBeUndefined()
    expect(next('2026-12-05')).toBe('2027-01-05')
    // Sixty, forty and two hundred: below the worth the week may begin later.
    expect(next('2026-12-20', null, 101)).toBe('2027-01-10')
    expect(next('2026-12-20', null, 241)).toBeUndefined()
    expect(next('2026-12-20', '2027-01-05')).toBe('2027-01-12')
    expect(next('2026-12-20', '2027-01-12')).toBeUndefined()
    // On the last day itself it is too late.
    expect(next('2027-01-11')).toBe('2027-01-12')
    expect(next('2027-01-12')).toBeUndefined()
  })

  test('every day of a customer who earns daily is in one week that is told of, and in one only', () => {
    const items = Array.from({ length: 60 }, (_, i) => ({
      at: at('2027-01-01T00:00:00Z') + (i + 1) * 86_400_000,
      amount: 10,
    }))
    const days = new Map<string, number>()
    let told: string | null = null
    for (let day = at('2026-11-25T10:00:00Z'); day < at('2027-03-05T10:00:00Z'); day += 86_400_000) {
      const today = new Date(day).toISOString().slice(0, 10)
      const first = nextWeek(
        items.filter((one) => one.at > day),
        'UTC',
        { today, told, worth: 10 },
      )
      if (first === undefined) continue
      told = first
      for (const { date } of weekFrom(items, first, 'UTC')?.by ?? []) days.set(date, (days.get(date) ?? 0) + 1)
    }
    expect([days.size, Math.max(...days.values())]).toEqual([60, 1])
  })
})

describe('the day so many days before', () => {
  const mark = (now: string, daysBefore: number, { zone = 'UTC', waited = false, first = '2027-03-31' } = {}) =>
    markOf(first, { daysBefore, at: '10:00', zone, now: at(now), waited })

  test('is waited for, is there all day long, and is past the day after', () => {
    expect(mark('2027-03-01T09:59:59Z', 30)).toEqual({ is: 'wait', until: at('2027-03-01T10:00:00Z') })
    expect(mark('2027-03-01T10:00:00Z', 30)).toEqual({ is: 'due' })
    expect(mark('2027-03-01T23:59:59Z', 30)).toEqual({ is: 'due' })
    expect(mark('2027-03-02T00:00:00Z', 30)).toEqual({ is: 'late' })
    expect(mark('2027-03-02T00:00:00Z', 30, { waited: true })).toEqual({ is: 'due' })
  })

  test.each([
    ['Asia/Shanghai', '2027-03-30T02:00:00Z'],
    ['America/New_York', '2027-03-30T14:00:00Z'],
    // The clocks change between the thirtieth day and the last.
    ['Europe/London', '2027-03-30T09:00:00Z'],
  ])('is at ten in %s', (zone, ten) => {
    expect(mark('2027-03-29T00:00:00Z', 1, { zone })).toEqual({ is: 'wait', until: at(ten) })
  })

  test('counts calendar days over the end of February, with and without a 29th, and over the clock change back', () => {
    expect(mark('2027-02-01T00:00:00Z', 30, { first: '2027-03-30' })).toEqual({
      is: 'wait',
      until: at('2027-02-28T10:00:00Z'),
    })
    expect(mark('2028-02-01T00:00:00Z', 30, { first: '2028-03-30' })).toEqual({
      is: 'wait',
      until: at('2028-02-29T10:00:00Z'),
    })
    const back = { first: '2027-11-07', zone: 'America/New_York' }
    expect(mark('2027-11-01T00:00:00Z', 1, back)).toEqual({ is: 'wait', until: at('2027-11-06T14:00:00Z') })
    expect(mark('2027-11-07T12:00:00Z', 0, back)).toEqual({ is: 'wait', until: at('2027-11-07T15:00:00Z') })
  })
})

test('what is told is good for a day, and never beyond the first that expires', () => {
  const asked = { from: '2027-01-05', zone: 'UTC', daysBefore: 1, waited: false, at: '10:00', worth: 50 }
  const items = [
    points('2027-01-06T00:00:00Z', 60),
    { ...points('2027-01-08T00:00:00Z', 1), coupon: { code: 'C', title: 'T' } },
  ]
  expect(expiringIn(items, { ...asked, now: at('2027-01-04T10:00:00Z') })).toMatchObject({
    is: 'due',
    expiring: {
      total: 61,
      coupons: [{ code: 'C', title: 'T', expires: '2027-01-07' }],
      until: '2027-01-05T10:00:00.000Z',
    },
  })
  expect(expiringIn(items, { ...asked, waited: true, now: at('2027-01-05T20:00:00Z') })).toMatchObject({
    expiring: { until: '2027-01-06T00:00:00.000Z' },
  })
  expect(expiringIn(items.slice(1), { ...asked, now: at('2027-01-04T10:00:00Z') })).toEqual({ is: 'nothing' })
})
