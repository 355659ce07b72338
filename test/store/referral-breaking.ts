/** For each invariant of referral ways to break it by SQL, in the small world of invariants.test.ts. */

/** A reward of the row's own, under the key of points that W6 was given. */
const ANOTHER = (friend: string, rung: string): string => `
  insert into referral_rewards (key, campaign, advocate, friend, rung, on_void, enrolment, kind, given_at)
  select 'reward/W6/W7/reward/advocate+double', campaign, advocate, ${friend}, ${rung}, on_void, enrolment, kind, given_at
  from referral_rewards where friend = 'W7'`

export const BREAKING_REFERRALS: Record<string, Record<string, string>> = {
  'a friend has one advocate, and is not their own': {
    'two of them': `alter table referrals drop constraint referrals_pkey cascade;
      insert into referrals select * from referrals where friend = 'W9'; update referral_codes set claims = claims + 1`,
    'their own': `alter table referrals drop constraint referrals_two; update referrals set advocate = 'W9' where friend = 'W9'`,
  },
  'a referral code counts its friends, within its limit': {
    'one too many': `update referral_codes set claims = claims + 1`,
    'one too few': `update referral_codes set claims = claims - 1`,
    'beyond the limit': `alter table referral_codes drop constraint referral_codes_claims; update referral_codes set usage_limit = 2`,
  },
  'an approved referral had a paid order that was not refunded': {
    'refunded before': `insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
      select 'late', 'W7', 'order.refunded', '{"order": "O-W7", "amount": 5001}', '', approved_at, approved_at - interval '1 ms'
      from referrals where friend = 'W7'`,
    'an order nobody paid': `update referrals set "order" = 'O-none' where friend = 'W7'`,
    'less than the minimum': `update referrals set programme = jsonb_set(programme, '{minimum}', '15001') where friend = 'W7'`,
  },
  'an approved referral outlived its return window': {
    'approved too soon': `alter table referrals drop constraint referrals_approved;
      update referrals set returns_until = approved_at + interval '1 ms' where friend = 'W7'`,
  },
  'an approved referral was allowed by the rules or by a person': {
    'never judged': `delete from risk_judgements where friend = 'W7'`,
    'denied by the rules': `update risk_judgements set outcome = 'deny' where friend = 'W7'`,
    'reviewed by nobody': `update risk_judgements set outcome = 'review' where friend = 'W7'`,
    'denied by a person': `update risk_judgements set outcome = 'review', enrolment = 'reward/W6/W9' where friend = 'W7'`,
  },
  'nothing is rewarded that was not approved': {
    'before the approval': `update referral_rewards set given_at = given_at - interval '1 day' where friend = 'W7'`,
    'after the refund': `update referral_rewards set given_at = given_at + interval '30 days' where friend = 'W8'`,
  },
  'a reward is given once a friend and once a rung': {
    'twice a friend': `drop index referral_rewards_friend; ${ANOTHER(`'W7'`, 'null')}`,
    'twice a rung': `drop index referral_rewards_rung; ${ANOTHER('null', '1')}`,
  },
  'a reward is what was given under its key': {
    'points that are none': `update referral_rewards set key = 'W7-none' where friend = 'W7'`,
    'a coupon that is none': `update referral_rewards set kind = 'coupon' where friend = 'W7'`,
  },
  'a rung was reached when it was given': {
    'before anybody was approved': `update referral_rewards set given_at = given_at - interval '30 days' where rung = 1`,
  },
  'a rung that is no longer reached is taken back': {
    'the last friend is gone': `update referrals set status = 'voided', reason = 'REFERRAL_REFUNDED',
      voided_at = approved_at + interval '9 days', taken_back_at = approved_at + interval '9 days' where friend = 'W7'`,
  },
  'a coupon that was taken back is void': {
    'it is open': `update coupons set status = 'open', void_key = null, void_reason = null, voided_at = null where status = 'void'`,
  },
  'a decided review has one decision, in its time': {
    'too late': `alter table reviews drop constraint reviews_decided; update reviews set decided_at = deadline + interval '1 ms'`,
    'by nobody': `alter table reviews drop constraint reviews_decided; update reviews set by = null`,
    'not the default': `update reviews set decision = 'approve'`,
  },
}
