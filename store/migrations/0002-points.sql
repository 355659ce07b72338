-- Points and growth value: transfers in double entry, and the lots behind a balance. All times are shop time.

create table point_transfers (
  id bigint generated always as identity primary key,
  -- For ever: the same key never pays twice.
  key text not null unique,
  request_hash text not null,
  kind text not null check (kind in ('earn', 'settle', 'void', 'spend', 'restore', 'expire', 'claw-back', 'repay')),
  unit text not null check (unit in ('points', 'growth')),
  customer text not null references customers,
  enrolment text references enrolments,
  -- Of an earn: the rule that paid, and what a return may take, as they stood then.
  rule text,
  on_return text check (on_return in ('pending-only', 'within-balance', 'negative-allowed')),
  -- What a void, a claw-back or a restore takes back.
  reverses bigint references point_transfers,
  at timestamptz not null,
  check ((kind = 'earn') = (rule is not null)),
  check ((kind = 'earn') = (on_return is not null)),
  check ((kind in ('void', 'claw-back', 'restore')) = (reverses is not null))
);
create unique index point_transfers_reverse_once on point_transfers (reverses);
create index point_transfers_of_customer on point_transfers (customer, id);
create index point_transfers_of_enrolment on point_transfers (enrolment, kind);

-- pending, available and debt are the customer's accounts, the others the shop's. They sum to zero within a transfer.
create table point_postings (
  transfer bigint not null references point_transfers,
  account text not null
    check (account in ('pending', 'available', 'debt', 'issued', 'spent', 'expired', 'reversed')),
  amount bigint not null check (amount <> 0),
  primary key (transfer, account)
);

create table point_lots (
  id bigint generated always as identity primary key,
  -- The earn that made it, or the restore where the old lot was over.
  transfer bigint not null unique references point_transfers,
  customer text not null references customers,
  unit text not null check (unit in ('points', 'growth')),
  original bigint not null check (original > 0),
  remaining bigint not null,
  state text not null check (state in ('pending', 'available', 'void', 'expired')),
  -- What made it available or void.
  resolved_by bigint references point_transfers,
  expires_at timestamptz,
  constraint point_lots_remaining check (remaining between 0 and original),
  constraint point_lots_resolved check ((state = 'pending') = (resolved_by is null)),
  check (state <> 'pending' or remaining = original),
  check (state not in ('void', 'expired') or remaining = 0)
);
create index point_lots_of_customer on point_lots (customer, unit, state);
create index point_lots_due on point_lots (expires_at) where state = 'available' and remaining > 0;

-- Which lots a debit took and a restore gave back: below zero is taken.
create table point_lot_moves (
  transfer bigint not null references point_transfers,
  lot bigint not null references point_lots,
  amount bigint not null check (amount <> 0),
  primary key (transfer, lot)
);
create index point_lot_moves_of_lot on point_lot_moves (lot);

create table point_balances (
  customer text not null references customers,
  unit text not null check (unit in ('points', 'growth')),
  pending bigint not null default 0 check (pending >= 0),
  available bigint not null default 0 check (available >= 0),
  -- What is owed after a return took more than there was.
  debt bigint not null default 0 check (debt >= 0),
  primary key (customer, unit)
);
