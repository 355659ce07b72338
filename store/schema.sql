-- What the migrations come to. Written by `npm run schema`; a test compares it.

create table addresses (
  customer text not null,
  kind text not null,
  address text not null,
  at timestamp with time zone not null,
  constraint addresses_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint addresses_kind_check CHECK ((kind = ANY (ARRAY['wecom'::text, 'wechat'::text, 'device'::text, 'subscription'::text, 'url'::text]))),
  constraint addresses_pkey PRIMARY KEY (customer, kind)
);

create table audience_members (
  audience text not null,
  customer text not null,
  entry integer not null,
  entered_at timestamp with time zone not null,
  left_at timestamp with time zone,
  constraint audience_members_audience_fkey FOREIGN KEY (audience) REFERENCES audience_walks(audience),
  constraint audience_members_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint audience_members_entry_check CHECK ((entry >= 1)),
  constraint audience_members_forward CHECK ((left_at >= entered_at)),
  constraint audience_members_pkey PRIMARY KEY (audience, customer, entry)
);
CREATE INDEX audience_members_of ON public.audience_members USING btree (customer) WHERE (left_at IS NULL);
CREATE UNIQUE INDEX audience_members_once ON public.audience_members USING btree (audience, customer) WHERE (left_at IS NULL);

create table audience_walks (
  audience text not null,
  settled boolean not null default false,
  round integer not null default 1,
  quiet boolean not null,
  day date,
  after text default ''::text,
  constraint audience_walks_pkey PRIMARY KEY (audience)
);

create table audiences (
  revision bigint not null identity,
  name text not null,
  version integer not null,
  title text not null,
  filter jsonb,
  by text not null,
  at timestamp with time zone not null,
  constraint audiences_by_check CHECK ((by <> ''::text)),
  constraint audiences_filter_check CHECK ((jsonb_typeof(filter) = 'object'::text)),
  constraint audiences_name_version_key UNIQUE (name, version),
  constraint audiences_pkey PRIMARY KEY (revision),
  constraint audiences_version_check CHECK ((version >= 1))
);

create table budget_alerts (
  budget text not null,
  round integer not null,
  threshold smallint not null,
  cap bigint not null,
  taken bigint not null,
  at timestamp with time zone not null,
  announced_at timestamp with time zone,
  constraint budget_alerts_budget_fkey FOREIGN KEY (budget) REFERENCES budgets(id),
  constraint budget_alerts_pkey PRIMARY KEY (budget, round, threshold),
  constraint budget_alerts_threshold_check CHECK ((threshold = ANY (ARRAY[50, 80, 95, 100])))
);
CREATE INDEX budget_alerts_unannounced ON public.budget_alerts USING btree (at) WHERE (announced_at IS NULL);

create table budget_holds (
  key text not null,
  budget text not null,
  own text,
  journey text not null,
  enrolment text not null,
  customer text not null,
  coupon text,
  amount bigint not null,
  state text not null default 'open'::text,
  settled bigint not null default 0,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  resolved_at timestamp with time zone,
  constraint budget_holds_amount_check CHECK ((amount >= 0)),
  constraint budget_holds_budget_fkey FOREIGN KEY (budget) REFERENCES budgets(id),
  constraint budget_holds_check CHECK (((state = 'open'::text) = (resolved_at IS NULL))),
  constraint budget_holds_check1 CHECK (((state = 'settled'::text) OR (settled = 0))),
  constraint budget_holds_check2 CHECK (((coupon IS NULL) = (expires_at IS NULL))),
  constraint budget_holds_coupon_fkey FOREIGN KEY (coupon) REFERENCES coupons(code),
  constraint budget_holds_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint budget_holds_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint budget_holds_own_fkey FOREIGN KEY (own) REFERENCES budgets(id),
  constraint budget_holds_pkey PRIMARY KEY (key),
  constraint budget_holds_settled_check CHECK ((settled >= 0)),
  constraint budget_holds_state_check CHECK ((state = ANY (ARRAY['open'::text, 'settled'::text, 'released'::text])))
);
CREATE INDEX budget_holds_by_coupon ON public.budget_holds USING btree (coupon);
CREATE INDEX budget_holds_due ON public.budget_holds USING btree (expires_at) WHERE (state = 'open'::text);
CREATE INDEX budget_holds_of_budget ON public.budget_holds USING btree (budget, state);
CREATE UNIQUE INDEX budget_holds_of_coupon ON public.budget_holds USING btree (coupon) WHERE (state <> 'released'::text);
CREATE INDEX budget_holds_of_enrolment ON public.budget_holds USING btree (enrolment);
CREATE INDEX budget_holds_of_own ON public.budget_holds USING btree (own, state) WHERE (own IS NOT NULL);

create table budget_journeys (
  journey text not null,
  budget text not null,
  own text,
  class text not null,
  since timestamp with time zone not null,
  constraint budget_journeys_budget_fkey FOREIGN KEY (budget) REFERENCES budgets(id),
  constraint budget_journeys_class_check CHECK ((class = ANY (ARRAY['marketing'::text, 'service'::text, 'transactional'::text]))),
  constraint budget_journeys_own_fkey FOREIGN KEY (own) REFERENCES budgets(id),
  constraint budget_journeys_pkey PRIMARY KEY (journey)
);
CREATE INDEX budget_journeys_of_budget ON public.budget_journeys USING btree (budget);

create table budget_proposals (
  id text not null,
  week text not null,
  giver text not null,
  taker text not null,
  amount bigint not null,
  reasons jsonb not null,
  status text not null default 'open'::text,
  made_at timestamp with time zone not null,
  decided_at timestamp with time zone,
  constraint budget_proposals_amount_check CHECK ((amount > 0)),
  constraint budget_proposals_check CHECK ((giver <> taker)),
  constraint budget_proposals_check1 CHECK (((status = 'open'::text) = (decided_at IS NULL))),
  constraint budget_proposals_giver_fkey FOREIGN KEY (giver) REFERENCES budgets(id),
  constraint budget_proposals_pkey PRIMARY KEY (id),
  constraint budget_proposals_status_check CHECK ((status = ANY (ARRAY['open'::text, 'applied'::text, 'dismissed'::text]))),
  constraint budget_proposals_taker_fkey FOREIGN KEY (taker) REFERENCES budgets(id),
  constraint budget_proposals_week_fkey FOREIGN KEY (week) REFERENCES budget_reviews(week)
);

create table budget_reviews (
  week text not null,
  measured jsonb not null,
  at timestamp with time zone not null,
  constraint budget_reviews_pkey PRIMARY KEY (week),
  constraint budget_reviews_week_check CHECK ((week ~ '^\d{4}-W\d{2}$'::text))
);

create table budgets (
  id text not null,
  parent text,
  cap bigint not null,
  reserved bigint not null default 0,
  spent bigint not null default 0,
  line_bp integer not null,
  round integer not null default 1,
  alerted smallint not null default 0,
  constraint budgets_cap_check CHECK ((cap >= 0)),
  constraint budgets_check CHECK (((parent IS NULL) = (strpos(id, '/'::text) = 0))),
  constraint budgets_line_bp_check CHECK (((line_bp >= 0) AND (line_bp <= 10000))),
  constraint budgets_parent_fkey FOREIGN KEY (parent) REFERENCES budgets(id),
  constraint budgets_pkey PRIMARY KEY (id),
  constraint budgets_reserved_check CHECK ((reserved >= 0)),
  constraint budgets_spent_check CHECK ((spent >= 0)),
  constraint budgets_within_cap CHECK (((reserved + spent) <= cap))
);

create table campaign_runs (
  id text not null,
  campaign text not null,
  occasion text not null,
  zone text not null,
  day date not null,
  workflow text not null,
  status text not null default 'running'::text,
  begun_by text not null,
  begun_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint campaign_runs_campaign_occasion_zone_key UNIQUE (campaign, occasion, zone),
  constraint campaign_runs_check CHECK (((status = 'running'::text) = (ended_at IS NULL))),
  constraint campaign_runs_pkey PRIMARY KEY (id),
  constraint campaign_runs_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'stopped'::text, 'failed'::text])))
);
CREATE INDEX campaign_runs_on ON public.campaign_runs USING btree (campaign) WHERE (status = 'running'::text);

create table campaign_waves (
  id bigint not null identity,
  run text not null,
  name text not null,
  ordinal smallint not null,
  message text not null,
  due_at timestamp with time zone not null,
  cursor text not null default ''::text,
  members integer not null default 0,
  pages integer not null default 0,
  begun_at timestamp with time zone,
  walked_at timestamp with time zone,
  done_at timestamp with time zone,
  skipped boolean not null default false,
  constraint campaign_waves_pkey PRIMARY KEY (id),
  constraint campaign_waves_run_fkey FOREIGN KEY (run) REFERENCES campaign_runs(id),
  constraint campaign_waves_run_name_key UNIQUE (run, name)
);

create table channels (
  name text not null,
  provider text not null,
  ready boolean not null,
  missing text[] not null default '{}'::text[],
  per_second double precision,
  quota integer,
  quota_zone text,
  at timestamp with time zone not null,
  constraint channels_pkey PRIMARY KEY (name)
);

create table checkout_answers (
  key text not null,
  request_hash text not null,
  answer jsonb not null,
  at timestamp with time zone not null,
  constraint checkout_answers_pkey PRIMARY KEY (key)
);

create table code_batches (
  key text not null,
  request_hash text not null,
  offer text not null,
  version integer not null,
  wanted integer not null,
  made integer not null default 0,
  issued_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint code_batches_check CHECK (((made >= 0) AND (made <= wanted))),
  constraint code_batches_offer_version_fkey FOREIGN KEY (offer, version) REFERENCES offer_versions(offer, version),
  constraint code_batches_pkey PRIMARY KEY (key),
  constraint code_batches_wanted_check CHECK ((wanted >= 1))
);

create table code_tries (
  who text not null,
  code text not null,
  at timestamp with time zone not null,
  constraint code_tries_pkey PRIMARY KEY (who, code)
);

create table consents (
  id bigint not null identity,
  customer text not null,
  topic text not null,
  channel text not null,
  granted boolean not null,
  source text not null,
  at timestamp with time zone not null,
  purpose text not null default 'messages'::text,
  pending boolean not null default false,
  text_version text,
  ip_hash text,
  agent_hash text,
  reason text,
  constraint consents_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint consents_pending CHECK ((NOT (pending AND granted))),
  constraint consents_pkey PRIMARY KEY (id)
);
CREATE INDEX consents_newest ON public.consents USING btree (customer, topic, channel, purpose, id DESC);

create table coupon_identities (
  kind text not null,
  hash text not null,
  code text not null,
  constraint coupon_identities_code_fkey FOREIGN KEY (code) REFERENCES coupons(code),
  constraint coupon_identities_pkey PRIMARY KEY (kind, hash, code)
);
CREATE INDEX coupon_identities_of_code ON public.coupon_identities USING btree (code);

create table coupons (
  code text not null,
  key text not null,
  request_hash text not null,
  offer text not null,
  customer text,
  enrolment text,
  issued_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  version integer not null,
  batch text,
  status text not null default 'open'::text,
  held_by text,
  held_until timestamp with time zone,
  held_basket jsonb,
  void_key text,
  void_reason text,
  voided_at timestamp with time zone,
  constraint coupons_batch_fkey FOREIGN KEY (batch) REFERENCES code_batches(key),
  constraint coupons_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint coupons_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint coupons_held CHECK ((((status = 'held'::text) = (held_by IS NOT NULL)) AND ((held_by IS NULL) = (held_until IS NULL)))),
  constraint coupons_held_basket CHECK (((held_basket IS NULL) OR (held_by IS NOT NULL))),
  constraint coupons_key_key UNIQUE (key),
  constraint coupons_owner CHECK ((((customer IS NULL) = (enrolment IS NULL)) AND ((customer IS NULL) = (batch IS NOT NULL)))),
  constraint coupons_pkey PRIMARY KEY (code),
  constraint coupons_status CHECK ((status = ANY (ARRAY['open'::text, 'held'::text, 'redeemed'::text, 'lost'::text, 'void'::text]))),
  constraint coupons_version_fkey FOREIGN KEY (offer, version) REFERENCES offer_versions(offer, version),
  constraint coupons_void CHECK ((((void_key IS NULL) OR (status = 'void'::text)) AND ((void_key IS NULL) = (voided_at IS NULL)))),
  constraint coupons_void_key_key UNIQUE (void_key)
);
CREATE INDEX coupons_expiring ON public.coupons USING btree (customer, expires_at) WHERE ((customer IS NOT NULL) AND (status = ANY (ARRAY['open'::text, 'held'::text])));
CREATE INDEX coupons_held_by ON public.coupons USING btree (held_by) WHERE (held_by IS NOT NULL);
CREATE INDEX coupons_of_customer ON public.coupons USING btree (customer);

create table customers (
  id text not null,
  email text,
  name text,
  zone text,
  locale text,
  birth_month smallint,
  birth_day smallint,
  tags text[] not null default '{}'::text[],
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  phone text,
  channels text[] not null default '{}'::text[],
  traits jsonb not null default '{}'::jsonb,
  birth_calendar text not null default 'solar'::text,
  constraint customers_birth_calendar CHECK ((birth_calendar = ANY (ARRAY['solar'::text, 'lunar'::text, 'lunar-leap'::text]))),
  constraint customers_check CHECK (((birth_month IS NULL) = (birth_day IS NULL))),
  constraint customers_pkey PRIMARY KEY (id),
  constraint customers_traits_check CHECK ((jsonb_typeof(traits) = 'object'::text))
);
CREATE INDEX customers_by_birthday ON public.customers USING btree ((((birth_month * 100) + birth_day)), id);
CREATE INDEX customers_by_zone ON public.customers USING btree (zone, id);

create table decisions (
  id bigint not null identity,
  key text not null,
  customer text not null,
  journey text not null,
  enrolment text,
  about text not null,
  verdict text not null,
  code text,
  detail text,
  at timestamp with time zone not null,
  constraint decisions_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint decisions_key_key UNIQUE (key),
  constraint decisions_pkey PRIMARY KEY (id)
);
CREATE INDEX decisions_of_customer ON public.decisions USING btree (customer, id);

create table dispatch (
  id bigint not null identity,
  kind text not null,
  enrolment text,
  created_at timestamp with time zone not null,
  due_at timestamp with time zone not null default now(),
  attempts integer not null default 0,
  last_error text,
  delivered_at timestamp with time zone,
  campaign text,
  constraint dispatch_campaign_fkey FOREIGN KEY (campaign) REFERENCES campaign_runs(id),
  constraint dispatch_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint dispatch_kind_check CHECK ((kind = ANY (ARRAY['start'::text, 'wake'::text, 'retry'::text]))),
  constraint dispatch_of_one CHECK (((enrolment IS NULL) <> (campaign IS NULL))),
  constraint dispatch_pkey PRIMARY KEY (id)
);
CREATE INDEX dispatch_of_campaign ON public.dispatch USING btree (campaign) WHERE (campaign IS NOT NULL);
CREATE INDEX dispatch_of_enrolment ON public.dispatch USING btree (enrolment);
CREATE UNIQUE INDEX dispatch_start_campaign_once ON public.dispatch USING btree (campaign) WHERE ((kind = 'start'::text) AND (campaign IS NOT NULL));
CREATE UNIQUE INDEX dispatch_start_once ON public.dispatch USING btree (enrolment) WHERE (kind = 'start'::text);
CREATE INDEX dispatch_waiting ON public.dispatch USING btree (due_at, id) WHERE (delivered_at IS NULL);

create table enrolments (
  id text not null,
  journey text not null,
  customer text not null,
  occasion text,
  arm text not null,
  status text not null,
  begun_by text not null,
  begun_seq bigint not null,
  entered_at timestamp with time zone not null,
  starts_at timestamp with time zone not null,
  goal_until timestamp with time zone,
  goal_at timestamp with time zone,
  ended_at timestamp with time zone,
  reason text,
  held_at timestamp with time zone,
  campaign text,
  step text,
  held_due timestamp with time zone,
  failed_code text,
  clean_up boolean not null default false,
  migrated_from text,
  constraint enrolments_arm_check CHECK ((arm = ANY (ARRAY['treated'::text, 'holdout'::text]))),
  constraint enrolments_check CHECK (((status = 'running'::text) = (ended_at IS NULL))),
  constraint enrolments_check1 CHECK (((status <> 'goal'::text) OR (goal_at IS NOT NULL))),
  constraint enrolments_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint enrolments_migrated_from_fkey FOREIGN KEY (migrated_from) REFERENCES enrolments(id),
  constraint enrolments_migrated_from_key UNIQUE (migrated_from),
  constraint enrolments_pkey PRIMARY KEY (id),
  constraint enrolments_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'goal'::text, 'exited'::text, 'stopped'::text, 'failed'::text])))
);
CREATE INDEX enrolments_failed ON public.enrolments USING btree (journey, ended_at) WHERE (status = 'failed'::text);
CREATE INDEX enrolments_of_campaign ON public.enrolments USING btree (campaign, customer) WHERE ((campaign IS NOT NULL) AND (status = 'running'::text));
CREATE INDEX enrolments_of_customer ON public.enrolments USING btree (customer, journey);
CREATE INDEX enrolments_of_journey ON public.enrolments USING btree (journey, entered_at DESC);
CREATE INDEX enrolments_open ON public.enrolments USING btree (journey, id) WHERE (status = 'running'::text);

create table events (
  seq bigint not null identity,
  id text not null,
  customer text not null,
  type text not null,
  properties jsonb not null,
  content_hash text not null,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null,
  constraint events_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint events_id_key UNIQUE (id),
  constraint events_pkey PRIMARY KEY (seq)
);
CREATE INDEX events_of_customer ON public.events USING btree (customer, type, seq);

create table exposures (
  message text not null,
  enrolment text not null,
  journey text not null,
  customer text not null,
  arm text not null,
  at timestamp with time zone not null,
  constraint exposures_arm_check CHECK ((arm = ANY (ARRAY['treated'::text, 'holdout'::text]))),
  constraint exposures_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint exposures_pkey PRIMARY KEY (message)
);
CREATE INDEX exposures_of_enrolment ON public.exposures USING btree (enrolment);
CREATE INDEX exposures_of_journey ON public.exposures USING btree (journey, arm);

create table holiday_years (
  region text not null,
  year integer not null,
  by text not null,
  at timestamp with time zone not null,
  constraint holiday_years_by_check CHECK ((by <> ''::text)),
  constraint holiday_years_pkey PRIMARY KEY (region, year)
);

create table holidays (
  region text not null,
  date date not null,
  year integer not null,
  kind text not null,
  name text not null,
  constraint holidays_check CHECK (((year)::numeric = EXTRACT(year FROM date))),
  constraint holidays_kind_check CHECK ((kind = ANY (ARRAY['holiday'::text, 'workday'::text]))),
  constraint holidays_pkey PRIMARY KEY (region, date),
  constraint holidays_region_year_fkey FOREIGN KEY (region, year) REFERENCES holiday_years(region, year) ON DELETE CASCADE
);

create table identities (
  kind text not null,
  hash text not null,
  customer text not null,
  first_seen timestamp with time zone not null,
  last_seen timestamp with time zone not null,
  constraint identities_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint identities_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'phone'::text, 'device'::text, 'payment'::text, 'address'::text]))),
  constraint identities_pkey PRIMARY KEY (kind, hash, customer)
);
CREATE INDEX identities_of_customer ON public.identities USING btree (customer);

create table journeys (
  name text not null,
  paused_at timestamp with time zone,
  switched_on_at timestamp with time zone,
  switched_on_because text,
  constraint journeys_pkey PRIMARY KEY (name)
);

create table member_counters (
  offer text not null,
  customer text not null,
  issued integer not null,
  constraint member_counters_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint member_counters_issued_check CHECK ((issued >= 0)),
  constraint member_counters_offer_fkey FOREIGN KEY (offer) REFERENCES offers(id),
  constraint member_counters_pkey PRIMARY KEY (offer, customer)
);

create table message_states (
  id bigint not null identity,
  message text not null,
  status text not null,
  code text,
  detail text,
  at timestamp with time zone not null,
  constraint message_states_message_fkey FOREIGN KEY (message) REFERENCES messages(key) ON DELETE CASCADE,
  constraint message_states_pkey PRIMARY KEY (id)
);
CREATE INDEX message_states_of_message ON public.message_states USING btree (message, id);

create table messages (
  key text not null,
  enrolment text not null,
  journey text not null,
  message text not null,
  customer text not null,
  channel text not null,
  class text not null,
  topic text not null,
  status text not null,
  code text,
  detail text,
  address text,
  message_id text not null,
  attempts integer not null default 0,
  created_at timestamp with time zone not null,
  reserved_at timestamp with time zone,
  held_until timestamp with time zone,
  sent_at timestamp with time zone,
  provider text,
  provider_id text,
  segments integer,
  cost integer,
  looked_at timestamp with time zone,
  purpose text not null default 'messages'::text,
  tags text[] not null default '{}'::text[],
  priority integer not null default 0,
  bid_at timestamp with time zone,
  bid_until timestamp with time zone,
  passed jsonb not null default '[]'::jsonb,
  locale text,
  words_version integer,
  wave bigint,
  constraint messages_check CHECK (((status <> 'sent'::text) OR ((sent_at IS NOT NULL) AND (reserved_at IS NOT NULL)))),
  constraint messages_check1 CHECK (((status <> ALL (ARRAY['skipped'::text, 'held'::text, 'failed'::text])) OR (code IS NOT NULL))),
  constraint messages_class_check CHECK ((class = ANY (ARRAY['marketing'::text, 'service'::text, 'transactional'::text]))),
  constraint messages_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint messages_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint messages_message_id_key UNIQUE (message_id),
  constraint messages_pkey PRIMARY KEY (key),
  constraint messages_status_check CHECK ((status = ANY (ARRAY['reserved'::text, 'sending'::text, 'accepted'::text, 'sent'::text, 'unknown'::text, 'failed'::text, 'skipped'::text, 'held'::text])))
);
CREATE INDEX messages_by_provider_id ON public.messages USING btree (provider_id) WHERE (provider_id IS NOT NULL);
CREATE INDEX messages_by_time ON public.messages USING btree (reserved_at);
CREATE INDEX messages_of_customer ON public.messages USING btree (customer, reserved_at);
CREATE INDEX messages_of_enrolment ON public.messages USING btree (enrolment);
CREATE INDEX messages_of_wave ON public.messages USING btree (wave, status) WHERE (wave IS NOT NULL);
CREATE INDEX messages_open_fate ON public.messages USING btree (reserved_at) WHERE (status = ANY (ARRAY['accepted'::text, 'unknown'::text]));

create table occasion_counters (
  offer text not null,
  occasion text not null,
  issued integer not null,
  most integer not null,
  constraint occasion_counters_check CHECK (((issued >= 0) AND (issued <= most))),
  constraint occasion_counters_offer_fkey FOREIGN KEY (offer) REFERENCES offers(id),
  constraint occasion_counters_pkey PRIMARY KEY (offer, occasion)
);

create table offer_buckets (
  offer text not null,
  bucket smallint not null,
  quota integer not null,
  issued integer not null default 0,
  constraint offer_buckets_bucket_check CHECK ((bucket >= 0)),
  constraint offer_buckets_check CHECK (((issued >= 0) AND (issued <= quota))),
  constraint offer_buckets_offer_fkey FOREIGN KEY (offer) REFERENCES offers(id),
  constraint offer_buckets_pkey PRIMARY KEY (offer, bucket)
);

create table offer_versions (
  offer text not null,
  version integer not null,
  terms jsonb not null,
  constraint offer_versions_offer_fkey FOREIGN KEY (offer) REFERENCES offers(id),
  constraint offer_versions_pkey PRIMARY KEY (offer, version),
  constraint offer_versions_version_check CHECK ((version >= 1))
);

create table offers (
  id text not null,
  title text not null,
  per_member integer not null,
  version integer not null default 1,
  per_member_most integer not null,
  per_occasion integer,
  constraint offers_per_member_check CHECK ((per_member >= 0)),
  constraint offers_per_member_most CHECK ((per_member <= per_member_most)),
  constraint offers_per_occasion_check CHECK ((per_occasion >= 0)),
  constraint offers_pkey PRIMARY KEY (id)
);

create table outcomes (
  enrolment text not null,
  kind text not null,
  at timestamp with time zone not null,
  detail text not null,
  constraint outcomes_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint outcomes_kind_check CHECK ((kind = ANY (ARRAY['entered'::text, 'converted'::text, 'ended'::text]))),
  constraint outcomes_pkey PRIMARY KEY (enrolment, kind)
);

create table own_tags (
  customer text not null,
  tag text not null,
  enrolment text not null,
  at timestamp with time zone not null,
  until timestamp with time zone,
  constraint own_tags_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint own_tags_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint own_tags_pkey PRIMARY KEY (customer, tag)
);
CREATE INDEX own_tags_by_tag ON public.own_tags USING btree (tag, customer);

create table pauses (
  id bigint not null identity,
  journey text not null,
  paused_at timestamp with time zone not null,
  resumed_at timestamp with time zone,
  rule text,
  stale_ms bigint,
  constraint pauses_check CHECK (((resumed_at IS NULL) = (rule IS NULL))),
  constraint pauses_check1 CHECK ((resumed_at >= paused_at)),
  constraint pauses_check2 CHECK ((((rule = 'skip'::text) = (stale_ms IS NOT NULL)) OR (rule IS NULL))),
  constraint pauses_journey_fkey FOREIGN KEY (journey) REFERENCES journeys(name),
  constraint pauses_pkey PRIMARY KEY (id),
  constraint pauses_rule_check CHECK ((rule = ANY (ARRAY['fire'::text, 'shift'::text, 'skip'::text]))),
  constraint pauses_stale_ms_check CHECK ((stale_ms >= 0))
);
CREATE INDEX pauses_of_journey ON public.pauses USING btree (journey, resumed_at);
CREATE UNIQUE INDEX pauses_on ON public.pauses USING btree (journey) WHERE (resumed_at IS NULL);

create table point_balances (
  customer text not null,
  unit text not null,
  pending bigint not null default 0,
  available bigint not null default 0,
  debt bigint not null default 0,
  constraint point_balances_available_check CHECK ((available >= 0)),
  constraint point_balances_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint point_balances_debt_check CHECK ((debt >= 0)),
  constraint point_balances_pending_check CHECK ((pending >= 0)),
  constraint point_balances_pkey PRIMARY KEY (customer, unit),
  constraint point_balances_unit_check CHECK ((unit = ANY (ARRAY['points'::text, 'growth'::text])))
);

create table point_lot_moves (
  transfer bigint not null,
  lot bigint not null,
  amount bigint not null,
  constraint point_lot_moves_amount_check CHECK ((amount <> 0)),
  constraint point_lot_moves_lot_fkey FOREIGN KEY (lot) REFERENCES point_lots(id),
  constraint point_lot_moves_pkey PRIMARY KEY (transfer, lot),
  constraint point_lot_moves_transfer_fkey FOREIGN KEY (transfer) REFERENCES point_transfers(id)
);
CREATE INDEX point_lot_moves_of_lot ON public.point_lot_moves USING btree (lot);

create table point_lots (
  id bigint not null identity,
  transfer bigint not null,
  customer text not null,
  unit text not null,
  original bigint not null,
  remaining bigint not null,
  state text not null,
  resolved_by bigint,
  expires_at timestamp with time zone,
  constraint point_lots_check1 CHECK (((state <> ALL (ARRAY['void'::text, 'expired'::text])) OR (remaining = 0))),
  constraint point_lots_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint point_lots_original_check CHECK ((original > 0)),
  constraint point_lots_pkey PRIMARY KEY (id),
  constraint point_lots_remaining CHECK (((remaining >= 0) AND (remaining <= original))),
  constraint point_lots_resolved CHECK (((state = 'pending'::text) = (resolved_by IS NULL))),
  constraint point_lots_resolved_by_fkey FOREIGN KEY (resolved_by) REFERENCES point_transfers(id),
  constraint point_lots_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'available'::text, 'void'::text, 'expired'::text]))),
  constraint point_lots_transfer_fkey FOREIGN KEY (transfer) REFERENCES point_transfers(id),
  constraint point_lots_transfer_key UNIQUE (transfer),
  constraint point_lots_unit_check CHECK ((unit = ANY (ARRAY['points'::text, 'growth'::text])))
);
CREATE INDEX point_lots_due ON public.point_lots USING btree (expires_at) WHERE ((state = 'available'::text) AND (remaining > 0));
CREATE INDEX point_lots_expiring ON public.point_lots USING btree (customer, expires_at) INCLUDE (remaining) WHERE ((unit = 'points'::text) AND (state = 'available'::text) AND (remaining > 0));
CREATE INDEX point_lots_of_customer ON public.point_lots USING btree (customer, unit, state);

create table point_postings (
  transfer bigint not null,
  account text not null,
  amount bigint not null,
  constraint point_postings_account_check CHECK ((account = ANY (ARRAY['pending'::text, 'available'::text, 'debt'::text, 'issued'::text, 'spent'::text, 'expired'::text, 'reversed'::text]))),
  constraint point_postings_amount_check CHECK ((amount <> 0)),
  constraint point_postings_pkey PRIMARY KEY (transfer, account),
  constraint point_postings_transfer_fkey FOREIGN KEY (transfer) REFERENCES point_transfers(id)
);

create table point_transfers (
  id bigint not null identity,
  key text not null,
  request_hash text not null,
  kind text not null,
  unit text not null,
  customer text not null,
  enrolment text,
  rule text,
  on_return text,
  reverses bigint,
  at timestamp with time zone not null,
  refund text,
  constraint point_transfers_check CHECK (((kind = 'earn'::text) = (rule IS NOT NULL))),
  constraint point_transfers_check1 CHECK (((kind = 'earn'::text) = (on_return IS NOT NULL))),
  constraint point_transfers_check2 CHECK (((kind = ANY (ARRAY['void'::text, 'claw-back'::text, 'restore'::text])) = (reverses IS NOT NULL))),
  constraint point_transfers_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint point_transfers_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint point_transfers_key_key UNIQUE (key),
  constraint point_transfers_kind_check CHECK ((kind = ANY (ARRAY['earn'::text, 'settle'::text, 'void'::text, 'spend'::text, 'restore'::text, 'expire'::text, 'claw-back'::text, 'repay'::text]))),
  constraint point_transfers_on_return_check CHECK ((on_return = ANY (ARRAY['pending-only'::text, 'within-balance'::text, 'negative-allowed'::text]))),
  constraint point_transfers_pkey PRIMARY KEY (id),
  constraint point_transfers_refund CHECK (((refund IS NULL) OR (kind = ANY (ARRAY['void'::text, 'claw-back'::text])))),
  constraint point_transfers_reverses_fkey FOREIGN KEY (reverses) REFERENCES point_transfers(id),
  constraint point_transfers_unit_check CHECK ((unit = ANY (ARRAY['points'::text, 'growth'::text])))
);
CREATE INDEX point_transfers_of_customer ON public.point_transfers USING btree (customer, id);
CREATE INDEX point_transfers_of_enrolment ON public.point_transfers USING btree (enrolment, kind);
CREATE UNIQUE INDEX point_transfers_refund_once ON public.point_transfers USING btree (reverses, refund) WHERE (refund IS NOT NULL);
CREATE UNIQUE INDEX point_transfers_reverse_once ON public.point_transfers USING btree (reverses) WHERE (refund IS NULL);

create table programmes (
  version integer not null,
  programme jsonb not null,
  since timestamp with time zone not null,
  constraint programmes_pkey PRIMARY KEY (version),
  constraint programmes_version_check CHECK ((version > 0))
);

create table provider_days (
  provider text not null,
  day date not null,
  used integer not null,
  most integer not null,
  constraint provider_days_pkey PRIMARY KEY (provider, day),
  constraint provider_days_used_check CHECK ((used >= 0))
);

create table provider_uses (
  provider text not null,
  day date not null,
  message text not null,
  constraint provider_uses_pkey PRIMARY KEY (provider, day, message),
  constraint provider_uses_provider_day_fkey FOREIGN KEY (provider, day) REFERENCES provider_days(provider, day)
);

create table receipt_requests (
  id text not null,
  at timestamp with time zone not null,
  constraint receipt_requests_pkey PRIMARY KEY (id)
);

create table receipts (
  provider text not null,
  id text not null,
  message text,
  kind text not null,
  detail text,
  at timestamp with time zone not null,
  constraint receipts_kind_check CHECK ((kind = ANY (ARRAY['delivered'::text, 'failed'::text, 'bounced'::text, 'complained'::text, 'refused'::text]))),
  constraint receipts_message_fkey FOREIGN KEY (message) REFERENCES messages(key) ON DELETE CASCADE,
  constraint receipts_pkey PRIMARY KEY (provider, id)
);
CREATE INDEX receipts_by_kind ON public.receipts USING btree (kind, at);
CREATE INDEX receipts_of_message ON public.receipts USING btree (message) WHERE (message IS NOT NULL);

create table reckonings (
  day date not null,
  as_of timestamp with time zone not null,
  zone text not null,
  r_edges double precision[] not null,
  m_edges double precision[] not null,
  gap double precision,
  category_gaps jsonb not null default '{}'::jsonb,
  thresholds jsonb not null,
  after text not null default ''::text,
  finished_at timestamp with time zone,
  stages jsonb,
  segments jsonb,
  constraint reckonings_category_gaps_check CHECK ((jsonb_typeof(category_gaps) = 'object'::text)),
  constraint reckonings_check CHECK ((cardinality(m_edges) = cardinality(r_edges))),
  constraint reckonings_check1 CHECK ((((finished_at IS NULL) = (stages IS NULL)) AND ((finished_at IS NULL) = (segments IS NULL)))),
  constraint reckonings_pkey PRIMARY KEY (day),
  constraint reckonings_r_edges_check CHECK ((cardinality(r_edges) = ANY (ARRAY[0, 4])))
);

create table redemption_lines (
  redemption bigint not null,
  line text not null,
  amount bigint not null,
  discount bigint not null,
  reversed_at timestamp with time zone,
  constraint redemption_lines_check CHECK (((discount >= 0) AND (discount <= amount))),
  constraint redemption_lines_pkey PRIMARY KEY (redemption, line),
  constraint redemption_lines_redemption_fkey FOREIGN KEY (redemption) REFERENCES redemptions(id)
);

create table redemptions (
  id bigint not null identity,
  code text not null,
  customer text not null,
  order text not null,
  key text not null,
  basket bigint not null,
  discount bigint not null,
  shipping bigint not null,
  gift text,
  redeemed_at timestamp with time zone not null,
  reversed_at timestamp with time zone,
  outcome text,
  constraint redemptions_check CHECK (((discount >= 0) AND (discount <= basket))),
  constraint redemptions_check1 CHECK (((reversed_at IS NULL) = (outcome IS NULL))),
  constraint redemptions_code_fkey FOREIGN KEY (code) REFERENCES coupons(code),
  constraint redemptions_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint redemptions_key_fkey FOREIGN KEY (key) REFERENCES checkout_answers(key) DEFERRABLE INITIALLY DEFERRED,
  constraint redemptions_key_key UNIQUE (key),
  constraint redemptions_outcome_check CHECK ((outcome = ANY (ARRAY['returned'::text, 'reissued'::text, 'lost'::text]))),
  constraint redemptions_pkey PRIMARY KEY (id),
  constraint redemptions_shipping_check CHECK ((shipping >= 0))
);
CREATE UNIQUE INDEX redemptions_live ON public.redemptions USING btree (code) WHERE (reversed_at IS NULL);
CREATE INDEX redemptions_of_code ON public.redemptions USING btree (code);
CREATE INDEX redemptions_of_customer ON public.redemptions USING btree (customer);
CREATE INDEX redemptions_of_order ON public.redemptions USING btree ("order");

create table referral_codes (
  code text not null,
  campaign text not null,
  advocate text not null,
  usage_limit integer not null,
  claims integer not null default 0,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  constraint referral_codes_advocate_fkey FOREIGN KEY (advocate) REFERENCES customers(id),
  constraint referral_codes_claims CHECK (((claims >= 0) AND (claims <= usage_limit))),
  constraint referral_codes_once UNIQUE (campaign, advocate),
  constraint referral_codes_pkey PRIMARY KEY (code),
  constraint referral_codes_usage_limit_check CHECK ((usage_limit >= 1))
);
CREATE INDEX referral_codes_of_advocate ON public.referral_codes USING btree (advocate);

create table referral_rewards (
  key text not null,
  campaign text not null,
  advocate text not null,
  friend text,
  rung integer,
  on_void text not null,
  enrolment text not null,
  kind text not null,
  given_at timestamp with time zone not null,
  taken_back_at timestamp with time zone,
  outcome text,
  constraint referral_rewards_advocate_fkey FOREIGN KEY (advocate) REFERENCES customers(id),
  constraint referral_rewards_check CHECK (((friend IS NULL) <> (rung IS NULL))),
  constraint referral_rewards_check1 CHECK (((taken_back_at IS NULL) = (outcome IS NULL))),
  constraint referral_rewards_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint referral_rewards_friend_fkey FOREIGN KEY (friend) REFERENCES referrals(friend),
  constraint referral_rewards_kind_check CHECK ((kind = ANY (ARRAY['points'::text, 'coupon'::text]))),
  constraint referral_rewards_on_void_check CHECK ((on_void = ANY (ARRAY['claw-back'::text, 'freeze'::text]))),
  constraint referral_rewards_outcome_check CHECK ((outcome = ANY (ARRAY['taken-back'::text, 'void'::text, 'used'::text, 'over'::text]))),
  constraint referral_rewards_pkey PRIMARY KEY (key),
  constraint referral_rewards_rung_check CHECK ((rung >= 1))
);
CREATE UNIQUE INDEX referral_rewards_friend ON public.referral_rewards USING btree (friend) WHERE (friend IS NOT NULL);
CREATE UNIQUE INDEX referral_rewards_rung ON public.referral_rewards USING btree (campaign, advocate, rung) WHERE ((rung IS NOT NULL) AND (taken_back_at IS NULL));

create table referrals (
  friend text not null,
  advocate text not null,
  code text not null,
  campaign text not null,
  programme jsonb not null,
  status text not null,
  reason text,
  claimed_at timestamp with time zone not null,
  claim_until timestamp with time zone not null,
  order text,
  qualified_at timestamp with time zone,
  returns_until timestamp with time zone,
  approved_at timestamp with time zone,
  voided_at timestamp with time zone,
  taken_back_at timestamp with time zone,
  constraint referrals_advocate_fkey FOREIGN KEY (advocate) REFERENCES customers(id),
  constraint referrals_approved CHECK ((((status <> 'approved'::text) OR (approved_at IS NOT NULL)) AND ((approved_at IS NULL) OR (status = ANY (ARRAY['approved'::text, 'voided'::text]))) AND ((approved_at IS NULL) OR (approved_at >= returns_until)))),
  constraint referrals_code_fkey FOREIGN KEY (code) REFERENCES referral_codes(code),
  constraint referrals_friend_fkey FOREIGN KEY (friend) REFERENCES customers(id),
  constraint referrals_pkey PRIMARY KEY (friend),
  constraint referrals_qualified CHECK ((((status <> ALL (ARRAY['pending'::text, 'held'::text, 'in-review'::text, 'approved'::text])) OR (qualified_at IS NOT NULL)) AND ((qualified_at IS NULL) OR (("order" IS NOT NULL) AND (returns_until IS NOT NULL))))),
  constraint referrals_reason CHECK (((status = ANY (ARRAY['denied'::text, 'voided'::text])) = (reason IS NOT NULL))),
  constraint referrals_status_check CHECK ((status = ANY (ARRAY['claimed'::text, 'pending'::text, 'held'::text, 'in-review'::text, 'approved'::text, 'denied'::text, 'voided'::text]))),
  constraint referrals_two CHECK ((friend <> advocate)),
  constraint referrals_voided CHECK (((status = 'voided'::text) = (voided_at IS NOT NULL)))
);
CREATE INDEX referrals_newest ON public.referrals USING btree (claimed_at DESC);
CREATE INDEX referrals_of_advocate ON public.referrals USING btree (advocate, claimed_at DESC);
CREATE INDEX referrals_of_code ON public.referrals USING btree (code);

create table rejected_events (
  seq bigint not null identity,
  id text,
  code text not null,
  message text not null,
  field text,
  expected text,
  body text not null,
  received_at timestamp with time zone not null,
  constraint rejected_events_pkey PRIMARY KEY (seq)
);

create table release_openings (
  channel text not null,
  opens_at timestamp with time zone not null,
  next_slot timestamp with time zone not null,
  constraint release_openings_pkey PRIMARY KEY (channel, opens_at)
);

create table release_slots (
  channel text not null,
  slot timestamp with time zone not null,
  taken integer not null,
  constraint release_slots_pkey PRIMARY KEY (channel, slot),
  constraint release_slots_taken_check CHECK ((taken > 0))
);

create table reviews (
  id bigint not null identity,
  key text not null,
  enrolment text not null,
  topic text not null,
  opened_at timestamp with time zone not null,
  deadline timestamp with time zone not null,
  otherwise text not null,
  decision text,
  by text,
  reason text,
  remember boolean not null default false,
  decided_at timestamp with time zone,
  kind text not null default 'review'::text,
  note text not null default ''::text,
  constraint reviews_answers CHECK (
CASE kind
    WHEN 'review'::text THEN ((otherwise = ANY (ARRAY['approve'::text, 'deny'::text])) AND (decision = ANY (ARRAY['approve'::text, 'deny'::text])))
    ELSE ((otherwise = 'cannot'::text) AND (decision = ANY (ARRAY['done'::text, 'cannot'::text])))
END),
  constraint reviews_decided CHECK ((((decision IS NULL) = (decided_at IS NULL)) AND ((decision IS NULL) = (by IS NULL)) AND (decided_at <= deadline))),
  constraint reviews_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint reviews_key_key UNIQUE (key),
  constraint reviews_kind_check CHECK ((kind = ANY (ARRAY['review'::text, 'task'::text]))),
  constraint reviews_pkey PRIMARY KEY (id)
);
CREATE INDEX reviews_of_enrolment ON public.reviews USING btree (enrolment);
CREATE INDEX reviews_open ON public.reviews USING btree (deadline) WHERE (decision IS NULL);

create table risk_exemptions (
  advocate text not null,
  friend text not null,
  rule text not null,
  by text not null,
  at timestamp with time zone not null,
  constraint risk_exemptions_advocate_fkey FOREIGN KEY (advocate) REFERENCES customers(id),
  constraint risk_exemptions_pkey PRIMARY KEY (advocate, friend, rule)
);

create table risk_judgements (
  id bigint not null identity,
  key text not null,
  friend text not null,
  advocate text not null,
  enrolment text not null,
  outcome text not null,
  points integer not null,
  rules jsonb not null,
  facts jsonb not null,
  at timestamp with time zone not null,
  constraint risk_judgements_advocate_fkey FOREIGN KEY (advocate) REFERENCES customers(id),
  constraint risk_judgements_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint risk_judgements_friend_fkey FOREIGN KEY (friend) REFERENCES referrals(friend),
  constraint risk_judgements_key_key UNIQUE (key),
  constraint risk_judgements_outcome_check CHECK ((outcome = ANY (ARRAY['allow'::text, 'hold'::text, 'review'::text, 'deny'::text]))),
  constraint risk_judgements_pkey PRIMARY KEY (id)
);
CREATE INDEX risk_judgements_of_friend ON public.risk_judgements USING btree (friend, id DESC);

create table standings (
  customer text not null,
  stage text not null,
  r smallint,
  f smallint,
  m smallint,
  segment text,
  orders integer not null,
  year_spent bigint not null,
  first_paid_at timestamp with time zone,
  last_paid_at timestamp with time zone,
  gap_days double precision,
  cycles jsonb not null default '{}'::jsonb,
  churn_risk boolean not null default false,
  as_of timestamp with time zone not null,
  stage_since timestamp with time zone not null,
  reckoning date,
  year_orders integer not null default 0,
  changes integer not null default 0,
  constraint standings_bought CHECK (((reckoning IS NULL) OR (((orders = 0) = (stage = 'prospect'::text)) AND ((orders = 0) = (last_paid_at IS NULL)) AND ((orders = 0) = (first_paid_at IS NULL)) AND ((year_orders = 0) = (r IS NULL)) AND (year_orders <= orders)))),
  constraint standings_check CHECK ((((r IS NULL) = (f IS NULL)) AND ((r IS NULL) = (m IS NULL)) AND ((r IS NULL) = (segment IS NULL)))),
  constraint standings_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint standings_f_check CHECK (((f >= 1) AND (f <= 5))),
  constraint standings_m_check CHECK (((m >= 1) AND (m <= 5))),
  constraint standings_pkey PRIMARY KEY (customer),
  constraint standings_r_check CHECK (((r >= 1) AND (r <= 5))),
  constraint standings_reckoning_fkey FOREIGN KEY (reckoning) REFERENCES reckonings(day),
  constraint standings_stage_check CHECK ((stage = ANY (ARRAY['prospect'::text, 'new'::text, 'active'::text, 'high-value'::text, 'at-risk'::text, 'dormant'::text, 'lost'::text, 'reactivated'::text])))
);
CREATE INDEX standings_by_stage ON public.standings USING btree (stage, customer);

create table steering_log (
  id bigint not null identity,
  at timestamp with time zone not null,
  by text not null,
  word text not null,
  journey text not null,
  enrolment text,
  detail jsonb not null default '{}'::jsonb,
  constraint steering_log_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint steering_log_pkey PRIMARY KEY (id)
);
CREATE INDEX steering_log_of_enrolment ON public.steering_log USING btree (enrolment) WHERE (enrolment IS NOT NULL);
CREATE INDEX steering_log_of_journey ON public.steering_log USING btree (journey, id DESC);

create table suppressions (
  channel text not null,
  address text not null,
  reason text not null,
  at timestamp with time zone not null,
  constraint suppressions_pkey PRIMARY KEY (channel, address)
);

create table test_sends (
  id bigint not null identity,
  journey text not null,
  message text not null,
  locale text,
  customer text,
  recipient text not null,
  by text not null,
  at timestamp with time zone not null,
  status text not null,
  detail text not null,
  constraint test_sends_pkey PRIMARY KEY (id)
);

create table tier_gifts (
  customer text not null,
  period text not null,
  level text not null,
  enrolment text not null,
  version integer not null,
  at timestamp with time zone not null,
  constraint tier_gifts_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint tier_gifts_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint tier_gifts_pkey PRIMARY KEY (customer, period, level),
  constraint tier_gifts_version_fkey FOREIGN KEY (version) REFERENCES programmes(version)
);

create table tier_history (
  customer text not null,
  ordinal integer not null,
  version integer not null,
  level text not null,
  rank integer not null,
  why text not null,
  growth bigint not null,
  growth_since timestamp with time zone not null,
  growth_after bigint not null,
  growth_upto bigint not null,
  period text,
  period_end timestamp with time zone,
  valid_from timestamp with time zone not null,
  valid_to timestamp with time zone,
  term_end timestamp with time zone,
  due_at timestamp with time zone,
  constraint tier_history_check CHECK ((((term_end IS NULL) = (due_at IS NULL)) AND (due_at >= term_end))),
  constraint tier_history_check1 CHECK ((((rank = 0) = (period IS NULL)) AND ((period IS NULL) = (period_end IS NULL)))),
  constraint tier_history_customer_fkey FOREIGN KEY (customer) REFERENCES customers(id),
  constraint tier_history_forward CHECK ((valid_to >= valid_from)),
  constraint tier_history_ordinal_check CHECK ((ordinal > 0)),
  constraint tier_history_pkey PRIMARY KEY (customer, ordinal),
  constraint tier_history_rank_check CHECK ((rank >= 0)),
  constraint tier_history_term CHECK (((rank = 0) = (term_end IS NULL))),
  constraint tier_history_version_fkey FOREIGN KEY (version) REFERENCES programmes(version),
  constraint tier_history_why_check CHECK ((why = ANY (ARRAY['first'::text, 'rise'::text, 'keep'::text, 'fall'::text, 'refund'::text])))
);
CREATE UNIQUE INDEX tier_history_current ON public.tier_history USING btree (customer) WHERE (valid_to IS NULL);
CREATE INDEX tier_history_due ON public.tier_history USING btree (due_at) WHERE ((valid_to IS NULL) AND (due_at IS NOT NULL));
CREATE INDEX tier_history_ending ON public.tier_history USING btree (term_end) WHERE ((valid_to IS NULL) AND (term_end IS NOT NULL));
CREATE INDEX tier_history_level ON public.tier_history USING btree (level) WHERE (valid_to IS NULL);

create table topics (
  id text not null,
  title text not null,
  description text not null default ''::text,
  double_opt_in boolean not null default false,
  retired boolean not null default false,
  constraint topics_pkey PRIMARY KEY (id)
);

create table waits (
  key text not null,
  enrolment text not null,
  type text not null,
  match jsonb not null,
  deadline timestamp with time zone not null,
  open boolean not null default true,
  taken_seq bigint,
  constraint waits_enrolment_fkey FOREIGN KEY (enrolment) REFERENCES enrolments(id),
  constraint waits_pkey PRIMARY KEY (key),
  constraint waits_taken_seq_fkey FOREIGN KEY (taken_seq) REFERENCES events(seq)
);
CREATE INDEX waits_open ON public.waits USING btree (enrolment) WHERE open;
CREATE UNIQUE INDEX waits_take_once ON public.waits USING btree (enrolment, taken_seq);

create table word_versions (
  journey text not null,
  message text not null,
  locale text not null,
  version integer not null,
  words jsonb,
  leave jsonb not null default '{}'::jsonb,
  by text not null,
  note text,
  at timestamp with time zone not null,
  constraint word_versions_by_check CHECK ((by <> ''::text)),
  constraint word_versions_pkey PRIMARY KEY (journey, message, locale, version),
  constraint word_versions_version_check CHECK ((version >= 1))
);

create table wording_terms (
  term text not null,
  severity text not null,
  category text not null,
  basis text not null,
  suggestion text not null,
  except_in text[] not null default '{}'::text[],
  by text not null,
  at timestamp with time zone not null,
  constraint wording_terms_by_check CHECK ((by <> ''::text)),
  constraint wording_terms_pkey PRIMARY KEY (term),
  constraint wording_terms_severity_check CHECK ((severity = ANY (ARRAY['block'::text, 'review'::text, 'evidence'::text, 'allow'::text])))
);

create table wordings (
  hash text not null,
  term text not null,
  journey text not null,
  message text not null,
  words jsonb not null,
  basis text not null,
  suggestion text not null,
  asked_at timestamp with time zone not null,
  approved_at timestamp with time zone,
  approved_by text,
  constraint wordings_check CHECK (((approved_at IS NULL) = (approved_by IS NULL))),
  constraint wordings_pkey PRIMARY KEY (hash, term)
);
