import { afterAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { forgetSlots, reserveSlot } from '../../store/release.ts'
import { openShop } from '../activities/given.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, NOON, SECOND, enterCrowd, planFacts, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const MORNING = Date.UTC(2026, 10, 24, 9)
const rate = { messages: 10, windowMs: SECOND }
const reserve = (opensAt: number, channel = 'email'): Promise<number> =>
  inTransaction(db, (tx) => reserveSlot(tx, { channel, opensAt, rate }))

/** Runs `count` pieces of work, `atOnce` at a time. */
async function many<T>(count: number, atOnce: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      done[index] = await work(index)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return done
}

function bySecond(instants: readonly number[]): Map<number, number> {
  const seconds = new Map<number, number>()
  for (const instant of instants) {
    const second = Math.floor(instant / SECOND)
    seconds.set(second, (seconds.get(second) ?? 0) + 1)
  }
  return seconds
}

describe('slots', () => {
  test('10,000 reserved by ten at once fill a thousand seconds with ten each, and leave none out', async () => {
    const began = performance.now()
    const slots = await many(10_000, 10, () => reserve(MORNING))
    const seconds = bySecond(slots)
    console.info(`10,000 slots in ${Math.round(performance.now() - began)} ms`)
    expect(seconds.size).toBe(1_000)
    expect([...seconds.values()].every((count) => count === 10)).toBe(true)
    expect(Math.min(...slots)).toBe(MORNING)
    expect(Math.max(...slots)).toBe(MORNING + 999 * SECOND)
  })

  test('of mornings that overlap are shared, and channels have their own', async () => {
    const quarter = MORNING + DAY
    const slots = await many(600, 8, (index) => reserve(quarter + (index % 3) * 10 * SECOND, 'sms'))
    const seconds = bySecond(slots)
    expect(Math.max(...seconds.values())).toBe(10)
    expect(seconds.size).toBe(60)
    expect(await reserve(quarter, 'push')).toBe(quarter)
  })

  test('are forgotten when they are long over', async () => {
    await reserve(NOON - 5 * DAY, 'wecom')
    expect(await inTransaction(db, (tx) => forgetSlots(tx, { now: NOON }))).toBe(2)
    expect(await inTransaction(db, (tx) => forgetSlots(tx, { now: NOON }))).toBe(0)
    expect((await rowsOf(db, `select 1 from release_slots`)).length).toBeGreaterThan(1_000)
  })
})

describe('messages held over the night', () => {
  const quiet = { from: 20 * 60 + 30, to: 9 * 60 }

  test('leave at the rate, spread within it, and keep their places however often they are asked for', async () => {
    const night = planFacts('night', { class: 'service' })
    const shop = await openShop(db, [night], { quiet, release: { messages: 5, windowMs: SECOND } })
    const crowd = await enterCrowd(db, { journey: 'night', prefix: 'N', size: 300 })
    await rowsOf(db, `update customers set email = lower(id) || '@mail.example', name = id where id like 'N%'`)
    shop.clock.set(MORNING + 20 * HOUR)
    const opens = MORNING + DAY
    await rowsOf(db, `delete from release_slots; delete from release_openings`)
    const ask = () => many(crowd.length, 8, (index) => shop.send('night', crowd[index]?.customer ?? ''))
    const held = await ask()
    const until = held.map((one) => (one.is === 'held' ? (one.until ?? 0) : 0))
    expect(await ask(), 'asked again').toEqual(held)
    expect(Math.max(...bySecond(until).values())).toBe(5)
    expect(bySecond(until).size).toBe(60)
    expect(Math.min(...until)).toBeGreaterThanOrEqual(opens)
    // Jitter: they do not leave on the stroke of the second.
    expect(new Set(until.map((instant) => instant % SECOND)).size).toBeGreaterThan(100)
    // What really leaves, as each run asks again when its slot has come.
    const order = until.map((instant, index) => ({ instant, index })).sort((a, b) => a.instant - b.instant)
    for (const { instant, index } of order) {
      shop.clock.set(instant)
      expect(await shop.send('night', crowd[index]?.customer ?? '')).toEqual({ is: 'sent' })
    }
    const left = await rowsOf<{ at: Date }>(db, `select sent_at as at from messages where journey = 'night'`)
    const worst = Math.max(...bySecond(left.map((row) => row.at.getTime())).values())
    expect(left).toHaveLength(300)
    expect(worst).toBe(5)
  })

  test('of the control arm wait as long, and take no place', async () => {
    const arms = planFacts('arms')
    const shop = await openShop(db, [arms], { quiet, release: { messages: 1, windowMs: SECOND } })
    for (const id of ['K1', 'K2']) await shop.event('customer.registered', person(id))
    await rowsOf(db, `update enrolments set arm = 'holdout' where customer like 'K%'; delete from release_slots`)
    shop.clock.set(MORNING - HOUR)
    expect(await shop.send('arms', 'K1')).toEqual({ is: 'held', code: 'QUIET_HOURS', until: MORNING })
    expect(await shop.send('arms', 'K2')).toEqual({ is: 'held', code: 'QUIET_HOURS', until: MORNING })
    expect(await rowsOf(db, `select 1 from release_slots`)).toEqual([])
    shop.clock.set(MORNING)
    expect(await shop.send('arms', 'K1')).toEqual({ is: 'skipped', code: 'HOLDOUT' })
  })
})
