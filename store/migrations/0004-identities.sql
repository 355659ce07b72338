alter table customers add column phone text;

-- Keyed hashes of what customers were known by (domain/identity.ts): for limits and for risk, never to be read back.
create table identities (
  kind text not null check (kind in ('email', 'phone', 'device', 'payment', 'address')),
  hash text not null,
  customer text not null references customers,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  primary key (kind, hash, customer)
);
create index identities_of_customer on identities (customer);
