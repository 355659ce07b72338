import { afterAll, expect, test } from 'vitest'
import type { Receipt } from '../../activities/channels/channel.ts'
import { finishRun } from '../../store/outcomes.ts'
import { expectInvariants, freshStore, until } from '../world.ts'
import { planFacts } from '../store/given.ts'
import { failure, openShop, pending, receipt } from './given.ts'

/** Before the provider can have it, an attempt leaves no doubt. */
const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const shop = await openShop(db, [
  planFacts('story'),
  planFacts('receipt', { class: 'transactional', begins: { on: 'order.paid' } }),
])
const { channel, send, row, activities, requestOf, entered, verdictsOf } = shop

test('an attempt that dies leaves a reservation, and the next one sends', async () => {
  const { calls } = await entered('R1')
  channel.before(() => Promise.reject(new Error('the process was killed')))
  await expect(send('story', 'R1')).rejects.toThrow('the process was killed')
  expect(await row('story', 'R1')).toMatchObject({ status: 'reserved', attempts: 1 })
  expect(await send('story', 'R1')).toEqual({ is: 'sent' })
  expect(calls()).toHaveLength(1)
  expect(await row('story', 'R1')).toMatchObject({ status: 'sent', attempts: 2 })
})

test('a connection that cannot be had is tried again, an address that is refused is not', async () => {
  const { calls } = await entered('R2')
  channel.before(
    () => Promise.resolve(receipt('transient')),
    () => Promise.resolve(receipt('refused')),
  )
  expect(await failure(send('story', 'R2'))).toMatchObject({ type: 'CHANNEL_TRANSIENT', nonRetryable: false })
  expect((await row('story', 'R2'))?.status).toBe('reserved')
  expect(await send('story', 'R2')).toEqual({ is: 'failed', code: 'PROVIDER_REFUSED' })
  expect(await row('story', 'R2')).toMatchObject({ status: 'failed', detail: 'late refused' })
  expect(calls()).toEqual([])
})

test('a run that ends then gets nothing', async () => {
  const { calls } = await entered('R3')
  channel.before(async () => {
    await finishRun(db, { run: 'story/R3', status: 'exited', reason: 'test', now: shop.clock.now() })
    return undefined
  })
  expect(await send('story', 'R3')).toEqual({ is: 'skipped', code: 'LEFT_JOURNEY' })
  expect(calls()).toEqual([])
  expect(await row('story', 'R3')).toMatchObject({ status: 'skipped', reserved_at: null })
})

test.each(['story', 'receipt'] as const)('of two that stand there, one goes on: %s', async (journey) => {
  const id = `R4-${journey}`
  const { calls } = await entered(id, journey)
  const slow = pending<undefined>()
  channel.before(
    () => slow.answer,
    () => Promise.resolve(undefined),
  )
  const first = send(journey, id)
  await until(async () => (await row(journey, id))?.status === 'reserved')
  expect(await send(journey, id)).toEqual({ is: 'sent' })
  slow.give(undefined)
  expect(await first).toEqual({ is: 'sent' })
  expect(calls()).toHaveLength(1)
})

test('what one attempt hears there does not speak for another that has begun', async () => {
  const { calls } = await entered('R5')
  const [early, slow] = [pending<Receipt>(), pending<Receipt>()]
  channel.before(
    () => early.answer,
    () => Promise.resolve(undefined),
  )
  channel.answers(slow.answer)
  const first = send('story', 'R5')
  await until(async () => (await row('story', 'R5'))?.status === 'reserved')
  const second = send('story', 'R5')
  await until(async () => (await row('story', 'R5'))?.status === 'sending')
  early.give(receipt('refused'))
  await first
  expect((await row('story', 'R5'))?.status).toBe('sending')
  slow.give(receipt('sent'))
  expect(await second).toEqual({ is: 'sent' })
  expect((await row('story', 'R5'))?.status).toBe('sent')
  expect(calls()).toHaveLength(1)
  expect(await verdictsOf('R5')).toEqual(['sent'])
})

test('it is given up as failed, and a late attempt finds that out before it begins', async () => {
  const { calls } = await entered('R6')
  const slow = pending<undefined>()
  channel.before(() => slow.answer)
  const first = send('story', 'R6')
  await until(async () => (await row('story', 'R6'))?.status === 'reserved')
  const { data: _data, ...asked } = requestOf('story', 'R6')
  expect(await activities.expireMessage(asked)).toEqual({ is: 'failed', code: 'SEND_EXPIRED' })
  slow.give(undefined)
  expect(await first).toEqual({ is: 'failed', code: 'SEND_EXPIRED' })
  expect(calls()).toEqual([])
})

test('a transactional message that is asked for again is not sent again, where the first answer comes in time', async () => {
  const { calls } = await entered('R7', 'receipt')
  const [early, slow] = [pending<undefined>(), pending<Receipt>()]
  channel.before(
    () => Promise.resolve(undefined),
    () => early.answer,
  )
  channel.answers(slow.answer)
  const first = send('receipt', 'R7')
  await until(async () => (await row('receipt', 'R7'))?.status === 'sending')
  const second = send('receipt', 'R7')
  await until(async () => (await row('receipt', 'R7'))?.attempts === 2)
  slow.give(receipt('sent'))
  expect(await first).toEqual({ is: 'sent' })
  expect((await row('receipt', 'R7'))?.status).toBe('sent')
  early.give(undefined)
  expect(await second).toEqual({ is: 'sent' })
  expect(calls()).toHaveLength(1)
})
