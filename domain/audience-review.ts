/** Which audiences have to be looked at when something happens to a customer, so that all others cost nothing. */
import { type AudienceFilter, type FilterSetting, namedFilter, readBy } from './audience-filter.ts'
import { REFUNDED } from './returns.ts'

/** What a filter looks at: of one kind of thing each, 'tag', 'trait:age', 'event:order.paid'. */
export interface LookedAt {
  things: ReadonlySet<string>
  /** What it says of a customer may change without anything happening to them: with time, or by a reckoning. */
  drifts: boolean
  /** The audiences it names, and those that they name. */
  audiences: ReadonlySet<string>
}

/** Touched where a customer is seen for the first time: every filter looks at that. */
export const NEW = 'new'
/** What a change of tags touches, whoever made it. */
export const TAGS = 'tag'

/** What somebody looks at who reads a filter. Throws AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
export function lookedAt(filter: AudienceFilter, setting: Pick<FilterSetting, 'named' | 'within'>): LookedAt {
  const of = (one: AudienceFilter): LookedAt => lookedAt(one, setting)
  return readBy<LookedAt>(filter, {
    everybody: () => at(),
    all: ({ all }) => together(all.map(of)),
    any: ({ any }) => together(any.map(of)),
    not: ({ not }) => of(not),
    stage: () => drifting('standing'),
    tier: () => drifting('tier'),
    rfm: () => drifting('standing'),
    segment: () => drifting('standing'),
    // Those that journeys give fall off by themselves.
    tag: () => drifting(TAGS),
    trait: ({ trait }) => at(`trait:${trait}`),
    event: ({ event }) => drifting(`event:${event}`),
    spent({ spent: { within } }) {
      const orders = at(`event:order.paid`, `event:${REFUNDED}`)
      return { ...orders, drifts: within !== undefined }
    },
    zone: () => at('zone'),
    locale: () => at('locale'),
    // Withdrawn on a page or at a provider, it is no event.
    consent: ({ consent }) => drifting(`consent:${consent}`),
    audience({ audience }) {
      const named = namedFilter(audience, setting)
      const inner = lookedAt(named.filter, named.setting)
      return { ...inner, audiences: new Set([audience, ...inner.audiences]) }
    },
    channel: () => at('address'),
  })
}

const at = (...things: string[]): LookedAt => ({
  things: new Set([NEW, ...things]),
  drifts: false,
  audiences: new Set(),
})
const drifting = (thing: string): LookedAt => ({ ...at(thing), drifts: true })

const together = (parts: readonly LookedAt[]): LookedAt => ({
  things: new Set(parts.flatMap(({ things }) => [...things])),
  drifts: parts.some(({ drifts }) => drifts),
  audiences: new Set(parts.flatMap(({ audiences }) => [...audiences])),
})

/** What an event may say of its customer. */
interface Told {
  type: string
  customer: {
    email?: unknown
    phone?: unknown
    zone?: unknown
    locale?: unknown
    tags?: unknown
    reach?: object
    traits?: object
    consent?: object
  }
}

/** What an event touches, as `lookedAt` names it; what it says as before is touched too. */
export function touchedBy({ type, customer }: Told): string[] {
  if (isAboutAudiences(type)) return []
  const { email, phone, zone, locale, tags, reach, traits = {}, consent = {} } = customer
  const said = (thing: string, ...values: unknown[]): string[] =>
    values.some((value) => value !== undefined) ? [thing] : []
  return [
    `event:${type}`,
    ...(type.startsWith('tier.') ? ['tier'] : []),
    ...(type === 'stage.changed' ? ['standing'] : []),
    ...said(TAGS, tags),
    ...said('zone', zone),
    ...said('locale', locale),
    ...said('address', email, phone, reach),
    ...Object.keys(traits).map((name) => `trait:${name}`),
    ...Object.keys(consent).map((topic) => `consent:${topic}`),
  ]
}

/** No filter looks at these: an audience hangs on another by its name, so that none can turn for ever. */
export const isAboutAudiences = (type: string): boolean => type.startsWith('audience.')
