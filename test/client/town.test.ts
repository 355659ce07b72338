/** A year of 1,000 customers in six zones: what the gate promises, looked at from outside, by other means than its own. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { REFUSALS } from '../../domain/errors.ts'
import { armOf } from '../../domain/experiment.ts'
import type { CapRule } from '../../domain/pressure.ts'
import type { Standing } from '../../domain/standing.ts'
import { journey } from '../../workflows/kit/index.ts'
import type { Journey } from '../../workflows/kit/plan.ts'
import { type TownRun, type Townsperson, liveThrough } from '../town.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
/** Clocks that jump at midnight, by half an hour, in either half of the year, and not at all. */
const ZONES = [
  'Asia/Shanghai',
  'Europe/London',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
]
const QUIET = { from: 20 * 60 + 30, to: 9 * 60 }
const CAPS: CapRule[] = [
  { messages: 3, windowMs: 7 * DAY, counts: ['marketing'] },
  { messages: 1, windowMs: DAY, counts: ['marketing'] },
  { messages: 1, windowMs: 10 * DAY, counts: ['marketing'], channel: 'sms' },
  { messages: 2, windowMs: 30 * DAY, counts: ['marketing', 'service'], tag: 'promotion' },
]

/** Who the sweep of the dormant and what runs out have something for. */
const SLEEPS: Standing = {
  stage: 'dormant',
  rfm: { r: 1, f: 2, m: 4 },
  segment: 'at-risk',
  gapDays: 30,
  cycles: {},
  yearSpent: 500_00,
  lastPaidAt: '2025-10-01T10:00:00.000Z',
  churnRisk: true,
}

/** The same numbers in every run of the test. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function person(index: number, roll: () => number): Townsperson {
  const zone = ZONES[index % ZONES.length] ?? 'UTC'
  const id = `T${index}`
  const born = new Date(Date.UTC(2027, 0, 1) + Math.floor(roll() * 300) * DAY).toISOString().slice(5, 10)
  const entered = START + roll() * 20 * DAY
  const times = (mean: number): number[] =>
    Array.from({ length: Math.round(roll() * 2 * mean) }, () => entered + roll() * 345 * DAY)
  const named = (type: string, mean: number, property: string) =>
    times(mean).map((at, nth) => ({
      at: Math.round(at),
      type,
      properties: { [property]: `${property}${nth}`, amount: 100_00 },
    }))
  const events = [
    { at: Math.round(entered), type: 'customer.registered', properties: {} },
    ...named('order.paid', 2, 'order'),
    ...named('order.sent', 2, 'order'),
    ...named('cart.added', 3, 'cart'),
    ...named('checkout.started', 1, 'cart'),
    ...named('order.delivered', 2, 'order'),
    ...named('product.seen', 3, 'product'),
    ...named('review.published', 1, 'review'),
    ...named('customer.checked-in', 4, 'day'),
    ...named('consent.asked', 1, 'ask'),
    ...named('referral.accepted', 1, 'friend').slice(0, 1),
    ...named('referral.qualified', 1, 'friend'),
    ...named('balance.paid', 1, 'order'),
    ...named('silence.broken', 1, 'topic').map((one) => ({ ...one, properties: { topic: 'marketing' } })),
    ...named('service.failed', 1, 'failure').map((one) => ({
      ...one,
      properties: { ...one.properties, order: 'order0', kind: 'late' },
    })),
    ...times(1).map((at, nth) => ({
      at: Math.round(at),
      type: 'stage.changed',
      properties: { from: 'active', to: 'high-value', change: `${nth}.high-value` },
    })),
    ...times(1).map((at, nth) => ({
      at: Math.round(at),
      type: 'deposit.paid',
      properties: {
        order: `presale${nth}`,
        product: 'A kettle',
        amount: 50_00,
        balanceOpens: new Date(at + 3 * DAY).toISOString(),
        balanceEnds: new Date(at + 5 * DAY).toISOString(),
      },
    })),
    ...times(1).map((at, nth) => ({
      at: Math.round(at),
      type: 'tier.upgraded',
      properties: {
        again: false,
        level: 'silver',
        title: 'Silver',
        from: 'member',
        period: nth,
        reached: `silver.${nth}`,
      },
    })),
  ].sort((one, other) => one.at - other.at)
  return {
    customer: {
      id,
      name: roll() < 0.05 ? null : `Name ${index}`,
      email: roll() < 0.05 ? null : `${id}@mail.example`,
      reach: roll() < 0.5 ? { sms: '+8613912345678' } : {},
      channels: roll() < 0.2 ? ['sms'] : [],
      zone,
      consent: roll() < 0.85,
      // Of those who do not hear from us some were silent for long.
      ...(index % 2 === 0 && { withdrawnFor: 'silence' }),
      suppressed: roll() < 0.05,
      tags: [],
      paidOrders: 0,
      spent: 0,
      standing: SLEEPS,
      tier: index % 3 === 0 ? { level: 'silver', growth: 300, needed: 700, daysLeft: 30 } : null,
    },
    birthday: born,
    events,
    unsubscribes: roll() < 0.15 ? Math.round(entered + roll() * 300 * DAY) : undefined,
  }
}

/** Busy journeys beside those of the house, so that nights, caps and auctions have something to do. */
const busy = (name: string, definition: Journey): Pick<CatalogueEntry, 'plan' | 'journey'> => ({
  plan: checkPlan(name, definition.plan),
  journey: definition,
})
const words = (text: string) => ({ subject: text, text: `${text}, {{ name }}` })
const BUSY = [
  busy(
    'cart',
    journey(
      {
        title: 'Cart',
        begins: { on: 'cart.added' },
        occasion: 'cart',
        exit: { on: 'order.paid' },
        holdout: 20,
        priority: 10,
        channels: ['sms', 'email'],
        copy: { first: words('Your cart'), second: words('Still there'), third: words('A last look') },
      },
      async ({ wait, send }) => {
        await wait('1 hour')
        await send('first')
        await wait('1 day')
        await send('second')
        await wait('3 days')
        await send('third')
      },
    ),
  ),
  busy(
    'seen',
    journey(
      {
        title: 'Seen',
        begins: { on: 'product.seen' },
        occasion: 'product',
        tags: ['promotion'],
        copy: { like: words('You looked'), more: words('More of these') },
      },
      async ({ wait, send }) => {
        await send('like')
        await wait('2 days')
        await send('more')
      },
    ),
  ),
  busy(
    'parcel',
    journey(
      {
        title: 'Parcel',
        begins: { on: 'order.sent' },
        occasion: 'order',
        class: 'service',
        tags: ['promotion'],
        copy: { sent: words('It is on its way') },
      },
      async ({ send }) => void (await send('sent')),
    ),
  ),
  busy(
    'receipt',
    journey(
      {
        title: 'Receipt',
        begins: { on: 'order.paid' },
        occasion: 'order',
        class: 'transactional',
        holdout: 50,
        copy: { paid: words('Thank you') },
      },
      async ({ send }) => void (await send('paid')),
    ),
  ),
]

interface Sent {
  at: number
  key: string
  channel: string
  person: Townsperson
  journey: string
}

let runs: TownRun[] = []
let catalogue: Pick<CatalogueEntry, 'plan' | 'journey'>[] = []
let sent: Sent[] = []
const people = (() => {
  const roll = dice(20261124)
  return Array.from({ length: 1_000 }, (_, index) => person(index, roll))
})()

const planOf = (name: string) => catalogue.find(({ plan }) => plan.name === name)?.plan ?? expect.fail(name)

beforeAll(async () => {
  catalogue = [...(await readCatalogue()).values(), ...BUSY]
  const began = performance.now()
  runs = await liveThrough(catalogue, people, { quiet: QUIET, caps: CAPS, auctionMs: 60_000 })
  const byId = new Map(people.map((one) => [one.customer.id, one]))
  sent = runs.flatMap(({ journey: name, timeline }) =>
    timeline.lines.flatMap((line): Sent[] => {
      const who = byId.get(timeline.customer)
      if (line.what !== 'message' || !who) return []
      return [{ at: line.at, key: line.key ?? '', channel: line.channel ?? '', person: who, journey: name }]
    }),
  )
  console.info(`${runs.length} runs, ${sent.length} messages in ${Math.round(performance.now() - began)} ms`)
}, 300_000)

const classOf = (one: Sent): string => planOf(one.journey).class

describe('in a year of a town', () => {
  test('enough happens for the rest to mean something', () => {
    const codes = new Map<string, number>()
    for (const line of runs.flatMap(({ timeline }) => timeline.lines)) {
      if (line.code) codes.set(line.code, (codes.get(line.code) ?? 0) + 1)
    }
    console.info([...codes].map(([code, count]) => `${code} ${count}`).join(', '))
    expect(sent.length).toBeGreaterThan(5_000)
    const demanded = [
      'NO_CONSENT',
      'SUPPRESSED',
      'HOLDOUT',
      'QUIET_HOURS',
      'FREQUENCY_CAP',
      'AUCTION',
      'OUTRANKED',
      'NO_ADDRESS',
    ]
    for (const code of [...demanded, 'TEMPLATE_VARIABLE_MISSING']) expect(codes.get(code), code).toBeGreaterThan(20)
    expect(new Set(sent.map((one) => one.journey))).toEqual(
      new Set(
        // Campaigns come to an audience and not to who did something.
        catalogue
          .filter(({ plan }) => !plan.off && !plan.campaign && Object.keys(plan.copy).length > 0)
          .map(({ plan }) => plan.name),
      ),
    )
    expect(new Set(sent.map((one) => one.channel))).toEqual(new Set(['email', 'sms']))
  })

  test('nothing is sent in the quiet hours, but what is transactional', () => {
    const clocks = new Map(
      ZONES.map((zone) => [
        zone,
        new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
      ]),
    )
    const minute = ({ at, person: who }: Sent): number => {
      const [hour = 0, past = 0] = clocks.get(who.customer.zone)?.format(at).split(':').map(Number) ?? []
      return 60 * hour + past
    }
    const loud = sent.filter((one) => minute(one) >= QUIET.from || minute(one) < QUIET.to)
    expect(loud.filter((one) => classOf(one) !== 'transactional')).toEqual([])
    expect(loud.length).toBeGreaterThan(100)
  })

  test('nothing is sent over a cap', () => {
    const over: string[] = []
    for (const rule of CAPS) {
      const counted = (one: Sent): boolean =>
        (rule.counts as string[]).includes(classOf(one)) &&
        (rule.channel === undefined || rule.channel === one.channel) &&
        (rule.tag === undefined || planOf(one.journey).delivery.tags.includes(rule.tag))
      const byCustomer = new Map<string, Sent[]>()
      for (const one of sent.filter(counted).sort((a, b) => a.at - b.at)) {
        const { id } = one.person.customer
        byCustomer.set(id, [...(byCustomer.get(id) ?? []), one])
      }
      for (const [id, line] of byCustomer) {
        line.forEach((one, index) => {
          if (classOf(one) !== 'marketing') return
          const before = line.slice(0, index).filter((other) => other.at > one.at - rule.windowMs)
          if (before.length >= rule.messages) over.push(`${id} ${one.key} ${before.length}`)
        })
      }
    }
    expect(over).toEqual([])
  })

  test('nothing is sent without consent, to the suppressed or without an address', () => {
    const without = sent.filter(
      ({ at, person: { customer, unsubscribes } }) =>
        !customer.consent || (unsubscribes !== undefined && at > unsubscribes),
    )
    expect(without.filter((one) => classOf(one) === 'marketing')).toEqual([])
    expect(without.length, 'though others are').toBeGreaterThan(100)
    expect(sent.filter(({ person: { customer } }) => customer.suppressed)).toEqual([])
    expect(
      sent.filter(({ channel, person: { customer } }) =>
        channel === 'sms' ? !customer.reach?.sms : customer.email === null,
      ),
    ).toEqual([])
  })

  test('nothing is sent in the control arm', () => {
    const held = sent.filter(
      (one) => armOf(one.journey, one.person.customer.id, planOf(one.journey).holdout) === 'holdout',
    )
    expect(held.filter((one) => classOf(one) !== 'transactional')).toEqual([])
  })

  test('at most one is sent a key, and whatever is not sent has a code', () => {
    const keys = sent.map((one) => one.key)
    expect(keys.filter((key) => key === '')).toEqual([])
    expect(new Set(keys).size).toBe(keys.length)
    const unsaid = runs.flatMap(({ timeline }) =>
      timeline.lines.filter(
        ({ what, code }) =>
          (what === 'skipped' || what === 'held' || what === 'refused') && !(code && code in REFUSALS),
      ),
    )
    expect(unsaid).toEqual([])
  })

  test('every story comes to its end', () => {
    expect(
      runs.filter(({ timeline }) => timeline.end.status === 'running').map(({ timeline }) => timeline.run),
    ).toEqual([])
  })
})
