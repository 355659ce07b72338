import { describe, expect, it } from 'vitest'
import { journeyNamed, sent, sentAfter, walk } from '../walk.ts'

const thanks = await journeyNamed('presale-thanks')
const begin = { order: 'O1', product: 'The blue kettle' }
const shipped = (order: string) =>
  ({ type: 'order.shipped', after: '2 days', properties: { order, tracking: 'SF1' } }) as const

describe('presale thanks', () => {
  it('thanks at once and says when the order has left', async () => {
    const timeline = await walk(thanks, { begin, events: [shipped('O1')] })
    expect([sent(timeline), sentAfter(timeline, 'left')]).toEqual([['thanks', 'left'], '2 days'])
    expect(timeline.lines.find(({ name }) => name === 'left')?.words?.text).toContain('SF1')
    expect(sent(await walk(thanks, { begin: { order: 'O1' }, events: [shipped('O2')] }))).toEqual(['thanks'])
  })

  it('says no more of an order that comes back, and thanks without consent, in either language', async () => {
    const back = { type: 'order.refunded', after: '1 day', properties: { order: 'O1' } } as const
    expect(sent(await walk(thanks, { begin, events: [back, shipped('O1')] }))).toEqual(['thanks'])
    const { lines } = await walk(thanks, { begin, customer: { consent: false, locale: 'zh-CN' } })
    expect(lines.find(({ what }) => what === 'message')?.words?.subject).toBe('尾款已收到，谢谢您')
  })
})
