import { afterAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { endAndWake, enrolment, enrolments, holdRun, lockRun, lockRunning } from '../../store/enrolments.ts'
import { effectCounts, journeyCounts, pauseJourney, pausedJourneys, resumeJourney } from '../../store/journeys.ts'
import { armOutcomes, finishRun } from '../../store/outcomes.ts'
import { openWait } from '../../store/waits.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import {
  DAY,
  HOUR,
  NOON,
  behindLock,
  enterCrowd,
  handClock,
  inboxOf,
  routing,
  rowsOf,
  somebodyQueues,
  wakesOf,
} from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

async function crowdIn(journey: string, size: number): Promise<string[]> {
  return (await enterCrowd(db, { journey, prefix: `${journey}-`, size })).map((one) => one.run)
}

const hold = (run: string): Promise<void> => inTransaction(db, (tx) => holdRun(tx, run, NOON))
const stop = (runs: string[], now = NOON): Promise<string[]> =>
  inTransaction(db, (tx) => endAndWake(tx, runs, { status: 'stopped', reason: 'operator', now }))

describe('pause and resume', () => {
  test('a journey is paused once, and a run knows it; others go on', async () => {
    const [run = ''] = await crowdIn('a', 1)
    const [other = ''] = await crowdIn('b', 1)
    expect(await pauseJourney(db, 'a', NOON)).toBe(true)
    expect(await pauseJourney(db, 'a', NOON + HOUR)).toBe(false)
    expect(await pausedJourneys(db)).toEqual(new Map([['a', new Date(NOON)]]))
    const states = await inTransaction(db, async (tx) => [await lockRun(tx, run), await lockRun(tx, other)])
    expect(states.map((state) => state?.paused)).toEqual([true, false])
    expect(await resumeJourney(db, 'a', { now: NOON })).toBe(0)
    expect(await resumeJourney(db, 'a', { now: NOON })).toBeUndefined()
    expect(await resumeJourney(db, 'never-paused', { now: NOON })).toBeUndefined()
    expect(await pauseJourney(db, 'a', NOON + HOUR)).toBe(true)
  })

  test('resuming wakes the runs that were held, no others, and each once', async () => {
    const [first = '', second = '', third = ''] = await crowdIn('c', 4)
    const [elsewhere = ''] = await crowdIn('d', 1)
    await pauseJourney(db, 'c', NOON)
    for (const run of [first, second, third, elsewhere]) await hold(run)
    await stop([third])
    const before = await wakesOf(db)
    expect(await resumeJourney(db, 'c', { now: NOON })).toBe(2)
    const woken = (await wakesOf(db)).slice(before.length)
    expect(woken.sort()).toEqual([first, second])
    await pauseJourney(db, 'c', NOON)
    expect(await resumeJourney(db, 'c', { now: NOON })).toBe(0)
  })

  test('a resume waits for an effect that is just being held, and wakes its run', async () => {
    const [run = ''] = await crowdIn('e', 1)
    await pauseJourney(db, 'e', NOON)
    const resumed: { count?: Promise<number | undefined> } = {}
    await inTransaction(db, async (tx) => {
      expect((await lockRun(tx, run))?.paused).toBe(true)
      resumed.count = resumeJourney(db, 'e', { now: NOON })
      await somebodyQueues(db)
      await holdRun(tx, run, NOON)
    })
    expect(await resumed.count).toBe(1)
    expect(await wakesOf(db)).toContain(run)
  })
})

describe('ending runs from outside', () => {
  test('ends, closes the waits, records and wakes those that are on, and says which', async () => {
    const [on = '', over = ''] = await crowdIn('f', 2)
    await openWait(db, { key: `${on}/wait/1`, run: on, type: 'cart.added', match: {}, deadline: NOON + DAY })
    await hold(on)
    await finishRun(db, { run: over, status: 'completed', reason: 'told', now: NOON })
    expect(await stop([on, over, 'f/nobody'], NOON + HOUR)).toEqual([on])
    expect(await enrolment(db, on)).toMatchObject({
      status: 'stopped',
      reason: 'operator',
      ended_at: new Date(NOON + HOUR),
      held_at: null,
    })
    expect((await enrolment(db, over))?.status).toBe('completed')
    expect(await rowsOf(db, `select open from waits where enrolment = '${on}'`)).toEqual([{ open: false }])
    const outcomes = await rowsOf(db, `select detail from outcomes where enrolment = '${on}' and kind = 'ended'`)
    expect(outcomes).toEqual([{ detail: 'stopped: operator' }])
    expect((await wakesOf(db)).filter((run) => run === on || run === over)).toEqual([on])
    expect(await stop([on])).toEqual([])
    expect(await stop([])).toEqual([])
  })

  test('a story that comes to its end then changes nothing', async () => {
    const [run = ''] = await crowdIn('g', 1)
    await stop([run])
    await finishRun(db, { run, status: 'completed', reason: 'told', now: NOON + DAY })
    expect(await enrolment(db, run)).toMatchObject({ status: 'stopped', ended_at: new Date(NOON) })
  })

  test('at once by twenty is once', async () => {
    const [run = ''] = await crowdIn('h', 1)
    const answers = await Promise.all(Array.from({ length: 20 }, () => stop([run])))
    expect(answers.flat()).toEqual([run])
    expect((await wakesOf(db)).filter((one) => one === run)).toHaveLength(1)
  })
})

describe('an effect', () => {
  test('stands in line behind the event that ends its run', async () => {
    const plan = routing('i', { goal: { on: 'order.paid', within: null } })
    const send = inboxOf(db, handClock(), [plan])
    await send('customer.registered', person('I1'))
    const state = await behindLock(db, 'I1', {
      work: () => inTransaction(db, (tx) => lockRun(tx, 'i/I1')),
      meanwhile: (tx) => endAndWake(tx, ['i/I1'], { status: 'exited', reason: 'order.refunded', now: NOON }),
    })
    expect(state).toMatchObject({ status: 'exited', reason: 'order.refunded', customer: 'I1', journey: 'i' })
  })

  test('of a run that is not there finds none', async () => {
    expect(await inTransaction(db, (tx) => lockRun(tx, 'i/nobody'))).toBeUndefined()
    expect(await enrolment(db, 'i/nobody')).toBeUndefined()
  })
})

describe('many runs', () => {
  test('are locked so many customers at a time, until none is on', async () => {
    const runs = await crowdIn('j', 5)
    const ended: string[][] = []
    for (;;) {
      const batch = await inTransaction(db, async (tx) => {
        const ids = await lockRunning(tx, 'j', 2)
        return ids && endAndWake(tx, ids, { status: 'stopped', reason: 'operator', now: NOON })
      })
      if (!batch) break
      ended.push(batch)
    }
    expect(ended.map((batch) => batch.length)).toEqual([2, 2, 1])
    expect(ended.flat().sort()).toEqual(runs)
  })

  test('are counted by arm and status, as they were assigned', async () => {
    const plan = routing('k', { goal: { on: 'order.paid', within: null } })
    const send = inboxOf(db, handClock(), [plan])
    for (const id of ['K1', 'K2', 'K3']) await send('customer.registered', person(id))
    await rowsOf(db, `update enrolments set arm = 'holdout' where id = 'k/K3'`)
    await send('order.paid', 'K2')
    await send('order.paid', 'K3')
    expect(await armOutcomes(db, 'k')).toEqual([
      { journey: 'k', arm: 'treated', runs: 2, converted: 1 },
      { journey: 'k', arm: 'holdout', runs: 1, converted: 1 },
    ])
    expect(await journeyCounts(db, 'k')).toEqual([
      { journey: 'k', arm: 'holdout', status: 'goal', runs: 1, converted: 1 },
      { journey: 'k', arm: 'treated', status: 'goal', runs: 1, converted: 1 },
      { journey: 'k', arm: 'treated', status: 'running', runs: 1, converted: 0 },
    ])
    expect(await effectCounts(db, 'k')).toEqual([])
    const running = await enrolments(db, { journey: 'k', status: 'running' }, 10)
    expect(running.map((run) => run.id)).toEqual(['k/K1'])
  })
})
