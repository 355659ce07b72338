-- Tiers: the shop's programme, version by version, and who was on which level when. All times are shop time.

create table programmes (
  version integer primary key check (version > 0),
  programme jsonb not null,
  since timestamptz not null
);

create function programmes_stay() returns trigger language plpgsql as $$
begin
  raise exception 'a version of a programme is never changed; set a new one';
end $$;
create trigger programmes_stay before update or delete on programmes
  for each row execute function programmes_stay();

-- One row as long as a customer is on a level in one term; the one that is open is the level now.
create table tier_history (
  customer text not null references customers,
  ordinal integer not null check (ordinal > 0),
  -- The version it was reached under. On the lowest level, which has no term, the newest one counts.
  version integer not null references programmes,
  level text not null,
  rank integer not null check (rank >= 0),
  why text not null check (why in ('first', 'rise', 'keep', 'fall', 'refund')),
  -- The growth value it was decided by: settled at growth_since or later, by transfers after growth_after up to growth_upto.
  growth bigint not null,
  growth_since timestamptz not null,
  growth_after bigint not null,
  growth_upto bigint not null,
  -- Within one period a level's gift is given once, however often it is lost and reached again.
  period text,
  period_end timestamptz,
  valid_from timestamptz not null,
  valid_to timestamptz,
  -- The midnight after the last day of the term, and after its days of grace.
  term_end timestamptz,
  due_at timestamptz,
  primary key (customer, ordinal),
  constraint tier_history_forward check (valid_to >= valid_from),
  constraint tier_history_term check ((rank = 0) = (term_end is null)),
  check ((term_end is null) = (due_at is null) and due_at >= term_end),
  check ((rank = 0) = (period is null) and (period is null) = (period_end is null))
);
create unique index tier_history_current on tier_history (customer) where valid_to is null;
create index tier_history_due on tier_history (due_at) where valid_to is null and due_at is not null;
create index tier_history_ending on tier_history (term_end) where valid_to is null and term_end is not null;
create index tier_history_level on tier_history (level) where valid_to is null;

-- Which run gives the gift of a level that was reached: one a member, period and level, for ever.
create table tier_gifts (
  customer text not null references customers,
  period text not null,
  level text not null,
  enrolment text not null references enrolments,
  version integer not null references programmes,
  at timestamptz not null,
  primary key (customer, period, level)
);
