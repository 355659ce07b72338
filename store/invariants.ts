/** What must hold of the store at every moment, as one SQL check; run after every test, by the CLI's `check`, and daily. */
import { type RawBuilder, sql } from 'kysely'
import { AUDIENCE_INVARIANTS, MEMBERS_ARE_WHOM_THE_FILTER_TAKES_IN, strayMembers } from './audience-invariants.ts'
import { CAMPAIGN_INVARIANTS } from './campaign-invariants.ts'
import { BUDGET_INVARIANTS } from './budget-invariants.ts'
import { COUPON_INVARIANTS } from './coupon-invariants.ts'
import type { Db } from './db.ts'
import { MESSAGE_INVARIANTS } from './message-invariants.ts'
import { GATE_INVARIANTS } from './gate-invariants.ts'
import { POINT_INVARIANTS } from './point-invariants.ts'
import { WORD_INVARIANTS } from './word-invariants.ts'
import { STANDING_INVARIANTS } from './standing-invariants.ts'
import { TIER_INVARIANTS } from './tier-invariants.ts'
import { REFERRAL_INVARIANTS } from './referral-invariants.ts'

/** Each selects the rows that break it: a key and what is wrong with it. */
const INVARIANTS: Record<string, string | RawBuilder<unknown>> = {
  'issued equals the coupons there are': `
    select offer as key, 'issued ' || coalesce(b.issued, 0) || ', coupons ' || coalesce(c.coupons, 0) as wrong
    from (select offer, sum(issued) as issued from offer_buckets group by offer) b
    full join (select offer, count(*) as coupons from coupons group by offer) c using (offer)
    where b.issued is distinct from coalesce(c.coupons, 0)`,
  'issued is within the quota': `
    select offer || ' ' || bucket as key, 'issued ' || issued || ' of ' || quota as wrong from offer_buckets
    where issued > quota or issued < 0`,
  'a customer has no more of an offer than allowed': `
    select c.offer || ' ' || c.customer as key, count(*) || ' coupons' as wrong from coupons c
    join offers o on o.id = c.offer where c.customer is not null group by c.offer, c.customer, o.per_member_most
    having count(*) > o.per_member_most`,
  'member counters equal the coupons there are': `
    select offer || ' ' || customer as key, coalesce(m.issued, 0) || ' counted, ' || coalesce(c.coupons, 0) || ' coupons' as wrong
    from member_counters m
    full join (select offer, customer, count(*) as coupons from coupons where customer is not null group by offer, customer) c using (offer, customer)
    where m.issued is distinct from c.coupons`,
  'a batch has the codes it says it made': `
    select b.key, b.offer || ' made ' || b.made || ', codes ' || count(c.code) as wrong from code_batches b
    left join coupons c on c.batch = b.key group by b.key having b.made <> count(c.code)`,
  'a coupon is redeemed just where one redemption of it stands': `
    select c.code as key, c.status || ' for ' || c.offer || ', redemptions ' || count(r.id) as wrong
    from coupons c join redemptions r on r.code = c.code and r.reversed_at is null
    group by c.code having count(r.id) > 1 or c.status <> 'redeemed'
    union all select c.code, 'redeemed for ' || c.offer || ', redemptions 0' from coupons c where c.status = 'redeemed'
      and not exists (select 1 from redemptions r where r.code = c.code and r.reversed_at is null)`,
  'a coupon is held or redeemed, never both': `
    select code as key, status || ' for ' || offer || ', held by ' || coalesce(held_by, 'nobody') as wrong from coupons
    where (status = 'held') <> (held_by is not null) or (held_by is null) <> (held_until is null)`,
  'a redeemed discount is the sum of its lines': `
    select r.code as key, 'discount ' || r.discount || ' of ' || r.basket || ', lines ' || coalesce(sum(l.discount), 0)
      || ' of ' || coalesce(sum(l.amount), 0) as wrong
    from redemptions r left join redemption_lines l on l.redemption = r.id group by r.id
    having coalesce(sum(l.discount), 0) <> r.discount or coalesce(sum(l.amount), 0) <> r.basket
      or bool_or(l.discount > l.amount)`,
  'coupons take no more off an order than it costs': `
    select r."order" || ' ' || l.line as key, sum(l.discount) || ' off ' || max(l.amount) as wrong
    from redemptions r join redemption_lines l on l.redemption = r.id where r.reversed_at is null
    group by r."order", l.line having sum(l.discount) > max(l.amount)`,
  'redemptions lie in the life of the coupon': `
    select r.code as key, 'redeemed ' || r.redeemed_at || ', good from ' || c.issued_at || ' to ' || c.expires_at as wrong
    from redemptions r join coupons c on c.code = r.code
    where r.redeemed_at < c.issued_at or r.redeemed_at >= c.expires_at`,
  'a redemption is by the customer whose coupon it is': `
    select r.code as key, 'redeemed by ' || r.customer || ', is of ' || c.customer as wrong
    from redemptions r join coupons c on c.code = r.code where c.customer <> r.customer`,
  'the control arm got nothing': `
    select m.key, 'message ' || m.status as wrong from messages m join enrolments e on e.id = m.enrolment
    where e.arm = 'holdout' and m.class <> 'transactional' and m.status not in ('skipped', 'held')
    union all select c.key, 'coupon' from coupons c join enrolments e on e.id = c.enrolment where e.arm = 'holdout'
    union all select t.key, 'points' from point_transfers t join enrolments e on e.id = t.enrolment where e.arm = 'holdout'`,
  'no marketing was sent without consent': `
    select m.key, 'consent at the reservation was ' || coalesce(last.granted::text, 'never given') as wrong from messages m
    left join lateral (select bool_and(coalesce((select granted from consents c where c.customer = m.customer and c.topic = m.topic
      and c.channel = m.channel and c.purpose = what and c.at <= m.reserved_at order by id desc limit 1), false)) as granted
      from unnest(array['messages', m.purpose]) what) last on true
    where m.class = 'marketing' and m.status in ('sending', 'accepted', 'sent', 'unknown') and last.granted is not true`,
  'nothing was sent to a suppressed address': `
    select m.key, 'suppressed since ' || s.at as wrong from messages m
    join suppressions s on s.channel = m.channel and s.address = lower(m.address)
    where m.status in ('sending', 'accepted', 'sent', 'unknown') and s.at < m.reserved_at`,
  'nothing was reserved after a run had ended': `
    select m.key, 'reserved ' || m.reserved_at || ', ended ' || e.ended_at as wrong from messages m
    join enrolments e on e.id = m.enrolment where m.reserved_at > e.ended_at
    union all select c.key, 'issued ' || c.issued_at || ', ended ' || e.ended_at from coupons c
    join enrolments e on e.id = c.enrolment where c.issued_at > e.ended_at
    union all select t.key, t.kind || ' ' || t.at || ', ended ' || e.ended_at from point_transfers t
    join enrolments e on e.id = t.enrolment where t.kind in ('earn', 'settle') and t.at > e.ended_at
      and not exists (select 1 from decisions d where d.key = t.key and d.verdict = 'settled by hand')`,
  'every run has its entry, and an end when it ended': `
    select e.id as key, 'entered ' || count(*) filter (where o.kind = 'entered')
      || ', ended ' || count(*) filter (where o.kind = 'ended') || ', is ' || e.status as wrong
    from enrolments e left join outcomes o on o.enrolment = e.id group by e.id
    having count(*) filter (where o.kind = 'entered') <> 1
      or (count(*) filter (where o.kind = 'ended') = 1) <> (e.status <> 'running')`,
  'conversions are recorded and lie in the goal window': `
    select e.id as key, 'converted ' || coalesce(e.goal_at::text, 'never') || ', until ' || coalesce(e.goal_until::text, 'ever') as wrong
    from enrolments e left join outcomes o on o.enrolment = e.id and o.kind = 'converted'
    where (e.goal_at is null) <> (o.enrolment is null) or e.goal_at > e.goal_until or e.goal_at < e.entered_at`,
  'every run was handed to Temporal once, and no member of a campaign': `
    select e.id as key, count(d.id) || ' orders to start' as wrong from enrolments e
    left join dispatch d on d.enrolment = e.id and d.kind = 'start' group by e.id
    having count(d.id) <> case when e.campaign is null then 1 else 0 end`,
  ...CAMPAIGN_INVARIANTS,
  'an ended run waits for nothing': `
    select w.key, 'open, run is ' || e.status as wrong from waits w join enrolments e on e.id = w.enrolment
    where w.open and e.status <> 'running'`,
  ...MESSAGE_INVARIANTS,
  ...GATE_INVARIANTS,
  ...POINT_INVARIANTS,
  ...WORD_INVARIANTS,
  ...BUDGET_INVARIANTS,
  ...TIER_INVARIANTS,
  ...COUPON_INVARIANTS,
  ...REFERRAL_INVARIANTS,
  ...STANDING_INVARIANTS,
  ...AUDIENCE_INVARIANTS,
}

export interface InvariantResult {
  invariant: string
  /** How many rows break it; 0 where it holds. */
  broken: number
  /** The first few of them. */
  examples: { key: string; wrong: string }[]
}

export const INVARIANT_NAMES = [...Object.keys(INVARIANTS), MEMBERS_ARE_WHOM_THE_FILTER_TAKES_IN]

/** Checks all invariants in one statement, at one moment. */
export async function checkInvariants(db: Db): Promise<InvariantResult[]> {
  const queries: [string, RawBuilder<unknown>][] = [
    ...Object.entries(INVARIANTS).map(([name, query]): [string, RawBuilder<unknown>] => [
      name,
      typeof query === 'string' ? sql.raw(query) : query,
    ]),
    [MEMBERS_ARE_WHOM_THE_FILTER_TAKES_IN, await strayMembers(db)],
  ]
  const parts = queries.map(
    ([name, query]) => sql`select ${name}::text as name, count(*) as broken,
      coalesce((array_agg(json_build_object('key', key, 'wrong', wrong)))[1:5], '{}') as examples from (${query}) q`,
  )
  const { rows } = await sql<{ name: string; broken: number; examples: { key: string; wrong: string }[] }>`
    ${sql.join(parts, sql` union all `)}
  `.execute(db)
  const found = new Map(rows.map((row) => [row.name, row]))
  return INVARIANT_NAMES.map((invariant) => ({
    invariant,
    broken: found.get(invariant)?.broken ?? 0,
    examples: found.get(invariant)?.examples ?? [],
  }))
}
