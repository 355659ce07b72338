import { describe, expect, it } from 'vitest'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const care = await journeyNamed('high-value-care')
const begin = { from: 'active', to: 'high-value', change: '2026-11-23.high-value' }
const done = { after: '1 day', decision: 'done', by: 'Eve' } as const
const moved = (to: string, after: '1 day' | '3 days') =>
  ({ type: 'stage.changed', after, properties: { from: 'high-value', to } }) as const

describe('high value care', () => {
  it('has the adviser thank in person, writes in their name, and sends a card for the next holiday', async () => {
    expect(formatTimeline(await walk(care, { begin, decides: done }))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  High value care begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  task adviser: Thank them in person, and ask what they need. Sell nothing., until Wed 25 Nov 10:00
      +1d 00:00  Tue 24 Nov 10:00  decides: done
      +1d 00:00  Tue 24 Nov 10:00  mail adviser: "Thank you, from Eve"
      +1d 00:00  Tue 24 Nov 10:00  wait until spring-festival mid-autumn 09:30, until Sat  6 Feb 09:30
      +74d 23:30  Sat  6 Feb 09:30  mail card: "Good wishes for the holiday"
      +74d 23:30  Sat  6 Feb 09:30  end, completed: the story was told"
    `)
  })

  it('thanks in the name of the shop where the adviser could not, or did not in two working days', async () => {
    const cannot = await walk(care, { begin, decides: { ...done, decision: 'cannot' } })
    expect([sent(cannot), sentAfter(cannot, 'thanks')]).toEqual([['thanks', 'card'], '1 day'])
    const friday = await walk(care, { begin, start: Date.UTC(2026, 10, 27, 10) })
    expect(sentAfter(friday, 'thanks')).toBe('4 days')
  })

  it.each(['1 day', '3 days'] as const)('ends when the stage falls after %s', async (after) => {
    const timeline = await walk(care, { begin, events: [moved('at-risk', after)] })
    expect(sent(timeline)).toEqual(after === '1 day' ? [] : ['thanks'])
    expect(timeline.end).toEqual({ status: 'exited', reason: 'stage.changed' })
  })

  it('is once a year, however often the stage is reached', async () => {
    const again = await walk(care, { begin, events: [moved('at-risk', '1 day'), moved('high-value', '3 days')] })
    expect(formatTimeline(again)).toContain('no entry: REENTRY_TOO_SOON')
    const on = await walk(care, { begin, events: [moved('high-value', '3 days')] })
    expect(formatTimeline(on)).toContain('no entry: ALREADY_ENTERED')
    expect(sent(on)).toEqual(['thanks', 'card'])
  })

  it('asks the adviser of nobody in the control arm, and writes to nobody who did not agree', async () => {
    const held = await walk(care, { begin, arm: 'holdout' })
    expect([sent(held), refused(held)]).toEqual([[], ['thanks: HOLDOUT', 'card: HOLDOUT']])
    expect(refused(await walk(care, { begin, customer: { consent: false } }))).toEqual([
      'thanks: NO_CONSENT',
      'card: NO_CONSENT',
    ])
  })

  it('sends no card of a holiday that is over, as where an operator had paused it', async () => {
    const paused = { after: '70 days', for: '10 days' } as const
    expect(refused(await walk(care, { begin, paused }))).toEqual(['card: NEWS_OVER'])
  })

  it('speaks Chinese', async () => {
    const { lines } = await walk(care, { begin, decides: done, customer: { locale: 'zh-CN' } })
    expect(lines.filter(({ what }) => what === 'message').map(({ words }) => words?.subject)).toEqual([
      '广告：Eve 向您致谢',
      '广告：祝您佳节安康',
    ])
  })
})
