import { afterAll, describe, expect, test } from 'vitest'
import { milliseconds } from '../../domain/duration.ts'
import type { Db } from '../../store/db.ts'
import { enrolment } from '../../store/enrolments.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, behindLock, planFacts, rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'

const birthday = (name: string) =>
  planFacts(name, {
    begins: undefined,
    sweep: { audience: 'birthday', at: '09:30' },
    goal: { on: 'order.paid', within: milliseconds('14 days') },
  })

const plans = ['zones', 'leap', 'twice', 'crowd', 'year', 'whole', 'race'].map(birthday)
const { db } = await freshStore()
afterAll(() => expectInvariants(db))
const shop = await openShop(db, [...plans, planFacts('story')])

/** All pages of one day's window from an instant on, as a sweep walks them. */
async function walk(journey: string, from: number): Promise<{ pages: number; seen: number; entered: number }> {
  const sum = { pages: 0, seen: 0, entered: 0 }
  for (let after: string | null = ''; after !== null;) {
    const page = await shop.activities.sweepPage({ journey, from, to: from + DAY, after, asked: from })
    sum.pages += 1
    sum.seen += page.seen
    sum.entered += page.entered
    after = page.next
  }
  return sum
}

/** Customers born on a day, by SQL. */
async function born(
  store: Db,
  ids: string[],
  { month, day, zone }: { month: number; day: number; zone: string | null },
) {
  const values = ids.map((id) => `('${id}', ${zone === null ? 'null' : `'${zone}'`}, ${month}, ${day}, now(), now())`)
  await rowsOf(
    store,
    `insert into customers (id, zone, birth_month, birth_day, created_at, updated_at) values ${values.join(', ')}`,
  )
}

/** Who entered, by customer, when their story begins and for which year. */
async function enteredIn(journey: string): Promise<Record<string, string>> {
  const rows = await rowsOf<{ customer: string; occasion: string; starts_at: Date }>(
    db,
    `select customer, occasion, starts_at from enrolments where journey = '${journey}' order by starts_at, customer`,
  )
  return Object.fromEntries(rows.map((row) => [row.customer, `${row.occasion} ${row.starts_at.toISOString()}`]))
}

const utc = (text: string): number => Date.parse(`${text}Z`)

describe('birthdays around a change of day', () => {
  test('are kept at 9:30 on the clock of six zones, each in the window its morning falls in', async () => {
    const zones = {
      kiritimati: 'Pacific/Kiritimati', // UTC+14
      shanghai: 'Asia/Shanghai',
      kolkata: 'Asia/Kolkata', // UTC+5:30
      london: 'Europe/London',
      'new-york': 'America/New_York', // summer time until 7 November 2027
      'pago-pago': 'Pacific/Pago_Pago', // UTC-11
    }
    // Born on 11 May: that morning begins in the Pacific on the 10th UTC and ends there late on the 11th.
    for (const [id, zone] of Object.entries(zones)) await born(db, [id], { month: 5, day: 11, zone })
    await born(db, ['of-the-shop'], { month: 5, day: 11, zone: null })
    await born(db, ['the-day-after'], { month: 5, day: 12, zone: 'Pacific/Kiritimati' })
    shop.clock.set(utc('2027-05-10T00:00'))
    expect((await walk('zones', utc('2027-05-10T00:00'))).entered).toBe(1)
    expect(await enteredIn('zones')).toEqual({ kiritimati: '2027 2027-05-10T19:30:00.000Z' })
    expect((await walk('zones', utc('2027-05-11T00:00'))).entered).toBe(7)
    expect(await enteredIn('zones')).toEqual({
      kiritimati: '2027 2027-05-10T19:30:00.000Z',
      shanghai: '2027 2027-05-11T01:30:00.000Z',
      kolkata: '2027 2027-05-11T04:00:00.000Z',
      london: '2027 2027-05-11T08:30:00.000Z',
      'of-the-shop': '2027 2027-05-11T09:30:00.000Z',
      'new-york': '2027 2027-05-11T13:30:00.000Z',
      'pago-pago': '2027 2027-05-11T20:30:00.000Z',
      'the-day-after': '2027 2027-05-11T19:30:00.000Z',
    })
    expect(await enrolment(db, 'zones/shanghai/2027')).toMatchObject({
      begun_by: 'sweep',
      occasion: '2027',
      goal_until: new Date(utc('2027-05-25T01:30')),
    })
  })

  test('on 29 February are kept on the 28th in common years, on the 29th in leap years', async () => {
    await born(db, ['leap-shanghai'], { month: 2, day: 29, zone: 'Asia/Shanghai' })
    await born(db, ['leap-honolulu'], { month: 2, day: 29, zone: 'Pacific/Honolulu' })
    await born(db, ['the-28th'], { month: 2, day: 28, zone: 'Asia/Shanghai' })
    const days = async (from: string, count: number): Promise<number[]> => {
      const entered: number[] = []
      for (let day = 0; day < count; day++) entered.push((await walk('leap', utc(from) + day * DAY)).entered)
      return entered
    }
    shop.clock.set(utc('2027-02-26T00:00'))
    expect(await days('2027-02-26T00:00', 5)).toEqual([0, 0, 3, 0, 0])
    shop.clock.set(utc('2028-02-26T00:00'))
    expect(await days('2028-02-26T00:00', 5)).toEqual([0, 0, 1, 2, 0])
    const runs = await rowsOf<{ id: string; starts: Date }>(
      db,
      `select id, starts_at as starts from enrolments where journey = 'leap' order by id`,
    )
    expect(runs.map((run) => `${run.id} ${run.starts.toISOString().slice(0, 16)}`)).toEqual([
      'leap/leap-honolulu/2027 2027-02-28T19:30',
      'leap/leap-honolulu/2028 2028-02-29T19:30',
      'leap/leap-shanghai/2027 2027-02-28T01:30',
      'leap/leap-shanghai/2028 2028-02-29T01:30',
      'leap/the-28th/2027 2027-02-28T01:30',
      'leap/the-28th/2028 2028-02-28T01:30',
    ])
  })

  test('over the turn of the year belong to the year on the customer’s own calendar, once each', async () => {
    await born(db, ['new-year-k'], { month: 1, day: 1, zone: 'Pacific/Kiritimati' })
    await born(db, ['new-year-p'], { month: 1, day: 1, zone: 'Pacific/Pago_Pago' })
    await born(db, ['eve-p'], { month: 12, day: 31, zone: 'Pacific/Pago_Pago' })
    shop.clock.set(utc('2027-12-25T03:00'))
    // Ten days in a row, each window where the last one ended: everybody once, whatever the zone.
    for (let day = 0; day < 10; day++) await walk('year', utc('2027-12-25T03:00') + day * DAY)
    expect(await enteredIn('year')).toEqual({
      'new-year-k': '2028 2027-12-31T19:30:00.000Z',
      'eve-p': '2027 2027-12-31T20:30:00.000Z',
      'new-year-p': '2028 2028-01-01T20:30:00.000Z',
    })
  })
})

test('a year of windows, one after the other, enters everybody once', async () => {
  const zones = ['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Asia/Kolkata', 'America/New_York', 'Europe/London']
  for (let month = 1; month <= 12; month++) {
    for (const [i, zone] of zones.entries()) await born(db, [`whole-${month}-${i}`], { month, day: 1 + i * 5, zone })
  }
  await born(db, ['whole-leap'], { month: 2, day: 29, zone: 'America/New_York' })
  const from = utc('2027-03-01T03:00')
  shop.clock.set(from)
  for (let day = 0; day < 366; day++) await walk('whole', from + day * DAY)
  const rows = await rowsOf<{ runs: number }>(
    db,
    `select count(*) as runs from enrolments where journey = 'whole' and customer like 'whole-%' group by customer`,
  )
  expect(rows).toEqual(Array.from({ length: 73 }, () => ({ runs: 1 })))
  // Nobody whom the tests below would meet.
  await rowsOf(db, `update customers set birth_month = null, birth_day = null where id like 'whole-%'`)
})

describe('a page', () => {
  test('walked twice, or by two at once, enters nobody twice', async () => {
    await born(db, ['twice-1', 'twice-2', 'twice-3'], { month: 7, day: 7, zone: 'UTC' })
    const from = utc('2027-07-07T00:00')
    shop.clock.set(from)
    const both = await Promise.all([walk('twice', from), walk('twice', from)])
    expect(both[0].entered + both[1].entered).toBe(3)
    expect(await walk('twice', from)).toEqual({ pages: 1, seen: 3, entered: 0 })
    expect(await rowsOf(db, `select 1 from dispatch where enrolment like 'twice/%' and kind = 'start'`)).toHaveLength(3)
  })

  test('is 500 people: 1,200 are three pages, and a sweep that begins again where it broke misses nobody', async () => {
    const ids = Array.from({ length: 1200 }, (_, i) => `crowd-${i}`)
    await born(db, ids, { month: 9, day: 9, zone: 'UTC' })
    const from = utc('2027-09-09T00:00')
    const page = (after: string) =>
      shop.activities.sweepPage({ journey: 'crowd', from, to: from + DAY, after, asked: from })
    shop.clock.set(from)
    const first = await page('')
    expect(first).toMatchObject({ seen: 500, entered: 500 })
    expect(first.next).not.toBeNull()
    // The worker died after the first page: the sweep begins anew.
    expect(await walk('crowd', from)).toEqual({ pages: 3, seen: 1200, entered: 700 })
    expect(Object.keys(await enteredIn('crowd'))).toHaveLength(1200)
  })

  test('of exactly as many as fit is followed by an empty one', async () => {
    const narrow = await rowsOf<{ id: string }>(
      db,
      `select id from customers where id like 'crowd-%' order by id offset 500`,
    )
    await rowsOf(
      db,
      `update customers set birth_month = 10 where id = any('{${narrow.map((one) => one.id).join(',')}}')`,
    )
    expect(await walk('crowd', utc('2027-09-09T00:00'))).toEqual({ pages: 2, seen: 500, entered: 0 })
  })

  test('of a late sweep enters people whose morning is over, at once', async () => {
    await born(db, ['late'], { month: 8, day: 8, zone: 'UTC' })
    const from = utc('2027-08-08T00:00')
    shop.clock.set(from + 20 * HOUR)
    await walk('twice', from)
    expect(await enrolment(db, 'twice/late/2027')).toMatchObject({
      starts_at: new Date(from + 20 * HOUR),
      goal_until: new Date(from + 20 * HOUR + 14 * DAY),
    })
  })

  test('of a journey that no schedule begins is refused', async () => {
    const asked = { from: 0, to: DAY, after: '', asked: 0 }
    for (const journey of ['story', 'nothing']) {
      await expect(shop.activities.sweepPage({ journey, ...asked })).rejects.toMatchObject({
        type: 'JOURNEY_UNKNOWN',
        nonRetryable: true,
      })
    }
  })

  test('stands in line behind an event that is being stored, so that none falls between', async () => {
    await born(db, ['race-1'], { month: 6, day: 6, zone: 'UTC' })
    const from = utc('2027-06-06T00:00')
    shop.clock.set(from)
    await behindLock(db, 'race-1', {
      work: () => walk('race', from),
      meanwhile: (tx) =>
        rowsOf(
          tx,
          `insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
           values ('race-paid', 'race-1', 'order.paid', '{}', '', now(), now())`,
        ),
    })
    const [run] = await rowsOf<{ begun: number; seq: number }>(
      db,
      `select begun_seq as begun, (select seq from events where id = 'race-paid') as seq from enrolments where id = 'race/race-1/2027'`,
    )
    expect(run?.begun).toBe(run?.seq)
  })
})

describe('customerFacts', () => {
  test('are what a plan branches on, nothing that names the person', async () => {
    shop.clock.set(utc('2027-01-01T00:00'))
    await shop.event('customer.registered', person('facts', { tags: ['vip'], zone: 'Asia/Shanghai' }))
    for (const amount of [1250, 750, 'free']) await shop.event('order.paid', 'facts', { properties: { amount } })
    expect(await shop.activities.customerFacts({ customer: 'facts' })).toEqual({
      zone: 'Asia/Shanghai',
      today: '2027-01-01',
      tags: ['vip'],
      paidOrders: 3,
      spent: 2000,
      since: '2027-01-01T00:00:00.000Z',
      tier: null,
      traits: {},
      standing: null,
    })
  })

  test('of somebody unknown are refused', async () => {
    await expect(shop.activities.customerFacts({ customer: 'nobody' })).rejects.toMatchObject({
      type: 'CUSTOMER_UNKNOWN',
      nonRetryable: true,
    })
  })
})
