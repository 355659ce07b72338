import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { newestProgramme, setProgramme } from '../../store/programmes.ts'
import { tierStanding } from '../../store/tier-benefits.ts'
import { currentTier, tierAt, tierCounts, tierHistoryOf } from '../../store/tier-history.ts'
import { endTiers, placeInTiers, reviewTier } from '../../store/tiers.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, NOON, handClock, rowsOf } from './given.ts'
import { ORDERS, programme, tiersOf } from './given-tiers.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))
let clock = handClock()
let shop = tiersOf(db, clock)

/** A store without a programme and without tiers, at noon. */
beforeEach(async () => {
  await expectInvariants(db)
  await rowsOf(db, `truncate customers, programmes, events cascade`)
  clock = handClock()
  shop = tiersOf(db, clock)
})

const due = (): Promise<number> => endTiers(db, { now: clock.now(), ...shop.context })

interface Told {
  type: string
  id: string
  properties: Record<string, unknown>
}

const told = (customer: string): Promise<Told[]> =>
  rowsOf<Told>(
    db,
    `select type, id, properties from events where customer = '${customer}' and type like 'tier.%' order by seq`,
  )

const standing = (customer: string) => tierStanding(db, { customer, now: clock.now(), shopZone: 'UTC' })

describe('a rise', () => {
  test('comes in the transaction that settles growth, not before, and is told once with its own event', async () => {
    await shop.setProgramme()
    await shop.join('A')
    await placeInTiers(db, { now: clock.now(), ...shop.context })
    await shop.pay('A', 'O1', 150)
    expect(await shop.history('A')).toBe('first base')
    clock.pass(15 * DAY)
    await shop.settle('A', 'O1')
    await shop.settle('A', 'O1')
    expect(await shop.history('A')).toBe('first base, rise mid')
    expect(await told('A')).toEqual([
      {
        type: 'tier.upgraded',
        id: 'tier/A/2/risen',
        properties: {
          level: 'mid',
          title: 'Middle',
          from: 'base',
          period: '2026-12-08',
          reached: 'mid.2026-12-08',
          again: false,
        },
      },
    ])
    const [first, second] = await tierHistoryOf(db, 'A')
    expect(first).toMatchObject({ valid_from: new Date(NOON), valid_to: new Date(NOON + 15 * DAY), term_end: null })
    expect(second).toMatchObject({ growth: 150, valid_to: null, term_end: new Date('2027-12-09T00:00:00Z') })
    expect((await decisionsOf(db, 'A')).at(-1)).toMatchObject({
      about: 'tier',
      verdict: 'risen',
      detail: 'base to mid: 150 growth',
    })
  })

  test('goes as far as the growth value carries, and begins a new term each time', async () => {
    await shop.setProgramme()
    await shop.join('B')
    await shop.buy('B', 'O1', 5_000)
    expect(await shop.history('B')).toBe('first base, rise top')
    await shop.join('B2')
    await shop.buy('B2', 'O1', 100)
    clock.pass(100 * DAY)
    await shop.buy('B2', 'O2', 900)
    expect((await currentTier(db, 'B2'))?.term_end).toEqual(new Date('2028-03-04T00:00:00Z'))
  })

  test('counts what the window has: growth that is too old carries nothing', async () => {
    await shop.setProgramme()
    await shop.join('W')
    await shop.buy('W', 'O1', 90)
    clock.pass(366 * DAY)
    await shop.buy('W', 'O2', 90)
    expect(await shop.history('W')).toBe('first base')
    clock.pass(364 * DAY)
    await shop.buy('W', 'O3', 10)
    expect(await shop.history('W')).toBe('first base, rise mid')
  })

  test.each([
    ['UTC', 'first base'],
    // Already the new year there when both were settled.
    ['Asia/Shanghai', 'first base, rise mid'],
  ])('over New Year’s Eve counts by the customer’s own calendar: %s', async (zone, history) => {
    clock.set(Date.parse('2026-12-31T17:00:00Z'))
    await shop.setProgramme({ window: 'calendar-year', term: { calendarYears: 1 } })
    await shop.join('Y', { zone })
    await shop.buy('Y', 'O1', 60)
    clock.pass(8 * HOUR)
    await shop.buy('Y', 'O2', 60)
    expect(await shop.history('Y')).toBe(history)
  })

  test('counts from the start of the level where the programme says so', async () => {
    await shop.setProgramme({ window: 'tier-start' })
    await shop.join('S')
    await shop.buy('S', 'O1', 60)
    await shop.buy('S', 'O2', 60)
    // What carried the rise does not count again, though it was settled in the same instant.
    await shop.buy('S', 'O3', 950)
    expect(await shop.history('S')).toBe('first base, rise mid')
    expect(await standing('S')).toMatchObject({ growth: 950, next: { needed: 50 } })
    await shop.buy('S', 'O4', 50)
    expect(await shop.history('S')).toBe('first base, rise mid, rise top')
  })
})

describe('who was there before the programme', () => {
  test('is placed silently: without an event, whatever they have', async () => {
    for (const id of ['P1', 'P2', 'P3']) await shop.join(id)
    await shop.buy('P1', 'O1', 1_500)
    await shop.buy('P2', 'O1', 50)
    expect(await tierHistoryOf(db, 'P1')).toEqual([])
    expect(await standing('P1')).toBeNull()
    await shop.setProgramme()
    expect(await standing('P2')).toMatchObject({ level: 'base', growth: 50 })
    expect(await placeInTiers(db, { now: clock.pass(DAY), ...shop.context })).toBe(3)
    expect(await placeInTiers(db, { now: clock.now(), ...shop.context })).toBe(0)
    expect(await tierCounts(db)).toEqual([
      { version: 1, level: 'base', rank: 0, customers: 2 },
      { version: 1, level: 'top', rank: 2, customers: 1 },
    ])
    expect(await told('P1')).toEqual([])
  })

  test('rises with an event by what comes after, though nobody had placed them', async () => {
    await shop.join('Q1')
    await shop.join('Q2')
    await shop.buy('Q1', 'O1', 150)
    await shop.setProgramme()
    await shop.buy('Q1', 'O2', 10)
    await shop.buy('Q2', 'O1', 150)
    expect([await shop.history('Q1'), await shop.history('Q2')]).toEqual(['first mid', 'first base, rise mid'])
    await shop.buy('Q1', 'O3', 900)
    expect((await told('Q1')).map(({ properties }) => properties['from'])).toEqual(['mid'])
  })
})

describe('the end of a term', () => {
  /** On top since noon, 23 November 2026; the term ends with 23 November 2027. */
  async function onTop(id: string, more: Parameters<typeof programme>[0] = {}): Promise<void> {
    await shop.setProgramme(more)
    await shop.join(id)
    await shop.buy(id, 'O1', 1_000)
  }
  const toEnd = Date.parse('2027-11-24T00:00:00Z')

  test('lowers by one, told once, and not an instant before', async () => {
    await onTop('D')
    clock.set(toEnd - 1)
    expect(await due()).toBe(0)
    clock.set(toEnd)
    expect(await due()).toBe(1)
    expect(await due()).toBe(0)
    expect(await shop.history('D')).toBe('first base, rise top, fall mid')
    expect((await told('D')).at(-1)).toEqual({
      type: 'tier.downgraded',
      id: 'tier/D/3/fallen',
      properties: { level: 'mid', title: 'Middle', from: 'top', period: '2027-11-24', because: 'term' },
    })
    // The next term follows on the last.
    expect((await currentTier(db, 'D'))?.term_end).toEqual(new Date('2028-11-24T00:00:00Z'))
  })

  test('lowers to what the growth value carries where the programme says so', async () => {
    await onTop('E', { downgrade: 'balance-based' })
    clock.set(toEnd)
    await due()
    expect(await shop.history('E')).toBe('first base, rise top, fall base')
  })

  test('keeps the level where it was earned again, in the days of grace too', async () => {
    await onTop('K', { graceDays: 7 })
    clock.pass(300 * DAY)
    await shop.buy('K', 'O2', 400)
    expect(await standing('K')).toMatchObject({ keep: { needed: 600, until: '2027-11-23' } })
    clock.set(toEnd + 6 * DAY)
    expect(await due()).toBe(0)
    await shop.buy('K', 'O3', 600)
    clock.set(toEnd + 7 * DAY)
    await due()
    expect(await shop.history('K')).toBe('first base, rise top, keep top')
    expect((await told('K')).map(({ type }) => type)).toEqual(['tier.upgraded', 'tier.kept'])
    // Grace does not lengthen the next term.
    expect((await currentTier(db, 'K'))?.term_end).toEqual(new Date('2028-11-24T00:00:00Z'))
  })

  test('that nobody looked at for years is gone through term by term', async () => {
    await onTop('L')
    clock.set(Date.parse('2030-01-01T00:00:00Z'))
    await due()
    expect(await shop.history('L')).toBe('first base, rise top, fall mid, fall base')
  })

  test('goes before growth that is settled after it, and what follows rises at once', async () => {
    await onTop('G', { downgrade: 'balance-based' })
    clock.set(toEnd + DAY)
    await shop.buy('G', 'O2', 1_000)
    expect(await shop.history('G')).toBe('first base, rise top, fall base, rise top')
    // A new term is a new period, so its gift is a gift again.
    expect((await told('G')).at(-1)?.properties).toMatchObject({ again: false, period: '2027-11-25' })
  })

  test.each([
    ['Asia/Shanghai', '2027-11-23T16:00:00.000Z'],
    ['America/New_York', '2027-11-24T05:00:00.000Z'],
  ])('is the end of the customer’s own day: %s', async (zone, end) => {
    await shop.setProgramme()
    await shop.join('Z', { zone })
    await shop.buy('Z', 'O1', 100)
    clock.set(Date.parse(end) - 1)
    expect(await due()).toBe(0)
    clock.pass(1)
    expect(await due()).toBe(1)
  })
})

describe('a refund', () => {
  test('counts when the term ends where the programme says so', async () => {
    await shop.setProgramme()
    await shop.join('R')
    await shop.buy('R', 'O1', 1_000)
    await shop.refund('R', 'O1')
    expect(await shop.history('R')).toBe('first base, rise top')
    expect(await standing('R')).toMatchObject({ growth: 0, keep: { needed: 1_000 } })
    clock.pass(400 * DAY)
    await due()
    expect(await shop.history('R')).toBe('first base, rise top, fall mid')
  })

  test('counts at once where the programme says so; up again within the period is no second reach', async () => {
    await shop.setProgramme({ onRefund: 'at-once' })
    await shop.join('T')
    await shop.buy('T', 'O1', 60)
    await shop.buy('T', 'O2', 60)
    clock.pass(DAY)
    await shop.refund('T', 'O2')
    expect(await shop.history('T')).toBe('first base, rise mid, refund base')
    expect((await told('T')).at(-1)).toMatchObject({
      type: 'tier.downgraded',
      properties: { because: 'refund', period: null },
    })
    clock.pass(DAY)
    await shop.buy('T', 'O3', 60)
    expect((await told('T')).map(({ properties }) => properties['again'])).toEqual([false, undefined, true])
    const [, first, , again] = await tierHistoryOf(db, 'T')
    expect(again?.period).toBe(first?.period)
  })

  test('takes no level that what is left carries, nor one that is safe by its term', async () => {
    await shop.setProgramme({ onRefund: 'at-once' })
    await shop.join('U')
    await shop.buy('U', 'O1', 150)
    await shop.buy('U', 'O2', 30)
    await shop.refund('U', 'O2')
    expect(await shop.history('U')).toBe('first base, rise mid')
    // A small order that comes back late does not undo what the first one carries, though that has left the window.
    clock.pass(360 * DAY)
    await shop.buy('U', 'O3', 20)
    clock.pass(5 * DAY)
    await shop.refund('U', 'O3')
    expect(await shop.history('U')).toBe('first base, rise mid')
  })

  test('takes no level that was had by falling one down, which no growth carried', async () => {
    await shop.setProgramme({ onRefund: 'at-once' })
    await shop.join('X')
    await shop.buy('X', 'O1', 1_000)
    clock.set(Date.parse('2027-11-24T00:00:00Z'))
    await due()
    await shop.buy('X', 'O2', 20)
    await shop.refund('X', 'O2')
    expect(await shop.history('X')).toBe('first base, rise top, fall mid')
  })

  test('while the order is pending changes nothing', async () => {
    await shop.setProgramme({ onRefund: 'at-once' })
    await shop.join('V')
    await shop.pay('V', 'O1', 500)
    await shop.refund('V', 'O1')
    expect(await tierHistoryOf(db, 'V')).toEqual([])
  })
})

describe('a new version of the programme', () => {
  const dearer = programme({
    levels: programme().levels.map((level) => ({ ...level, from: level.from * 10, discount: 9 })),
  })

  test('is one where something is new, and can never be changed or name an offer nobody knows', async () => {
    expect(await shop.setProgramme()).toMatchObject({ version: 1, changed: true })
    expect(await shop.setProgramme()).toMatchObject({ version: 1, changed: false })
    expect(await setProgramme(db, dearer, { now: clock.now(), onlyFirst: true })).toMatchObject({
      version: 1,
      changed: false,
    })
    const [base, mid] = programme().levels
    const odd = [base, { ...mid, birthday: 'nobody-knows' }] as ReturnType<typeof programme>['levels']
    await expect(shop.setProgramme({ levels: odd })).rejects.toMatchObject({ code: 'OFFER_UNKNOWN' })
    await expect(rowsOf(db, `update programmes set since = now()`)).rejects.toThrow('never changed')
    const both = await Promise.all([1, 2].map(() => setProgramme(db, dearer, { now: clock.now() })))
    expect(both.map(({ version }) => version)).toEqual([2, 2])
    expect((await newestProgramme(db))?.version).toBe(2)
  })

  test('leaves levels and what they give until the term ends; rises and what follows go by the new one', async () => {
    await shop.setProgramme()
    await shop.join('N')
    await shop.buy('N', 'O1', 120)
    clock.pass(10 * DAY)
    await setProgramme(db, dearer, { now: clock.now() })
    expect(await standing('N')).toMatchObject({ level: 'mid', discount: 2, next: { needed: 9_880 } })
    await shop.buy('N', 'O2', 1_000)
    expect(await shop.history('N')).toBe('first base, rise mid')
    clock.pass(340 * DAY)
    await shop.buy('N', 'O3', 130)
    clock.pass(30 * DAY)
    await due()
    // It was kept by what was promised; from now on it gives what the new version says.
    expect(await shop.history('N')).toBe('first base, rise mid, keep mid')
    expect(await standing('N')).toMatchObject({ level: 'mid', discount: 9, keep: { needed: 1_000 } })
    // The lowest level has no term: the newest version counts at once.
    await shop.join('N2')
    await placeInTiers(db, { now: clock.now(), ...shop.context })
    expect(await standing('N2')).toMatchObject({ level: 'base', discount: 9 })
  })
})

test('past orders are audited by the level of their time', async () => {
  await shop.setProgramme()
  await shop.join('H')
  clock.pass(DAY)
  await shop.buy('H', 'O1', 100)
  const at = async (instant: number): Promise<string | undefined> =>
    (await tierAt(db, { customer: 'H', instant }))?.level.id
  expect([
    await at(NOON - 1),
    await at(NOON),
    await at(NOON + DAY - 1),
    await at(NOON + DAY),
    await at(NOON + 9 * DAY),
  ]).toEqual([undefined, 'base', 'base', 'mid', 'mid'])
})

test('orders of one customer that settle at once rise once a level, and lose none', async () => {
  await shop.setProgramme()
  await shop.join('M')
  const orders = Array.from({ length: 12 }, (_, n) => `O${n}`)
  for (const order of orders) await shop.pay('M', order, 100)
  await Promise.all(orders.flatMap((order) => [shop.settle('M', order), shop.settle('M', order)]))
  expect(await shop.history('M')).toBe('first base, rise mid, rise top')
  expect((await currentTier(db, 'M'))?.growth).toBe(1_000)
  expect(await told('M')).toHaveLength(2)
})

test('a journey begins with the event, in the same transaction', async () => {
  const plans = [ORDERS, { ...ORDERS, name: 'cheer', begins: { on: 'tier.upgraded' }, occasion: 'reached', exits: [] }]
  shop = tiersOf(db, clock, plans)
  await shop.setProgramme()
  await shop.join('J')
  await shop.buy('J', 'O1', 100)
  expect(await rowsOf(db, `select id, begun_by from enrolments where journey = 'cheer'`)).toEqual([
    { id: 'cheer/J/mid.2026-11-23', begun_by: 'tier.upgraded tier/J/2/risen' },
  ])
  // What is undone with its transaction was never told.
  const undone = inTransaction(db, async (tx) => {
    await reviewTier(tx, { customer: 'J', now: clock.pass(400 * DAY), because: 'time' }, shop.context)
    throw new Error('undo')
  })
  await expect(undone).rejects.toThrow('undo')
  expect(await shop.history('J')).toBe('first base, rise mid')
})
