import { afterAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import {
  type ConsentChange,
  addTopics,
  confirmConsent,
  consentHistory,
  consentsOf,
  putTopic,
  setConsent,
  topics,
} from '../../store/consents.ts'
import { withdrawnFor } from '../../store/run-consents.ts'
import { acceptEvents } from '../../client/events.ts'
import { PLAIN } from '../../domain/delivery.ts'
import { openShop } from '../activities/given.ts'
import { SECRET, expectInvariants, freshStore, person } from '../world.ts'
import { NOON, handClock, planFacts } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const clock = handClock()
const take = (id: string, customer: object) =>
  acceptEvents({ db, plans: [], clock, secret: SECRET }, { id, type: 'profile.changed', customer })
const change = (customer: string, more: Partial<ConsentChange> = {}): ConsentChange => ({
  customer,
  topic: 'marketing',
  channel: 'email',
  granted: true,
  source: 'test',
  now: clock.pass(1000),
  ...more,
})
const confirm = (customer: string, more: Partial<ConsentChange> = {}): Promise<boolean> =>
  inTransaction(db, (tx) => confirmConsent(tx, { ...change(customer, { source: 'link' }), ...more }))
const states = async (id: string): Promise<string[]> =>
  (await consentHistory(db, id)).map((line) => `${line.topic} ${line.channel} ${line.purpose} ${line.state}`)

describe('consent', () => {
  test('is kept with its history and its proof, where it came from as hashes alone', async () => {
    const given = { granted: true, channels: ['email', 'sms'], text: 'v3', ip: '192.0.2.7', agent: 'Browser 1' }
    await take('c1', person('C1', { consent: { marketing: given } }))
    await take('c2', person('C1', { consent: { marketing: given } }))
    await take('c3', person('C1', { consent: { marketing: false } }))
    await take('c4', person('C1', { consent: { marketing: { ...given, channels: ['sms'], text: 'v4' } } }))
    expect(await states('C1')).toEqual([
      'marketing email messages granted',
      'marketing sms messages granted',
      'marketing email messages refused',
      'marketing sms messages granted',
    ])
    const history = await consentHistory(db, 'C1')
    expect(history.map((line) => `${line.source} ${line.text_version}`)).toEqual(['c1 v3', 'c1 v3', 'c3 null', 'c4 v4'])
    expect(JSON.stringify(history)).not.toMatch(/192\.0\.2\.7|Browser/)
    expect(history[0]?.ip_hash).toBe(history[1]?.ip_hash)
    expect(history[0]?.ip_hash).not.toBe(history[0]?.agent_hash)
  })

  test('to a topic of double opt-in is pending until it is confirmed, and silence is a refusal', async () => {
    await putTopic(db, { id: 'news', doubleOptIn: true })
    await take('d1', person('D1', { consent: { news: true } }))
    await take('d2', person('D1', { consent: { news: true } }))
    expect(await consentsOf(db, 'D1')).toMatchObject([{ topic: 'news', granted: false, state: 'pending' }])
    expect(await confirm('D1', { topic: 'news' })).toBe(true)
    expect(await confirm('D1', { topic: 'news' })).toBe(false)
    // Asked once more, what was confirmed stays so.
    await take('d3', person('D1', { consent: { news: true } }))
    expect(await states('D1')).toEqual(['news email messages pending', 'news email messages granted'])
    await take('d4', person('D1', { consent: { news: false } }))
    expect(await confirm('D1', { topic: 'news' }), 'the old link after a refusal').toBe(false)
    expect((await consentsOf(db, 'D1'))[0]?.state).toBe('refused')
  })

  test('that is pending can be refused', async () => {
    await take('e1', person('E1', { consent: { news: true } }))
    await take('e2', person('E1', { consent: { news: false } }))
    expect(await states('E1')).toEqual(['news email messages pending', 'news email messages refused'])
    expect(await confirm('E1', { topic: 'news' })).toBe(false)
  })

  test('that a journey took back is refused by the customer’s own no, which is a line of its own', async () => {
    await take('h1', person('H1', { consent: { marketing: true } }))
    await setConsent(db, change('H1', { granted: false, source: 'win-back/H1', proof: { reason: 'silence' } }))
    const ours = (customer: string) => inTransaction(db, (tx) => withdrawnFor(tx, { customer, reason: 'silence' }))
    expect(await ours('H1')).toEqual(['marketing'])
    await take('h2', person('H1', { consent: { marketing: false } }))
    await take('h3', person('H1', { consent: { marketing: false } }))
    expect(await ours('H1')).toEqual([])
    expect((await consentHistory(db, 'H1')).map(({ source, state, reason }) => [source, state, reason])).toEqual([
      ['h1', 'granted', null],
      ['win-back/H1', 'refused', 'silence'],
      ['h2', 'refused', null],
    ])
  })

  test('said by many at once is one line', async () => {
    await take('f1', person('F1', { consent: {} }))
    const { now } = change('F1')
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => take(`f-${i}`, person('F1', { consent: { marketing: true } }))),
    )
    expect(answers).toHaveLength(8)
    expect(await states('F1')).toHaveLength(1)
    expect(now).toBeGreaterThan(NOON)
  })
})

describe('the gate asks', () => {
  const plain = planFacts('plain')
  const profiled = planFacts('profiled', { delivery: { ...PLAIN, purpose: 'profiling' } })
  const news = planFacts('news', { topic: 'news' })

  test('for messages at all, and for the purpose of the plan beside', async () => {
    const shop = await openShop(db, [plain, profiled])
    await shop.event('customer.registered', person('G1'))
    expect(await shop.send('plain', 'G1')).toEqual({ is: 'sent' })
    expect(await shop.send('profiled', 'G1')).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    await shop.event('customer.registered', person('G2'))
    await setConsent(db, change('G2', { purpose: 'profiling' }))
    shop.clock.set(clock.now())
    expect(await shop.send('profiled', 'G2')).toEqual({ is: 'sent' })
    await shop.event('customer.registered', person('G3'))
    await setConsent(db, change('G3', { purpose: 'profiling' }))
    await setConsent(db, change('G3', { granted: false }))
    expect(await shop.send('profiled', 'G3')).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
  })

  test('and takes what is pending for a refusal', async () => {
    const shop = await openShop(db, [news])
    await shop.event('customer.registered', person('G4', { consent: { news: true } }))
    await shop.event('customer.registered', person('G5', { consent: { news: true } }))
    expect(await shop.send('news', 'G4')).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    await confirm('G5', { topic: 'news' })
    shop.clock.set(clock.now())
    expect(await shop.send('news', 'G5')).toEqual({ is: 'sent' })
  })
})

test('the list of topics is the shop’s: what a plan names is on it, and what the shop says of it stays', async () => {
  await addTopics(db, ['marketing', 'carts', 'marketing'])
  await putTopic(db, { id: 'carts', title: 'Your cart', description: 'What you left in it.' })
  await addTopics(db, ['carts'])
  await putTopic(db, { id: 'carts', retired: true })
  const list = await topics(db)
  expect(list.map((one) => one.id)).toEqual(['carts', 'marketing', 'news'])
  expect(list[0]).toEqual({
    id: 'carts',
    title: 'Your cart',
    description: 'What you left in it.',
    doubleOptIn: false,
    retired: true,
  })
})
