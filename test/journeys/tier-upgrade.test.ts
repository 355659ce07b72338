import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('tier-upgrade')
const begin = {
  level: 'gold',
  title: 'Gold',
  from: 'silver',
  period: '2026-11-23',
  reached: 'gold.2026-11-23',
  again: false,
}

describe('tier-upgrade', () => {
  it('congratulates, gives at once, and asks after seven days', async () => {
    expect(formatTimeline(await walk(journey, { begin }), { words: true })).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Tier upgrade begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  coupon tier-gold: SAMPLEN7W7HL, until Wed 23 Dec 10:00
      +0d 00:00  Mon 23 Nov 10:00  points tier-gift: 100 points
      +0d 00:00  Mon 23 Nov 10:00  mail congratulations: "You are Gold now"
          Congratulations, Ada: you are Gold from today.

          4 % off everything, at the till.
          Free returns.
          100 points, on your account already.
          Ten percent off, for Gold: SAMPLEN7W7HL, good until 2026-12-23.
      +0d 00:00  Mon 23 Nov 10:00  wait for order.paid, until Mon 30 Nov 10:00
      +7d 00:00  Mon 30 Nov 10:00  it did not come
      +7d 00:00  Mon 30 Nov 10:00  mail nudge: "What Gold gives you"
          SAMPLEN7W7HL still waits for you, until 2026-12-23.

          As Gold you have 4 % off whenever you order. Have you tried it?
      +7d 00:00  Mon 30 Nov 10:00  end, completed: the story was told"
    `)
  })

  it('is a run for each level and period, and never two for one', async () => {
    expect((await walk(journey, { begin })).run).toBe('tier-upgrade/C1001/gold.2026-11-23')
    const { lines } = await walk(journey, {
      begin,
      events: [{ type: 'tier.upgraded', after: '1 day', properties: begin }],
    })
    expect(lines.find(({ what }) => what === 'event')?.text).toContain('no entry: ALREADY_ENTERED')
  })

  it('does not begin where the level was had before in the period', () => {
    expect(journey.plan.begins).toEqual({ on: 'tier.upgraded', where: { again: false } })
  })

  it.each([
    ['tier.upgraded', { level: 'platinum', reached: 'platinum.2026-11-25', again: false }],
    ['tier.downgraded', { level: 'silver' }],
  ])('ends when the tier changes again: %s', async (type, properties) => {
    const timeline = await walk(journey, { begin, events: [{ type, after: '2 days', properties }] })
    expect(sent(timeline)).toEqual(['congratulations'])
    expect(timeline.end).toEqual({ status: 'exited', reason: type })
  })

  it('does not ask who has ordered since', async () => {
    const timeline = await walk(journey, { begin, events: [{ type: 'order.paid', after: '3 days' }] })
    expect(sent(timeline)).toEqual(['congratulations'])
    expect(timeline.end.status).toBe('completed')
  })

  it('goes on after a refund, which takes the level only by its own event', async () => {
    const timeline = await walk(journey, { begin, events: [{ type: 'order.refunded', after: '3 days' }] })
    expect(sent(timeline)).toEqual(['congratulations', 'nudge'])
  })

  it('gives by night, and tells of it in the morning', async () => {
    const timeline = await walk(journey, { begin, start: Date.UTC(2026, 10, 23, 22) })
    expect(timeline.lines.find(({ what }) => what === 'coupon')?.after).toBe('at once')
    expect(sentAfter(timeline, 'congratulations')).toBe('11 hours')
  })

  it('holds all of it while it is paused', async () => {
    const timeline = await walk(journey, { begin, paused: { after: 0, for: '2 days' } })
    expect(timeline.lines.find(({ what }) => what === 'coupon')?.after).toBe('2 days')
    expect(sentAfter(timeline, 'nudge')).toBe('9 days')
  })

  it.each<[Script, string[], string[]]>([
    [{ customer: { consent: false } }, ['congratulations: NO_CONSENT', 'nudge: NO_CONSENT'], ['coupon', 'points']],
    [{ customer: { email: null } }, ['congratulations: NO_ADDRESS', 'nudge: NO_ADDRESS'], ['coupon', 'points']],
    [{ recent: 4 }, ['congratulations: FREQUENCY_CAP'], ['coupon', 'points', 'message']],
    [{ arm: 'holdout' }, ['tier benefits: HOLDOUT'], []],
    [{ couponsLeft: 0 }, ['tier-gold: QUOTA_EXHAUSTED'], ['points', 'message', 'message']],
  ])('with %j refuses %j, and ends all the same', async (script, reasons, given) => {
    const timeline = await walk(journey, { begin, ...script })
    expect(refused(timeline)).toEqual(reasons)
    expect(
      timeline.lines.map(({ what }) => what as string).filter((what) => /coupon|points|message/.test(what)),
    ).toEqual(given)
    expect(timeline.end.status).toBe('completed')
  })

  it('says what there is where a coupon is gone, or the level gives little', async () => {
    const { lines } = await walk(journey, { begin, couponsLeft: 0 })
    const [mail] = lines.filter(({ words }) => words)
    expect(mail?.words?.text).toContain('100 points')
    expect(mail?.words?.text).not.toContain('good until')
    const silver = await walk(journey, { begin: { ...begin, level: 'silver', title: 'Silver' } })
    expect(silver.lines.find(({ words }) => words)?.words?.text).toContain('2 % off everything')
  })
})
