/** Whom a filter takes in, as a condition of SQL. domain/audience-filter.ts says the same in TypeScript; a test holds the two together. */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import {
  type AudienceFilter,
  type EventFilter,
  type FilterSetting,
  type SpentFilter,
  type TraitBound,
  type TraitFilter,
  asList,
  countsOf,
  namedFilter,
  readBy,
  spanOf,
} from '../domain/audience-filter.ts'
import { CAPABILITIES, type ChannelName } from '../domain/channel.ts'
import { MESSAGES } from '../domain/consent.ts'
import { milliseconds } from '../domain/duration.ts'
import { REFUNDED } from '../domain/returns.ts'
import { at } from './db.ts'
import { hasOwnTag } from './own-tags.ts'

type Condition = RawBuilder<SqlBool>

const YES: Condition = sql`true`

/**
 * Whether a customer is of the audience: a condition over `customers c` for any `where`, true or false and never null. All values are
 * parameters. Throws AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR.
 */
export function matching(filter: AudienceFilter, setting: FilterSetting): Condition {
  const of = (one: AudienceFilter): Condition => matching(one, setting)
  const condition = readBy<Condition>(filter, {
    everybody: () => YES,
    all: ({ all }) => both(all.map(of)),
    any: ({ any }) => (any.length === 0 ? sql`false` : sql`(${sql.join(any.map(of), sql` or `)})`),
    not: ({ not }) => sql`not (${of(not)})`,
    stage: ({ stage }) => standing(sql`s.stage = any(${[...asList(stage)]})`),
    tier: ({ tier }) => sql`coalesce(${TIER} = any(${[...asList(tier)]}), false)`,
    rfm({ rfm }) {
      const parts = (['r', 'f', 'm'] as const).flatMap((one) => within(sql.ref(`s.${one}`), spanOf(rfm[one] ?? {})))
      return standing(both([sql`s.r is not null`, ...parts]))
    },
    segment: ({ segment }) => standing(sql`s.segment = any(${[...asList(segment)]})`),
    tag: ({ tag }) => sql`(c.tags @> array[${tag}] or ${hasOwnTag(tag, setting.now)})`,
    trait: traitHolds,
    event: (one) => eventHolds(one, setting.now),
    spent: (one) => spentHolds(one, setting.now),
    zone: ({ zone }) => sql`coalesce(c.zone = any(${[...asList(zone)]}), false)`,
    locale({ locale }) {
      const one = (asked: string): Condition =>
        sql`lower(c.locale) = ${asked.toLowerCase()} or starts_with(lower(c.locale), ${`${asked.toLowerCase()}-`})`
      return sql`coalesce(${sql.join(asList(locale).map(one), sql` or `)}, false)`
    },
    consent: consentHolds,
    audience({ audience }) {
      const named = namedFilter(audience, setting)
      return matching(named.filter, named.setting)
    },
    channel: ({ channel }) => hasAddress(channel),
  })
  // Whatever stands beside it.
  return sql`(${condition})`
}

const both = (parts: readonly Condition[]): Condition =>
  parts.length === 0 ? YES : sql`(${sql.join(parts, sql` and `)})`

const standing = (holds: Condition): Condition =>
  sql`exists (select 1 from standings s where s.customer = c.id and ${holds})`

/** Who was not seen yet is on the lowest level; null where there is no programme. */
const TIER = sql`coalesce((select h.level from tier_history h where h.customer = c.id and h.valid_to is null),
  (select programme->'levels'->0->>'id' from programmes order by version desc limit 1))`

function within(value: RawBuilder<unknown>, { atLeast, atMost }: { atLeast?: number; atMost?: number }): Condition[] {
  return [
    ...(atLeast === undefined ? [] : [sql<SqlBool>`${value} >= ${String(atLeast)}::numeric`]),
    ...(atMost === undefined ? [] : [sql<SqlBool>`${value} <= ${String(atMost)}::numeric`]),
  ]
}

const json = (value: unknown): RawBuilder<unknown> => sql`${JSON.stringify(value)}::jsonb`

function traitHolds({ trait, is, in: among, atLeast, atMost, exists }: TraitFilter): Condition {
  const value = sql`(c.traits->${trait})`
  const compares = (bound: TraitBound | undefined, sign: RawBuilder<unknown>): Condition[] => {
    if (bound === undefined) return []
    return typeof bound === 'number'
      ? [
          sql`case when jsonb_typeof(${value}) = 'number' then (${value}#>>'{}')::numeric ${sign} ${String(bound)}::numeric else false end`,
        ]
      : [
          sql`case when jsonb_typeof(${value}) = 'string' and (${value}#>>'{}') ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}'
            then left(${value}#>>'{}', 10) collate "C" ${sign} ${bound} else false end`,
        ]
  }
  return both([
    ...(exists === undefined
      ? []
      : [sql<SqlBool>`(coalesce(jsonb_typeof(${value}), 'null') <> 'null') = ${exists}::boolean`]),
    ...(is === undefined ? [] : [sql<SqlBool>`coalesce(${value} = ${json(is)}, false)`]),
    ...(among === undefined
      ? []
      : [sql<SqlBool>`coalesce(${value} in (select jsonb_array_elements(${json(among)})), false)`]),
    ...compares(atLeast, sql`>=`),
    ...compares(atMost, sql`<=`),
  ])
}

/** As events are matched elsewhere: of each property that is asked for the same value. */
function eventHolds({ event, where = {}, within: span, ...counts }: EventFilter, now: number): Condition {
  const properties = Object.entries(where).map(([key, value]): Condition => sql`e.properties->${key} = ${json(value)}`)
  const found = sql`from events e where e.customer = c.id and e.type = ${event}
    and e.occurred_at > ${at(now - milliseconds(span))} and ${both(properties)}`
  const { least, most } = countsOf(counts)
  // The planner may turn the first into a join; the others stop at the last one that matters.
  const atLeast = (times: number): Condition =>
    times === 1 ? sql`exists (select 1 ${found})` : sql`exists (select 1 ${found} offset ${times - 1}::bigint)`
  return both([
    ...(least > 0 ? [atLeast(least)] : []),
    ...(most === Infinity ? [] : [sql<SqlBool>`not ${atLeast(most + 1)}`]),
  ])
}

/** What properties say was paid; null where they say none that could be. */
const amountOf = (properties: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  case when jsonb_typeof(${properties}->'amount') = 'number' then
    case when (${properties}->>'amount')::numeric between 0 and 9007199254740991
      and trunc((${properties}->>'amount')::numeric) = (${properties}->>'amount')::numeric
    then (${properties}->>'amount')::numeric end end`

/** What was refunded of the order of `e`, the same refund counted once, as it was told first; all of it where one says no amount. */
const REFUNDED_OF_ORDER = sql`
  (select case when bool_or(t.amount is null) then 'Infinity'::numeric else sum(t.amount) end from (
    select distinct on (coalesce(r.properties->>'refund', '@' || r.id)) ${amountOf(sql`r.properties`)} as amount
    from events r where r.customer = c.id and r.type = ${REFUNDED} and r.properties->>'order' = e.properties->>'order'
    order by coalesce(r.properties->>'refund', '@' || r.id), r.seq) t)`

function spentHolds({ spent: { within: span, ...bounds } }: SpentFilter, now: number): Condition {
  const since = span === undefined ? YES : sql<SqlBool>`e.occurred_at > ${at(now - milliseconds(span))}`
  const sum = sql`coalesce((select sum(greatest(0, paid.amount - coalesce(${REFUNDED_OF_ORDER}, 0)))
    from events e, lateral (select ${amountOf(sql`e.properties`)} as amount) paid
    where e.customer = c.id and e.type = 'order.paid' and ${since}), 0)`
  return both(within(sum, bounds))
}

/** Over some channel: the newest word of each counts. */
function consentHolds({ consent }: { consent: string }): Condition {
  return sql`exists (select 1 from (
    select distinct on (k.channel) k.granted from consents k
    where k.customer = c.id and k.topic = ${consent} and k.purpose = ${MESSAGES} order by k.channel, k.id desc) newest
    where newest.granted)`
}

function hasAddress(channel: ChannelName): Condition {
  const { address } = CAPABILITIES[channel]
  if (address === 'customer') return YES
  if (address === 'email' || address === 'phone') return sql`${sql.ref(`c.${address}`)} is not null`
  return sql`exists (select 1 from addresses a where a.customer = c.id and a.kind = ${address})`
}
