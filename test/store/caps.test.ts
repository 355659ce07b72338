/** What a rule awards at most: on one day of the customer's own calendar, or for one order. */
import { afterAll, describe, expect, test } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import type { PointRule } from '../../domain/points.ts'
import { enrolments } from '../../store/enrolments.ts'
import { balancesOf, ledgerOf } from '../../store/ledger.ts'
import { type Award, awardPoints } from '../../store/points.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { HOUR, handClock, inboxOf, routing } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const clock = handClock()
const visits = routing('visits', { begins: { on: 'customer.checked-in' }, occasion: 'visit' })
const send = inboxOf(db, clock, [visits])

/** Enters and awards under the next occasion, at a time; what came of it: the amount, or the code. */
async function visit(
  customer: string,
  occasion: string,
  {
    terms,
    at,
    order,
    zone = 'UTC',
    rule = 'visit',
    birthday,
  }: {
    terms: Partial<PointRule>
    at?: string
    order?: string
    zone?: string
    rule?: string
    birthday?: string
  },
): Promise<number | string> {
  if (at !== undefined) clock.set(Date.parse(at))
  const properties = { visit: occasion, ...(order !== undefined && { order }) }
  await send('customer.checked-in', person(customer, { zone, ...(birthday && { birthday }) }), { properties })
  const award = await awarded(customer, occasion, terms, rule)
  return award.is === 'awarded' ? award.amount : award.is === 'refused' ? award.code : award.is
}

function awarded(customer: string, occasion: string, terms: Partial<PointRule>, rule = 'visit'): Promise<Award> {
  const run = `visits/${customer}/${occasion}`
  const all = { title: rule, earn: { fixed: 20 }, ...terms }
  return awardPoints(db, {
    key: effectKey(run, 'points', rule, 1),
    run,
    rule,
    terms: all,
    shopZone: 'UTC',
    now: clock.now(),
  })
}

const daily = { atMost: { points: 50, per: 'day' } } as const

describe('a cap a day', () => {
  test('awards what is left of it, then says why not; the next day begins anew', async () => {
    const at = (time: string) => ({ terms: daily, at: `2026-11-24T${time}Z` })
    expect(await visit('A', '1', at('00:00:00'))).toBe(20)
    expect(await visit('A', '2', at('12:00:00'))).toBe(20)
    expect(await visit('A', '3', at('12:00:01'))).toBe(10)
    expect(await visit('A', '4', at('23:59:59'))).toBe('POINTS_CAP')
    // Another rule has a count of its own.
    expect(await visit('A', '4', { terms: daily, rule: 'other' })).toBe(20)
    expect(await visit('A', '5', { terms: daily, at: '2026-11-25T00:00:00Z' })).toBe(20)
  })

  test.each([
    ['Asia/Shanghai', '2026-11-30T15:59:59Z', '2026-11-30T16:00:00Z'],
    ['America/New_York', '2026-12-01T04:59:59Z', '2026-12-01T05:00:00Z'],
    // The end of February, with and without a 29th.
    ['Asia/Shanghai', '2027-02-28T15:59:59Z', '2027-02-28T16:00:00Z'],
    ['UTC', '2028-02-28T23:59:59Z', '2028-02-29T00:00:00Z'],
    // Days of 23 and of 25 hours.
    ['America/New_York', '2027-03-15T03:59:59Z', '2027-03-15T04:00:00Z'],
    ['America/New_York', '2027-11-08T04:59:59Z', '2027-11-08T05:00:00Z'],
  ])('is a day of %s, which ends at %s', async (zone, last, first) => {
    const id = `Z-${first}`.replaceAll(':', '')
    const terms = { atMost: { points: 20, per: 'day' } } as const
    expect(await visit(id, '1', { terms, zone, at: last })).toBe(20)
    expect(await visit(id, '2', { terms, zone })).toBe('POINTS_CAP')
    expect(await visit(id, '3', { terms, zone, at: first })).toBe(20)
    clock.pass(22 * HOUR)
    expect(await visit(id, '4', { terms, zone })).toBe('POINTS_CAP')
  })

  test('holds where many come at once, and a replay is answered as before', async () => {
    clock.set(Date.parse('2026-11-26T12:00:00Z'))
    const occasions = Array.from({ length: 12 }, (_, i) => String(i))
    for (const visit of occasions) await send('customer.checked-in', person('M'), { properties: { visit } })
    const all = await Promise.all([...occasions, ...occasions].map((one) => awarded('M', one, daily)))
    const paid = all.flatMap((one) => (one.is === 'awarded' && !one.replayed ? [one.amount] : []))
    expect(paid.sort((a, b) => a - b)).toEqual([10, 20, 20])
    expect((await balancesOf(db, 'M'))[0]?.available).toBe(50)
    expect(await enrolments(db, { customer: 'M' }, 20)).toHaveLength(12)
  })

  test('trims the bonuses before the base', async () => {
    const terms = { bonuses: { double: 2, gold: 1.5 }, atMost: { points: 30, per: 'day' } } as const
    expect(await visit('B', '1', { terms, at: '2026-11-27T12:00:00Z' })).toBe(30)
    expect((await ledgerOf(db, 'B')).map(({ rule, available }) => [rule, available])).toEqual([
      ['visit', 20],
      ['visit+double', 10],
    ])
  })
})

test('a cap an order counts all runs that an order began, and one a run where there is none', async () => {
  const terms = {
    atMost: [
      { points: 50, per: 'order' },
      { points: 90, per: 'day' },
    ],
  } satisfies Partial<PointRule>
  const of = (order?: string) => ({ terms, at: '2026-11-28T12:00:00Z', ...(order && { order }) })
  expect(await visit('O', '1', of('X'))).toBe(20)
  expect(await visit('O', '2', of('X'))).toBe(20)
  expect(await visit('O', '3', of('X'))).toBe(10)
  expect(await visit('O', '4', of('X'))).toBe('POINTS_CAP')
  expect(await visit('O', '5', of('Y'))).toBe(20)
  expect(await visit('O', '6', of())).toBe(20)
  expect(await visit('O', '7', of())).toBe('POINTS_CAP')
})

test('a bonus of a day is for those whose day it is, by the day on which they came', async () => {
  const terms = {
    bonuses: { birthday: { times: 2, on: 'birthday' }, 'member-day': { times: 1.5, on: { day: 15 } } },
  } satisfies Partial<PointRule>
  const zone = 'Asia/Shanghai'
  expect(await visit('D', '1', { terms, zone, at: '2027-01-14T15:59:59Z', birthday: '02-29' })).toBe(20)
  expect(await visit('D', '2', { terms, zone, at: '2027-01-14T16:00:00Z' })).toBe(30)
  // A 29 February is kept on the 28th in a common year.
  expect(await visit('D', '3', { terms, zone, at: '2027-02-28T12:00:00Z' })).toBe(40)
  expect(await visit('D', '4', { terms, zone, at: '2028-02-28T12:00:00Z' })).toBe(20)
  expect(await visit('D', '5', { terms, zone, at: '2028-02-29T12:00:00Z' })).toBe(40)
  // Both at once are three times less one: 2 and 1.5 make 2.5.
  expect(await visit('D2', '6', { terms, zone, at: '2027-03-15T12:00:00Z', birthday: '03-15' })).toBe(50)
})
