import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('checkout-abandonment')
const cart = await journeyNamed('cart-abandonment')
const begin = { cart: 'K1', amount: 250_00 }
const event = (type: string, after: `${number} ${'minutes' | 'hours' | 'days'}`, properties: object = {}) =>
  ({ type, after, properties: { cart: 'K1', ...properties } }) as const
const play = (script: Script = {}) => walk(journey, { begin, ...script })

describe('checkout-abandonment', () => {
  it('writes after half an hour and after a day', async () => {
    expect(formatTimeline(await play())).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Checkout abandonment begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  wait for order.paid, until Mon 23 Nov 10:30
      +0d 00:30  Mon 23 Nov 10:30  it did not come
      +0d 00:30  Mon 23 Nov 10:30  mail halfway: "Your order is not finished yet"
      +0d 00:30  Mon 23 Nov 10:30  wait for order.paid, until Tue 24 Nov 10:00
      +1d 00:00  Tue 24 Nov 10:00  it did not come
      +1d 00:00  Tue 24 Nov 10:00  mail tomorrow: "Shall we keep your order?"
      +1d 00:00  Tue 24 Nov 10:00  end, completed: the story was told"
    `)
  })

  it('takes over from the cart in the moment the checkout begins', async () => {
    const events = [event('checkout.started', '2 hours')]
    expect((await walk(cart, { begin, events })).end).toEqual({ status: 'exited', reason: 'checkout.started' })
    const timeline = await play({ events: [event('cart.added', '1 hours')] })
    expect(timeline.run).toBe('checkout-abandonment/C1001/K1')
    expect(sent(timeline)).toEqual(['halfway', 'tomorrow'])
  })

  it('never begins again for a cart; the checkout that begins again begins the clock anew', async () => {
    const timeline = await play({ events: [event('checkout.started', '20 minutes', { amount: 199_00 })] })
    expect(timeline.lines.find(({ what }) => what === 'event')?.text).toContain('no entry: ALREADY_ENTERED')
    expect(sentAfter(timeline, 'halfway')).toBe('50 minutes')
    expect(timeline.lines.find(({ name }) => name === 'halfway')?.words?.text).toContain('for ¥199,')
    const done = await play({ events: [event('checkout.started', '5 days')] })
    expect(done.lines.at(-1)?.text).toContain('no entry: ALREADY_ENTERED')
  })

  it.each(['10 minutes', '5 hours'] as const)('ends at once in the wait at %s', async (after) => {
    for (const [type, status] of [
      ['order.paid', 'goal'],
      ['cart.emptied', 'exited'],
    ] as const) {
      expect((await play({ events: [event(type, after)] })).end).toEqual({ status, reason: type })
      expect(sent(await play({ events: [event(type, after, { cart: 'K2' })] }))).toEqual(['halfway', 'tomorrow'])
    }
    const order = { type: 'order.paid', after, properties: { order: 'O1' } } as const
    expect((await play({ events: [order] })).end.status).toBe('goal')
  })

  it('does not begin for a cart whose order came first', async () => {
    const events = [
      event('order.paid', '1 minutes', { cart: 'K2' }),
      event('checkout.started', '2 minutes', { cart: 'K2' }),
    ]
    expect((await play({ events })).lines.filter(({ what }) => what === 'event').at(-1)?.text).toContain(
      'OCCASION_OVER',
    )
  })

  it('writes to nobody without consent or in the control arm', async () => {
    expect(refused(await play({ customer: { consent: false } }))).toEqual([
      'halfway: NO_CONSENT',
      'tomorrow: NO_CONSENT',
    ])
    expect(refused(await play({ arm: 'holdout' }))).toEqual(['halfway: HOLDOUT', 'tomorrow: HOLDOUT'])
  })

  it('is no news a day later: it waits for the morning, but not for the end of a long pause', async () => {
    expect(sentAfter(await play({ start: Date.UTC(2026, 10, 23, 22) }), 'halfway')).toBe('11 hours')
    expect(refused(await play({ paused: { after: '10 minutes', for: '2 days' } }))[0]).toBe('halfway: NEWS_OVER')
  })
})
