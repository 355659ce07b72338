import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, walk } from '../walk.ts'

const journey = await journeyNamed('referral-reward')
const begin = { friend: 'F1', order: 'O1' }
const voided = (after: `${number} days`, friend = 'F1') =>
  ({ type: 'referral.voided', after, properties: { friend } }) as const

/** What happened to the referral and the points, and when. */
async function told(script: Script = {}): Promise<string[]> {
  const { lines } = await walk(journey, { begin, ...script })
  const kinds = ['referral', 'points', 'coupon', 'review', 'refused']
  return lines.filter(({ what }) => kinds.includes(what)).map(({ after, text }) => `${after}: ${text}`)
}

describe('referral-reward', () => {
  it('pays when the friend’s order can no longer be returned', async () => {
    expect(formatTimeline(await walk(journey, { begin }))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Referral reward begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  wait for the end of the return window, until Tue  8 Dec 10:00
      +15d 00:00  Tue  8 Dec 10:00  risk: allow
      +15d 00:00  Tue  8 Dec 10:00  approved, friend number 1
      +15d 00:00  Tue  8 Dec 10:00  points friend: 500 points
      +15d 00:00  Tue  8 Dec 10:00  mail thanks: "Your friend has ordered: 500 points for you"
      +15d 00:00  Tue  8 Dec 10:00  rung 1 of the ladder
      +15d 00:00  Tue  8 Dec 10:00  points first: 100 points
      +15d 00:00  Tue  8 Dec 10:00  wait 75 days, until Sun 21 Feb 10:00
      +90d 00:00  Sun 21 Feb 10:00  end, completed: the story was told"
    `)
  })

  it('is a run for each friend, and never two for one', async () => {
    const again = { type: 'referral.qualified', after: '1 day', properties: begin } as const
    const timeline = await walk(journey, { begin, events: [again] })
    expect(timeline.run).toBe('referral-reward/C1001/F1')
    expect(timeline.lines.find(({ what }) => what === 'event')?.text).toContain('no entry: ALREADY_ENTERED')
  })

  it('pays nothing where the order is back within its window', async () => {
    expect(await told({ events: [voided('14 days')] })).toEqual([])
    const { end } = await walk(journey, { begin, events: [voided('14 days')] })
    expect(end).toEqual({ status: 'exited', reason: 'referral.voided' })
  })

  it('takes back what was paid where it comes back later, the rung with it', async () => {
    expect((await told({ events: [voided('40 days')] })).slice(-2)).toEqual([
      '40 days: points friend: 500 points clawed back',
      '40 days: points first: 100 points clawed back',
    ])
    expect((await told({ friends: 4, events: [voided('40 days')] })).slice(-2)).toEqual([
      '40 days: points friend: 500 points clawed back',
      '40 days: coupon referral-five void',
    ])
  })

  it('does not mind what becomes of another friend', async () => {
    expect(await told({ events: [voided('3 days', 'F2'), voided('40 days', 'F3')] })).toEqual(await told())
  })

  it('does not begin for a friend whose referral was void before', async () => {
    const qualified = { type: 'referral.qualified', after: '4 days', properties: { friend: 'F2' } } as const
    const { lines } = await walk(journey, { begin, events: [voided('3 days', 'F2'), qualified] })
    expect(lines.filter(({ what }) => what === 'event').at(-1)?.text).toContain('no entry: OCCASION_OVER')
  })

  it('climbs the ladder: one, three, five', async () => {
    const rungs = async (friends: number) => (await told({ friends })).filter((line) => line.includes('rung'))
    expect(await rungs(0)).toEqual(['15 days: rung 1 of the ladder'])
    expect(await rungs(1)).toEqual([])
    expect(await rungs(2)).toEqual(['15 days: rung 3 of the ladder'])
    expect(await rungs(4)).toEqual(['15 days: rung 5 of the ladder'])
    expect(sent(await walk(journey, { begin, friends: 2 }))).toEqual(['thanks', 'ladder'])
  })

  it('asks a person where the rules say so, and goes on at once', async () => {
    const decides = { after: '16 days', decision: 'approve' } as const
    expect(await told({ risk: ['review'], decides })).toEqual([
      '15 days: risk: review',
      '15 days: review referral',
      '16 days: approved, friend number 1',
      '16 days: points friend: 500 points',
      '16 days: rung 1 of the ladder',
      '16 days: points first: 100 points',
    ])
    const denied = { after: '16 days', decision: 'deny' } as const
    expect((await told({ risk: ['review'], decides: denied })).at(-1)).toBe(
      '16 days: approval refused: REFERRAL_DENIED',
    )
  })

  it('denies what nobody decides in three days', async () => {
    expect((await told({ risk: ['review'] })).slice(-2)).toEqual([
      '18 days: nobody decided: deny',
      '18 days: approval refused: REFERRAL_DENIED',
    ])
    const late = { after: '19 days', decision: 'approve' } as const
    expect((await told({ risk: ['review'], decides: late })).at(-1)).toBe('18 days: approval refused: REFERRAL_DENIED')
  })

  it('waits three days and judges again where the rules hold it, and then asks', async () => {
    expect((await told({ risk: ['hold'] })).slice(0, 3)).toEqual([
      '15 days: risk: hold',
      '18 days: risk: allow',
      '18 days: approved, friend number 1',
    ])
    expect((await told({ risk: ['hold', 'hold'] })).slice(0, 4)).toEqual([
      '15 days: risk: hold',
      '18 days: risk: hold',
      '18 days: review referral',
      '21 days: nobody decided: deny',
    ])
  })

  it('leaves a review where the order comes back meanwhile', async () => {
    const { end } = await walk(journey, { begin, risk: ['review'], events: [voided('16 days')] })
    expect(end).toEqual({ status: 'exited', reason: 'referral.voided' })
  })

  it.each<[string, Script, string[]]>([
    ['the rules deny', { risk: ['deny'] }, ['approval: REFERRAL_DENIED']],
    ['the advocate has had as many as one may', { friends: 20 }, ['approval: REFERRAL_CAP']],
    ['the control arm', { arm: 'holdout' }, ['approval: HOLDOUT']],
  ])('pays nothing for %s', async (_what, script, codes) => {
    const timeline = await walk(journey, { begin, ...script })
    expect([refused(timeline), sent(timeline), timeline.end.status]).toEqual([codes, [], 'completed'])
  })

  it('tells of the reward as a service, without consent too', async () => {
    expect(sent(await walk(journey, { begin, customer: { consent: false } }))).toEqual(['thanks'])
  })

  it('holds while it is paused, and is put right all the same', async () => {
    const paused = { after: '1 day', for: '30 days' } as const
    expect(await told({ paused })).toContain('31 days: points friend: 500 points')
    const back = await told({ paused: { after: '20 days' }, events: [voided('40 days')] })
    expect(back.at(-1)).toBe('40 days: points first: 100 points clawed back')
  })
})
