import { afterAll, expect, test } from 'vitest'
import { balancesOf } from '../../store/ledger.ts'
import { planFacts } from '../store/given.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

test('the upkeep expires points whose time is over, and a second round has nothing to do', async () => {
  const points = { gift: { title: 'A gift', earn: { fixed: 5 }, validDays: 3 } }
  const shop = await openShop(db, [planFacts('story', { points })])
  await shop.event('customer.registered', person('C1'))
  const run = 'story/C1'
  await shop.activities.awardPoints({ key: `${run}/points/gift`, run, rule: 'gift', asked: shop.clock.now() })
  expect(await shop.activities.upkeep({ asked: shop.clock.now() })).toMatchObject({ 'expire points': 0 })
  const asked = shop.clock.pass(5 * DAY)
  expect(await shop.activities.upkeep({ asked })).toMatchObject({ 'expire points': 1 })
  expect(await shop.activities.upkeep({ asked })).toMatchObject({ 'expire points': 0 })
  expect(await balancesOf(db, 'C1')).toMatchObject([{ unit: 'points', available: 0 }])
})
