import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effectKey, isKeyPart, partsOfRun, runId, sweepId, waitKey } from '../../domain/ids.ts'

describe('ids', () => {
  it('read like what they name', () => {
    expect(runId({ journey: 'first-order', customer: 'C1001' })).toBe('first-order/C1001')
    expect(runId({ journey: 'birthday', customer: 'C1001', occasion: '2027' })).toBe('birthday/C1001/2027')
    expect(effectKey('first-order/C1001', 'send', 'welcome', 1)).toBe('first-order/C1001/send/welcome')
    expect(effectKey('first-order/C1001', 'send', 'welcome', 2)).toBe('first-order/C1001/send/welcome#2')
    expect(waitKey('first-order/C1001', 3)).toBe('first-order/C1001/wait/3')
    expect(sweepId('birthday')).toBe('sweep/birthday')
  })

  it.each(['C1001', 'ada@shop.example', '客户一', 'a'.repeat(128), '-', '#2'])('take %j as a part', (part) =>
    expect(isKeyPart(part)).toBe(true),
  )

  it.each(['', ' ', 'a b', 'a/b', 'a\nb', 'a\u0000b', 'a\u001fb', 'a'.repeat(129)])('refuse %j as a part', (part) =>
    expect(isKeyPart(part)).toBe(false),
  )

  it('say again what they were made of', () => {
    const part = fc.string({ minLength: 1, maxLength: 20 }).filter(isKeyPart)
    fc.assert(
      fc.property(part, part, fc.option(part), (journey, customer, occasion) => {
        expect(partsOfRun(runId({ journey, customer, occasion }))).toEqual({ journey, customer, occasion })
      }),
      { seed: 1 },
    )
  })

  it('are never the same for two runs', () => {
    const part = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', '#', '2') }).filter(isKeyPart)
    const run = fc.tuple(part, part, fc.option(part))
    fc.assert(
      fc.property(run, run, (one, other) => {
        const id = ([journey, customer, occasion]: typeof one): string => runId({ journey, customer, occasion })
        expect(id(one) === id(other)).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })
})
