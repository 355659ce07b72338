import { afterAll, expect, test } from 'vitest'
import type { PointRule } from '../../domain/points.ts'
import { balancesOf } from '../../store/ledger.ts'
import { NOON, planFacts, rowsOf } from '../store/given.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const rules: Record<string, PointRule> = {
  order: { title: 'A point a yuan', earn: { perYuan: 1 }, pending: true, validDays: 1 },
  gift: { title: 'Gift', earn: { fixed: 5 } },
}
const plan = planFacts('shop', { begins: { on: 'order.paid' }, points: rules })
const shop = await openShop(db, [plan], { shopZone: 'Asia/Shanghai' })

const ask = (id: string, rule: string, more: object = {}) =>
  shop.activities.awardPoints({
    key: `shop/${id}/points/${rule}`,
    run: `shop/${id}`,
    rule,
    asked: shop.clock.now(),
    ...more,
  })

test('an order’s points wait, are settled and taken back; every step leaves a line without a name in it', async () => {
  await shop.event('order.paid', person('C1', { zone: null }), { properties: { amount: 299_00 } })
  const awarded = { is: 'awarded', unit: 'points', amount: 299, pending: true }
  expect(await ask('C1', 'order')).toEqual(awarded)
  expect(await ask('C1', 'order')).toEqual(awarded)
  const asked = shop.clock.now()
  expect(await shop.activities.settlePoints({ run: 'shop/C1', asked })).toEqual({
    is: 'settled',
    points: 299,
    growth: 0,
  })
  expect(await shop.activities.takeBackPoints({ run: 'shop/C1', asked })).toEqual({ points: 299, growth: 0 })
  expect(await balancesOf(db, 'C1')).toEqual([{ unit: 'points', pending: 0, available: 0, debt: 0 }])
  expect(shop.effects.map(({ effect, key, result }) => `${effect} ${key} ${result}`)).toEqual([
    'award shop/C1/points/order awarded',
    'award shop/C1/points/order awarded',
    'settle shop/C1 settled',
    'take-back shop/C1 299 points, 0 growth',
  ])
})

test('points expire at the end of a day on the customer’s own calendar, or the shop’s', async () => {
  // 17:00 UTC: still the 23rd in New York, already the 24th in Shanghai.
  shop.clock.set(NOON + 5 * 3_600_000)
  const ends: Record<string, unknown> = {}
  for (const [id, zone] of [
    ['C2', 'America/New_York'],
    ['C3', null],
  ] as const) {
    await shop.event('order.paid', person(id, { zone }), { properties: { amount: 5_00 } })
    await ask(id, 'order')
    const [expiring] = await rowsOf<{ at: Date }>(
      db,
      `select expires_at as at from point_lots where customer = '${id}'`,
    )
    ends[id] = expiring?.at.toISOString()
  }
  expect(ends).toEqual({ C2: '2026-11-25T05:00:00.000Z', C3: '2026-11-25T16:00:00.000Z' })
})

test('a refusal is a value, a request that cannot be a failure that Temporal does not repeat', async () => {
  await shop.event('order.paid', person('C4'))
  expect(await ask('C4', 'order')).toEqual({ is: 'refused', code: 'AMOUNT_MISSING' })
  await ask('C4', 'gift')
  const refused = [
    { rule: 'none', more: {}, type: 'POINTS_RULE_UNKNOWN' },
    { rule: 'order', more: { key: 'shop/C4/points/gift' }, type: 'IDEMPOTENCY_MISMATCH' },
    { rule: 'gift', more: { run: 'shop/nobody', key: 'shop/nobody/points/gift' }, type: 'RUN_UNKNOWN' },
  ]
  for (const { rule, more, type } of refused)
    await expect(ask('C4', rule, more)).rejects.toMatchObject({ type, nonRetryable: true })
})
