-- Operators' words over those of the plans: a version is never changed, the newest is in force. `words` null: the plan's own again.
create table word_versions (
  journey text not null,
  message text not null,
  locale text not null,
  version integer not null check (version >= 1),
  words jsonb,
  -- {"approved": [terms], "evidence": {term: proof}}
  leave jsonb not null default '{}',
  by text not null check (by <> ''),
  note text,
  at timestamptz not null,
  primary key (journey, message, locale, version)
);

-- Which words went out: the language, and the version where they were an operator's.
alter table messages add column locale text, add column words_version integer;

-- The shop's own terms beside domain/wording-terms.ts; 'allow' lifts one of ours.
create table wording_terms (
  term text primary key,
  severity text not null check (severity in ('block', 'review', 'evidence', 'allow')),
  category text not null,
  basis text not null,
  suggestion text not null,
  except_in text[] not null default '{}',
  by text not null check (by <> ''),
  at timestamptz not null
);

-- Public holidays as announced, and the years that were announced: of any other nothing is known.
create table holiday_years (
  region text not null,
  year integer not null,
  by text not null check (by <> ''),
  at timestamptz not null,
  primary key (region, year)
);
create table holidays (
  region text not null,
  date date not null,
  year integer not null,
  kind text not null check (kind in ('holiday', 'workday')),
  name text not null,
  primary key (region, date),
  foreign key (region, year) references holiday_years on delete cascade,
  check (year = extract(year from date))
);

-- Words sent to a colleague to look at: no message of a run, so they count in no cap.
create table test_sends (
  id bigint generated always as identity primary key,
  journey text not null,
  message text not null,
  locale text,
  customer text,
  recipient text not null,
  by text not null,
  at timestamptz not null,
  status text not null,
  detail text not null
);
