import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCode } from '../../domain/coupon.ts'
import {
  type Basket,
  type CheckoutWords,
  type Gives,
  MONEY_MOST,
  type Taken,
  type Worth,
  allocate,
  classOf,
  termsOf,
  whyNotRedeem,
  worthBeside,
  worthOf,
} from '../../domain/offer.ts'

const sum = (amounts: readonly number[]): number => amounts.reduce((all, amount) => all + amount, 0)

const amount = fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: MONEY_MOST }))
const category = fc.constantFrom('tea', 'cups', undefined)
const basketDrawn = fc.record({
  lines: fc
    .array(fc.record({ amount, category }), { minLength: 1, maxLength: 20 })
    .map((lines) => lines.map((line, at) => ({ id: `L${at}`, ...line }))),
  shipping: amount,
})
const minor = fc.integer({ min: 1, max: MONEY_MOST })
const gives: fc.Arbitrary<Gives> = fc.oneof(
  fc.record({ percent: fc.integer({ min: 1, max: 10_000 }).map((n) => n / 100) }),
  fc.record({ percent: fc.integer({ min: 1, max: 100 }), atMost: minor }),
  fc.record({ amount: minor }),
  fc.constant({ shipping: 'free' as const }),
  fc.constant({ gift: 'SKU-1' }),
)
const words: fc.Arbitrary<CheckoutWords> = fc.record({
  gives,
  needs: fc.option(fc.record({ categories: fc.constant(['tea']) }), { nil: undefined }),
})

const basketOf = (amounts: number[], more: Partial<Basket> = {}): Basket => ({
  lines: amounts.map((each, at) => ({ id: `L${at}`, amount: each })),
  shipping: 600,
  ...more,
})
const discounts = (given: CheckoutWords, basket: Basket, taken?: Taken): number[] =>
  worthOf(termsOf(given), basket, taken).lines.map((line) => line.discount)

describe('allocate', () => {
  it('sums exactly, stays in proportion to within one unit and never above a weight', () => {
    const drawn = fc
      .array(amount, { minLength: 1, maxLength: 30 })
      .chain((weights) => fc.tuple(fc.constant(weights), fc.double({ min: 0, max: 1, noNaN: true })))
    fc.assert(
      fc.property(drawn, ([weights, part]) => {
        const whole = sum(weights)
        const total = Math.floor(whole * part)
        const shares = allocate(total, weights)
        expect(sum(shares)).toBe(total)
        for (const [at, share] of shares.entries()) {
          const weight = weights[at] ?? 0
          expect(share).toBeGreaterThanOrEqual(0)
          expect(share).toBeLessThanOrEqual(weight)
          const exact = whole === 0 ? 0n : BigInt(total) * BigInt(weight)
          const gap = BigInt(share) * BigInt(whole) - exact
          expect(gap < BigInt(whole) || whole === 0).toBe(true)
          expect(-gap < BigInt(whole) || whole === 0).toBe(true)
        }
      }),
      { seed: 1 },
    )
  })

  it('gives the units that are left to the largest remainders, of equals to the first', () => {
    expect(allocate(100, [1, 1, 1])).toEqual([34, 33, 33])
    expect(allocate(10, [33, 33, 34])).toEqual([3, 3, 4])
    expect(allocate(1, [1, 2, 3])).toEqual([0, 0, 1])
    expect(allocate(0, [5, 5])).toEqual([0, 0])
    expect(allocate(7, [0, 0])).toEqual([0, 0])
  })
})

describe('worthOf', () => {
  it('whatever is given: lines sum to the discount, none goes below 0 or is discounted for another category', () => {
    fc.assert(
      fc.property(words, basketDrawn, (given, basket) => {
        const worth = worthOf(termsOf(given), basket)
        expect(sum(worth.lines.map((line) => line.discount))).toBe(worth.discount)
        expect(worth.discount).toBeLessThanOrEqual(sum(basket.lines.map((line) => line.amount)))
        expect([0, basket.shipping]).toContain(worth.shipping)
        for (const [at, line] of worth.lines.entries()) {
          expect(line.discount).toBeGreaterThanOrEqual(0)
          expect(line.discount).toBeLessThanOrEqual(line.amount)
          if (given.needs?.categories && basket.lines[at]?.category !== 'tea') expect(line.discount).toBe(0)
        }
      }),
      { seed: 1 },
    )
  })

  it('coupons one after the other never take more than the basket, line by line', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 5 }), basketDrawn, (offers, basket) => {
        const taken = { lines: new Map<string, number>(), shipping: 0 }
        for (const given of offers) {
          const worth = worthOf(termsOf(given), basket, taken)
          for (const { line, discount } of worth.lines) taken.lines.set(line, (taken.lines.get(line) ?? 0) + discount)
          taken.shipping += worth.shipping
        }
        for (const { id, amount: most } of basket.lines) expect(taken.lines.get(id) ?? 0).toBeLessThanOrEqual(most)
        expect(taken.shipping).toBeLessThanOrEqual(basket.shipping)
      }),
      { seed: 1 },
    )
  })

  it.each<[string, Gives, number[], number[]]>([
    ['a percentage, halves up', { percent: 10 }, [1005], [101]],
    ['a percentage with decimals', { percent: 12.5 }, [1000, 1000], [125, 125]],
    ['a capped percentage', { percent: 50, atMost: 300 }, [1000, 2000], [100, 200]],
    ['all of it', { percent: 100 }, [1, 999], [1, 999]],
    ['an amount', { amount: 100 }, [200, 100], [67, 33]],
    ['an amount above the basket', { amount: 1000 }, [200, 100], [200, 100]],
  ])('%s', (_what, given, amounts, expected) => {
    expect(discounts({ gives: given }, basketOf(amounts))).toEqual(expected)
  })

  it('takes what earlier coupons left', () => {
    const taken = { lines: new Map([['L0', 900]]), shipping: 600 }
    expect(discounts({ gives: { percent: 50 } }, basketOf([1000, 100]), taken)).toEqual([50, 50])
    expect(worthOf(termsOf({ gives: { shipping: 'free' } }), basketOf([1]), taken).shipping).toBe(0)
  })

  it('gives free shipping, a gift, or what the till knows', () => {
    expect(worthOf(termsOf({ gives: { shipping: 'free' } }), basketOf([1]))).toMatchObject({
      discount: 0,
      shipping: 600,
    })
    expect(worthOf(termsOf({ gives: { gift: 'CUP' } }), basketOf([1]))).toMatchObject({ discount: 0, gift: 'CUP' })
    expect(worthOf(termsOf({}), basketOf([1]))).toMatchObject({ discount: 0, shipping: 0, gift: null })
  })
})

describe('whyNotRedeem', () => {
  const tea = {
    lines: [
      { id: 'a', amount: 500, category: 'tea' },
      { id: 'b', amount: 900 },
    ],
    shipping: 0,
  }
  const asked = { basket: tea, paidBefore: false, beside: [] }
  const why = (given: CheckoutWords, more: object = {}): string | undefined =>
    whyNotRedeem(termsOf(given), { ...asked, ...more })

  it('says what the basket or the customer lacks', () => {
    expect(why({ needs: { minimum: 1400 } })).toBeUndefined()
    expect(why({ needs: { minimum: 1401 } })).toBe('MINIMUM_NOT_REACHED')
    expect(why({ needs: { minimum: 501, categories: ['tea'] } })).toBe('MINIMUM_NOT_REACHED')
    expect(why({ needs: { minimum: 500, categories: ['tea'] } })).toBeUndefined()
    expect(why({ needs: { categories: ['cups'] } })).toBe('NOT_FOR_THESE_ITEMS')
    expect(why({ needs: { firstOrder: true } })).toBeUndefined()
    expect(why({ needs: { firstOrder: true } }, { paidBefore: true })).toBe('FIRST_ORDER_ONLY')
  })

  it('stacks coupons of different groups alone', () => {
    const beside = [{ code: 'A', terms: termsOf({}), redeemed: null }]
    expect(why({}, { beside })).toBe('NOT_COMBINABLE')
    expect(why({ group: 'shipping' }, { beside })).toBeUndefined()
  })
})

describe('coupons side by side on an order', () => {
  const tea = {
    lines: [
      { id: 'a', amount: 1000, category: 'tea' },
      { id: 'b', amount: 500 },
    ],
    shipping: 600,
  }
  const coupon = (code: string, given: CheckoutWords) => ({ code, terms: termsOf(given), redeemed: null })

  it('apply by class: lines, the whole basket, the shipping; of one class by code', () => {
    const kinds: [CheckoutWords, string][] = [
      [{ gives: { percent: 10 }, needs: { categories: ['tea'] } }, 'line'],
      [{ gives: { gift: 'CUP' } }, 'line'],
      [{ gives: { amount: 100 } }, 'order'],
      [{}, 'order'],
      [{ gives: { shipping: 'free' } }, 'shipping'],
    ]
    for (const [given, its] of kinds) expect(classOf(termsOf(given))).toBe(its)
    const line = coupon('Z', { gives: { percent: 50 }, needs: { categories: ['tea'] } })
    const [first, second] = [coupon('A', { gives: { amount: 200 } }), coupon('B', { gives: { percent: 10 } })]
    expect(worthBeside(line, tea, [first, second]).discount).toBe(500)
    expect(worthBeside(first, tea, [second, line]).discount).toBe(200)
    expect(worthBeside(second, tea, [first, line]).discount).toBe(80)
    // What asks for more than the basket comes to takes nothing away before the others.
    expect(
      worthBeside(second, tea, [coupon('A', { gives: { amount: 200 }, needs: { minimum: 9_999 } })]).discount,
    ).toBe(150)
  })

  it('come to the same in whatever order they are redeemed, and never to more than the basket', () => {
    const drawn = fc.array(words, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(drawn, basketDrawn, fc.array(fc.nat(), { minLength: 5, maxLength: 5 }), (offers, basket, dice) => {
        const here = { basket, paidBefore: false, beside: [] }
        const held = offers
          .map((given, at) => coupon(`C${at}`, given))
          .filter(({ terms }) => whyNotRedeem(terms, here) === undefined)
        const shuffled = held.toSorted((a, b) => (dice[held.indexOf(a)] ?? 0) - (dice[held.indexOf(b)] ?? 0))
        const redeemAll = (order: typeof held): Map<string, Worth> => {
          const done = new Map<string, Worth>()
          for (const one of order) {
            const beside = held
              .filter(({ code }) => code !== one.code)
              .map((other) => ({ ...other, redeemed: takenBy(done.get(other.code)) }))
            done.set(one.code, worthBeside(one, basket, beside))
          }
          return done
        }
        const [one, other] = [redeemAll(held), redeemAll(shuffled)]
        for (const { code } of held) expect(other.get(code)).toEqual(one.get(code))
        for (const { id, amount: most } of basket.lines) {
          const off = [...one.values()].flatMap(({ lines }) => lines.filter(({ line }) => line === id))
          expect(sum(off.map(({ discount }) => discount))).toBeLessThanOrEqual(most)
        }
        expect(sum([...one.values()].map(({ shipping }) => shipping))).toBeLessThanOrEqual(basket.shipping)
      }),
      { seed: 1 },
    )
  })

  const takenBy = (worth: Worth | undefined): Taken | null =>
    worth === undefined
      ? null
      : { lines: new Map(worth.lines.map(({ line, discount }) => [line, discount])), shipping: worth.shipping }
})

it('counts accounts of one phone or mail as one where it is for a first order, or says so', () => {
  expect(termsOf({}).limitBy).toBeUndefined()
  expect(termsOf({ needs: { firstOrder: true } }).limitBy).toEqual(['phone', 'email'])
  expect(termsOf({ needs: { firstOrder: true }, limitBy: [] }).limitBy).toBeUndefined()
  expect(termsOf({ limitBy: ['email'] }).limitBy).toEqual(['email'])
})

it('a refund gives back unless told, and a re-issue has a life', () => {
  expect(termsOf({}).onRefund).toEqual({ is: 'return' })
  expect(termsOf({ onRefund: 'lost' }).onRefund).toEqual({ is: 'lost' })
  expect(termsOf({ onRefund: { reissue: '7 days' } }).onRefund).toEqual({ is: 'reissue', ms: 604_800_000 })
  expect(() => termsOf({ onRefund: { reissue: 'soon' } })).toThrow(/not a duration/)
})

it('a code is read as people type it', () => {
  expect(readCode(' abcd-efgh 2345 ')).toBe('ABCDEFGH2345')
  expect(['', 'ABCDEFGH234', 'ABCDEFGH23455', 'ABCDEFGH234O', 'ABCDEFGH234\u0000'].map(readCode)).toEqual(
    Array(5).fill(undefined),
  )
})
