/**
 * Whom an audience is of: one condition of a customer, or several put together. store/audience-sql.ts says the same in SQL; a test
 * holds the two to one another. Every condition is true or false: what is not known of a customer is not so.
 */
import type { ChannelName } from './channel.ts'
import { type Duration, milliseconds } from './duration.ts'
import { PerennialError } from './errors.ts'
import { type Properties, matches } from './journey.ts'
import { isAmount } from './points.ts'
import { REFUNDED } from './returns.ts'
import type { Stage, Standing } from './standing.ts'

/** At least and at most, both ends within; a number alone is that number. */
export type Span = number | { atLeast?: number; atMost?: number }

type OneOrMore<T> = T | readonly T[]

/** What a trait is compared with: a number, or a date as '2026-03-01', which traits that begin with a date are compared by. */
export type TraitBound = number | string

export interface TraitFilter {
  trait: string
  is?: string | number | boolean
  in?: readonly (string | number | boolean)[]
  atLeast?: TraitBound
  atMost?: TraitBound
  exists?: boolean
}

export interface EventFilter {
  event: string
  where?: Properties
  /** Counted back from now, by when it happened at the shop. */
  within: Duration
  /** 1 unless told, 0 where there is an `atMost`. */
  atLeast?: number
  atMost?: number
}

/** Paid less what was refunded of those same orders, in minor units; of all time unless told. */
export interface SpentFilter {
  spent: { within?: Duration; atLeast?: number; atMost?: number }
}

export type AudienceFilter =
  | { everybody: true }
  | { all: readonly AudienceFilter[] }
  | { any: readonly AudienceFilter[] }
  | { not: AudienceFilter }
  | { stage: OneOrMore<Stage> }
  | { tier: OneOrMore<string> }
  | { rfm: { r?: Span; f?: Span; m?: Span } }
  | { segment: OneOrMore<string> }
  | { tag: string }
  | TraitFilter
  | EventFilter
  | SpentFilter
  | { zone: OneOrMore<string> }
  | { locale: OneOrMore<string> }
  | { consent: string }
  | { audience: string }
  | { channel: ChannelName }

type KeyOf<T> = T extends unknown ? keyof T : never
/** The word a condition is known by. */
export type FilterKind = Exclude<
  KeyOf<AudienceFilter>,
  'is' | 'in' | 'atLeast' | 'atMost' | 'exists' | 'where' | 'within'
>

export const FILTER_KINDS = [
  'everybody',
  'all',
  'any',
  'not',
  'stage',
  'tier',
  'rfm',
  'segment',
  'tag',
  'trait',
  'event',
  'spent',
  'zone',
  'locale',
  'consent',
  'audience',
  'channel',
] as const satisfies readonly FilterKind[]

export type FilterOf<K extends FilterKind> = Extract<AudienceFilter, Record<K, unknown>>

/** What somebody makes of each kind of condition. */
export type FilterReaders<T> = { [K in FilterKind]: (filter: FilterOf<K>) => T }

/** Reads one condition by the reader of its kind. */
export function readBy<T>(filter: AudienceFilter, readers: FilterReaders<T>): T {
  return (readers[kindOf(filter)] as (one: AudienceFilter) => T)(filter)
}

function kindOf(filter: AudienceFilter): FilterKind {
  const known = kinds.get(filter)
  if (known) return known
  const kind = FILTER_KINDS.find((one) => Object.hasOwn(filter, one))
  if (kind === undefined) throw new PerennialError('AUDIENCE_INVALID', 'an empty condition', { field: 'filter' })
  kinds.set(filter, kind)
  return kind
}

/** A filter is asked of everybody. */
const kinds = new WeakMap<AudienceFilter, FilterKind>()

export const asList = <T>(value: OneOrMore<T>): readonly T[] => (Array.isArray(value) ? value : [value as T])

export const spanOf = (span: Span): { atLeast?: number; atMost?: number } =>
  typeof span === 'number' ? { atLeast: span, atMost: span } : span

/** The least and the most of events that a filter asks for. */
export const countsOf = ({ atLeast, atMost }: Pick<EventFilter, 'atLeast' | 'atMost'>) => ({
  least: atLeast ?? (atMost === undefined ? 1 : 0),
  most: atMost ?? Infinity,
})

/** What filters are read against: the time, ms, and the audiences they may name. */
export interface FilterSetting {
  now: number
  named: ReadonlyMap<string, AudienceFilter>
  /** The audiences that this filter stands in, outermost first. */
  within?: readonly string[]
}

/** The filter of an audience that is named, and the setting to read it in. Throws AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
export function namedFilter<S extends Pick<FilterSetting, 'named' | 'within'>>(
  name: string,
  setting: S,
): { filter: AudienceFilter; setting: S } {
  const { named, within = [] } = setting
  if (within.includes(name)) {
    const circle = [...within.slice(within.indexOf(name)), name].join(' > ')
    throw new PerennialError('AUDIENCE_CIRCULAR', `the audience '${name}' hangs on itself: ${circle}`, {
      field: 'filter',
    })
  }
  const filter = named.get(name)
  if (!filter) throw new PerennialError('AUDIENCE_UNKNOWN', `no audience '${name}'`, { field: 'filter' })
  return { filter, setting: { ...setting, within: [...within, name] } }
}

/** What filters look at of a customer. */
export interface AudienceFacts {
  zone: string | null
  locale: string | null
  tags: readonly string[]
  traits: Properties
  /** The level of the programme; the lowest for who was not seen yet, null where there is no programme. */
  tier: string | null
  standing: Pick<Standing, 'stage' | 'rfm' | 'segment'> | null
  /** Topics to whose messages they agreed over some channel. */
  consents: readonly string[]
  /** Channels they have an address on. */
  channels: readonly ChannelName[]
  /** In the order in which they came; `at` is when they happened, ms. */
  events: readonly { id: string; type: string; properties: Properties; at: number }[]
}

/** Whether a customer is of the audience of a filter. Throws AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
export function satisfies(filter: AudienceFilter, facts: AudienceFacts, setting: FilterSetting): boolean {
  const holds = SATISFIED[kindOf(filter)] as (filter: AudienceFilter, ...by: [AudienceFacts, FilterSetting]) => boolean
  return holds(filter, facts, setting)
}

/** When each kind of condition is so. */
const SATISFIED: {
  [K in FilterKind]: (filter: FilterOf<K>, facts: AudienceFacts, setting: FilterSetting) => boolean
} = {
  everybody: () => true,
  all: ({ all }, facts, setting) => all.every((one) => satisfies(one, facts, setting)),
  any: ({ any }, facts, setting) => any.some((one) => satisfies(one, facts, setting)),
  not: ({ not }, facts, setting) => !satisfies(not, facts, setting),
  stage: ({ stage }, { standing }) => standing !== null && asList(stage).includes(standing.stage),
  tier: ({ tier }, facts) => facts.tier !== null && asList(tier).includes(facts.tier),
  rfm({ rfm }, { standing }) {
    const own = standing?.rfm
    return (
      own !== null &&
      own !== undefined &&
      AXES.every((one) => rfm[one] === undefined || liesIn(own[one], spanOf(rfm[one])))
    )
  },
  segment: ({ segment }, { standing }) =>
    asList<string | null | undefined>(segment).includes(standing?.segment ?? null),
  tag: ({ tag }, { tags }) => tags.includes(tag),
  trait: (one, { traits }) => hasTrait(one, traits),
  event({ event, where, within, ...counts }, { events }, setting) {
    const pattern = { on: event, ...(where && { where }) }
    const since = setting.now - milliseconds(within)
    let times = 0
    for (const one of events) if (one.at > since && matches(pattern, one)) times += 1
    const { least, most } = countsOf(counts)
    return times >= least && times <= most
  },
  spent: ({ spent: { within, ...span } }, { events }, { now }) =>
    liesIn(spentSince(events, within === undefined ? -Infinity : now - milliseconds(within)), span),
  zone: ({ zone }, facts) => facts.zone !== null && asList(zone).includes(facts.zone),
  locale: ({ locale }, facts) =>
    facts.locale !== null && asList(locale).some((one) => takesIn(one, facts.locale ?? '')),
  consent: ({ consent }, { consents }) => consents.includes(consent),
  audience({ audience }, facts, setting) {
    const named = namedFilter(audience, setting)
    return satisfies(named.filter, facts, named.setting)
  },
  channel: ({ channel }, { channels }) => channels.includes(channel),
}

const AXES = ['r', 'f', 'm'] as const

const liesIn = (value: number, { atLeast = -Infinity, atMost = Infinity }: { atLeast?: number; atMost?: number }) =>
  value >= atLeast && value <= atMost

/** A language takes in its regions: 'zh' is of 'zh-CN' too. */
function takesIn(asked: string, own: string): boolean {
  const [wanted, has] = [asked.toLowerCase(), own.toLowerCase()]
  return has === wanted || has.startsWith(`${wanted}-`)
}

/** What a trait begins with where it is a date. */
export const DATE_AHEAD = /^\d{4}-\d{2}-\d{2}/

function hasTrait(filter: TraitFilter, traits: Properties): boolean {
  const value = Object.hasOwn(traits, filter.trait) ? (traits[filter.trait] ?? null) : null
  const { is, in: among, atLeast, atMost, exists } = filter
  return (
    (exists === undefined || exists === (value !== null)) &&
    (is === undefined || value === is) &&
    (among === undefined || among.some((one) => value === one)) &&
    (atLeast === undefined || compares(value, atLeast, (own, bound) => own >= bound)) &&
    (atMost === undefined || compares(value, atMost, (own, bound) => own <= bound))
  )
}

function compares<V>(value: V, bound: TraitBound, holds: (own: TraitBound, bound: TraitBound) => boolean): boolean {
  if (typeof bound === 'number') return typeof value === 'number' && holds(value, bound)
  return typeof value === 'string' && DATE_AHEAD.test(value) && holds(value.slice(0, 10), bound)
}

const PAID = 'order.paid'

/** Paid by orders since then, less what was refunded of them whenever; a refund that says no amount is of the whole order. */
function spentSince(events: AudienceFacts['events'], since: number): number {
  let sum = 0
  for (const { type, at, properties } of events) {
    const { amount, order } = properties
    if (type !== PAID || at <= since || !isAmount(amount)) continue
    sum += Math.max(0, amount - (order === undefined ? 0 : refundedOf(events, order)))
  }
  return sum
}

/** The same refund told twice counts once, as it was told first. */
function refundedOf(events: AudienceFacts['events'], order: Properties[string]): number {
  const seen = new Map<string, number>()
  for (const { id, type, properties } of events) {
    if (type !== REFUNDED || textOf(properties['order']) !== textOf(order)) continue
    const refund = textOf(properties['refund']) ?? `@${id}`
    if (!seen.has(refund)) seen.set(refund, isAmount(properties['amount']) ? properties['amount'] : Infinity)
  }
  return [...seen.values()].reduce((sum, one) => sum + one, 0)
}

const textOf = (value: Properties[string] | undefined): string | undefined =>
  value === undefined || value === null ? undefined : typeof value === 'string' ? value : JSON.stringify(value)
