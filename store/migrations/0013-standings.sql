-- What the shop tells of a customer beside what has a column of its own, by name.
alter table customers add column traits jsonb not null default '{}' check (jsonb_typeof(traits) = 'object');

-- Where each customer stands, as the nightly reckoning left it: one row a customer, changed in place (domain/standing.ts).
create table standings (
  customer text primary key references customers,
  stage text not null,
  r smallint check (r between 1 and 5),
  f smallint check (f between 1 and 5),
  m smallint check (m between 1 and 5),
  segment text,
  orders integer not null,
  year_spent bigint not null,
  first_paid_at timestamptz,
  last_paid_at timestamptz,
  gap_days double precision,
  cycles jsonb not null default '{}',
  churn_risk boolean not null default false,
  -- The reckoning it comes from, and since when the stage is what it is.
  as_of timestamptz not null,
  stage_since timestamptz not null,
  check ((r is null) = (f is null) and (r is null) = (m is null) and (r is null) = (segment is null))
);
create index standings_by_stage on standings (stage, customer);
