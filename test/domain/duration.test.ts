import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inWords, milliseconds } from '../../domain/duration.ts'
import { PerennialError } from '../../domain/errors.ts'

describe('milliseconds', () => {
  it.each([
    ['1 second', 1000],
    ['90 minutes', 5_400_000],
    ['1 hour', 3_600_000],
    ['2 days', 172_800_000],
    ['2 weeks', 1_209_600_000],
    ['1.5 hours', 5_400_000],
    [`${0.85 * 21} days`, 1_542_240_000],
    [`${1 / 3} hours`, 1_200_000],
    [`${1 / 2 ** 30} days`, 0],
    ['0 days', 0],
    [' 3 days ', 259_200_000],
    ['2d', 172_800_000],
    ['90m', 5_400_000],
    ['30s', 30_000],
    ['1w', 604_800_000],
  ])('reads %j', (words, ms) => expect(milliseconds(words)).toBe(ms))

  it.each([
    '',
    'day',
    'two days',
    '-1 day',
    '1 month',
    '2 dayz',
    '1 dayss',
    '1e3 days',
    '1,5 hours',
    '1 Day',
    '1 constructors',
    '9999999 days',
    'NaN days',
  ])('refuses %j, and says what would be right', (words) => {
    expect(() => milliseconds(words)).toThrow(
      expect.objectContaining({ code: 'DURATION_MALFORMED', expected: expect.stringContaining("'1 hour'") as string }),
    )
  })

  it('answers a finite time or an error of the catalogue, whatever it is given', () => {
    const words = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,7}(\.\d{1,4})? ?[a-z]{1,12}$/))
    fc.assert(
      fc.property(words, (text) => {
        try {
          const ms = milliseconds(text)
          return Number.isFinite(ms) && ms >= 0
        } catch (error) {
          return error instanceof PerennialError && error.code === 'DURATION_MALFORMED'
        }
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })
})

describe('inWords', () => {
  it.each([
    [0, '0 seconds'],
    [1500, '1.5 seconds'],
    [60_000, '1 minute'],
    [90_000, '90 seconds'],
    [3_600_000, '1 hour'],
    [172_800_000, '2 days'],
    [604_800_000, '7 days'],
  ])('%d ms is %j', (ms, words) => expect(inWords(ms)).toBe(words))

  it('is read back as the same time', () => {
    const seconds = fc.integer({ min: 0, max: 900_000 })
    fc.assert(
      fc.property(seconds, (amount) => milliseconds(inWords(amount * 1000)) === amount * 1000),
      { seed: 1 },
    )
  })
})
