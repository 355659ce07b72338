import { expect, it } from 'vitest'
import { journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const memberDay = await journeyNamed('member-day')
const active = {
  stage: 'active',
  rfm: null,
  segment: null,
  gapDays: null,
  cycles: {},
  yearSpent: 0,
  lastPaidAt: null,
  churnRisk: false,
} as const
const engaged = { standing: active }

it('is a teaser to the engaged, the day with half price, and the last hours', async () => {
  const timeline = await walk(memberDay, { customer: engaged })
  expect(timeline.run).toBe('member-day/C1001/2026-12-15')
  expect(sent(timeline)).toEqual(['teaser', 'half', 'hours'])
  expect(sentAfter(timeline, 'teaser')).toBe('1 hour')
  expect(sentAfter(timeline, 'half')).toBe('3 days')
  expect(sentAfter(timeline, 'hours')).toBe('3 days 10 hours 30 minutes')
})

it('has its hours on the customer’s own clock', async () => {
  const timeline = await walk(memberDay, { customer: { ...engaged, zone: 'Asia/Shanghai', locale: 'zh-CN' } })
  expect(sentAfter(timeline, 'half')).toBe('3 days')
  const half = timeline.lines.find(({ what, name }) => what === 'message' && name === 'half')
  expect(half?.words?.subject).toContain('半价券')
})

it('tells those who come after the first hundred of the double points', async () => {
  const timeline = await walk(memberDay, { couponsLeft: 0 })
  expect(sent(timeline)).toEqual(['double', 'hours'])
  expect(refused(timeline)).toEqual(['member-day-half: QUOTA_EXHAUSTED'])
})

it('has a hundred for each member day, for years to come', () => {
  const half = memberDay.plan.offers['member-day-half']
  expect(half).toMatchObject({ perOccasion: 100 })
  expect(half?.quota).toBeGreaterThanOrEqual(100 * 12 * 5)
})

it('invites the top level to the live hour', async () => {
  expect(sent(await walk(memberDay, { customer: { tier: { level: 'diamond' } } }))).toEqual(['half', 'live', 'hours'])
})

it.each([
  ['on the day', '73 hours', ['half']],
  ['the day before', '47 hours', ['half', 'hours']],
])('leaves the last hours out for an order %s', async (_, after, messages) => {
  const timeline = await walk(memberDay, { events: [{ type: 'order.paid', after: after as '1 hour' }] })
  expect(sent(timeline)).toEqual(messages)
})

it('ends with an order of the day that says so, and counts it', async () => {
  const order = { type: 'order.paid', after: '74 hours', properties: { memberDay: true } } as const
  const timeline = await walk(memberDay, { customer: { tier: { level: 'diamond' } }, events: [order] })
  expect(sent(timeline)).toEqual(['half'])
  expect(timeline.end.status).toBe('goal')
})

it('gives nothing to the control arm and writes to nobody without consent', async () => {
  expect(refused(await walk(memberDay, { arm: 'holdout', customer: engaged }))).toContain('half: HOLDOUT')
  expect(sent(await walk(memberDay, { arm: 'holdout', customer: engaged }))).toEqual([])
  expect(sent(await walk(memberDay, { customer: { ...engaged, consent: false } }))).toEqual([])
})

it('is held by a pause, and goes on after it', async () => {
  const timeline = await walk(memberDay, { paused: { after: '2 days', for: '26 hours' } })
  expect(sent(timeline)).toEqual(['half', 'hours'])
  expect(sentAfter(timeline, 'half')).toBe('3 days 2 hours')
})
