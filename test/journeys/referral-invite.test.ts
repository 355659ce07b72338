import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import { formatTimeline, journeyNamed, refused, sent, walk } from '../walk.ts'

const journey = await journeyNamed('referral-invite')
const begin = { order: 'O1', amount: 299_00 }

describe('referral-invite', () => {
  it('gives the code to share three days after the first order', async () => {
    expect(formatTimeline(await walk(journey, { begin }), { words: true })).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Referral invitation begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  wait 3 days, 10:00, until Thu 26 Nov 10:00
      +3d 00:00  Thu 26 Nov 10:00  referral code of referral-reward: SAMPLE36UTFL
      +3d 00:00  Thu 26 Nov 10:00  mail invite: "Ten off for a friend, a reward for you"
          Hello Ada,

          thank you for your order. Your code SAMPLE36UTFL takes ten off a friend’s first order. When that order stays with your friend, 500 points are yours; with three friends and with five there is more. The code is good until 2027-11-26.
      +3d 00:00  Thu 26 Nov 10:00  end, completed: the story was told"
    `)
  })

  it('comes once a life: a second order begins no other', async () => {
    const paid = { type: 'order.paid', after: '5 days', properties: { order: 'O2', amount: 1 } } as const
    const { lines } = await walk(journey, { begin, events: [paid] })
    expect(lines.find(({ what }) => what === 'event')?.text).toBe('event order.paid: no entry: REENTRY_LIMIT')
  })

  it('leaves when that order is refunded, and not for another', async () => {
    const refund = (order: string): Script => ({
      begin,
      events: [{ type: 'order.refunded', after: '1 day', properties: { order } }],
    })
    const timeline = await walk(journey, refund('O1'))
    expect([timeline.end, sent(timeline)]).toEqual([{ status: 'exited', reason: 'order.refunded' }, []])
    expect(sent(await walk(journey, refund('O9')))).toEqual(['invite'])
  })

  it.each<[string, Script, string[]]>([
    ['without consent', { customer: { consent: false } }, ['invite: NO_CONSENT']],
    ['in the control arm', { arm: 'holdout' }, ['code of referral-reward: HOLDOUT']],
  ])('sends nothing %s, and ends all the same', async (_how, script, codes) => {
    const timeline = await walk(journey, { begin, ...script })
    expect([sent(timeline), refused(timeline), timeline.end.status]).toEqual([[], codes, 'completed'])
  })

  it('holds while it is paused', async () => {
    const { lines } = await walk(journey, { begin, paused: { after: '1 day', for: '5 days' } })
    expect(lines.find(({ what }) => what === 'referral')?.after).toBe('6 days')
  })
})
