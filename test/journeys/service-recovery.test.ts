import { describe, expect, it } from 'vitest'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const recovery = await journeyNamed('service-recovery')
const failed = (kind: string) => ({ failure: 'F1', kind, order: 'O1', amount: 300_00 })
const begin = failed('late')
const at = (type: string, after: '1 day' | '2 days' | '10 days', properties: object = { order: 'O1' }) =>
  ({ type, after, properties: properties as { order: string } }) as const
const asked = (timeline: Awaited<ReturnType<typeof walk>>): (string | undefined)[] =>
  timeline.lines
    .filter(({ what, until }) => (what === 'task' || what === 'review') && until !== undefined)
    .map(({ name }) => name)

describe('service recovery', () => {
  it('says sorry, gives a coupon, and asks after three days whether all is well', async () => {
    expect(formatTimeline(await walk(recovery, { begin }))).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Service recovery begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  tag let-down, until Wed 23 Dec 10:00
      +0d 00:00  Mon 23 Nov 10:00  mail sorry: "We are sorry about order O1"
      +0d 00:00  Mon 23 Nov 10:00  coupon sorry-late: SAMPLE8WLQJE, until Wed 23 Dec 10:00
      +0d 00:00  Mon 23 Nov 10:00  tag sorry, until Tue 23 Nov 10:00
      +0d 00:00  Mon 23 Nov 10:00  mail coupon: "For the trouble"
      +0d 00:00  Mon 23 Nov 10:00  wait 3 days, until Thu 26 Nov 10:00
      +3d 00:00  Thu 26 Nov 10:00  mail well: "Is all well now?"
      +3d 00:00  Thu 26 Nov 10:00  wait 27 days, until Wed 23 Dec 10:00
      +30d 00:00  Wed 23 Dec 10:00  end, completed: the story was told"
    `)
  })

  it.each([
    ['late', 'sorry-late', 'longer than we said'],
    ['stockout', 'sorry-stockout', 'not to be had any more'],
  ])('has words and a coupon of its own for %s', async (kind, offer, words) => {
    const { lines } = await walk(recovery, { begin: failed(kind) })
    expect(lines.find(({ what }) => what === 'coupon')?.name).toBe(offer)
    expect(lines.find(({ what }) => what === 'message')?.words?.text).toContain(words)
  })

  it('of a return waits for the goods and the money, and gives no coupon', async () => {
    const events = [at('goods.received', '2 days'), at('order.refunded', '10 days')]
    const timeline = await walk(recovery, { begin: failed('return'), events: [...events].map((one) => one) })
    expect(sent(timeline)).toEqual(['sorry', 'received', 'well'])
    expect(timeline.lines.filter(({ what }) => what === 'coupon')).toEqual([])
    expect(asked(timeline)).toEqual(['refund'])
  })

  it('of a return asks nobody where the money is back in time, and ends where the goods never come', async () => {
    const back = [at('goods.received', '1 day'), at('order.refunded', '2 days')]
    const timeline = await walk(recovery, { begin: failed('return'), events: back })
    expect([asked(timeline), sentAfter(timeline, 'well')]).toEqual([[], '5 days'])
    const kept = await walk(recovery, { begin: failed('return') })
    expect([sent(kept), kept.lines.at(-1)?.after]).toEqual([['sorry'], '30 days'])
  })

  it('has a person call who was let down within 30 days', async () => {
    const again = await walk(recovery, { begin, customer: { tags: ['let-down'] } })
    expect(asked(again)).toEqual(['call'])
    const [first] = again.lines.filter(({ what }) => what === 'message')
    expect(first?.words?.text).toContain('a person of ours calls you')
    expect(sentAfter(again, 'sorry')).toBe('at once')
    const decides = { after: '2 hours', decision: 'done', by: 'Eve' } as const
    expect(
      sentAfter(await walk(recovery, { begin, customer: { tags: ['let-down'] }, decides: { ...decides } }), 'coupon'),
    ).toBe('2 hours')
  })

  it('gives two a year unasked, more by a person’s word', async () => {
    const tagOf = async (tags: string[]) =>
      (await walk(recovery, { begin, customer: { tags } })).lines
        .filter(({ what }) => what === 'tag')
        .map(({ name }) => name)
    expect(await tagOf([])).toEqual(['let-down', 'sorry'])
    expect(await tagOf(['sorry'])).toEqual(['let-down', 'sorry-again'])
    const customer = { tags: ['sorry', 'sorry-again'] }
    const silent = await walk(recovery, { begin, customer })
    expect([asked(silent), sent(silent)]).toEqual([['compensation'], ['sorry', 'well']])
    const decides = { after: '1 day', decision: 'approve' } as const
    expect(sent(await walk(recovery, { begin, customer, decides }))).toEqual(['sorry', 'coupon', 'well'])
  })

  it.each([
    [{ budgetLeft: 0 }, 'BUDGET_EXHAUSTED'],
    [{ couponsHeld: 6 }, 'MEMBER_LIMIT'],
    [{ couponsLeft: 0 }, 'QUOTA_EXHAUSTED'],
  ] as const)('goes on without a coupon: %j', async (script, code) => {
    const timeline = await walk(recovery, { begin, ...script })
    expect(refused(timeline)).toEqual([`sorry-late: ${code}`, 'coupon: TEMPLATE_VARIABLE_MISSING'])
    expect(sent(timeline)).toEqual(['sorry', 'well'])
    expect(timeline.lines.filter(({ what }) => what === 'tag').map(({ name }) => name)).toEqual(['let-down'])
  })

  it.each(['1 day', '10 days'] as const)(
    'takes its coupon back where the shop withdraws the failure after %s',
    async (after) => {
      const mine = await walk(recovery, { begin, events: [at('service.withdrawn', after, { failure: 'F1' })] })
      expect(formatTimeline(mine)).toMatch(/end, exited: service\.withdrawn[\s\S]*coupon sorry-late void/)
      const other = await walk(recovery, { begin, events: [at('service.withdrawn', after, { failure: 'F2' })] })
      expect(other.end.status).toBe('completed')
    },
  )

  it('is once a failure, and needs no consent, as it is about what was ordered', async () => {
    const events = [at('service.failed', '1 day', begin), at('service.failed', '2 days', { ...begin, failure: 'F2' })]
    const timeline = await walk(recovery, { begin, events, customer: { consent: false } })
    expect(timeline.lines.filter(({ what }) => what === 'event').map(({ text }) => text)).toEqual([
      'event service.failed: no entry: ALREADY_ENTERED',
      'event service.failed: begins another run, F2',
    ])
    expect(sent(timeline)).toEqual(['sorry', 'coupon', 'well'])
  })

  it('speaks Chinese', async () => {
    const { lines } = await walk(recovery, { begin: failed('return'), customer: { locale: 'zh-CN' } })
    expect(lines.find(({ what }) => what === 'message')?.words?.subject).toBe('关于订单 O1，我们深表歉意')
  })
})
