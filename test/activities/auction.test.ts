import { afterAll, describe, expect, test } from 'vitest'
import { PLAIN } from '../../domain/delivery.ts'
import { finishRun } from '../../store/outcomes.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, planFacts, rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const MINUTE = 60_000
const low = planFacts('low')
const middle = planFacts('middle', { delivery: { ...PLAIN, priority: 3 } })
const high = planFacts('high', { delivery: { ...PLAIN, priority: 9 } })
const receipt = planFacts('receipt', { class: 'transactional' })
const plans = [low, middle, high, receipt]
const policy = { caps: [{ messages: 1, windowMs: DAY, counts: ['marketing' as const] }], auctionMs: MINUTE }
const shop = await openShop(db, plans, policy)

/** All that the journeys of a customer come to, each asking again when it was told to. */
async function play(customer: string, journeys: readonly string[]): Promise<string[]> {
  const answers = new Map<string, string>()
  let open = [...journeys]
  for (let round = 0; open.length > 0 && round < 5; round++) {
    const came = await Promise.all(open.map((journey) => shop.send(journey, customer)))
    const held: string[] = []
    for (const [index, answer] of came.entries()) {
      const journey = open[index] ?? ''
      answers.set(journey, 'code' in answer ? `${answer.is} ${answer.code}` : answer.is)
      if (answer.is === 'held') held.push(journey)
    }
    open = held
    shop.clock.pass(MINUTE)
  }
  return journeys.map((journey) => `${journey} ${answers.get(journey)}`)
}

describe('two journeys want the last place under the cap in the same second', () => {
  test('the higher one gets it, in sixty parallel rounds in any order', async () => {
    const rounds = Array.from({ length: 60 }, (_, i) => `A${i}`)
    for (const id of rounds) await shop.event('customer.registered', person(id))
    const order = (i: number): string[] => (i % 2 === 0 ? ['low', 'high'] : ['high', 'low'])
    const first = await Promise.all(rounds.flatMap((id, i) => order(i).map((journey) => shop.send(journey, id))))
    expect(first.filter((one) => one.is === 'sent')).toHaveLength(60)
    shop.clock.pass(MINUTE)
    const again = await Promise.all(rounds.map((id) => shop.send('low', id)))
    expect(new Set(again.map((one) => ('code' in one ? one.code : one.is)))).toEqual(
      new Set(['OUTRANKED', 'FREQUENCY_CAP']),
    )
    const sent = await rowsOf<{ customer: string; journey: string }>(
      db,
      `select customer, journey from messages where status = 'sent' and customer like 'A%'`,
    )
    expect(sent).toHaveLength(60)
    expect(new Set(sent.map((row) => row.journey))).toEqual(new Set(['high']))
    expect(new Set(sent.map((row) => row.customer)).size).toBe(60)
  })

  test('of three the best, when the best comes last and within the minute', async () => {
    for (let i = 0; i < 12; i++) {
      const id = `B${i}`
      await shop.event('customer.registered', person(id))
      expect(await shop.send('low', id)).toMatchObject({ is: 'held', code: 'AUCTION' })
      shop.clock.pass(20_000)
      expect(await shop.send('middle', id)).toMatchObject({ is: 'held', code: 'AUCTION' })
      shop.clock.pass(20_000)
      expect(await play(id, ['low', 'middle', 'high'])).toEqual([
        'low skipped OUTRANKED',
        'middle skipped OUTRANKED',
        'high sent',
      ])
    }
  })

  test('the better of those who wait, whoever comes back first', async () => {
    for (let i = 0; i < 12; i++) {
      const id = `C${i}`
      await shop.event('customer.registered', person(id))
      expect(await play(id, i % 2 === 0 ? ['low', 'middle'] : ['middle', 'low'])).toEqual(
        i % 2 === 0 ? ['low skipped OUTRANKED', 'middle sent'] : ['middle sent', 'low skipped OUTRANKED'],
      )
    }
  })

  test('nobody is lost where the better one leaves, loses consent or does not come back', async () => {
    for (const id of ['D1', 'D2', 'D3']) {
      await shop.event('customer.registered', person(id))
      await shop.send('low', id)
      await shop.send('middle', id)
    }
    await finishRun(db, { run: 'middle/D1', status: 'exited', reason: 'test', now: shop.clock.now() })
    shop.clock.pass(MINUTE)
    expect(await shop.send('low', 'D1')).toEqual({ is: 'sent' })
    expect(await shop.send('low', 'D3'), 'the better one may still come').toMatchObject({ is: 'held', code: 'AUCTION' })
    shop.clock.pass(MINUTE)
    expect(await shop.send('low', 'D3')).toEqual({ is: 'sent' })
    expect(await shop.send('middle', 'D3')).toEqual({ is: 'skipped', code: 'OUTRANKED' })
    // Asked early, as by a wake-up, it goes on waiting for its own minute.
    await shop.event('customer.registered', person('D4'))
    const held = await shop.send('low', 'D4')
    shop.clock.pass(1000)
    expect(await shop.send('low', 'D4')).toEqual(held)
  })
})

test('what is transactional does not wait, and neither does who ranks highest or has room', async () => {
  await shop.event('customer.registered', person('E1'))
  expect(await shop.send('receipt', 'E1')).toEqual({ is: 'sent' })
  expect(await shop.send('high', 'E1')).toEqual({ is: 'sent' })
  const roomy = await openShop(db, plans, { ...policy, caps: [{ ...policy.caps[0]!, messages: 3 }] })
  await roomy.event('customer.registered', person('E2'))
  expect(await roomy.send('low', 'E2')).toEqual({ is: 'sent' })
})

test('the control arm asks in the same way, and takes no place from others', async () => {
  for (const id of ['F1', 'F2']) await shop.event('customer.registered', person(id))
  await rowsOf(db, `update enrolments set arm = 'holdout' where id in ('middle/F1', 'low/F2')`)
  for (const id of ['F1', 'F2']) {
    expect((await shop.send('low', id)).is).toBe('held')
    expect((await shop.send('middle', id)).is).toBe('held')
  }
  shop.clock.pass(MINUTE)
  expect(await shop.send('low', 'F1')).toEqual({ is: 'sent' })
  expect(await shop.send('middle', 'F1')).toEqual({ is: 'skipped', code: 'OUTRANKED' })
  expect(await shop.send('middle', 'F2')).toEqual({ is: 'sent' })
  expect(await shop.send('low', 'F2')).toEqual({ is: 'skipped', code: 'OUTRANKED' })
  const exposed = await rowsOf<{ message: string; arm: string }>(
    db,
    `select message, arm from exposures where customer like 'F%' order by message`,
  )
  expect(exposed).toEqual([
    { message: 'low/F1/send/hello', arm: 'treated' },
    { message: 'middle/F2/send/hello', arm: 'treated' },
  ])
})
