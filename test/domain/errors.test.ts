import { describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode, PerennialError, REFUSALS, problemOf } from '../../domain/errors.ts'

const errors = Object.entries(ERRORS)
const sentence = /^[A-Z].*[.]$/s

describe('the catalogue of errors', () => {
  it.each(errors)('%s says what it means and what to do', (code, { status, meaning, todo }) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    expect(meaning).toMatch(sentence)
    expect(todo).toMatch(sentence)
    expect(todo).not.toBe(meaning)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
  })

  it.each(Object.entries(REFUSALS))('%s says why not', (code, meaning) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    expect(meaning).toMatch(sentence)
  })

  it('has no code in both lists, and no two that mean the same', () => {
    expect(Object.keys(REFUSALS).filter((code) => code in ERRORS)).toEqual([])
    const meanings = [...errors.map(([, { meaning }]) => meaning), ...Object.values(REFUSALS)]
    expect(new Set(meanings).size).toBe(meanings.length)
  })

  it('becomes one answer for every edge', () => {
    const code: ErrorCode = 'DURATION_MALFORMED'
    const error = new PerennialError(code, "'2 dayz' is not a duration", { field: 'within', expected: "'2 days'" })
    expect(problemOf(error)).toEqual({
      code,
      message: "'2 dayz' is not a duration",
      todo: ERRORS[code].todo,
      field: 'within',
      expected: "'2 days'",
    })
    expect(problemOf(new PerennialError('INTERNAL', 'no'))).not.toHaveProperty('field')
  })

  it('keeps what caused an error', () => {
    const cause = new Error('below')
    expect(new PerennialError('INTERNAL', 'above', { cause }).cause).toBe(cause)
    expect(new PerennialError('INTERNAL', 'above')).not.toHaveProperty('cause')
  })
})
