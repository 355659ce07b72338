import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, walk } from '../walk.ts'

const journey = await journeyNamed('tier-near-miss')
const near = { tier: { level: 'silver', growth: 4_200 } }

describe('tier-near-miss', () => {
  it('begins by the day’s sweep, at ten on the customer’s own clock', () => {
    expect(journey.plan.sweep).toEqual({ audience: 'tier-near-miss', at: '10:00' })
  })

  it('says how little is missing', async () => {
    expect(formatTimeline(await walk(journey, { customer: near }), { words: true })).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 00:00  Almost the next tier begins for C1001, treated
      +0d 00:00  Mon 23 Nov 00:00  wait for the day, until Mon 23 Nov 10:00
      +0d 10:00  Mon 23 Nov 10:00  mail near: "Almost Gold"
          Only 800 more growth value, and you are Gold.
      +0d 10:00  Mon 23 Nov 10:00  end, completed: the story was told"
    `)
  })

  it('counts a rise within thirty days', async () => {
    const risen = (after: `${number} days`): Script => ({ customer: near, events: [{ type: 'tier.upgraded', after }] })
    expect((await walk(journey, risen('29 days'))).goalAt).not.toBeNull()
    expect((await walk(journey, risen('31 days'))).goalAt).toBeNull()
  })

  it('says nothing to who rose in the hours before, or has nothing above', async () => {
    const timeline = await walk(journey, { customer: near, events: [{ type: 'tier.upgraded', after: '9 hours' }] })
    expect([sent(timeline), timeline.end.status]).toEqual([[], 'goal'])
    expect(sent(await walk(journey, { customer: { tier: { level: 'diamond' } } }))).toEqual([])
  })

  it('says it though an order came back: what is missing is read when it is told', async () => {
    const timeline = await walk(journey, { customer: near, events: [{ type: 'order.refunded', after: '5 hours' }] })
    expect(sent(timeline)).toEqual(['near'])
  })

  it.each<[Script, string[]]>([
    [{ customer: { ...near, consent: false } }, ['near: NO_CONSENT']],
    [{ customer: near, arm: 'holdout' }, ['near: HOLDOUT']],
    [{ customer: near, recent: 4 }, ['near: FREQUENCY_CAP']],
  ])('tells nobody with %j, and ends all the same', async (script, reasons) => {
    const timeline = await walk(journey, script)
    expect([sent(timeline), refused(timeline)]).toEqual([[], reasons])
    expect(timeline.end.status).toBe('completed')
  })
})
