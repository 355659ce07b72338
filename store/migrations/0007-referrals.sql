-- Referral, the risk of it, and what people have to decide. All times are shop time.

-- One code an advocate and campaign; a campaign is the journey whose plan has the programme.
create table referral_codes (
  code text primary key,
  campaign text not null,
  advocate text not null references customers,
  usage_limit integer not null check (usage_limit >= 1),
  claims integer not null default 0,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  constraint referral_codes_claims check (claims between 0 and usage_limit),
  constraint referral_codes_once unique (campaign, advocate)
);
create index referral_codes_of_advocate on referral_codes (advocate);

-- One advocate a friend. The programme is frozen as it was at the claim that counts.
create table referrals (
  friend text constraint referrals_pkey primary key references customers,
  advocate text not null references customers,
  code text not null references referral_codes,
  campaign text not null,
  programme jsonb not null,
  status text not null check (status in ('claimed', 'pending', 'held', 'in-review', 'approved', 'denied', 'voided')),
  -- Why it is denied or voided: a code of the refusals.
  reason text,
  claimed_at timestamptz not null,
  claim_until timestamptz not null,
  "order" text,
  qualified_at timestamptz,
  returns_until timestamptz,
  approved_at timestamptz,
  voided_at timestamptz,
  -- When a void was put right: rewards taken back, as far as they could be.
  taken_back_at timestamptz,
  constraint referrals_two check (friend <> advocate),
  constraint referrals_qualified check (
    (status not in ('pending', 'held', 'in-review', 'approved') or qualified_at is not null)
    and (qualified_at is null or ("order" is not null and returns_until is not null))),
  constraint referrals_approved check (
    (status <> 'approved' or approved_at is not null) and (approved_at is null or status in ('approved', 'voided'))
    and (approved_at is null or approved_at >= returns_until)),
  constraint referrals_reason check ((status in ('denied', 'voided')) = (reason is not null)),
  constraint referrals_voided check ((status = 'voided') = (voided_at is not null))
);
create index referrals_of_advocate on referrals (advocate, claimed_at desc);
create index referrals_of_code on referrals (code);
create index referrals_newest on referrals (claimed_at desc);

-- What an advocate got: for a friend, or for a rung of the ladder.
create table referral_rewards (
  -- The effect key: of the points' transfer or of the coupon.
  key text primary key,
  campaign text not null,
  advocate text not null references customers,
  friend text references referrals,
  rung integer check (rung >= 1),
  on_void text not null check (on_void in ('claw-back', 'freeze')),
  enrolment text not null references enrolments,
  kind text not null check (kind in ('points', 'coupon')),
  given_at timestamptz not null,
  taken_back_at timestamptz,
  outcome text check (outcome in ('taken-back', 'void', 'used', 'over')),
  check ((friend is null) <> (rung is null)),
  check ((taken_back_at is null) = (outcome is null))
);
create unique index referral_rewards_friend on referral_rewards (friend) where friend is not null;
create unique index referral_rewards_rung on referral_rewards (campaign, advocate, rung)
  where rung is not null and taken_back_at is null;

-- Each judgement with the rules that fired and the facts they read, so that it can be explained.
create table risk_judgements (
  id bigint generated always as identity primary key,
  key text not null unique,
  friend text not null references referrals,
  advocate text not null references customers,
  enrolment text not null references enrolments,
  outcome text not null check (outcome in ('allow', 'hold', 'review', 'deny')),
  points integer not null,
  rules jsonb not null,
  facts jsonb not null,
  at timestamptz not null
);
create index risk_judgements_of_friend on risk_judgements (friend, id desc);

-- Rules that a reviewer has said do not count: for an advocate and a friend, or for all friends ('*').
create table risk_exemptions (
  advocate text not null references customers,
  friend text not null,
  rule text not null,
  by text not null,
  at timestamptz not null,
  primary key (advocate, friend, rule)
);

create table reviews (
  id bigint generated always as identity primary key,
  key text not null unique,
  enrolment text not null references enrolments,
  topic text not null,
  opened_at timestamptz not null,
  deadline timestamptz not null,
  -- What is decided where nobody does.
  otherwise text not null check (otherwise in ('approve', 'deny')),
  decision text check (decision in ('approve', 'deny')),
  by text,
  reason text,
  -- Whether what spoke against it is not to be asked about again.
  remember boolean not null default false,
  decided_at timestamptz,
  constraint reviews_decided check (
    (decision is null) = (decided_at is null) and (decision is null) = (by is null) and decided_at <= deadline)
);
create index reviews_open on reviews (deadline) where decision is null;
create index reviews_of_enrolment on reviews (enrolment);

-- void: taken back before it was redeemed.
alter table coupons
  drop constraint coupons_status,
  add constraint coupons_status check (status in ('open', 'held', 'redeemed', 'lost', 'void'));
