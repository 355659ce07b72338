/** Small shops and filters by chance, and what is known of each customer of such a shop, for both readings of a filter. */
import fc from 'fast-check'
import { sql } from 'kysely'
import type { AudienceFacts, AudienceFilter } from '../../domain/audience-filter.ts'
import { CHANNELS, type ChannelName } from '../../domain/channel.ts'
import { STAGES } from '../../domain/standing.ts'
import { type Db, type Tx, at, inTransaction } from '../../store/db.ts'
import { DAY, NOON } from './given.ts'

export interface ShopPerson {
  id: string
  zone: string | null
  locale: string | null
  email: string | null
  phone: string | null
  tags: string[]
  traits: Record<string, string | number | boolean>
  tier: string | null
  standing: AudienceFacts['standing']
  consents: { topic: string; channel: string; granted: boolean }[]
  addresses: string[]
  events: { type: string; at: number; properties: Record<string, string | number | boolean> }[]
}

const TAGS = ['tea', 'baby', "o'hara", '100%']
const ZONES = ['Asia/Shanghai', 'UTC']
const LOCALES = ['zh-CN', 'zh', 'en', 'en-GB', 'ZH-tw']
const LEVELS = ['bronze', 'silver', 'gold']
const SEGMENTS = ['champions', 'hibernating']
const TOPICS = ['marketing', 'member-day']
const TRAITS = ['age', 'babyBorn', 'a"b', 'ünï']
const VALUES = ['2026-03-01', '2026-11-22T10:00:00Z', '', 'red', 0, 1, 2, 2.5, 1e21, -3, true, false] as const
const DATES = ['2026-03-01', '2026-11-22', '1999-01-01']
const TYPES = ['order.paid', 'order.refunded', 'page.viewed']
const KINDS = ['wecom', 'wechat', 'device', 'subscription']

const some = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(one, { freq: 2 })
const fewOf = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.uniqueArray(some(values), { maxLength: 3 })

const properties = fc
  .record(
    {
      amount: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 5 }) }, some([-1, 1.5, 'much', true])),
      order: some(['O1', 'O2', 'O3', 7]),
      refund: some(['R1', 'R2', 3]),
      colour: some(['red', 1, true]),
    },
    { requiredKeys: [] },
  )
  .map((one) => ({ ...one }) as Record<string, string | number | boolean>)

/** Whole days ago, or to the millisecond of a window's end. */
const instant = fc
  .tuple(fc.integer({ min: -1, max: 12 }), some([0, 1, -1, DAY / 2]))
  .map(([days, more]) => NOON - days * DAY + more)

const person: fc.Arbitrary<Omit<ShopPerson, 'id'>> = fc.record({
  zone: maybe(some(ZONES)),
  locale: maybe(some(LOCALES)),
  email: maybe(fc.constant('a@mail.example')),
  phone: maybe(fc.constant('+8613912345678')),
  tags: fewOf(TAGS),
  traits: fc.dictionary(some(TRAITS), some(VALUES), { maxKeys: 3 }).map((one) => ({ ...one })),
  tier: maybe(some(LEVELS)),
  standing: maybe(
    fc
      .tuple(some(STAGES), maybe(fc.tuple(score(), score(), score())), some(SEGMENTS))
      .map(([stage, scores, segment]) => {
        // Who never paid has no score.
        const rfm = stage === 'prospect' ? null : scores
        return { stage, rfm: rfm && { r: rfm[0], f: rfm[1], m: rfm[2] }, segment: rfm && segment }
      }),
  ),
  consents: fc.array(fc.record({ topic: some(TOPICS), channel: some(['email', 'sms']), granted: fc.boolean() }), {
    maxLength: 4,
  }),
  addresses: fewOf(KINDS),
  events: fc.array(fc.record({ type: some(TYPES), at: instant, properties }), { maxLength: 8 }),
})

function score(): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: 5 })
}

export const shop: fc.Arbitrary<ShopPerson[]> = fc
  .array(person, { minLength: 1, maxLength: 6 })
  .map((people) => people.map((one, i) => ({ ...one, id: `C${i}` })))

const oneOrMore = <T>(values: readonly T[]): fc.Arbitrary<T | T[]> =>
  fc.oneof(some(values), fc.uniqueArray(some(values), { minLength: 1, maxLength: 2 }))
const span = (most: number, least = 0) =>
  fc.oneof(
    fc.record({ atLeast: fc.integer({ min: least, max: most }) }),
    fc.record({ atMost: fc.integer({ min: least, max: most }) }),
  )
const days = fc.integer({ min: 1, max: 12 }).map((n) => `${n} days` as const)
const bound = fc.oneof(some([0, 1, 2, 2.5, 1e21]), some(DATES))

const leaf: fc.Arbitrary<AudienceFilter> = fc.oneof(
  fc.constant({ everybody: true } as const),
  oneOrMore(STAGES).map((stage) => ({ stage })),
  oneOrMore(LEVELS).map((tier) => ({ tier })),
  fc
    .record({ r: fc.oneof(score(), span(5, 1)), f: span(5, 1), m: score() }, { requiredKeys: [] })
    .filter((rfm) => Object.keys(rfm).length > 0)
    .map((rfm) => ({ rfm: { ...rfm } })),
  oneOrMore(SEGMENTS).map((segment) => ({ segment })),
  some(TAGS).map((tag) => ({ tag })),
  fc
    .record(
      {
        trait: some(TRAITS),
        is: some(VALUES),
        in: fc.uniqueArray(some(VALUES), { minLength: 1, maxLength: 3 }),
        exists: fc.boolean(),
      },
      { requiredKeys: ['trait'] },
    )
    .filter((one) => Object.keys(one).length > 1)
    .map((one) => ({ ...one })),
  fc.tuple(some(TRAITS), bound, fc.boolean()).map(([trait, one, least]) => ({
    trait,
    ...(least ? { atLeast: one } : { atMost: one }),
  })),
  fc
    .tuple(
      some(TYPES),
      days,
      fc.record({ order: some(['O1', 7]), colour: some(['red', 1, true]) }, { requiredKeys: [] }),
      fc.oneof(fc.constant({}), span(3)),
    )
    .map(([event, within, where, counts]) => ({ event, within, where: { ...where }, ...counts })),
  fc
    .tuple(fc.option(days, { nil: undefined }), span(9))
    .map(([within, bounds]) => ({ spent: { ...(within && { within }), ...bounds } })),
  oneOrMore(ZONES).map((zone) => ({ zone })),
  oneOrMore(['zh', 'en', 'zh-TW', 'zh-CN']).map((locale) => ({ locale })),
  some(TOPICS).map((consent) => ({ consent })),
  some(['reds', 'payers']).map((audience) => ({ audience })),
  some(CHANNELS).map((channel) => ({ channel })),
)

export const NAMED: ReadonlyMap<string, AudienceFilter> = new Map<string, AudienceFilter>([
  ['reds', { event: 'page.viewed', where: { colour: 'red' }, within: '5 days' }],
  ['payers', { any: [{ spent: { atLeast: 3 } }, { not: { audience: 'reds' } }] }],
])

export const filter: fc.Arbitrary<AudienceFilter> = fc.letrec<{ filter: AudienceFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie('filter').map((not) => ({ not })),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
  ),
})).filter

/** Puts a shop in the place of the one that is there. Its programme has LEVELS, the first for who has none. */
export function openShop(db: Db, people: readonly ShopPerson[]): Promise<void> {
  const now = at(NOON)
  return inTransaction(db, async (tx) => {
    for (const table of ['events', 'consents', 'addresses', 'standings', 'tier_history', 'customers'])
      await sql.raw(`delete from ${table}`).execute(tx)
    const programme = { levels: LEVELS.map((id) => ({ id })) }
    await sql`insert into programmes (version, programme, since) values (1, ${JSON.stringify(programme)}, ${now})
      on conflict do nothing`.execute(tx)
    await reckoned(tx)
    for (const one of people) {
      await sql`
        insert into customers (id, zone, locale, email, phone, tags, traits, created_at, updated_at)
        values (${one.id}, ${one.zone}, ${one.locale}, ${one.email}, ${one.phone}, ${one.tags}, ${JSON.stringify(one.traits)},
          ${now}, ${now})`.execute(tx)
      if (one.tier !== null) {
        const rank = LEVELS.indexOf(one.tier)
        await sql`
          insert into tier_history (customer, ordinal, version, level, rank, why, growth, growth_since, growth_after, growth_upto,
            period, period_end, valid_from, valid_to, term_end, due_at)
          select ${one.id}, n, 1, case n when 1 then 'silver' else ${one.tier} end, r, 'first', 0, ${now}, 0, 0,
            case when r > 0 then 'p' end, case when r > 0 then ${now}::timestamptz end, ${now},
            case n when 1 then ${now}::timestamptz end, case when r > 0 then ${now}::timestamptz end,
            case when r > 0 then ${now}::timestamptz end
          from (values (1, 1), (2, ${rank}::int)) as line (n, r)`.execute(tx)
      }
      if (one.standing) {
        const { stage, rfm, segment } = one.standing
        const paid = stage === 'prospect' ? null : now
        await sql`
          insert into standings (customer, stage, r, f, m, segment, orders, year_orders, year_spent, first_paid_at, last_paid_at,
            reckoning, as_of, stage_since)
          values (${one.id}, ${stage}, ${rfm?.r ?? null}, ${rfm?.f ?? null}, ${rfm?.m ?? null}, ${segment}, ${paid ? 1 : 0},
            ${rfm ? 1 : 0}, 0, ${paid}, ${paid}, '2026-11-23', ${now}, ${now})`.execute(tx)
      }
      for (const { topic, channel, granted } of one.consents)
        await sql`
          insert into consents (customer, topic, channel, granted, source, at)
          values (${one.id}, ${topic}, ${channel}, ${granted}, 'test', ${now})`.execute(tx)
      for (const kind of one.addresses)
        await sql`
          insert into addresses (customer, kind, address, at) values (${one.id}, ${kind}, 'x', ${now})`.execute(tx)
      for (const [i, event] of one.events.entries())
        await sql`
          insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
          values (${eventId(one, i)}, ${one.id}, ${event.type}, ${JSON.stringify(event.properties)}, '', ${at(event.at)}, ${now})`.execute(
          tx,
        )
    }
  })
}

/** A reckoning that standings may say they come from. */
async function reckoned(tx: Tx): Promise<void> {
  await sql`
    insert into reckonings (day, as_of, zone, r_edges, m_edges, thresholds)
    values ('2026-11-23', ${at(NOON)}, 'UTC', '{}', '{}', '{}') on conflict do nothing`.execute(tx)
}

const eventId = ({ id }: ShopPerson, i: number): string => `${id}-${i}`

/** What is known of a person, put together without the database. */
export function factsAbout(one: ShopPerson): AudienceFacts {
  const said = new Map(one.consents.map((line) => [`${line.topic} ${line.channel}`, line]))
  const granted = [...said.values()].filter((line) => line.granted).map((line) => line.topic)
  const channels: ChannelName[] = ['webhook', 'log']
  if (one.email !== null) channels.push('email')
  if (one.phone !== null) channels.push('sms')
  const byKind: Record<string, ChannelName> = {
    wecom: 'wecom',
    wechat: 'wechat',
    device: 'push',
    subscription: 'web-push',
  }
  for (const kind of one.addresses) channels.push(byKind[kind] as ChannelName)
  const { zone, locale, tags, traits, standing } = one
  const events = one.events.map((event, i) => ({ ...event, id: eventId(one, i) }))
  return { zone, locale, tags, traits, standing, tier: one.tier ?? 'bronze', consents: granted, channels, events }
}
