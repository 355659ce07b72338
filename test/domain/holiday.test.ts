import { describe, expect, it } from 'vitest'
import { isWorkday, readHolidays, workdaysAfter } from '../../domain/holiday.ts'

const LIST = 'date,kind,name\n2026-02-16,holiday,春节\n2026-02-14,workday,春节\n\n# until here\n'
const known = {
  years: new Set([2026]),
  days: new Map(readHolidays(LIST).map(({ date, kind }) => [date, kind] as const)),
}

describe('a workday', () => {
  it.each([
    ['2026-02-16', false],
    ['2026-02-14', true],
    ['2026-02-18', true],
    ['2026-02-21', false],
    ['2027-02-08', 'unknown'],
    ['2024-02-29', 'unknown'],
  ])('%s: %s', (date, works) => expect(isWorkday(date, known)).toBe(works))

  it('is asked of a day that exists', () => {
    expect(() => isWorkday('2026-02-30', known)).toThrow(expect.objectContaining({ code: 'TIME_MALFORMED' }))
  })
})

describe('so many working days later', () => {
  // Friday the 13th: the Saturday is worked for the Spring Festival, Sunday and Monday are not.
  it.each([
    [1, '2026-02-14T07:30:00.000Z'],
    [2, '2026-02-17T07:30:00.000Z'],
    [4, '2026-02-19T07:30:00.000Z'],
  ])('%i', (days, expected) => {
    const friday = Date.UTC(2026, 1, 13, 7, 30)
    const at = workdaysAfter(friday, days, { zone: 'Asia/Shanghai', holidays: known })
    expect(new Date(at).toISOString()).toBe(expected)
  })

  it('is a matter of the week where nobody told of the year, and of the zone’s own day', () => {
    const unknown = { years: new Set<number>(), days: new Map<string, never>() }
    // Thursday evening in London is Friday in Shanghai.
    const thursday = Date.UTC(2027, 0, 7, 20)
    const after = (zone: string): string =>
      new Date(workdaysAfter(thursday, 1, { zone, holidays: unknown })).toISOString().slice(0, 10)
    expect([after('Europe/London'), after('Asia/Shanghai')]).toEqual(['2027-01-08', '2027-01-10'])
  })
})

describe('a list of holidays', () => {
  it.each(['2026-02-30,holiday,x', '2026-2-3,holiday,x', '2026-02-03,feast,x', 'nonsense'])('refuses %s', (line) => {
    expect(() => readHolidays(`2026-01-01,holiday,元旦\n${line}`)).toThrow(
      expect.objectContaining({ code: 'HOLIDAYS_INVALID', field: 'line 2' }),
    )
  })

  it('refuses a day that stands there twice', () => {
    expect(() => readHolidays('2026-01-01,holiday,a\n2026-01-01,workday,b')).toThrow(/twice/)
  })
})
