import { afterAll, describe, expect, test } from 'vitest'
import type { Receipt } from '../../activities/channels/channel.ts'
import { messageIdOf } from '../../activities/messages.ts'
import { readSubscriptionToken } from '../../domain/token.ts'
import { finishRun } from '../../store/outcomes.ts'
import { PUBLIC_URL, SECRET, expectInvariants, freshStore, until } from '../world.ts'
import { DAY, NOON, behindLock, planFacts, rowsOf } from '../store/given.ts'
import { failure, openShop, pending, receipt } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const shop = await openShop(db, [
  planFacts('story'),
  planFacts('receipt', { class: 'transactional', begins: { on: 'order.paid' } }),
])
const { channel, send, row, activities, requestOf, entered, verdictsOf } = shop

describe('the same key', () => {
  test('asked again is answered from the row: one call', async () => {
    const { calls } = await entered('S1')
    const at = shop.clock.pass(1000)
    expect(await send('story', 'S1')).toEqual({ is: 'sent' })
    shop.clock.pass(DAY)
    expect(await send('story', 'S1')).toEqual({ is: 'sent' })
    const { key } = requestOf('story', 'S1')
    const messageId = messageIdOf(key, PUBLIC_URL)
    expect(calls()).toMatchObject([{ key, messageId, words: { subject: 'Hello' } }])
    expect(messageId).toMatch(/^<[0-9a-f]{32}@shop\.example>$/)
    const token = calls()[0]?.unsubscribeUrl?.replace(`${PUBLIC_URL}/u/`, '') ?? ''
    expect(readSubscriptionToken(token, SECRET)).toEqual({ customer: 'S1', topic: 'marketing', channel: 'email' })
    expect(await row('story', 'S1')).toMatchObject({
      status: 'sent',
      attempts: 1,
      reserved_at: new Date(at),
      sent_at: new Date(at),
      message_id: messageId,
    })
    expect(await verdictsOf('S1')).toEqual(['sent'])
  })

  test('asked four times at once is one call: the others cannot know, and say so', async () => {
    for (let i = 1; i <= 10; i++) {
      const { calls } = await entered(`P${i}`)
      const answers = await Promise.all([1, 2, 3, 4].map(() => send('story', `P${i}`)))
      expect(calls()).toHaveLength(1)
      expect(answers.filter((one) => one.is === 'sent').length).toBeGreaterThan(0)
      for (const one of answers) expect(['sent', 'unknown']).toContain(one.is)
      // The one that knows has the last word.
      expect((await row('story', `P${i}`))?.status).toBe('sent')
    }
  })

  test('of another second time round is another message', async () => {
    const { calls } = await entered('S2')
    await send('story', 'S2')
    await send('story', 'S2', { key: `${requestOf('story', 'S2').key}#2` })
    expect(new Set(calls().map((call) => call.messageId)).size).toBe(2)
  })
})

describe('an attempt that died at the provider', () => {
  test('is not repeated for marketing: its fate is unknown, until a late answer says sent', async () => {
    const { calls } = await entered('D1')
    const slow = pending<Receipt>()
    channel.answers(slow.answer)
    const first = send('story', 'D1')
    await until(() => Promise.resolve(calls().length === 1))
    expect(await send('story', 'D1')).toEqual({ is: 'unknown', code: 'SEND_FATE_UNKNOWN' })
    expect(await send('story', 'D1')).toEqual({ is: 'unknown', code: 'SEND_FATE_UNKNOWN' })
    expect(await row('story', 'D1')).toMatchObject({ status: 'unknown', code: 'SEND_FATE_UNKNOWN', sent_at: null })
    slow.give(receipt('sent'))
    expect(await first).toEqual({ is: 'sent' })
    expect(await row('story', 'D1')).toMatchObject({ status: 'sent', code: null, detail: 'late sent', attempts: 1 })
    expect(calls()).toHaveLength(1)
    expect(await verdictsOf('D1')).toEqual(['unknown SEND_FATE_UNKNOWN', 'sent'])
  })

  test.each(['refused', 'unknown', 'transient'] as const)('a late answer %s changes nothing', async (late) => {
    const id = `D-${late}`
    const { calls } = await entered(id)
    const slow = pending<Receipt>()
    channel.answers(slow.answer)
    const first = send('story', id).catch(() => undefined)
    await until(() => Promise.resolve(calls().length === 1))
    await send('story', id)
    slow.give(receipt(late))
    await first
    expect(await row('story', id)).toMatchObject({ status: 'unknown', code: 'SEND_FATE_UNKNOWN' })
    expect(await send('story', id)).toEqual({ is: 'unknown', code: 'SEND_FATE_UNKNOWN' })
    expect(calls()).toHaveLength(1)
    expect(await verdictsOf(id)).toEqual(['unknown SEND_FATE_UNKNOWN'])
  })

  test('is repeated for a transactional message, under the same Message-ID and with no way to unsubscribe', async () => {
    const { calls } = await entered('D2', 'receipt')
    channel.answers(pending<Receipt>().answer)
    void send('receipt', 'D2')
    await until(() => Promise.resolve(calls().length === 1))
    expect(await send('receipt', 'D2')).toEqual({ is: 'sent' })
    expect(calls()).toHaveLength(2)
    expect(calls()[0]?.messageId).toBe(calls()[1]?.messageId)
    expect(calls()[0]?.unsubscribeUrl).toBeUndefined()
    expect(await row('receipt', 'D2')).toMatchObject({ status: 'sent', attempts: 2 })
    expect(await send('receipt', 'D2')).toEqual({ is: 'sent' })
    expect(calls()).toHaveLength(2)
  })

  test('or whose provider threw: the worker is told, the next attempt does not send again', async () => {
    const { calls } = await entered('D3')
    channel.answers(() => Promise.reject(new Error('the process was killed')))
    await expect(send('story', 'D3')).rejects.toThrow('the process was killed')
    expect((await row('story', 'D3'))?.status).toBe('sending')
    expect(await send('story', 'D3')).toEqual({ is: 'unknown', code: 'SEND_FATE_UNKNOWN' })
    expect(calls()).toHaveLength(1)
  })
})

describe('what the provider says', () => {
  test.each([
    { says: 'refused', is: 'failed', code: 'PROVIDER_REFUSED' },
    { says: 'unknown', is: 'unknown', code: 'SEND_FATE_UNKNOWN' },
  ] as const)('$says: $is, and it is not asked again', async ({ says, is, code }) => {
    const id = `A-${says}`
    const { calls } = await entered(id)
    channel.answers(says)
    expect(await send('story', id)).toEqual({ is, code })
    expect(await send('story', id)).toEqual({ is, code })
    expect(calls()).toHaveLength(1)
    expect(await row('story', id)).toMatchObject({ status: is, code, detail: `the provider says ${says}` })
    expect(await verdictsOf(id)).toEqual([`${is} ${code}`])
  })

  test('later: the row is put off, Temporal is asked to repeat it, and then one mail goes out', async () => {
    const { calls } = await entered('T1')
    channel.answers('transient', 'transient')
    for (const attempts of [1, 2]) {
      const failed = await failure(send('story', 'T1'))
      expect(failed).toMatchObject({ type: 'CHANNEL_TRANSIENT', nonRetryable: false })
      expect(await row('story', 'T1')).toMatchObject({ status: 'reserved', attempts, sent_at: null })
    }
    expect(await send('story', 'T1')).toEqual({ is: 'sent' })
    expect(await row('story', 'T1')).toMatchObject({ status: 'sent', attempts: 3, code: null })
    expect(new Set(calls().map((call) => call.messageId)).size).toBe(1)
    expect(await verdictsOf('T1')).toEqual(['sent'])
  })

  test('later, and the gate decides anew: who unsubscribed meanwhile gets nothing', async () => {
    const { calls } = await entered('T2')
    channel.answers('transient')
    await failure(send('story', 'T2'))
    await shop.event('customer.changed', { id: 'T2', consent: { marketing: false } })
    expect(await send('story', 'T2')).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    expect(calls()).toHaveLength(1)
    expect(await row('story', 'T2')).toMatchObject({ status: 'skipped', reserved_at: null, attempts: 1 })
  })

  test('later, and a run that is over by then sends no more', async () => {
    const { calls } = await entered('T3')
    channel.answers('transient')
    await failure(send('story', 'T3'))
    await finishRun(db, { run: 'story/T3', status: 'exited', reason: 'test', now: shop.clock.now() })
    expect(await send('story', 'T3')).toEqual({ is: 'skipped', code: 'LEFT_JOURNEY' })
    expect(calls()).toHaveLength(1)
  })
})

describe('a message that is given up', () => {
  const expire = (id: string) => {
    const { data: _data, ...request } = requestOf('story', id)
    return activities.expireMessage(request)
  }

  test('while the provider could not be reached has failed, and a worker that wakes late sends nothing', async () => {
    const { calls } = await entered('X1')
    channel.answers('transient')
    await failure(send('story', 'X1'))
    for (let again = 0; again < 2; again++) expect(await expire('X1')).toEqual({ is: 'failed', code: 'SEND_EXPIRED' })
    expect(await row('story', 'X1')).toMatchObject({ status: 'failed', code: 'SEND_EXPIRED' })
    expect(await send('story', 'X1')).toEqual({ is: 'failed', code: 'SEND_EXPIRED' })
    expect(calls()).toHaveLength(1)
    expect(await verdictsOf('X1')).toEqual(['failed SEND_EXPIRED'])
  })

  test('while the provider has it is of unknown fate, and the late answer still counts', async () => {
    const { calls } = await entered('X2')
    const slow = pending<Receipt>()
    channel.answers(slow.answer)
    const first = send('story', 'X2')
    await until(() => Promise.resolve(calls().length === 1))
    for (let again = 0; again < 2; again++) expect(await expire('X2')).toEqual({ is: 'unknown', code: 'SEND_EXPIRED' })
    expect(await verdictsOf('X2')).toEqual(['unknown SEND_EXPIRED'])
    slow.give(receipt('sent'))
    await first
    expect((await row('story', 'X2'))?.status).toBe('sent')
    expect(await expire('X2')).toEqual({ is: 'sent' })
  })

  test('keeps the verdict it has, where only the answer was lost', async () => {
    await entered('X3')
    await shop.event('customer.changed', { id: 'X3', consent: { marketing: false } })
    await send('story', 'X3')
    expect(await expire('X3')).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    expect(await row('story', 'X3')).toMatchObject({ status: 'skipped', code: 'NO_CONSENT' })
    expect(await verdictsOf('X3')).toEqual(['skipped NO_CONSENT'])
  })

  test('before anything was written says why nothing came', async () => {
    await entered('X4')
    expect(await expire('X4')).toEqual({ is: 'failed', code: 'SEND_EXPIRED' })
    expect(await verdictsOf('X4')).toEqual(['failed SEND_EXPIRED'])
  })
})

describe('a request that cannot be', () => {
  test.each([
    { what: 'a run that is not there', run: 'story/nobody', message: 'hello', type: 'RUN_UNKNOWN' },
    { what: 'a message without words', run: 'story/B1', message: 'nothing', type: 'JOURNEY_INVALID' },
    { what: 'a journey whose file is gone', run: 'gone/B1', message: 'hello', type: 'JOURNEY_UNKNOWN' },
  ])('$what is $type, which Temporal does not repeat', async ({ run, message, type }) => {
    await entered('B1')
    await rowsOf(
      db,
      `insert into enrolments (id, journey, customer, arm, status, begun_by, begun_seq, entered_at, starts_at)
       values ('gone/B1', 'gone', 'B1', 'treated', 'running', 'test', 0, now(), now()) on conflict do nothing`,
    )
    const failed = await failure(send('story', 'B1', { key: `${run}/send/${message}`, run, message }))
    expect(failed).toMatchObject({ type, nonRetryable: true })
    await rowsOf(db, `delete from enrolments where id = 'gone/B1'`)
    expect(await rowsOf(db, `select 1 from messages where customer = 'B1'`)).toEqual([])
  })
})

describe('two at once about one customer', () => {
  test('an answer is written behind the customer’s lock without holding the message: no deadlock', async () => {
    await entered('L1')
    const slow = pending<Receipt>()
    channel.answers(slow.answer)
    const { key } = requestOf('story', 'L1')
    const first = send('story', 'L1')
    await until(async () => (await row('story', 'L1'))?.status === 'sending')
    const result = await behindLock(db, 'L1', {
      work: () => {
        slow.give(receipt('sent'))
        return first
      },
      // What an attempt beside it does, which holds the customer already.
      meanwhile: (tx) => rowsOf(tx, `update messages set detail = 'beside' where key = '${key}'`),
    })
    expect(result).toEqual({ is: 'sent' })
    expect((await row('story', 'L1'))?.status).toBe('sent')
  })

  test('a send that stood in line is dated when its turn came: after the consent it goes by', async () => {
    const { calls } = await entered('L2')
    await shop.event('customer.changed', { id: 'L2', consent: { marketing: false } })
    const { now, pass } = shop.clock
    const result = await behindLock(db, 'L2', {
      work: () => send('story', 'L2'),
      meanwhile: (tx) => {
        pass(5000)
        return rowsOf(
          tx,
          `insert into consents (customer, topic, channel, granted, source, at)
           values ('L2', 'marketing', 'email', true, 'test', to_timestamp(${now() / 1000}))`,
        )
      },
    })
    expect(result).toEqual({ is: 'sent' })
    expect((await row('story', 'L2'))?.reserved_at).toEqual(new Date(now()))
    expect(calls()).toHaveLength(1)
    await expectInvariants(db)
  })
})

test('every answer is a line of the log, by keys alone', () => {
  expect(shop.effects.length).toBeGreaterThan(20)
  expect(shop.effects[0]).toEqual({
    effect: 'send',
    journey: 'story',
    customer: 'S1',
    key: 'story/S1/send/hello',
    result: 'sent',
    code: undefined,
  })
  expect(JSON.stringify(shop.effects)).not.toMatch(/@mail|Name of/)
  expect(NOON).toBeLessThan(shop.clock.now())
})
