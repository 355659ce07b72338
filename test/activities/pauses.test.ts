/** What the activities answer to a story that comes to a step after a pause, to the millisecond. */
import { describe, expect, it } from 'vitest'
import { pauseJourney, resumeJourney } from '../../store/journeys.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { DAY, HOUR, planFacts } from '../store/given.ts'
import { NOON, expectInvariants, freshStore } from '../world.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
const offers = { ten: { title: 'Ten off', quota: 100, perMember: 5 } }
const points = { order: { title: 'Ten points', earn: { fixed: 10 } } }

interface Resumed {
  rule: 'fire' | 'shift' | 'skip'
  stale?: number
  /** How long after the pause began. */
  after: number
}

/** A customer in a journey that was paused two hours after NOON, and resumed. */
async function pausedOnce(name: string, { rule, stale, after }: Resumed) {
  const shop = await openShop(db, [planFacts(name, { offers, points })])
  const customer = `of-${name}`
  await shop.entered(customer)
  const paused = shop.clock.pass(2 * HOUR)
  await pauseJourney(db, name, paused)
  const resumed = shop.clock.pass(after)
  await resumeJourney(db, name, { now: resumed, rule, ...(stale !== undefined && { stale }) })
  const run = `${name}/${customer}`
  const ask = (rest: { since: number; due: number; at?: string }) => ({ run, rest, asked: shop.clock.now() })
  return { shop, customer, run, paused, resumed, ask }
}

describe('shift', async () => {
  const { shop, customer, paused, resumed, ask } = await pausedOnce('shift', { rule: 'shift', after: 5 * HOUR })
  const rest = { since: NOON, due: paused + HOUR }
  const until = resumed + HOUR

  it('holds a message until the pause has been made up for, and not a millisecond longer', async () => {
    const send = () => shop.send('shift', customer, { rest })
    expect(await send()).toEqual({ is: 'held', code: 'WAIT_SHIFTED', until })
    shop.clock.set(until - 1)
    expect(await send()).toEqual({ is: 'held', code: 'WAIT_SHIFTED', until })
    shop.clock.set(until)
    expect(await send()).toEqual({ is: 'sent' })
  })

  it('holds coupons, points, facts and the calendar in the same way', async () => {
    shop.clock.set(until - 1)
    const held = { is: 'held', until }
    const { activities } = shop
    const of = ask(rest)
    expect(await activities.issueCoupon({ ...of, key: 'k', offer: 'ten', valid: '7 days' })).toEqual(held)
    expect(await activities.awardPoints({ ...of, key: 'p', rule: 'order' })).toEqual(held)
    expect(await activities.customerFacts({ ...of, customer })).toEqual(held)
    expect(await activities.calendarWait({ ...of, customer, wait: { days: 1, at: '10:00' } })).toEqual(held)
    shop.clock.set(until)
    expect(await activities.customerFacts({ ...of, customer, asked: until })).toMatchObject({ zone: 'UTC' })
  })

  it('lets a wait of calendar days end at its time of day, the next one', async () => {
    const { at, due } = { at: '16:00', due: paused + 2 * HOUR }
    shop.clock.set(due)
    const answer = await shop.activities.customerFacts({ ...ask({ since: NOON, due, at }), customer })
    expect(answer).toEqual({ is: 'held', until: due + DAY })
  })

  it('asks nothing of a story that did not rest, nor of one that rested after the pause', async () => {
    shop.clock.set(resumed + 1)
    const { activities } = shop
    expect(await activities.customerFacts({ run: 'shift/nobody', customer })).toMatchObject({ zone: 'UTC' })
    const fresh = { since: resumed, due: resumed + 1 }
    expect(await activities.customerFacts({ ...ask(fresh), customer })).toMatchObject({ zone: 'UTC' })
  })
})

describe('skip', async () => {
  const { shop, customer, paused, ask } = await pausedOnce('skip', { rule: 'skip', stale: DAY, after: 2 * DAY })
  const due = (late: number) => ({ since: NOON, due: paused + 2 * DAY - late })

  it('leaves out a coupon and a message that are later than may be, with a line in the log', async () => {
    const request = { key: 'skip/c', offer: 'ten', valid: '7 days' }
    const { activities } = shop
    const refused = { is: 'refused', code: 'STALE_SKIPPED' }
    expect(await activities.issueCoupon({ ...ask(due(DAY + 1)), ...request })).toEqual(refused)
    expect(await activities.issueCoupon({ ...ask(due(DAY)), ...request })).toMatchObject({ is: 'issued' })
    expect(await shop.send('skip', customer, { rest: due(DAY + 1) })).toEqual({ is: 'skipped', code: 'STALE_SKIPPED' })
    const lines = (await decisionsOf(db, customer)).filter(({ code }) => code === 'STALE_SKIPPED')
    expect(lines.map(({ about, detail }) => [about, detail])).toEqual([
      ['coupon', 'ten'],
      ['send', 'hello'],
    ])
  })

  it('gives points however late', async () => {
    const award = { ...ask(due(2 * DAY)), key: 'skip/p', rule: 'order' }
    expect(await shop.activities.awardPoints(award)).toMatchObject({ is: 'awarded', amount: 10 })
    await expectInvariants(db)
  })
})

describe('while a pause lasts', () => {
  it('a step is held until the resume, and the run remembers where and since when', async () => {
    const shop = await openShop(db, [planFacts('lasting', { offers })])
    await shop.entered('of-lasting')
    const paused = shop.clock.pass(HOUR)
    await pauseJourney(db, 'lasting', paused)
    const run = 'lasting/of-lasting'
    const rest = { since: NOON, due: shop.clock.pass(HOUR) }
    const of = { run, rest, step: 'customer', asked: shop.clock.pass(HOUR) }
    expect(await shop.activities.customerFacts({ ...of, customer: 'of-lasting' })).toEqual({ is: 'held', until: null })
    const wait = { key: `${run}/wait/1`, type: 'cart.added', match: {}, deadline: NOON + DAY }
    expect(await shop.activities.openWait({ ...of, ...wait })).toEqual({ is: 'held', until: null })
    expect(await resumeJourney(db, 'lasting', { now: shop.clock.pass(HOUR) })).toBe(1)
    expect(await shop.activities.customerFacts({ ...of, customer: 'of-lasting' })).toMatchObject({ zone: 'UTC' })
  })

  it('a run that was woken is told how long its rest is now, and one that is over is not told to rest', async () => {
    const { shop, run, ask } = await pausedOnce('gone', { rule: 'shift', after: HOUR })
    const rest = { since: NOON, due: NOON + 9 * HOUR }
    expect(await shop.activities.runStatus({ run })).toEqual({ status: 'running' })
    expect(await shop.activities.runStatus(ask(rest))).toEqual({ status: 'running', until: rest.due + HOUR })
    await shop.activities.finishRun({ run, status: 'completed', reason: 'told', asked: shop.clock.now() })
    expect(await shop.activities.runStatus(ask(rest))).toEqual({ status: 'completed' })
    const coupon = { ...ask(rest), key: 'gone/c', offer: 'ten', valid: '7 days' }
    expect(await shop.activities.issueCoupon(coupon)).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
  })
})
