import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { type Properties, holds } from '../../domain/journey.ts'
import { finishRun } from '../../store/outcomes.ts'
import { type LastLook, closeWait, newestEvent, openWait, viewWait } from '../../store/waits.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, NOON, behindLock, handClock, inboxOf, routing, rowCounts, rowsOf, wakesOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const DEADLINE = NOON + 3 * DAY
const story = routing('story', { goal: { on: 'order.paid', within: null } })

/** A customer in the journey, a clock at noon, and the waits of the run by their number. */
async function inJourney(id: string) {
  const clock = handClock()
  const send = inboxOf(db, clock, [story])
  const run = `story/${id}`
  const key = (ordinal: number): string => `${run}/wait/${ordinal}`
  await send('customer.registered', person(id))
  return {
    clock,
    run,
    send: (type: string, eventId: string, properties: object = {}) => send(type, id, { id: eventId, properties }),
    open: (ordinal: number, type: string, more: { match?: Record<string, string>; deadline?: number } = {}) =>
      openWait(db, { key: key(ordinal), run, type, match: {}, deadline: DEADLINE, ...more }),
    view: (ordinal: number) => viewWait(db, { run, key: key(ordinal) }),
    close: (ordinal: number, restart: LastLook['restart'] = null, deadline = DEADLINE, more: Partial<LastLook> = {}) =>
      closeWait(db, { run, key: key(ordinal), deadline, restart, within: 3 * DAY, ...more }),
    wakes: async () => (await wakesOf(db)).filter((one) => one === run).length,
  }
}

const NOTHING = { status: 'running', event: null }
const taken = (id: string) => expect.objectContaining({ status: 'running', event: expect.objectContaining({ id }) })

describe('openWait', () => {
  test('takes an event that came since the run began at once, the oldest first, and each only once', async () => {
    const { clock, open, send } = await inJourney('O1')
    for (const id of ['o1-a', 'o1-b']) {
      clock.pass(HOUR)
      await send('cart.added', id, { item: id })
    }
    expect(await open(1, 'cart.added')).toEqual({
      status: 'running',
      event: {
        id: 'o1-a',
        type: 'cart.added',
        at: new Date(NOON + HOUR).toISOString(),
        properties: { item: 'o1-a' },
      },
    })
    expect(await open(2, 'cart.added')).toEqual(taken('o1-b'))
    expect(await open(3, 'cart.added')).toEqual(NOTHING)
  })

  test('asked again it answers the same', async () => {
    const { open, send, view } = await inJourney('O2')
    await send('cart.added', 'o2-a')
    await open(1, 'cart.added')
    await send('cart.added', 'o2-b')
    expect(await open(1, 'cart.added')).toEqual(taken('o2-a'))
    expect(await view(1)).toEqual(taken('o2-a'))
  })

  test('takes none from before the run, not the one that began it, none of another customer', async () => {
    const send = inboxOf(db, handClock(), [story])
    await send('cart.added', person('O3'))
    const { open } = await inJourney('O3')
    await send('cart.added', person('O3-other'))
    expect(await open(1, 'cart.added')).toEqual(NOTHING)
    expect(await open(2, 'customer.registered')).toEqual(NOTHING)
  })

  test('takes none that does not match, or that came after its deadline', async () => {
    const { clock, open, send } = await inJourney('O4')
    await send('cart.added', 'o4-other', { shop: 'south' })
    clock.set(DEADLINE)
    await send('cart.added', 'o4-a', { shop: 'north', more: 1 })
    clock.pass(1)
    await send('cart.added', 'o4-late', { shop: 'north' })
    expect(await open(1, 'cart.added', { match: { shop: 'north' } })).toEqual(taken('o4-a'))
    expect(await open(2, 'cart.added', { match: { shop: 'north' } })).toEqual(NOTHING)
    // Free still for a wait that lasts longer.
    expect(await open(3, 'cart.added', { match: { shop: 'north' }, deadline: DEADLINE + 1 })).toEqual(taken('o4-late'))
  })

  test('of a run that has ended is closed from the start', async () => {
    const { open, run, send, wakes } = await inJourney('O5')
    await send('cart.added', 'o5-a')
    await finishRun(db, { run, status: 'completed', reason: 'told', now: NOON })
    expect(await open(1, 'cart.added')).toEqual({ status: 'completed', event: null })
    await send('cart.added', 'o5-b')
    expect(await wakes()).toBe(0)
  })
})

describe('an event while a run waits', () => {
  test('is given to its wait and wakes the run, once', async () => {
    const { open, send, view, wakes } = await inJourney('E1')
    await open(1, 'cart.added', { match: { shop: 'north' } })
    await send('cart.added', 'e1-south', { shop: 'south' })
    expect([await view(1), await wakes()]).toEqual([NOTHING, 0])
    await send('cart.added', 'e1-north', { shop: 'north', more: [1] })
    await send('cart.added', 'e1-again', { shop: 'north' })
    expect([await view(1), await wakes()]).toEqual([taken('e1-north'), 1])
    expect(await open(2, 'cart.added')).toEqual(taken('e1-south'))
  })

  test('ends one wait of a run, where two are open for it', async () => {
    const { open, send, view, wakes } = await inJourney('E2')
    await open(1, 'cart.added', { deadline: DEADLINE })
    await open(2, 'cart.added', { deadline: DEADLINE + DAY })
    await send('cart.added', 'e2-a')
    expect([await view(1), await view(2), await wakes()]).toEqual([taken('e2-a'), NOTHING, 1])
    await send('cart.added', 'e2-b')
    expect([await view(2), await wakes()]).toEqual([taken('e2-b'), 2])
  })

  test('ends the waits of every journey the customer is in', async () => {
    const other = routing('other')
    const send = inboxOf(db, handClock(), [story, other])
    await send('customer.registered', person('E3'))
    for (const run of ['story/E3', 'other/E3']) {
      await openWait(db, { key: `${run}/wait/1`, run, type: 'cart.added', match: {}, deadline: DEADLINE })
    }
    await send('cart.added', 'E3', { id: 'e3-a' })
    for (const run of ['story/E3', 'other/E3']) {
      expect(await viewWait(db, { run, key: `${run}/wait/1` })).toEqual(taken('e3-a'))
    }
  })

  test('that nobody awaits orders no wake-up: a thousand of them, none', async () => {
    const { open, send, wakes } = await inJourney('E4')
    await open(1, 'cart.added')
    const { dispatch } = await rowCounts(db)
    for (let sent = 0; sent < 1000; sent += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => send('page.viewed', `e4-${sent + i}`)))
    }
    expect(await rowsOf(db, `select 1 from events where customer = 'E4' and type = 'page.viewed'`)).toHaveLength(1000)
    expect([await wakes(), (await rowCounts(db))['dispatch']]).toEqual([0, dispatch])
  })
})

describe('the deadline', () => {
  test.each([
    { customer: 'T1', offset: -1, counts: true },
    { customer: 'T2', offset: 0, counts: true },
    { customer: 'T3', offset: 1, counts: false },
  ])('an event $offset ms from it counts: $counts', async ({ customer, offset, counts }) => {
    const { clock, open, send, close, wakes } = await inJourney(customer)
    await open(1, 'cart.added')
    clock.set(DEADLINE + offset)
    await send('cart.added', `${customer}-a`)
    const last = await close(1)
    expect(last).toEqual(counts ? taken(`${customer}-a`) : { ...NOTHING, again: null })
    expect(await wakes()).toBe(counts ? 1 : 0)
    // What the first wait did not take is there for the next.
    const next = await open(2, 'cart.added', { deadline: DEADLINE + DAY })
    expect(next).toEqual(counts ? NOTHING : taken(`${customer}-a`))
  })

  test('once closed is closed', async () => {
    const { clock, open, send, close, view, wakes } = await inJourney('T4')
    await open(1, 'cart.added')
    clock.set(DEADLINE)
    expect(await close(1)).toEqual({ ...NOTHING, again: null })
    await send('cart.added', 't4-a')
    expect([await view(1), await wakes()]).toEqual([NOTHING, 0])
  })

  test('waits for an event that is being stored, and answers it', async () => {
    const { run, open, close } = await inJourney('T5')
    await open(1, 'cart.added')
    const last = await behindLock(db, 'T5', {
      work: () => close(1),
      // The inbox's own transaction, stopped before its commit: the event came a millisecond before the deadline.
      meanwhile: async (tx) => {
        const [event] = await rowsOf<{ seq: number }>(
          tx,
          `insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
           select 't5-a', 'T5', 'cart.added', '{}', '', at, at
           from (select deadline - interval '1 ms' as at from waits where key = '${run}/wait/1') q returning seq`,
        )
        await rowsOf(tx, `update waits set open = false, taken_seq = ${event?.seq} where key = '${run}/wait/1'`)
      },
    })
    expect(last).toMatchObject({ status: 'running', event: { id: 't5-a' }, again: null })
  })

  test('of a run that ended meanwhile says so', async () => {
    const { open, close, send } = await inJourney('T6')
    await open(1, 'cart.added')
    await send('order.paid', 't6-paid')
    expect(await close(1)).toEqual({ status: 'goal', event: null, again: null })
  })
})

describe('restart', () => {
  test('an event of its type begins the time anew, as often as it comes', async () => {
    const { clock, open, send, close } = await inJourney('R1')
    await open(1, 'cart.added')
    clock.set(NOON + DAY)
    await send('page.viewed', 'r1-a')
    clock.set(DEADLINE)
    expect(await close(1, 'page.viewed')).toEqual({ ...NOTHING, again: NOON + 4 * DAY })
    await send('page.viewed', 'r1-b')
    clock.set(NOON + 4 * DAY)
    expect(await close(1, 'page.viewed', NOON + 4 * DAY)).toEqual({ ...NOTHING, again: DEADLINE + 3 * DAY })
    clock.set(DEADLINE + 3 * DAY)
    expect(await close(1, 'page.viewed', DEADLINE + 3 * DAY)).toEqual({ ...NOTHING, again: null })
  })

  test('a look whose answer was lost answers the same again, and the wait stays open', async () => {
    const { clock, open, send, close, view } = await inJourney('R5')
    await open(1, 'cart.added')
    clock.set(NOON + DAY)
    await send('page.viewed', 'r5-view')
    clock.set(DEADLINE)
    const first = await close(1, 'page.viewed')
    expect(await close(1, 'page.viewed')).toEqual(first)
    await send('cart.added', 'r5-a')
    expect(await view(1)).toEqual(taken('r5-a'))
  })

  test('one that came before the run, or after the deadline, does not', async () => {
    const before = inboxOf(db, handClock(NOON - 1), [story])
    await before('page.viewed', person('R2'))
    const { clock, open, send, close } = await inJourney('R2')
    await open(1, 'cart.added')
    clock.set(DEADLINE + 1)
    await send('page.viewed', 'r2-late')
    expect(await close(1, 'page.viewed')).toEqual({ ...NOTHING, again: null })
  })

  test('the wait goes on under the new deadline: an event in it is taken and wakes', async () => {
    const { clock, open, send, close, view, wakes } = await inJourney('R3')
    await open(1, 'cart.added')
    clock.set(NOON + DAY)
    await send('page.viewed', 'r3-view')
    clock.set(DEADLINE)
    await close(1, 'page.viewed')
    clock.set(NOON + 4 * DAY)
    await send('cart.added', 'r3-a')
    expect([await view(1), await wakes()]).toEqual([taken('r3-a'), 1])
  })

  test('an event that came under the new deadline while the worker was down is taken by the last look', async () => {
    const { clock, open, send, close } = await inJourney('R4')
    await open(1, 'cart.added')
    clock.set(NOON + 2 * DAY)
    await send('page.viewed', 'r4-view')
    clock.set(NOON + 4 * DAY)
    await send('cart.added', 'r4-a')
    clock.set(NOON + 9 * DAY)
    expect(await close(1, 'page.viewed')).toMatchObject({ status: 'running', event: { id: 'r4-a' }, again: null })
    expect(await rowsOf(db, `select open from waits where key = 'story/R4/wait/1'`)).toEqual([{ open: false }])
  })
})

test('an event begins the time anew only where it holds what the wait asks, and is of one of the types', async () => {
  const { clock, open, send, close } = await inJourney('R6')
  await open(1, 'order.paid')
  clock.set(NOON + DAY)
  await send('page.viewed', 'r6-a', { cart: 'K1' })
  clock.set(NOON + 2 * DAY)
  await send('cart.added', 'r6-b', { cart: 'K2' })
  clock.set(DEADLINE)
  const types = ['page.viewed', 'cart.added']
  expect(await close(1, types, DEADLINE, { match: { cart: 'K1' } })).toEqual({ ...NOTHING, again: NOON + 4 * DAY })
})

test('the newest event is of one of the types, holds what is asked, and is no older than the run', async () => {
  const before = inboxOf(db, handClock(NOON - 1), [story])
  await before('cart.added', person('N1'), { id: 'n1-before', properties: { cart: 'K1' } })
  const { run, send } = await inJourney('N1')
  const newest = async (types: string[], match = {}) => (await newestEvent(db, { run, types, match }))?.id
  expect(await newest(['cart.added', 'cart.changed'])).toBeUndefined()
  await send('cart.added', 'n1-a', {
    cart: 'K1',
    items: [
      { id: 'A', stock: 0 },
      { id: 'B', stock: 2 },
    ],
  })
  await send('cart.changed', 'n1-b', { cart: 'K2' })
  expect(await newest(['cart.added', 'cart.changed'])).toBe('n1-b')
  expect(await newest(['cart.added', 'cart.changed'], { cart: 'K1' })).toBe('n1-a')
  expect(await newest(['cart.added'], { items: [{ id: 'B' }] })).toBe('n1-a')
  expect(await newest(['cart.added'], { items: [{ id: 'B', stock: 0 }] })).toBeUndefined()
  expect(await newest(['customer.registered'])).toMatch(/./)
  expect(await newestEvent(db, { run: 'story/nobody', types: ['cart.added'] })).toBeNull()
})

test('what an event holds is the same in a preview as here', async () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, fc.constantFrom(0, 1, 'a', 'b', true, null), tie('list'), tie('object')),
    list: fc.array(tie('any'), { maxLength: 2 }),
    object: fc.dictionary(fc.constantFrom('x', 'y'), tie('any'), { maxKeys: 2 }),
  })).object as fc.Arbitrary<Properties>
  const pairs = fc.sample(fc.tuple(value, value), { numRuns: 3_000, seed: 5 })
  const { rows } = await sql<{ held: boolean }>`
    select (one->0) @> (one->1) as held from jsonb_array_elements(${JSON.stringify(pairs)}::jsonb) one`.execute(db)
  expect(pairs.map(([one, asked]) => holds(one, asked))).toEqual(rows.map(({ held }) => held))
  expect(rows.filter(({ held }) => held).length).toBeGreaterThan(100)
})
