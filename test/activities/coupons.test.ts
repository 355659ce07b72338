import { afterAll, expect, test } from 'vitest'
import { plannedBudget } from '../../domain/budget.ts'
import { addBudgets } from '../../store/budgets.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { taken } from '../store/budget-given.ts'
import { DAY, NOON, planFacts, rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const perk = { perk: { title: 'Perk', quota: 2, perMember: 1 } }
const shop = await openShop(db, [planFacts('story', { offers: perk })], { shopZone: 'Asia/Shanghai' })

async function ask(id: string, more: object = {}) {
  const run = `story/${id}`
  const asked = shop.clock.now()
  return shop.activities.issueCoupon({ key: `${run}/coupon/perk`, run, offer: 'perk', valid: '7 days', asked, ...more })
}

test('a coupon ends on a date of the customer’s own calendar, or the shop’s; a refusal is a value', async () => {
  await shop.event('customer.registered', person('C1', { zone: 'America/New_York' }))
  await shop.event('customer.registered', person('C2', { zone: null }))
  await shop.event('customer.registered', person('C3'))
  // 17:00 UTC: still the 23rd in New York, already the 24th in Shanghai.
  shop.clock.set(NOON + 5 * 3_600_000)
  const expiresAt = new Date(NOON + 5 * 3_600_000 + 7 * DAY).toISOString()
  const coupon = { code: expect.stringMatching(/^[2-9A-Z]{12}$/), offer: 'perk', title: 'Perk', expiresAt }
  expect(await ask('C1')).toEqual({ is: 'issued', coupon: { ...coupon, expires: '2026-11-30' } })
  expect(await ask('C2')).toEqual({ is: 'issued', coupon: { ...coupon, expires: '2026-12-01' } })
  expect(await ask('C3')).toEqual({ is: 'refused', code: 'QUOTA_EXHAUSTED' })
  expect(shop.effects.slice(-2)).toEqual([
    { effect: 'coupon', journey: 'story', customer: 'C2', key: 'story/C2/coupon/perk', result: 'issued' },
    {
      effect: 'coupon',
      journey: 'story',
      customer: 'C3',
      key: 'story/C3/coupon/perk',
      result: 'refused',
      code: 'QUOTA_EXHAUSTED',
    },
  ])
})

test('a request that cannot be is a failure that Temporal does not repeat', async () => {
  await shop.event('customer.registered', person('C1'))
  const refused = [
    { more: { valid: '8 days' }, type: 'IDEMPOTENCY_MISMATCH' },
    { more: { key: 'story/C1/coupon/other', offer: 'other' }, type: 'OFFER_UNKNOWN' },
    { more: { valid: 'a while' }, type: 'DURATION_MALFORMED' },
    { more: { run: 'story/nobody' }, type: 'RUN_UNKNOWN' },
  ]
  for (const { more, type } of refused)
    await expect(ask('C1', more)).rejects.toMatchObject({ type, nonRetryable: true })
})

test('coupons of a run are taken back with what the budget held, but for those that were used or are over', async () => {
  const offers = { ten: { title: 'Ten yuan', quota: 9, perMember: 9, gives: { amount: 1000 } } }
  const plan = planFacts('recovery', { offers })
  const own = await openShop(db, [plan])
  const budget = plannedBudget({ name: 'care', cap: 9000, line: 0 })
  await addBudgets(db, [{ name: 'recovery', class: 'service', budget }], () => own.clock.now() - 1)
  await own.event('customer.registered', person('V1'))
  const run = 'recovery/V1'
  const issue = async (nth: number, valid: string): Promise<string> => {
    const key = `${run}/coupon/ten#${nth}`
    const issued = await own.activities.issueCoupon({ key, run, offer: 'ten', valid, asked: own.clock.now() })
    return issued.is === 'issued' ? issued.coupon.code : issued.is
  }
  await issue(1, '1 day')
  const used = await issue(2, '9 days')
  await issue(3, '9 days')
  const basket = { lines: [{ id: 'a', amount: 5000 }], shipping: 0 }
  const redeemed = { key: 'till', code: used, customer: 'V1', order: 'O1', basket, now: own.clock.now() }
  expect(await redeemCoupon(db, redeemed)).toMatchObject({ ok: true })
  expect(await taken(db, 'care')).toEqual([2000, 1000])
  own.clock.pass(2 * DAY)
  const back = () => own.activities.voidCoupons({ run, asked: own.clock.now() })
  expect(await back()).toEqual({ coupons: 1, used: 1 })
  const statuses = await rowsOf(db, `select status from coupons where enrolment = '${run}' order by key`)
  expect(statuses).toEqual([{ status: 'open' }, { status: 'redeemed' }, { status: 'void' }])
  // What is over is let go of by the upkeep.
  expect(await taken(db, 'care')).toEqual([1000, 1000])
  expect(await back()).toEqual({ coupons: 0, used: 1 })
  await expect(own.activities.voidCoupons({ run: 'recovery/nobody', asked: 0 })).rejects.toMatchObject({
    type: 'RUN_UNKNOWN',
  })
})
