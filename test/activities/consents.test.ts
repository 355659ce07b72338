import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { choose, confirmAll } from '../../client/preferences.ts'
import { consentHistory, setConsent } from '../../store/consents.ts'
import { enrolment } from '../../store/enrolments.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { planFacts, rowsOf } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
const back = planFacts('back', {
  begins: { on: 'customer.returned' },
  class: 'transactional',
  goal: { on: 'consent.confirmed', where: { topic: 'marketing' }, within: null },
})
const plans = [planFacts('story'), back]
const shop = await openShop(db, plans)
const { activities, clock } = shop
const told = { db, clock, plans, shopZone: 'UTC' }
afterAll(() => expectInvariants(db))

let id = ''
let count = 0
beforeEach(async () => {
  id = `K${++count}`
  clock.pass(1000)
  const consent = { marketing: { granted: true, channels: ['email', 'sms'] }, news: true }
  await shop.event('customer.registered', person(id, { consent }))
})

const silence = () => {
  const run = `story/${id}`
  return activities.withdrawConsent({ key: `${run}/consent/withdrawn`, run, reason: 'silence', asked: clock.now() })
}
const ask = async (nth = 1) => {
  await shop.event('customer.returned', id)
  const run = `back/${id}`
  return activities.askForConsent({ key: `${run}/consent/asked#${nth}`, run, asked: clock.now() })
}
const lines = async (): Promise<string[]> =>
  (await consentHistory(db, id)).map(
    ({ topic, channel, state, source, reason }) =>
      `${topic} ${channel} ${state} ${source.replace(/-\d+$/, '')} ${reason}`,
  )
const events = async (): Promise<object[]> =>
  rowsOf(db, `select id, properties from events where customer = '${id}' and type = 'consent.confirmed' order by seq`)
const proof = { text: 'confirmation' }
const no = { topic: 'marketing', channel: 'email', granted: false, source: 'unsubscribe' }

describe('consent that a journey withdraws', () => {
  test('goes over every channel of the plan’s topic, with the run and the reason; other topics stay', async () => {
    expect(await silence()).toEqual({ is: 'done' })
    expect(await silence()).toEqual({ is: 'done' })
    expect((await lines()).slice(3)).toEqual([
      `marketing email refused story/${id} silence`,
      `marketing sms refused story/${id} silence`,
    ])
    expect(await shop.send('story', id)).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    // A yes that comes later stands, whatever is asked again.
    await shop.event('profile.changed', { id, consent: { marketing: true } })
    expect(await silence()).toEqual({ is: 'done' })
    expect((await lines()).at(-1)).toBe('marketing email granted profile.changed null')
  })
})

describe('consent that is asked for again', () => {
  test('waits to be confirmed, lets nothing but the asking out, and is the goal once it is confirmed', async () => {
    await silence()
    expect(await ask()).toEqual({ is: 'done' })
    expect((await lines()).at(-1)).toBe(`marketing email pending back/${id} null`)
    expect(await shop.send('story', id)).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    expect(await shop.send('back', id)).toEqual({ is: 'sent' })
    clock.pass(1000)
    expect(await confirmAll(told, { customer: id, proof })).toEqual(['marketing'])
    expect(await confirmAll(told, { customer: id, proof })).toEqual([])
    expect(await events()).toEqual([
      { id: expect.stringContaining(`consent/${id}/confirmed/`), properties: { topic: 'marketing', channel: 'email' } },
    ])
    expect(await enrolment(db, `back/${id}`)).toMatchObject({ status: 'goal' })
    expect(await shop.send('story', id, { key: `story/${id}/send/hello#2` })).toEqual({ is: 'sent' })
  })

  test.each([
    ['given', async () => {}, 'CONSENT_GIVEN'],
    ['refused by the customer', async () => setConsent(db, { ...no, customer: id, now: clock.now() }), 'NO_CONSENT'],
    [
      'refused by the customer after a journey withdrew it',
      async () => {
        await silence()
        await shop.event('profile.changed', { id, consent: { marketing: true } })
        await shop.event('profile.changed', { id, consent: { marketing: false } })
      },
      'NO_CONSENT',
    ],
    ['never said', async () => rowsOf(db, `delete from consents where customer = '${id}'`), 'NO_CONSENT'],
  ] as const)('is refused where it is %s', async (_what, given, code) => {
    await given()
    expect(await ask()).toEqual({ is: 'refused', code })
    expect((await lines()).filter((line) => line.includes('pending'))).toEqual([])
  })

  test('that a customer declines meanwhile is not asked for again', async () => {
    await silence()
    await ask()
    expect(await ask(2), 'pending is asked as it is').toEqual({ is: 'done' })
    await setConsent(db, { ...no, customer: id, now: clock.now() })
    expect(await ask(3)).toEqual({ is: 'refused', code: 'NO_CONSENT' })
  })
})

describe('that consent was confirmed is told', () => {
  const pending = async (): Promise<void> => {
    await silence()
    await ask()
    clock.pass(1000)
  }

  test('where the customer says yes on the page of preferences, or to the shop', async () => {
    await pending()
    const wanted = [{ topic: 'marketing', channel: 'email', granted: true }]
    await choose(told, { customer: id, wanted, proof })
    await choose(told, { customer: id, wanted, proof })
    expect(await events()).toHaveLength(1)
  })

  test('where the shop hears a yes', async () => {
    await pending()
    await shop.event('profile.changed', { id, consent: { marketing: true } })
    expect(await events()).toHaveLength(1)
    await shop.event('profile.changed', { id, consent: { marketing: false } })
    await shop.event('profile.changed', { id, consent: { marketing: true } })
    expect(await events(), 'a yes that nobody asked for is none').toHaveLength(1)
  })
})

describe('a sign of life', () => {
  const broken = async (): Promise<object[]> =>
    rowsOf(db, `select properties from events where customer = '${id}' and type = 'silence.broken' order by seq`)

  test('from whom a journey unsubscribed for their silence is told, a visit at a time, until they say something', async () => {
    await shop.event('customer.returned', id)
    expect(await broken(), 'they agree').toEqual([])
    await silence()
    await shop.event('page.viewed', id)
    expect(await broken(), 'that is no return').toEqual([])
    await shop.event('customer.returned', id)
    expect(await broken()).toEqual([{ properties: { topic: 'marketing' } }])
    await setConsent(db, { ...no, customer: id, granted: true, now: clock.now() })
    await shop.event('customer.returned', id)
    expect(await broken()).toHaveLength(1)
  })

  test('from whom left by themselves, or for another reason, is not', async () => {
    await setConsent(db, { ...no, customer: id, now: clock.now() })
    await shop.event('customer.returned', id)
    const run = `story/${id}`
    await shop.event('profile.changed', { id, consent: { marketing: true } })
    const other = { key: `${run}/consent/withdrawn`, run, reason: 'moved-away', asked: clock.now() }
    expect(await activities.withdrawConsent(other)).toEqual({ is: 'done' })
    await shop.event('customer.returned', id)
    expect(await broken()).toEqual([])
  })
})
