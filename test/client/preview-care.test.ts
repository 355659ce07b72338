import { describe, expect, it } from 'vitest'
import { type Script, formatTimeline, walk } from '../../client/preview.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { journey } from '../../workflows/kit/index.ts'
import type { CleanUp, Kit, Plan } from '../../workflows/kit/plan.ts'

const copy = { hello: { subject: 'Hello', text: 'Hello {{ links.confirm }}' } }
const offers = { ten: { title: 'Ten off', quota: 10, perMember: 2 } }

/** Walks a story that is written in the test itself; answers its timeline and what the story came to. */
async function tell<T>(
  story: (steps: Kit<'hello', 'ten'>) => Promise<T>,
  { cleanUp, plan = {}, ...script }: Script & { cleanUp?: CleanUp; plan?: Partial<Plan<'hello', 'ten'>> } = {},
) {
  let came: T | undefined
  const made = journey<'hello', 'ten'>(
    { title: 'Test', copy, offers, ...plan },
    async (steps) => void (came = await story(steps)),
    cleanUp,
  )
  const timeline = await walk({ plan: checkPlan('test', made.plan), journey: made }, script)
  return { came, timeline, text: formatTimeline(timeline) }
}

describe('a task', () => {
  const ask = ({ task }: Kit<'hello', 'ten'>) => task('adviser', { within: '2 days', note: 'Call them.' })

  it('goes on with who did it, as soon as it is done', async () => {
    const { came, timeline, text } = await tell(ask, { decides: { after: '1 day', decision: 'done', by: 'eve' } })
    expect(came).toEqual({ done: true, by: 'eve', note: '' })
    expect(timeline.lines.at(-1)?.after).toBe('1 day')
    expect(text).toContain('task adviser: Call them., until Wed 25 Nov 10:00')
  })

  it('goes on at its deadline where nobody does it, and is not decided as a review', async () => {
    const { came, timeline } = await tell(ask, { decides: { after: '1 day', decision: 'approve' } })
    expect(came).toEqual({ done: false, by: 'deadline', note: 'nobody decided' })
    expect(timeline.lines.at(-1)?.after).toBe('2 days')
  })

  it('is over at once where it cannot be done, is asked of nobody in the control arm, and ends with the run', async () => {
    const { came } = await tell(ask, { decides: { after: '1 hour', decision: 'cannot', by: 'eve' } })
    expect(came).toMatchObject({ done: false, by: 'eve' })
    expect((await tell(ask, { arm: 'holdout' })).came).toMatchObject({ done: false, by: 'control arm' })
    const left = await tell(ask, { plan: { exit: { on: 'left.now' } }, events: [{ type: 'left.now', after: '1 day' }] })
    expect([left.came, left.timeline.end.status]).toEqual([undefined, 'exited'])
  })

  it('has working days for a deadline', async () => {
    const friday = Date.UTC(2026, 10, 27, 15)
    const days = ({ task }: Kit<'hello', 'ten'>) => task('adviser', { within: { workingDays: 2 } })
    const { timeline } = await tell(days, { start: friday })
    expect(timeline.lines.at(-1)).toMatchObject({ at: Date.UTC(2026, 11, 1, 15) })
  })
})

describe('tags', () => {
  const tags = async ({ customer }: Kit<'hello', 'ten'>): Promise<string[]> => (await customer()).tags

  it('are read with the shop’s, and fall off or are taken off', async () => {
    const { came } = await tell(
      async (steps) => {
        const seen = [await tags(steps)]
        await steps.tag('let-down', { lasts: '2 days' })
        await steps.tag('open')
        seen.push(await tags(steps))
        await steps.untag('open')
        await steps.untag('vip')
        await steps.wait('1 day')
        seen.push(await tags(steps))
        await steps.wait('1 day')
        return [...seen, await tags(steps)]
      },
      { customer: { tags: ['vip'] } },
    )
    expect(came).toEqual([['vip'], ['vip', 'let-down', 'open'], ['vip', 'let-down'], ['vip']])
  })

  it('are given once a pause is over, not in the control arm, and taken off by a clean-up', async () => {
    const give = async (steps: Kit<'hello', 'ten'>) => {
      await steps.wait('1 day')
      await steps.tag('open')
      await steps.wait('1 day')
      return tags(steps)
    }
    const paused = await tell(give, { paused: { after: '12 hours', for: '2 days' } })
    expect([paused.came, paused.timeline.lines.at(-1)?.after]).toEqual([['open'], '3 days 12 hours'])
    expect((await tell(give, { arm: 'holdout' })).came).toEqual([])
    const { text } = await tell(give, {
      plan: { exit: { on: 'left.now' } },
      events: [{ type: 'left.now', after: '30 hours' }],
      cleanUp: async ({ untag }) => untag('open'),
    })
    expect(text).toMatch(/left\.now: an exit[\s\S]*untag open/)
  })
})

describe('consent', () => {
  const askAndSend = async ({ askConsent, send, waitForEvent }: Kit<'hello', 'ten'>) => {
    const asked = await askConsent()
    if (asked.asked) await send('hello')
    await waitForEvent('consent.confirmed', { within: '7 days' })
    return [asked, await send('hello')]
  }

  it('is withdrawn for a reason, and marketing stops', async () => {
    const { came, text } = await tell(async ({ unsubscribe, send }) => {
      await unsubscribe('silence')
      return send('hello')
    })
    expect(came).toEqual({ is: 'skipped', code: 'NO_CONSENT' })
    expect(text).toContain('consent to marketing withdrawn: silence')
  })

  it('that a journey withdrew is asked for, and counts once it is confirmed', async () => {
    const customer = { consent: false, withdrawnFor: 'silence' }
    const confirmed = { type: 'consent.confirmed', after: '1 day', properties: { topic: 'marketing' } } as const
    const { came } = await tell(askAndSend, { customer, events: [confirmed] })
    expect(came).toEqual([{ asked: true }, { is: 'sent' }])
    const silent = await tell(askAndSend, { customer })
    expect(silent.came).toEqual([{ asked: true }, { is: 'skipped', code: 'NO_CONSENT' }])
  })

  it.each([
    ['is given', {}, 'CONSENT_GIVEN'],
    ['was never given', { customer: { consent: false } }, 'NO_CONSENT'],
    ['the customer withdrew', { customer: { consent: false, withdrawnFor: 'silence' }, unsubscribes: 0 }, 'NO_CONSENT'],
    ['is of the control arm', { customer: { consent: false, withdrawnFor: 'silence' }, arm: 'holdout' }, 'HOLDOUT'],
  ] as const)('that %s is not asked for', async (_what, script, code) => {
    const { came } = await tell(async ({ askConsent }) => askConsent(), script)
    expect(came).toEqual({ asked: false, refused: code })
  })
})

describe('targets', () => {
  it('are festivals, and instants with what lies before and after them', async () => {
    const instant = '2026-11-25T20:00:00+08:00'
    const { came, text } = await tell(async ({ waitUntil }) => [
      await waitUntil({ instant, before: '6 hours' }),
      await waitUntil({ instant, after: '2 hours' }),
      await waitUntil({ instant }, { late: 'skip' }),
      await waitUntil({ instant, before: '1 hour' }),
      await waitUntil({ festival: ['mid-autumn', 'spring-festival'], at: '10:00' }),
    ])
    expect(came).toEqual([true, true, false, true, true])
    expect(text).toMatch(/wait until 6 hours before 2026-11-25T20:00:00\+08:00, until Wed 25 Nov 06:00/)
    expect(text).toMatch(/wait until 2 hours after 2026-11-25T20:00:00\+08:00, until Wed 25 Nov 14:00/)
    expect(text).toMatch(/wait until mid-autumn spring-festival 10:00, until Sat {2}6 Feb 10:00/)
  })
})

it('a clean-up takes back the coupons of the run', async () => {
  const { text } = await tell(
    async ({ issueCoupon, wait }) => {
      await issueCoupon('ten', { valid: '7 days' })
      await wait('1 day')
    },
    {
      plan: { exit: { on: 'left.now' } },
      events: [{ type: 'left.now', after: '1 hour' }],
      cleanUp: async ({ voidCoupons }) => void (await voidCoupons()),
    },
  )
  expect(text).toMatch(/end, exited: left\.now[\s\S]*coupon ten void/)
})
