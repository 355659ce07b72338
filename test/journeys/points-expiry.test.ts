import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('points-expiry')

/** So many days after the midnight at which the walk starts; what is over then was good until the day before. */
const lot = (amount: number, days: number, gone?: number) => ({
  amount,
  after: `${days} days` as const,
  ...(gone !== undefined && { gone: `${gone} days` as const }),
})

const words = async (script: Script): Promise<string[]> =>
  (await walk(journey, script)).lines.flatMap((line) => (line.words ? [line.words.text] : []))

describe('points-expiry', () => {
  it('begins by the day’s sweep, for points that are worth it', () => {
    expect(journey.plan.sweep).toEqual({ audience: 'points-expiring', at: '10:00', worth: 100 })
    expect(journey.plan.reentry.when).toBe('after-exit')
  })

  it('tells of all lots of a week at once: a month, a week and a day before the first', async () => {
    const expiring = [lot(150, 31), lot(30, 33), lot(20, 37)]
    expect(formatTimeline(await walk(journey, { expiring }))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 00:00  Points expire begins for C1001, treated
      +0d 00:00  Mon 23 Nov 00:00  wait for the day, until Mon 23 Nov 10:00
      +0d 10:00  Mon 23 Nov 10:00  mail month: "200 points are yours until 2026-12-29"
      +0d 10:00  Mon 23 Nov 10:00  wait until 7 days before, until Wed 16 Dec 10:00
      +23d 10:00  Wed 16 Dec 10:00  mail week: "200 points expire within days"
      +23d 10:00  Wed 16 Dec 10:00  wait until a day before, until Tue 22 Dec 10:00
      +29d 10:00  Tue 22 Dec 10:00  mail day: "Your points expire: the first on 2026-12-23"
      +29d 10:00  Tue 22 Dec 10:00  end, completed: the story was told"
    `)
    const mails = await words({ expiring })
    expect(mails).toHaveLength(3)
    for (const mail of mails) {
      expect(mail).toContain('150 until 2026-12-23\n30 until 2026-12-25\n20 until 2026-12-29')
    }
  })

  it('begun twelve days before leaves out what is past', async () => {
    const timeline = await walk(journey, { expiring: [lot(150, 13)] })
    expect(sent(timeline)).toEqual(['week', 'day'])
    expect([sentAfter(timeline, 'week'), sentAfter(timeline, 'day')]).toEqual(['5 days 10 hours', '11 days 10 hours'])
  })

  it('reads anew before each: what was spent is not told of, and less than it is worth is not told at all', async () => {
    const expiring = [lot(150, 31, 20), lot(120, 34)]
    const timeline = await walk(journey, { expiring })
    expect(sent(timeline)).toEqual(['month', 'week', 'day'])
    // The first lot is gone, so the days before count from the second.
    expect([sentAfter(timeline, 'week'), sentAfter(timeline, 'day')]).toEqual(['26 days 10 hours', '32 days 10 hours'])
    expect((await words({ expiring }))[1]).not.toContain('150')
    const spent = await walk(journey, { expiring: [lot(150, 31, 20), lot(99, 34)] })
    expect([sent(spent), spent.end]).toEqual([['month'], { status: 'completed', reason: 'the story was told' }])
    expect(sent(await walk(journey, { expiring: [lot(99, 31)] }))).toEqual([])
  })

  it('does not tell of what is over: a pause that outlasts the day skips its message', async () => {
    const expiring = [lot(150, 31)]
    const timeline = await walk(journey, { expiring, paused: { after: '20 days', for: '20 days' } })
    expect(sent(timeline)).toEqual(['month'])
    expect(refused(timeline)).toEqual(['week: NEWS_OVER'])
    const short = await walk(journey, { expiring, paused: { after: '23 days', for: '26 hours' } })
    expect(sent(short)).toEqual(['month', 'week', 'day'])
  })

  it('is on the customer’s own clock', async () => {
    const { lines } = await walk(journey, { customer: { zone: 'Asia/Shanghai' } })
    const [first] = lines.filter(({ what }) => what === 'message')
    expect(new Date(first?.at ?? 0).toISOString()).toBe('2026-11-24T02:00:00.000Z')
  })

  it.each<[Script, string]>([
    [{ customer: { consent: false } }, 'NO_CONSENT'],
    [{ arm: 'holdout' }, 'HOLDOUT'],
    [{ caps: [{ messages: 0, windowMs: 1, counts: ['marketing'] }] }, 'FREQUENCY_CAP'],
  ])('sends nothing with %j', async (script, code) => {
    const timeline = await walk(journey, script)
    expect(refused(timeline)).toEqual([`month: ${code}`, `week: ${code}`, `day: ${code}`])
    expect(timeline.end.status).toBe('completed')
  })
})
