/** What must hold of quotas, of limits over accounts, of returned lines and of coupons taken back; a part of the one check. */
export const COUPON_INVARIANTS: Record<string, string> = {
  'an offer has a counter for each of its buckets': `
    select o.id as key, 'buckets ' || count(b.bucket) || ', up to ' || coalesce(max(b.bucket)::text, 'none') as wrong
    from offers o left join offer_buckets b on b.offer = o.id group by o.id
    having count(b.bucket) = 0 or count(b.bucket) <> max(b.bucket) + 1`,
  'an occasion gave as many of an offer as are counted, and no more than it ever might': `
    select n.offer || ' for ' || n.occasion as key, n.issued || ' counted, ' || count(c.code) || ' issued, of ' || n.most as wrong
    from occasion_counters n
    left join (coupons c join enrolments e on e.id = c.enrolment) on c.offer = n.offer and e.occasion = n.occasion
    group by n.offer, n.occasion having n.issued <> count(c.code) or n.issued > n.most`,
  'accounts of one phone or mail have no more of an offer than one may': `
    select c.offer || ' ' || i.kind as key, count(*) || ' coupons, ' || count(distinct c.customer) || ' accounts' as wrong
    from coupon_identities i join coupons c on c.code = i.code join offers o on o.id = c.offer
    group by c.offer, i.kind, i.hash, c.customer is null, o.per_member_most having count(*) > o.per_member_most`,
  'a code for anybody is counted by identity while it is redeemed': `
    select i.code || ' of ' || c.offer as key, 'counted by ' || i.kind || ', is ' || c.status as wrong
    from coupon_identities i join coupons c on c.code = i.code where c.customer is null and c.status <> 'redeemed'`,
  'a redemption is taken back with the last of its lines': `
    select r.code || ' of ' || c.offer as key, count(*) filter (where l.reversed_at is null) || ' lines left, is '
      || case when r.reversed_at is null then 'standing' else 'taken back' end as wrong
    from redemptions r join redemption_lines l on l.redemption = r.id join coupons c on c.code = r.code
    group by r.id, c.offer having (r.reversed_at is null) <> bool_or(l.reversed_at is null)`,
  'a coupon that was taken back was not redeemed': `
    select c.code || ' of ' || c.offer as key, 'void since ' || c.voided_at || ', redemptions ' || count(r.id) as wrong
    from coupons c join redemptions r on r.code = c.code
    where c.status = 'void' and (r.reversed_at is null or r.redeemed_at > c.voided_at) group by c.code`,
}
