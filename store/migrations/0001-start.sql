-- All times are shop time (domain/tempo.ts). Ids of runs, messages and effects are business keys (domain/ids.ts).

create table customers (
  id text primary key,
  email text,
  name text,
  zone text,
  locale text,
  birth_month smallint,
  birth_day smallint,
  tags text[] not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((birth_month is null) = (birth_day is null))
);
create index customers_by_birthday on customers ((birth_month * 100 + birth_day), id);

-- Append-only: the newest row of a customer, topic and channel is what holds; the others are its proof.
create table consents (
  id bigint generated always as identity primary key,
  customer text not null references customers,
  topic text not null,
  channel text not null,
  granted boolean not null,
  source text not null,
  at timestamptz not null
);
create index consents_newest on consents (customer, topic, channel, id desc);

create table suppressions (
  channel text not null,
  address text not null,
  reason text not null,
  at timestamptz not null,
  primary key (channel, address)
);

-- The inbox: seq is the order of arrival, received_at the time that decides races.
create table events (
  seq bigint generated always as identity primary key,
  id text not null unique,
  customer text not null references customers,
  type text not null,
  properties jsonb not null,
  content_hash text not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null
);
create index events_of_customer on events (customer, type, seq);

create table rejected_events (
  seq bigint generated always as identity primary key,
  id text,
  code text not null,
  message text not null,
  field text,
  expected text,
  body text not null,
  received_at timestamptz not null
);

create table journeys (
  name text primary key,
  paused_at timestamptz
);

create table enrolments (
  id text primary key,
  journey text not null,
  customer text not null references customers,
  occasion text,
  arm text not null check (arm in ('treated', 'holdout')),
  status text not null check (status in ('running', 'completed', 'goal', 'exited', 'stopped', 'failed')),
  begun_by text not null,
  -- Events from this seq on (exclusive) can end a wait of the run.
  begun_seq bigint not null,
  entered_at timestamptz not null,
  starts_at timestamptz not null,
  goal_until timestamptz,
  goal_at timestamptz,
  ended_at timestamptz,
  reason text,
  -- Set while an effect waits for its paused journey to be resumed: those runs are woken then, no others.
  held_at timestamptz,
  check ((status = 'running') = (ended_at is null)),
  check (status <> 'goal' or goal_at is not null)
);
create index enrolments_of_customer on enrolments (customer, journey);
create index enrolments_of_journey on enrolments (journey, entered_at desc);

create table waits (
  key text primary key,
  enrolment text not null references enrolments,
  type text not null,
  match jsonb not null,
  deadline timestamptz not null,
  open boolean not null default true,
  taken_seq bigint references events
);
create index waits_open on waits (enrolment) where open;
create unique index waits_take_once on waits (enrolment, taken_seq);

-- The outbox: what Temporal has yet to be told. due_at is machine time, as it paces retries.
create table dispatch (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('start', 'wake')),
  enrolment text not null references enrolments,
  created_at timestamptz not null,
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  last_error text,
  delivered_at timestamptz
);
create index dispatch_waiting on dispatch (due_at, id) where delivered_at is null;
create index dispatch_of_enrolment on dispatch (enrolment);
create unique index dispatch_start_once on dispatch (enrolment) where kind = 'start';

create table offers (
  id text primary key,
  title text not null,
  quota integer not null check (quota >= 0),
  per_member integer not null check (per_member >= 0),
  issued integer not null default 0,
  check (issued >= 0 and issued <= quota)
);

create table coupons (
  code text primary key,
  key text not null unique,
  request_hash text not null,
  offer text not null references offers,
  customer text not null references customers,
  enrolment text not null references enrolments,
  issued_at timestamptz not null,
  expires_at timestamptz not null
);
create index coupons_of_customer on coupons (customer);

create table member_counters (
  offer text not null references offers,
  customer text not null references customers,
  issued integer not null check (issued >= 0),
  primary key (offer, customer)
);

create table messages (
  key text primary key,
  enrolment text not null references enrolments,
  journey text not null,
  message text not null,
  customer text not null references customers,
  channel text not null,
  class text not null check (class in ('marketing', 'service', 'transactional')),
  topic text not null,
  -- reserved: the provider surely does not have it yet; sending: it may have.
  status text not null check (status in ('reserved', 'sending', 'sent', 'unknown', 'failed', 'skipped', 'held')),
  code text,
  detail text,
  address text,
  message_id text not null unique,
  attempts integer not null default 0,
  created_at timestamptz not null,
  reserved_at timestamptz,
  held_until timestamptz,
  sent_at timestamptz,
  check (status <> 'sent' or (sent_at is not null and reserved_at is not null)),
  check (status not in ('skipped', 'held', 'failed') or code is not null)
);
create index messages_of_customer on messages (customer, reserved_at);
create index messages_of_enrolment on messages (enrolment);

create table outcomes (
  enrolment text not null references enrolments,
  kind text not null check (kind in ('entered', 'converted', 'ended')),
  at timestamptz not null,
  detail text not null,
  primary key (enrolment, kind)
);

create table decisions (
  id bigint generated always as identity primary key,
  -- The same decision made again by a retry is one line.
  key text not null unique,
  customer text not null references customers,
  journey text not null,
  enrolment text,
  about text not null,
  verdict text not null,
  code text,
  detail text,
  at timestamptz not null
);
create index decisions_of_customer on decisions (customer, id);
