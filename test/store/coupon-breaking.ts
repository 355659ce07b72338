/** Ways to break what must hold of quotas, limits over accounts and coupons taken back. */

/** The lines of the redemption of W1's coupon. */
export const OF_W1 = `where redemption in (select id from redemptions where code = 'CODE-OF-W1')`

export const BREAKING_COUPONS: Record<string, Record<string, string>> = {
  'an offer has a counter for each of its buckets': {
    'one that is missing between': `update offer_buckets set bucket = 1`,
    'none at all': `insert into offers (id, title, per_member, per_member_most) values ('perk-9', 'Perk', 1, 1)`,
  },
  'an occasion gave as many of an offer as are counted, and no more than it ever might': {
    'counted without a coupon': `insert into occasion_counters values ('perk', '2026-12-15', 1, 1)`,
    'a coupon that was not counted': `update enrolments set occasion = '2026-12-15' where id in ('story/W1', 'story/W2');
      insert into occasion_counters values ('perk', '2026-12-15', 1, 2)`,
    'a number set below': `alter table occasion_counters drop constraint occasion_counters_check;
      update enrolments set occasion = '2026-12-15' where id = 'story/W1';
      insert into occasion_counters values ('perk', '2026-12-15', 1, 0)`,
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
    'it is taken back, a line is not': `update redemptions set reversed_at = now(), outcome = 'returned' where code = 'CODE-OF-W1';
      update coupons set status = 'open' where code = 'CODE-OF-W1'`,
  },
  'a coupon that was taken back was not redeemed': {
    'redeemed afterwards': `update redemptions set reversed_at = now(), outcome = 'returned' where code = 'CODE-OF-W1';
      update redemption_lines set reversed_at = now() ${OF_W1};
      update coupons set status = 'void', void_key = 'void', void_reason = 'test', voided_at = issued_at
      where code = 'CODE-OF-W1'`,
  },
}
