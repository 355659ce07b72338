import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runId } from '../../domain/ids.ts'
import {
  type PastEntry,
  type Properties,
  type Reentry,
  canonical,
  concerns,
  decideEntry,
  matches,
  occasionOf,
} from '../../domain/journey.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 23)
const rule = (reentry: Partial<Reentry>) => ({
  reentry: { when: 'any', gap: 0, atMost: Infinity, ...reentry } as Reentry,
})
const was = (entry: Partial<PastEntry>): PastEntry => ({
  occasion: null,
  enteredAt: NOW - 10 * DAY,
  open: false,
  ...entry,
})

describe('matches', () => {
  const event = { type: 'order.paid', properties: { channel: 'web', lines: [{ sku: 'A', count: 1 }] } }

  it('asks for the type and every named property', () => {
    expect(matches({ on: 'order.paid' }, event)).toBe(true)
    expect(matches({ on: 'order.placed' }, event)).toBe(false)
    expect(matches({ on: 'order.paid', where: { channel: 'web' } }, event)).toBe(true)
    expect(matches({ on: 'order.paid', where: { channel: 'shop' } }, event)).toBe(false)
    expect(matches({ on: 'order.paid', where: { channel: 'web', store: 'x' } }, event)).toBe(false)
    expect(matches({ on: 'order.paid', where: { lines: [{ count: 1, sku: 'A' }] } }, event)).toBe(true)
  })

  it('takes a missing property for no value at all, null either', () => {
    expect(matches({ on: 'order.paid', where: { store: null } }, event)).toBe(false)
  })
})

describe('what an event may not be, and has to share', () => {
  const of = (properties: Properties) => ({ type: 'customer.registered', properties })

  it('leaves out the events that have all of `unless`', () => {
    const pattern = { on: 'customer.registered', unless: { import: true, shop: 'main' } }
    expect(matches(pattern, of({}))).toBe(true)
    expect(matches(pattern, of({ import: true }))).toBe(true)
    expect(matches(pattern, of({ import: 'true', shop: 'main' }))).toBe(true)
    expect(matches(pattern, of({ import: true, shop: 'main', more: 1 }))).toBe(false)
  })

  const about = (shares: string, properties: Properties, begun: Properties): boolean =>
    concerns({ occasion: 'order' }, { on: 'order.paid', shares }, { properties, occasion: 'O1', begun })
  const lines = (...categories: string[]): Properties => ({
    lines: categories.map((category) => ({ id: 'L', category })),
  })

  it.each([
    ['cart', { cart: 'K1' }, { cart: 'K1' }, true],
    ['cart', { cart: 'K2' }, { cart: 'K1' }, false],
    ['cart', { cart: '1' }, { cart: 1 }, true],
    ['cart', {}, { cart: 'K1' }, true],
    ['cart', { cart: 'K1' }, {}, true],
    ['lines.category', lines('tea', 'coffee'), lines('coffee', 'milk'), true],
    ['lines.category', lines('tea'), lines('coffee', 'milk'), false],
    ['lines.category', lines('tea'), { lines: [{ id: 'L' }] }, true],
    ['lines.category', { lines: 'tea' }, lines('tea'), true],
    ['constructor.name', lines('tea'), lines('tea'), true],
  ])('shares %s of %j with %j: %s', (path, properties, begun, expected) => {
    expect(about(path, properties, begun)).toBe(expected)
  })
})

describe('canonical', () => {
  it('is the same for the same content in any order', () => {
    expect(canonical({ b: 1, a: { d: [1, 2], c: null } })).toBe(canonical({ a: { c: null, d: [1, 2] }, b: 1 }))
    expect(canonical([1, 2])).not.toBe(canonical([2, 1]))
  })

  it('is as good as the JSON it stands for', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      { seed: 1 },
    )
  })
})

describe('occasionOf', () => {
  it.each([
    [{ cart: 'K1' }, 'K1'],
    [{ cart: 42 }, '42'],
    [{}, undefined],
    [{ cart: null }, undefined],
    [{ cart: '' }, undefined],
    [{ cart: 'a/b' }, undefined],
    [{ cart: 'a b' }, undefined],
    [{ cart: ['K1'] }, undefined],
    [{ cart: 'x'.repeat(129) }, undefined],
  ])('of %j is %j', (properties, occasion) => expect(occasionOf('cart', properties)).toBe(occasion))
})

describe('decideEntry', () => {
  const decide = (reentry: Partial<Reentry>, past: PastEntry[], occasion: string | null = null) =>
    decideEntry(rule(reentry), { occasion, now: NOW, past })

  it('lets everybody in for the first time', () => {
    for (const when of ['never', 'after-exit', 'any'] as const) {
      expect(decide({ when }, [])).toEqual({ enter: true, occasion: null })
      expect(decide({ when }, [], 'K1')).toEqual({ enter: true, occasion: 'K1' })
    }
  })

  it.each([
    ['never, a second time', { when: 'never' }, [was({})], null, 'ALREADY_ENTERED'],
    ['never, the same occasion', { when: 'never' }, [was({ occasion: 'K1' })], 'K1', 'ALREADY_ENTERED'],
    ['any, the same occasion', { when: 'any' }, [was({ occasion: 'K1' })], 'K1', 'ALREADY_ENTERED'],
    ['after-exit, while one is open', { when: 'after-exit' }, [was({ open: true })], null, 'ALREADY_ENTERED'],
    [
      'after-exit, another is open',
      { when: 'after-exit' },
      [was({ occasion: 'K1', open: true })],
      'K2',
      'ALREADY_ENTERED',
    ],
    ['too soon', { gap: 11 * DAY }, [was({})], null, 'REENTRY_TOO_SOON'],
    [
      'too soon after the last of many',
      { gap: 2 * DAY },
      [was({}), was({ enteredAt: NOW - DAY })],
      null,
      'REENTRY_TOO_SOON',
    ],
    ['too often', { atMost: 2 }, [was({}), was({})], null, 'REENTRY_LIMIT'],
  ] as const)('refuses: %s', (_what, reentry, past, occasion, code) => {
    expect(decide(reentry, [...past], occasion)).toEqual({ enter: false, code })
  })

  it.each([
    ['never, another occasion', { when: 'never' }, [was({ occasion: 'K1', open: true })], 'K2', 'K2'],
    ['after-exit, when it is over', { when: 'after-exit' }, [was({})], null, '2'],
    ['any, while one is open', { when: 'any' }, [was({ open: true })], null, '2'],
    ['when the gap is over to the millisecond', { gap: 10 * DAY }, [was({})], null, '2'],
    ['the last that is allowed', { atMost: 2 }, [was({})], null, '2'],
    ['a number that an occasion has', {}, [was({ occasion: '2' })], null, '3'],
  ] as const)('lets in: %s', (_what, reentry, past, asked, occasion) => {
    expect(decide(reentry, [...past], asked)).toEqual({ enter: true, occasion })
  })

  it('never makes the same run twice, and keeps its own rules, whatever comes in whatever order', () => {
    const reentry = fc.record({
      when: fc.constantFrom('never' as const, 'after-exit' as const, 'any' as const),
      gap: fc.constantFrom(0, DAY, 3 * DAY),
      atMost: fc.constantFrom(1, 2, 5, Infinity),
    })
    const step = fc.record({
      occasion: fc.option(fc.constantFrom('K1', '2', '3', '4')),
      passes: fc.integer({ min: 0, max: 2 * DAY }),
      ends: fc.boolean(),
    })
    fc.assert(
      fc.property(reentry, fc.array(step, { maxLength: 15 }), (reentry, steps) => {
        const past: PastEntry[] = []
        const runs = new Set<string>()
        let now = NOW
        for (const { occasion, passes, ends } of steps) {
          now += passes
          if (ends) for (const one of past) one.open = false
          const entry = decideEntry({ reentry }, { occasion, now, past })
          if (!entry.enter) continue
          const run = runId({ journey: 'test', customer: 'C1', occasion: entry.occasion })
          expect(runs).not.toContain(run)
          expect(occasion === null || entry.occasion === occasion).toBe(true)
          expect(reentry.when === 'after-exit' && past.some((one) => one.open)).toBe(false)
          for (const one of past) expect(now - one.enteredAt).toBeGreaterThanOrEqual(reentry.gap)
          runs.add(run)
          past.push({ occasion: entry.occasion, enteredAt: now, open: true })
        }
        expect(past.length).toBeLessThanOrEqual(reentry.atMost)
      }),
      { seed: 1, numRuns: 1_000 },
    )
  })
})
