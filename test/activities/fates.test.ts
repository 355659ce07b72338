import { afterEach, expect, it } from 'vitest'
import { livesOf } from '../../store/timeline.ts'
import { planFacts, rowsOf } from '../store/given.ts'
import { NOON, expectInvariants, freshStore } from '../world.ts'
import { failure, openShop } from './given.ts'

const { db } = await freshStore()
const journeys = ['asked', 'quota', 'elsewhere']
const plans = [
  ...journeys.map((name) => planFacts(name, { begins: { on: `${name}.begun` } })),
  planFacts('must', { begins: { on: 'must.begun' }, class: 'transactional' }),
]
const HOUR = 3_600_000
const quotas = new Map([['test', { most: 1_000, zone: 'America/Los_Angeles' }]])
const shop = await openShop(db, plans, {}, { quotas })
const { channel, activities, clock } = shop
afterEach(() => expectInvariants(db))

const statesOf = async (customer: string): Promise<string[]> =>
  (await livesOf(db, customer, 10)).flatMap(({ states }) =>
    states.map(({ state, code }) => (code ? `${state} ${code}` : state)),
  )
const keyOf = (customer: string, journey = 'asked'): string => shop.requestOf(journey, customer).key
const upkeep = () => activities.upkeep({ asked: clock.now() })

it('accepted is told as that, and as sent when the provider says so', async () => {
  const { calls } = await shop.entered('A1')
  channel.answers(Promise.resolve({ is: 'accepted', detail: 'queued', providerId: 'p-1', segments: 2, cost: 900 }))
  expect(await shop.send('asked', 'A1')).toEqual({ is: 'accepted' })
  expect(await shop.send('asked', 'A1')).toEqual({ is: 'accepted' })
  expect(calls()).toHaveLength(1)
  expect(await shop.row('asked', 'A1')).toMatchObject({
    status: 'accepted',
    provider: 'test',
    provider_id: 'p-1',
    sent_at: null,
  })
  clock.pass(HOUR)
  channel.says.set(keyOf('A1'), { is: 'sent', detail: 'delivered' })
  expect(await upkeep()).toMatchObject({ 'ask after messages': 1 })
  expect(await upkeep()).toMatchObject({ 'ask after messages': 0 })
  expect(await shop.row('asked', 'A1')).toMatchObject({ status: 'sent' })
  expect(await statesOf('A1')).toEqual(['reserved', 'sending', 'accepted', 'sent'])
  expect(await shop.verdictsOf('A1')).toEqual(['accepted', 'sent'])
  expect((await livesOf(db, 'A1', 1))[0]).toMatchObject({ segments: 2, cost: 900 })
})

it.each([
  ['it never came in', { is: 'transient', detail: 'no record' }, 'failed NEVER_ARRIVED'],
  ['it was refused', { is: 'refused', detail: 'MK:1008' }, 'failed PROVIDER_REFUSED'],
  ['it was sent', { is: 'sent', detail: 'DELIVERED' }, 'sent'],
] as const)('unknown is asked about until the provider knows: %s', async (what, receipt, end) => {
  const id = `U-${end.replaceAll(' ', '-')}`
  await shop.entered(id)
  channel.answers('unknown')
  expect(await shop.send('asked', id)).toMatchObject({ is: 'unknown' })
  clock.pass(HOUR)
  await upkeep()
  expect(await shop.row('asked', id)).toMatchObject({ status: 'unknown' })
  clock.pass(HOUR)
  channel.says.set(keyOf(id), receipt)
  await upkeep()
  expect((await statesOf(id)).at(-1), what).toBe(end)
  const asked = channel.lookedUp.length
  clock.pass(HOUR)
  await upkeep()
  expect(channel.lookedUp.length).toBe(asked)
})

it('what nobody speaks of for a week is unknown', async () => {
  await shop.entered('W1')
  channel.answers('accepted')
  await shop.send('asked', 'W1')
  clock.pass(8 * 24 * HOUR)
  expect(await upkeep()).toMatchObject({ 'give up messages nobody speaks of': 1 })
  expect(await shop.row('asked', 'W1')).toMatchObject({ status: 'unknown', code: 'SEND_FATE_UNKNOWN' })
})

it.each([
  ['has it: it is not repeated', { is: 'accepted', detail: 'queued' }, { is: 'accepted' }, 1],
  ['surely has nothing: it is sent', { is: 'transient', detail: 'no record' }, { is: 'sent' }, 2],
  ['does not say: it is not repeated', undefined, { is: 'unknown', code: 'SEND_FATE_UNKNOWN' }, 1],
] as const)('after a worker died at a provider that can be asked, which %s', async (what, says, result, sends) => {
  const id = `D${what.length}`
  const { calls } = await shop.entered(id)
  channel.answers(() => Promise.reject(new Error('the process was killed')))
  await expect(shop.send('asked', id)).rejects.toThrow('killed')
  if (says) channel.says.set(keyOf(id), says)
  expect(await shop.send('asked', id)).toEqual(result)
  expect(calls()).toHaveLength(sends)
})

it('an address that can never be reached is suppressed', async () => {
  await shop.entered('N1')
  channel.answers(Promise.resolve({ is: 'refused', detail: '550 5.1.1', deadAddress: true }))
  expect(await shop.send('asked', 'N1')).toEqual({ is: 'failed', code: 'PROVIDER_REFUSED' })
  expect(await rowsOf(db, `select channel, reason from suppressions where address = 'n1@mail.example'`)).toEqual([
    { channel: 'email', reason: 'refused' },
  ])
})

it('a provider that says when to come back is asked again then', async () => {
  await shop.entered('L1')
  channel.answers(Promise.resolve({ is: 'transient', detail: '429', retryAfterMs: 90_000 }))
  const told = await failure(shop.send('asked', 'L1'))
  expect(told).toMatchObject({ type: 'CHANNEL_TRANSIENT', nextRetryDelay: 90_000, nonRetryable: false })
})

it('a worker of another channel sends nothing and says where to ask', async () => {
  const elsewhere = await openShop(
    db,
    [planFacts('elsewhere', { begins: { on: 'elsewhere.begun' } })],
    {},
    { at: 'sms' },
  )
  elsewhere.clock.set(clock.now())
  await elsewhere.entered('E1', 'elsewhere')
  expect(await elsewhere.send('elsewhere', 'E1')).toEqual({ is: 'moved', to: 'email' })
  expect(elsewhere.channel.calls).toEqual([])
  const there = await openShop(db, [planFacts('elsewhere', { begins: { on: 'elsewhere.begun' } })], {}, { at: 'email' })
  there.clock.set(clock.now())
  expect(await there.send('elsewhere', 'E1')).toEqual({ is: 'sent' })
})

it('a full day of the provider holds what comes until its next midnight, and counts each message once', async () => {
  const few = new Map([['test', { most: 2, zone: 'America/Los_Angeles' }]])
  const small = await openShop(db, [planFacts('quota', { begins: { on: 'quota.begun' } })], {}, { quotas: few })
  // A provider of its own, so that the others' messages do not count.
  Object.assign(small.channel, { provider: 'small' })
  few.set('small', { most: 2, zone: 'America/Los_Angeles' })
  small.clock.set(NOON + 20 * 24 * HOUR)
  for (const id of ['Q1', 'Q2', 'Q3']) await small.entered(id, 'quota')
  small.channel.answers('transient')
  await failure(small.send('quota', 'Q1'))
  expect(await small.send('quota', 'Q1')).toEqual({ is: 'sent' })
  expect(await small.send('quota', 'Q2')).toEqual({ is: 'sent' })
  // Midnight there is eight in the morning in London.
  const until = NOON + 20 * 24 * HOUR + 20 * HOUR
  expect(await small.send('quota', 'Q3')).toEqual({ is: 'held', code: 'PROVIDER_QUOTA', until })
  small.clock.set(until)
  expect(await small.send('quota', 'Q3')).toEqual({ is: 'sent' })
  expect(await rowsOf(db, `select used from provider_days where provider = 'small' order by day`)).toEqual([
    { used: 2 },
    { used: 1 },
  ])
})

it('twenty at once share the last places of a day', async () => {
  const few = new Map([['tiny', { most: 7, zone: 'UTC' }]])
  const tiny = await openShop(db, [planFacts('quota', { begins: { on: 'quota.begun' } })], {}, { quotas: few })
  Object.assign(tiny.channel, { provider: 'tiny' })
  tiny.clock.set(NOON + 30 * 24 * HOUR)
  const ids = Array.from({ length: 20 }, (_, index) => `T${index}`)
  for (const id of ids) await tiny.entered(id, 'quota')
  const results = await Promise.all(ids.map((id) => tiny.send('quota', id)))
  expect(results.filter(({ is }) => is === 'sent')).toHaveLength(7)
  expect(results.filter((one) => 'code' in one && one.code === 'PROVIDER_QUOTA')).toHaveLength(13)
})
