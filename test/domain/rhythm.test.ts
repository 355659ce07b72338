import { describe, expect, it } from 'vitest'
import { type Order, gapsOf, median, rhythmOf, visitsOf } from '../../domain/rhythm.ts'

const order = (day: number, ...categories: string[]): Order => ({ day, at: day * 86_400_000, net: 100, categories })
const SHOP = { gap: 60, byCategory: { milk: 20, cots: 300 } }

describe('a median', () => {
  it('is the middle, or half way between the two in the middle, whatever the order', () => {
    expect([median([]), median([7]), median([9, 1]), median([100, 1, 3])]).toEqual([null, 7, 5, 3])
  })
})

describe('gaps', () => {
  it('lie between days on which something was paid: two orders of one day are one visit', () => {
    const visits = visitsOf([order(30), order(10), order(10), order(15)])
    expect([visits, gapsOf(visits)]).toEqual([
      [10, 15, 30],
      [5, 15],
    ])
    expect(gapsOf([])).toEqual([])
  })
})

describe('the usual gap', () => {
  it('is the customer’s own from the second visit on', () => {
    expect(rhythmOf([order(0, 'milk'), order(50, 'milk')], SHOP)).toMatchObject({ own: 50, usual: 50 })
    // A second order on the first day is no second visit.
    expect(rhythmOf([order(0), order(0)], SHOP)).toMatchObject({ own: null, usual: 60 })
  })

  it('before that is the one of what was bought last, the longest of several, else the shop’s', () => {
    expect(rhythmOf([order(0, 'milk')], SHOP).usual).toBe(20)
    expect(rhythmOf([order(0, 'milk', 'cots')], SHOP).usual).toBe(300)
    expect(rhythmOf([order(0, 'toys')], SHOP).usual).toBe(60)
    expect(rhythmOf([order(0, 'toys')], { gap: null, byCategory: {} }).usual).toBeNull()
    expect(rhythmOf([], SHOP)).toEqual({ own: null, usual: 60, cycles: {} })
  })
})

describe('the cycle of a category', () => {
  it('is the customer’s own where they bought it twice, else the shop’s, else not known', () => {
    const orders = [order(0, 'milk', 'cots'), order(12, 'milk'), order(30, 'milk', 'toys')]
    expect(rhythmOf(orders, SHOP).cycles).toEqual({ cots: 300, milk: 15 })
  })
})
