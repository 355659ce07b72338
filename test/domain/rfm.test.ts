import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Edges, SEGMENTS, WINDOW, rfmOf, segmentOf, segmentsOf, valuesOf } from '../../domain/rfm.ts'
import type { Order } from '../../domain/rhythm.ts'

const order = (day: number, net = 100): Order => ({ day, at: day * 86_400_000, net, categories: [] })
const EDGES: Edges = { r: [10, 20, 30, 40], m: [100, 200, 300, 400] }
const TODAY = 1_000

describe('recency, frequency and money', () => {
  it('are days since the last order, distinct orders, and what is left of what was paid', () => {
    expect(valuesOf([order(990, 500), order(980, 40), order(980, 40), order(995, 0)], TODAY)).toEqual({
      days: 5,
      orders: 4,
      spent: 580,
    })
  })

  it('count the window that ends with the day: its first day is in, the one before is out, as is tomorrow', () => {
    const days = [TODAY - WINDOW, TODAY - WINDOW + 1, TODAY, TODAY + 1]
    expect(days.map((day) => valuesOf([order(day)], TODAY)?.orders)).toEqual([undefined, 1, 1, undefined])
    expect(valuesOf([], TODAY)).toBeNull()
  })
})

describe('scores', () => {
  it('of R and M are by the edges, whose own values lie within them', () => {
    const r = [0, 10, 11, 20, 30, 40, 41].map((days) => rfmOf({ days, orders: 1, spent: 0 }, EDGES).r)
    expect(r).toEqual([5, 5, 4, 4, 3, 2, 1])
    const m = [0, 100, 101, 200, 300, 400, 401].map((spent) => rfmOf({ days: 0, orders: 1, spent }, EDGES).m)
    expect(m).toEqual([1, 1, 2, 2, 3, 4, 5])
  })

  it('of F are by thresholds that nobody measures', () => {
    const f = [1, 2, 3, 4, 5, 7, 8, 100].map((orders) => rfmOf({ days: 0, orders, spent: 0 }, EDGES).f)
    expect(f).toEqual([1, 2, 3, 3, 4, 4, 5, 5])
  })

  it('are between 1 and 5, never better for a longer silence, never worse for another order or another yuan', () => {
    const edges = fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 }).map((all) => all.sort((a, b) => a - b))
    const values = fc.record({ days: fc.nat(WINDOW), orders: fc.integer({ min: 1, max: 20 }), spent: fc.nat(2_000) })
    fc.assert(
      fc.property(edges, edges, values, fc.nat(50), (r, m, one, more) => {
        const score = rfmOf(one, { r, m })
        for (const each of Object.values(score)) expect([1, 2, 3, 4, 5]).toContain(each)
        expect(rfmOf({ ...one, days: one.days + more }, { r, m }).r).toBeLessThanOrEqual(score.r)
        expect(rfmOf({ ...one, orders: one.orders + more }, { r, m }).f).toBeGreaterThanOrEqual(score.f)
        expect(rfmOf({ ...one, spent: one.spent + more }, { r, m }).m).toBeGreaterThanOrEqual(score.m)
      }),
    )
  })

  it('without edges, as where nobody bought within the window yet, are the best of R and the least of M', () => {
    expect(rfmOf({ days: 300, orders: 1, spent: 9 }, { r: [], m: [] })).toEqual({ r: 5, f: 1, m: 1 })
  })
})

describe('the map', () => {
  const axis = [1, 2, 3, 4, 5]
  const cells = axis.flatMap((r) => axis.flatMap((f) => axis.map((m) => ({ r, f, m }))))

  it('is total and disjoint: each of its 125 cells has one segment', () => {
    expect(cells).toHaveLength(125)
    expect(cells.filter((cell) => segmentsOf(cell).length !== 1)).toEqual([])
  })

  it('has a cell for every segment it names', () => {
    expect([...new Set(cells.map(segmentOf))].sort()).toEqual(Object.keys(SEGMENTS).sort())
  })

  it('refuses what is no cell', () => {
    expect(() => segmentOf({ r: 6, f: 1, m: 1 })).toThrow('no segment has the cell 6-1-1')
  })
})
