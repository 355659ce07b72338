import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('tier-keep')
const ending = { tier: { level: 'gold', needed: 1_200, daysLeft: 30 } }

describe('tier-keep', () => {
  it('begins by the day’s sweep, at ten on the customer’s own clock', () => {
    expect(journey.plan.begins).toBeUndefined()
    expect(journey.plan.sweep).toEqual({ audience: 'tier-ending', at: '10:00' })
  })

  it('tells thirty and seven days before what is missing', async () => {
    expect(formatTimeline(await walk(journey, { customer: ending }), { words: true })).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 00:00  Keep your tier begins for C1001, treated
      +0d 00:00  Mon 23 Nov 00:00  wait for the day, until Mon 23 Nov 10:00
      +0d 10:00  Mon 23 Nov 10:00  mail month: "Gold until 2026-12-23"
          You are Gold until 2026-12-23.

          1200 more growth value until then, and you stay it for another term.
      +0d 10:00  Mon 23 Nov 10:00  wait 23 days, 10:00, until Wed 16 Dec 10:00
      +23d 10:00  Wed 16 Dec 10:00  mail week: "A last week as Gold?"
          1200 more growth value by 2026-12-23, and you stay Gold.
      +23d 10:00  Wed 16 Dec 10:00  end, completed: the story was told"
    `)
  })

  it('comes late where it begins late, and says one thing at a time', async () => {
    const of = (daysLeft: number): Script => ({ customer: { tier: { level: 'gold', needed: 5, daysLeft } } })
    expect(sentAfter(await walk(journey, of(20)), 'week')).toBe('13 days 10 hours')
    const last = await walk(journey, of(7))
    expect(sent(last)).toEqual(['week'])
  })

  it.each(['Pacific/Auckland', 'America/Los_Angeles', 'Europe/Berlin'])('keeps to ten o’clock in %s', async (zone) => {
    // Over the change of the clocks in Berlin and Los Angeles.
    const start = Date.UTC(2027, 2, 1)
    const timeline = await walk(journey, { start, customer: { ...ending, zone } })
    const hours = timeline.lines.filter(({ what }) => what === 'message').map(({ at }) => at)
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' })
    expect(hours.map((at) => clock.format(at))).toEqual(['10:00', '10:00'])
  })

  it.each([
    ['tier.kept', 'goal'],
    ['tier.upgraded', 'exited'],
    ['tier.downgraded', 'exited'],
  ])('ends early by %s', async (type, status) => {
    const timeline = await walk(journey, { customer: ending, events: [{ type, after: '5 days' }] })
    expect(sent(timeline)).toEqual(['month'])
    expect(timeline.end).toEqual({ status, reason: type })
  })

  it('counts a level that was kept after the last word', async () => {
    const timeline = await walk(journey, { customer: ending, events: [{ type: 'tier.kept', after: '38 days' }] })
    expect(timeline.end.status).toBe('completed')
    expect(timeline.goalAt).not.toBeNull()
  })

  it('says nothing to who has what it takes by then, or is on the lowest level', async () => {
    expect(sent(await walk(journey, { customer: { tier: { level: 'gold', needed: 0, daysLeft: 30 } } }))).toEqual([])
    expect(sent(await walk(journey))).toEqual([])
  })

  it('goes on after a refund: more is missing, not less', async () => {
    const timeline = await walk(journey, { customer: ending, events: [{ type: 'order.refunded', after: '5 days' }] })
    expect(sent(timeline)).toEqual(['month', 'week'])
  })

  it.each<[Script, string[]]>([
    [{ customer: { ...ending, consent: false } }, ['month: NO_CONSENT', 'week: NO_CONSENT']],
    [{ customer: { ...ending, suppressed: true } }, ['month: SUPPRESSED', 'week: SUPPRESSED']],
    [{ customer: ending, arm: 'holdout' }, ['month: HOLDOUT', 'week: HOLDOUT']],
  ])('tells nobody with %j, and ends all the same', async (script, reasons) => {
    const timeline = await walk(journey, script)
    expect([sent(timeline), refused(timeline)]).toEqual([[], reasons])
    expect(timeline.end.status).toBe('completed')
  })

  it('is a run of its own for each term', async () => {
    const { lines } = await walk(journey, { customer: ending, events: [{ type: 'tier.kept', after: '5 days' }] })
    expect(lines.filter(({ text }) => text.includes('another run'))).toEqual([])
    expect(journey.plan.reentry).toEqual({ when: 'never', gap: 0, atMost: Infinity })
  })
})
