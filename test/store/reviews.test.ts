import { afterAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { endAndWake } from '../../store/enrolments.ts'
import { closeReview, decideReview, openReview, openReviews, viewReview } from '../../store/reviews.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, behindLock, handClock, inboxOf, routing, rowsOf, wakesOf, reviewsOpened } from './given.ts'

const { db } = await freshStore()
const clock = handClock()
const send = inboxOf(db, clock, [routing('story')])
afterAll(() => expectInvariants(db))

/** A review of a run of its own that is open for a day; denied where nobody decides. */
const open = reviewsOpened(db, clock, { key: 'review/fraud', topic: 'fraud', otherwise: 'deny' })

const decide = (id: number, decision: 'approve' | 'deny', more: object = {}) =>
  decideReview(db, { id, decision, by: 'ada', reason: 'seen', remember: false, now: clock.now, ...more })
const byDeadline = { decision: 'deny', by: 'deadline', reason: 'nobody decided' }

describe('a review', () => {
  test('is asked once, stands in the queue, and a decision wakes its run', async () => {
    const { id, run, key, deadline } = await open()
    await openReview(db, { key, run, topic: 'fraud', deadline: deadline + 1, otherwise: 'approve', now: clock.now() })
    const queue = (await openReviews(db, { now: clock.now() })).filter((one) => one.run === run)
    expect(queue).toMatchObject([{ id, topic: 'fraud', otherwise: 'deny', deadline: new Date(deadline), rules: [] }])
    expect(await viewReview(db, { run, key })).toEqual({ status: 'running', decided: null })
    expect(await decide(id, 'approve')).toEqual({ ok: true, id, decision: 'approve', by: 'ada', replayed: false })
    expect((await wakesOf(db)).filter((one) => one === run)).toHaveLength(1)
    expect(await viewReview(db, { run, key })).toEqual({
      status: 'running',
      decided: { decision: 'approve', by: 'ada', reason: 'seen' },
    })
    expect((await openReviews(db, { now: clock.now() })).filter((one) => one.run === run)).toEqual([])
  })

  test('has one decision: the same again is answered, another is refused, two at once are one', async () => {
    const { id, run } = await open()
    const both = await Promise.all([decide(id, 'approve'), decide(id, 'deny')])
    expect(both.filter(({ ok }) => ok)).toHaveLength(1)
    expect(both.filter((one) => !one.ok)).toEqual([{ ok: false, code: 'REVIEW_DECIDED' }])
    const won = both[0]?.ok ? 'approve' : 'deny'
    expect(await decide(id, won)).toMatchObject({ ok: true, replayed: true })
    expect((await wakesOf(db)).filter((one) => one === run)).toHaveLength(1)
  })

  test('nobody decides takes its default at the deadline, once, and no earlier decision is lost', async () => {
    const { id, run, key, deadline } = await open()
    clock.set(deadline + 1)
    expect(await closeReview(db, { run, key })).toMatchObject({ decided: byDeadline })
    expect(await closeReview(db, { run, key })).toMatchObject({ decided: byDeadline })
    expect(await decide(id, 'approve')).toEqual({ ok: false, code: 'REVIEW_OVER' })
    expect(await decide(id, 'deny')).toEqual({ ok: false, code: 'REVIEW_OVER' })
  })

  test('goes by the time of the decision, not by who came first', async () => {
    const late = await open()
    clock.set(late.deadline + 1)
    // The decision is asked before the run looks, and is late all the same.
    expect(await decide(late.id, 'approve')).toEqual({ ok: false, code: 'REVIEW_OVER' })
    expect(await closeReview(db, late)).toMatchObject({ decided: byDeadline })
    const just = await open()
    clock.set(just.deadline)
    expect(await decide(just.id, 'approve')).toMatchObject({ ok: true })
    clock.pass(HOUR)
    expect(await closeReview(db, just)).toMatchObject({ decided: { decision: 'approve' } })
  })

  test('whose decision waits for the customer’s lock beyond the deadline is over', async () => {
    const { id, run, deadline } = await open()
    const customer = run.split('/')[1] ?? ''
    const answer = await behindLock(db, customer, {
      work: () => decide(id, 'approve'),
      meanwhile: async () => clock.set(deadline + 1),
    })
    expect(answer).toEqual({ ok: false, code: 'REVIEW_OVER' })
  })

  test('of a run that was left is asked no more', async () => {
    const { id, run, key } = await open()
    await inTransaction(db, (tx) => endAndWake(tx, [run], { status: 'stopped', reason: 'operator', now: clock.now() }))
    expect(await decide(id, 'approve')).toEqual({ ok: false, code: 'LEFT_JOURNEY' })
    expect(await viewReview(db, { run, key })).toEqual({ status: 'stopped', decided: null })
    expect((await openReviews(db, { now: clock.now() })).filter((one) => one.run === run)).toEqual([])
  })

  test('in the control arm asks nobody', async () => {
    await send('customer.registered', person('held'))
    await rowsOf(db, `update enrolments set arm = 'holdout' where customer = 'held'`)
    const run = 'story/held'
    const key = `${run}/review/fraud`
    const review = {
      key,
      run,
      topic: 'fraud',
      deadline: clock.now() + DAY,
      otherwise: 'deny',
      now: clock.now(),
    } as const
    const decided = { decision: 'deny', by: 'control arm', reason: '' }
    expect(await openReview(db, review)).toEqual({ status: 'running', decided })
    expect((await openReviews(db, { now: clock.now() })).filter((one) => one.run === run)).toEqual([])
  })

  test('that nobody asked for is unknown', async () => {
    await expect(decide(999_999, 'approve')).rejects.toMatchObject({ code: 'REVIEW_UNKNOWN' })
  })
})
