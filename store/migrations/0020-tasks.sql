-- What people of the shop are asked: to decide (a review) or to do (a task). One queue with deadlines, one kind of row.
alter table reviews
  add column kind text not null default 'review' check (kind in ('review', 'task')),
  -- What a task asks for beyond its name.
  add column note text not null default '',
  drop constraint reviews_otherwise_check,
  drop constraint reviews_decision_check,
  add constraint reviews_answers check (case kind
    when 'review' then otherwise in ('approve', 'deny') and decision in ('approve', 'deny')
    else otherwise = 'cannot' and decision in ('done', 'cannot') end);

-- Tags that journeys give, apart from those the shop sends: an event with tags takes the place of the shop's alone.
create table own_tags (
  customer text not null references customers,
  tag text not null,
  -- The run that gave it last.
  enrolment text not null references enrolments,
  at timestamptz not null,
  -- When it falls off by itself; null: when it is taken off.
  until timestamptz,
  primary key (customer, tag)
);
create index own_tags_by_tag on own_tags (tag, customer);

-- Why a journey withdrew consent ('silence'); null where the customer spoke.
alter table consents add column reason text;
