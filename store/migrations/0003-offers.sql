-- What an offer gives and needs, one row a wording (domain/offer.ts Terms). A row is never changed: coupons stand on it.
create table offer_versions (
  offer text not null references offers,
  version integer not null check (version >= 1),
  terms jsonb not null,
  primary key (offer, version)
);
create function offer_versions_stay() returns trigger language plpgsql as $$
begin
  raise exception 'a version of an offer is never changed: add another';
end $$;
create trigger offer_versions_stay before update on offer_versions for each row execute function offer_versions_stay();

-- Offers from before this migration are worth what the shop's own till says.
insert into offer_versions (offer, version, terms) select id, 1,
  '{"gives": null, "needs": {"minimum": 0, "categories": null, "firstOrder": false}, "group": "order", "onRefund": {"is": "return"}}'
from offers;
-- The version new coupons are issued under.
alter table offers add column version integer not null default 1;

-- Codes for nobody in particular, made at once: whoever brings one may use it.
create table code_batches (
  key text primary key,
  request_hash text not null,
  offer text not null,
  version integer not null,
  wanted integer not null check (wanted >= 1),
  made integer not null default 0,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  check (made between 0 and wanted),
  foreign key (offer, version) references offer_versions
);

-- A coupon is a customer's, from a run, or a code of a batch. held_by is the order (or cart) that has it until held_until.
alter table coupons
  alter column customer drop not null,
  alter column enrolment drop not null,
  add column version integer not null default 1,
  add column batch text references code_batches,
  add column status text not null default 'open',
  add column held_by text,
  add column held_until timestamptz,
  add constraint coupons_status check (status in ('open', 'held', 'redeemed', 'lost')),
  add constraint coupons_held check ((status = 'held') = (held_by is not null) and (held_by is null) = (held_until is null)),
  add constraint coupons_owner
    check ((customer is null) = (enrolment is null) and (customer is null) = (batch is not null)),
  add constraint coupons_version_fkey foreign key (offer, version) references offer_versions,
  drop constraint coupons_offer_fkey;
alter table coupons alter column version drop default;
create index coupons_held_by on coupons (held_by) where held_by is not null;

-- What the checkout was told of each thing done, by its Idempotency-Key: said again to whoever asks again.
create table checkout_answers (
  key text primary key,
  request_hash text not null,
  answer jsonb not null,
  at timestamptz not null
);

create table redemptions (
  id bigint generated always as identity primary key,
  code text not null references coupons,
  customer text not null references customers,
  "order" text not null,
  key text not null unique references checkout_answers deferrable initially deferred,
  -- Minor units: what the lines came to, what was taken off them, and off the shipping besides.
  basket bigint not null,
  discount bigint not null check (discount >= 0 and discount <= basket),
  shipping bigint not null check (shipping >= 0),
  gift text,
  redeemed_at timestamptz not null,
  -- Set by the refund of the order, with what became of the coupon.
  reversed_at timestamptz,
  outcome text check (outcome in ('returned', 'reissued', 'lost')),
  check ((reversed_at is null) = (outcome is null))
);
create unique index redemptions_live on redemptions (code) where reversed_at is null;
create index redemptions_of_code on redemptions (code);
create index redemptions_of_order on redemptions ("order");
create index redemptions_of_customer on redemptions (customer);

create table redemption_lines (
  redemption bigint not null references redemptions,
  line text not null,
  amount bigint not null,
  discount bigint not null check (discount >= 0 and discount <= amount),
  primary key (redemption, line)
);

-- Codes tried that were none: `who` is 'customer/C1' or 'visitor/…'. A row lasts as long as it counts.
create table code_tries (
  who text not null,
  code text not null,
  at timestamptz not null,
  primary key (who, code)
);
