import { afterAll, describe, expect, test } from 'vitest'
import { suppress } from '../../store/customers.ts'
import { PLAIN } from '../../domain/delivery.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { NOON, planFacts } from '../store/given.ts'
import { openShop, provider } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const story = planFacts('story', {
  delivery: { ...PLAIN, channels: ['push', 'sms', 'email'], messages: { short: { channels: ['sms'] } } },
  copy: { hello: { subject: 'Hello', text: 'Hello {{ name }}' }, short: { subject: 'Hi', text: 'Hi {{ long }}' } },
})
const ALL = { granted: true, channels: ['push', 'sms', 'email'] }

async function shopWith(...others: Parameters<typeof provider>[0][]) {
  const providers = others.map((name) => provider(name))
  const shop = await openShop(db, [story], {}, {}, providers)
  const to = (): string[] =>
    [...providers, shop.channel].flatMap((one) => one.calls.map((call) => `${one.name} ${call.to}`))
  return { shop, providers, to }
}

const anna = (id: string, more: object = {}): object =>
  person(id, { phone: '+8613912345678', reach: { device: `device-${id}` }, consent: { marketing: ALL }, ...more })

describe('a message goes', () => {
  test('by the channel that the plan would rather use', async () => {
    const { shop, to } = await shopWith('push', 'sms')
    await shop.event('customer.registered', anna('A1'))
    expect(await shop.send('story', 'A1')).toEqual({ is: 'sent' })
    expect(to()).toEqual(['push device-A1'])
    expect(await shop.row('story', 'A1')).toMatchObject({ channel: 'push', passed: [] })
  })

  test('by what the customer likes best', async () => {
    const { shop, to } = await shopWith('push', 'sms')
    await shop.event('customer.registered', anna('A2', { channels: ['email', 'sms'] }))
    await shop.send('story', 'A2')
    expect(to()).toEqual(['email a2@mail.example'])
  })

  test.each([
    { who: 'without a device', more: { reach: {} }, by: 'sms', why: 'NO_ADDRESS' },
    {
      who: 'without consent to it',
      more: { consent: { marketing: { ...ALL, channels: ['sms'] } } },
      by: 'sms',
      why: 'NO_CONSENT',
    },
  ])('by the next one to somebody $who, and the reason is kept', async ({ who, more, by, why }) => {
    const { shop, to } = await shopWith('push', 'sms')
    const id = who.replaceAll(' ', '-')
    await shop.event('customer.registered', anna(id, more))
    expect(await shop.send('story', id)).toEqual({ is: 'sent' })
    expect(to()).toEqual([`${by} +8613912345678`])
    expect((await shop.row('story', id))?.passed).toContainEqual({ channel: 'push', code: why })
  })

  test('by the next one where the address is suppressed, and where the channel is not set up', async () => {
    const { shop, to } = await shopWith('push', 'sms')
    await shop.event('customer.registered', anna('A3'))
    await suppress(db, { channel: 'push', address: 'device-A3', reason: 'gone', now: NOON })
    await shop.send('story', 'A3')
    expect(to()).toEqual(['sms +8613912345678'])

    const bare = await shopWith()
    await bare.shop.event('customer.registered', anna('A4'))
    expect(await bare.shop.send('story', 'A4')).toEqual({ is: 'sent' })
    expect(bare.to()).toEqual(['email a4@mail.example'])
    expect((await bare.shop.row('story', 'A4'))?.passed).toEqual([
      { channel: 'push', code: 'CHANNEL_NOT_READY' },
      { channel: 'sms', code: 'CHANNEL_NOT_READY' },
    ])
  })

  test('by none, with the reason of the last that was left and those of the others', async () => {
    const { shop, to } = await shopWith('push')
    await shop.event('customer.registered', anna('A5', { email: null, reach: {}, phone: null }))
    expect(await shop.send('story', 'A5')).toEqual({ is: 'skipped', code: 'NO_ADDRESS' })
    expect(to()).toEqual([])
    expect((await shop.row('story', 'A5'))?.detail).toBe('sms CHANNEL_NOT_READY')
  })
})

test('a message has channels of its own, and what is too long for one is not cut', async () => {
  const { shop, to } = await shopWith('sms')
  await shop.event('customer.registered', anna('B1'))
  const short = (long: string, key: string) => shop.send('story', 'B1', { message: 'short', key, data: { long } })
  expect(await short('x'.repeat(600), 'story/B1/send/short')).toEqual({ is: 'skipped', code: 'CHANNEL_UNFIT' })
  expect(await short('x', 'story/B1/send/short#2')).toEqual({ is: 'sent' })
  expect(to()).toEqual(['sms +8613912345678'])
})

test('a channel whose customers refuse by an answer gets no link', async () => {
  const { shop, providers } = await shopWith('sms')
  await shop.event('customer.registered', anna('B2', { channels: ['sms'] }))
  await shop.send('story', 'B2')
  const [call] = providers[0]?.calls ?? []
  expect(call).not.toHaveProperty('unsubscribeUrl')
  expect(call?.words.text).toBe('Hello Name of B2\n')
})
