import { afterAll, expect, test } from 'vitest'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, NOON, planFacts } from '../store/given.ts'
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
