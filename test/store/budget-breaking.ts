/** What breaks each invariant of the budgets, and the world it is broken in. */
import { plannedBudget } from '../../domain/budget.ts'
import { effectKey } from '../../domain/ids.ts'
import { addBudgets } from '../../store/budgets.ts'
import { addOffers, issueCoupon } from '../../store/coupons.ts'
import type { Db } from '../../store/db.ts'
import { awardPoints } from '../../store/points.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { person } from '../world.ts'
import { DAY, handClock, inboxOf, routing } from './given.ts'

/** A budget with a journey's own in it: B6 has redeemed a coupon of it, B7 has one open and points pending, B8 points settled. */
export async function giveFromBudget(db: Db, now: number): Promise<void> {
  const clock = handClock(now)
  const send = inboxOf(db, clock, [routing('W-gifts', { begins: { on: 'gift.due' } })])
  await addOffers(db, { 'perk-2': { title: 'Perk', quota: 4, perMember: 1, gives: { percent: 10, atMost: 500 } } })
  const budget = plannedBudget({ name: 'W-money', cap: 2000, journeyCap: 1500 })
  const other = plannedBudget({ name: 'W-other', cap: 0 })
  const plans = [
    { name: 'W-gifts', class: 'service', budget } as const,
    { name: 'W-others', class: 'service', budget: other } as const,
  ]
  await addBudgets(db, plans, () => now - 1)
  for (const id of ['B6', 'B7', 'B8', 'B9']) await send('gift.due', person(id))
  for (const id of ['B6', 'B7']) {
    const [run, drawCode] = [`W-gifts/${id}`, () => `GIFT-OF-${id}`]
    const key = effectKey(run, 'coupon', 'perk-2', 1)
    await issueCoupon(db, { key, run, offer: 'perk-2', valid: '7 days', validMs: 7 * DAY, now, drawCode })
  }
  const basket = { lines: [{ id: 'b', amount: 2000 }], shipping: 0 }
  await redeemCoupon(db, { key: 'redeem-B6', code: 'GIFT-OF-B6', customer: 'B6', order: 'O-B6', basket, now })
  for (const [id, pending] of [
    ['B7', true],
    ['B8', false],
  ] as const) {
    const run = `W-gifts/${id}`
    const terms = { title: 'gift', earn: { fixed: 300 }, pending }
    await awardPoints(db, { key: `${run}/points/gift`, run, rule: 'gift', terms, shopZone: 'UTC', now })
  }
}

export const BREAKING_BUDGETS: Record<string, Record<string, string>> = {
  'budgets equal their holds': {
    'more reserved than held': `update budgets set reserved = reserved + 1 where id = 'W-money'`,
    'spent and not counted': `update budgets set spent = spent - 1 where id = 'W-money/W-gifts'`,
    'a hold that was let go by half': `update budget_holds set state = 'released', resolved_at = created_at
      where coupon = 'GIFT-OF-B7'`,
  },
  'a budget is within its cap': {
    'a cap set below': `alter table budgets drop constraint budgets_within_cap;
      update budgets set cap = 0, alerted = 100 where id = 'W-money'`,
  },
  'a journey’s own budget takes from its campaign’s': {
    'held of another campaign': `update budgets b set parent = 'W-other' where id = 'W-money/W-gifts'`,
    'held of the journey’s own alone': `
      update budget_holds set budget = own where coupon = 'GIFT-OF-B7';
      update budgets set reserved = reserved - 500 where id = 'W-money';
      update budgets set reserved = reserved + 500, cap = 3000 where id = 'W-money/W-gifts'`,
  },
  'what a journey with a budget gave has its hold': {
    'a coupon without': `delete from budget_holds where coupon = 'GIFT-OF-B7';
      update budgets set reserved = reserved - 500 where id like 'W-money%'`,
    'points without': `delete from budget_holds where key = 'W-gifts/B7/points/gift';
      update budgets set reserved = reserved - 300 where id like 'W-money%'`,
    'of a journey that has had one for longer': `insert into budget_journeys
      select 'story', budget, null, class, since - interval '30 days' from budget_journeys where journey = 'W-gifts'`,
  },
  'money is spent just where the coupon is redeemed': {
    'spent on a coupon that is open': `update budget_holds set state = 'settled', settled = 500, resolved_at = created_at
        where coupon = 'GIFT-OF-B7';
      update budgets set reserved = reserved - 500, spent = spent + 500 where id like 'W-money%'`,
    'free again though it is redeemed': `update budget_holds set state = 'released', settled = 0 where coupon = 'GIFT-OF-B6';
      update budgets set spent = spent - 200 where id like 'W-money%'`,
    'more than it took off': `update budget_holds set settled = 201 where coupon = 'GIFT-OF-B6';
      update budgets set spent = spent + 1 where id like 'W-money%'`,
  },
  'money for points follows the points': {
    'let go before they are void': `update budget_holds set state = 'released', resolved_at = created_at
        where key = 'W-gifts/B7/points/gift';
      update budgets set reserved = reserved - 300 where id like 'W-money%'`,
    'held for points that are settled': `update budget_holds set state = 'open', settled = 0, resolved_at = null
        where key = 'W-gifts/B8/points/gift';
      update budgets set reserved = reserved + 300, spent = spent - 300 where id like 'W-money%'`,
  },
  'money for messages follows the messages': {
    'let go though it was sent': `insert into budget_holds (key, budget, journey, enrolment, customer, amount, state, created_at, resolved_at)
      select key || '/cost', 'W-other', journey, enrolment, customer, 0, 'released', created_at, created_at
      from messages where status = 'sent' limit 1`,
    'held though it was sent': `insert into budget_holds (key, budget, journey, enrolment, customer, amount, created_at)
      select key || '/cost', 'W-other', journey, enrolment, customer, 0, created_at
      from messages where status = 'sent' limit 1`,
  },
  'no budget pays for the control arm': {
    'a hold of somebody held out': `update enrolments set arm = 'holdout' where customer = 'B9';
      update budget_holds set enrolment = 'W-gifts/B9' where coupon = 'GIFT-OF-B7'`,
  },
  'every threshold that was passed was told': {
    'told no more than the first': `update budgets set alerted = 0 where id = 'W-money/W-gifts'`,
  },
}
