import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BUCKETS, armOf, bucketOf, pickArm } from '../../domain/experiment.ts'

const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const share = (of: readonly string[], is: (id: string) => boolean): number => of.filter(is).length / of.length
const every = Array.from({ length: BUCKETS }, (_, bucket) => bucket)

describe('bucketOf', () => {
  it('is a whole number from 0 to 9,999, and always the same one', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (parts) => {
        const bucket = bucketOf(...parts)
        return Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS && bucket === bucketOf(...parts)
      }),
      { seed: 1 },
    )
    // Written down: a change of the hash would move every customer of every running test to another arm.
    expect([bucketOf('split', 'first-order', 'nudge', 'C1'), bucketOf('holdout', 'birthday', 'C1001')])
      .toMatchInlineSnapshot(`
      [
        4308,
        7620,
      ]
    `)
  })

  it('spreads ids evenly that stand in a row', () => {
    const counts = Array.from({ length: 100 }, () => 0)
    for (const id of ids('C', 100_000)) {
      const bin = Math.floor(bucketOf('split', 'first-order', 'nudge', id) / 100)
      counts[bin] = (counts[bin] ?? 0) + 1
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    // 99 degrees of freedom: 149 is passed once in a thousand draws.
    expect(chiSquare).toBeLessThan(149)
  })

  it('gives every tenth of the buckets a tenth of any 20,000 customers', () => {
    const prefix = fc.string({ minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(prefix, fc.integer({ min: 0, max: 9 }), (prefix, tenth) => {
        const within = share(ids(prefix, 20_000), (id) => Math.floor(bucketOf(id) / 1000) === tenth)
        expect(within).toBeGreaterThan(0.09)
        expect(within).toBeLessThan(0.11)
      }),
      { seed: 1, numRuns: 30 },
    )
  })
})

describe('pickArm', () => {
  const weight = fc.integer({ min: 0, max: 100 })

  it('sends every bucket one way, and none the way of an arm without weight', () => {
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 6 }), (weights) => {
        fc.pre(weights.some((one) => one > 0))
        const arms = weights.map((one, i) => [String(i), one] as const)
        const counts = new Map<string, number>()
        for (const bucket of every) counts.set(pickArm(arms, bucket), (counts.get(pickArm(arms, bucket)) ?? 0) + 1)
        const total = weights.reduce((sum, one) => sum + one, 0)
        for (const [arm, one] of arms) {
          const expected = (one / total) * BUCKETS
          expect(Math.abs((counts.get(arm) ?? 0) - expected)).toBeLessThanOrEqual(one === 0 ? 0 : 1)
        }
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  it('moves only the added share when a weight grows', () => {
    fc.assert(
      fc.property(weight, weight, (before, after) => {
        const arm = (percent: number, bucket: number): string =>
          pickArm([['new', percent] as const, ['old', 100 - percent] as const], bucket)
        const moved = every.filter((bucket) => arm(before, bucket) !== arm(after, bucket))
        expect(moved).toHaveLength(Math.abs(after - before) * 100)
        expect(moved.every((bucket) => arm(after, bucket) === (after > before ? 'new' : 'old'))).toBe(true)
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  it('refuses a split in which nothing has weight', () => {
    expect(() => pickArm([['only', 0] as const], 1)).toThrow(RangeError)
    expect(() => pickArm([], 1)).toThrow(RangeError)
  })
})

describe('armOf', () => {
  const people = ids('C', 20_000)
  const held = (percent: number) => (id: string) => armOf('first-order', id, percent) === 'holdout'

  it('holds out the share it is told to', () => {
    for (const percent of [0, 1, 5, 10, 33.3, 50]) {
      expect(Math.abs(share(people, held(percent)) - percent / 100)).toBeLessThan(0.012)
    }
    expect(people.some(held(0))).toBe(false)
    expect(people.every(held(100))).toBe(true)
  })

  it('keeps those who were held out when the share grows', () => {
    expect(people.filter(held(5)).every(held(10))).toBe(true)
  })

  it('has nothing to do with the arm of a split, or of another journey', () => {
    const heldOut = people.filter(held(10))
    const saving = (id: string): boolean => bucketOf('split', 'first-order', 'nudge', id) < BUCKETS / 2
    expect(Math.abs(share(heldOut, saving) - 0.5)).toBeLessThan(0.05)
    expect(Math.abs(share(heldOut, (id) => armOf('birthday', id, 10) === 'holdout') - 0.1)).toBeLessThan(0.03)
  })
})
