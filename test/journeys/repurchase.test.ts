import { describe, expect, it } from 'vitest'
import type { Script } from '../../client/preview.ts'
import type { VirtualCustomer } from '../../client/preview/setting.ts'
import type { Standing } from '../../domain/standing.ts'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('repurchase')
const lines = [
  { id: 'L1', amount: 60_00, category: 'cups', title: 'A cup' },
  { id: 'L2', amount: 40_00, category: 'tea', title: 'Green tea' },
]
const begin = { order: 'O1', amount: 100_00, lines }
const standing: Standing = {
  stage: 'active',
  rfm: { r: 5, f: 3, m: 3 },
  segment: 'loyal',
  gapDays: 40,
  cycles: { tea: 30, cups: 200 },
  yearSpent: 800_00,
  lastPaidAt: '2026-11-20T10:00:00.000Z',
  churnRisk: false,
}
const play = ({ customer, ...script }: Script = {}) =>
  walk(journey, { begin, ...script, customer: { standing, ...customer } as Partial<VirtualCustomer> })
const days = (timeline: Awaited<ReturnType<typeof play>>) =>
  ['soon', 'due', 'late'].map((one) => sentAfter(timeline, one)?.replace(/ (\d+) hours?.*$/, ''))
const paid = (after: `${number} days`, category: string) => ({
  type: 'order.paid',
  after,
  properties: { order: 'O2', lines: [{ id: 'X', amount: 1, category }] },
})

describe('repurchase', () => {
  it('writes a fifth before the own cycle, on its day and a fifth after', async () => {
    expect(formatTimeline(await play())).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Repurchase begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  wait 24.5 days, until Fri 18 Dec 00:24
      +24d 14:24  Fri 18 Dec 00:24  mail soon held: QUIET_HOURS, until Fri 18 Dec 09:00
      +24d 23:00  Fri 18 Dec 09:00  mail soon: "Running low?"
      +24d 23:00  Fri 18 Dec 09:00  wait 5.3 days, until Wed 23 Dec 18:36
      +30d 08:36  Wed 23 Dec 18:36  mail due: "Time for the next one"
      +30d 08:36  Wed 23 Dec 18:36  wait 6 days, until Tue 29 Dec 18:36
      +36d 08:36  Tue 29 Dec 18:36  mail late: "Still all right?"
      +36d 08:36  Tue 29 Dec 18:36  end, completed: the story was told"
    `)
  })

  it('goes by the category that is used up first, else by the own gap, else not at all', async () => {
    expect(days(await play())).toEqual(['24 days', '30 days', '36 days'])
    const cups = { ...begin, lines: lines.slice(0, 1) }
    expect(days(await play({ begin: cups }))).toEqual(['164 days', '200 days', '240 days'])
    const unknown = { ...begin, lines: [{ id: 'L', amount: 1, category: 'shoes' }] }
    expect(days(await play({ begin: unknown }))).toEqual(['32 days', '40 days', '48 days'])
    expect(days(await play({ begin: { order: 'O1' } }))).toEqual(['32 days', '40 days', '48 days'])
    for (const nothing of [null, { ...standing, gapDays: null }, { ...standing, gapDays: 3 }]) {
      expect(sent(await play({ begin: unknown, customer: { standing: nothing } }))).toEqual([])
    }
  })

  it.each([
    ['2026-11-19', 'baby-diapers', 'NB'],
    ['2026-08-16', 'baby-diapers', 'M'],
    ['2026-06-19', 'baby-diapers', 'M'],
    ['2026-06-18', 'baby-diapers', 'L'],
    ['2026-01-01', 'baby-formula', '2'],
    ['2027-06-01', 'baby-formula', undefined],
    ['2026-01-01', 'tea', undefined],
  ])('names the size of a baby born %s for %s: %s', async (babyBorn, category, size) => {
    const script = {
      begin: { order: 'O1', lines: [{ id: 'L', category }] },
      customer: { traits: { babyBorn }, standing: { ...standing, cycles: { [category]: 30 } } },
    }
    const text = (await play(script)).lines.find(({ words }) => words)?.words?.text
    if (size === undefined) expect(text).not.toContain('size')
    else expect(text).toContain(`the size or stage is ${size}.`)
  })

  it('goes on with what fits on the day of each message', async () => {
    const script = {
      begin: { order: 'O1', lines: [{ id: 'L', category: 'baby-diapers' }] },
      customer: { traits: { babyBorn: '2026-06-20' }, standing: { ...standing, cycles: { 'baby-diapers': 30 } } },
    }
    const told = (await play(script)).lines.flatMap(({ words }) => (words ? [words.text] : []))
    expect(told.map((text) => /(?:is|now:) (M|L)\./.exec(text)?.[1])).toEqual(['M', 'L', 'L'])
  })

  it.each([2, 26, 33])('ends on day %s with a paid order of a category of it, and with no other', async (day) => {
    expect((await play({ events: [paid(`${day} days`, 'tea')] })).end).toEqual({ status: 'goal', reason: 'order.paid' })
    expect((await play({ events: [paid(`${day} days`, 'cups')] })).end.status).toBe('goal')
    const other = await play({ events: [paid(`${day} days`, 'shoes')] })
    expect([sent(other), other.goalAt]).toEqual([['soon', 'due', 'late'], null])
  })

  it('counts an order after its last message too, within ninety days', async () => {
    expect((await play({ events: [paid('80 days', 'tea')] })).goalAt).not.toBeNull()
    expect((await play({ events: [paid('91 days', 'tea')] })).goalAt).toBeNull()
  })

  it.each(['order.refunded', 'order.returned'])('leaves with %s of that order alone', async (type) => {
    for (const after of ['1 day', '27 days', '33 days'] as const) {
      expect((await play({ events: [{ type, after, properties: { order: 'O1' } }] })).end).toEqual({
        status: 'exited',
        reason: type,
      })
    }
    const other = { type, after: '1 day', properties: { order: 'O9' } } as const
    expect(sent(await play({ events: [other] }))).toEqual(['soon', 'due', 'late'])
  })

  it('is a run for each order', async () => {
    const again = { type: 'order.delivered', after: '1 day', properties: { order: 'O2' } } as const
    const { run, lines: told } = await play({ events: [again, { ...again, properties: begin }] })
    expect(run).toBe('repurchase/C1001/O1')
    const events = told.filter(({ what }) => what === 'event').map(({ text }) => text)
    expect(events[0]).toContain('begins another run, O2')
    expect(events[1]).toContain('no entry: ALREADY_ENTERED')
  })

  it('leaves subscribers, those without consent and the control arm alone', async () => {
    expect(sent(await play({ customer: { tags: ['subscriber'] } }))).toEqual([])
    expect(refused(await play({ customer: { consent: false } }))).toEqual(
      ['soon', 'due', 'late'].map((one) => `${one}: NO_CONSENT`),
    )
    expect(refused(await play({ arm: 'holdout' }))).toEqual(['soon', 'due', 'late'].map((one) => `${one}: HOLDOUT`))
    expect(sent(await play({ unsubscribes: '26 days' }))).toEqual(['soon'])
  })

  it('skips what comes three days late', async () => {
    expect(refused(await play({ paused: { after: '20 days', for: '9 days' } }))).toEqual(['soon: NEWS_OVER'])
  })
})
