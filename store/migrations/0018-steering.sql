-- Every pause of a journey with the rule by which it was resumed: what a run does about its waits is told by these rows.
create table pauses (
  id bigint generated always as identity primary key,
  journey text not null references journeys,
  paused_at timestamptz not null,
  resumed_at timestamptz,
  -- fire: what came due goes at once; shift: waits are as much longer; skip: what is later than stale_ms is left out.
  rule text check (rule in ('fire', 'shift', 'skip')),
  stale_ms bigint check (stale_ms >= 0),
  check ((resumed_at is null) = (rule is null)),
  check (resumed_at >= paused_at),
  check ((rule = 'skip') = (stale_ms is not null) or rule is null)
);
create unique index pauses_on on pauses (journey) where resumed_at is null;
create index pauses_of_journey on pauses (journey, resumed_at);
insert into pauses (journey, paused_at) select name, paused_at from journeys where paused_at is not null;

alter table enrolments
  -- Where it holds for its paused journey, or where it failed.
  add column step text,
  -- When what it holds at was due.
  add column held_due timestamptz,
  -- The code of the error it failed with.
  add column failed_code text,
  -- Stopped with the clean-up of its plan.
  add column clean_up boolean not null default false,
  -- The run of another journey that it goes on from: what that one gave is not given again.
  add column migrated_from text unique references enrolments;
create index enrolments_failed on enrolments (journey, ended_at) where status = 'failed';
create index enrolments_open on enrolments (journey, id) where status = 'running';

-- retry: a run that failed is taken up again before the step it failed at.
alter table dispatch drop constraint dispatch_kind_check;
alter table dispatch add constraint dispatch_kind_check check (kind in ('start', 'wake', 'retry'));

-- Who steered what, when: pauses, resumes, stops, migrations, retries.
create table steering_log (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  by text not null,
  word text not null,
  journey text not null,
  enrolment text references enrolments,
  detail jsonb not null default '{}'
);
create index steering_log_of_journey on steering_log (journey, id desc);
create index steering_log_of_enrolment on steering_log (enrolment) where enrolment is not null;
