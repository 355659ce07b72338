/** The audiences of what expires, on real SQL: who is swept in, at which hour, under which day, and never twice. */
import { sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { endRuns, enrolments } from '../../store/enrolments.ts'
import { inTransaction } from '../../store/db.ts'
import { customersWithCoupons, customersWithPoints } from '../../store/expiring.ts'
import { spendPoints } from '../../store/spends.ts'
import { pauseJourney, resumeJourney } from '../../store/journeys.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, enterCrowd, planFacts, rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const swept = (audience: 'points-expiring' | 'coupons-expiring', worth: number) => ({
  begins: undefined,
  reentry: { when: 'after-exit', gap: 0, atMost: Infinity } as const,
  sweep: { audience, at: '10:00', worth },
})
const shop = await openShop(db, [
  planFacts('points-expiry', swept('points-expiring', 100)),
  planFacts('coupon-expiry', swept('coupons-expiring', 1)),
  planFacts('giver', {
    points: { gift: { title: 'Gift', earn: { fixed: 60 } } },
    offers: { perk: { title: 'Perk', quota: 100, perMember: 9 } },
  }),
])

/** A customer with so many settled points in lots that are over at some times. */
async function withLots(customer: string, zone: string | null, ends: readonly string[]): Promise<void> {
  await shop.event('profile.changed', { id: customer, zone })
  for (const [i, end] of ends.entries()) {
    const run = `giver/${customer}`
    if (i === 0) await enter(customer)
    await shop.activities.awardPoints({ key: `${run}/points/gift#${i}`, run, rule: 'gift', asked: shop.clock.now() })
    await sql`update point_lots set expires_at = ${new Date(end)} where id = (select max(id) from point_lots)`.execute(
      db,
    )
  }
}

const enter = (customer: string): Promise<unknown> =>
  rowsOf(
    db,
    `insert into enrolments (id, journey, customer, arm, status, begun_by, begun_seq, entered_at, starts_at)
     values ('giver/${customer}', 'giver', '${customer}', 'treated', 'running', 'operator', 0, now(), now());
     insert into outcomes (enrolment, kind, at, detail) values ('giver/${customer}', 'entered', now(), 'operator');
     insert into dispatch (kind, enrolment, created_at) values ('start', 'giver/${customer}', now())`,
  )

/** Sweeps the day from a midnight on, page by page; answers how many entered. */
async function sweepDay(journey: string, date: string): Promise<number> {
  const from = Date.parse(`${date}T00:00:00Z`)
  shop.clock.set(Math.max(shop.clock.now(), from))
  let [after, entered]: [string | null, number] = ['', 0]
  while (after !== null) {
    const page = await shop.activities.sweepPage({ journey, from, to: from + DAY, after, asked: from })
    after = page.next
    entered += page.entered
  }
  return entered
}

const runsOf = async (customer: string, journey = 'points-expiry') =>
  (await enrolments(db, { customer, journey }, 10)).map(({ id, starts_at: start, status }) => [
    id.split('/').slice(2).join('/'),
    start.toISOString(),
    status,
  ])

const endAll = (customer: string, journey = 'points-expiry'): Promise<unknown> =>
  inTransaction(db, (tx) =>
    sql<{ id: string }>`select id from enrolments where customer = ${customer} and journey = ${journey}`
      .execute(tx)
      .then(({ rows }) =>
        endRuns(
          tx,
          rows.map(({ id }) => id),
          { status: 'completed', reason: 'told', now: shop.clock.now() },
        ),
      ),
  )

describe('the points of a customer', () => {
  test('enter a day before the first message is due, at ten on the customer’s own clock, and once', async () => {
    await withLots('P1', 'Asia/Shanghai', ['2027-01-05T16:00:00Z', '2027-01-08T16:00:00Z'])
    await withLots('P2', 'America/New_York', ['2027-01-06T05:00:00Z', '2027-01-06T05:00:00Z'])
    await withLots('P3', null, ['2027-01-05T16:00:00Z'])
    expect(await sweepDay('points-expiry', '2026-12-04')).toBe(0)
    expect(await sweepDay('points-expiry', '2026-12-05')).toBe(2)
    expect(await runsOf('P1')).toEqual([['2027-01-05', '2026-12-05T02:00:00.000Z', 'running']])
    expect(await runsOf('P2')).toEqual([['2027-01-05', '2026-12-05T15:00:00.000Z', 'running']])
    // Sixty are not worth it.
    expect(await runsOf('P3')).toEqual([])
    const again = await Promise.all(
      ['2026-12-05', '2026-12-05', '2026-12-06', '2026-12-07'].map((day) => sweepDay('points-expiry', day)),
    )
    expect(again).toEqual([0, 0, 0, 0])
  })

  test('of the week after are another run, once the first is over; no day is in two', async () => {
    await withLots(
      'W',
      'UTC',
      ['2027-02-02', '2027-02-08', '2027-02-09', '2027-02-15'].map((day) => `${day}T00:00:00Z`),
    )
    expect(await sweepDay('points-expiry', '2027-01-01')).toBe(1)
    expect(await sweepDay('points-expiry', '2027-01-20')).toBe(0)
    await endAll('W')
    // The first of the eighth was told of; from the eighth on it is another week.
    expect(await sweepDay('points-expiry', '2027-01-31')).toBe(1)
    expect(new Set((await runsOf('W')).map(([occasion]) => occasion))).toEqual(new Set(['2027-02-01', '2027-02-08']))
    // A run that somebody began by hand for a far day hides nothing.
    await endAll('W')
    await withLots('F', 'UTC', ['2027-03-02T00:00:00Z', '2027-03-02T00:00:00Z'])
    await sql`
      insert into enrolments (id, journey, customer, occasion, arm, status, begun_by, begun_seq, entered_at, starts_at, ended_at)
      values ('points-expiry/F/2099-01-01', 'points-expiry', 'F', '2099-01-01', 'treated', 'stopped', 'operator', 0, now(), now(), now())`.execute(
      db,
    )
    await rowsOf(
      db,
      `insert into outcomes (enrolment, kind, at, detail)
       select 'points-expiry/F/2099-01-01', k, now(), 'operator' from unnest('{entered,ended}'::text[]) k;
       insert into dispatch (kind, enrolment, created_at) values ('start', 'points-expiry/F/2099-01-01', now())`,
    )
    expect(await sweepDay('points-expiry', '2027-02-02')).toBe(1)
  })

  test('that are spent do not enter, nor do those that are over', async () => {
    await withLots('S', 'UTC', ['2027-03-05T00:00:00Z', '2027-03-05T00:00:00Z'])
    await spendPoints(db, { key: 'S', customer: 'S', amount: 30, now: shop.clock.now() })
    expect(await sweepDay('points-expiry', '2027-02-10')).toBe(0)
    await withLots('T', 'UTC', ['2027-03-05T00:00:00Z', '2027-03-05T00:00:00Z'])
    expect(await sweepDay('points-expiry', '2027-03-03')).toBe(1)
    expect(await runsOf('T')).toEqual([['2027-03-04', '2027-03-03T10:00:00.000Z', 'running']])
    await withLots('U', 'UTC', ['2027-03-05T00:00:00Z', '2027-03-05T00:00:00Z'])
    expect(await sweepDay('points-expiry', '2027-03-04')).toBe(0)
  })

  test('two sweeps at once enter once, and a day of 23 or 25 hours forgets nobody', async () => {
    await withLots('D', 'America/New_York', ['2027-04-14T04:00:00Z', '2027-04-14T04:00:00Z'])
    await withLots('E', 'America/New_York', ['2027-12-09T05:00:00Z', '2027-12-09T05:00:00Z'])
    const spring = await Promise.all([sweepDay('points-expiry', '2027-03-14'), sweepDay('points-expiry', '2027-03-14')])
    expect((spring[0] ?? 0) + (spring[1] ?? 0)).toBe(1)
    expect(await runsOf('D')).toEqual([['2027-04-13', '2027-03-14T14:00:00.000Z', 'running']])
    expect(await sweepDay('points-expiry', '2027-11-06')).toBe(0)
    expect(await sweepDay('points-expiry', '2027-11-07')).toBe(1)
    expect(await runsOf('E')).toEqual([['2027-12-08', '2027-11-07T15:00:00.000Z', 'running']])
  })
})

test('coupons of one’s own enter, but none that a cart holds, that was redeemed or lost, or that is nobody’s', async () => {
  for (const id of ['C1', 'C2', 'C3', 'C4']) {
    await shop.event('profile.changed', { id, zone: 'UTC' })
    await enter(id)
    const run = `giver/${id}`
    await shop.activities.issueCoupon({
      key: `${run}/coupon/perk`,
      run,
      offer: 'perk',
      valid: '20 days',
      asked: shop.clock.now(),
    })
  }
  const end = shop.clock.now() + 20 * DAY
  const hold = (id: string, until: number): Promise<unknown> =>
    sql`update coupons set status = 'held', held_by = 'cart', held_until = ${new Date(until)} where customer = ${id}`.execute(
      db,
    )
  await hold('C2', end)
  // A hold whose time is over is none.
  await hold('C3', shop.clock.now())
  await rowsOf(db, `update coupons set status = 'lost' where customer = 'C4'`)
  const today = new Date(shop.clock.now() + HOUR).toISOString().slice(0, 10)
  expect(await sweepDay('coupon-expiry', today)).toBe(2)
  const first = new Date(end - 1).toISOString().slice(0, 10)
  expect([(await runsOf('C1', 'coupon-expiry'))[0]?.[0], (await runsOf('C3', 'coupon-expiry'))[0]?.[0]]).toEqual([
    first,
    first,
  ])
  const of = (customer: string) =>
    ({
      run: `coupon-expiry/${customer}/${first}`,
      kind: 'coupons',
      daysBefore: 7,
      waited: true,
      asked: end - 7 * DAY,
    }) as const
  expect(await shop.activities.expiringSoon(of('C1'))).toMatchObject({
    is: 'due',
    expiring: { total: 1, coupons: [{ title: 'Perk' }] },
  })
  expect(await shop.activities.expiringSoon(of('C2'))).toEqual({ is: 'nothing' })
})

test('a message is skipped when what it tells of is over: held too long, or asked too late', async () => {
  await shop.event('profile.changed', person('N'))
  const run = 'giver/N'
  await enter('N')
  const asked = shop.clock.now()
  const send = (nth: number, until: number) =>
    shop.activities.sendMessage({ key: `${run}/send/hello#${nth}`, run, message: 'hello', data: {}, until, asked })
  expect(await send(1, asked + 1)).toEqual({ is: 'sent' })
  expect(await send(2, asked)).toEqual({ is: 'skipped', code: 'NEWS_OVER' })
  await pauseJourney(db, 'giver', asked)
  expect(await send(3, asked + HOUR)).toMatchObject({ is: 'held', code: 'PAUSED' })
  await resumeJourney(db, 'giver', { now: asked })
  shop.clock.pass(HOUR)
  expect(await send(3, asked + HOUR)).toEqual({ is: 'skipped', code: 'NEWS_OVER' })
  // In both arms alike, so that they stay comparable.
  await rowsOf(db, `update enrolments set arm = 'holdout' where id = '${run}'`)
  expect(await send(4, asked)).toEqual({ is: 'skipped', code: 'NEWS_OVER' })
  await rowsOf(db, `update enrolments set arm = 'treated' where id = '${run}'`)
})

test('a crowd is walked page by page, each once, by indexes of their own', async () => {
  const crowd = await enterCrowd(db, { journey: 'crowd', prefix: 'M', size: 1_030 })
  const end = Date.parse('2029-05-05T00:00:00Z')
  await rowsOf(
    db,
    `with earned as (
       insert into point_transfers (key, request_hash, kind, unit, customer, rule, on_return, at)
       select 'crowd/' || c || '/' || n, '', 'earn', 'points', c, 'gift', 'within-balance', now()
       from unnest('{${crowd.map((one) => one.customer).join(',')}}'::text[]) c, generate_series(1, 2) n returning id, customer),
     posted as (insert into point_postings select id, a, case a when 'issued' then -50 else 50 end
       from earned, unnest('{issued,available}'::text[]) a),
     balanced as (insert into point_balances select customer, 'points', 0, 100, 0 from earned group by customer)
     insert into point_lots (transfer, customer, unit, original, remaining, state, resolved_by, expires_at)
     select id, customer, 'points', 50, 50, 'available', id, '${new Date(end).toISOString()}' from earned`,
  )
  expect(await sweepDay('points-expiry', '2029-04-20')).toBe(1_030)
  expect(await sweepDay('points-expiry', '2029-04-20')).toBe(0)
  await rowsOf(db, 'analyze point_lots')
  await rowsOf(db, 'analyze coupons')
  for (const index of ['point_lots_expiring', 'coupons_expiring']) {
    const before = await scansOf(index)
    await db.transaction().execute(async (tx) => {
      // A page of a few, as 500 are of a large shop's customers.
      await sql`set local enable_seqscan = off`.execute(tx)
      const page = { journey: 'crowd', from: end - 30 * DAY, until: end + DAY, after: '', limit: 5 }
      await (index === 'coupons_expiring' ? customersWithCoupons : customersWithPoints)(tx, page)
      await sql`select pg_stat_force_next_flush()`.execute(tx)
    })
    expect(await scansOf(index)).toBeGreaterThan(before)
  }
})

async function scansOf(index: string): Promise<number> {
  const [row] = await rowsOf<{ idx_scan: number }>(
    db,
    `select idx_scan from pg_stat_user_indexes where indexrelname = '${index}'`,
  )
  return row?.idx_scan ?? -1
}
