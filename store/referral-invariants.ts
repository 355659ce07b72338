/** What must hold of referrals, their rewards and reviews. Composed in invariants.ts. */

/** An amount of an event in whole minor units; null where it says none. */
const money = (event: string, property: string): string => `
  case when jsonb_typeof(${event}.properties->'${property}') = 'number' and (${event}.properties->>'${property}')::numeric >= 0
    and (${event}.properties->>'${property}')::numeric % 1 = 0 then (${event}.properties->>'${property}')::numeric end`

/** What the order of a referral was worth by its approval, of what its events say; as `worthOfOrder` of domain/referral.ts. */
const WORTH_AT_APPROVAL = `
  (select greatest(0, greatest(0, ${money('p', 'amount')} - coalesce(${money('p', 'freight')}, 0))
      - coalesce((select sum(coalesce(${money('b', 'amount')}, ${money('p', 'amount')})) from events b
        where b.customer = r.friend and b.type = 'order.refunded' and b.properties->>'order' = r."order"
          and b.received_at < r.approved_at), 0))
    from events p where p.customer = r.friend and p.type = 'order.paid' and p.properties->>'order' = r."order"
    order by p.seq limit 1)`

/** Each selects the rows that break it: a key and what is wrong with it. */
export const REFERRAL_INVARIANTS: Record<string, string> = {
  'a friend has one advocate, and is not their own': `
    select friend as key, count(*) || ' referrals' as wrong from referrals group by friend having count(*) > 1
    union all select friend, 'is their own advocate' from referrals where friend = advocate`,
  'a referral code counts its friends, within its limit': `
    select c.advocate as key, c.code || ' counts ' || c.claims || ' of ' || c.usage_limit || ', friends ' || count(r.friend) as wrong
    from referral_codes c left join referrals r on r.code = c.code group by c.code
    having c.claims <> count(r.friend) or c.claims > c.usage_limit`,
  'an approved referral had a paid order that was not refunded': `
    select r.friend as key, 'order ' || coalesce(r."order", 'none') || ' was worth '
      || coalesce(${WORTH_AT_APPROVAL}::text, 'nothing') || ' at the approval' as wrong
    from referrals r where r.approved_at is not null
      and coalesce(${WORTH_AT_APPROVAL}, 0) < greatest(1, (r.programme->>'minimum')::numeric)`,
  'an approved referral outlived its return window': `
    select friend as key, 'approved ' || approved_at || ', to be returned until ' || coalesce(returns_until::text, 'ever') as wrong
    from referrals where approved_at is not null and (returns_until is null or approved_at < returns_until)`,
  'an approved referral was allowed by the rules or by a person': `
    select r.friend as key, 'judged ' || coalesce(j.outcome, 'never') as wrong from referrals r
    left join lateral (select outcome, enrolment from risk_judgements where friend = r.friend and at <= r.approved_at
      order by id desc limit 1) j on true
    where r.approved_at is not null and j.outcome is distinct from 'allow'
      and not (j.outcome in ('hold', 'review') and exists (
        select 1 from reviews v where v.enrolment = j.enrolment and v.decision = 'approve' and v.decided_at <= r.approved_at))`,
  'nothing is rewarded that was not approved': `
    select w.key, 'given ' || w.given_at || ', approved ' || coalesce(r.approved_at::text, 'never') as wrong
    from referral_rewards w join referrals r on r.friend = w.friend
    where r.approved_at is null or w.given_at < r.approved_at or w.given_at > r.voided_at or r.advocate <> w.advocate`,
  'a reward is given once a friend and once a rung': `
    select advocate as key, count(*) || ' for ' || friend as wrong from referral_rewards where friend is not null
    group by advocate, friend having count(*) > 1
    union all select advocate, count(*) || ' for rung ' || rung from referral_rewards
    where rung is not null and taken_back_at is null group by campaign, advocate, rung having count(*) > 1`,
  'a reward is what was given under its key': `
    select w.key, w.kind || ' of ' || w.advocate as wrong from referral_rewards w
    where not exists (select 1 from point_transfers t
      where w.kind = 'points' and t.key = w.key and t.kind = 'earn' and t.customer = w.advocate)
      and not exists (select 1 from coupons c where w.kind = 'coupon' and c.key = w.key and c.customer = w.advocate)`,
  'a rung was reached when it was given': `
    select w.advocate as key, 'rung ' || w.rung || ', friends ' || count(r.friend) as wrong from referral_rewards w
    left join referrals r on r.advocate = w.advocate and r.campaign = w.campaign and r.approved_at <= w.given_at
      and (r.voided_at is null or r.voided_at >= w.given_at)
    where w.rung is not null group by w.key having count(r.friend) < w.rung`,
  'a rung that is no longer reached is taken back': `
    select w.advocate as key, 'rung ' || w.rung || ', friends ' || count(r.friend) filter (where r.status = 'approved') as wrong
    from referral_rewards w left join referrals r on r.advocate = w.advocate and r.campaign = w.campaign
    where w.rung is not null and w.taken_back_at is null and w.on_void = 'claw-back' group by w.key
    having count(r.friend) filter (where r.status = 'approved') < w.rung
      and count(r.friend) filter (where r.approved_at is not null and r.status = 'voided' and r.taken_back_at is null) = 0`,
  'a coupon that was taken back is void': `
    select c.key, 'taken back, ' || c.status as wrong from referral_rewards w join coupons c on c.key = w.key
    where w.outcome = 'void' and c.status <> 'void'`,
  'a decided review has one decision, in its time': `
    select key, coalesce(decision, 'nothing') || ' by ' || coalesce(by, 'nobody') || ' at ' || coalesce(decided_at::text, 'no time') as wrong
    from reviews where (decision is null) <> (decided_at is null) or (decision is null) <> (by is null)
      or decided_at > deadline or decided_at < opened_at or (by = 'deadline' and decision <> otherwise)`,
}
