import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import type { Standing } from '../../domain/standing.ts'
import { decideEntry } from '../../domain/journey.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('dormant-win-back')
const DAY = 86_400_000
const standing: Standing = {
  stage: 'dormant',
  rfm: { r: 1, f: 2, m: 2 },
  segment: 'hibernating',
  gapDays: 40,
  cycles: {},
  yearSpent: 300_00,
  lastPaidAt: '2026-08-01T10:00:00.000Z',
  churnRisk: true,
}
const play = ({ customer, ...script }: Script = {}) => walk(journey, { ...script, customer: { standing, ...customer } })
const value = { standing: { ...standing, rfm: { r: 1, f: 3, m: 4 } } }
const unsubscribed = (timeline: Awaited<ReturnType<typeof play>>): boolean =>
  timeline.lines.some(({ text }) => text.includes('silence'))
const sign = (after: `${number} days`, type = 'page.viewed') => ({ type, after }) as const

describe('dormant-win-back', () => {
  it('has news, something modest, something strong for who was worth much, and an end', async () => {
    expect(formatTimeline(await play({ customer: value }))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 00:00  Win-back of the dormant begins for C1001, treated
      +0d 00:00  Mon 23 Nov 00:00  wait for the day, until Mon 23 Nov 10:00
      +0d 10:00  Mon 23 Nov 10:00  mail news: "What is new since you were here"
      +0d 10:00  Mon 23 Nov 10:00  wait 7 days, 10:00, until Mon 30 Nov 10:00
      +7d 10:00  Mon 30 Nov 10:00  coupon back-15: SAMPLED3Y46P, until Mon  7 Dec 10:00
      +7d 10:00  Mon 30 Nov 10:00  mail modest: "Fifteen yuan, if you like"
      +7d 10:00  Mon 30 Nov 10:00  wait 7 days, 10:00, until Mon  7 Dec 10:00
      +14d 10:00  Mon  7 Dec 10:00  coupon back-40: SAMPLE3Q9GPR, until Thu 17 Dec 10:00
      +14d 10:00  Mon  7 Dec 10:00  mail strong: "Forty yuan for a return"
      +14d 10:00  Mon  7 Dec 10:00  wait 11 days, 10:00, until Fri 18 Dec 10:00
      +25d 10:00  Fri 18 Dec 10:00  mail sunset: "Shall we stop writing?"
      +25d 10:00  Fri 18 Dec 10:00  wait 14 days, until Fri  1 Jan 10:00
      +39d 10:00  Fri  1 Jan 10:00  consent to marketing withdrawn: silence
      +39d 10:00  Fri  1 Jan 10:00  end, completed: the story was told"
    `)
  })

  it('gives the strong coupon by value alone', async () => {
    expect(sent(await play())).toEqual(['news', 'modest', 'sunset'])
    const spent = { standing: { ...standing, rfm: null, yearSpent: 2_000_00 } }
    expect(sent(await play({ customer: spent }))).toEqual(['news', 'modest', 'strong', 'sunset'])
    expect(sent(await play({ customer: { standing: { ...standing, yearSpent: 1_999_99 } } }))).not.toContain('strong')
    expect(sentAfter(await play({ customer: value }), 'strong')).toBe(
      sentAfter(await play(), 'modest')?.replace('7', '14'),
    )
  })

  it('never has two coupons good at one time', async () => {
    const { lines } = await play({ customer: value })
    const [modest, strong] = lines.filter(({ what }) => what === 'coupon')
    expect(modest?.until).toBeLessThanOrEqual(strong?.at ?? 0)
  })

  it.each(['new', 'active', 'at-risk', 'reactivated'] as const)('gives nothing to who is %s again', async (stage) => {
    const timeline = await play({ customer: { standing: { ...standing, stage } } })
    expect(sent(timeline)).toEqual(['news'])
    expect(timeline.lines.filter(({ what }) => what === 'coupon')).toEqual([])
    expect(unsubscribed(timeline)).toBe(false)
  })

  it('goes on where no night has reckoned with the customer', async () => {
    expect(sent(await play({ customer: { standing: null } }))).toEqual(['news', 'modest', 'sunset'])
  })

  it('ends with a paid order, at once and in each wait, and counts it for sixty days', async () => {
    for (const after of ['3 days', '10 days', '20 days', '30 days'] as const) {
      const timeline = await play({ customer: value, events: [sign(after, 'order.paid')] })
      expect(timeline.end).toEqual({ status: 'goal', reason: 'order.paid' })
      expect(unsubscribed(timeline)).toBe(false)
    }
    expect((await play({ events: [sign('59 days', 'order.paid')] })).goalAt).not.toBeNull()
    expect((await play({ events: [sign('61 days', 'order.paid')] })).goalAt).toBeNull()
  })

  it.each(['3 days', '10 days', '20 days', '30 days'] as const)(
    'leaves with a dispute of a refund at %s',
    async (after) => {
      const timeline = await play({ events: [sign(after, 'refund.disputed')] })
      expect(timeline.end).toEqual({ status: 'exited', reason: 'refund.disputed' })
      expect(unsubscribed(timeline)).toBe(false)
    },
  )

  it('stops writing only to who was told of it and gave no sign of life', async () => {
    expect(unsubscribed(await play())).toBe(true)
    expect(sent(await play({ events: [sign('20 days')] }))).not.toContain('sunset')
    const after = await play({ events: [sign('30 days', 'cart.added')] })
    expect([sent(after).includes('sunset'), unsubscribed(after)]).toEqual([true, false])
    const capped = await play({ caps: [{ messages: 2, windowMs: 60 * DAY, counts: ['marketing'] }] })
    expect([refused(capped), unsubscribed(capped)]).toEqual([['sunset: FREQUENCY_CAP'], false])
    expect(unsubscribed(await play({ arm: 'holdout' }))).toBe(false)
  })

  it('is once a dormancy, and not again within half a year', () => {
    const { reentry } = journey.plan
    const past = [{ occasion: '2026-08-01', enteredAt: 0, open: false }]
    const again = (occasion: string, now: number) => decideEntry({ reentry }, { occasion, now, past })
    expect(again('2026-08-01', 400 * DAY)).toMatchObject({ code: 'ALREADY_ENTERED' })
    expect(again('2027-01-20', 179 * DAY)).toMatchObject({ code: 'REENTRY_TOO_SOON' })
    expect(again('2027-01-20', 180 * DAY)).toMatchObject({ enter: true })
    expect(journey.plan.sweep).toEqual({ audience: 'dormant', at: '10:00' })
  })

  it('goes on without a coupon where the quota, the member’s own or the money is gone', async () => {
    for (const [script, code] of [
      [{ couponsLeft: 0 }, 'QUOTA_EXHAUSTED'],
      [{ couponsHeld: 5 }, 'MEMBER_LIMIT'],
      [{ budgetLeft: 1 }, 'BUDGET_EXHAUSTED'],
    ] as const) {
      const timeline = await play(script)
      expect([sent(timeline), refused(timeline)[0]]).toEqual([['news', 'sunset'], `back-15: ${code}`])
    }
  })

  it('writes to nobody without consent, and has no last word a week late', async () => {
    const none = await play({ customer: { consent: false } })
    expect([sent(none), unsubscribed(none)]).toEqual([[], false])
    const late = await play({ paused: { after: '20 days', for: '20 days' } })
    expect([refused(late), unsubscribed(late)]).toEqual([['sunset: NEWS_OVER'], false])
  })
})
