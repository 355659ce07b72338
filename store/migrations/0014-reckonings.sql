-- The nightly reckoning of where customers stand, one a day of the shop's calendar (domain/reckoning.ts). What it measured over all
-- customers is frozen with it, and who buys before the next is scored by the same.
create table reckonings (
  day date primary key,
  -- Orders paid by then count. The zone is the one whose days they are.
  as_of timestamptz not null,
  zone text not null,
  r_edges double precision[] not null check (cardinality(r_edges) in (0, 4)),
  m_edges double precision[] not null check (cardinality(m_edges) = cardinality(r_edges)),
  gap double precision,
  category_gaps jsonb not null default '{}' check (jsonb_typeof(category_gaps) = 'object'),
  thresholds jsonb not null,
  -- The last customer of the last page that was written; the reckoning goes on behind them.
  after text not null default '',
  finished_at timestamptz,
  -- How many customers stood where when it was finished.
  stages jsonb,
  segments jsonb,
  check ((finished_at is null) = (stages is null) and (finished_at is null) = (segments is null))
);

alter table standings
  -- Null where no reckoning wrote it.
  add column reckoning date references reckonings,
  add column year_orders integer not null default 0,
  -- How many changes of stage were told.
  add column changes integer not null default 0,
  add constraint standings_stage_check
    check (stage in ('prospect', 'new', 'active', 'high-value', 'at-risk', 'dormant', 'lost', 'reactivated')),
  add constraint standings_bought check (reckoning is null or ((orders = 0) = (stage = 'prospect')
    and (orders = 0) = (last_paid_at is null) and (orders = 0) = (first_paid_at is null)
    and (year_orders = 0) = (r is null) and year_orders <= orders));
