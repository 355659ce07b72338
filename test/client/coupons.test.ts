import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeFrom } from '../../domain/coupon.ts'
import { codesOf, makeCodes } from '../../store/codes.ts'
import { addOffers } from '../../store/coupons.ts'
import { NOON, person } from '../world.ts'
import { BEARER, event, served } from './served.ts'

const world = served()
const drawCode = (): string => codeFrom(randomBytes(12))

let code = ''
beforeEach(async () => {
  await sql`truncate offers, code_batches, coupons, redemptions, code_tries, checkout_answers cascade`.execute(world.db)
  const ten = { title: 'Ten off', quota: 9, perMember: 1, gives: { percent: 10 }, needs: { minimum: 100 } }
  await addOffers(world.db, { ten })
  await makeCodes(world.db, { batch: 'b', offer: 'ten', count: 1, valid: '7 days', now: NOON, drawCode })
  for await (const [first] of codesOf(world.db, { batch: 'b', made: 1 })) code = first ?? ''
  await world.post(event('e1', { customer: person('C1') }))
})

const cart = { customer: 'C1', order: 'O-1', lines: [{ id: 'tea', amount: 1999 }], shipping: 500 }

let keys = 0
async function ask(action: string, payload: unknown, more: { code?: string; headers?: object } = {}) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `k-${++keys}`, ...BEARER, ...more.headers }
  const url = `/v1/coupons/${encodeURIComponent(more.code ?? code)}/${action}`
  return world.app.inject({ method: 'POST', url, payload: payload as string, headers })
}

test('from the cart to the refund', async () => {
  const worth = { discount: 200, shipping: 0, gift: null, lines: [{ line: 'tea', amount: 1999, discount: 200 }] }
  const about = { offer: 'ten', title: 'Ten off', gives: { percent: 10 }, expiresAt: '2026-11-30T12:00:00.000Z' }
  const held = await ask(
    'reserve',
    { ...cart, for: '10 minutes' },
    { code: code.toLowerCase().replace(/(.{4})/g, '$1-') },
  )
  expect(held.json()).toEqual({ ok: true, heldUntil: '2026-11-23T12:10:00.000Z', ...about, ...worth, replayed: false })
  expect(held.headers['cache-control']).toBe('no-store')
  expect((await ask('release', { customer: 'C1', order: 'O-1' })).json()).toEqual({
    ok: true,
    released: true,
    replayed: false,
  })
  const headers = { 'idempotency-key': 'pay-O-1' }
  const redeemed = (await ask('redeem', cart, { headers })).json() as object
  expect(redeemed).toEqual({ ok: true, redeemedAt: '2026-11-23T12:00:00.000Z', ...about, ...worth, replayed: false })
  expect((await ask('redeem', cart, { headers })).json()).toEqual({ ...redeemed, replayed: true })
  const other = await ask('redeem', { ...cart, shipping: 0 }, { headers })
  expect([other.statusCode, other.json().error.code]).toEqual([409, 'IDEMPOTENCY_MISMATCH'])
  const refunded = await ask('refund', { customer: 'C1', order: 'O-1' })
  expect(refunded.json()).toEqual({
    ok: true,
    outcome: 'returned',
    expiresAt: about.expiresAt,
    lines: [{ line: 'tea', discount: 200 }],
    replayed: false,
  })
})

test('a part of an order comes back by its lines, the coupon with the last of them', async () => {
  const lines = [
    { id: 'tea', amount: 1000 },
    { id: 'cup', amount: 500 },
  ]
  await ask('redeem', { ...cart, lines })
  const of = { customer: 'C1', order: 'O-1' }
  expect((await ask('refund', { ...of, lines: ['cup'] })).json()).toEqual({
    ok: true,
    outcome: 'kept',
    expiresAt: null,
    lines: [{ line: 'cup', discount: 50 }],
    replayed: false,
  })
  const other = await ask('refund', { ...of, lines: ['pot'] })
  expect(other.json()).toMatchObject({ ok: false, code: 'LINE_NOT_REDEEMED' })
  expect((await ask('refund', { ...of, lines: [] })).statusCode).toBe(400)
  expect((await ask('refund', of)).json()).toMatchObject({
    outcome: 'returned',
    lines: [{ line: 'tea', discount: 100 }],
  })
})

test('an order’s event redeems what its cart had reserved, and the route is told the same', async () => {
  await ask('reserve', cart)
  const paid = { type: 'order.paid', properties: { order: 'O-1', amount: 2299, coupon: code } }
  const answer = await world.post(event('paid-1', paid))
  expect(answer.json()).toEqual({ accepted: 1, duplicates: 0, rejected: [] })
  expect((await ask('redeem', cart)).json()).toMatchObject({ ok: true, discount: 200, replayed: true })
})

test('accounts of one phone are told so', async () => {
  const many = { title: 'Many', quota: 9, perMember: 1, limitBy: ['phone'] as const, gives: { gift: 'CUP' } }
  await addOffers(world.db, { many })
  await makeCodes(world.db, { batch: 'm', offer: 'many', count: 2, valid: '7 days', now: NOON, drawCode })
  const codes: string[] = []
  for await (const some of codesOf(world.db, { batch: 'm', made: 2 })) codes.push(...some)
  await world.post(event('p1', { customer: person('C1', { phone: '+86 139 1234 5678' }) }))
  await world.post(event('p2', { customer: person('C2', { phone: '139-1234-5678' }) }))
  expect((await ask('redeem', cart, { code: codes[0] ?? '' })).json()).toMatchObject({ ok: true, gift: 'CUP' })
  const second = await ask('redeem', { ...cart, customer: 'C2', order: 'O-2' }, { code: codes[1] ?? '' })
  expect(second.json()).toMatchObject({ ok: false, code: 'IDENTITY_LIMIT', meaning: expect.stringMatching(/phone/) })
})

test('a refusal is an answer with a code and its meaning, and may be asked again under its key', async () => {
  const headers = { 'idempotency-key': 'again' }
  const small = { ...cart, lines: [{ id: 'tea', amount: 99 }] }
  const refused = await ask('redeem', small, { headers })
  expect([refused.statusCode, refused.json()]).toEqual([
    200,
    { ok: false, code: 'MINIMUM_NOT_REACHED', meaning: expect.stringMatching(/less than/) },
  ])
  expect((await ask('redeem', cart, { headers })).json()).toMatchObject({ ok: true })
})

test('what is no code, what is none, and what is another’s are told the same; then it is 429', async () => {
  const [one, other] = [await ask('redeem', cart, { code: 'TEN' }), await ask('redeem', cart, { code: drawCode() })]
  expect(one.json()).toEqual(other.json())
  expect(one.json()).toMatchObject({ ok: false, code: 'COUPON_UNKNOWN' })
  for (let guess = 1; guess < 10; guess++) await ask('reserve', cart, { code: drawCode() })
  const locked = await ask('redeem', cart)
  expect([locked.statusCode, locked.headers['retry-after'], locked.json().code]).toEqual([429, '600', 'TOO_MANY_TRIES'])
})

describe('a request is refused', () => {
  test('without the key of the shop', async () => {
    const response = await ask('redeem', cart, { headers: { authorization: 'Bearer wrong' } })
    expect([response.statusCode, response.json().error.code]).toEqual([401, 'API_KEY_INVALID'])
  })

  test.each([
    ['no key of its own', {}, { 'idempotency-key': '' }, 'Idempotency-Key'],
    ['a key of many lines', {}, { 'idempotency-key': 'a b' }, 'Idempotency-Key'],
    ['no customer', { customer: undefined }, {}, 'customer'],
    ['no order', { order: '' }, {}, 'order'],
    ['no lines', { lines: [] }, {}, 'lines'],
    ['two lines of one id', { lines: [cart.lines[0], cart.lines[0]] }, {}, 'lines'],
    ['half a fen', { lines: [{ id: 'a', amount: 0.5 }] }, {}, 'lines.0.amount'],
    ['money owed', { lines: [{ id: 'a', amount: -1 }] }, {}, 'lines.0.amount'],
    ['more than there is', { shipping: 1_000_000_001 }, {}, 'shipping'],
    ['a word nobody knows', { coupon: 'x' }, {}, 'body'],
    ['a hold without end', { for: '8 days' }, {}, 'for'],
    ['a hold that is none', { for: 'a while' }, {}, 'for'],
    ['a category that cannot be kept', { lines: [{ id: 'a', amount: 1, category: '\u0000' }] }, {}, 'lines.0.category'],
  ])('with %s', async (_what, change, headers, field) => {
    const response = await ask('reserve', { ...cart, ...change }, { headers })
    expect([response.statusCode, response.json().error]).toMatchObject([400, { code: 'CHECKOUT_INVALID', field }])
  })

  test('for a customer who is none, by another method, as another type', async () => {
    const nobody = await ask('redeem', { ...cart, customer: 'C9' })
    expect([nobody.statusCode, nobody.json().error.code]).toEqual([404, 'CUSTOMER_UNKNOWN'])
    const got = await world.app.inject({ method: 'GET', url: `/v1/coupons/${code}/redeem`, headers: BEARER })
    expect(got.statusCode).toBe(404)
    const text = await ask('redeem', 'x', { headers: { 'content-type': 'text/plain' } })
    expect(text.statusCode).toBe(415)
    const cut = await ask('redeem', '{"customer":')
    expect([cut.statusCode, cut.json().error.code]).toEqual([400, 'REQUEST_MALFORMED'])
  })

  test('and the log names no code and no customer', async () => {
    await ask('redeem', cart)
    const lines = world.logged.join('\n')
    expect(lines).toContain('/v1/coupons/:code/redeem')
    expect(lines).not.toContain(code)
  })
})
