import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { codeFrom } from '../../domain/coupon.ts'
import type { Programme } from '../../domain/referral.ts'
import { giveCode } from '../../store/referrals.ts'
import { openReview } from '../../store/reviews.ts'
import { NOON, person } from '../world.ts'
import { BEARER, event, served } from './served.ts'

const world = served()
const drawCode = (): string => codeFrom(randomBytes(12))
const programme = plansOf(await readCatalogue()).get('referral-reward')?.referral as Programme

let code = ''
beforeEach(async () => {
  await sql`truncate referral_codes, referrals, referral_rewards, reviews, checkout_answers, code_tries cascade`.execute(
    world.db,
  )
  await world.post([event('e1', { customer: person('A1') }), event('e2', { customer: person('F1') })])
  const of = { campaign: 'referral-reward', advocate: 'A1', programme, now: NOON, drawCode }
  const given = await giveCode(world.db, of, async () => undefined)
  code = 'code' in given ? given.code.code : ''
})

let keys = 0
async function claim(payload: unknown, more: { code?: string; headers?: object } = {}) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `k-${++keys}`, ...BEARER, ...more.headers }
  const url = `/v1/referrals/${encodeURIComponent(more.code ?? code)}/claim`
  return world.app.inject({ method: 'POST', url, payload: payload as string, headers })
}
const get = async (url: string, headers: object = BEARER) =>
  world.app.inject({ method: 'GET', url, headers: { ...headers } })

describe('a claim', () => {
  test('is answered at once, once a key and once a friend, and begins the friend’s journey', async () => {
    const headers = { 'idempotency-key': 'first' }
    const answer = { ok: true, friend: 'F1', code, status: 'claimed', claimUntil: '2026-12-23T12:00:00.000Z' }
    const first = await claim({ customer: 'F1' }, { headers, code: code.toLowerCase() })
    expect([first.statusCode, first.headers['cache-control'], first.json()]).toEqual([
      200,
      'no-store',
      { ...answer, replayed: false },
    ])
    expect((await claim({ customer: 'F1' }, { headers, code: code.toLowerCase() })).json()).toEqual({
      ...answer,
      replayed: true,
    })
    expect((await claim({ customer: 'F1' })).json()).toEqual({ ...answer, replayed: true })
    const other = await claim({ customer: 'A1' }, { headers })
    expect([other.statusCode, other.json().error.code]).toEqual([409, 'IDEMPOTENCY_MISMATCH'])
    const { rows } = await sql`select id from enrolments`.execute(world.db)
    expect(rows).toEqual([{ id: 'referral-friend/F1' }])
  })

  test('that is refused is an answer, and may be asked again', async () => {
    const headers = { 'idempotency-key': 'again' }
    expect((await claim({ customer: 'A1' }, { headers })).json()).toEqual({
      ok: false,
      code: 'REFERRAL_SELF',
      meaning: expect.stringMatching(/own/),
    })
    expect((await claim({ customer: 'F1' }, { headers })).json()).toMatchObject({ ok: true })
    for (let guess = 0; guess < 10; guess++) {
      const answer = await claim({ customer: 'F1', visitor: 'v' }, { code: drawCode() })
      expect(answer.json().code).toBe('REFERRAL_UNKNOWN')
    }
    const locked = await claim({ customer: 'A1', visitor: 'v' })
    expect([locked.statusCode, locked.headers['retry-after'], locked.json().code]).toEqual([
      429,
      '600',
      'TOO_MANY_TRIES',
    ])
  })

  test.each([
    ['no customer', {}, {}, 400, 'REQUEST_INVALID'],
    ['a word nobody knows', { customer: 'F1', code: 'x' }, {}, 400, 'REQUEST_INVALID'],
    ['no key of its own', { customer: 'F1' }, { 'idempotency-key': '' }, 400, 'CHECKOUT_INVALID'],
    ['no key of the shop', { customer: 'F1' }, { authorization: 'Bearer wrong' }, 401, 'API_KEY_INVALID'],
    ['a customer who is none', { customer: 'C9' }, {}, 404, 'CUSTOMER_UNKNOWN'],
  ])('with %s is an error', async (_what, body, headers, status, problem) => {
    const response = await claim(body, { headers })
    expect([response.statusCode, response.json().error.code]).toEqual([status, problem])
  })
})

test('a customer’s referral says the code, where the friends stand, and who brought them', async () => {
  await claim({ customer: 'F1' })
  expect((await get('/v1/customers/A1/referral')).json()).toEqual({
    customer: 'A1',
    codes: [
      {
        campaign: 'referral-reward',
        code,
        claims: 1,
        limit: 100,
        startsAt: '2026-11-23T12:00:00.000Z',
        endsAt: '2027-11-23T12:00:00.000Z',
      },
    ],
    friends: { claimed: 1, pending: 0, approved: 0, denied: 0, voided: 0 },
    rewards: [],
    broughtBy: null,
  })
  await world.post(event('p1', { type: 'order.paid', customer: 'F1', properties: { order: 'O1', amount: 150_00 } }))
  expect((await get('/v1/customers/A1/referral')).json().friends).toMatchObject({ claimed: 0, pending: 1 })
  expect((await get('/v1/customers/F1/referral')).json()).toMatchObject({
    codes: [],
    broughtBy: { advocate: 'A1', code, status: 'pending' },
  })
  expect((await get('/v1/customers/C9/referral')).json().error.code).toBe('CUSTOMER_UNKNOWN')
  expect((await get('/v1/customers/A1/referral', {})).statusCode).toBe(401)
})

describe('reviews', () => {
  async function asked(): Promise<string> {
    await world.post(event('r1', { type: 'customer.registered', customer: person('C7') }))
    await sql`update enrolments set arm = 'treated'`.execute(world.db)
    const run = 'first-order/C7'
    const review = {
      key: `${run}/review/x`,
      run,
      topic: 'fraud',
      deadline: NOON + 1000,
      otherwise: 'deny',
      now: NOON,
    } as const
    await openReview(world.db, review)
    const { reviews } = (await get('/v1/reviews')).json() as { reviews: { id: number }[] }
    expect(reviews).toMatchObject([{ topic: 'fraud', customer: 'C7', otherwise: 'deny', rules: [] }])
    return `/v1/reviews/${reviews[0]?.id}`
  }
  const decide = async (url: string, payload: object, headers: object = BEARER) =>
    world.app.inject({ method: 'POST', url, payload, headers: { ...headers } })

  test('are decided once', async () => {
    const url = await asked()
    const yes = { decision: 'approve', by: 'ada', reason: 'known' }
    expect((await decide(url, yes)).json()).toMatchObject({ ok: true, decision: 'approve', by: 'ada', replayed: false })
    expect((await decide(url, yes)).json()).toMatchObject({ ok: true, replayed: true })
    expect((await decide(url, { ...yes, decision: 'deny' })).json()).toEqual({
      ok: false,
      code: 'REVIEW_DECIDED',
      meaning: expect.any(String),
    })
    expect((await get('/v1/reviews')).json()).toEqual({ reviews: [] })
  })

  test.each([
    ['a decision that is none', { decision: 'maybe', by: 'ada' }, {}, 400, 'REQUEST_INVALID'],
    ['nobody', { decision: 'deny' }, {}, 400, 'REQUEST_INVALID'],
    ['no key of the shop', { decision: 'deny', by: 'ada' }, { authorization: '' }, 401, 'API_KEY_INVALID'],
  ])('are not decided with %s', async (_what, body, headers, status, problem) => {
    const response = await decide(await asked(), body, { ...BEARER, ...headers })
    expect([response.statusCode, response.json().error.code]).toEqual([status, problem])
  })

  test('that are none are unknown', async () => {
    for (const id of ['0', 'x', '99']) {
      const response = await decide(`/v1/reviews/${id}`, { decision: 'deny', by: 'ada' })
      expect([response.statusCode, response.json().error.code]).toEqual([404, 'REVIEW_UNKNOWN'])
    }
  })
})
