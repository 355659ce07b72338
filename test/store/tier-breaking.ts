/** What breaks each invariant of the tiers, and the world it is broken in. */
import { expect } from 'vitest'
import { tierGiftKey } from '../../domain/ids.ts'
import type { Db } from '../../store/db.ts'
import { awardPoints } from '../../store/points.ts'
import { claimGift } from '../../store/tier-benefits.ts'
import { endTiers } from '../../store/tiers.ts'
import { person } from '../world.ts'
import { ORDERS, tiersOf } from './given-tiers.ts'
import { DAY, handClock, routing } from './given.ts'

/** T6 rose to the middle with a gift, in two orders of which one came back; T7 fell from the top when its term ended. */
export async function riseAndFall(db: Db): Promise<void> {
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

export const BREAKING_TIERS: Record<string, Record<string, string>> = {
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
}
