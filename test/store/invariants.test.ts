import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import { addOffers, issueCoupon } from '../../store/coupons.ts'
import { inTransaction } from '../../store/db.ts'
import { INVARIANT_NAMES, type InvariantResult, checkInvariants } from '../../store/invariants.ts'
import { beginSending, recordVerdict, settleMessage } from '../../store/messages.ts'
import { awardPoints, settlePoints, takeBackPoints } from '../../store/points.ts'
import { spendPoints } from '../../store/spends.ts'
import { finishRun } from '../../store/outcomes.ts'
import { takeQuota } from '../../store/quotas.ts'
import { makeCodes } from '../../store/codes.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { openWait } from '../../store/waits.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { closeReview, openReview } from '../../store/reviews.ts'
import { DAY, HOUR, handClock, inboxOf, routing, rowsOf } from './given.ts'
import { RETURNS, programme, referralShop, rewardPlan } from './referral-given.ts'
import { BREAKING_BUDGETS, giveFromBudget } from './budget-breaking.ts'
import { BREAKING_COUPONS, OF_W1 } from './coupon-breaking.ts'
import { BREAKING_REFERRALS } from './referral-breaking.ts'
import { BREAKING_CAMPAIGNS, tellCampaigns } from './campaign-breaking.ts'
import { BREAKING_STANDINGS, reckonThem } from './standing-breaking.ts'
import { BREAKING_TIERS, riseAndFall } from './tier-breaking.ts'
import { BREAKING_AUDIENCES, gather } from './audience-breaking.ts'

const { db } = await freshStore()

/** A small healthy world: W1 converted, W2 is on and waits, W3 is held out, W4 completed and converted later. */
beforeAll(async () => {
  await reckonThem(db)
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
  await giveFromBudget(db, clock.now())
  await riseAndFall(db)
  await gather(db)
  await tellCampaigns(db)
  await bring(clock.now())
})

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
  await beginSending(db, { key: effectKey(run, 'send', 'hello', 1), now })
  const quota = { provider: 'W-smtp', day: '2026-11-23', message: effectKey(run, 'send', 'hello', 1), most: 5 }
  await inTransaction(db, (tx) => takeQuota(tx, quota))
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
      update redemption_lines set reversed_at = now() ${OF_W1}`,
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
    'given for something else alone': `update consents set purpose = 'profiling' where customer = 'W2'`,
    'not given for what it was for': `update messages set purpose = 'profiling' where customer = 'W2'`,
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
  'every run was handed to Temporal once, and no member of a campaign': {
    never: `delete from dispatch where enrolment = 'story/W1' and kind = 'start'`,
    twice: `drop index dispatch_start_once;
      insert into dispatch (kind, enrolment, created_at) values ('start', 'story/W1', now())`,
  },
  'an ended run waits for nothing': {
    'an open wait': `update waits set open = true where enrolment = 'story/W1'`,
  },
  'every state of a message is in its history': {
    'an end that nobody told': `delete from message_states where status = 'sent' and message like '%W1%'`,
    'nothing told': `delete from message_states where message like '%W3%'`,
  },
  'a provider was given what its days count, and no more than they hold': {
    'a count that ran ahead': `update provider_days set used = used + 1`,
    'a message that was not counted': `insert into provider_uses values ('W-smtp', '2026-11-23', 'another')`,
    'more than the day holds': `update provider_days set most = used - 1`,
  },
  'a complaint ends the address': {
    'an address that lives': `insert into receipts (provider, id, message, kind, at)
      select 'mail', 'c-1', key, 'complained', reserved_at from messages where customer = 'W2'`,
  },
  'what the provider has to say yet was given to it': {
    'by nobody': `update messages set status = 'accepted', sent_at = null where customer = 'W2';
      insert into message_states (message, status, at) select key, status, reserved_at from messages where customer = 'W2'`,
  },
  'what left is an exposure': {
    'nowhere exposed': `delete from exposures where message like '%W1%'`,
  },
  'only a held message waits in an auction': {
    'one that went': `update messages set bid_at = created_at, bid_until = created_at where customer = 'W1'`,
    'without an end': `update messages set status = 'held', code = 'AUCTION', bid_at = created_at where customer = 'W3';
      insert into message_states (message, status, code, at) select key, 'held', code, created_at from messages where customer = 'W3'`,
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
  'versions of words follow one another': {
    'one that is gone': `insert into word_versions (journey, message, locale, version, words, by, at)
      values ('W-story', 'hello', 'en', 2, '{}', 'Ann', now())`,
  },
  'a message names words that were published': {
    'no such version': `update messages set locale = 'en', words_version = 1 where customer = 'W1'`,
    'the words of the plan': `insert into word_versions (journey, message, locale, version, words, by, at)
      values ('story', 'hello', 'en', 1, null, 'Ann', now());
      update messages set locale = 'en', words_version = 1 where customer = 'W1'`,
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
  ...BREAKING_COUPONS,
  ...BREAKING_BUDGETS,
  ...BREAKING_TIERS,
  ...BREAKING_STANDINGS,
  ...BREAKING_REFERRALS,
  ...BREAKING_AUDIENCES,
  ...BREAKING_CAMPAIGNS,
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
    { status: 'completed', count: 3 },
    { status: 'exited', count: 2 },
    { status: 'goal', count: 1 },
    { status: 'running', count: 16 },
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
      key: expect.stringMatching(/perk|[BQSTW]\d|W-/),
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
