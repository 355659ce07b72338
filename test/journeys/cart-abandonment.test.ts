import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('cart-abandonment')
const items = [{ id: 'A', title: 'Lamp', amount: 250_00, stock: 3 }]
const begin = { cart: 'K1', amount: 250_00, items }
const event = (type: string, after: `${number} ${'minutes' | 'hours' | 'days'}`, properties: object = {}) =>
  ({ type, after, properties: { cart: 'K1', ...properties } }) as const
const play = (script: Script = {}) => walk(journey, { begin, ...script })
/** The text of each mail, by its name. */
async function texts(script: Script): Promise<Record<string, string>> {
  const { lines } = await play(script)
  return Object.fromEntries(lines.flatMap(({ name, words }) => (words ? [[name, words.text]] : [])))
}

describe('cart-abandonment', () => {
  it('writes after an hour, a day and three, and gives something only in the last', async () => {
    expect(formatTimeline(await play())).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Cart abandonment begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  wait for order.paid, until Mon 23 Nov 11:00
      +0d 01:00  Mon 23 Nov 11:00  it did not come
      +0d 01:00  Mon 23 Nov 11:00  mail waiting: "Your cart is kept"
      +0d 01:00  Mon 23 Nov 11:00  wait for order.paid, until Tue 24 Nov 10:00
      +1d 00:00  Tue 24 Nov 10:00  it did not come
      +1d 00:00  Tue 24 Nov 10:00  mail questions: "Anything unclear?"
      +1d 00:00  Tue 24 Nov 10:00  wait for order.paid, until Thu 26 Nov 10:00
      +3d 00:00  Thu 26 Nov 10:00  it did not come
      +3d 00:00  Thu 26 Nov 10:00  coupon cart-5: SAMPLEMERXN9, until Sun 29 Nov 10:00
      +3d 00:00  Thu 26 Nov 10:00  mail last: "A last word about your cart"
      +3d 00:00  Thu 26 Nov 10:00  end, completed: the story was told"
    `)
  })

  it.each([
    [199_99, '30 minutes'],
    [200_00, '1 hour'],
    [1_000_00, '1 hour'],
    [1_000_01, '4 hours'],
    [null, '30 minutes'],
    ['a lot', '1 hour'],
  ])('writes of a cart of %s after %s', async (amount, after) => {
    const timeline = await play({ begin: { cart: 'K1', amount } })
    expect(sentAfter(timeline, 'waiting')).toBe(after)
    expect(sentAfter(timeline, 'questions')).toBe('1 day')
    expect(sentAfter(timeline, 'last')).toBe('3 days')
  })

  it('begins its clock anew with each change of this cart, and of no other', async () => {
    const changed = [event('cart.changed', '40 minutes'), event('cart.added', '80 minutes')]
    expect(sentAfter(await play({ events: changed }), 'waiting')).toBe('2 hours 20 minutes')
    const other = [
      event('cart.changed', '40 minutes', { cart: 'K2' }),
      event('cart.added', '50 minutes', { cart: 'K2' }),
    ]
    expect(sentAfter(await play({ events: other }), 'waiting')).toBe('1 hour')
    const between = [event('cart.changed', '10 hours')]
    expect(sentAfter(await play({ events: between }), 'questions')).toBe('1 day 9 hours')
  })

  it('names what the shop told last: today’s price, and nothing that is sold out', async () => {
    const now = [
      { ...items[0], amount: 199_00 },
      { id: 'B', title: 'Vase', stock: 0 },
    ]
    const told = await texts({ events: [event('cart.changed', '2 hours', { amount: 199_00, items: now })] })
    expect(told['waiting']).toContain('Lamp  ¥250\n')
    expect(told['questions']).toContain('Lamp  ¥199\n')
    expect(told['questions']).not.toContain('Vase')
  })

  it('says nothing of a cart of which nothing can be had any more', async () => {
    const gone = [event('cart.changed', '2 hours', { items: [{ id: 'A', title: 'Lamp', stock: 0 }] })]
    const timeline = await play({ events: gone })
    expect([sent(timeline), timeline.end.status]).toEqual([['waiting'], 'completed'])
  })

  it('gives nothing where the basket is too small for it, or the quota or the money is gone', async () => {
    const small = await play({ begin: { ...begin, amount: 49_99 } })
    expect([sent(small), refused(small)]).toEqual([['waiting', 'questions', 'last'], []])
    for (const [script, code] of [
      [{ couponsLeft: 0 }, 'QUOTA_EXHAUSTED'],
      [{ budgetLeft: 100 }, 'BUDGET_EXHAUSTED'],
      [{ couponsHeld: 2 }, 'MEMBER_LIMIT'],
    ] as const) {
      const timeline = await play(script)
      expect(refused(timeline)).toEqual([`cart-5: ${code}`])
      expect((await texts(script))['last']).not.toContain('five percent')
    }
  })

  it('is a run for each cart, and never two for one', async () => {
    const { run, lines } = await play({ events: [event('cart.added', '5 minutes')] })
    expect(run).toBe('cart-abandonment/C1001/K1')
    expect(lines.find(({ what }) => what === 'event')?.text).toContain('no entry: ALREADY_ENTERED')
    const other = await play({ events: [event('cart.added', '5 minutes', { cart: 'K2' })] })
    expect(other.lines.find(({ what }) => what === 'event')?.text).toContain('begins another run, K2')
  })

  it.each(['30 minutes', '10 hours', '2 days'] as const)('ends at once in the wait at %s', async (after) => {
    for (const [type, status] of [
      ['order.paid', 'goal'],
      ['checkout.started', 'exited'],
      ['cart.emptied', 'exited'],
    ] as const) {
      const mine = await play({ events: [event(type, after)] })
      expect(mine.end).toEqual({ status, reason: type })
      expect(mine.lines.at(-1)?.at).toBe(mine.lines.find(({ what }) => what === 'event')?.at)
      const other = await play({ events: [event(type, after, { cart: 'K2' })] })
      expect([type, sent(other).length]).toEqual([type, 3])
    }
  })

  it('takes an order that names no cart for this one', async () => {
    const order = { type: 'order.paid', after: '2 hours', properties: { order: 'O1', amount: 1 } } as const
    expect((await play({ events: [order] })).end.status).toBe('goal')
  })

  it('does not begin for a cart that is at the checkout, emptied or ordered already', async () => {
    for (const type of ['checkout.started', 'cart.emptied', 'order.paid']) {
      const events = [event(type, '5 minutes', { cart: 'K2' }), event('cart.added', '10 minutes', { cart: 'K2' })]
      const { lines } = await play({ events })
      expect(lines.filter(({ what }) => what === 'event').at(-1)?.text).toContain('no entry: OCCASION_OVER')
    }
  })

  it('writes to nobody without consent, and gives the control arm nothing', async () => {
    const none = await play({ customer: { consent: false } })
    expect(sent(none)).toEqual([])
    expect(refused(none)).toContain('waiting: NO_CONSENT')
    expect(sent(await play({ unsubscribes: '2 hours' }))).toEqual(['waiting'])
    const control = await play({ arm: 'holdout' })
    expect([sent(control), new Set(refused(control).map((one) => one.split(': ')[1]))]).toEqual([
      [],
      new Set(['HOLDOUT']),
    ])
  })

  it('does not send what is older than three days, after a pause', async () => {
    const after = await play({ paused: { after: '30 minutes', for: '4 days' } })
    expect(refused(after)[0]).toBe('waiting: NEWS_OVER')
    const night = await play({ start: Date.UTC(2026, 10, 23, 21) })
    expect(sentAfter(night, 'waiting')).toBe('12 hours')
  })
})
