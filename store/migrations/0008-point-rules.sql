-- The refund of a part of an order takes back its share of each award, once a refund; a whole one takes the rest, once.
alter table point_transfers
  add column refund text,
  add constraint point_transfers_refund check (refund is null or kind in ('void', 'claw-back'));
drop index point_transfers_reverse_once;
create unique index point_transfers_reverse_once on point_transfers (reverses) where refund is null;
create unique index point_transfers_refund_once on point_transfers (reverses, refund) where refund is not null;
-- So a pending lot may be less than it was, though nothing but such a refund makes it so.
alter table point_lots drop constraint point_lots_check;

-- The daily sweeps walk these by customer, and read only what has yet to expire.
create index point_lots_expiring on point_lots (customer, expires_at) include (remaining)
  where unit = 'points' and state = 'available' and remaining > 0;
create index coupons_expiring on coupons (customer, expires_at) where customer is not null and status in ('open', 'held');

-- A journey whose plan says that it is off begins for nobody until an operator switches it on.
alter table journeys add column switched_on_at timestamptz, add column switched_on_because text;
