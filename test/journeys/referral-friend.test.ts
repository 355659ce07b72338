import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, walk } from '../walk.ts'

const journey = await journeyNamed('referral-friend')

describe('referral-friend', () => {
  it('gives the friend a coupon for the first order, and says when it ends', async () => {
    expect(formatTimeline(await walk(journey))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Brought by a friend begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  coupon referral-friend-10: SAMPLEFGG2S2, until Wed 23 Dec 10:00
      +0d 00:00  Mon 23 Nov 10:00  mail welcome: "A friend sends you ten off"
      +0d 00:00  Mon 23 Nov 10:00  wait 25 days, until Fri 18 Dec 10:00
      +25d 00:00  Fri 18 Dec 10:00  mail last: "Your friend’s gift ends soon"
      +25d 00:00  Fri 18 Dec 10:00  end, completed: the story was told"
    `)
  })

  it('has the offer that the programme promises, for a first order and no other', async () => {
    const { plan } = await journeyNamed('referral-reward')
    expect(Object.keys(journey.plan.offers)).toEqual([plan.referral?.friend])
    expect(journey.plan.offers['referral-friend-10']).toMatchObject({ perMember: 1, needs: { firstOrder: true } })
  })

  it('ends with the first order, as its goal', async () => {
    const timeline = await walk(journey, { events: [{ type: 'order.paid', after: '4 days' }] })
    expect(timeline.end).toEqual({ status: 'goal', reason: 'order.paid' })
    expect(sent(timeline)).toEqual(['welcome'])
  })

  it('comes once a life, whoever else’s code is claimed', async () => {
    const { lines } = await walk(journey, { events: [{ type: 'referral.accepted', after: '1 day' }] })
    expect(lines.find(({ what }) => what === 'event')?.text).toContain('no entry: ALREADY_ENTERED')
  })

  it.each<[string, Script, string[]]>([
    ['without consent', { customer: { consent: false } }, ['welcome: NO_CONSENT', 'last: NO_CONSENT']],
    ['in the control arm', { arm: 'holdout' }, ['referral-friend-10: HOLDOUT', 'welcome: HOLDOUT', 'last: HOLDOUT']],
    [
      'without a coupon left',
      { couponsLeft: 0 },
      ['referral-friend-10: QUOTA_EXHAUSTED', 'welcome: TEMPLATE_VARIABLE_MISSING', 'last: TEMPLATE_VARIABLE_MISSING'],
    ],
  ])('sends nothing %s', async (_how, script, codes) => {
    const timeline = await walk(journey, script)
    expect([sent(timeline), refused(timeline)]).toEqual([[], codes])
  })
})
