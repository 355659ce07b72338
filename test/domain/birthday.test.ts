import { describe, expect, it } from 'vitest'
import {
  type KeptBirthday,
  birthdayWithin,
  birthdaysWithin,
  isLunarBirthday,
  solarBirthday,
} from '../../domain/birthday.ts'

const DAY = 86_400_000
const ZONES = ['UTC', 'Asia/Shanghai', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'America/Santiago']

/** The days of windows, one after the other over some years, on which a birthday is kept, with the year it counts for. */
function kept(
  birthday: KeptBirthday,
  years: [first: number, last: number],
  zone = 'Asia/Shanghai',
  days = 7,
): string[] {
  const found: string[] = []
  const end = Date.UTC(years[1] + 1, 0, 1)
  for (let from = Date.UTC(years[0], 0, 1); from < end; from += days * DAY) {
    const one = birthdayWithin(birthday, zone, '09:30', { from, to: from + days * DAY })
    if (one) found.push(`${one.year} ${new Date(one.instant).toISOString().slice(0, 10)}`)
  }
  return found
}

describe('a birthday by the moon', () => {
  it('is kept on its day of the lunar year', () => {
    expect(kept({ month: 8, day: 15, calendar: 'lunar' }, [2025, 2028])).toEqual([
      '2025 2025-10-06',
      '2026 2026-09-25',
      '2027 2027-09-15',
      '2028 2028-10-03',
    ])
  })

  it('in a leap month is kept there where the year has it, else in the month before', () => {
    expect(kept({ month: 6, day: 1, calendar: 'lunar-leap' }, [2024, 2026])).toEqual([
      '2024 2024-07-06',
      '2025 2025-07-25',
      '2026 2026-07-14',
    ])
    expect(kept({ month: 6, day: 1, calendar: 'lunar' }, [2025, 2025])).toEqual(['2025 2025-06-25'])
  })

  it('on a 30th is kept on the 29th of a short month', () => {
    // The twelfth month of the lunar years 2025 and 2026 has 29 days, new year's eve is the last of them.
    expect(kept({ month: 12, day: 30, calendar: 'lunar' }, [2026, 2027])).toEqual([
      '2025 2026-02-16',
      '2026 2027-02-05',
    ])
  })

  it('at the end of the lunar year counts for that, as a year of ours may have two of them or none', () => {
    const days = kept({ month: 11, day: 20, calendar: 'lunar' }, [2020, 2032])
    const ours = days.map((day) => day.slice(5, 9))
    expect(new Set(ours).size).toBeLessThan(days.length)
    expect(new Set(days.map((day) => day.slice(0, 4))).size).toBe(days.length)
  })

  it('is once a lunar year for every day, in either month, in every zone', () => {
    const all = (['lunar', 'lunar-leap'] as const).flatMap((calendar) =>
      [1, 5, 6, 12].flatMap((month) => [1, 30].map((day) => ({ month, day, calendar }))),
    )
    for (const [index, birthday] of all.entries()) {
      const years = kept(birthday, [2024, 2029], ZONES[index % ZONES.length]).map((day) => day.slice(0, 4))
      expect(new Set(years).size, JSON.stringify(birthday)).toBe(years.length)
      for (const year of ['2025', '2026', '2027', '2028']) expect(years, JSON.stringify(birthday)).toContain(year)
    }
  })

  it('is among those that may be kept in a window, wherever it is', () => {
    for (let from = Date.UTC(2028, 0, 1); from < Date.UTC(2028, 11, 31); from += 11 * DAY) {
      const window = { from, to: from + DAY }
      const around = new Set(birthdaysWithin(window).lunar.map(({ month, day }) => month * 100 + day))
      for (let month = 1; month <= 12; month++)
        for (const day of [1, 15, 29, 30])
          for (const calendar of ['lunar', 'lunar-leap'] as const)
            for (const zone of [month % 2 ? 'Pacific/Kiritimati' : 'Pacific/Pago_Pago'])
              if (birthdayWithin({ month, day, calendar }, zone, '09:30', window))
                expect(around).toContain(month * 100 + day)
    }
  })

  it('has a month and a day by our calendar in each of its years, for the bonus of the day', () => {
    const birthday: KeptBirthday = { month: 8, day: 15, calendar: 'lunar' }
    expect(solarBirthday(birthday, '2026-09-25')).toEqual({ month: 9, day: 25 })
    expect(solarBirthday(birthday, '2027-09-25')).toEqual({ month: 9, day: 15 })
    expect(solarBirthday({ month: 2, day: 29 }, '2027-02-28')).toEqual({ month: 2, day: 29 })
  })

  it.each([
    [{ month: 8, day: 30 }, true],
    [{ month: 8, day: 31 }, false],
    [{ month: 13, day: 1 }, false],
    [{ month: 0, day: 1 }, false],
    [{ month: 1, day: 0 }, false],
  ])('may be %j: %s', (day, expected) => expect(isLunarBirthday(day)).toBe(expected))
})
