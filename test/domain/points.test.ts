import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Lot,
  type OnReturn,
  allocate,
  clawBack,
  earningsOf,
  expiryOf,
  paidOrderOf,
  sumOf,
  yuanThatEarn,
} from '../../domain/points.ts'

const DAY = 86_400_000

describe('what an order earns', () => {
  it.each([
    [9_999, 0, 99],
    [10_000, 0, 100],
    [99, 0, 0],
    [10_000, 1, 99],
    [10_000, 1_200, 88],
    [500, 1_200, 0],
  ])('%i fen with %i of freight: %i points', (amount, freight, points) => {
    expect(yuanThatEarn({ amount, freight })).toBe(points)
    const earned = earningsOf({ earn: { perYuan: 1 } }, { amount, freight })
    expect(earned).toEqual(points === 0 ? [] : [{ bonus: null, amount: points }])
  })

  it('is unknown without an order that says what was paid, which a fixed amount does not ask', () => {
    expect(earningsOf({ earn: { perYuan: 1 } }, undefined)).toBeUndefined()
    expect(earningsOf({ earn: { fixed: 5 } }, undefined)).toEqual([{ bonus: null, amount: 5 }])
    expect(paidOrderOf({ amount: 500 })).toEqual({ amount: 500, freight: 0 })
    for (const amount of [undefined, null, '500', -1, 1.5, NaN]) expect(paidOrderOf({ amount })).toBeUndefined()
    expect(paidOrderOf({ amount: 500, freight: 'none' })).toBeUndefined()
  })

  it('has each multiplier as an award of its own, and they add up: 2 and 2 make 3', () => {
    const rule = { earn: { perYuan: 1 }, bonuses: { festival: 2, gold: 2, tenth: 1.1, none: 1 } }
    expect(earningsOf(rule, { amount: 7_000, freight: 0 })).toEqual([
      { bonus: null, amount: 70 },
      { bonus: 'festival', amount: 70 },
      { bonus: 'gold', amount: 70 },
      { bonus: 'tenth', amount: 7 },
    ])
  })

  it('is never more than what was paid at the rate, and an order split in two never earns more', () => {
    const fen = fc.integer({ min: 0, max: 1e9 })
    fc.assert(
      fc.property(fen, fen, (one, other) => {
        const yuan = (amount: number): number => yuanThatEarn({ amount, freight: 0 })
        expect(yuan(one) * 100).toBeLessThanOrEqual(one)
        expect(yuan(one) + yuan(other)).toBeLessThanOrEqual(yuan(one + other))
      }),
    )
  })
})

const lots = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 1, max: 50 }),
    remaining: fc.integer({ min: 0, max: 20 }),
    expiresAt: fc.option(fc.integer({ min: 1, max: 5 })),
  }),
  { selector: ({ id }) => id },
)

describe('a debit over lots', () => {
  it('takes those that expire first, then the oldest, those that never expire last', () => {
    const some: Lot[] = [
      { id: 1, remaining: 5, expiresAt: null },
      { id: 4, remaining: 5, expiresAt: 10 },
      { id: 3, remaining: 5, expiresAt: 10 },
      { id: 2, remaining: 5, expiresAt: 20 },
    ]
    expect(allocate(some, 17)).toEqual([
      { lot: 3, amount: 5 },
      { lot: 4, amount: 5 },
      { lot: 2, amount: 5 },
      { lot: 1, amount: 2 },
    ])
    expect(allocate(some, 7, 1)).toEqual([
      { lot: 1, amount: 5 },
      { lot: 3, amount: 2 },
    ])
  })

  it('takes exactly what was asked, or all there is; no lot twice, none beyond what it has', () => {
    fc.assert(
      fc.property(
        lots,
        fc.integer({ min: 0, max: 300 }),
        fc.option(fc.integer({ min: 1, max: 50 })),
        (some, asked, first) => {
          const draws = allocate(some, asked, first ?? undefined)
          const there = some.reduce((sum, { remaining }) => sum + remaining, 0)
          expect(sumOf(draws)).toBe(Math.min(asked, there))
          expect(new Set(draws.map(({ lot }) => lot)).size).toBe(draws.length)
          for (const { lot, amount } of draws) {
            expect(amount).toBeGreaterThan(0)
            expect(amount).toBeLessThanOrEqual(some.find(({ id }) => id === lot)?.remaining ?? 0)
          }
        },
      ),
    )
  })

  it('leaves no lot that expires before one it took from', () => {
    fc.assert(
      fc.property(lots, fc.integer({ min: 1, max: 300 }), (some, asked) => {
        const taken = new Map(allocate(some, asked).map(({ lot, amount }) => [lot, amount]))
        const end = ({ expiresAt }: Lot): number => expiresAt ?? Infinity
        const last = Math.max(-Infinity, ...some.filter(({ id }) => taken.has(id)).map(end))
        const left = some.filter((lot) => end(lot) < last && lot.remaining > (taken.get(lot.id) ?? 0))
        expect(left).toEqual([])
      }),
    )
  })
})

describe('a return', () => {
  it.each<[OnReturn, { taken: number; owed: number }]>([
    ['pending-only', { taken: 0, owed: 0 }],
    ['within-balance', { taken: 60, owed: 0 }],
    ['negative-allowed', { taken: 60, owed: 40 }],
  ])('of 100 with 60 left, %s: %j', (policy, expected) => {
    expect(clawBack(policy, 100, 60)).toEqual(expected)
    expect(clawBack(policy, 50, 60).owed).toBe(0)
  })
})

describe('the end of the last day', () => {
  it.each([
    ['Asia/Shanghai', '2026-11-23T15:59:59Z', 1, '2026-11-24T16:00:00Z'],
    ['Asia/Shanghai', '2026-11-23T16:00:00Z', 1, '2026-11-25T16:00:00Z'],
    ['UTC', '2027-12-31T23:59:59Z', 0, '2028-01-01T00:00:00Z'],
    ['UTC', '2027-03-01T12:00:00Z', 365, '2028-03-01T00:00:00Z'],
    ['UTC', '2028-02-28T12:00:00Z', 1, '2028-03-01T00:00:00Z'],
    ['Europe/Berlin', '2027-03-27T12:00:00Z', 1, '2027-03-28T22:00:00Z'],
    ['America/New_York', '2027-11-06T12:00:00Z', 1, '2027-11-08T05:00:00Z'],
  ])('in %s from %s on, %i days: %s', (zone, from, days, end) => {
    expect(new Date(expiryOf(Date.parse(from), days, zone) ?? 0).toISOString()).toBe(end.replace('Z', '.000Z'))
  })

  it('never comes without days, and otherwise after as many full days as were promised', () => {
    expect(expiryOf(0, undefined, 'UTC')).toBeNull()
    fc.assert(
      // From 1992 on, since when no day of Shanghai has 23 or 25 hours.
      fc.property(fc.integer({ min: 7e11, max: 2e12 }), fc.integer({ min: 0, max: 800 }), (from, days) => {
        const span = (expiryOf(from, days, 'Asia/Shanghai') ?? 0) - from
        expect(span).toBeGreaterThan(days * DAY)
        expect(span).toBeLessThanOrEqual((days + 1) * DAY)
      }),
    )
  })
})
