/** Points over HTTP: what a customer has, spent on an order and given back; once, never below zero. */
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { ledgerOf } from '../../store/ledger.ts'
import { awardPoints } from '../../store/points.ts'
import { enterCrowd } from '../store/given.ts'
import { NOON } from '../world.ts'
import { BEARER, served } from './served.ts'

const world = served()
const DAY = 86_400_000

/** C1 has a hundred points for thirty days and fifty for ever, in Shanghai. */
beforeEach(async () => {
  await sql`truncate checkout_answers, decisions cascade`.execute(world.db)
  await enterCrowd(world.db, { journey: 'gift', prefix: 'C', size: 2 })
  await sql`update customers set zone = 'Asia/Shanghai'`.execute(world.db)
  await award('C1', 'month', 100, 30)
  await award('C1', 'ever', 50)
})

function award(customer: string, rule: string, fixed: number, validDays?: number): Promise<unknown> {
  const run = `gift/${customer}`
  const terms = { title: rule, earn: { fixed }, ...(validDays !== undefined && { validDays }) }
  return awardPoints(world.db, { key: effectKey(run, 'points', rule, 1), run, rule, terms, shopZone: 'UTC', now: NOON })
}

let keys = 0
interface More {
  customer?: string
  key?: string
  app?: typeof world.app
}

function ask(
  action: 'spend' | 'restore',
  payload: unknown,
  { customer = 'C1', key = `k-${++keys}`, app = world.app }: More = {},
) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key, ...BEARER }
  return app.inject({
    method: 'POST',
    url: `/v1/customers/${customer}/points/${action}`,
    payload: payload as string,
    headers,
  })
}

const look = (what: 'points' | 'ledger', customer = 'C1', headers: object = BEARER) =>
  world.app.inject({ method: 'GET', url: `/v1/customers/${customer}/${what}`, headers: { ...headers } })

const available = async (): Promise<number> => (await look('points')).json().points.available as number

test('what a customer has, and what expires on which day of theirs', async () => {
  const answer = await look('points')
  expect(answer.json()).toEqual({
    customer: 'C1',
    points: { available: 150, pending: 0, owed: 0 },
    growth: { available: 0, pending: 0, owed: 0 },
    expiring: [{ lastDay: '2026-12-23', expiresAt: '2026-12-23T16:00:00.000Z', amount: 100 }],
  })
  expect(answer.headers['cache-control']).toBe('no-store')
  expect((await look('ledger')).json()).toMatchObject({
    customer: 'C1',
    lines: [
      { kind: 'earn', available: 100, key: 'gift/C1/points/month' },
      { kind: 'earn', available: 50 },
    ],
  })
  expect((await look('points', 'C1', {})).statusCode).toBe(401)
  for (const what of ['points', 'ledger'] as const) {
    const nobody = await look(what, 'nobody')
    expect([nobody.statusCode, nobody.json().error.code]).toEqual([404, 'CUSTOMER_UNKNOWN'])
  }
})

test('spent on an order and given back with its refund', async () => {
  const spent = await ask('spend', { order: 'O1', amount: 120 }, { key: 'pay' })
  expect(spent.json()).toEqual({ ok: true, spent: 120, available: 30, replayed: false })
  expect((await ask('spend', { order: 'O1', amount: 120 }, { key: 'pay' })).json()).toEqual({
    ...spent.json(),
    replayed: true,
  })
  // Once an order too, whatever the key.
  expect((await ask('spend', { order: 'O1', amount: 120 })).json()).toMatchObject({
    ok: true,
    spent: 120,
    replayed: true,
  })
  for (const [body, key] of [
    [{ order: 'O1', amount: 10 }, 'other'],
    [{ order: 'O2', amount: 120 }, 'pay'],
  ] as const) {
    const answer = await ask('spend', body, { key })
    expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'IDEMPOTENCY_MISMATCH'])
  }
  expect(await available()).toBe(30)
  const back = await ask('restore', { order: 'O1', refund: 'R1' }, { key: 'back' })
  expect(back.json()).toEqual({ ok: true, restored: 120, forfeited: 0, available: 150, replayed: false })
  expect((await ask('restore', { order: 'O1', refund: 'R1' }, { key: 'back' })).json()).toEqual({
    ...back.json(),
    replayed: true,
  })
  expect((await ask('restore', { order: 'O1', refund: 'R1' })).json()).toMatchObject({ restored: 120, replayed: true })
  expect((await ask('restore', { order: 'O1', refund: 'R2' })).json()).toMatchObject({
    ok: false,
    code: 'POINTS_RESTORED',
  })
  expect(await available()).toBe(150)
  expect((await ledgerOf(world.db, 'C1')).map(({ key }) => key).slice(2)).toEqual([
    'order/O1/spend',
    'order/O1/refund/R1/restore',
  ])
})

test('what was given back may be spent on the same order again, and given back again', async () => {
  for (const nth of [1, 2, 3]) {
    expect((await ask('spend', { order: 'O1', amount: 100 })).json()).toMatchObject({ ok: true, replayed: false })
    expect((await ask('restore', { order: 'O1', refund: `R${nth}` })).json()).toMatchObject({
      ok: true,
      restored: 100,
      replayed: false,
    })
  }
  expect((await ask('restore', { order: 'O1', refund: 'R2' })).json()).toMatchObject({ restored: 100, replayed: true })
  expect(await available()).toBe(150)
})

test('of what expired meanwhile comes back what the refund says', async () => {
  for (const order of ['O1', 'O2']) await ask('spend', { order, amount: 50 })
  const later = await world.serve({ clock: { now: () => NOON + 40 * DAY } })
  expect((await ask('restore', { order: 'O1', refund: 'R1' }, { app: later })).json()).toMatchObject({
    restored: 50,
    forfeited: 0,
  })
  const none = await ask('restore', { order: 'O2', refund: 'R2', graceDays: 0 }, { app: later })
  expect(none.json()).toMatchObject({ restored: 0, forfeited: 50 })
  const { expiring } = (await later.inject({ url: '/v1/customers/C1/points', headers: BEARER })).json()
  expect(expiring).toEqual([{ lastDay: '2027-02-01', expiresAt: '2027-02-01T16:00:00.000Z', amount: 50 }])
})

test('two carts that spend one balance at once: one gets it, and it is never below zero', async () => {
  const carts = Array.from({ length: 12 }, (_, nth) => ask('spend', { order: `cart-${nth % 6}`, amount: 100 }))
  const answers = (await Promise.all(carts)).map((answer) => answer.json())
  expect(answers.filter(({ ok, replayed }) => ok && !replayed)).toHaveLength(1)
  expect(answers.filter(({ ok }) => !ok).every(({ code }) => code === 'POINTS_SHORT')).toBe(true)
  expect(await available()).toBe(50)
  const [refusal] = answers.filter(({ ok }) => !ok)
  expect(refusal).toEqual({ ok: false, code: 'POINTS_SHORT', meaning: expect.stringMatching(/fewer points/) })
  expect((await decisionsOf(world.db, 'C1')).filter(({ code }) => code === 'POINTS_SHORT').length).toBe(5)
})

test('forward and back at once: what is left is one or the other, whole', async () => {
  await ask('spend', { order: 'O1', amount: 100 })
  await Promise.all(
    Array.from({ length: 10 }, (_, nth) =>
      nth % 2 === 0 ? ask('restore', { order: 'O1', refund: 'R1' }) : ask('spend', { order: 'O1', amount: 100 }),
    ),
  )
  expect([50, 150]).toContain(await available())
})

test('another’s order is not theirs to take back, and a refused request may be asked again under its key', async () => {
  await ask('spend', { order: 'O1', amount: 100 })
  expect((await ask('restore', { order: 'O1', refund: 'R1' }, { customer: 'C2' })).json()).toMatchObject({
    code: 'NOT_SPENT',
  })
  expect((await ask('restore', { order: 'O9', refund: 'R1' })).json()).toMatchObject({ code: 'NOT_SPENT' })
  const taken = await ask('spend', { order: 'O1', amount: 100 }, { customer: 'C2' })
  expect([taken.statusCode, taken.json().error.code]).toEqual([409, 'IDEMPOTENCY_MISMATCH'])
  expect((await ask('spend', { order: 'O5', amount: 60 }, { key: 'again' })).json()).toMatchObject({
    code: 'POINTS_SHORT',
  })
  await award('C1', 'more', 60)
  expect((await ask('spend', { order: 'O5', amount: 60 }, { key: 'again' })).json()).toMatchObject({
    ok: true,
    available: 50,
  })
})

describe('is refused', () => {
  test.each<[string, 'spend' | 'restore', object, string]>([
    ['no order', 'spend', { amount: 1 }, 'order'],
    ['an order with a slash', 'spend', { order: 'a/b', amount: 1 }, 'order'],
    ['half a point', 'spend', { order: 'O1', amount: 0.5 }, 'amount'],
    ['nothing', 'spend', { order: 'O1', amount: 0 }, 'amount'],
    ['too much', 'spend', { order: 'O1', amount: 2_000_000_000 }, 'amount'],
    ['a word nobody knows', 'spend', { order: 'O1', amount: 1, unit: 'growth' }, 'body'],
    ['no refund', 'restore', { order: 'O1' }, 'refund'],
    ['grace for ever', 'restore', { order: 'O1', refund: 'R1', graceDays: 366 }, 'graceDays'],
  ])('%s', async (_what, action, body, field) => {
    const answer = await ask(action, body)
    expect([answer.statusCode, answer.json().error]).toMatchObject([400, { code: 'CHECKOUT_INVALID', field }])
  })

  test('no key, a customer who is none, the wrong method', async () => {
    expect((await ask('spend', { order: 'O1', amount: 1 }, { key: '' })).json().error).toMatchObject({
      field: 'Idempotency-Key',
    })
    expect((await ask('spend', { order: 'O1', amount: 1 }, { customer: 'nobody' })).statusCode).toBe(404)
    expect(
      (await world.app.inject({ method: 'GET', url: '/v1/customers/C1/points/spend', headers: BEARER })).statusCode,
    ).toBe(404)
    expect(world.logged.join('\n')).not.toContain('C1/points')
  })
})
