import { afterAll, describe, expect, test } from 'vitest'
import type { Policy } from '../../activities/index.ts'
import { setConsent, suppress } from '../../store/customers.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { pauseJourney, resumeJourney } from '../../store/journeys.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, HOUR, NOON, behindLock, planFacts, rowsOf, wakesOf } from '../store/given.ts'
import { openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const story = planFacts('story', {
  copy: { hello: { subject: 'Hello', text: '{{ name }}, {{ coupon.code }} is yours' } },
})
const receipt = planFacts('receipt', { class: 'transactional', begins: { on: 'order.paid' } })
const service = planFacts('service', { class: 'service', begins: { on: 'order.sent' } })
const data = { coupon: { code: 'ABC' } }

describe('a message is skipped, with its reason', () => {
  test.each([
    { who: 'without consent', customer: { consent: {} }, code: 'NO_CONSENT' },
    { who: 'who agreed to something else', customer: { consent: { news: true } }, code: 'NO_CONSENT' },
    { who: 'without an address', customer: { email: null }, code: 'NO_ADDRESS' },
    { who: 'without a name that the words call', customer: { name: null }, code: 'TEMPLATE_VARIABLE_MISSING' },
  ])('to somebody $who', async ({ who, customer, code }) => {
    const shop = await openShop(db, [story])
    const id = who.replaceAll(' ', '-')
    await shop.event('customer.registered', person(id, customer))
    expect(await shop.send('story', id, { data })).toEqual({ is: 'skipped', code })
    expect(await shop.send('story', id, { data })).toEqual({ is: 'skipped', code })
    expect(shop.channel.calls).toEqual([])
    expect(await shop.row('story', id)).toMatchObject({ status: 'skipped', code, attempts: 0, reserved_at: null })
    expect((await decisionsOf(db, id)).slice(1)).toMatchObject([{ about: 'send', verdict: 'skipped', code }])
  })

  test('where the data lack what the words name, and the log says which', async () => {
    const shop = await openShop(db, [story])
    await shop.event('customer.registered', person('M1'))
    const sent = await shop.send('story', 'M1', { data: { coupon: { issued: false } } })
    expect(sent).toEqual({ is: 'skipped', code: 'TEMPLATE_VARIABLE_MISSING' })
    expect((await shop.row('story', 'M1'))?.detail).toContain('coupon.code')
    expect((await decisionsOf(db, 'M1')).at(-1)?.detail).toMatch(/^hello: .*coupon\.code/)
  })

  test('to a suppressed address, however it is written, of any class', async () => {
    const shop = await openShop(db, [story, receipt])
    await shop.event('customer.registered', person('S1', { email: 'Bounced@Mail.example' }))
    await shop.event('order.paid', 'S1')
    await suppress(db, { channel: 'email', address: 'bounced@mail.EXAMPLE', reason: 'bounce', now: NOON })
    expect(await shop.send('story', 'S1', { data })).toEqual({ is: 'skipped', code: 'SUPPRESSED' })
    expect(await shop.send('receipt', 'S1')).toEqual({ is: 'skipped', code: 'SUPPRESSED' })
    expect(shop.channel.calls).toEqual([])
  })

  test('where consent was withdrawn a moment before, in the very transaction it stood behind', async () => {
    const shop = await openShop(db, [story])
    await shop.event('customer.registered', person('C1'))
    const withdrawn = { customer: 'C1', topic: 'marketing', channel: 'email', granted: false, source: 'unsubscribe' }
    const sent = await behindLock(db, 'C1', {
      work: () => shop.send('story', 'C1', { data }),
      meanwhile: (tx) => setConsent(tx, { ...withdrawn, now: shop.clock.now() }),
    })
    expect(sent).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    expect(shop.channel.calls).toEqual([])
  })

  test('in the control arm, though what is transactional goes out', async () => {
    const shop = await openShop(db, [story, receipt])
    await shop.event('customer.registered', person('H1'))
    await shop.event('order.paid', 'H1')
    await rowsOf(db, `update enrolments set arm = 'holdout' where customer = 'H1'`)
    expect(await shop.send('story', 'H1', { data })).toEqual({ is: 'skipped', code: 'HOLDOUT' })
    expect(await shop.send('receipt', 'H1')).toEqual({ is: 'sent' })
  })

  test('where nobody agreed, though service and transactional messages go out', async () => {
    const shop = await openShop(db, [service, receipt])
    await shop.event('order.sent', person('N1', { consent: {} }))
    await shop.event('order.paid', 'N1')
    expect(await shop.send('service', 'N1')).toEqual({ is: 'sent' })
    expect(await shop.send('receipt', 'N1')).toEqual({ is: 'sent' })
  })
})

describe('paused', () => {
  test('a message is held until the journey is resumed, its run is woken, and then it goes out', async () => {
    const paused = planFacts('paused')
    const shop = await openShop(db, [paused])
    await shop.event('customer.registered', person('P1'))
    await pauseJourney(db, 'paused', NOON)
    const held = { is: 'held', code: 'PAUSED', until: null }
    expect(await shop.send('paused', 'P1')).toEqual(held)
    expect(await shop.send('paused', 'P1')).toEqual(held)
    expect(await shop.row('paused', 'P1')).toMatchObject({ status: 'held', code: 'PAUSED', attempts: 0 })
    expect(await resumeJourney(db, 'paused', { now: NOON })).toBe(1)
    expect((await wakesOf(db)).filter((run) => run === 'paused/P1')).toHaveLength(1)
    expect(await shop.send('paused', 'P1')).toEqual({ is: 'sent' })
    expect(await shop.row('paused', 'P1')).toMatchObject({ status: 'sent', code: null, attempts: 1 })
    const verdicts = (await decisionsOf(db, 'P1')).map((line) => line.verdict)
    expect(verdicts).toEqual(['entered', 'held', 'sent'])
  })
})

describe('quiet hours', () => {
  const quiet = { from: 20 * 60 + 30, to: 9 * 60 }

  /** 13:00 in London is 21:00 in Shanghai and 08:00 in New York: night in both, with mornings 13 hours apart. */
  test.each([
    { zone: 'Asia/Shanghai', until: '2026-11-24T01:00:00Z' },
    { zone: 'America/New_York', until: '2026-11-23T14:00:00Z' },
  ])('in $zone hold a message until 9:00 there', async ({ zone, until }) => {
    const shop = await openShop(db, [planFacts('night')], { quiet })
    const id = zone.replace('/', '-')
    await shop.event('customer.registered', person(id, { zone }))
    shop.clock.set(NOON + HOUR)
    const morning = Date.parse(until)
    const held = { is: 'held', code: 'QUIET_HOURS', until: morning }
    expect(await shop.send('night', id)).toEqual(held)
    expect(await shop.row('night', id)).toMatchObject({ status: 'held', held_until: new Date(morning) })
    shop.clock.set(morning - 1)
    expect(await shop.send('night', id)).toEqual(held)
    expect(shop.channel.calls).toEqual([])
    shop.clock.set(morning)
    expect(await shop.send('night', id)).toEqual({ is: 'sent' })
    expect(await shop.row('night', id)).toMatchObject({ status: 'sent', held_until: null, sent_at: new Date(morning) })
  })

  test('go by the zone of the shop where the customer told none, and stop nothing by day', async () => {
    const shop = await openShop(db, [planFacts('night')], { quiet, shopZone: 'Asia/Shanghai' })
    await shop.event('customer.registered', person('Q1', { zone: null }))
    await shop.event('customer.registered', person('Q2', { zone: 'Europe/London' }))
    shop.clock.set(NOON + HOUR)
    expect((await shop.send('night', 'Q1')).is).toBe('held')
    expect((await shop.send('night', 'Q2')).is).toBe('sent')
  })

  test('do not hold what is transactional', async () => {
    const shop = await openShop(db, [receipt], { quiet, shopZone: 'Asia/Shanghai' })
    await shop.event('order.paid', person('Q3', { zone: null }))
    shop.clock.set(NOON + HOUR)
    expect((await shop.send('receipt', 'Q3')).is).toBe('sent')
  })
})

describe('the frequency cap', () => {
  const other = planFacts('other')
  const one = { caps: [{ messages: 1, windowMs: DAY, counts: ['marketing'] }] } satisfies Partial<Policy>
  const skipped = { is: 'skipped', code: 'FREQUENCY_CAP' }

  test('of one lets one of two journeys pass that send at once', async () => {
    const shop = await openShop(db, [story, other], one)
    for (let i = 1; i <= 10; i++) {
      const id = `F${i}`
      await shop.event('customer.registered', person(id))
      const answers = await Promise.all([shop.send('story', id, { data }), shop.send('other', id)])
      expect(answers.filter((answer) => answer.is === 'sent')).toHaveLength(1)
      expect(answers.filter((answer) => answer.is !== 'sent')).toEqual([skipped])
    }
    expect(shop.channel.calls).toHaveLength(10)
  })

  test('rolls: a message counts for a day to the millisecond, and only marketing does', async () => {
    const shop = await openShop(db, [story, other, receipt, planFacts('third')], one)
    await shop.event('customer.registered', person('R1'))
    await shop.event('order.paid', 'R1')
    expect((await shop.send('receipt', 'R1')).is).toBe('sent')
    expect((await shop.send('story', 'R1', { data })).is).toBe('sent')
    shop.clock.pass(DAY - 1)
    expect(await shop.send('other', 'R1')).toEqual(skipped)
    shop.clock.pass(1)
    expect((await shop.send('third', 'R1')).is).toBe('sent')
  })

  test('counts a message that is put off, as it will go out, but not against itself', async () => {
    const shop = await openShop(db, [story, other], one)
    await shop.event('customer.registered', person('R2'))
    shop.channel.answers('transient')
    await expect(shop.send('story', 'R2', { data })).rejects.toMatchObject({ type: 'CHANNEL_TRANSIENT' })
    expect(await shop.send('other', 'R2')).toEqual(skipped)
    expect((await shop.send('story', 'R2', { data })).is).toBe('sent')
  })

  test('does not count what was skipped, held, refused or given up', async () => {
    const shop = await openShop(db, [story, other], one)
    const { activities, channel, requestOf } = shop
    await shop.event('customer.registered', person('R3'))
    channel.answers('transient', 'refused')
    await expect(shop.send('story', 'R3', { data })).rejects.toMatchObject({ type: 'CHANNEL_TRANSIENT' })
    const { data: _data, ...given } = requestOf('story', 'R3')
    expect((await activities.expireMessage(given)).is).toBe('failed')
    expect((await shop.send('other', 'R3', { key: 'other/R3/send/hello' })).is).toBe('failed')
    await shop.send('story', 'R3', { key: 'story/R3/send/hello#2' })
    expect((await shop.send('other', 'R3', { key: 'other/R3/send/hello#2' })).is).toBe('sent')
  })

  test('counts one of unknown fate', async () => {
    const shop = await openShop(db, [story, other], one)
    await shop.event('customer.registered', person('R4'))
    shop.channel.answers('unknown')
    expect((await shop.send('story', 'R4', { data })).is).toBe('unknown')
    expect(await shop.send('other', 'R4')).toEqual(skipped)
  })
})
