import { describe, expect, it } from 'vitest'
import { type Script, formatTimeline, parseScriptedEvent, walk } from '../../client/preview.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { journey } from '../../workflows/kit/index.ts'
import type { Plan, Story } from '../../workflows/kit/plan.ts'

const copy = { hello: { subject: 'Hello {{ name }}', text: 'Hello' }, bye: { subject: 'Bye', text: 'Bye' } }
type Message = keyof typeof copy

/** Walks a story that is written in the test itself. */
function tell(story: Story<Message, 'ten'>, script: Script = {}, plan: Partial<Plan<Message, 'ten'>> = {}) {
  const offers = { ten: { title: 'Ten off', quota: 10, perMember: 2 } }
  const made = journey<Message, 'ten'>({ title: 'Test', copy, offers, ...plan }, story)
  return walk({ plan: checkPlan('test', made.plan), journey: made }, script)
}

const HOUR = 3_600_000

describe('a walk', () => {
  it('lasts as long as the story, whatever that is on a real clock', async () => {
    const timeline = await tell(async ({ wait, send }) => {
      await wait('90 days')
      await send('hello')
    })
    expect(timeline.lines.at(-1)).toMatchObject({ what: 'end', after: '90 days' })
    expect(timeline.end).toEqual({ status: 'completed', reason: 'the story was told' })
  })

  it('gives an event to one wait only, and to that which asked first', async () => {
    const took: (string | undefined)[] = []
    await tell(
      async ({ waitForEvent }) => {
        took.push((await waitForEvent('cart.added', { within: '1 day' }))?.id)
        took.push((await waitForEvent('cart.added', { within: '1 day' }))?.id)
        took.push((await waitForEvent('cart.added', { within: '1 day' }))?.id)
      },
      { events: [parseScriptedEvent('cart.added@1h'), parseScriptedEvent('cart.added@2h')] },
    )
    expect(took).toEqual(['event-1', 'event-2', undefined])
  })

  it('gives an event that came before to the wait at once', async () => {
    const timeline = await tell(
      async ({ wait, waitForEvent, send }) => {
        await wait('2 days')
        if (await waitForEvent('cart.added', { within: '3 days' })) await send('hello')
      },
      { events: [{ type: 'cart.added', after: '1 day' }] },
    )
    expect(timeline.lines.find((line) => line.what === 'message')?.after).toBe('2 days')
    expect(formatTimeline(timeline)).toContain('wait for cart.added: it came before')
  })

  it('matches properties', async () => {
    let took: unknown
    await tell(
      async ({ waitForEvent }) => {
        took = (await waitForEvent('cart.added', { within: '1 day', match: { cart: 'K2' } }))?.properties
      },
      {
        events: [
          parseScriptedEvent('cart.added@1h{"cart":"K1"}'),
          parseScriptedEvent('cart.added@2h{"cart":"K2","n":1}'),
        ],
      },
    )
    expect(took).toEqual({ cart: 'K2', n: 1 })
  })

  it('begins the time anew with the event of a restart', async () => {
    const timeline = await tell(
      async ({ waitForEvent, send }) => {
        if (!(await waitForEvent('order.paid', { within: '1 hour', restart: 'cart.added' }))) await send('hello')
      },
      {
        events: [
          { type: 'cart.added', after: '30 minutes' },
          { type: 'cart.added', after: '80 minutes' },
        ],
      },
    )
    expect(formatTimeline(timeline)).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 10:00  Test begins for C1001, treated
      +0d 00:00  Mon 23 Nov 10:00  wait for order.paid, until Mon 23 Nov 11:00
      +0d 00:30  Mon 23 Nov 10:30  event cart.added: kept, nothing waits for it
      +0d 01:00  Mon 23 Nov 11:00  wait for order.paid, anew after cart.added, until Mon 23 Nov 11:30
      +0d 01:20  Mon 23 Nov 11:20  event cart.added: kept, nothing waits for it
      +0d 01:30  Mon 23 Nov 11:30  wait for order.paid, anew after cart.added, until Mon 23 Nov 12:20
      +0d 02:20  Mon 23 Nov 12:20  it did not come
      +0d 02:20  Mon 23 Nov 12:20  mail hello: "Hello Ada"
      +0d 02:20  Mon 23 Nov 12:20  end, completed: the story was told"
    `)
  })

  it('begins it anew only with an event that holds what the wait asks, of any of several types', async () => {
    const timeline = await tell(
      async ({ waitForEvent, send }) => {
        const restart = ['cart.added', 'cart.changed']
        const options = { within: '1 hour', match: { cart: 'K1', none: undefined }, restart } as const
        if (!(await waitForEvent('order.paid', options))) await send('hello')
      },
      {
        events: [
          parseScriptedEvent('cart.changed@30m{"cart":"K1"}'),
          parseScriptedEvent('cart.added@50m{"cart":"K2"}'),
          parseScriptedEvent('order.paid@1h{"cart":"K2"}'),
        ],
      },
    )
    expect(timeline.lines.find(({ what }) => what === 'message')?.after).toBe('1 hour 30 minutes')
  })

  it('knows what began the run and what is newest since', async () => {
    const told: unknown[] = []
    const story: Story<Message, 'ten'> = async ({ beginning, newest, wait }) => {
      told.push(await beginning(), await newest('cart.changed', { match: { cart: 'K1' } }))
      await wait('2 hours')
      told.push((await newest(['cart.added', 'cart.changed'], { match: { lines: [{ id: 'A' }] } }))?.properties)
    }
    const begin = { cart: 'K1', lines: [{ id: 'A' }] }
    const events = [parseScriptedEvent('cart.changed@1h{"cart":"K1","lines":[{"id":"B"},{"id":"A","n":2}]}')]
    await tell(story, { begin, events }, { begins: { on: 'cart.added' }, occasion: 'cart' })
    expect(told).toEqual([
      { amount: 100_00, ...begin },
      undefined,
      { cart: 'K1', lines: [{ id: 'B' }, { id: 'A', n: 2 }] },
    ])
    told.length = 0
    await tell(story)
    expect(told).toEqual([{}, undefined, undefined])
  })

  it('rests for a computed time, and says it as people do', async () => {
    const timeline = await tell(({ wait }) => wait(`${20 / 3} days`))
    expect(timeline.lines[1]?.text).toBe('wait 6.6 days')
    expect(timeline.lines.at(-1)?.after).toBe('6 days 16 hours')
  })

  it('skips news that would come too long after the plan meant it', async () => {
    const story: Story<Message, 'ten'> = async ({ wait, send }) => {
      await wait('11 hours')
      await send('hello', {}, { within: '11 hours' })
      await send('bye', {}, { within: '13 hours' })
    }
    const told = (await tell(story)).lines.filter(({ what }) => what === 'message' || what === 'skipped')
    expect(told.map(({ after, name, code }) => [after, name, code])).toEqual([
      ['23 hours', 'hello', 'NEWS_OVER'],
      ['23 hours', 'bye', undefined],
    ])
    const late = await tell(story, { paused: { after: '1 hour', for: '3 days' } })
    expect(late.lines.filter(({ what }) => what === 'message')).toEqual([])
  })

  it('leaves by an exit, without counting', async () => {
    const timeline = await tell(
      ({ wait }) => wait('3 days'),
      { events: [{ type: 'customer.deleted', after: '1 day' }] },
      { exit: [{ on: 'cart.emptied' }, { on: 'customer.deleted' }] },
    )
    expect(timeline.end).toEqual({ status: 'exited', reason: 'customer.deleted' })
    expect(timeline.goalAt).toBeNull()
    expect(timeline.lines.at(-1)?.after).toBe('1 day')
  })

  it('takes the ways of a date that has passed', async () => {
    const late = (policy: 'now' | 'next' | 'skip' | 'exit') =>
      tell(async ({ waitUntil, send }) => {
        if (await waitUntil({ at: '09:00' }, { late: policy })) await send('hello')
      })
    const mail = (timeline: Awaited<ReturnType<typeof late>>) =>
      timeline.lines.find((line) => line.what === 'message')?.after
    expect(mail(await late('now'))).toBe('at once')
    expect(mail(await late('next'))).toBe('23 hours')
    expect(mail(await late('skip'))).toBeUndefined()
    expect((await late('exit')).end).toEqual({ status: 'exited', reason: 'TOO_LATE' })
  })

  it('counts calendar days on the customer’s clock', async () => {
    const timeline = await tell(
      async ({ wait, send }) => {
        await wait({ days: 2, at: '10:00' })
        await send('hello')
      },
      { customer: { zone: 'Asia/Shanghai' } },
    )
    // 18:00 in Shanghai when it begins, so two days and sixteen hours less a day.
    expect(timeline.lines.find((line) => line.what === 'message')?.after).toBe('1 day 16 hours')
  })

  it('tells a story the facts as they are then', async () => {
    let facts: unknown
    await tell(
      async ({ wait, customer }) => {
        await wait('2 days')
        facts = await customer()
      },
      {
        customer: { tags: ['vip'], paidOrders: 1, spent: 500 },
        events: [parseScriptedEvent('order.paid@1d{"amount":1200}'), parseScriptedEvent('order.paid@3d{"amount":1}')],
      },
    )
    expect(facts).toMatchObject({ zone: 'UTC', tags: ['vip'], paidOrders: 2, spent: 1700, tier: { level: 'member' } })
    expect(facts).toMatchObject({ since: '2026-11-23T10:00:00.000Z' })
  })

  it('is begun with an occasion, and says what a second beginning would do', async () => {
    const plan = { begins: { on: 'cart.added' }, occasion: 'cart' }
    const events = [parseScriptedEvent('cart.added@1h{"cart":"K1"}'), parseScriptedEvent('cart.added@2h{"cart":"K2"}')]
    const timeline = await tell(({ wait }) => wait('1 day'), { begin: { cart: 'K1' }, events }, plan)
    expect(timeline.run).toBe('test/C1001/K1')
    expect(timeline.lines.filter((line) => line.what === 'event').map((line) => line.text)).toEqual([
      'event cart.added: no entry: ALREADY_ENTERED',
      'event cart.added: begins another run, K2',
    ])
  })

  it('lets the arm of the customer be drawn as it would be', async () => {
    const arms = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { lines } = await tell(
          ({ send }) => send('hello').then(() => {}),
          { arm: 'drawn', customer: { id: `C${i}` } },
          { holdout: 50 },
        )
        return lines[1]?.what
      }),
    )
    expect(arms.filter((what) => what === 'message').length).toBeGreaterThan(70)
    expect(arms.filter((what) => what === 'skipped').length).toBeGreaterThan(70)
  })

  it('lets the cap roll on', async () => {
    const timeline = await tell(async ({ wait, send }) => {
      for (let i = 0; i < 5; i++) await send('hello')
      await wait('7 days')
      await send('bye')
    })
    expect(timeline.lines.filter((line) => line.what === 'message')).toHaveLength(5)
    expect(timeline.lines.find((line) => line.what === 'skipped')?.code).toBe('FREQUENCY_CAP')
  })

  it('sends a transactional message at night, to somebody who never agreed', async () => {
    const timeline = await tell(
      async ({ send }) => void (await send('hello')),
      { start: Date.UTC(2026, 10, 23, 23), customer: { consent: false } },
      { class: 'transactional' },
    )
    expect(timeline.lines[1]).toMatchObject({ what: 'message', after: 'at once' })
  })

  it('stays held where nobody resumes, and says so', async () => {
    const timeline = await tell(async ({ issueCoupon }) => void (await issueCoupon('ten', { valid: '1 day' })), {
      paused: { after: 0 },
    })
    expect(timeline.end).toEqual({ status: 'running', reason: 'held, and nobody resumes it' })
    expect(timeline.lines.at(-1)).toMatchObject({ what: 'held', code: 'PAUSED', until: null })
  })

  it('shows codes that nobody takes for real ones, always the same', async () => {
    const codes = async () => {
      const seen: string[] = []
      await tell(async ({ issueCoupon }) => {
        for (const _ of [1, 2, 3]) {
          const coupon = await issueCoupon('ten', { valid: '1 day' })
          seen.push(coupon.issued ? coupon.code : coupon.refused)
        }
      })
      return seen
    }
    const [first, second, third] = await codes()
    expect(first).toMatch(/^SAMPLE[2-9A-HJ-NP-Z]{6}$/)
    expect(second).toMatch(/^SAMPLE/)
    expect(second).not.toBe(first)
    expect(third).toBe('MEMBER_LIMIT')
    expect(await codes()).toEqual([first, second, third])
  })
})

describe('a story that cannot be', () => {
  it('goes round in a circle, and is stopped', async () => {
    const circle = tell(async ({ send }) => {
      for (;;) await send('hello')
    })
    await expect(circle).rejects.toMatchObject({ code: 'JOURNEY_INVALID', field: 'story' })
  })

  it.each([
    ['DURATION_MALFORMED', (kit: Parameters<Story<Message, 'ten'>>[0]) => kit.wait('2 dayz' as '2 days')],
    ['JOURNEY_INVALID', (kit: Parameters<Story<Message, 'ten'>>[0]) => kit.send('remindr' as 'hello')],
    [
      'OFFER_UNKNOWN',
      (kit: Parameters<Story<Message, 'ten'>>[0]) => kit.issueCoupon('tin' as 'ten', { valid: '1 day' }),
    ],
    ['TIME_MALFORMED', (kit: Parameters<Story<Message, 'ten'>>[0]) => kit.waitUntil({ date: '2027-02-30' })],
  ])('fails with %s', async (code, step) => {
    await expect(tell(async (kit) => void (await step(kit)))).rejects.toMatchObject({ code })
  })
})

describe('formatTimeline', () => {
  it('shows the clock of the customer, seconds only where there are any', async () => {
    const timeline = await tell(
      async ({ wait, send }) => {
        await wait('90 seconds')
        await send('hello')
      },
      { customer: { zone: 'America/New_York' }, start: Date.UTC(2026, 11, 4, 15) },
    )
    expect(formatTimeline(timeline, { words: true })).toMatchInlineSnapshot(`
      "+0d 00:00  Fri  4 Dec 10:00  Test begins for C1001, treated
      +0d 00:00  Fri  4 Dec 10:00  wait 90 seconds, until Fri  4 Dec 10:01
      +0d 00:01:30  Fri  4 Dec 10:01  mail hello: "Hello Ada"
          Hello
      +0d 00:01:30  Fri  4 Dec 10:01  end, completed: the story was told"
    `)
  })
})

describe('a script', () => {
  it.each([
    ['order.paid@2d', { type: 'order.paid', after: 48 * HOUR }],
    ['order.paid@90 minutes', { type: 'order.paid', after: 1.5 * HOUR }],
    [' cart.added@1h{"cart":"K1"} ', { type: 'cart.added', after: HOUR, properties: { cart: 'K1' } }],
    ['cart.added@1h{"note":"a@b {c}"}', { type: 'cart.added', after: HOUR, properties: { note: 'a@b {c}' } }],
  ])('is read: %s', (text, event) => expect(parseScriptedEvent(text)).toEqual(event))

  it.each([
    '',
    'order.paid',
    'order.paid@',
    '@2d',
    'Order@2d',
    'order@2d',
    'order.paid@soon',
    'order.paid@-2d',
    'order.paid@2d{',
    'order.paid@2d{"a":}',
    'order.paid@2d["a"]',
  ])('is refused, with what would be right: %j', (text) => {
    expect(() => parseScriptedEvent(text)).toThrow(
      expect.objectContaining({
        code: 'SCRIPT_MALFORMED',
        expected: expect.stringContaining('order.paid@2d') as string,
      }),
    )
  })

  it('has nothing happen before it begins', async () => {
    const walked = tell(async () => {}, { events: [{ type: 'order.paid', after: -1 }] })
    await expect(walked).rejects.toMatchObject({ code: 'SCRIPT_MALFORMED' })
  })

  it('names the zone that is none', async () => {
    await expect(
      tell(async ({ send }) => void (await send('hello')), { customer: { zone: 'Mars' } }),
    ).rejects.toMatchObject({
      code: 'TIME_MALFORMED',
    })
  })
})
