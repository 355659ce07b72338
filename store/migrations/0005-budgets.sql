-- Money set apart for what campaigns and journeys give away, in minor units. All times are shop time.

create table budgets (
  -- A campaign's name, or 'campaign/journey' for the journey's own within it.
  id text primary key,
  parent text references budgets,
  cap bigint not null check (cap >= 0),
  reserved bigint not null default 0 check (reserved >= 0),
  spent bigint not null default 0 check (spent >= 0),
  -- Hundredths of a percent of the cap that marketing may not touch.
  line_bp integer not null check (line_bp between 0 and 10000),
  -- Counts the caps there were: each threshold is told once a round. `alerted` is the highest that is behind us.
  round integer not null default 1,
  alerted smallint not null default 0,
  constraint budgets_within_cap check (reserved + spent <= cap),
  check ((parent is null) = (strpos(id, '/') = 0))
);

-- What each journey draws on, as its plan says it; `since` is when that began: what was given before has no hold.
create table budget_journeys (
  journey text primary key,
  budget text not null references budgets,
  own text references budgets,
  class text not null check (class in ('marketing', 'service', 'transactional')),
  since timestamptz not null
);
create index budget_journeys_of_budget on budget_journeys (budget);

-- A hold takes from its budget and, where there is one, from the journey's own: from both or from none.
create table budget_holds (
  -- The key of the effect it pays for; a coupon that comes back has another, with '/after/' and the redemption.
  key text primary key,
  budget text not null references budgets,
  own text references budgets,
  journey text not null,
  enrolment text not null references enrolments,
  customer text not null references customers,
  coupon text references coupons,
  amount bigint not null check (amount >= 0),
  -- open: reserved; settled: spent, `settled` of it; released: the money is free again.
  state text not null default 'open' check (state in ('open', 'settled', 'released')),
  settled bigint not null default 0 check (settled >= 0),
  created_at timestamptz not null,
  -- When a coupon's hold is let go unless it was redeemed.
  expires_at timestamptz,
  resolved_at timestamptz,
  check ((state = 'open') = (resolved_at is null)),
  check (state = 'settled' or settled = 0),
  check ((coupon is null) = (expires_at is null))
);
create unique index budget_holds_of_coupon on budget_holds (coupon) where state <> 'released';
create index budget_holds_by_coupon on budget_holds (coupon);
create index budget_holds_of_budget on budget_holds (budget, state);
create index budget_holds_of_own on budget_holds (own, state) where own is not null;
create index budget_holds_of_enrolment on budget_holds (enrolment);
create index budget_holds_due on budget_holds (expires_at) where state = 'open';

create table budget_alerts (
  budget text not null references budgets,
  round integer not null,
  threshold smallint not null check (threshold in (50, 80, 95, 100)),
  cap bigint not null,
  taken bigint not null,
  at timestamptz not null,
  announced_at timestamptz,
  primary key (budget, round, threshold)
);
create index budget_alerts_unannounced on budget_alerts (at) where announced_at is null;

-- One row a week that was looked at, with what was measured then; no proposal is an answer too.
create table budget_reviews (
  week text primary key check (week ~ '^\d{4}-W\d{2}$'),
  measured jsonb not null,
  at timestamptz not null
);

create table budget_proposals (
  id text primary key,
  week text not null references budget_reviews,
  giver text not null references budgets,
  taker text not null references budgets,
  amount bigint not null check (amount > 0),
  reasons jsonb not null,
  status text not null default 'open' check (status in ('open', 'applied', 'dismissed')),
  made_at timestamptz not null,
  decided_at timestamptz,
  check (giver <> taker),
  check ((status = 'open') = (decided_at is null))
);
