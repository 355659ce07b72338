import { describe, expect, it } from 'vitest'
import { formatTimeline, journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const journey = await journeyNamed('birthday')

describe('birthday', () => {
  it('begins by the day’s sweep, at half past nine on the customer’s own clock', () => {
    expect(journey.plan.begins).toBeUndefined()
    expect(journey.plan.sweep).toEqual({ audience: 'birthday', at: '09:30' })
  })

  it('greets and gives', async () => {
    expect(formatTimeline(await walk(journey), { words: true })).toMatchInlineSnapshot(`
      "+0d 00:00  Mon 23 Nov 00:00  Birthday begins for C1001, treated
      +0d 00:00  Mon 23 Nov 00:00  wait for the day, until Mon 23 Nov 09:30
      +0d 09:30  Mon 23 Nov 09:30  coupon birthday-20: SAMPLEFMBV3N, until Mon  7 Dec 09:30
      +0d 09:30  Mon 23 Nov 09:30  mail greeting: "Happy birthday, Ada"
          Happy birthday, Ada!

          Twenty off, for your birthday: SAMPLEFMBV3N, until 2026-12-07. Treat yourself.
      +0d 09:30  Mon 23 Nov 09:30  end, completed: the story was told"
    `)
  })

  it.each([
    ['Pacific/Auckland', '20 hours 30 minutes'],
    ['Asia/Shanghai', '1 hour 30 minutes'],
    ['Europe/Berlin', '8 hours 30 minutes'],
    ['America/Los_Angeles', '17 hours 30 minutes'],
  ])('reaches %s within the day that follows the sweep', async (zone, after) => {
    const timeline = await walk(journey, { customer: { zone } })
    expect(sentAfter(timeline, 'greeting')).toBe(after)
  })

  it.each([
    ['silver', 'birthday-20'],
    ['gold', 'birthday-25'],
    ['diamond', 'birthday-30'],
  ])('gives the pack of the level where it has one: %s', async (level, offer) => {
    const { lines } = await walk(journey, { customer: { tier: { level } } })
    expect(lines.find(({ what }) => what === 'coupon')?.name).toBe(offer)
  })

  it('is a run of its own every year', async () => {
    expect((await walk(journey)).run).toBe('birthday/C1001/2026')
    expect((await walk(journey, { start: Date.UTC(2027, 1, 28) })).run).toBe('birthday/C1001/2027')
    // 31 December in London is New Year's Day in Auckland.
    const eve = { start: Date.UTC(2026, 11, 31), customer: { zone: 'Pacific/Auckland' } }
    expect((await walk(journey, eve)).run).toBe('birthday/C1001/2027')
  })

  it('counts an order within 14 days of the day', async () => {
    const paid = await walk(journey, { events: [{ type: 'order.paid', after: '14 days' }] })
    expect(paid.end.status).toBe('completed')
    expect(paid.goalAt).not.toBeNull()
    const late = await walk(journey, { events: [{ type: 'order.paid', after: '15 days' }] })
    expect(late.goalAt).toBeNull()
  })

  it('says nothing when the customer bought in the hours before', async () => {
    const timeline = await walk(journey, { events: [{ type: 'order.paid', after: '9 hours' }] })
    expect(sent(timeline)).toEqual([])
    expect(timeline.end.status).toBe('goal')
  })

  it.each([
    [{ customer: { consent: false } }, ['greeting: NO_CONSENT']],
    [{ customer: { suppressed: true } }, ['greeting: SUPPRESSED']],
    [{ customer: { email: null } }, ['greeting: NO_ADDRESS']],
    [{ couponsLeft: 0 }, ['birthday-20: QUOTA_EXHAUSTED', 'greeting: TEMPLATE_VARIABLE_MISSING']],
    [{ arm: 'holdout' as const }, ['birthday-20: HOLDOUT', 'greeting: HOLDOUT']],
    [{ recent: 4 }, ['greeting: FREQUENCY_CAP']],
  ])('greets nobody with %j, and ends all the same', async (script, reasons) => {
    const timeline = await walk(journey, script)
    expect(sent(timeline)).toEqual([])
    expect(refused(timeline)).toEqual(reasons)
    expect(timeline.end.status).toBe('completed')
  })
})

describe('birthday, as a marketer would check it', () => {
  it('never has to wait for the morning', async () => {
    const timeline = await walk(journey, { customer: { zone: 'Asia/Kolkata' } })
    expect(timeline.lines.filter((line) => line.what === 'held')).toEqual([])
  })

  it('gives two weeks from the day, not from the sweep', async () => {
    const timeline = await walk(journey, { customer: { zone: 'America/Los_Angeles' } })
    expect(timeline.lines.find((line) => line.words)?.words?.text).toContain('until 2026-12-07')
  })
})
