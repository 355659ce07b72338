import { afterAll, describe, expect, test } from 'vitest'
import type { Programme } from '../../domain/tier.ts'
import { balancesOf, ledgerOf } from '../../store/ledger.ts'
import { couponsOf } from '../../store/coupons.ts'
import { pauseJourney, resumeJourney } from '../../store/journeys.ts'
import { setProgramme } from '../../store/programmes.ts'
import { currentTier } from '../../store/tier-history.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, NOON, planFacts, rowsOf } from '../store/given.ts'
import { GROWTH, programme } from '../store/given-tiers.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const PERK = { title: 'Perk', quota: 6, perMember: 9 }
const orders = planFacts('orders', {
  begins: { on: 'order.paid' },
  occasion: 'order',
  points: { order: { title: 'Points', earn: { perYuan: 1 }, tier: true }, growth: { ...GROWTH, pending: false } },
})
const upgrade = planFacts('upgrade', {
  begins: { on: 'tier.upgraded', where: { again: false } },
  occasion: 'reached',
  offers: { perk: PERK },
})
const second = { ...upgrade, name: 'upgrade-2' }
const day = planFacts('day', { offers: { cake: PERK, 'cake-of-top': { ...PERK, title: 'A cake for the top' } } })
const sweeps = (['tier-ending', 'tier-near-miss'] as const).map((audience) =>
  planFacts(audience, { begins: undefined, sweep: { audience, at: '10:00' } }),
)
const shop = await openShop(db, [orders, upgrade, second, day, ...sweeps])
const { activities, clock } = shop

const [base, mid, top] = programme().levels as [Programme['levels'][0], Programme['levels'][0], Programme['levels'][0]]
const LEVELS = [
  base,
  { ...mid, gift: { offer: 'perk', valid: '30 days', points: 10 } },
  { ...top, birthday: 'cake-of-top' },
]
await setProgramme(db, programme({ levels: LEVELS }), { now: NOON })

/** An order that earns at once, growth value first: its points are of the level before it all the same. */
async function buy(customer: string, order: string, yuan: number): Promise<void> {
  const properties = { order, amount: yuan * 100 }
  await shop.event('order.paid', customer, { properties })
  clock.pass(1)
  const run = `orders/${customer}/${order}`
  for (const rule of ['growth', 'order']) {
    await activities.awardPoints({ key: `${run}/points/${rule}`, run, rule, asked: clock.now() })
  }
}

const points = async (customer: string): Promise<(string | number)[][]> =>
  (await ledgerOf(db, customer)).filter(({ unit }) => unit === 'points').map(({ key, available }) => [key, available])

const grant = (run: string) => activities.grantTierBenefits({ run, asked: clock.now() })

describe('the benefits of a level', () => {
  test('are given once, though asked for at once and again, and by another journey', async () => {
    await buy('A', 'O1', 120)
    const run = 'upgrade/A/mid.2026-11-23'
    const answers = await Promise.all([grant(run), grant(run), grant(run)])
    const [{ coupon: found }] = [answers[0] as { coupon: { code: string } }]
    expect(answers[0]).toEqual({
      is: 'granted',
      level: 'mid',
      title: 'Middle',
      discount: 2,
      multiplier: 1.5,
      services: [],
      coupon: { ...found, offer: 'perk', title: 'Perk', expires: '2026-12-23' },
      points: 10,
      refused: {},
    })
    expect(answers).toEqual([answers[0], answers[0], answers[0]])
    expect(await grant(run)).toEqual(answers[0])
    expect(await grant('upgrade-2/A/mid.2026-11-23')).toEqual({ is: 'refused', code: 'TIER_GIFT_GIVEN' })
    expect(await couponsOf(db, 'A')).toHaveLength(1)
    expect(await points('A')).toEqual([
      ['orders/A/O1/points/order', 120],
      ['tier/A/2026-11-23/mid/gift/points', 10],
    ])
    expect(await rowsOf(db, `select enrolment, period, level from tier_gifts`)).toEqual([
      { enrolment: run, period: '2026-11-23', level: 'mid' },
    ])
  })

  test('of a level without a gift are what it gives at the till', async () => {
    await buy('T', 'O1', 1_000)
    const answer = await grant('upgrade/T/top.2026-11-23')
    expect(answer).toMatchObject({
      is: 'granted',
      level: 'top',
      coupon: null,
      points: 0,
      refused: {},
      services: ['Tea'],
    })
  })

  test('are held while the journey is paused, refused in the control arm, after the end and without a rise', async () => {
    await buy('B', 'O1', 120)
    const run = 'upgrade/B/mid.2026-11-23'
    await pauseJourney(db, 'upgrade', NOON)
    expect(await grant(run)).toEqual({ is: 'held' })
    await resumeJourney(db, 'upgrade', { now: NOON })
    await rowsOf(db, `update enrolments set arm = 'holdout' where id = '${run}'`)
    expect(await grant(run)).toEqual({ is: 'refused', code: 'HOLDOUT' })
    await rowsOf(db, `update enrolments set arm = 'treated' where id = '${run}'`)
    expect(await grant('orders/B/O1')).toEqual({ is: 'refused', code: 'TIER_NOT_REACHED' })
    await activities.finishRun({ run, status: 'completed', reason: 'told', asked: clock.now() })
    expect(await grant(run)).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
    expect(await couponsOf(db, 'B')).toEqual([])
  })

  test('without a coupon left say so, and give the rest', async () => {
    await rowsOf(db, `update offer_buckets set quota = issued where offer = 'perk'`)
    await buy('C', 'O1', 120)
    expect(await grant('upgrade/C/mid.2026-11-23')).toMatchObject({
      is: 'granted',
      coupon: null,
      points: 10,
      refused: { coupon: 'QUOTA_EXHAUSTED' },
    })
    await rowsOf(db, `update offer_buckets set quota = 99 where offer = 'perk'`)
  })
})

describe('the multiplier of a level', () => {
  test('is that of the time of the order, a posting of its own, and not on growth value', async () => {
    await buy('M', 'O1', 120)
    clock.pass(DAY)
    await buy('M', 'O2', 101)
    // Paid before the level was reached, though told of afterwards.
    const late = { order: 'O0', amount: 100_00 }
    await shop.event('order.paid', 'M', { properties: late, at: new Date(NOON - DAY).toISOString() })
    const run = 'orders/M/O0'
    const ask = { key: `${run}/points/order`, run, rule: 'order', asked: clock.now() }
    expect(await activities.awardPoints(ask)).toMatchObject({ amount: 100 })
    expect(await points('M')).toEqual([
      ['orders/M/O1/points/order', 120],
      ['orders/M/O2/points/order', 101],
      ['orders/M/O2/points/order+tier', 50],
      ['orders/M/O0/points/order', 100],
    ])
    expect((await balancesOf(db, 'M')).find(({ unit }) => unit === 'growth')?.available).toBe(221)
  })
})

describe('the birthday pack', () => {
  const issue = (customer: string) => {
    const run = `day/${customer}`
    const ask = { key: `${run}/coupon/cake`, run, offer: 'cake', valid: '14 days', asked: clock.now() }
    return activities.issueCoupon({ ...ask, pack: 'birthday' })
  }

  test('of the level takes the place of the offer, and stays what it was when it is asked for again', async () => {
    await shop.event('customer.registered', person('P'))
    await shop.event('customer.registered', person('P2'))
    expect(await issue('P2')).toMatchObject({ is: 'issued', coupon: { offer: 'cake', title: 'Perk' } })
    await buy('P', 'O1', 1_000)
    const first = await issue('P')
    expect(first).toMatchObject({ is: 'issued', coupon: { offer: 'cake-of-top', title: 'A cake for the top' } })
    await rowsOf(
      db,
      `update tier_history set due_at = '2026-11-24', term_end = '2026-11-24' where customer = 'P' and rank = 2`,
    )
    await activities.upkeep({ asked: clock.now() })
    expect((await currentTier(db, 'P'))?.level).not.toBe('base')
    await rowsOf(
      db,
      `update tier_history set due_at = valid_from, term_end = valid_from where customer = 'P' and valid_to is null`,
    )
    expect(await issue('P')).toEqual(first)
    expect(await couponsOf(db, 'P')).toHaveLength(1)
    await rowsOf(db, `delete from tier_history where customer = 'P'`)
    expect(await issue('P')).toEqual(first)
  })
})

describe('the sweeps', () => {
  const sweep = async (journey: string, from: number): Promise<unknown> => {
    const page = { journey, from, to: from + DAY, after: '', asked: from }
    await activities.sweepPage(page)
    await activities.sweepPage(page)
    return rowsOf(db, `select id, starts_at from enrolments where journey = '${journey}' order by id`)
  }
  const at = (text: string): Date => new Date(text)

  test('enter whose term ends within thirty days and who is short, once a term, at their own hour', async () => {
    await shop.event('customer.registered', person('E3', { zone: 'Asia/Shanghai' }))
    await buy('E1', 'O1', 150)
    await buy('E2', 'O1', 150)
    await buy('E3', 'O1', 150)
    clock.set(Date.parse('2027-10-20T12:00:00Z'))
    // Just what it takes.
    await buy('E2', 'O2', 100)
    const ofE = async (from: string): Promise<unknown> => {
      const rows = (await sweep('tier-ending', Date.parse(from))) as { id: string }[]
      return rows.filter(({ id }) => /\/E\d\//.test(id))
    }
    expect(await ofE('2027-10-23T00:00:00Z')).toEqual([])
    const both = [
      { id: 'tier-ending/E1/mid.2027-11-24', starts_at: at('2027-10-25T10:00:00Z') },
      { id: 'tier-ending/E3/mid.2027-11-24', starts_at: at('2027-10-25T02:00:00Z') },
    ]
    expect(await ofE('2027-10-24T00:00:00Z')).toEqual([])
    expect(await ofE('2027-10-25T00:00:00Z')).toEqual(both)
    expect(await ofE('2027-10-26T00:00:00Z')).toEqual(both)
    expect(await ofE('2027-11-25T00:00:00Z')).toEqual(both)
  })

  test('enter who is almost on the next level, once a level and year', async () => {
    clock.set(Date.parse('2028-12-30T12:00:00Z'))
    await buy('N1', 'O1', 79)
    await buy('N2', 'O1', 80)
    await buy('N3', 'O1', 90)
    await buy('N4', 'O1', 91)
    await buy('N5', 'O1', 850)
    const run = (id: string, year: number) => `tier-near-miss/${id}.${year}`
    const ids = async (from: string): Promise<string[]> =>
      ((await sweep('tier-near-miss', Date.parse(from))) as { id: string }[])
        .map(({ id }) => id)
        .filter((id) => id.includes('/N'))
    const told = [run('N2/mid', 2028), run('N3/mid', 2028), run('N5/top', 2028)]
    expect(await ids('2028-12-31T00:00:00Z')).toEqual(told)
    const again = [run('N2/mid', 2029), run('N3/mid', 2029), run('N5/top', 2029)]
    expect(await ids('2029-01-01T00:00:00Z')).toEqual([...told, ...again].sort())
  })
})

test('the upkeep ends terms and places those who have no tier; a second round has nothing to do', async () => {
  clock.set(Date.parse('2031-01-01T12:00:00Z'))
  await shop.event('customer.registered', person('U1'))
  const asked = clock.now()
  const first = await activities.upkeep({ asked })
  expect(first['end tier terms']).toBeGreaterThan(3)
  expect(first['place in tiers']).toBeGreaterThan(0)
  expect(await activities.upkeep({ asked })).toMatchObject({ 'end tier terms': 0, 'place in tiers': 0 })
  expect(await activities.customerFacts({ customer: 'U1' })).toMatchObject({
    tier: { level: 'base', next: { level: 'mid' } },
  })
})
