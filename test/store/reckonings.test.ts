import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Routing } from '../../domain/journey.ts'
import { inTransaction } from '../../store/db.ts'
import { tellEvent } from '../../store/events.ts'
import { paidOrdersOf } from '../../store/paid-orders.ts'
import { newestReckoning, reckonNow, reckonPage } from '../../store/reckonings.ts'
import { standingOf } from '../../store/standings.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, NOON, behindLock, handClock, inboxOf, routing, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))
let clock = handClock()
let plans: Routing[] = []
let send = inboxOf(db, clock, plans)

beforeEach(async () => {
  await expectInvariants(db)
  await rowsOf(db, `truncate customers, reckonings, events cascade`)
  clock = handClock()
  plans = []
  send = inboxOf(db, clock, plans)
})

let orders = 0
const pay = (customer: string, amount = 100_00, more: object = {}): Promise<string> =>
  send('order.paid', customer, { properties: { order: `O${++orders}`, amount, ...more } })
const refund = (customer: string, order: string, more: object = {}) =>
  send('order.refunded', customer, { properties: { order, ...more } })

const context = (shopZone = 'UTC') => ({ plans, shopZone, tell: tellEvent, now: clock.now() })
const reckon = (shopZone?: string) => reckonNow(db, context(shopZone))

const told = async (customer: string): Promise<unknown[]> =>
  (
    await rowsOf<{ properties: object }>(
      db,
      `select properties from events where customer = '${customer}' and type = 'stage.changed' order by seq`,
    )
  ).map(({ properties }) => properties)

const stage = async (customer: string) => (await standingOf(db, customer))?.stage

describe('a reckoning', () => {
  test('places everybody, silently the first time, and keeps what it measured and counted', async () => {
    await send('customer.registered', person('P'))
    for (const [nth, id] of ['A', 'B', 'C', 'D', 'E'].entries()) {
      for (let n = 0; n <= nth; n++) await pay(id, 100_00 * (nth + 1))
      clock.pass(10 * DAY)
    }
    expect(await reckon()).toMatchObject({ customers: 6 })
    const [a, e] = [await standingOf(db, 'A'), await standingOf(db, 'E')]
    expect(a).toMatchObject({ stage: 'active', rfm: { r: 1, f: 1, m: 1 }, segment: 'gone', yearSpent: 100_00 })
    expect(e).toMatchObject({ stage: 'new', rfm: { r: 5, f: 4, m: 5 }, segment: 'champions', yearSpent: 2_500_00 })
    expect(await standingOf(db, 'P')).toMatchObject({ stage: 'prospect', rfm: null, segment: null, lastPaidAt: null })
    expect(await newestReckoning(db)).toMatchObject({
      day: '2027-01-12',
      r_edges: [10, 20, 30, 40],
      m_edges: [100_00, 400_00, 900_00, 1_600_00],
      gap: null,
      thresholds: { windowDays: 365, highValueSpent: 5_000_00 },
      stages: { prospect: 1, new: 3, active: 2 },
      segments: { champions: 1, gone: 1 },
    })
    expect(await rowsOf(db, `select 1 from events where type = 'stage.changed'`)).toEqual([])
  })

  test('is one a day of the shop’s own calendar', async () => {
    await pay('A')
    clock.set(Date.parse('2026-11-24T15:59:00Z'))
    expect((await reckon('Asia/Shanghai')).reckoning).toMatchObject({ day: '2026-11-24', zone: 'Asia/Shanghai' })
    expect(await reckonPage(db, context('Asia/Shanghai'))).toBe(0)
    clock.pass(60_000)
    expect(await reckonPage(db, context('Asia/Shanghai'))).toBe(1)
    expect((await newestReckoning(db))?.day).toBe('2026-11-25')
    // On that calendar the order of noon in London is of the day before yesterday.
    expect(await rowsOf(db, `select r_edges from reckonings order by day`)).toEqual([
      { r_edges: [1, 1, 1, 1] },
      { r_edges: [2, 2, 2, 2] },
    ])
  })

  test('of a shop without customers is finished at once, and of the day again only when asked', async () => {
    expect((await reckon()).reckoning).toMatchObject({ stages: {}, segments: {}, r_edges: [], m_edges: [] })
    await send('customer.registered', person('A'))
    clock.pass(HOUR)
    expect((await reckon()).customers).toBe(0)
    clock.pass(HOUR)
    expect((await reckonNow(db, { ...context(), anew: true })).customers).toBe(1)
    expect((await newestReckoning(db))?.stages).toEqual({ prospect: 1 })
  })

  test('killed in the middle goes on behind the last page that was written, by what it had measured', async () => {
    await rowsOf(
      db,
      `insert into customers (id, created_at, updated_at) select 'M' || lpad(n::text, 5, '0'), '2026-11-01', '2026-11-01'
       from generate_series(1, 4500) n`,
    )
    await pay('M00001', 300_00)
    clock.pass(HOUR)
    expect(await reckonPage(db, context())).toBe(2_000)
    expect(await newestReckoning(db)).toMatchObject({ after: 'M02000', finished_at: null })
    // A page whose worker dies leaves nothing.
    const died = inTransaction(db, async (tx) => {
      await rowsOf(tx, `lock table standings in exclusive mode`)
      throw new Error('killed')
    })
    await expect(died).rejects.toThrow('killed')
    await pay('M04000', 900_00)
    clock.pass(HOUR)
    expect([await reckonPage(db, context()), await reckonPage(db, context()), await reckonPage(db, context())]).toEqual(
      [2_000, 500, 0],
    )
    expect(await newestReckoning(db)).toMatchObject({
      stages: { prospect: 4_498, new: 2 },
      m_edges: [300_00, 300_00, 300_00, 300_00],
    })
    expect((await standingOf(db, 'M04000'))?.rfm).toMatchObject({ m: 5 })
  })

  test('that was never finished is left, and the next day is reckoned anew', async () => {
    await rowsOf(
      db,
      `insert into customers (id, created_at, updated_at) select 'N' || n, '2026-11-01', '2026-11-01' from generate_series(1, 2100) n`,
    )
    await reckonPage(db, context())
    clock.pass(DAY)
    expect((await reckon()).customers).toBe(2_100)
    expect(await rowsOf(db, `select day::text, finished_at is null as open from reckonings order by day`)).toEqual([
      { day: '2026-11-23', open: true },
      { day: '2026-11-24', open: false },
    ])
  })

  test('by two workers at once places everybody once', async () => {
    for (const id of ['A', 'B', 'C']) await pay(id)
    await reckon()
    clock.pass(200 * DAY)
    const both = await Promise.all([reckon(), reckon()])
    expect(both.reduce((sum, { customers }) => sum + customers, 0)).toBe(3)
    expect(await told('A')).toHaveLength(1)
  })
})

describe('a change of stage', () => {
  const winBack = routing('win-back', { begins: { on: 'stage.changed', where: { to: 'dormant' } }, occasion: 'change' })

  test('is told once, in the transaction that wrote it, and begins journeys', async () => {
    plans.push(winBack)
    await pay('A')
    await reckon()
    clock.pass(366 * DAY)
    await reckon()
    await reckon()
    const change = { from: 'new', to: 'dormant', change: '2027-11-24.dormant' }
    expect(await told('A')).toEqual([change])
    expect(await rowsOf(db, `select id, begun_by from enrolments`)).toEqual([
      { id: 'win-back/A/2027-11-24.dormant', begun_by: 'stage.changed standing/A/1' },
    ])
    const [row] = await rowsOf(db, `select stage, changes, stage_since from standings`)
    expect(row).toEqual({ stage: 'dormant', changes: 1, stage_since: new Date(clock.now()) })
    clock.pass(DAY)
    await reckon()
    expect(await rowsOf(db, `select as_of, stage_since from standings`)).toEqual([
      { as_of: new Date(clock.now()), stage_since: new Date(clock.now() - DAY) },
    ])
  })

  test('of who came after a reckoning is one from prospect', async () => {
    await reckon()
    await send('customer.registered', person('B'))
    clock.pass(DAY)
    await reckon()
    expect([await stage('B'), await told('B')]).toEqual(['prospect', []])
    await send('order.paid', 'C', { properties: { order: 'O-C', amount: 1 }, at: '2026-01-01T00:00:00Z' })
    expect(await told('C')).toMatchObject([{ from: 'prospect', to: 'at-risk' }])
  })

  test('by time and by an order alternate through a life', async () => {
    await reckon()
    for (let n = 0; n < 3; n++) {
      await pay('L')
      clock.pass(40 * DAY)
      await reckon()
    }
    clock.pass(25 * DAY)
    await reckon()
    clock.pass(300 * DAY)
    await reckon()
    await pay('L', 6_000_00)
    const life = (await told('L')) as { from: string; to: string }[]
    expect(life.map(({ to }) => to)).toEqual(['new', 'active', 'at-risk', 'dormant', 'high-value'])
    expect(life.slice(1).map(({ from }) => from)).toEqual(life.slice(0, -1).map(({ to }) => to))
  })
})

describe('who buys between two nights', () => {
  test('is reckoned in the transaction of the order, by the edges that are stored', async () => {
    for (const [nth, id] of ['A', 'B', 'C', 'D', 'E'].entries()) await pay(id, 100_00 * (nth + 1))
    await reckon()
    expect((await standingOf(db, 'A'))?.rfm).toEqual({ r: 5, f: 1, m: 1 })
    clock.pass(5 * HOUR)
    await pay('A', 350_00)
    expect(await standingOf(db, 'A')).toMatchObject({ rfm: { f: 2, m: 5 }, segment: 'growing', yearSpent: 450_00 })
    expect((await standingOf(db, 'A'))?.lastPaidAt).toBe(new Date(clock.now()).toISOString())
    expect((await newestReckoning(db))?.m_edges).toEqual([100_00, 200_00, 300_00, 400_00])
  })

  test('is left by a reckoning that began before, and by nothing else', async () => {
    await rowsOf(
      db,
      `insert into customers (id, created_at, updated_at) select 'Q' || lpad(n::text, 5, '0'), '2026-11-01', '2026-11-01'
       from generate_series(1, 2001) n`,
    )
    await reckonPage(db, context())
    clock.pass(HOUR)
    await pay('Q02001')
    await reckonPage(db, context())
    expect(await rowsOf(db, `select as_of from standings where customer = 'Q02001'`)).toEqual([
      { as_of: new Date(clock.now()) },
    ])
    clock.pass(DAY)
    await reckon()
    expect(await rowsOf(db, `select as_of from standings where customer = 'Q02001'`)).toEqual([
      { as_of: new Date(clock.now()) },
    ])
  })

  test('while their page is being written waits for it', async () => {
    await pay('A')
    await reckon()
    clock.pass(DAY)
    await behindLock(db, 'A', {
      work: () => reckonPage(db, context()),
      // What was stored before the page could read is in it.
      meanwhile: (tx) =>
        sql`insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
          values ('between', 'A', 'order.paid', '{"order":"between","amount":7}', '', ${new Date(clock.now() - 1)}, now())`.execute(
          tx,
        ),
    })
    expect(await standingOf(db, 'A')).toMatchObject({ yearSpent: 100_07 })
  })

  test('before the shop was ever reckoned has no standing', async () => {
    await pay('A')
    expect(await standingOf(db, 'A')).toBeNull()
  })

  test('and gets it back stands as if it had not been, once it is all', async () => {
    await reckon()
    await send('order.paid', 'R', { properties: { order: 'R1', amount: 5_000_00 } })
    expect(await stage('R')).toBe('high-value')
    clock.pass(HOUR)
    await refund('R', 'R1', { refund: 'part', amount: 1_00 })
    expect(await standingOf(db, 'R')).toMatchObject({ stage: 'new', yearSpent: 4_999_00 })
    await refund('R', 'R1', { refund: 'rest', amount: 4_999_00 })
    expect(await standingOf(db, 'R')).toMatchObject({ stage: 'prospect', rfm: null, lastPaidAt: null, yearSpent: 0 })
    expect((await told('R')).map((one) => (one as { to: string }).to)).toEqual(['high-value', 'new', 'prospect'])
  })
})

describe('the shop’s rhythm', () => {
  test('is the median of ten gaps or more, of each category its own, and what one-time buyers are measured by', async () => {
    const lines = (category: string) => ({ lines: [{ id: 'a', amount: 1, category }] })
    for (let n = 0; n < 11; n++) {
      await pay('REGULAR', 1_00, lines('milk'))
      await pay('RARE', 1_00, lines('cots'))
      await pay('RARE', 1_00, lines('cots'))
      clock.pass(10 * DAY)
    }
    for (let n = 0; n < 11; n++) {
      await pay('RARE', 1_00, lines('toys'))
      clock.pass(40 * DAY)
    }
    await pay('ONCE', 1_00, lines('toys'))
    await pay('OTHER', 1_00, lines('hats'))
    clock.pass(31 * DAY)
    await reckon()
    expect(await newestReckoning(db)).toMatchObject({ gap: 10, category_gaps: { milk: 10, cots: 10, toys: 40 } })
    expect([await stage('ONCE'), await stage('OTHER')]).toEqual(['active', 'dormant'])
    expect(await standingOf(db, 'ONCE')).toMatchObject({ gapDays: null, cycles: { toys: 40 } })
    expect(await standingOf(db, 'RARE')).toMatchObject({ gapDays: 10, cycles: { cots: 10, toys: 40 } })
  })
})

describe('paid orders', () => {
  const read = async (customer: string) =>
    (await paidOrdersOf(db, { customer, asOf: clock.now(), zone: 'UTC' }))
      .map(({ net }) => net)
      .sort((one, other) => one - other)

  test('are distinct by the shop’s word for them; without one each event is an order', async () => {
    for (const order of ['X', 'X', 'Y']) await send('order.paid', 'A', { properties: { order, amount: 5 } })
    await send('order.paid', 'A', { properties: { order: 'X', amount: 99 } })
    for (const amount of [7, 'free', -1, 1.5]) await send('order.paid', 'A', { properties: { amount } })
    expect(await read('A')).toEqual([0, 0, 0, 5, 5, 7])
  })

  test('are net of each refund once, and none where all was paid back, whoever told first', async () => {
    const paid = (order: string, more: object = {}) =>
      send('order.paid', 'B', { properties: { order, amount: 100, ...more } })
    for (const order of ['part', 'twice', 'whole', 'sum', 'unsaid']) await paid(order)
    await paid('freight', { freight: 10 })
    await refund('B', 'part', { refund: 1, amount: 30 })
    for (const nth of [1, 2]) await refund('B', 'twice', { refund: 'same', amount: 20 + nth })
    await refund('B', 'whole', { amount: 100 })
    for (const amount of [60, 40]) await refund('B', 'sum', { amount })
    await refund('B', 'unsaid')
    // The goods are back, the freight is not.
    await refund('B', 'freight', { amount: 90 })
    await refund('B', 'late', { refund: 'l', amount: 100 })
    await paid('late')
    await refund('C', 'part', { amount: 100 })
    expect(await read('B')).toEqual([70, 79])
  })

  test('that the shop dates later are not there yet', async () => {
    await send('order.paid', 'D', { properties: { order: 'D1', amount: 5 }, at: new Date(NOON + HOUR).toISOString() })
    expect(await read('D')).toEqual([])
    clock.pass(HOUR)
    expect(await read('D')).toEqual([5])
  })
})
