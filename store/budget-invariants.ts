/** What must hold of budgets and their holds. Composed in invariants.ts. */

/** Each selects the rows that break it: a key and what is wrong with it. */
export const BUDGET_INVARIANTS: Record<string, string> = {
  'budgets equal their holds': `
    select b.id as key, 'reserved ' || b.reserved || ', spent ' || b.spent || '; holds ' || coalesce(h.reserved, 0) || ', '
      || coalesce(h.spent, 0) as wrong
    from budgets b left join (
      select id, sum(amount) filter (where state = 'open') as reserved, sum(settled) as spent
      from budget_holds cross join lateral (values (budget), (own)) as both_of (id) group by id) h on h.id = b.id
    where b.reserved <> coalesce(h.reserved, 0) or b.spent <> coalesce(h.spent, 0)`,
  'a budget is within its cap': `
    select id as key, reserved || ' and ' || spent || ' of ' || cap as wrong from budgets
    where reserved + spent > cap or least(reserved, spent) < 0`,
  'a journey’s own budget takes from its campaign’s': `
    select h.key, 'held of ' || h.budget || ' and of ' || h.own || ', which lies in ' || coalesce(o.parent, 'none') as wrong
    from budget_holds h join budgets o on o.id = h.own where o.parent is distinct from h.budget
    union all select p.id, 'reserved ' || p.reserved || ', spent ' || p.spent || '; journeys ' || sum(o.reserved) || ', '
      || sum(o.spent) from budgets p join budgets o on o.parent = p.id group by p.id
    having sum(o.reserved) > p.reserved or sum(o.spent) > p.spent`,
  'what a journey with a budget gave has its hold': `
    select c.key, 'coupon of ' || l.journey || ', no hold' as wrong from coupons c
    join enrolments e on e.id = c.enrolment join budget_journeys l on l.journey = e.journey and c.issued_at > l.since
    where not exists (select 1 from budget_holds h where h.coupon = c.code)
    union all select t.key, 'points of ' || l.journey || ', no hold' from point_transfers t
    join enrolments e on e.id = t.enrolment join budget_journeys l on l.journey = e.journey and t.at > l.since
    where t.kind = 'earn' and t.unit = 'points' and not exists (select 1 from budget_holds h where h.key = t.key)`,
  'money is spent just where the coupon is redeemed': `
    select h.key, 'coupon ' || c.status || ', spent ' || h.settled as wrong from budget_holds h
    join coupons c on c.code = h.coupon where h.state = 'settled' and c.status <> 'redeemed'
    union all select c.key, 'coupon redeemed, nothing spent' from coupons c
    where c.status = 'redeemed' and exists (select 1 from budget_holds h where h.coupon = c.code)
      and not exists (select 1 from budget_holds h where h.coupon = c.code and h.state = 'settled')
    union all select h.key, 'spent ' || h.settled || ', took off ' || r.discount + r.shipping from budget_holds h
    join coupons c on c.code = h.coupon join redemptions r on r.code = c.code and r.reversed_at is null
    join offer_versions v on v.offer = c.offer and v.version = c.version
    where h.state = 'settled' and (v.terms->'gives' ?| array['percent', 'amount', 'shipping'])
      and h.settled <> r.discount + r.shipping`,
  'money for points follows the points': `
    select h.key, 'points ' || l.state || ', hold ' || h.state as wrong from budget_holds h
    join point_transfers t on t.key = h.key join point_lots l on l.transfer = t.id
    where (l.state = 'pending') <> (h.state = 'open') or (l.state = 'void' and h.state <> 'released')`,
  'money for messages follows the messages': `
    select h.key, 'message ' || m.status || ', hold ' || h.state as wrong from budget_holds h
    join messages m on h.key = m.key || '/cost'
    where (h.state = 'open' and m.status not in ('reserved', 'sending', 'held'))
      or (h.state = 'settled' and m.status not in ('sent', 'accepted', 'unknown', 'failed'))
      or (h.state = 'released' and m.status not in ('skipped', 'failed'))`,
  'no budget pays for the control arm': `
    select h.key, 'held ' || h.amount as wrong from budget_holds h join enrolments e on e.id = h.enrolment
    where e.arm = 'holdout'`,
  'every threshold that was passed was told': `
    select b.id as key, b.reserved + b.spent || ' of ' || b.cap || ', told up to ' || b.alerted || ' %' as wrong
    from budgets b where exists (select 1 from unnest(array[50, 80, 95, 100]) t
      where b.reserved + b.spent > 0 and (b.reserved + b.spent) * 100 >= b.cap * t and t > b.alerted)`,
}
