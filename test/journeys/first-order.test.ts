import { describe, expect, it } from 'vitest'
import { customerIn, formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('first-order')
const inArm = (arm: 'saving' | 'silence') => ({ id: customerIn('first-order', 'nudge', arm, ['saving', 'silence']) })
const reminded = { customer: inArm('saving') }
const HOUR = 3_600_000

describe('first-order', () => {
  it('begins with a registration, and is there for the first order', () => {
    expect(journey.plan.begins).toEqual({ on: 'customer.registered', unless: { import: true } })
    expect(journey.plan.goal).toEqual({ on: 'order.paid', within: 14 * 24 * HOUR })
    expect(journey.plan.reentry.when).toBe('never')
  })

  it('goes its whole way when nothing happens', async () => {
    expect(formatTimeline(await walk(journey, reminded), { words: true })).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  First order begins for C1, treated
      +0d 00:00  Mon 23 Nov 10:00  coupon first-order-10: SAMPLEJRRWZV, until Mon 30 Nov 10:00
      +0d 00:00  Mon 23 Nov 10:00  mail welcome: "Ten off your first order"
          Hello Ada,

          SAMPLEJRRWZV takes ten off your first order. It is yours until 2026-11-30.
      +0d 00:00  Mon 23 Nov 10:00  wait for cart.added, until Thu 26 Nov 10:00
      +3d 00:00  Thu 26 Nov 10:00  it did not come
      +3d 00:00  Thu 26 Nov 10:00  split nudge: saving
      +3d 00:00  Thu 26 Nov 10:00  mail saving: "Still ten off"
          Hello Ada,

          SAMPLEJRRWZV still takes ten off your first order.
      +3d 00:00  Thu 26 Nov 10:00  wait 2 days, until Sat 28 Nov 10:00
      +5d 00:00  Sat 28 Nov 10:00  mail last: "Your ten off ends soon"
          Hello Ada,

          SAMPLEJRRWZV takes ten off until 2026-11-30. After that it is gone.
      +5d 00:00  Sat 28 Nov 10:00  end, completed: the story was told"
    `)
  })

  it('reminds an hour after something lies in the cart', async () => {
    const timeline = await walk(journey, { ...reminded, events: [{ type: 'cart.added', after: '1 day' }] })
    expect(formatTimeline(timeline)).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  First order begins for C1, treated
      +0d 00:00  Mon 23 Nov 10:00  coupon first-order-10: SAMPLEJRRWZV, until Mon 30 Nov 10:00
      +0d 00:00  Mon 23 Nov 10:00  mail welcome: "Ten off your first order"
      +0d 00:00  Mon 23 Nov 10:00  wait for cart.added, until Thu 26 Nov 10:00
      +1d 00:00  Tue 24 Nov 10:00  event cart.added: what the wait was for
      +1d 00:00  Tue 24 Nov 10:00  wait 1 hour, until Tue 24 Nov 11:00
      +1d 01:00  Tue 24 Nov 11:00  split nudge: saving
      +1d 01:00  Tue 24 Nov 11:00  mail saving: "Still ten off"
      +1d 01:00  Tue 24 Nov 11:00  wait 2 days, until Thu 26 Nov 11:00
      +3d 01:00  Thu 26 Nov 11:00  mail last: "Your ten off ends soon"
      +3d 01:00  Thu 26 Nov 11:00  end, completed: the story was told"
    `)
  })

  it('takes a cart that came while the welcome was held for the night', async () => {
    const timeline = await walk(journey, {
      ...reminded,
      start: Date.UTC(2026, 10, 23, 22),
      events: [{ type: 'cart.added', after: '2 hours' }],
    })
    expect(sentAfter(timeline, 'welcome')).toBe('11 hours')
    expect(sentAfter(timeline, 'saving')).toBe('12 hours')
  })

  it('does not wait for a cart that comes when the three days are over', async () => {
    const timeline = await walk(journey, { ...reminded, events: [{ type: 'cart.added', after: 72 * HOUR + 1 }] })
    expect(sentAfter(timeline, 'saving')).toBe('3 days')
    const lastMoment = await walk(journey, { ...reminded, events: [{ type: 'cart.added', after: '3 days' }] })
    expect(sentAfter(lastMoment, 'saving')).toBe('3 days 1 hour')
  })
})

describe('first-order, once the order is paid', () => {
  const cart = { type: 'cart.added', after: '1 day' } as const

  it.each([
    ['in the wait for the cart', [], '1 day', ['welcome']],
    ['a millisecond before that wait is over', [], 72 * HOUR - 1, ['welcome']],
    ['in the hour after the cart', [cart], 24.5 * HOUR, ['welcome']],
    ['in the two days after the reminder', [cart], '2 days', ['welcome', 'saving']],
    ['a millisecond before the last mail', [cart], 73 * HOUR - 1, ['welcome', 'saving']],
  ] as const)('ends at once: %s', async (_when, before, after, mails) => {
    const timeline = await walk(journey, { ...reminded, events: [...before, { type: 'order.paid', after }] })
    expect(sent(timeline)).toEqual(mails)
    expect(timeline.end).toEqual({ status: 'goal', reason: 'order.paid' })
    const end = timeline.lines.at(-1)
    expect(end?.what).toBe('end')
    expect(end?.at).toBe(timeline.goalAt)
    expect(timeline.lines.at(-2)?.text).toContain('ends early')
  })

  it('gives nothing to somebody who paid before the story began', async () => {
    const timeline = await walk(journey, { events: [{ type: 'order.paid', after: 0 }] })
    expect(timeline.lines.map((line) => line.what)).toEqual(['begin', 'event', 'end'])
    expect(timeline.end.status).toBe('goal')
  })

  it('sends no welcome in the morning to somebody who paid in the night', async () => {
    const timeline = await walk(journey, {
      start: Date.UTC(2026, 10, 23, 22),
      events: [{ type: 'order.paid', after: '1 hour' }],
    })
    expect(sent(timeline)).toEqual([])
    expect(timeline.end.status).toBe('goal')
  })

  it('counts an order within 14 days though the story is told, and none after', async () => {
    const paid = async (after: number | '10 days' | '14 days') =>
      walk(journey, { ...reminded, events: [{ type: 'order.paid', after }] })
    const late = await paid('10 days')
    expect(late.end.status).toBe('completed')
    expect(late.goalAt).toBe(late.start + 10 * 24 * HOUR)
    expect((await paid('14 days')).goalAt).not.toBeNull()
    expect((await paid(14 * 24 * HOUR + 1)).goalAt).toBeNull()
  })
})

describe('first-order, for whom it is not as usual', () => {
  it('reminds one half and not the other, always the same people', async () => {
    const silent = await walk(journey, { customer: inArm('silence') })
    expect(sent(silent)).toEqual(['welcome', 'last'])
    expect(sent(await walk(journey, reminded))).toEqual(['welcome', 'saving', 'last'])
    expect(silent.lines.find((line) => line.what === 'split')?.text).toBe('split nudge: silence')
  })

  it('mails nobody who did not agree, and tells the story to its end', async () => {
    const timeline = await walk(journey, { customer: { ...inArm('saving'), consent: false } })
    expect(sent(timeline)).toEqual([])
    expect(refused(timeline)).toEqual(['welcome: NO_CONSENT', 'saving: NO_CONSENT', 'last: NO_CONSENT'])
    expect(timeline.end.status).toBe('completed')
  })

  it('stops mailing when somebody unsubscribes', async () => {
    const timeline = await walk(journey, { ...reminded, unsubscribes: '1 hour' })
    expect(sent(timeline)).toEqual(['welcome'])
    expect(refused(timeline)).toEqual(['saving: NO_CONSENT', 'last: NO_CONSENT'])
  })

  it('promises no coupon when there is none left', async () => {
    const timeline = await walk(journey, { ...reminded, couponsLeft: 0 })
    expect(sent(timeline)).toEqual([])
    expect(refused(timeline)).toEqual([
      'first-order-10: QUOTA_EXHAUSTED',
      'welcome: TEMPLATE_VARIABLE_MISSING',
      'saving: TEMPLATE_VARIABLE_MISSING',
      'last: TEMPLATE_VARIABLE_MISSING',
    ])
    expect(timeline.end.status).toBe('completed')
  })

  it('gives nobody a second first-order coupon', async () => {
    const timeline = await walk(journey, { ...reminded, couponsHeld: 1 })
    expect(refused(timeline)[0]).toBe('first-order-10: MEMBER_LIMIT')
    expect(sent(timeline)).toEqual([])
  })

  it('gives the control arm neither coupon nor mail', async () => {
    const timeline = await walk(journey, {
      ...reminded,
      arm: 'holdout',
      events: [{ type: 'order.paid', after: '6 days' }],
    })
    expect(refused(timeline)).toEqual([
      'first-order-10: HOLDOUT',
      'welcome: HOLDOUT',
      'saving: HOLDOUT',
      'last: HOLDOUT',
    ])
    expect(timeline.goalAt).not.toBeNull()
  })

  it('holds a welcome at night until nine on the customer’s own clock', async () => {
    const timeline = await walk(journey, {
      start: Date.UTC(2026, 10, 23, 14),
      customer: { ...inArm('saving'), zone: 'Asia/Shanghai' },
    })
    expect(formatTimeline(timeline)).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 22:00  First order begins for C1, treated
      +0d 00:00  Mon 23 Nov 22:00  coupon first-order-10: SAMPLEJRRWZV, until Mon 30 Nov 22:00
      +0d 00:00  Mon 23 Nov 22:00  mail welcome held: QUIET_HOURS, until Tue 24 Nov 09:00
      +0d 11:00  Tue 24 Nov 09:00  mail welcome: "AD: Ten off your first order"
      +0d 11:00  Tue 24 Nov 09:00  wait for cart.added, until Fri 27 Nov 09:00
      +3d 11:00  Fri 27 Nov 09:00  it did not come
      +3d 11:00  Fri 27 Nov 09:00  split nudge: saving
      +3d 11:00  Fri 27 Nov 09:00  mail saving: "AD: Still ten off"
      +3d 11:00  Fri 27 Nov 09:00  wait 2 days, until Sun 29 Nov 09:00
      +5d 11:00  Sun 29 Nov 09:00  mail last: "AD: Your ten off ends soon"
      +5d 11:00  Sun 29 Nov 09:00  end, completed: the story was told"
    `)
  })

  it('sends nothing while it is paused, and goes on when it is resumed', async () => {
    const timeline = await walk(journey, { ...reminded, paused: { after: '1 hour', for: '4 days' } })
    expect(sentAfter(timeline, 'saving')).toBe('4 days 1 hour')
    expect(sentAfter(timeline, 'last')).toBe('6 days 1 hour')
    const forGood = await walk(journey, { ...reminded, paused: { after: '1 hour' } })
    expect(sent(forGood)).toEqual(['welcome'])
    expect(forGood.end.status).toBe('running')
  })

  it('keeps to the cap over all journeys', async () => {
    const timeline = await walk(journey, { ...reminded, recent: 3 })
    expect(sent(timeline)).toEqual(['welcome'])
    expect(refused(timeline)).toEqual(['saving: FREQUENCY_CAP', 'last: FREQUENCY_CAP'])
  })
})

describe('first-order, as a marketer would check it', () => {
  it('is over, mails and all, before the coupon ends, whatever the customer does', async () => {
    for (const hours of [0, 1, 30, 71]) {
      for (const start of [Date.UTC(2026, 10, 23, 10), Date.UTC(2026, 10, 23, 20, 31)]) {
        const timeline = await walk(journey, {
          ...reminded,
          start,
          events: [{ type: 'cart.added', after: hours * HOUR }],
        })
        const coupon = timeline.lines.find((line) => line.what === 'coupon')
        expect(sent(timeline)).toEqual(['welcome', 'saving', 'last'])
        expect(timeline.lines.at(-1)?.at).toBeLessThan(coupon?.until ?? 0)
      }
    }
  })

  it('names the same code in every mail, and the same last day first and last', async () => {
    const timeline = await walk(journey, reminded)
    const words = timeline.lines.flatMap((line) => (line.words ? [line.words.text] : []))
    expect(words).toHaveLength(3)
    expect(words[0]).toContain('2026-11-30')
    expect(words[2]).toContain('2026-11-30')
    expect(new Set(words.map((text) => /SAMPLE\w+/.exec(text)?.[0])).size).toBe(1)
  })

  it('claims nothing that is true of some customers only', async () => {
    const early = await walk(journey, { ...reminded, events: [{ type: 'cart.added', after: '1 minute' }] })
    const never = await walk(journey, reminded)
    // Nobody without a cart is told of one, and with an early cart the coupon lives four days more at the last mail.
    for (const { words } of [...early.lines, ...never.lines]) {
      expect(`${words?.subject} ${words?.text}`).not.toMatch(/your cart|days left/i)
    }
  })

  it('takes milliseconds', async () => {
    const before = performance.now()
    for (let i = 0; i < 100; i++) await walk(journey, { customer: { id: `C${i}` } })
    expect((performance.now() - before) / 100).toBeLessThan(50)
  })
})
