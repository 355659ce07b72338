import { afterAll, describe, expect, test } from 'vitest'
import type { Routing } from '../../domain/journey.ts'
import { consentsOf, customer } from '../../store/customers.ts'
import { inTransaction } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { enrol, enrolment, enrolments } from '../../store/enrolments.ts'
import { acceptEvent, tellEvent } from '../../store/events.ts'
import { rejectEvent, rejectedEvents } from '../../store/rejected-events.ts'
import { finishRun } from '../../store/outcomes.ts'
import { openWait, viewWait } from '../../store/waits.ts'
import { asEvent, expectInvariants, freshStore, person } from '../world.ts'
import { DAY, NOON, behindLock, handClock, inboxOf, routing, rowCounts, rowsOf, wakesOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const story = routing('story', { goal: { on: 'order.paid', within: 14 * DAY }, exits: [{ on: 'order.refunded' }] })

/** A clock at noon and an inbox for the plans. */
function given(...plans: Routing[]) {
  const clock = handClock()
  return { clock, send: inboxOf(db, clock, plans) }
}

async function refusalsOf(id: string): Promise<(string | null)[]> {
  return (await decisionsOf(db, id)).filter((one) => one.verdict === 'refused').map((one) => one.code)
}

async function runsOf(id: string): Promise<string[]> {
  return (await enrolments(db, { customer: id }, 100)).map((run) => run.id).sort()
}

describe('an event of our own', () => {
  test('is routed as a shop’s is, once', async () => {
    const grown = routing('grown', { begins: { on: 'tier.changed' }, occasion: 'level' })
    const { clock, send } = given(grown)
    await send('profile.changed', person('own'))
    const event = { id: 'tier/own/1', type: 'tier.changed', customer: 'own', properties: { level: 'gold' } }
    const told = () => inTransaction(db, (tx) => tellEvent(tx, event, { plans: [grown], now: clock.now() }))
    expect([await told(), await told()]).toEqual([true, false])
    expect(await runsOf('own')).toEqual(['grown/own/gold'])
  })
})

describe('an event that comes again', () => {
  test('is a duplicate and changes nothing, not even the time of the customer', async () => {
    const { clock, send } = given(story)
    expect(await send('customer.registered', person('D1'), { id: 'd1' })).toBe('stored')
    const before = { rows: await rowCounts(db), customer: await customer(db, 'D1') }
    clock.pass(DAY)
    expect(await send('customer.registered', person('D1'), { id: 'd1' })).toBe('duplicate')
    expect({ rows: await rowCounts(db), customer: await customer(db, 'D1') }).toEqual(before)
  })

  test('with other content is EVENT_ID_REUSED, and nothing of it is kept', async () => {
    const { send } = given(story)
    await send('customer.registered', person('D2'), { id: 'd2' })
    const before = { rows: await rowCounts(db), customer: await customer(db, 'D2') }
    const others = [
      () => send('customer.registered', person('D2', { name: 'Somebody else' }), { id: 'd2' }),
      () => send('order.paid', 'D2', { id: 'd2' }),
      () => send('customer.registered', person('D2-other'), { id: 'd2' }),
    ]
    for (const other of others) await expect(other()).rejects.toMatchObject({ code: 'EVENT_ID_REUSED', field: 'id' })
    expect({ rows: await rowCounts(db), customer: await customer(db, 'D2') }).toEqual(before)
  })

  test('twenty times at once is stored once', async () => {
    const { send } = given(story)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send('customer.registered', person('D3'), { id: 'd3' })),
    )
    expect(answers.filter((answer) => answer === 'stored')).toHaveLength(1)
    expect(await runsOf('D3')).toEqual(['story/D3'])
    expect(await rowsOf(db, `select 1 from events where customer = 'D3'`)).toHaveLength(1)
    expect(await rowsOf(db, `select 1 from dispatch where enrolment = 'story/D3'`)).toHaveLength(1)
  })
})

describe('what an event says of its customer', () => {
  test('is kept; what it does not say stays, what it says is null is forgotten', async () => {
    const { clock, send } = given()
    await send('customer.registered', person('P1', { birthday: '1990-02-29', tags: ['vip'], zone: 'Asia/Shanghai' }))
    clock.pass(DAY)
    await send('customer.changed', { id: 'P1', email: 'new@mail.example', zone: null })
    expect(await customer(db, 'P1')).toEqual({
      id: 'P1',
      email: 'new@mail.example',
      phone: null,
      name: 'Name of P1',
      zone: null,
      locale: null,
      birth_month: 2,
      birth_day: 29,
      birth_calendar: 'solar',
      tags: ['vip'],
      channels: [],
      traits: {},
      created_at: new Date(NOON),
      updated_at: new Date(NOON + DAY),
    })
  })

  test('adds a line of consent only where it changes what holds', async () => {
    const { clock, send } = given()
    for (const marketing of [true, true, false, true]) {
      clock.pass(1000)
      await send('customer.changed', { id: 'P2', consent: { marketing } })
    }
    const lines = await rowsOf<{ granted: boolean }>(
      db,
      `select granted from consents where customer = 'P2' order by id`,
    )
    expect(lines.map((line) => line.granted)).toEqual([true, false, true])
    expect(await consentsOf(db, 'P2')).toMatchObject([{ topic: 'marketing', channel: 'email', granted: true }])
  })

  test('is dated behind the lock of the customer, so that what waited in line is not dated before what went first', async () => {
    const { clock, send } = given()
    await send('customer.registered', person('P3'))
    await behindLock(db, 'P3', {
      work: () => send('customer.changed', { id: 'P3', consent: { marketing: false } }),
      meanwhile: () => Promise.resolve(clock.pass(5000)),
    })
    const [last] = await rowsOf<{ at: Date }>(db, `select at from consents where customer = 'P3' order by id desc`)
    expect(last?.at).toEqual(new Date(NOON + 5000))
  })
})

describe('entry', () => {
  test('leaves a run, its outcome, its decision and one order to start it', async () => {
    const { send } = given(story)
    await send('customer.registered', person('E1'), { id: 'e1' })
    expect(await enrolment(db, 'story/E1')).toMatchObject({
      journey: 'story',
      customer: 'E1',
      occasion: null,
      arm: 'treated',
      status: 'running',
      begun_by: 'customer.registered e1',
      entered_at: new Date(NOON),
      starts_at: new Date(NOON),
      goal_until: new Date(NOON + 14 * DAY),
    })
    expect(await decisionsOf(db, 'E1')).toMatchObject([{ about: 'entry', verdict: 'entered', journey: 'story' }])
    const rows = await rowsOf(db, `select kind, delivered_at from dispatch where enrolment = 'story/E1'`)
    expect(rows).toEqual([{ kind: 'start', delivered_at: null }])
  })

  test('never again: once a life, and the refusal is in the log', async () => {
    const { clock, send } = given(story)
    await send('customer.registered', person('E2'))
    await finishRun(db, { run: 'story/E2', status: 'completed', reason: 'told', now: NOON })
    clock.pass(400 * DAY)
    await send('customer.registered', 'E2', { id: 'e2-again' })
    expect(await runsOf('E2')).toEqual(['story/E2'])
    expect(await decisionsOf(db, 'E2')).toMatchObject([
      { verdict: 'entered' },
      { about: 'entry', verdict: 'refused', code: 'ALREADY_ENTERED', detail: 'customer.registered e2-again' },
    ])
  })

  test('after exit: not while a run is on, then again under a number of its own', async () => {
    const { send } = given(routing('again', { reentry: { when: 'after-exit', gap: 0, atMost: Infinity } }))
    await send('customer.registered', person('E3'))
    await send('customer.registered', 'E3')
    expect(await refusalsOf('E3')).toEqual(['ALREADY_ENTERED'])
    await finishRun(db, { run: 'again/E3', status: 'completed', reason: 'told', now: NOON })
    await send('customer.registered', 'E3')
    expect(await runsOf('E3')).toEqual(['again/E3', 'again/E3/2'])
  })

  test('any: side by side, but not within the gap and not more often than allowed', async () => {
    const { clock, send } = given(routing('often', { reentry: { when: 'any', gap: DAY, atMost: 3 } }))
    await send('customer.registered', person('E4'))
    clock.pass(DAY - 1)
    await send('customer.registered', 'E4')
    expect(await refusalsOf('E4')).toEqual(['REENTRY_TOO_SOON'])
    clock.pass(1)
    await send('customer.registered', 'E4')
    clock.pass(DAY)
    await send('customer.registered', 'E4')
    clock.pass(DAY)
    await send('customer.registered', 'E4')
    expect(await refusalsOf('E4')).toEqual(['REENTRY_TOO_SOON', 'REENTRY_LIMIT'])
    expect(await runsOf('E4')).toEqual(['often/E4', 'often/E4/2', 'often/E4/3'])
  })

  test('ten different events at once enter one person once', async () => {
    const { send } = given(story)
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => send('customer.registered', person('E5'), { id: `e5-${i}` })),
    )
    expect(await runsOf('E5')).toEqual(['story/E5'])
    expect(await refusalsOf('E5')).toHaveLength(9)
  })

  test('an occasion tells runs apart, and none is entered twice', async () => {
    const { send } = given(routing('cart', { begins: { on: 'cart.added' }, occasion: 'cart' }))
    await send('cart.added', person('E6'), { properties: { cart: 'A' } })
    await send('cart.added', 'E6', { properties: { cart: 'A' } })
    await send('cart.added', 'E6', { properties: { cart: 17 } })
    expect(await runsOf('E6')).toEqual(['cart/E6/17', 'cart/E6/A'])
    for (const properties of [{}, { cart: 'with a blank' }, { cart: { id: 1 } }]) {
      await send('cart.added', 'E6', { properties })
    }
    expect(await refusalsOf('E6')).toEqual([
      'ALREADY_ENTERED',
      'OCCASION_MISSING',
      'OCCASION_MISSING',
      'OCCASION_MISSING',
    ])
  })

  test('an event of the kind that does not match is logged; another kind is not', async () => {
    const { send } = given(routing('app', { begins: { on: 'customer.registered', where: { over: 'app' } } }))
    await send('customer.registered', person('E7'), { properties: { over: 'web' } })
    await send('cart.added', 'E7', { properties: { over: 'app' } })
    expect(await decisionsOf(db, 'E7')).toMatchObject([{ verdict: 'refused', code: 'BEGINS_NOT_MATCHED' }])
    await send('customer.registered', 'E7', { properties: { over: 'app', more: 1 } })
    expect(await runsOf('E7')).toEqual(['app/E7'])
  })

  test('half held out: the arm is the same as assigned, and says so', async () => {
    const { send } = given(routing('half', { holdout: 50 }))
    for (let i = 1; i <= 40; i++) await send('customer.registered', person(`H${i}`))
    const runs = await enrolments(db, { journey: 'half' }, 100)
    const out = runs.filter((run) => run.arm === 'holdout')
    expect(out.length).toBeGreaterThan(8)
    expect(out.length).toBeLessThan(32)
    const [first] = await decisionsOf(db, out[0]?.customer ?? '')
    expect(first?.detail).toMatch(/, held out$/)
  })
})

describe('goal and exit', () => {
  test('the goal ends a running run in the middle of its wait, converts it and wakes it', async () => {
    const { clock, send } = given(story)
    const run = 'story/G1'
    await send('customer.registered', person('G1'))
    await openWait(db, { key: `${run}/wait/1`, run, type: 'cart.added', match: {}, deadline: NOON + 3 * DAY })
    clock.pass(DAY)
    await send('order.paid', 'G1', { id: 'g1-paid' })
    expect(await enrolment(db, run)).toMatchObject({
      status: 'goal',
      goal_at: new Date(NOON + DAY),
      ended_at: new Date(NOON + DAY),
      reason: 'order.paid',
    })
    expect(await viewWait(db, { run, key: `${run}/wait/1` })).toEqual({ status: 'goal', event: null })
    expect(await rowsOf(db, `select open from waits where enrolment = '${run}'`)).toEqual([{ open: false }])
    expect((await wakesOf(db)).filter((one) => one === run)).toHaveLength(1)
    clock.pass(1000)
    await send('order.paid', 'G1')
    expect((await enrolment(db, run))?.goal_at).toEqual(new Date(NOON + DAY))
    const outcomes = await rowsOf(db, `select kind, detail from outcomes where enrolment = '${run}' order by kind`)
    expect(outcomes).toEqual([
      { kind: 'converted', detail: 'g1-paid' },
      { kind: 'ended', detail: 'goal: order.paid' },
      { kind: 'entered', detail: expect.any(String) },
    ])
    expect((await wakesOf(db)).filter((one) => one === run)).toHaveLength(1)
  })

  test('what happens before the day a run was entered ahead for is not its goal', async () => {
    const { clock, send } = given(story)
    await send('profile.changed', person('G0'))
    const ahead = {
      journey: 'story',
      customer: 'G0',
      occasion: null,
      arm: 'treated',
      begunBy: 'sweep',
      begunSeq: 0,
    } as const
    await inTransaction(db, (tx) =>
      enrol(tx, { ...ahead, startsAt: NOON + DAY, goalUntil: NOON + 15 * DAY, now: NOON }),
    )
    await send('order.paid', 'G0')
    expect(await enrolment(db, 'story/G0')).toMatchObject({ status: 'running', goal_at: null })
    clock.pass(DAY)
    await send('order.paid', 'G0')
    expect(await enrolment(db, 'story/G0')).toMatchObject({ status: 'goal' })
  })

  test.each([
    { customer: 'G2', after: 13 * DAY, counts: true, when: 'within the window' },
    { customer: 'G3', after: 14 * DAY, counts: true, when: 'at its last instant' },
    { customer: 'G4', after: 14 * DAY + 1, counts: false, when: '1 ms after it' },
  ])('a goal $when counts for a completed run: $counts', async ({ customer: id, after, counts }) => {
    const { clock, send } = given(story)
    await send('customer.registered', person(id))
    await finishRun(db, { run: `story/${id}`, status: 'completed', reason: 'told', now: NOON + DAY })
    clock.pass(after)
    await send('order.paid', id)
    expect(await enrolment(db, `story/${id}`)).toMatchObject({
      status: 'completed',
      ended_at: new Date(NOON + DAY),
      goal_at: counts ? new Date(NOON + after) : null,
    })
    // A run that has ended has nobody to wake.
    expect((await wakesOf(db)).filter((one) => one === `story/${id}`)).toEqual([])
  })

  test.each([
    { customer: 'G5', after: 14 * DAY, status: 'goal' },
    { customer: 'G6', after: 14 * DAY + 1, status: 'running' },
  ])(
    'a goal $after ms after the entry leaves a running run in status $status',
    async ({ customer: id, after, status }) => {
      const { clock, send } = given(story)
      await send('customer.registered', person(id))
      clock.pass(after)
      await send('order.paid', id)
      expect((await enrolment(db, `story/${id}`))?.status).toBe(status)
    },
  )

  test('an exit ends without counting', async () => {
    const { send } = given(story)
    await send('customer.registered', person('X1'))
    await send('order.refunded', 'X1', { id: 'x1-out' })
    expect(await enrolment(db, 'story/X1')).toMatchObject({ status: 'exited', reason: 'order.refunded', goal_at: null })
    expect((await wakesOf(db)).filter((one) => one === 'story/X1')).toHaveLength(1)
    expect(await decisionsOf(db, 'X1')).toMatchObject([
      { verdict: 'entered' },
      { about: 'exit', verdict: 'left', detail: 'order.refunded x1-out' },
    ])
  })

  test('only a goal that matches counts, and only for its own customer', async () => {
    const plan = routing('match', { goal: { on: 'order.paid', where: { shop: 'north' }, within: null } })
    const { clock, send } = given(plan)
    await send('customer.registered', person('X2'))
    await send('customer.registered', person('X3'))
    clock.pass(4000 * DAY)
    await send('order.paid', 'X2', { properties: { shop: 'south' } })
    await send('order.paid', 'X3', { properties: { shop: 'north' } })
    expect((await enrolment(db, 'match/X2'))?.status).toBe('running')
    expect((await enrolment(db, 'match/X3'))?.status).toBe('goal')
  })

  test('one event may end one journey and begin another', async () => {
    const { send } = given(story, routing('thanks', { begins: { on: 'order.paid' } }))
    await send('customer.registered', person('X4'))
    await send('order.paid', 'X4')
    expect((await enrolment(db, 'story/X4'))?.status).toBe('goal')
    expect((await enrolment(db, 'thanks/X4'))?.status).toBe('running')
  })
})

describe('a crash in the middle', () => {
  const event = asEvent({ id: 'crash', type: 'order.paid', customer: person('K1', { name: 'Changed' }) })

  test.each([
    { how: 'the clock fails at its second call', plans: [story], failing: 2 },
    { how: 'a plan fails when entries are decided', plans: [story, broken()], failing: 0 },
  ])('stores nothing at all: $how', async ({ plans, failing }) => {
    const { send } = given(story)
    await send('customer.registered', person('K1'), { id: 'k1' })
    const before = { rows: await rowCounts(db), customer: await customer(db, 'K1') }
    let calls = 0
    const now = (): number => {
      if (++calls === failing) throw new Error('the clock stopped')
      return NOON + DAY
    }
    await expect(acceptEvent(db, event, { plans, now })).rejects.toThrow(/stopped|no such plan/)
    expect({ rows: await rowCounts(db), customer: await customer(db, 'K1') }).toEqual(before)
    expect((await enrolment(db, 'story/K1'))?.status).toBe('running')
  })

  test('and the same event is stored whole when it comes again', async () => {
    expect(await acceptEvent(db, event, { plans: [story], now: () => NOON + DAY })).toBe('stored')
    expect((await enrolment(db, 'story/K1'))?.status).toBe('goal')
    expect((await customer(db, 'K1'))?.name).toBe('Changed')
  })

  /** Everything before the decision of entries has been written when this plan fails. */
  function broken(): Routing {
    return {
      ...routing('broken'),
      get begins(): never {
        throw new Error('no such plan')
      },
    }
  }
})

test('a bad event of a batch is kept with its reason', async () => {
  const problem = { code: 'EVENT_INVALID', message: 'type: expected', todo: 'Correct it.', field: 'type' } as const
  await rejectEvent(db, { id: null, problem, body: { type: 7, note: 'a\u0000b' }, now: NOON })
  expect(await rejectedEvents(db, 10)).toMatchObject([
    { id: null, code: 'EVENT_INVALID', field: 'type', expected: null, body: '{"type":7,"note":"ab"}' },
  ])
})
