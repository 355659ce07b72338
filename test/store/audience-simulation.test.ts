/** Whom audiences by name take in over a simulated population is whom they take in in the store, at the same moments. */
import { afterAll, expect, it } from 'vitest'
import { Dice } from '../../client/simulation/dice.ts'
import type { Act, Member } from '../../client/simulation/members.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { walkAudiences } from '../../store/audience-walks.ts'
import { setAudience } from '../../store/audiences.ts'
import { tellEvent } from '../../store/events.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, handClock, inboxOf, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const FROM = Date.UTC(2026, 10, 23)
const DAYS = 14
const MINUTE = 60_000

const AUDIENCES: Record<string, AudienceFilter> = {
  adults: { trait: 'age', atLeast: 18 },
  agreed: { all: [{ consent: 'marketing' }, { channel: 'email' }] },
  lookers: { event: 'page.viewed', within: '2 days', atLeast: 2 },
  'no-coffee': { all: [{ audience: 'lookers' }, { not: { tag: 'coffee' } }] },
  quiet: { event: 'page.viewed', within: '3 days', atMost: 0 },
  spenders: { spent: { within: '5 days', atLeast: 100 } },
  tea: { tag: 'tea' },
}

type Doing = (dice: Dice, nth: number) => Pick<Act, 'type' | 'properties' | 'customer'>

const DOINGS: Doing[] = [
  () => ({ type: 'page.viewed', properties: {} }),
  (dice) => ({
    type: 'profile.changed',
    properties: {},
    customer: { tags: ['tea', 'coffee', 'loud'].filter(() => dice.chance(0.5)) },
  }),
  (dice) => ({ type: 'profile.changed', properties: {}, customer: { traits: { age: 10 + dice.below(20) } } }),
  (dice) => ({ type: 'profile.changed', properties: {}, customer: { consent: { marketing: dice.chance(0.6) } } }),
  (dice, nth) => ({ type: 'order.paid', properties: { order: `O${nth % 4}`, amount: 40 + dice.below(80) } }),
  (_, nth) => ({ type: 'order.refunded', properties: { order: `O${nth % 4}`, refund: `R${nth}`, amount: 30 } }),
]

/** Each act at a minute of its own, and none at a midnight. */
const members: Member[] = Array.from({ length: 15 }, (_, who) => {
  const dice = new Dice(7, who)
  const id = `S${who + 10}`
  const times = Array.from({ length: 30 }, () => FROM + (1 + dice.below(DAYS * 23)) * HOUR + dice.below(9) * MINUTE)
  const acts = [...new Set(times)].sort((one, other) => one - other)
  return {
    id,
    suppressed: false,
    acts: acts
      .filter((at) => at % DAY !== 0 && at < FROM + DAYS * DAY)
      .map((at, nth) => {
        const { customer, ...act } = dice.pick(DOINGS.map((one) => [one, 1] as const))(dice, nth)
        const known = nth === 0 ? { email: `${id.toLowerCase()}@mail.example`, ...customer } : customer
        return { id: `${id}-${nth}`, at: at + who * 1_000, ...act, ...(known && { customer: known }) }
      }),
  }
})

const line = ({ at, id, type, entry }: { at: number; id: string; type: string; entry: unknown }): string =>
  `${new Date(at).toISOString()} ${id} ${type} ${String(entry)}`

async function inMemory(): Promise<string[]> {
  const audiences = new Map(Object.entries(AUDIENCES))
  const { shop } = await simulate({ entries: [], members, from: FROM, days: DAYS, rules: { audiences } })
  return [...shop.people.values()].flatMap(({ id, events }) =>
    events
      .filter(({ type }) => type.startsWith('audience.'))
      .map(({ at, type, properties }) => line({ at: Date.parse(at), id, type, entry: properties['entry'] })),
  )
}

async function inTheStore(): Promise<string[]> {
  const clock = handClock(FROM)
  const send = inboxOf(db, clock, [])
  for (const [name, filter] of Object.entries(AUDIENCES))
    await setAudience(db, { name, title: name, filter, by: 'eve', now: FROM, tell: true })
  const walk = async (): Promise<void> => {
    while ((await walkAudiences(db, { now: clock.now(), shopZone: 'UTC' }, { plans: [], tell: tellEvent })) > 0);
  }
  await walk()
  const acts = members.flatMap(({ id, acts: all }) => all.map((act) => ({ who: id, ...act })))
  let midnight = FROM + DAY
  for (const { who, id, at, type, properties, customer } of acts.sort((one, other) => one.at - other.at)) {
    for (; midnight <= at; midnight += DAY) {
      clock.set(midnight)
      await walk()
    }
    clock.set(at)
    await send(type, { id: who, ...customer }, { id, properties })
  }
  for (; midnight < FROM + DAYS * DAY; midnight += DAY) {
    clock.set(midnight)
    await walk()
  }
  const rows = await rowsOf<{ customer: string; type: string; entry: string; received_at: Date }>(
    db,
    `select customer, type, properties->>'entry' as entry, received_at from events where type like 'audience.%'`,
  )
  return rows.map(({ customer: id, type, entry, received_at: at }) => line({ at: at.getTime(), id, type, entry }))
}

it('at the same moments, for the how-manieth time', async () => {
  const [memory, store] = [await inMemory(), await inTheStore()]
  expect(memory.sort()).toEqual(store.sort())
  for (const name of Object.keys(AUDIENCES))
    for (const word of ['entered', 'left'])
      expect(
        store.filter((one) => one.includes(`audience.${word} ${name}.`)).length,
        `${name} ${word}`,
      ).toBeGreaterThan(3)
  // Some by what somebody did, some by the time that passed alone.
  const nightly = store.filter((one) => one.includes('T00:00:00.000Z'))
  expect(nightly.length).toBeGreaterThan(10)
  expect(nightly.length).toBeLessThan(store.length - 10)
})
