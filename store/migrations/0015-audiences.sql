-- Audiences by name: a version is never changed, the newest holds. `filter` null: the audience was removed.
create table audiences (
  -- Grows with each change of any of them, so that it alone says whether what a process knows of them still holds.
  revision bigint generated always as identity primary key,
  name text not null,
  version integer not null check (version >= 1),
  title text not null,
  filter jsonb check (jsonb_typeof(filter) = 'object'),
  by text not null check (by <> ''),
  at timestamptz not null,
  unique (name, version)
);

-- How far each has been walked: by whom a new definition takes in, then once a day.
create table audience_walks (
  audience text primary key,
  -- The definition has been walked to its end, since it changed here or in an audience that it names.
  settled boolean not null default false,
  -- How often it was set back to its beginning.
  round integer not null default 1,
  -- Until then, nobody is told who enters and leaves.
  quiet boolean not null,
  -- The day of the shop's calendar it was walked for last, and the customer it came to; null: to the end.
  day date,
  after text default ''
);

-- Who is in, entry by entry.
create table audience_members (
  audience text not null references audience_walks,
  customer text not null references customers,
  entry integer not null check (entry >= 1),
  entered_at timestamptz not null,
  left_at timestamptz,
  primary key (audience, customer, entry),
  constraint audience_members_forward check (left_at >= entered_at)
);
create unique index audience_members_once on audience_members (audience, customer) where left_at is null;
create index audience_members_of on audience_members (customer) where left_at is null;
