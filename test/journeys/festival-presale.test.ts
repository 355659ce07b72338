import { describe, expect, it } from 'vitest'
import { formatTimeline, journeyNamed, refused, sent, walk } from '../walk.ts'

const presale = await journeyNamed('festival-presale')
const window = { balanceOpens: '2026-11-24T20:00:00+08:00', balanceEnds: '2026-11-26T20:00:00+08:00' }
const begin = { order: 'O1', product: 'The blue kettle', amount: 50_00, ...window }
const all = ['confirmed', 'opened', 'open', 'hours', 'last']
/** Nobody is held for the night, as where the hours are another matter. */
const quiet = { from: 0, to: 0 }

describe('festival presale', () => {
  it('confirms the deposit and reminds of the balance by the clock of the shop, whatever that of the customer is', async () => {
    expect(formatTimeline(await walk(presale, { begin, quiet, customer: { zone: 'America/New_York' } })))
      .toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 05:00  Festival presale begins for C1001, treated
      +0d 00:00  Mon 23 Nov 05:00  mail confirmed: "Your deposit has come"
      +0d 00:00  Mon 23 Nov 05:00  wait until 2026-11-24T20:00:00+08:00, until Tue 24 Nov 07:00
      +1d 02:00  Tue 24 Nov 07:00  mail opened: "The balance can be paid now"
      +1d 02:00  Tue 24 Nov 07:00  wait until 2 hours after 2026-11-24T20:00:00+08:00, until Tue 24 Nov 09:00
      +1d 04:00  Tue 24 Nov 09:00  mail open: "Your balance is still open"
      +1d 04:00  Tue 24 Nov 09:00  wait until 6 hours before 2026-11-26T20:00:00+08:00, until Thu 26 Nov 01:00
      +2d 20:00  Thu 26 Nov 01:00  mail hours: "Six hours left for your balance"
      +2d 20:00  Thu 26 Nov 01:00  wait until 1 hour before 2026-11-26T20:00:00+08:00, until Thu 26 Nov 06:00
      +3d 01:00  Thu 26 Nov 06:00  mail last: "One hour left for your balance"
      +3d 01:00  Thu 26 Nov 06:00  wait until 2026-11-26T20:00:00+08:00, until Thu 26 Nov 07:00
      +3d 02:00  Thu 26 Nov 07:00  end, completed: the story was told"
    `)
  })

  it('says the terms of the deposit and no more', async () => {
    const timeline = await walk(presale, { begin, customer: { locale: 'zh-CN' } })
    const [first] = timeline.lines.filter((line) => line.what === 'message')
    expect(first?.words?.text).toContain('2026-11-24 20:00 至 2026-11-26 20:00')
    expect(first?.words?.text).toContain('定金以总价的百分之二十为限')
  })

  it.each([
    ['1 day', []],
    ['27 hours', ['opened', 'open']],
    ['50 hours', ['opened', 'open', 'hours']],
    ['73 hours', ['opened', 'open', 'hours', 'last']],
  ] as const)('reminds nobody of a balance that was paid after %s', async (after, before) => {
    const paid = { type: 'balance.paid', after, properties: { order: 'O1' } } as const
    const timeline = await walk(presale, { begin, quiet, events: [paid] })
    expect([sent(timeline).slice(1), timeline.end.status]).toEqual([before.slice(0, sent(timeline).length - 1), 'goal'])
    expect(sent(timeline)).not.toContain(all[before.length + 1])
  })

  it.each(['deposit.refunded', 'balance.paid'])('goes on where %s is of another order', async (type) => {
    const other = await walk(presale, { begin, quiet, events: [{ type, after: '1 day', properties: { order: 'O2' } }] })
    expect(sent(other)).toEqual(all)
  })

  it('ends with the refund of its deposit, in each wait', async () => {
    for (const [after, count] of [
      ['1 hour', 1],
      ['27 hours', 2],
      ['50 hours', 3],
      ['52 hours', 4],
    ] as const) {
      const back = { type: 'deposit.refunded', after, properties: { order: 'O1' } } as const
      const { end, lines } = await walk(presale, { begin, quiet, events: [back] })
      expect(end.status, after).toBe('exited')
      expect(lines.filter(({ what }) => what === 'message').length, after).toBeLessThanOrEqual(count + 1)
    }
  })

  it('sends nothing after the deadline: not for a night, not for a pause', async () => {
    // 23:00 to midnight in Shanghai: the last hours lie in the night, which holds messages beyond the deadline.
    const late = { ...begin, balanceEnds: '2026-11-26T23:30:00+08:00' }
    const night = await walk(presale, { begin: late, customer: { zone: 'Asia/Shanghai' } })
    expect(refused(night)).toEqual(['last: NEWS_OVER'])
    const paused = await walk(presale, { begin, quiet, paused: { after: '1 hour', for: '5 days' } })
    expect([sent(paused), refused(paused)]).toEqual([['confirmed'], ['opened: NEWS_OVER']])
  })

  it('leaves out what is late: one who pays the deposit when the window is open, and a window that is short', async () => {
    const open = { ...begin, balanceOpens: '2026-11-23T12:00:00+08:00' }
    expect(sent(await walk(presale, { begin: open, quiet }))).toEqual(['confirmed', 'hours', 'last'])
    const short = { ...begin, balanceEnds: '2026-11-24T22:00:00+08:00' }
    expect(sent(await walk(presale, { begin: short, quiet }))).toEqual(['confirmed', 'opened', 'last'])
  })

  it('needs no consent, is once an order, and is told of no deposit without a window', async () => {
    expect(sent(await walk(presale, { begin, quiet, customer: { consent: false } }))).toEqual(all)
    const again = await walk(presale, {
      begin,
      quiet,
      events: [{ type: 'deposit.paid', after: '1 hour', properties: begin }],
    })
    expect(formatTimeline(again)).toContain('no entry: ALREADY_ENTERED')
    expect(sent(await walk(presale, { begin: { order: 'O1' } }))).toEqual([])
    await expect(walk(presale, { begin: { ...begin, balanceEnds: 'soon' } })).rejects.toMatchObject({
      code: 'TIME_MALFORMED',
    })
  })
})
