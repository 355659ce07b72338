import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { liftOf } from '../../domain/statistics.ts'

describe('liftOf', () => {
  // R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10.
  it.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [0, 10, 0, 10, -0.2775, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
    [10, 10, 0, 10, 0.6075, 1],
  ])('%d/%d against %d/%d is worth what Newcombe says', (a, m, b, n, low, high) => {
    const lift = liftOf({ successes: a, total: m }, { successes: b, total: n })
    expect(lift?.difference).toBeCloseTo(a / m - b / n, 12)
    expect(lift?.low).toBeCloseTo(low, 4)
    expect(lift?.high).toBeCloseTo(high, 4)
  })

  it('says nothing while an arm is empty', () => {
    expect(liftOf({ successes: 0, total: 0 }, { successes: 1, total: 2 })).toBeUndefined()
    expect(liftOf({ successes: 1, total: 2 }, { successes: 0, total: 0 })).toBeUndefined()
  })

  it('holds the difference, stays within -1 and 1, and turns round with its arms', () => {
    const arm = fc
      .integer({ min: 1, max: 5_000 })
      .chain((total) => fc.record({ total: fc.constant(total), successes: fc.integer({ min: 0, max: total }) }))
    fc.assert(
      fc.property(arm, arm, (treated, held) => {
        const lift = liftOf(treated, held)
        const turned = liftOf(held, treated)
        if (!lift || !turned) return false
        expect(lift.low).toBeLessThanOrEqual(lift.difference)
        expect(lift.high).toBeGreaterThanOrEqual(lift.difference)
        expect(lift.low).toBeGreaterThanOrEqual(-1 - 1e-9)
        expect(lift.high).toBeLessThanOrEqual(1 + 1e-9)
        expect(turned.low).toBeCloseTo(-lift.high, 12)
        return true
      }),
      { seed: 1 },
    )
  })
})
