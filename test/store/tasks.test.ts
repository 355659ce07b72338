import { afterAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { endAndWake } from '../../store/enrolments.ts'
import { closeReview, decideReview, lastReview, openReview, openReviews, viewReview } from '../../store/reviews.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, handClock, inboxOf, routing, rowsOf, wakesOf, reviewsOpened } from './given.ts'

const { db } = await freshStore()
const clock = handClock()
const send = inboxOf(db, clock, [routing('story')])
afterAll(() => expectInvariants(db))

/** A task of a run of its own, due in a day. */
const open = reviewsOpened(db, clock, {
  key: 'task/adviser',
  topic: 'adviser',
  note: 'Call them.',
  otherwise: 'cannot',
})

const say = (id: number, decision: 'done' | 'cannot') =>
  decideReview(db, { id, decision, by: 'eve', reason: 'called', remember: false, now: clock.now })

describe('a task', () => {
  test('stands in a queue of its own with its note, and what is said of it wakes its run', async () => {
    const { id, run, key, deadline } = await open()
    const mine = { id, topic: 'adviser', note: 'Call them.', deadline: new Date(deadline), run }
    expect(await openReviews(db, { kind: 'task', now: clock.now() })).toMatchObject([mine])
    expect(await openReviews(db, { now: clock.now() }), 'it is no review').toEqual([])
    expect(await say(id, 'done')).toEqual({ ok: true, id, decision: 'done', by: 'eve', replayed: false })
    expect(await say(id, 'done')).toMatchObject({ ok: true, replayed: true })
    expect(await say(id, 'cannot')).toEqual({ ok: false, code: 'TASK_DECIDED' })
    expect((await wakesOf(db)).filter((one) => one === run)).toHaveLength(1)
    const decided = { decision: 'done', by: 'eve', reason: 'called' }
    expect(await viewReview(db, { run, key })).toEqual({ status: 'running', decided })
    expect(await openReviews(db, { kind: 'task', now: clock.now() })).toEqual([])
  })

  test('nobody does is over at its deadline', async () => {
    const { id, run, key, deadline } = await open()
    clock.set(deadline + 1)
    const byDeadline = { decision: 'cannot', by: 'deadline', reason: 'nobody decided' }
    expect(await closeReview(db, { run, key })).toMatchObject({ decided: byDeadline })
    expect(await say(id, 'done')).toEqual({ ok: false, code: 'TASK_OVER' })
  })

  test('is not decided as a review is, nor a review done as a task is', async () => {
    const task = await open()
    const approve = { decision: 'approve', by: 'ada', reason: '', remember: false, now: clock.now } as const
    await expect(decideReview(db, { ...approve, id: task.id })).rejects.toMatchObject({ code: 'REVIEW_UNKNOWN' })
    await say(task.id, 'done')
    expect(await inTransaction(db, (tx) => lastReview(tx, task.run)), 'no reviewer spoke').toBeUndefined()
    const key = `${task.run}/review/fraud`
    const review = { key, run: task.run, topic: 'fraud', deadline: clock.now() + DAY, otherwise: 'deny' } as const
    await openReview(db, { ...review, now: clock.now() })
    const [row] = await rowsOf<{ id: number }>(db, `select id from reviews where key = '${key}'`)
    await expect(say(row?.id ?? 0, 'done')).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
    await expect(say(999_999, 'cannot')).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
  })

  test('of a run that was left is asked no more, and in the control arm nobody is asked', async () => {
    const { id, run } = await open()
    await inTransaction(db, (tx) => endAndWake(tx, [run], { status: 'stopped', reason: 'operator', now: clock.now() }))
    expect(await say(id, 'done')).toEqual({ ok: false, code: 'LEFT_JOURNEY' })
    await send('customer.registered', person('held'))
    await rowsOf(db, `update enrolments set arm = 'holdout' where customer = 'held'`)
    const held = { key: 'story/held/task/adviser', run: 'story/held', topic: 'adviser', deadline: clock.now() + DAY }
    const answer = await openReview(db, { ...held, otherwise: 'cannot', now: clock.now() })
    expect(answer.decided).toEqual({ decision: 'cannot', by: 'control arm', reason: '' })
    const open1 = await openReviews(db, { kind: 'task', now: clock.now() })
    expect(open1.filter((one) => one.run === run || one.run === held.run)).toEqual([])
  })
})
