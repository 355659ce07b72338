import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type RefundTold, refundsOf, shareOf } from '../../domain/returns.ts'

const told = (properties: object, id = 'e'): RefundTold => ({ id, properties: { ...properties } })

describe('the refunds of an order', () => {
  test('are of the whole where one says no amount, or what was paid is not known', () => {
    const paid = { amount: 100_00, freight: 0 }
    expect(refundsOf(paid, [])).toEqual({ whole: false, goods: 100_00, parts: [] })
    expect(refundsOf(paid, [told({})]).whole).toBe(true)
    expect(refundsOf(paid, [told({ amount: '5000' })]).whole).toBe(true)
    expect(refundsOf(undefined, [told({ amount: 50_00 })]).whole).toBe(true)
    expect(refundsOf({ amount: 9_00, freight: 9_00 }, [told({ amount: 1 })]).whole).toBe(true)
  })

  test('add up without the freight, each refund once, and are the whole when all that earned is paid back', () => {
    const paid = { amount: 110_00, freight: 10_00 }
    const some = [
      told({ refund: 'R1', amount: 40_00 }, 'a'),
      told({ refund: 'R1', amount: 90_00 }, 'b'),
      told({ amount: 25_00, freight: 5_00 }, 'c'),
      told({ refund: 7, amount: 0 }, 'd'),
    ]
    expect(refundsOf(paid, some)).toEqual({
      whole: false,
      goods: 100_00,
      parts: [
        { refund: 'R1', before: 0, upTo: 40_00 },
        { refund: '@c', before: 40_00, upTo: 60_00 },
        { refund: '7', before: 60_00, upTo: 60_00 },
      ],
    })
    expect(refundsOf(paid, [...some, told({ amount: 50_00, freight: 10_00 })]).whole).toBe(true)
  })

  test('take in shares that are rounded down in sum, whatever the parts, and come to all in the end', () => {
    const amounts = fc.array(fc.integer({ min: 0, max: 1_000_000_000 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(
        amounts,
        fc.integer({ min: 1, max: 1_000_000_000 }),
        fc.integer({ min: 1, max: 50_000_000 }),
        (back, amount, earned) => {
          const { goods, parts, whole } = refundsOf(
            { amount, freight: 0 },
            back.map((one, i) => told({ amount: one, refund: `R${i}` })),
          )
          const shares = parts.map((part) => shareOf(earned, part, goods))
          const sum = shares.reduce((all, one) => all + one, 0)
          const paidBack = Math.min(
            amount,
            back.reduce((all, one) => all + one, 0),
          )
          expect(shares.every((share) => share >= 0)).toBe(true)
          expect(BigInt(sum)).toBe((BigInt(earned) * BigInt(paidBack)) / BigInt(amount))
          expect(whole).toBe(paidBack === amount)
          if (whole) expect(sum).toBe(earned)
        },
      ),
    )
  })
})
