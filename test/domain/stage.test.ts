import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Frame, dayNumber, reckon } from '../../domain/reckoning.ts'
import type { Order, ShopRhythm } from '../../domain/rhythm.ts'
import { isChurnRisk, limitsOf, settledUntil, stageOf } from '../../domain/stage.ts'
import { STAGES, type Stage } from '../../domain/standing.ts'

const order = (day: number, net = 100_00, ...categories: string[]): Order => ({
  day,
  at: day * 86_400_000,
  net,
  categories,
})
const SHOP: ShopRhythm = { gap: 40, byCategory: { cots: 150 } }
/** Bought every so many days, from day 0. */
const every = (gap: number, times: number, net?: number): Order[] =>
  Array.from({ length: times }, (_, n) => order(n * gap, net))

/** The stages of the days from one to another, each with its first day. */
function line(orders: Order[], from: number, to: number, shop = SHOP): string {
  const told: string[] = []
  let before: Stage | undefined
  for (let day = from; day <= to; day++) {
    const stage = stageOf(orders, day, shop)
    if (stage !== before) told.push(`${day} ${stage}`)
    before = stage
  }
  return told.join(', ')
}

describe('a stage that is settled', () => {
  const orders = fc
    .array(fc.record({ day: fc.integer({ min: 0, max: 500 }), net: fc.constantFrom(100_00, 3_000_00) }), {
      maxLength: 6,
    })
    .map((some) => some.map(({ day, net }) => order(day, net)).sort((one, other) => one.day - other.day))

  it('is the same on each day until then', () => {
    fc.assert(
      fc.property(orders, fc.integer({ min: 0, max: 1_500 }), (some, today) => {
        const until = Math.min(settledUntil(some, today, SHOP), today + 800)
        expect(until).toBeGreaterThanOrEqual(today)
        for (let day = today; day <= until; day++) expect(stageOf(some, day, SHOP)).toBe(stageOf(some, today, SHOP))
      }),
    )
  })

  it('ends with each of the limits, and with the days of somebody new', () => {
    const one = [order(0)]
    expect([0, 31, 61, 81].map((day) => settledUntil(one, day, SHOP))).toEqual([30, 60, 80, 364])
    expect(settledUntil([], 0, SHOP)).toBe(Infinity)
    // Nearly every day says more than itself.
    const moving = Array.from({ length: 800 }, (_, day) => day).filter((day) => settledUntil(one, day, SHOP) === day)
    expect(moving).toEqual([30, 60, 80, 364, 365])
  })
})

describe('the limits of silence', () => {
  it('are twice the usual gap, thirty days at least and a year at most; a year where nobody knows the gap', () => {
    expect([1, 15, 16, 100, 182, 183, 1_000, null].map((gap) => limitsOf(gap).dormant)).toEqual([
      30, 30, 32, 200, 364, 365, 365, 365,
    ])
    expect(limitsOf(50)).toEqual({ atRisk: 75, dormant: 100, lost: 365 })
    expect(limitsOf(150)).toEqual({ atRisk: 225, dormant: 300, lost: 600 })
  })
})

describe('the stage', () => {
  it('of somebody who never paid, or whose order is of a later day, is prospect', () => {
    expect(stageOf([], 0, SHOP)).toBe('prospect')
    expect(line([order(5)], 4, 5)).toBe('4 prospect, 5 new')
  })

  it('after one order goes by the shop’s rhythm', () => {
    expect(line([order(0)], 0, 800)).toBe('0 new, 31 active, 61 at-risk, 81 dormant, 366 lost')
  })

  it('after one order of a category that is bought seldom goes by that', () => {
    expect(line([order(0, 100_00, 'cots')], 0, 800)).toBe('0 new, 31 active, 226 at-risk, 301 dormant, 601 lost')
  })

  it('after several goes by their own rhythm', () => {
    expect(line(every(100, 3), 200, 800)).toBe('200 active, 351 at-risk, 401 dormant, 601 lost')
    // Weekly buyers are given the least.
    expect(line(every(7, 9), 56, 500)).toBe('56 active, 79 at-risk, 87 dormant, 422 lost')
  })

  it('of a shop that knows no gap yet waits a year', () => {
    const nobody = { gap: null, byCategory: {} }
    expect(line([order(0)], 0, 800, nobody)).toBe('0 new, 31 active, 274 at-risk, 366 dormant, 731 lost')
  })

  it('is high-value from five thousand yuan within the year on, until the order leaves it or silence comes', () => {
    expect(stageOf([order(0, 4_999_99)], 0, SHOP)).toBe('new')
    expect(line([order(0, 5_000_00)], 0, 90)).toBe('0 high-value, 81 dormant')
    const once = [order(0, 5_000_00), order(100), order(200), order(300), order(390)]
    expect(line(once, 360, 400)).toBe('360 high-value, 365 active')
  })

  it('of who comes back from a dormancy is reactivated for thirty days, whatever is bought in them', () => {
    const back = [...every(50, 3), order(400), order(410)]
    expect(line(back, 399, 450)).toBe('399 dormant, 400 reactivated, 431 active')
    expect(line([order(0), order(366)], 365, 400)).toBe('365 dormant, 366 reactivated, 397 active')
    // A long gap that was none for them.
    expect(line([...every(300, 3), order(950)], 949, 960)).toBe('949 at-risk, 950 active')
  })

  it('is one of the list for any history', () => {
    const seen = new Set<Stage>()
    check((orders, today, shop) => {
      const stage = stageOf(orders, today, shop)
      expect(STAGES).toContain(stage)
      seen.add(stage)
    })
    expect([...seen].sort()).toEqual([...STAGES].sort())
  })

  it('goes one way while nothing is bought', () => {
    const RANK: Record<Stage, number> = {
      prospect: 0,
      'high-value': 1,
      new: 2,
      reactivated: 2,
      active: 3,
      'at-risk': 4,
      dormant: 5,
      lost: 6,
    }
    check((orders, today, shop, more) => {
      const counted = orders.filter(({ day }) => day <= today)
      expect(RANK[stageOf(counted, today + more, shop)]).toBeGreaterThanOrEqual(RANK[stageOf(counted, today, shop)])
    })
  })

  it('on the day of an order is never one of silence, and after a dormancy it is a return', () => {
    check((orders, today, shop) => {
      const counted = orders.filter(({ day }) => day < today)
      const before = stageOf(counted, today, shop)
      const after = stageOf([...counted, order(today)], today, shop)
      expect(['new', 'active', 'high-value', 'reactivated']).toContain(after)
      if (before === 'dormant' || before === 'lost') expect(['reactivated', 'high-value']).toContain(after)
      if (before === 'prospect') expect(after).toBe('new')
    })
  })

  it('is not lost by paying more', () => {
    check((orders, today, shop, more) => {
      const dearer = orders.map((one) => ({ ...one, net: one.net + more * 100 }))
      if (stageOf(orders, today, shop) === 'high-value') expect(stageOf(dearer, today, shop)).toBe('high-value')
    })
  })

  it('does not hang on the order in which orders are told', () => {
    check((orders, today, shop) => {
      expect(stageOf(orders.toReversed(), today, shop)).toBe(stageOf(orders, today, shop))
      expect(isChurnRisk(orders.toReversed(), today, shop)).toBe(isChurnRisk(orders, today, shop))
    })
  })
})

describe('the risk that somebody stops', () => {
  it('is there between the silence that is long for them and the one that is the end', () => {
    const risks = [0, 60, 61, 81, 365, 366].map((day) => isChurnRisk([order(0)], day, SHOP))
    expect(risks).toEqual([false, false, true, true, true, false])
    expect(isChurnRisk([], 9, SHOP)).toBe(false)
  })

  it('is there for a good customer too', () => {
    const good = every(40, 5, 2_000_00)
    expect([stageOf(good, 225, SHOP), isChurnRisk(good, 225, SHOP)]).toEqual(['high-value', true])
  })

  it('is seen early where the last gap was long already', () => {
    const slowing = [...every(40, 4), order(120 + 60)]
    expect([220, 221].map((day) => isChurnRisk(slowing, day, SHOP))).toEqual([false, true])
    const steady = [...every(40, 4), order(120 + 59)]
    expect(isChurnRisk(steady, 221, SHOP)).toBe(false)
  })

  it('is never of somebody at risk, dormant or lost another thing than the stage says', () => {
    check((orders, today, shop) => {
      const stage = stageOf(orders, today, shop)
      if (stage === 'at-risk' || stage === 'dormant') expect(isChurnRisk(orders, today, shop)).toBe(true)
      if (stage === 'lost' || stage === 'prospect') expect(isChurnRisk(orders, today, shop)).toBe(false)
    })
  })
})

describe('a customer reckoned', () => {
  const frame: Frame = { edges: { r: [10, 20, 30, 40], m: [100_00, 200_00, 300_00, 400_00] }, rhythm: SHOP }
  const today = dayNumber('2026-11-23')

  it('has all a standing says', () => {
    const orders = [order(today - 400, 900_00), order(today - 60, 150_00, 'cots'), order(today - 25, 100_00, 'milk')]
    expect(reckon(orders, today, frame)).toEqual({
      stage: 'active',
      rfm: { r: 3, f: 2, m: 3 },
      segment: 'about-to-sleep',
      gapDays: 187.5,
      cycles: { cots: 150 },
      yearSpent: 250_00,
      lastPaidAt: '2026-10-29T00:00:00.000Z',
      firstPaidAt: '2025-10-19T00:00:00.000Z',
      churnRisk: false,
      orders: 3,
      yearOrders: 2,
    })
  })

  it('has no scores where nothing was bought within the window', () => {
    const nothing = { rfm: null, segment: null, yearSpent: 0, yearOrders: 0 }
    expect(reckon([order(today - 365)], today, frame)).toMatchObject({ ...nothing, stage: 'dormant', orders: 1 })
    expect(reckon([], today, frame)).toMatchObject({ ...nothing, stage: 'prospect', lastPaidAt: null, gapDays: null })
  })
})

/** Any history of some years, a day, a shop, and some days more. */
function check(holds: (orders: Order[], today: number, shop: ShopRhythm, more: number) => void): void {
  const orders = fc.array(
    fc.record({ day: fc.nat(1_500), yuan: fc.nat(3_000), category: fc.constantFrom('milk', 'cots', 'toys') }),
    { maxLength: 12 },
  )
  const gap = fc.integer({ min: 1, max: 500 })
  const shop = fc.record({ gap: fc.option(gap), byCategory: fc.record({ milk: gap, cots: gap }, { requiredKeys: [] }) })
  fc.assert(
    fc.property(orders, fc.nat(2_000), shop, fc.nat(400), (all, today, rhythm, more) =>
      holds(
        all.map(({ day, yuan, category }) => order(day, yuan * 100, category)),
        today,
        rhythm,
        more,
      ),
    ),
    { numRuns: 3_000 },
  )
}
