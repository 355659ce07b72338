import { describe, expect, it } from 'vitest'
import { FESTIVALS, festivalDate, lunarBirthday, lunarDate, toLunar } from '../../domain/lunar.ts'

describe('lunar dates', () => {
  it.each([
    ['spring-festival', 2026, '2026-02-17'],
    // ICU's Chinese calendar says 2027-02-07.
    ['spring-festival', 2027, '2027-02-06'],
    ['lantern', 2027, '2027-02-20'],
    ['qingming', 2026, '2026-04-05'],
    ['dragon-boat', 2026, '2026-06-19'],
    ['mid-autumn', 2026, '2026-09-25'],
    ['new-years-eve', 2027, '2027-02-05'],
    ['laba', 2026, '2026-01-26'],
  ] as const)('%s of %i is %s', (festival, year, date) => expect(festivalDate(festival, year)).toBe(date))

  it('go there and back for every festival of two centuries', () => {
    for (let year = 1902; year <= 2100; year++)
      for (const festival of FESTIVALS) {
        const date = festivalDate(festival, year)
        expect(lunarDate(toLunar(date)), `${festival} ${year}`).toBe(date)
      }
  })

  it.each([
    ['a 30th that the month has', { year: 2026, month: 1, day: 30 }],
    ['the leap month of 2025', { year: 2025, month: 6, day: 1, leap: true }],
  ])('have %s', (_, date) => expect(toLunar(lunarDate(date))).toEqual(date))

  it.each([
    { year: 2026, month: 6, day: 1, leap: true },
    { year: 2026, month: 13, day: 1 },
    { year: 2026, month: 1, day: 31 },
    { year: 1800, month: 1, day: 1 },
    { year: 2026.5, month: 1, day: 1 },
  ])('are refused where there is no such day: %j', (date) => {
    expect(() => lunarDate(date)).toThrow(expect.objectContaining({ code: 'TIME_MALFORMED' }))
  })
})

describe('a lunar birthday', () => {
  it('of a leap month is kept in it where the year has it, else in the month before', () => {
    const birthday = { month: 6, day: 1, leap: true }
    expect(lunarBirthday(birthday, 2025)).toBe('2025-07-25')
    expect(lunarBirthday(birthday, 2026)).toBe(lunarDate({ year: 2026, month: 6, day: 1 }))
  })

  it('of an ordinary month is not kept twice in a year that doubles it', () => {
    expect(lunarBirthday({ month: 6, day: 1 }, 2025)).toBe('2025-06-25')
  })

  it('on a 30th is kept on the 29th of a short month, and everybody has one each year', () => {
    for (let year = 1990; year <= 2090; year++) {
      const dates = Array.from({ length: 12 }, (_, i) => lunarBirthday({ month: i + 1, day: 30 }, year))
      expect(new Set(dates).size).toBe(12)
      for (const date of dates) expect([29, 30]).toContain(toLunar(date).day)
    }
  })
})
