import { describe, expect, test } from 'vitest'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { lookedAt, touchedBy } from '../../domain/audience-review.ts'
import { CONDITIONS_MOST, DEPTH_MOST, readAudienceFilter } from '../../domain/contracts/audience-filter.ts'

const deep = (levels: number): unknown => (levels === 1 ? { tag: 'a' } : { not: deep(levels - 1) })
const wide = (conditions: number): unknown => ({ any: Array.from({ length: conditions - 1 }, () => ({ tag: 'a' })) })

describe('a filter', () => {
  test.each<[string, AudienceFilter]>([
    ['of everybody', { everybody: true }],
    ['of several', { all: [{ any: [{ stage: ['new', 'active'] }, { not: { tier: 'gold' } }] }, { tag: 'tea' }] }],
    ['of scores', { rfm: { r: 5, f: { atLeast: 3 }, m: { atLeast: 2, atMost: 4 } } }],
    ['of a trait', { trait: 'babyBorn', atLeast: '2026-01-01', atMost: '2026-06-30' }],
    ['of a trait that is one of some', { trait: 'size', in: ['S', 'M', 38, true] }],
    ['of events', { event: 'order.paid', where: { channel: 'app' }, within: '90 days', atMost: 0 }],
    ['of money', { spent: { within: '365 days', atLeast: 500_000 } }],
    [
      'of places and words',
      { all: [{ zone: ['UTC', 'Asia/Shanghai'] }, { locale: 'zh-CN' }, { consent: 'marketing' }] },
    ],
    ['of another audience and of a channel', { all: [{ audience: 'vips' }, { channel: 'wecom' }] }],
    ['as deep as may be', deep(DEPTH_MOST) as AudienceFilter],
    ['with as many conditions as may be', wide(CONDITIONS_MOST) as AudienceFilter],
  ])('%s is read as it is', (_what, filter) => {
    expect(readAudienceFilter(filter)).toEqual(filter)
  })

  test.each<[unknown, string, RegExp]>([
    [null, 'filter', /expected a filter/],
    ['vips', 'filter', /expected a filter/],
    [[], 'filter', /expected a filter/],
    [{}, 'filter', /expected one of everybody, all, any/],
    [{ stages: 'new' }, 'filter', /expected one of everybody/],
    [{ stage: 'new', tag: 'tea' }, 'filter', /one condition, not stage and tag/],
    [{ tag: 'tea', more: 1 }, 'filter', /"more"/],
    [{ everybody: false }, 'everybody', /expected true/],
    [{ all: [] }, 'all', /at least one/],
    [{ all: {} }, 'all', /array/],
    [{ all: [{ tag: 'a' }, { not: { stage: 'asleep' } }] }, 'all.1.not.stage', /expected one of prospect, new/],
    [{ stage: [] }, 'stage', /at least one/],
    [{ rfm: {} }, 'rfm', /expected r, f or m/],
    [{ rfm: { r: 6 } }, 'rfm.r', /1 to 5/],
    [{ rfm: { r: { atLeast: 4, atMost: 2 } } }, 'rfm.r.atLeast', /no more than atMost/],
    [{ tag: '' }, 'tag', /./],
    [{ trait: 'age' }, 'filter', /is, in, atLeast/],
    [{ trait: 'age', is: null }, 'is', /expected a text, a number/],
    [{ trait: 'age', atLeast: 'young' }, 'atLeast', /number or a date/],
    [{ trait: 'age', atLeast: 3, atMost: '2026-03-01' }, 'atMost', /two numbers or two dates/],
    [{ trait: 'age', atLeast: 3, atMost: 2 }, 'atLeast', /no more than atMost/],
    [{ event: 'order.paid' }, 'within', /./],
    [{ event: 'order.paid', within: 'soon' }, 'within', /expected a duration/],
    [{ event: 'order.paid', within: '0 days' }, 'within', /expected a duration/],
    [{ event: 'order.paid', within: '20000 days' }, 'within', /ten years/],
    [{ event: 'paid', within: '2 days' }, 'event', /order\.paid/],
    [{ event: 'audience.entered', within: '2 days' }, 'event', /not of audiences/],
    [{ event: 'order.paid', within: '2 days', atLeast: -1 }, 'atLeast', /0 or more/],
    [{ event: 'order.paid', within: '2 days', where: { a: 'x'.repeat(2_000) } }, 'where', /2000 characters/],
    [{ spent: {} }, 'spent', /atLeast, atMost or both/],
    [{ spent: { atLeast: 1.5 } }, 'spent.atLeast', /whole minor units/],
    [{ zone: 'Nowhere/Town' }, 'zone', /IANA zone/],
    [{ consent: 'Marketing' }, 'consent', /topic/],
    [{ audience: 'Vips' }, 'audience', /kebab-case/],
    [{ channel: 'fax' }, 'channel', /expected one of email, sms/],
    [{ tag: 'a\u0000' }, 'tag', /without NUL/],
    [deep(DEPTH_MOST + 1), 'filter', /at most 8 filters within one another, not 9/],
    [wide(CONDITIONS_MOST + 1), 'filter', /at most 100 conditions, not 101/],
    [deep(60), `${'not.'.repeat(20).slice(0, -1)}`, /20 levels/],
  ])('%j is refused by its field', (filter, field, expected) => {
    expect(() => readAudienceFilter(filter)).toThrow(expect.objectContaining({ code: 'AUDIENCE_INVALID', field }))
    expect(() => readAudienceFilter(filter)).toThrow(expected)
  })
})

describe('what a filter looks at', () => {
  const named = new Map<string, AudienceFilter>([['vips', { all: [{ tier: 'gold' }, { audience: 'buyers' }] }]])
  named.set('buyers', { spent: { atLeast: 1 } })
  const of = (filter: AudienceFilter) => {
    const { things, drifts, audiences } = lookedAt(filter, { named })
    return { things: [...things].filter((one) => one !== 'new').sort(), drifts, audiences: [...audiences] }
  }

  test('is what may change it, through every and, or, not and name', () => {
    expect(of({ any: [{ zone: 'UTC' }, { not: { trait: 'age', exists: true } }, { channel: 'sms' }] })).toEqual({
      things: ['address', 'trait:age', 'zone'],
      drifts: false,
      audiences: [],
    })
    expect(of({ tag: 'a' })).toEqual({ things: ['tag'], drifts: true, audiences: [] })
    expect(of({ not: { audience: 'vips' } })).toEqual({
      things: ['event:order.paid', 'event:order.refunded', 'tier'],
      drifts: true,
      audiences: ['vips', 'buyers'],
    })
    expect([of({ spent: { atLeast: 1 } }).drifts, of({ spent: { atLeast: 1, within: '2 days' } }).drifts]).toEqual([
      false,
      true,
    ])
  })

  test('is what an event touches that says it, and of audiences nothing', () => {
    const touched = (type: string, customer: object = {}) => touchedBy({ type, customer })
    expect(touched('page.viewed')).toEqual(['event:page.viewed'])
    expect(
      touched('profile.updated', { tags: [], traits: { age: null }, consent: { news: false }, phone: null }),
    ).toEqual(['event:profile.updated', 'tag', 'address', 'trait:age', 'consent:news'])
    expect(touched('tier.upgraded')).toContain('tier')
    expect(touched('stage.changed')).toContain('standing')
    expect(touched('audience.entered')).toEqual([])
  })
})
