import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeFrom } from '../../domain/coupon.ts'

const random = fc.uint8Array({ minLength: 12, maxLength: 12 })

describe('codeFrom', () => {
  it('writes 12 symbols that nobody misreads', () => {
    fc.assert(
      fc.property(random, (bytes) => /^[2-9A-HJ-NP-Z]{12}$/.test(codeFrom(bytes))),
      { seed: 1 },
    )
  })

  it('uses each of its 32 symbols equally often', () => {
    const counts = new Map<string, number>()
    for (let byte = 0; byte < 256; byte++) {
      const symbol = codeFrom(new Uint8Array(12).fill(byte)).charAt(0)
      counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    }
    expect(counts.size).toBe(32)
    expect(new Set(counts.values())).toEqual(new Set([8]))
  })

  it('takes every byte into account', () => {
    fc.assert(
      fc.property(random, fc.integer({ min: 0, max: 11 }), (bytes, place) => {
        const other = Uint8Array.from(bytes, (byte, i) => (i === place ? byte ^ 1 : byte))
        return codeFrom(bytes) !== codeFrom(other)
      }),
      { seed: 1 },
    )
  })

  it('refuses to make a short code of too little chance', () => {
    expect(() => codeFrom(new Uint8Array(11))).toThrow(RangeError)
  })
})
