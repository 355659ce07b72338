-- The gate: topics, consent with purpose and proof, addresses of channels beside e-mail, the auction, exposures, words that a
-- person has to agree to, and the slots in which held messages leave.

create table topics (
  id text primary key,
  title text not null,
  description text not null default '',
  -- Consent to it counts only once the customer has confirmed it.
  double_opt_in boolean not null default false,
  -- No longer offered; consent that was given still counts.
  retired boolean not null default false
);

alter table consents add column purpose text not null default 'messages';
-- Given, but not confirmed yet where the topic asks for that: silence is a refusal, so granted is false.
alter table consents add column pending boolean not null default false;
alter table consents add column text_version text;
alter table consents add column ip_hash text;
alter table consents add column agent_hash text;
alter table consents add constraint consents_pending check (not (pending and granted));
drop index consents_newest;
create index consents_newest on consents (customer, topic, channel, purpose, id desc);

alter table customers add column channels text[] not null default '{}';

create table addresses (
  customer text not null references customers,
  kind text not null check (kind in ('wecom', 'wechat', 'device', 'subscription', 'url')),
  address text not null,
  at timestamptz not null,
  primary key (customer, kind)
);

alter table messages add column purpose text not null default 'messages';
alter table messages add column tags text[] not null default '{}';
alter table messages add column priority integer not null default 0;
-- A message that waits in an auction for the last place the caps have.
alter table messages add column bid_at timestamptz;
alter table messages add column bid_until timestamptz;
-- The channels that were passed over for the one it went by, and why.
alter table messages add column passed jsonb not null default '[]';

-- One row a run and message, at the would-be send, in both arms.
create table exposures (
  message text primary key,
  enrolment text not null references enrolments,
  journey text not null,
  customer text not null,
  arm text not null check (arm in ('treated', 'holdout')),
  at timestamptz not null
);
create index exposures_of_enrolment on exposures (enrolment);
create index exposures_of_journey on exposures (journey, arm);
insert into exposures (message, enrolment, journey, customer, arm, at)
  select m.key, m.enrolment, m.journey, m.customer, e.arm, coalesce(m.reserved_at, m.created_at)
  from messages m join enrolments e on e.id = m.enrolment
  where m.reserved_at is not null or m.code = 'HOLDOUT';

-- Words in which a term asks for a person's judgement: `hash` is of exactly these words.
create table wordings (
  hash text not null,
  term text not null,
  journey text not null,
  message text not null,
  words jsonb not null,
  basis text not null,
  suggestion text not null,
  asked_at timestamptz not null,
  approved_at timestamptz,
  approved_by text,
  primary key (hash, term),
  check ((approved_at is null) = (approved_by is null))
);

-- Held messages leave in slots, so many each; an opening is where the search for a free one goes on.
create table release_slots (
  channel text not null,
  slot timestamptz not null,
  taken integer not null check (taken > 0),
  primary key (channel, slot)
);
create table release_openings (
  channel text not null,
  opens_at timestamptz not null,
  next_slot timestamptz not null,
  primary key (channel, opens_at)
);
