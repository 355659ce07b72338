import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('welcome')
const firstOrder = await journeyNamed('first-order')
const added = { type: 'assistant.added', after: '3 hours' } as const
const play = (script: Script = {}) => walk(journey, script)
const ALL = ['assistant', 'coupon', 'general', 'last']

describe('welcome', () => {
  it('welcomes who comes to the assistant at once', async () => {
    expect(formatTimeline(await play({ events: [added] }))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Welcome begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  wait for assistant.added, until Tue 24 Nov 10:00
      +0d 03:00  Mon 23 Nov 13:00  event assistant.added: what the wait was for
      +0d 03:00  Mon 23 Nov 13:00  coupon welcome-10: SAMPLEVHL5A3, until Thu  3 Dec 13:00
      +0d 03:00  Mon 23 Nov 13:00  mail coupon: "Ten yuan for your first order"
      +0d 03:00  Mon 23 Nov 13:00  wait 3 days, 10:00, until Thu 26 Nov 10:00
      +3d 00:00  Thu 26 Nov 10:00  mail general: "Where to begin"
      +3d 00:00  Thu 26 Nov 10:00  wait 5 days, 10:00, until Tue  1 Dec 10:00
      +8d 00:00  Tue  1 Dec 10:00  mail last: "Your ten yuan end on 2026-12-03"
      +8d 00:00  Tue  1 Dec 10:00  end, completed: the story was told"
    `)
  })

  it('asks who has not come after a day, and welcomes them when they come', async () => {
    const timeline = await play({ events: [{ ...added, after: '3 days' }] })
    expect(sent(timeline)).toEqual(ALL)
    expect([sentAfter(timeline, 'assistant'), sentAfter(timeline, 'coupon')]).toEqual(['1 day', '3 days'])
  })

  it('lets first-order speak for a week with who does not come', async () => {
    const timeline = await play()
    expect(sent(timeline)).toEqual(ALL)
    expect(sentAfter(timeline, 'coupon')).toBe('7 days')
    const busy = await walk(firstOrder, { events: [added] })
    expect(busy.end).toEqual({ status: 'exited', reason: 'assistant.added' })
    expect(sent(busy)).toEqual(['welcome'])
  })

  it.each([
    [['baby', 'home'], 'baby'],
    [['vip', 'beauty'], 'beauty'],
    [['home'], 'home'],
    [['vip'], 'general'],
  ])('has for %j the words for %s on day three', async (tags, message) => {
    const timeline = await play({ events: [added], customer: { tags } })
    expect([sent(timeline)[1], sentAfter(timeline, message)]).toEqual([message, '3 days'])
  })

  it('begins with a registration, never with an import, and once in a life', async () => {
    const { plan } = journey
    expect(plan.begins).toEqual({ on: 'customer.registered', unless: { import: true } })
    const again = { type: 'customer.registered', after: '20 days' } as const
    const { lines } = await play({ events: [again, { ...again, properties: { import: true } }] })
    const events = lines.filter(({ what }) => what === 'event').map(({ text }) => text)
    expect(events[0]).toContain('no entry: ALREADY_ENTERED')
    expect(events[1]).toContain('kept, nothing waits for it')
  })

  it.each(['2 days', '8 days', '12 days'] as const)('ends with the first order at %s, in any wait', async (after) => {
    const timeline = await play({ events: [{ type: 'order.paid', after }] })
    expect(timeline.end).toEqual({ status: 'goal', reason: 'order.paid' })
    expect(timeline.lines.at(-1)?.after).toBe(after)
  })

  it('is not ended by a refund: the order it wished for was paid', async () => {
    const events = [
      { type: 'order.paid', after: '1 day' },
      { type: 'order.refunded', after: '2 days' },
    ] as const
    expect((await play({ events })).end.status).toBe('goal')
  })

  it('goes on without a coupon where none is left, and says nothing of it', async () => {
    for (const [script, code] of [
      [{ couponsLeft: 0 }, 'QUOTA_EXHAUSTED'],
      [{ couponsHeld: 1 }, 'MEMBER_LIMIT'],
    ] as const) {
      const timeline = await play(script)
      expect(sent(timeline)).toEqual(['assistant', 'general'])
      expect(refused(timeline)[0]).toBe(`welcome-10: ${code}`)
    }
  })

  it('writes to nobody without consent or in the control arm', async () => {
    expect(sent(await play({ customer: { consent: false } }))).toEqual([])
    expect(sent(await play({ unsubscribes: '2 days' }))).toEqual(['assistant'])
    expect(new Set(refused(await play({ arm: 'holdout' })).map((one) => one.split(': ')[1]))).toEqual(
      new Set(['HOLDOUT']),
    )
  })

  it('has no last look a day late, and keeps it from the night', async () => {
    const events = [added]
    expect(refused(await play({ events, paused: { after: '7 days', for: '3 days' } }))).toEqual(['last: NEWS_OVER'])
    const late = await play({ start: Date.UTC(2026, 10, 23, 22) })
    expect(sentAfter(late, 'assistant')).toBe('1 day 11 hours')
  })
})
