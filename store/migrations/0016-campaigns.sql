-- Campaigns: one run a campaign, occasion and zone, its waves with how far each has come, and members who have no workflow.

create table campaign_runs (
  id text primary key,
  campaign text not null,
  occasion text not null,
  zone text not null,
  -- The day of the occasion on the zone's calendar, from which waves count.
  day date not null,
  -- The workflow that tells the story; a second one for the same run ends at once.
  workflow text not null,
  status text not null default 'running' check (status in ('running', 'completed', 'stopped', 'failed')),
  begun_by text not null,
  begun_at timestamptz not null,
  ended_at timestamptz,
  unique (campaign, occasion, zone),
  check ((status = 'running') = (ended_at is null))
);
create index campaign_runs_on on campaign_runs (campaign) where status = 'running';

create table campaign_waves (
  id bigint generated always as identity primary key,
  run text not null references campaign_runs,
  name text not null,
  ordinal smallint not null,
  message text not null,
  due_at timestamptz not null,
  -- Everybody up to this customer has been asked for; written with what was decided about them.
  cursor text not null default '',
  members integer not null default 0,
  pages integer not null default 0,
  begun_at timestamptz,
  -- When the last page was walked, and when nothing of it was held any more.
  walked_at timestamptz,
  done_at timestamptz,
  -- It was too late for it when its turn came.
  skipped boolean not null default false,
  unique (run, name)
);

-- A member of a campaign: no workflow of one's own, so nothing to wake.
alter table enrolments add column campaign text;
create index enrolments_of_campaign on enrolments (campaign, customer) where campaign is not null and status = 'running';

alter table messages add column wave bigint;
create index messages_of_wave on messages (wave, status) where wave is not null;

-- What Temporal has to be told is about a run of a journey or of a campaign.
alter table dispatch alter column enrolment drop not null;
alter table dispatch add column campaign text references campaign_runs;
alter table dispatch add constraint dispatch_of_one check ((enrolment is null) <> (campaign is null));
create unique index dispatch_start_campaign_once on dispatch (campaign) where kind = 'start' and campaign is not null;
create index dispatch_of_campaign on dispatch (campaign) where campaign is not null;

-- Pages go by zone in the order of ids.
create index customers_by_zone on customers (zone, id);
