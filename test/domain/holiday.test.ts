import { describe, expect, it } from 'vitest'
import { isWorkday, readHolidays } from '../../domain/holiday.ts'

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
