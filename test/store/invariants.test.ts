import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { plannedBudget } from '../../domain/budget.ts'
import { addBudgets } from '../../store/budgets.ts'
import { effectKey, tierGiftKey } from '../../domain/ids.ts'
import { addOffers, issueCoupon } from '../../store/coupons.ts'
import { inTransaction } from '../../store/db.ts'
import { INVARIANT_NAMES, type InvariantResult, checkInvariants } from '../../store/invariants.ts'
import { beginSending, recordVerdict, settleMessage } from '../../store/messages.ts'
import { awardPoints, settlePoints, takeBackPoints } from '../../store/points.ts'
import { spendPoints } from '../../store/spends.ts'
import { finishRun } from '../../store/outcomes.ts'
import { makeCodes } from '../../store/codes.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { claimGift } from '../../store/tier-benefits.ts'
import { endTiers } from '../../store/tiers.ts'
import { openWait } from '../../store/waits.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { ORDERS, tiersOf } from './given-tiers.ts'
import { closeReview, openReview } from '../../store/reviews.ts'
import { DAY, HOUR, handClock, inboxOf, routing, rowsOf } from './given.ts'
import { RETURNS, programme, referralShop, rewardPlan } from './referral-given.ts'
import { BREAKING_REFERRALS } from './referral-breaking.ts'

const { db } = await freshStore()

/** A small healthy world: W1 converted, W2 is on and waits, W3 is held out, W4 completed and converted later. */
beforeAll(async () => {
  const clock = handClock()
  const send = inboxOf(db, clock, [routing('story', { goal: { on: 'order.paid', within: 14 * DAY } })])
  await addOffers(db, { perk: { title: 'Perk', quota: 4, perMember: 1, gives: { percent: 10 } } })
  for (const id of ['W1', 'W2', 'W3', 'W4']) await send('customer.registered', person(id))
  await rowsOf(db, `update enrolments set arm = 'holdout' where customer = 'W3'`)
  clock.pass(1000)
  for (const id of ['W1', 'W2', 'W4']) await treat(id, clock.now())
  const drawCode = (): string => 'CODE-OF-ALL'
  await makeCodes(db, { batch: 'W-batch', offer: 'perk', count: 1, valid: '7 days', now: clock.now(), drawCode })
  const basket = { lines: [{ id: 'a', amount: 1000 }], shipping: 0 }
  const asked = { key: 'redeem-W1', code: 'CODE-OF-W1', customer: 'W1', order: 'O-W1', basket, now: clock.now() + 1 }
  await redeemCoupon(db, asked)
  await message('W3', { status: 'skipped', code: 'HOLDOUT', now: clock.now() })
  await finishRun(db, { run: 'story/W4', status: 'completed', reason: 'told', now: clock.pass(DAY) })
  clock.pass(DAY)
  await send('order.paid', 'W1')
  await send('order.paid', 'W4')
  await earnAndOwe(clock.now())
  await giveFromBudget(clock.now())
  await riseAndFall()
  await bring(clock.now())
})

/** A budget with a journey's own in it: B6 has redeemed a coupon of it, B7 has one open and points pending, B8 points settled. */
async function giveFromBudget(now: number): Promise<void> {
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

/** T6 rose to the middle with a gift, in two orders of which one came back; T7 fell from the top when its term ended. */
async function riseAndFall(): Promise<void> {
  const clock = handClock()
  const cheer = routing('cheer', { begins: { on: 'tier.upgraded', where: { again: false } }, occasion: 'reached' })
  const shop = tiersOf(db, clock, [ORDERS, cheer])
  await shop.setProgramme({ downgrade: 'balance-based' })
  for (const id of ['T6', 'T7']) await shop.send('profile.changed', person(id))
  await shop.buy('T6', 'O1', 150)
  await shop.buy('T6', 'O2', 30)
  const run = 'cheer/T6/mid.2026-11-23'
  const gift = await claimGift(db, { run, now: clock.now() })
  expect(gift.is).toBe('claimed')
  const terms = { title: 'Gift', earn: { fixed: 10 } }
  const key = tierGiftKey({ customer: 'T6', period: '2026-11-23', level: 'mid' }, 'points')
  await awardPoints(db, { key, run, rule: 'tier-gift', terms, shopZone: 'UTC', now: clock.now() })
  await shop.refund('T6', 'O2')
  await shop.buy('T7', 'O1', 1_000)
  clock.pass(200 * DAY)
  await shop.buy('T7', 'O2', 120)
  clock.pass(200 * DAY)
  await endTiers(db, { now: clock.now(), ...shop.context })
}

/** W6 brought W7, approved; W8, approved and refunded, with the second rung; and W9, whose review nobody decided. */
async function bring(now: number): Promise<void> {
  const clock = handClock(now)
  const { three: _three, ...rewards } = programme().rewards
  const ladder = [1, 2].map((rung) => ({ rung, reward: rung === 1 ? 'first' : 'two' }))
  const two = { is: 'coupon', offer: 'perk-of-two', valid: '90 days' } as const
  const plan = rewardPlan({ ladder, rewards: { ...rewards, two } })
  const shop = await referralShop(db, clock, { plan, plans: [] })
  const code = await shop.advocate('W6')
  for (const id of ['W7', 'W8', 'W9']) {
    await shop.friend(id, code)
    clock.pass(HOUR)
    await shop.paid(id)
  }
  clock.pass(RETURNS)
  for (const id of ['W7', 'W8']) {
    await shop.settle(id, 'W6')
    clock.pass(HOUR)
  }
  await shop.refunded('W8')
  await shop.takeBack('W8', 'W6')
  const review = { key: 'reward/W6/W9/review/x', run: 'reward/W6/W9', topic: 'x', otherwise: 'deny' } as const
  await openReview(db, { ...review, deadline: clock.now() + DAY, now: clock.now() })
  clock.pass(2 * DAY)
  await closeReview(db, review)
}

/** W2 has 30 available in two lots, 5 pending; W5 spent 40 that were then clawed back, and owes them. */
async function earnAndOwe(now: number): Promise<void> {
  const clock = handClock(now)
  const send = inboxOf(db, clock, [routing('deal', { begins: { on: 'deal.made' } })])
  await send('deal.made', person('W2'))
  await send('deal.made', person('W5'))
  const award = (customer: string, rule: string, fixed: number, pending = false): Promise<unknown> => {
    const run = `deal/${customer}`
    const terms = { title: rule, earn: { fixed }, pending, onReturn: 'negative-allowed' } as const
    return awardPoints(db, { key: effectKey(run, 'points', rule, 1), run, rule, terms, shopZone: 'UTC', now })
  }
  await award('W5', 'all', 40, true)
  await settlePoints(db, { run: 'deal/W5', now })
  await spendPoints(db, { key: 'spend/W5', customer: 'W5', amount: 40, now })
  await takeBackPoints(db, { run: 'deal/W5', now })
  await award('W2', 'one', 12)
  await award('W2', 'two', 20)
  await spendPoints(db, { key: 'spend/W2', customer: 'W2', amount: 2, now })
  await award('W2', 'three', 5, true)
}

async function treat(id: string, now: number): Promise<void> {
  const run = `story/${id}`
  const key = effectKey(run, 'coupon', 'perk', 1)
  const drawCode = (): string => `CODE-OF-${id}`
  await issueCoupon(db, { key, run, offer: 'perk', valid: '7 days', validMs: 7 * DAY, now, drawCode })
  await message(id, { status: 'reserved', address: `${id}@mail.example`, now })
  await beginSending(db, effectKey(run, 'send', 'hello', 1))
  await settleMessage(db, effectKey(run, 'send', 'hello', 1), { status: 'sent', began: true, now: now + 1 })
  await openWait(db, { key: `${run}/wait/1`, run, type: 'cart.added', match: {}, deadline: now + DAY })
}

function message(customer: string, verdict: Parameters<typeof recordVerdict>[2]): Promise<void> {
  const enrolment = `story/${customer}`
  const key = effectKey(enrolment, 'send', 'hello', 1)
  const of = { journey: 'story', message: 'hello', channel: 'email', class: 'marketing', topic: 'marketing' } as const
  return inTransaction(db, (tx) => recordVerdict(tx, { key, enrolment, customer, messageId: key, ...of }, verdict))
}

/** A second redemption of W1's coupon, whole in itself. */
const AGAIN = `
  insert into checkout_answers select 'again', request_hash, answer, at from checkout_answers limit 1;
  insert into redemptions (code, customer, "order", key, basket, discount, shipping, redeemed_at)
    select code, customer, 'O-2', 'again', 0, 0, 0, redeemed_at from redemptions where code = 'CODE-OF-W1'`

/** For each invariant, ways to break it by SQL, past every check of the database where there is one. */
const BREAKING: Record<string, Record<string, string>> = {
  'issued equals the coupons there are': {
    'a coupon that was not counted': `update offer_buckets set issued = issued - 1`,
    'a coupon that is gone': `delete from coupons where customer = 'W2'; delete from member_counters where customer = 'W2'`,
  },
  'issued is within the quota': {
    'a quota set below': `alter table offer_buckets drop constraint offer_buckets_check; update offer_buckets set quota = issued - 1`,
  },
  'a customer has no more of an offer than allowed': {
    'a limit set below': `update offers set per_member = 0, per_member_most = 0`,
  },
  'member counters equal the coupons there are': {
    'counted twice': `update member_counters set issued = issued + 1 where customer = 'W1'`,
    'not counted': `delete from member_counters where customer = 'W1'`,
    'counted without a coupon': `insert into member_counters (offer, customer, issued) values ('perk', 'W3', 1)`,
  },
  'a batch has the codes it says it made': {
    'a count that ran ahead': `update code_batches set wanted = 2, made = 2`,
    'a code that moved': `insert into code_batches select 'W-other', 'other', offer, version, 9, 0, issued_at, expires_at
      from code_batches where key = 'W-batch';
      update coupons set batch = 'W-other' where batch = 'W-batch'`,
  },
  'a coupon is redeemed just where one redemption of it stands': {
    'two of them': `drop index redemptions_live; ${AGAIN}`,
    'none of them': `update redemptions set reversed_at = redeemed_at, outcome = 'lost' where code = 'CODE-OF-W1';
      update redemption_lines set reversed_at = now()`,
    'given back by half': `update coupons set status = 'open' where code = 'CODE-OF-W1'`,
  },
  'a coupon is held or redeemed, never both': {
    'a hold left behind': `alter table coupons drop constraint coupons_held;
      update coupons set held_by = 'W-cart', held_until = expires_at where code = 'CODE-OF-W1'`,
    'a hold without end': `alter table coupons drop constraint coupons_held;
      update coupons set status = 'held', held_by = 'W-cart' where code = 'CODE-OF-W2'`,
  },
  'a redeemed discount is the sum of its lines': {
    'a discount of its own': `update redemptions set discount = discount + 1 where code = 'CODE-OF-W1'`,
    'a line that is gone': `delete from redemption_lines where line = 'a'`,
  },
  'coupons take no more off an order than it costs': {
    'two coupons, one whole line each': `insert into checkout_answers select 'again', request_hash, answer, at from checkout_answers limit 1;
      insert into redemptions (code, customer, "order", key, basket, discount, shipping, redeemed_at)
      select 'CODE-OF-W2', 'W2', 'O-W1', 'again', 1000, 1000, 0, redeemed_at from redemptions where code = 'CODE-OF-W1';
      insert into redemption_lines select id, 'a', 1000, 1000 from redemptions where code = 'CODE-OF-W2';
      update coupons set status = 'redeemed' where code = 'CODE-OF-W2'`,
  },
  'redemptions lie in the life of the coupon': {
    'after its end': `update redemptions set redeemed_at = redeemed_at + interval '30 days' where code = 'CODE-OF-W1'`,
    'at its end': `update redemptions r set redeemed_at = c.expires_at from coupons c where c.code = r.code`,
    'before it was there': `update redemptions set redeemed_at = redeemed_at - interval '30 days' where code = 'CODE-OF-W1'`,
  },
  'a redemption is by the customer whose coupon it is': {
    'by another': `update redemptions set customer = 'W2' where code = 'CODE-OF-W1'`,
  },
  'the control arm got nothing': {
    'a coupon and a message': `update enrolments set arm = 'holdout' where customer = 'W1'`,
    'a coupon': `update coupons set enrolment = 'story/W3' where customer = 'W2'`,
    'a message': `update messages set enrolment = 'story/W3' where customer = 'W2'`,
    points: `update point_transfers set enrolment = 'story/W3' where customer = 'W2' and rule = 'three'`,
  },
  'no marketing was sent without consent': {
    'never given': `delete from consents where customer = 'W2'`,
    'given later': `update consents set at = at + interval '1 day' where customer = 'W2'`,
    'withdrawn before': `insert into consents (customer, topic, channel, granted, source, at)
      select customer, topic, channel, false, 'test', reserved_at from messages where customer = 'W2'`,
  },
  'nothing was sent to a suppressed address': {
    'suppressed before': `insert into suppressions (channel, address, reason, at)
      select channel, lower(address), 'bounce', reserved_at - interval '1 ms' from messages where customer = 'W2'`,
  },
  'nothing was reserved after a run had ended': {
    'a message': `update messages set reserved_at = reserved_at + interval '30 days' where customer = 'W1'`,
    'a coupon': `update coupons set issued_at = issued_at + interval '30 days' where customer = 'W4'`,
    points: `update point_transfers set enrolment = 'story/W1', at = at + interval '30 days' where rule = 'three'`,
  },
  'every run has its entry, and an end when it ended': {
    'no entry': `delete from outcomes where enrolment = 'story/W2' and kind = 'entered'`,
    'no end': `delete from outcomes where enrolment = 'story/W1' and kind = 'ended'`,
    'an end while it is on': `insert into outcomes select enrolment, 'ended', at, 'test' from outcomes
      where enrolment = 'story/W2' and kind = 'entered'`,
  },
  'conversions are recorded and lie in the goal window': {
    'not recorded': `delete from outcomes where enrolment = 'story/W1' and kind = 'converted'`,
    'recorded alone': `update enrolments set goal_at = null where id = 'story/W4'`,
    'after the window': `update enrolments set goal_at = goal_until + interval '1 ms' where id = 'story/W4'`,
    'before the entry': `update enrolments set goal_at = entered_at - interval '1 ms' where id = 'story/W4'`,
  },
  'every run was handed to Temporal once': {
    never: `delete from dispatch where enrolment = 'story/W1' and kind = 'start'`,
    twice: `drop index dispatch_start_once;
      insert into dispatch (kind, enrolment, created_at) values ('start', 'story/W1', now())`,
  },
  'an ended run waits for nothing': {
    'an open wait': `update waits set open = true where enrolment = 'story/W1'`,
  },
  'the postings of a transfer sum to zero': {
    'more issued than awarded': `update point_postings set amount = amount - 1 where account = 'issued'`,
    'a side left out': `delete from point_postings where account = 'spent'`,
  },
  'balances equal their postings': {
    'a transfer under another name': `update point_transfers set customer = 'W1' where key = 'spend/W2'`,
  },
  'lots sum to balances': {
    'a lot under another name': `update point_lots set customer = 'W1' where remaining = 10`,
  },
  'a lot has left what its moves left it, between nothing and all': {
    'from one lot to the other': `update point_lots set remaining = case original when 12 then 11 else 19 end
      where original in (12, 20)`,
    'less than nothing': `alter table point_lots drop constraint point_lots_remaining;
      insert into point_lot_moves (transfer, lot, amount)
      select t.id, l.id, case l.original when 12 then -11 else 11 end from point_transfers t, point_lots l
      where t.key = 'deal/W2/points/three' and l.original in (12, 20);
      update point_lots set remaining = case original when 12 then -1 else 31 end where original in (12, 20)`,
  },
  'every debit names its lots': {
    'a move under another transfer': `update point_lot_moves set transfer =
      (select id from point_transfers where key = 'deal/W2/points/three')
      where transfer = (select id from point_transfers where key = 'spend/W2')`,
  },
  'a pending lot resolves once': {
    'settled by nothing': `alter table point_lots drop constraint point_lots_resolved;
      update point_lots set resolved_by = null where original = 40`,
    'settled by another': `update point_lots set resolved_by = (select id from point_transfers where key = 'spend/W2')
      where original = 40`,
  },
  'nobody owes points but by the policy of a return': {
    'a policy that lets nobody owe': `update point_transfers set on_return = 'within-balance' where rule = 'all'`,
  },
  'nothing is taken back beyond what was given': {
    'a return of a larger award': `update point_transfers set reverses =
        (select id from point_transfers where key = 'deal/W2/points/two') where kind = 'claw-back' and customer = 'W5'`,
  },
  'who has a tier has one now': {
    'none of them': `update tier_history set valid_to = valid_from where customer = 'T6' and valid_to is null`,
  },
  'the history of a tier is one line without gaps': {
    'two at a time': `update tier_history set valid_from = valid_from - interval '1 hour' where customer = 'T7' and ordinal = 3`,
    'a gap': `update tier_history set valid_from = valid_from + interval '1 hour' where customer = 'T7' and ordinal = 3`,
    'a row that is gone': `delete from tier_history where customer = 'T7' and ordinal = 1`,
    'a row that ends before it begins': `alter table tier_history drop constraint tier_history_forward;
      update tier_history set valid_from = '2027-11-23' where customer = 'T7' and ordinal = 2;
      update tier_history set valid_to = '2027-11-23' where customer = 'T7' and ordinal = 1;
      update tier_history set valid_to = '2027-11-22' where customer = 'T7' and ordinal = 2;
      update tier_history set valid_from = '2027-11-22' where customer = 'T7' and ordinal = 3`,
  },
  'a level is one that its growth value carries': {
    'more than it carries': `update tier_history set level = 'top', rank = 2 where customer = 'T6' and why = 'rise';
      update tier_gifts set level = 'top' where customer = 'T6';
      update point_transfers set key = replace(key, 'mid', 'top') where key like 'tier/T6/%'`,
    'another level’s word': `update tier_history set level = 'top' where customer = 'T7' and why = 'fall'`,
    'a fall that goes up': `update tier_history set rank = 2, level = 'top' where customer = 'T7' and why = 'fall'`,
  },
  'the growth value of a tier is what the ledger says': {
    'more than was settled': `update tier_history set growth = growth + 1 where customer = 'T6' and why = 'rise'`,
    'what came later was counted': `update tier_history set growth_upto =
      (select id from point_transfers where key = 'orders/T6/O2/points/growth/settle') where customer = 'T6' and why = 'rise'`,
    'what came back was counted': `update tier_history set growth = 180,
      growth_upto = (select max(id) from point_transfers) where customer = 'T6' and why = 'rise'`,
    'what was settled before it counts': `update tier_history set growth_since = valid_to where customer = 'T7' and why = 'rise'`,
  },
  'a level’s gift is given once a member and period, by the run that has it': {
    twice: `insert into point_transfers (key, request_hash, kind, unit, customer, enrolment, rule, on_return, at)
        select key || '#2', request_hash, kind, unit, customer, enrolment, rule, on_return, at from point_transfers
        where key like 'tier/T6/%'`,
    'by nobody': `delete from tier_gifts where customer = 'T6'`,
    'by another run': `update tier_gifts set enrolment = 'orders/T6/O1' where customer = 'T6'`,
    'without a rise': `update tier_history set period = '2026-11-24' where customer = 'T6' and why = 'rise'`,
  },
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
  'no budget pays for the control arm': {
    'a hold of somebody held out': `update enrolments set arm = 'holdout' where customer = 'B9';
      update budget_holds set enrolment = 'W-gifts/B9' where coupon = 'GIFT-OF-B7'`,
  },
  'every threshold that was passed was told': {
    'told no more than the first': `update budgets set alerted = 0 where id = 'W-money/W-gifts'`,
  },
  'a pending lot is less by the parts of its order that were refunded, and by nothing else': {
    'a void that is of no refund': `insert into point_transfers (key, request_hash, kind, unit, customer, enrolment, reverses, at)
      select 'deal/W2/part', '', 'void', unit, customer, enrolment, id, at from point_transfers where key = 'deal/W2/points/three';
      insert into point_postings select id, unnest('{pending,reversed}'::text[]), unnest('{-1,1}'::int[])
      from point_transfers where key = 'deal/W2/part';
      insert into point_lot_moves select t.id, l.id, -1 from point_transfers t, point_lots l
      where t.key = 'deal/W2/part' and l.original = 5;
      update point_lots set remaining = 4 where original = 5;
      update point_balances set pending = 4 where customer = 'W2' and unit = 'points'`,
  },
  'an offer has a counter for each of its buckets': {
    'one that is missing between': `update offer_buckets set bucket = 1`,
    'none at all': `insert into offers (id, title, per_member, per_member_most) values ('perk-2', 'Perk', 1, 1)`,
  },
  'accounts of one phone or mail have no more of an offer than one may': {
    'two of one phone': `insert into coupon_identities (kind, hash, code)
      select 'phone', 'same', code from coupons where customer in ('W1', 'W2')`,
  },
  'a code for anybody is counted by identity while it is redeemed': {
    'a code that nobody has redeemed': `insert into coupon_identities (kind, hash, code) values ('phone', 'one', 'CODE-OF-ALL')`,
  },
  'a redemption is taken back with the last of its lines': {
    'all lines are back, it stands': `update redemption_lines set reversed_at = now()`,
    'it is taken back, a line is not': `update redemptions set reversed_at = now(), outcome = 'returned';
      update coupons set status = 'open' where code = 'CODE-OF-W1'`,
  },
  'a coupon that was taken back was not redeemed': {
    'redeemed afterwards': `update redemptions set reversed_at = now(), outcome = 'returned';
      update redemption_lines set reversed_at = now();
      update coupons set status = 'void', void_key = 'void', void_reason = 'test', voided_at = issued_at
      where code = 'CODE-OF-W1'`,
  },
  ...BREAKING_REFERRALS,
}

class Undo extends Error {}

/** What the check says after some statements, which are undone. */
async function brokenBy(statements: string): Promise<InvariantResult[]> {
  let broken: InvariantResult[] = []
  const spoilt = inTransaction(db, async (tx) => {
    await sql.raw(statements).execute(tx)
    broken = (await checkInvariants(tx)).filter((one) => one.broken > 0)
    throw new Undo()
  })
  await expect(spoilt).rejects.toBeInstanceOf(Undo)
  return broken
}

test('a healthy world holds, and the check names every invariant', async () => {
  await expectInvariants(db)
  expect((await checkInvariants(db)).map((one) => one.invariant)).toEqual(INVARIANT_NAMES)
  expect(await rowsOf(db, `select discount, outcome from redemptions order by id`)).toEqual([
    { discount: 100, outcome: null },
    { discount: 200, outcome: null },
  ])
  expect(await rowsOf(db, `select id, reserved, spent, alerted from budgets order by id`)).toEqual([
    { id: 'W-money', reserved: 800, spent: 500, alerted: 50 },
    { id: 'W-money/W-gifts', reserved: 800, spent: 500, alerted: 80 },
    { id: 'W-other', reserved: 0, spent: 0, alerted: 0 },
  ])
  expect(await rowsOf(db, `select status, count(*) from enrolments group by status order by status`)).toEqual([
    { status: 'completed', count: 1 },
    { status: 'exited', count: 1 },
    { status: 'goal', count: 1 },
    { status: 'running', count: 8 },
    { status: 'running', count: 9 },
  ])
})

test('every invariant has a case that breaks it', () => {
  expect(Object.keys(BREAKING).sort()).toEqual([...INVARIANT_NAMES].sort())
})

describe.each(Object.entries(BREAKING))('%s', (invariant, cases) => {
  test.each(Object.entries(cases))('is reported, and nothing else is: %s', async (_how, statements) => {
    const broken = await brokenBy(statements)
    expect(broken.map((one) => one.invariant)).toEqual([invariant])
    expect(broken[0]?.examples[0]).toEqual({
      key: expect.stringMatching(/perk|W\d|W-/),
      wrong: expect.stringMatching(/\w/),
    })
  })
})

test('of many that are broken five are shown, and all are counted', async () => {
  const [broken] = await brokenBy(`
    insert into customers (id, created_at, updated_at) select 'Z' || n, now(), now() from generate_series(1, 9) n;
    insert into member_counters (offer, customer, issued) select 'perk', 'Z' || n, 1 from generate_series(1, 9) n`)
  expect(broken?.broken).toBe(9)
  expect(broken?.examples).toHaveLength(5)
})

test('what was broken was undone', async () => {
  expect((await checkInvariants(db)).filter((one) => one.broken > 0)).toEqual([])
})
