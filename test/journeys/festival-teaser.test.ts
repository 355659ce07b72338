import { expect, it } from 'vitest'
import { journeyNamed, refused, sent, sentAfter, walk } from '../walk.ts'

const teaser = await journeyNamed('festival-teaser')
const standing = (stage: 'active' | 'at-risk' | 'dormant') => ({
  standing: {
    stage,
    rfm: null,
    segment: null,
    gapDays: null,
    cycles: {},
    yearSpent: 0,
    lastPaidAt: null,
    churnRisk: false,
  },
})

it.each([
  ['active', ['first', 'week', 'last']],
  ['at-risk', ['week', 'last']],
  ['dormant', ['last']],
] as const)('is fourteen, seven and two days before, as one stands: %s', async (stage, messages) => {
  const timeline = await walk(teaser, { customer: standing(stage) })
  expect(sent(timeline)).toEqual(messages)
  expect(sentAfter(timeline, 'last')).toBe('12 days')
})

it('knows the festivals of the moon and the fixed ones by their year', async () => {
  expect((await walk(teaser)).run).toBe('festival-teaser/C1001/2026.double-twelve')
  const lunar = await walk(teaser, { start: Date.UTC(2027, 0, 23, 10), customer: standing('active') })
  expect(sentAfter(lunar, 'first')).toBe('at once')
})

it('ends with an order', async () => {
  const timeline = await walk(teaser, {
    customer: standing('active'),
    events: [{ type: 'order.paid', after: '3 days' }],
  })
  expect(sent(timeline)).toEqual(['first'])
  expect(timeline.end).toMatchObject({ status: 'goal' })
})

it('gives nothing to the control arm and writes to nobody without consent', async () => {
  expect(refused(await walk(teaser, { arm: 'holdout' }))).toEqual(['last: HOLDOUT'])
  expect(refused(await walk(teaser, { customer: { consent: false } }))).toEqual(['last: NO_CONSENT'])
})
