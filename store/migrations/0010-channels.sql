-- Channels beside e-mail: a provider that has a message and says later what became of it, what it calls the message, and a line
-- for every state a message came to.
alter table messages drop constraint messages_status_check;
alter table messages add constraint messages_status_check
  check (status in ('reserved', 'sending', 'accepted', 'sent', 'unknown', 'failed', 'skipped', 'held'));
alter table messages add column provider text;
alter table messages add column provider_id text;
create index messages_by_provider_id on messages (provider_id) where provider_id is not null;
create index messages_by_time on messages (reserved_at);
create index messages_open_fate on messages (reserved_at) where status in ('accepted', 'unknown');

create table message_states (
  id bigint generated always as identity primary key,
  message text not null references messages on delete cascade,
  status text not null,
  code text,
  detail text,
  at timestamptz not null
);
create index message_states_of_message on message_states (message, id);
-- What became of messages from before is known by its end alone.
insert into message_states (message, status, code, detail, at)
  select key, status, code, detail, coalesce(sent_at, reserved_at, created_at) from messages;

-- SMS: segments it took, and what they cost in ten-thousandths of the currency's main unit.
alter table messages add column segments integer;
alter table messages add column cost integer;
-- When the provider was last asked what became of it.
alter table messages add column looked_at timestamptz;

-- What the providers may be given in a day of theirs: the counter is guarded, the uses are what it counts.
create table provider_days (
  provider text not null,
  day date not null,
  used integer not null,
  most integer not null,
  primary key (provider, day),
  check (used >= 0)
);
create table provider_uses (
  provider text not null,
  day date not null,
  message text not null,
  primary key (provider, day, message),
  foreign key (provider, day) references provider_days
);

-- What providers said of messages afterwards; each once, by the provider's own id.
create table receipts (
  provider text not null,
  id text not null,
  message text references messages on delete cascade,
  kind text not null check (kind in ('delivered', 'failed', 'bounced', 'complained', 'refused')),
  detail text,
  at timestamptz not null,
  primary key (provider, id)
);
create index receipts_of_message on receipts (message) where message is not null;
create index receipts_by_kind on receipts (kind, at);

-- The ids of signed requests that were taken; a second of the same is refused.
create table receipt_requests (
  id text primary key,
  at timestamptz not null
);

-- What the workers said of their channels when they last started.
create table channels (
  name text primary key,
  provider text not null,
  ready boolean not null,
  missing text[] not null default '{}',
  per_second double precision,
  quota integer,
  quota_zone text,
  at timestamptz not null
);
