import { afterAll, expect, test } from 'vitest'
import { decisionsOf } from '../../store/decisions.ts'
import { enrolments } from '../../store/enrolments.ts'
import { beginningOf } from '../../store/events.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { enterCrowd, handClock, inboxOf, routing } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const orders = routing('orders', {
  begins: { on: 'order.paid' },
  goal: { on: 'order.kept', sameOccasion: true, within: null },
  exits: [{ on: 'order.refunded', where: { whole: true }, sameOccasion: true }, { on: 'customer.deleted' }],
  occasion: 'order',
})
const send = inboxOf(db, handClock(), [orders])

const of = (order: string | number, whole = true) => ({ properties: { order, whole } })

async function statuses(customer: string): Promise<Record<string, string>> {
  const runs = await enrolments(db, { customer }, 100)
  return Object.fromEntries(runs.map(({ occasion, status }) => [occasion ?? '', status]))
}

test('an exit and a goal of the same occasion end that run alone', async () => {
  for (const order of ['1', '2', '3']) await send('order.paid', person('C1'), of(order))
  await send('order.refunded', 'C1', of('1', false))
  await send('order.refunded', 'C1')
  await send('order.refunded', 'C1', of('9'))
  expect(await statuses('C1')).toEqual({ 1: 'running', 2: 'running', 3: 'running' })
  // A number says the same as its text.
  await send('order.refunded', 'C1', of(1))
  await send('order.kept', 'C1', of('2'))
  expect(await statuses('C1')).toEqual({ 1: 'exited', 2: 'goal', 3: 'running' })
  await send('customer.deleted', 'C1')
  expect(await statuses('C1')).toEqual({ 1: 'exited', 2: 'goal', 3: 'exited' })
})

test('an occasion whose exit came first never begins, and the log says why', async () => {
  await send('order.refunded', person('C2'), of('1'))
  await send('order.refunded', 'C2', of('2', false))
  await send('order.paid', 'C2', of('1'))
  await send('order.paid', 'C2', of('2'))
  // Another customer's refund is no business of theirs.
  await send('order.paid', person('C3'), of('1'))
  expect([await statuses('C2'), await statuses('C3')]).toEqual([{ 2: 'running' }, { 1: 'running' }])
  expect((await decisionsOf(db, 'C2')).map(({ verdict, code }) => [verdict, code])).toEqual([
    ['refused', 'OCCASION_OVER'],
    ['entered', null],
  ])
})

test('a goal that is to share something counts where it does, or where either does not say', async () => {
  const goods = routing('goods', {
    begins: { on: 'order.delivered' },
    goal: { on: 'goods.paid', shares: 'lines.category', within: null },
    occasion: 'order',
  })
  const tell = inboxOf(db, handClock(), [goods])
  const lines = (...categories: string[]) => categories.map((category) => ({ id: 'L', category }))
  const delivered = (order: string, more: object) =>
    tell('order.delivered', person('C5'), { properties: { order, ...more } })
  await delivered('tea', { lines: lines('tea', 'cups') })
  await delivered('coffee', { lines: lines('coffee') })
  await delivered('bare', {})
  await tell('goods.paid', 'C5', { properties: { lines: lines('milk', 'tea') } })
  expect(await statuses('C5')).toEqual({ tea: 'goal', coffee: 'running', bare: 'goal' })
  await tell('goods.paid', 'C5', { properties: { order: 'O9' } })
  expect(await statuses('C5')).toEqual({ tea: 'goal', coffee: 'goal', bare: 'goal' })
})

test('the beginning of a run is the event that began it; one that an operator began has none', async () => {
  await send('order.paid', person('C4'), of('7'))
  expect(await beginningOf(db, 'orders/C4/7')).toEqual({ order: '7', whole: true })
  const [{ run } = { run: '' }] = await enterCrowd(db, { journey: 'by-hand', prefix: 'H', size: 1 })
  expect(await beginningOf(db, run)).toBeUndefined()
})
