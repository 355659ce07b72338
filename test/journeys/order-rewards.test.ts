import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, walk } from '../walk.ts'

const journey = await journeyNamed('order-rewards')
const begin = { order: 'O17', amount: 299_00, freight: 10_00 }

const refund = (after: `${number} days`, order = 'O17') => ({ type: 'order.refunded', after, properties: { order } })

async function points(script: Script = {}): Promise<string[]> {
  const { lines } = await walk(journey, { begin, ...script })
  return lines
    .filter(({ what }) => what === 'points')
    .map(({ after, text }) => `${after}: ${text.replace('points ', '')}`)
}

const pending = ['at once: order: 289 points, pending', 'at once: growth: 289 growth, pending']
const settled = ['15 days: order: 289 points settled', '15 days: growth: 289 growth settled']

describe('order-rewards', () => {
  it('awards at once, and settles when the order can no longer be returned', async () => {
    expect(formatTimeline(await walk(journey, { begin }))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Order rewards begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  points order: 289 points, pending
      +0d 00:00  Mon 23 Nov 10:00  points growth: 289 growth, pending
      +0d 00:00  Mon 23 Nov 10:00  wait 15 days, until Tue  8 Dec 10:00
      +15d 00:00  Tue  8 Dec 10:00  points order: 289 points settled
      +15d 00:00  Tue  8 Dec 10:00  points growth: 289 growth settled
      +15d 00:00  Tue  8 Dec 10:00  wait 75 days, until Sun 21 Feb 10:00
      +90d 00:00  Sun 21 Feb 10:00  end, completed: the story was told"
    `)
  })

  it('multiplies points by the level, and never the growth value', async () => {
    const { lines } = await walk(journey, { begin, customer: { tier: { level: 'gold' } } })
    expect(lines.filter(({ what }) => what === 'points').map(({ text }) => text)).toEqual([
      'points order: 361 points, pending',
      'points growth: 289 growth, pending',
      'points order: 361 points settled',
      'points growth: 289 growth settled',
    ])
  })

  it('is a run for each order, and never two for one', async () => {
    expect((await walk(journey, { begin })).run).toBe('order-rewards/C1001/O17')
    const { lines } = await walk(journey, {
      begin,
      events: [{ type: 'order.paid', after: '1 day', properties: begin }],
    })
    expect(lines.find(({ what }) => what === 'event')?.text).toContain('no entry: ALREADY_ENTERED')
  })

  it('voids what is pending when the order is refunded', async () => {
    expect(await points({ events: [refund('3 days')] })).toEqual([
      ...pending,
      '3 days: order: 289 points void',
      '3 days: growth: 289 growth void',
    ])
    const { end } = await walk(journey, { begin, events: [refund('3 days')] })
    expect(end).toEqual({ status: 'exited', reason: 'order.refunded' })
  })

  it('claws back what is settled when the refund comes later', async () => {
    expect(await points({ events: [refund('40 days')] })).toEqual([
      ...pending,
      ...settled,
      '40 days: order: 289 points clawed back',
      '40 days: growth: 289 growth clawed back',
    ])
    expect(await points({ events: [refund('91 days')] })).toEqual([...pending, ...settled])
  })

  it('takes a share back for a part that is refunded, and goes on; with the last part all is gone', async () => {
    const part = (after: `${number} days`, refund: string, amount: number) => ({
      type: 'order.refunded',
      after,
      properties: { order: 'O17', refund, amount },
    })
    expect(
      await points({
        events: [part('3 days', 'R1', 100_00), part('4 days', 'R1', 100_00), part('20 days', 'R2', 0.5 * 289_00)],
      }),
    ).toEqual([
      ...pending,
      '3 days: order: 100 points void, refund R1',
      '3 days: growth: 100 growth void, refund R1',
      '15 days: order: 189 points settled',
      '15 days: growth: 189 growth settled',
      '20 days: order: 144 points clawed back, refund R2',
      '20 days: growth: 144 growth clawed back, refund R2',
    ])
    const events = [part('3 days', 'R1', 100_00), part('4 days', 'R2', 189_00)]
    expect((await points({ events })).slice(-2)).toEqual([
      '4 days: order: 189 points void',
      '4 days: growth: 189 growth void',
    ])
    expect((await walk(journey, { begin, events })).end).toEqual({ status: 'exited', reason: 'order.refunded' })
  })

  it('does not mind the refund of another order, or of none', async () => {
    const nameless = { type: 'order.refunded', after: '2 days' } as const
    expect(await points({ events: [refund('3 days', 'O18'), nameless] })).toEqual([...pending, ...settled])
  })

  it('does not begin for an order whose refund came before', async () => {
    const paid = { type: 'order.paid', after: '4 days', properties: { order: 'O18', amount: 1 } } as const
    const { lines } = await walk(journey, { begin, events: [refund('3 days', 'O18'), paid] })
    expect(lines.filter(({ what }) => what === 'event').at(-1)?.text).toBe('event order.paid: no entry: OCCASION_OVER')
  })

  it('holds while it is paused', async () => {
    const paused = { after: '1 day', for: '20 days' } as const
    expect(await points({ paused })).toEqual([...pending, ...settled.map((line) => line.replace('15', '21'))])
    // A refund is put right all the same.
    expect((await points({ paused, events: [refund('16 days')] })).at(-1)).toBe('16 days: growth: 289 growth void')
  })

  it.each<[Script, string]>([
    [{ arm: 'holdout' }, 'HOLDOUT'],
    [{ begin: { order: 'O17', amount: 99 } }, 'NOTHING_EARNED'],
    [{ begin: { order: 'O17', amount: null } }, 'AMOUNT_MISSING'],
  ])('awards nothing with %j, and ends all the same', async (script, code) => {
    const timeline = await walk(journey, { begin, ...script })
    expect(refused(timeline)).toEqual([`order: ${code}`, `growth: ${code}`])
    expect(timeline.end.status).toBe('completed')
  })
})
