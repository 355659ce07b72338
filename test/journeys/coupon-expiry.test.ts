import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('coupon-expiry')

const coupon = (code: string, days: number, gone?: number) => ({
  coupon: { code, title: `Title of ${code}` },
  after: `${days} days` as const,
  ...(gone !== undefined && { gone: `${gone} days` as const }),
})

const words = async (script: Script): Promise<string[]> =>
  (await walk(journey, script)).lines.flatMap((line) => (line.words ? [line.words.text] : []))

describe('coupon-expiry', () => {
  it('begins by the day’s sweep, for a single coupon too', () => {
    expect(journey.plan.sweep).toEqual({ audience: 'coupons-expiring', at: '10:00', worth: 1 })
    expect(journey.plan.reentry.when).toBe('after-exit')
  })

  it('tells of all coupons of a week in one message, a month, a week and a day before the first', async () => {
    const expiring = [coupon('A', 31), coupon('B', 34)]
    const timeline = await walk(journey, { expiring })
    expect(sent(timeline)).toEqual(['month', 'week', 'day'])
    expect(['month', 'week', 'day'].map((name) => sentAfter(timeline, name))).toEqual([
      '10 hours',
      '23 days 10 hours',
      '29 days 10 hours',
    ])
    for (const mail of await words({ expiring })) {
      expect(mail).toContain('Title of A: A, until 2026-12-23\nTitle of B: B, until 2026-12-26')
    }
  })

  it('does not tell of what was redeemed meanwhile, and ends when nothing is left', async () => {
    const expiring = [coupon('A', 8, 3), coupon('B', 9)]
    const mails = await words({ expiring })
    expect(mails).toHaveLength(2)
    expect([mails[0]?.includes('A: A'), mails[1]?.includes('A: A'), mails[1]?.includes('B: B')]).toEqual([
      true,
      false,
      true,
    ])
    const gone = await walk(journey, { expiring: [coupon('A', 8, 3)] })
    expect([sent(gone), gone.end.status]).toEqual([['week'], 'completed'])
  })

  it.each<[Script, string]>([
    [{ customer: { consent: false } }, 'NO_CONSENT'],
    [{ arm: 'holdout' }, 'HOLDOUT'],
  ])('sends nothing with %j', async (script, code) => {
    const timeline = await walk(journey, script)
    expect(refused(timeline)).toEqual([`month: ${code}`, `week: ${code}`, `day: ${code}`])
    expect(timeline.end.status).toBe('completed')
  })
})
