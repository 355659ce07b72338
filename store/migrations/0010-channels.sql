-- Channels beside e-mail: a provider that has a message and says later what became of it, what it calls the message, and a line
-- for every state a message came to.
alter table messages drop constraint messages_status_check;
alter table messages add constraint messages_status_check
  check (status in ('reserved', 'sending', 'accepted', 'sent', 'unknown', 'failed', 'skipped', 'held'));
alter table messages add column provider text;
alter table messages add column provider_id text;
create index messages_by_provider_id on messages (provider_id) where provider_id is not null;
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
