-- An offer's quota lies in one row or is spread over several, so that a crowd does not queue for one: the quota is their sum.
create table offer_buckets (
  offer text not null references offers,
  bucket smallint not null check (bucket >= 0),
  quota integer not null,
  issued integer not null default 0,
  primary key (offer, bucket),
  check (issued >= 0 and issued <= quota)
) with (fillfactor = 20);
insert into offer_buckets (offer, bucket, quota, issued) select id, 0, quota, issued from offers;
alter table offers drop column issued, drop column quota;

-- The highest limit a customer ever had: it may be lowered, and who has more keeps it.
alter table offers add column per_member_most integer;
update offers o set per_member_most = greatest(per_member, (select max(issued) from member_counters where offer = o.id));
alter table offers
  alter column per_member_most set not null,
  add constraint offers_per_member_most check (per_member <= per_member_most);

-- held_basket is what the cart held it for: the order's event settles it by that. A void coupon was taken back unredeemed.
alter table coupons
  add column held_basket jsonb,
  add column void_key text unique,
  add column void_reason text,
  add column voided_at timestamptz,
  drop constraint coupons_status,
  add constraint coupons_status check (status in ('open', 'held', 'redeemed', 'lost', 'void')),
  add constraint coupons_held_basket check (held_basket is null or held_by is not null),
  add constraint coupons_void check ((void_key is null or status = 'void') and (void_key is null) = (voided_at is null));

-- By what each coupon of an offer that says so was counted besides its customer: at its issue, or while its code stands redeemed.
create table coupon_identities (
  kind text not null,
  hash text not null,
  code text not null references coupons,
  primary key (kind, hash, code)
);
create index coupon_identities_of_code on coupon_identities (code);

-- A return of some lines takes back what was off them; the whole is taken back with its last line.
alter table redemption_lines add column reversed_at timestamptz;
update redemption_lines l set reversed_at = r.reversed_at from redemptions r where r.id = l.redemption;
