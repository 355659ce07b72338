-- What one occasion of a campaign or journey may give of an offer, beside the quota in all; null: no number of its own.
alter table offers add column per_occasion integer check (per_occasion >= 0);

-- What each occasion gave of an offer that has such a number, over all zones and workers.
create table occasion_counters (
  offer text not null references offers,
  occasion text not null,
  issued integer not null,
  -- The highest number it ever went by: it may be lowered, and who has a coupon keeps it.
  most integer not null,
  primary key (offer, occasion),
  check (issued >= 0 and issued <= most)
);
