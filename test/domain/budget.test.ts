import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkBudgetsAgree,
  costOf,
  crossed,
  levelOf,
  lineOf,
  mostOf,
  plannedBudget,
  pointsCost,
  roomOf,
  shareOf,
} from '../../domain/budget.ts'
import { type JourneyMeasure, RUNS_LEAST, isoWeek, proposalsOf, returnOf } from '../../domain/budget-review.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { type CheckoutWords, termsOf, worthOf } from '../../domain/offer.ts'

const minor = fc.integer({ min: 0, max: 100_000_000_000 })

describe('room', () => {
  it('is what is neither reserved nor spent, for marketing less the line, and never below zero', () => {
    const at = { cap: 1001, reserved: 300, spent: 200, lineBp: 500 }
    expect([roomOf(at, false), roomOf(at, true)]).toEqual([501, 450])
    expect(roomOf({ ...at, spent: 700 }, true)).toBe(0)
    // As the guarded UPDATE says it in whole numbers.
    fc.assert(
      fc.property(minor, fc.integer({ min: 0, max: 10_000 }), (cap, bp) => {
        expect(BigInt(lineOf(cap, bp))).toBe((BigInt(cap) * BigInt(bp) + 9999n) / 10_000n)
      }),
    )
  })
})

describe('thresholds', () => {
  it.each([
    [0, 0, 0],
    [0, 1, 0],
    [1, 0, 100],
    [499, 1000, 0],
    [500, 1000, 50],
    [799, 1000, 50],
    [800, 1000, 80],
    [950, 1000, 95],
    [999, 1000, 95],
    [1000, 1000, 100],
  ])('%i of %i is %i', (taken, cap, level) => {
    const part = Math.floor(taken / 3)
    expect(levelOf({ cap, reserved: part, spent: taken - part })).toBe(level)
  })

  it('passed at once are told each', () => {
    expect([crossed(0, 95), crossed(80, 95), crossed(95, 95), crossed(95, 80)]).toEqual([[50, 80, 95], [95], [], []])
  })
})

describe('the most a coupon costs', () => {
  it.each([
    [{ gives: { amount: 700 } }, 700],
    [{ gives: { percent: 10, atMost: 900 } }, 900],
    [{ gives: { percent: 10 }, cost: 500 }, 500],
    [{ gives: { percent: 10 } }, undefined],
    [{ gives: { shipping: 'free' }, cost: 600 }, 600],
    [{ cost: 40 }, 40],
    [{}, undefined],
  ] as [CheckoutWords, number | undefined][])('%j: %s', (words, most) => {
    expect(mostOf(termsOf(words))).toBe(most)
  })

  it('is never less than what it does cost, where it is bounded by what it gives', () => {
    const gives = fc.oneof(
      fc.record({ amount: fc.integer({ min: 1, max: 5000 }) }),
      fc.record({ percent: fc.integer({ min: 1, max: 100 }), atMost: fc.integer({ min: 1, max: 5000 }) }),
    )
    fc.assert(
      fc.property(
        gives,
        fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 1, maxLength: 4 }),
        (given, lines) => {
          const terms = termsOf({ gives: given })
          const basket = { lines: lines.map((amount, at) => ({ id: String(at), amount })), shipping: 500 }
          expect(costOf(terms, worthOf(terms, basket))).toBeLessThanOrEqual(mostOf(terms) ?? 0)
        },
      ),
    )
  })

  it('leaves the terms of offers without a worded cost as they were, so that they stay one version', () => {
    expect(Object.keys(termsOf({ gives: { amount: 1 } }))).toEqual(['gives', 'needs', 'group', 'onRefund'])
  })
})

describe('points', () => {
  it('cost whole minor units, rounded up; a part of them its share, rounded down', () => {
    expect([pointsCost(3, 0.1), pointsCost(30, 0.1), pointsCost(7, 2), pointsCost(9, 0)]).toEqual([1, 3, 14, 0])
    expect([shareOf(10, 1, 3), shareOf(10, 3, 3), shareOf(0, 1, 3), shareOf(10, 0, 3), shareOf(7, 0, 0)]).toEqual([
      3, 10, 0, 0, 7,
    ])
  })
})

describe('a plan with a budget', () => {
  const plan = (more: object) =>
    checkPlan('test', {
      title: 'Test',
      copy: {},
      offers: { ten: { title: 'Ten', quota: 1, perMember: 1, ...more } },
      budget: 'b',
    })

  it('is read, with the line that was not said', () => {
    const words = { name: 'new-customers', cap: 5000, journeyCap: 300, line: 2.5 }
    expect(checkPlan('test', { title: 'T', copy: {}, budget: words }).budget).toEqual({
      name: 'new-customers',
      cap: 5000,
      journeyCap: 300,
      lineBp: 250,
    })
    expect(checkPlan('test', { title: 'T', copy: {}, budget: 'some' }).budget).toEqual({
      name: 'some',
      cap: null,
      journeyCap: null,
      lineBp: 500,
    })
    expect(checkPlan('test', { title: 'T', copy: {} }).budget).toBeUndefined()
  })

  it.each([
    [{}, 'offers.ten.cost'],
    [{ gives: { percent: 10 } }, 'offers.ten.cost'],
    [{ gives: { shipping: 'free' } }, 'offers.ten.cost'],
    [{ gives: { gift: 'CUP' } }, 'offers.ten.cost'],
    [{ gives: { amount: 10 }, cost: 9 }, 'offers.ten.cost'],
    [{ gives: { percent: 10, atMost: 9 }, cost: 9 }, 'offers.ten.cost'],
    [{ gives: { percent: 10 }, cost: 0 }, 'offers.ten.cost'],
  ])('must know what each offer costs at most: %j', (more, field) => {
    expect(() => plan(more)).toThrow(expect.objectContaining({ code: 'JOURNEY_INVALID', field }))
  })

  it.each([
    { gives: { percent: 10, atMost: 9 } },
    { gives: { amount: 10 } },
    { gives: { percent: 10 }, cost: 9 },
    { cost: 9 },
    { gives: { gift: 'CUP' }, cost: 9 },
  ])('knows it of %j', (more) => {
    expect(plan(more).budget?.name).toBe('b')
  })

  it.each([
    'New customers',
    '',
    { name: 'x' },
    { name: 'x', cap: -1 },
    { name: 'x', cap: 1.5 },
    { name: 'x', cap: 1, line: 101 },
    { name: 'a/b', cap: 1 },
  ])('is refused for %j', (budget) => {
    expect(() => checkPlan('test', { title: 'T', copy: {}, budget })).toThrow(
      expect.objectContaining({ code: 'JOURNEY_INVALID', field: expect.stringMatching(/^budget/) }),
    )
  })

  it('may share its budget, but not word another cap for it', () => {
    const of = (name: string, words: Parameters<typeof plannedBudget>[0]) => ({ name, budget: plannedBudget(words) })
    const first = of('a', { name: 'b', cap: 5 })
    expect(() =>
      checkBudgetsAgree([first, of('c', 'b'), of('d', { name: 'b', cap: 5, journeyCap: 2 }), { name: 'e' }]),
    ).not.toThrow()
    expect(() => checkBudgetsAgree([first, of('c', { name: 'b', cap: 6 })])).toThrow(
      expect.objectContaining({ code: 'JOURNEY_INVALID', field: 'budget' }),
    )
  })
})

describe('the weekly look', () => {
  const journey = (
    name: string,
    budget: string,
    converted: number,
    more: Partial<JourneyMeasure> = {},
  ): JourneyMeasure => ({
    journey: name,
    budget,
    own: null,
    treated: { runs: 1000, converted },
    held: { runs: 1000, converted: 100 },
    spent: 100_000,
    ...more,
  })
  const budget = (id: string, taken: number, more: { cap?: number; parent?: string } = {}) => ({
    budget: id,
    parent: null,
    cap: 100_000,
    reserved: 0,
    spent: taken,
    lineBp: 500,
    ...more,
  })

  it('measures conversions above the control arm for each 10,000, with an interval around them', () => {
    const brought = returnOf('good', [journey('g', 'good', 300)])
    // 30 % less 10 % of 1,000 people for 10 times 10,000.
    expect(brought?.gained).toBeCloseTo(20, 10)
    expect(brought?.low).toBeGreaterThan(16)
    expect(brought?.high).toBeLessThan(24)
    const two = returnOf('good', [journey('g', 'good', 300), journey('h', 'good', 200)])
    expect(two).toMatchObject({ journeys: ['g', 'h'], spent: 200_000, treated: 2000, held: 2000 })
    expect(two?.gained).toBeCloseTo(15, 10)
  })

  it('says nothing of too little data', () => {
    expect(returnOf('x', [journey('g', 'other', 300)])).toBeUndefined()
    expect(returnOf('x', [journey('g', 'x', 300, { spent: 0 })])).toBeUndefined()
    const few = { runs: RUNS_LEAST - 1, converted: 5 }
    expect(returnOf('x', [journey('g', 'x', 300, { held: few })])).toBeUndefined()
    expect(returnOf('x', [journey('g', 'x', 50, { treated: few })])).toBeUndefined()
  })

  const measures = [journey('g', 'good', 300), journey('p', 'poor', 110)]

  it('proposes unspent money of the one that brings least for the one that brings most and runs short', () => {
    const [one, ...more] = proposalsOf([budget('good', 80_000), budget('poor', 10_000)], measures)
    expect(more).toEqual([])
    expect(one).toMatchObject({
      giver: 'poor',
      taker: 'good',
      amount: 20_000,
      reasons: { unspent: 85_000, takenShare: 0.8 },
    })
    // No more than is unspent besides the line.
    expect(proposalsOf([budget('good', 80_000), budget('poor', 94_050)], measures)[0]?.amount).toBe(900)
  })

  it.each([
    ['the better one has money', [budget('good', 79_999), budget('poor', 0)], measures],
    ['the other has none', [budget('good', 90_000), budget('poor', 95_000)], measures],
    [
      'they differ by chance',
      [budget('good', 90_000), budget('poor', 0)],
      [journey('g', 'good', 125), journey('p', 'poor', 110)],
    ],
    ['only one is measured', [budget('good', 90_000), budget('poor', 0)], [journey('g', 'good', 300)]],
    ['they lie in different campaigns', [budget('good', 90_000), budget('poor', 0, { parent: 'x' })], measures],
  ])('proposes nothing where %s', (_why, budgets, measured) => {
    expect(proposalsOf(budgets, measured)).toEqual([])
  })

  it('compares the journeys of one campaign by their own caps', () => {
    const own = measures.map((one) => ({ ...one, budget: 'all', own: `all/${one.journey}` }))
    const budgets = [
      budget('all', 10_000),
      budget('all/g', 90_000, { parent: 'all' }),
      budget('all/p', 0, { parent: 'all' }),
    ]
    expect(proposalsOf(budgets, own)).toMatchObject([{ giver: 'all/p', taker: 'all/g' }])
  })

  it.each([
    ['2026-11-23', '2026-W48'],
    ['2026-11-29', '2026-W48'],
    ['2026-11-30', '2026-W49'],
    ['2026-12-31', '2026-W53'],
    ['2027-01-03', '2026-W53'],
    ['2027-01-04', '2027-W01'],
    ['2024-12-30', '2025-W01'],
    ['2021-01-01', '2020-W53'],
    ['2028-02-29', '2028-W09'],
  ])('knows the week of %s: %s', (date, week) => {
    expect(isoWeek(date)).toBe(week)
  })
})
