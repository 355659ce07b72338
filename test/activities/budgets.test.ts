import { afterAll, expect, test } from 'vitest'
import { plannedBudget } from '../../domain/budget.ts'
import { addBudgets } from '../../store/budgets.ts'
import { taken } from '../store/budget-given.ts'
import { DAY, NOON, planFacts, rowsOf } from '../store/given.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const offers = { ten: { title: 'Ten', quota: 99, perMember: 1, gives: { amount: 1000 } } }
const points = { gift: { title: 'A gift', earn: { fixed: 50 }, pending: true } }

/** A story with a budget of 2,100 and a customer in it, C1 to C3. */
async function gifts(name: string, pointCost?: number) {
  const plan = planFacts(name, { offers, points })
  const shop = await openShop(db, [plan], pointCost === undefined ? {} : { pointCost })
  const budget = plannedBudget({ name: `${name}-money`, cap: 2100, line: 0 })
  await addBudgets(db, [{ name, class: 'marketing', budget }], () => NOON - 1)
  for (const id of ['C1', 'C2', 'C3']) await shop.event('customer.registered', person(id))
  const issue = (customer: string) => {
    const run = `${name}/${customer}`
    const [key, asked] = [`${run}/coupon/ten`, shop.clock.now()]
    return shop.activities.issueCoupon({ key, run, offer: 'ten', valid: '7 days', asked })
  }
  return { shop, issue }
}

test('a coupon that the budget has no room for is a refusal, a value, told in the effect’s line', async () => {
  await rowsOf(db, `update offers set per_member = 9, per_member_most = 9`)
  const { shop, issue } = await gifts('refused')
  expect([(await issue('C1')).is, (await issue('C2')).is]).toEqual(['issued', 'issued'])
  expect(await issue('C3')).toEqual({ is: 'refused', code: 'BUDGET_EXHAUSTED' })
  expect(shop.effects.at(-1)).toMatchObject({
    effect: 'coupon',
    journey: 'refused',
    result: 'refused',
    code: 'BUDGET_EXHAUSTED',
  })
})

test('the upkeep lets go of expired coupons, looks at the week once and hands each alert to the log once', async () => {
  const { shop, issue } = await gifts('upkeep')
  await rowsOf(db, `update offers set per_member = 9, per_member_most = 9`)
  await issue('C1')
  await issue('C2')
  const first = await shop.activities.upkeep({ asked: NOON })
  expect(first).toMatchObject({ 'release budgets of expired coupons': 0, 'review budgets': 1 })
  expect(first['announce budget alerts']).toBe(shop.alarms.length)
  const ours = shop.alarms.filter(({ budget }) => budget === 'upkeep-money')
  // 1,000 of 2,100 is below the first, 2,000 passes three at once.
  const alert = { budget: 'upkeep-money', cap: 2100, taken: 2000, at: new Date(NOON) }
  expect(ours).toEqual([50, 80, 95].map((threshold) => ({ ...alert, threshold })))
  expect(await shop.activities.upkeep({ asked: NOON })).toMatchObject({
    'review budgets': 0,
    'announce budget alerts': 0,
  })
  expect(await taken(db, 'upkeep-money')).toEqual([2000, 0])
  const asked = shop.clock.pass(7 * DAY)
  expect((await shop.activities.upkeep({ asked }))['release budgets of expired coupons']).toBeGreaterThan(1)
  expect(await taken(db, 'upkeep-money')).toEqual([0, 0])
})

test('points are held at what a point costs this shop', async () => {
  const { shop } = await gifts('points', 40)
  const award = (customer: string) => {
    const run = `points/${customer}`
    return shop.activities.awardPoints({ key: `${run}/points/gift`, run, rule: 'gift', asked: NOON })
  }
  expect((await award('C1')).is).toBe('awarded')
  expect(await taken(db, 'points-money')).toEqual([2000, 0])
  expect(await award('C2')).toEqual({ is: 'refused', code: 'BUDGET_EXHAUSTED' })
})
