/** What must hold of tiers. Composed in invariants.ts. */

/** The growth value a row of the history was decided by, from the postings as they stood then. */
const COUNTED = `
  select h.customer, h.ordinal, coalesce(sum(p.amount), 0) as growth from tier_history h
  left join lateral (
    select e.id, coalesce(sum(x.amount) filter (where x.account in ('pending', 'available')), 0) as amount
    from point_transfers e join point_postings x on x.transfer = e.id
    left join point_transfers s on s.kind = 'settle' and s.key = e.key || '/settle'
    where e.customer = h.customer and e.unit = 'growth' and e.kind = 'earn' and (s.id is not null or exists (
        select 1 from point_postings a where a.transfer = e.id and a.account = 'available'))
      and coalesce(s.at, e.at) >= h.growth_since and coalesce(s.id, e.id) > h.growth_after and coalesce(s.id, e.id) <= h.growth_upto
    group by e.id
    union all
    select c.id, -coalesce(sum(x.amount) filter (where x.account = 'reversed'), 0)
    from point_transfers c join point_transfers e on e.id = c.reverses
    left join point_transfers s on s.kind = 'settle' and s.key = e.key || '/settle'
    join point_postings x on x.transfer = c.id
    where c.customer = h.customer and c.unit = 'growth' and c.kind = 'claw-back' and c.id <= h.growth_upto
      and coalesce(s.at, e.at) >= h.growth_since and coalesce(s.id, e.id) > h.growth_after and coalesce(s.id, e.id) <= h.growth_upto
    group by c.id
    union all
    select x.id, sum(m.amount)
    from point_lots l join point_transfers e on e.id = l.transfer
    join point_lot_moves m on m.lot = l.id join point_transfers x on x.id = m.transfer and x.kind = 'expire'
    join point_transfers s on s.id = l.resolved_by
    where l.customer = h.customer and l.unit = 'growth' and x.id <= h.growth_upto
      and s.at >= h.growth_since and s.id > h.growth_after and s.id <= h.growth_upto
    group by x.id) p on true
  group by h.customer, h.ordinal`

/** What a row's level takes, by the version it was reached under and, where it was kept, by the one before. */
const TAKES = `
  select h.customer, h.ordinal, h.why, h.rank, h.growth, h.level,
    (v.programme->'levels'->h.rank->>'from')::bigint as own, v.programme->'levels'->h.rank->>'id' as id,
    (w.programme->'levels'->b.rank->>'from')::bigint as before, case when b.version = h.version then b.rank end as rank_before
  from tier_history h join programmes v on v.version = h.version
  left join tier_history b on b.customer = h.customer and b.ordinal = h.ordinal - 1
  left join programmes w on w.version = b.version`

/** Each selects the rows that break it: a key and what is wrong with it. */
export const TIER_INVARIANTS: Record<string, string> = {
  'who has a tier has one now': `
    select customer as key, count(*) filter (where valid_to is null) || ' open of ' || count(*) as wrong
    from tier_history group by customer having count(*) filter (where valid_to is null) <> 1`,
  'the history of a tier is one line without gaps': `
    select customer || ' ' || ordinal as key, valid_from || ' to ' || coalesce(valid_to::text, 'now') || ', before it ' || before as wrong
    from (select *, coalesce(lag(valid_to) over w::text, 'nothing') as before, lag(valid_to) over w as ended,
        row_number() over w as nth from tier_history window w as (partition by customer order by ordinal)) h
    where ordinal <> nth or valid_to < valid_from or (nth > 1 and valid_from is distinct from ended)`,
  'a level is one that its growth value carries': `
    select customer || ' ' || ordinal as key, why || ' ' || level || ' by ' || growth || ' of ' || own as wrong
    from (${TAKES}) t where level is distinct from id
      or (why in ('first', 'rise', 'refund') and growth < own) or (why = 'keep' and growth < least(own, before))
      or (why in ('fall', 'refund') and rank >= rank_before)`,
  'the growth value of a tier is what the ledger says': `
    select h.customer || ' ' || h.ordinal as key, 'growth ' || h.growth || ', postings ' || c.growth as wrong
    from tier_history h join (${COUNTED}) c using (customer, ordinal) where h.growth <> c.growth`,
  'a level’s gift is given once a member and period, by the run that has it': `
    select g.key, g.part || ' for ' || g.enrolment || ', given by ' || coalesce(t.enrolment, 'another') as wrong
    from (
      select key, enrolment, 'coupon' as part, array_to_string((string_to_array(key, '/'))[2:4], '/') as gift
      from coupons where starts_with(key, 'tier/')
      union all select key, enrolment, 'points', array_to_string((string_to_array(key, '/'))[2:4], '/')
      from point_transfers where kind = 'earn' and starts_with(key, 'tier/')) g
    left join tier_gifts t on t.customer || '/' || t.period || '/' || t.level = g.gift and t.enrolment = g.enrolment
    where t.customer is null or not exists (select 1 from tier_history h
        where h.customer = t.customer and h.level = t.level and h.period = t.period and h.why = 'rise')
      or exists (select 1 from coupons c where g.part = 'coupon' and c.key <> g.key and starts_with(c.key, 'tier/' || g.gift || '/'))
      or exists (select 1 from point_transfers p where g.part = 'points' and p.kind = 'earn' and p.key <> g.key
        and starts_with(p.key, 'tier/' || g.gift || '/'))`,
}
