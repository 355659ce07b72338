import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readEvent } from '../../domain/contracts/event.ts'
import { PerennialError } from '../../domain/errors.ts'
import { unstorable } from '../../domain/storable.ts'

const GOOD = { id: 'e-1', type: 'order.paid', customer: 'C1' }
const of = (customer: object): object => ({ ...GOOD, customer: { id: 'C1', ...customer } })
const withProperties = (properties: unknown): object => ({ ...GOOD, properties })

function refusalOf(body: unknown): PerennialError {
  try {
    readEvent(body)
  } catch (error) {
    if (error instanceof PerennialError) return error
    throw error
  }
  throw new Error('it was taken')
}

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const BAD: [string, unknown, string, RegExp][] = [
  ['an event of our own', { ...GOOD, type: 'tier.upgraded' }, 'type', /Perennial tells itself/],
  ['nothing', null, 'event', /expected object/],
  ['a text', 'order.paid', 'event', /expected object/],
  ['an id that is missing', { type: 'order.paid', customer: 'C1' }, 'id', /expected string/],
  ['an id that is a number', { ...GOOD, id: 7 }, 'id', /expected string/],
  ['an id with a slash', { ...GOOD, id: 'a/b' }, 'id', /1 to 128 characters/],
  ['an id that is empty', { ...GOOD, id: '' }, 'id', /1 to 128 characters/],
  ['an id that is too long', { ...GOOD, id: 'a'.repeat(129) }, 'id', /1 to 128 characters/],
  ['a type of one word', { ...GOOD, type: 'paid' }, 'type', /noun\.past/],
  ['a type in capitals', { ...GOOD, type: 'Order.Paid' }, 'type', /noun\.past/],
  ['a customer who is missing', { id: 'e', type: 'a.b' }, 'customer', /a customer's id/],
  ['a customer who is null', { ...GOOD, customer: null }, 'customer', /a customer's id/],
  ['a customer who is a list', { ...GOOD, customer: ['C1'] }, 'customer', /a customer's id/],
  ['a customer with a blank in the id', { ...GOOD, customer: 'C 1' }, 'customer', /a customer's id/],
  ['a customer without an id', { ...GOOD, customer: { email: 'a@b.example' } }, 'customer.id', /expected string/],
  ['a customer with a slash in the id', of({ id: 'a/b' }), 'customer.id', /1 to 128 characters/],
  ['a customer with a field we do not know', of({ fax: '1' }), 'customer', /"fax"/],
  ['a phone without a country', of({ phone: '12345' }), 'customer.phone', /\+8613912345678/],
  ['an address that is none', of({ email: 'ada' }), 'customer.email', /ada@mail\.example/],
  ['an address with a line break', of({ email: 'a@b.example\nBcc: c@d.example' }), 'customer.email', /an address/],
  ['a name of two lines', of({ name: 'a\r\nb' }), 'customer.name', /one line/],
  ['a zone that is none', of({ zone: 'Moon/Base' }), 'customer.zone', /Asia\/Shanghai/],
  ['a locale that is none', of({ locale: 'english' }), 'customer.locale', /zh-CN/],
  ['a birthday that no year has', of({ birthday: '02-30' }), 'customer.birthday', /a day that exists/],
  ['a birthday in other words', of({ birthday: '29 Feb' }), 'customer.birthday', /02-29/],
  ['a tag that is a number', of({ tags: ['a', 5] }), 'customer.tags.1', /expected string/],
  ['more tags than one can have', of({ tags: Array.from({ length: 51 }, String) }), 'customer.tags', /50/],
  ['a topic in capitals', of({ consent: { News: true } }), 'customer.consent.News', /topics in lower case/],
  [
    'a consent to a channel there is not',
    of({ consent: { news: { granted: true, channels: ['fax'] } } }),
    'customer.consent.news.channels.0',
    /expected one of/,
  ],
  ['an address of a channel there is not', of({ reach: { fax: '1' } }), 'customer.reach', /fax/],
  ['a consent that is a text', of({ consent: { news: 'yes' } }), 'customer.consent.news', /true, false or/],
  ['a time in words', { ...GOOD, at: 'yesterday' }, 'at', /ISO 8601/],
  ['a time without a zone', { ...GOOD, at: '2026-11-23T08:00:00' }, 'at', /ISO 8601/],
  ['a day that does not exist', { ...GOOD, at: '2026-02-30T08:00:00Z' }, 'at', /ISO 8601/],
  ['a field we do not know', { ...GOOD, propertys: {} }, 'event', /"propertys"/],
  ['properties that are a list', withProperties([1]), 'properties', /expected record/],
  [
    'a number that JSON rounds to infinity',
    JSON.parse('{"id":"e","type":"a.b","customer":"C","properties":{"a":1e999}}'),
    'properties.a',
    /./,
  ],
  ['too much of properties', withProperties({ a: 'x'.repeat(20_000) }), 'properties', /20000 characters/],
  ['NUL in a property', withProperties({ a: ['b', 'x\u0000'] }), 'properties.a.1', /without NUL/],
  ['NUL in the name of a property', withProperties({ 'a\u0000': 1 }), 'properties', /keys without NUL/],
  ['NUL in a field', { ...GOOD, 'a\u0000': 1 }, 'event', /keys without NUL/],
  ['NUL in a name', of({ name: 'a\u0000' }), 'customer.name', /without NUL/],
  ['half a character', withProperties({ a: '\ud83d' }), 'properties.a', /lone surrogates/],
  [
    'a prototype',
    JSON.parse('{"id":"e","type":"a.b","customer":"C","properties":{"a":{"__proto__":{"b":1}}}}'),
    'properties.a',
    /__proto__/,
  ],
  [
    'more levels than can be walked',
    withProperties({ a: nested(50_000) }),
    `properties.a${'.0'.repeat(18)}`,
    /20 levels/,
  ],
]

describe('an event', () => {
  test('may be as short as an id, a type and a customer', () => {
    expect(readEvent(GOOD)).toEqual({ id: 'e-1', type: 'order.paid', customer: { id: 'C1' }, properties: {} })
  })

  test('may say all of its customer, and what is null is a wish to forget it', () => {
    const customer = {
      id: 'C1',
      email: 'ada@mail.example',
      name: '安 Ada',
      zone: 'Asia/Shanghai',
      locale: 'zh-CN',
      birthday: '1990-02-29',
      tags: ['vip'],
      consent: { marketing: true },
    }
    const read = readEvent({
      ...GOOD,
      at: '2026-11-23T16:00:00+08:00',
      customer,
      properties: { amount: 1.5, lines: [null] },
    })
    expect(read.customer).toEqual({ ...customer, birthday: { month: 2, day: 29 } })
    expect(read.properties).toEqual({ amount: 1.5, lines: [null] })
    expect(readEvent(of({ name: null })).customer).toEqual({ id: 'C1', name: null })
  })

  test.each(BAD)('is refused with %s', (_what, body, field, expected) => {
    const refusal = refusalOf(body)
    expect({ code: refusal.code, field: refusal.field }).toEqual({ code: 'EVENT_INVALID', field })
    expect(refusal.expected).toMatch(expected)
    expect(refusal.message).toContain(refusal.expected)
  })

  test('is never answered with all of what was sent', () => {
    const refusal = refusalOf({ ...GOOD, ['x'.repeat(100_000)]: 1 })
    expect(refusal.message.length).toBeLessThan(600)
  })

  test('of any JSON is taken or refused with a field, never broken', () => {
    const answered = (body: unknown): boolean => {
      try {
        return readEvent(body).id.length > 0
      } catch (error) {
        return error instanceof PerennialError && error.code === 'EVENT_INVALID' && error.field !== undefined
      }
    }
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 30, stringUnit: 'binary' }), (value) =>
        [value, withProperties(value), withProperties({ a: value }), of({ name: value })].every(answered),
      ),
    )
  })
})

describe('what can be kept', () => {
  test('is all JSON but NUL, half characters, prototypes and depth', () => {
    const value = JSON.parse('{"constructor":{"prototype":1},"toString":"😀","a":[{"":null},-0.5,true]}') as unknown
    expect(unstorable(value)).toBeUndefined()
    expect(unstorable(nested(20))).toBeUndefined()
    expect(unstorable(nested(21))).toMatchObject({ expected: 'expected at most 20 levels' })
  })

  test('names the first flaw', () => {
    expect(unstorable({ a: { b: '\u0000' }, c: '\u0000' })?.path).toEqual(['a', 'b'])
  })
})
