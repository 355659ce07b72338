import { afterAll, expect, test } from 'vitest'
import type { PointRule } from '../../domain/points.ts'
import { balancesOf } from '../../store/ledger.ts'
import { planFacts, rowsOf } from '../store/given.ts'
import { programme } from '../store/referral-given.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { failure, openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const rule: PointRule = { title: 'Gift', earn: { fixed: 5 } }
const gift = planFacts('gift', {
  points: { gift: rule },
  offers: { ten: { title: 'Ten', quota: 1, perMember: 1 } },
  rewards: {
    points: { is: 'points', rule: 'gift', terms: rule },
    coupon: { is: 'coupon', offer: 'ten', valid: '7 days' },
  },
})
const referral = planFacts('programme', { begins: { on: 'nothing.ever' }, referral: programme() })
const shop = await openShop(db, [gift, referral])
const { giveReward, referralCode } = shop.activities

const ask = (customer: string, reward: string) => {
  const run = `gift/${customer}`
  return giveReward({ key: `${run}/reward/${reward}`, run, reward, asked: shop.clock.now() })
}

test('a reward of any journey is points or a coupon, once, however often and at once it is asked', async () => {
  await shop.entered('C1')
  const points = { is: 'given', gift: { points: { unit: 'points', amount: 5 } } }
  expect(await Promise.all([ask('C1', 'points'), ask('C1', 'points'), ask('C1', 'points')])).toEqual([
    points,
    points,
    points,
  ])
  const [one, other] = await Promise.all([ask('C1', 'coupon'), ask('C1', 'coupon')])
  expect(one).toEqual(other)
  expect(one).toMatchObject({ is: 'given', gift: { coupon: { offer: 'ten', expires: '2026-11-30' } } })
  expect(await balancesOf(db, 'C1')).toMatchObject([{ unit: 'points', available: 5 }])
  expect(await rowsOf(db, `select key from coupons`)).toEqual([{ key: 'gift/C1/reward/coupon' }])
})

test('what cannot be given is a value; a reward that is none is a failure', async () => {
  await shop.entered('C2')
  expect(await ask('C2', 'coupon')).toEqual({ is: 'refused', code: 'QUOTA_EXHAUSTED' })
  await rowsOf(db, `insert into journeys (name, paused_at) values ('gift', now())`)
  expect(await ask('C2', 'points')).toEqual({ is: 'held' })
  await rowsOf(db, `delete from journeys`)
  await rowsOf(db, `update enrolments set arm = 'holdout' where customer = 'C2'`)
  expect(await ask('C2', 'points')).toEqual({ is: 'refused', code: 'HOLDOUT' })
  expect(await failure(ask('C1', 'none'))).toMatchObject({ type: 'REWARD_UNKNOWN', nonRetryable: true })
})

test('a code is the customer’s own for ever; in the control arm, paused or left there is none', async () => {
  await shop.entered('C3')
  const code = (customer: string) =>
    referralCode({ run: `gift/${customer}`, programme: 'programme', asked: shop.clock.now() })
  const given = await code('C3')
  expect(given).toEqual({ is: 'given', code: expect.stringMatching(/^[2-9A-Z]{12}$/), ends: '2027-11-23' })
  expect(await code('C3')).toEqual(given)
  expect(await code('C2')).toEqual({ is: 'refused', code: 'HOLDOUT' })
  await rowsOf(db, `insert into journeys (name, paused_at) values ('gift', now())`)
  await shop.entered('C4')
  expect(await code('C4')).toEqual({ is: 'held' })
  await rowsOf(db, `delete from journeys`)
  await shop.activities.finishRun({ run: 'gift/C4', status: 'completed', reason: 'told', asked: shop.clock.now() })
  expect(await code('C4')).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
  expect(await rowsOf(db, `select advocate from referral_codes`)).toEqual([{ advocate: 'C3' }])
})

test('a run that is about no referral fails for good, and gets nothing', async () => {
  const run = 'gift/C1'
  const asked = shop.clock.now()
  const about = { type: 'REFERRAL_MISSING', nonRetryable: true }
  expect(await failure(shop.activities.approveReferral({ run, asked }))).toMatchObject(about)
  expect(await failure(shop.activities.judgeReferral({ key: 'k', run, asked }))).toMatchObject(about)
  expect(await failure(shop.activities.climbRung({ run, above: 0, asked }))).toMatchObject(about)
  expect(await failure(shop.activities.returnsUntil({ run }))).toMatchObject(about)
  expect(await failure(shop.activities.takeBackRewards({ run, asked }))).toMatchObject(about)
})
