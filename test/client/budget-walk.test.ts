/** A budget that runs out in a walk: a story goes on without the reward, or with other words for it. */
import { describe, expect, it } from 'vitest'
import { type Script, walk } from '../../client/preview.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { journey } from '../../workflows/kit/index.ts'
import { journeyNamed, refused, sent } from '../walk.ts'

const gift = journey(
  {
    title: 'Gift',
    budget: { name: 'gifts', cap: 10_000, journeyCap: 9_000 },
    offers: {
      five: { title: 'Fifty off', quota: 10, perMember: 3, gives: { amount: 5000 } },
      cup: { title: 'A cup', quota: 10, perMember: 3, gives: { gift: 'CUP' }, cost: 800 },
    },
    points: { thanks: { title: 'Thanks', earn: { fixed: 900 }, pending: true } },
    copy: {
      reward: { subject: 'For you', text: '{{ coupon.code }} is yours.' },
      plain: { subject: 'Good to have you', text: 'Good to have you, {{ name }}.' },
    },
  },
  async ({ issueCoupon, awardPoints, takeBackPoints, send }) => {
    const coupon = await issueCoupon('five', { valid: '7 days' })
    await (coupon.issued ? send('reward', { coupon }) : send('plain'))
    await awardPoints('thanks')
    await takeBackPoints()
    await issueCoupon('cup', { valid: '7 days' })
  },
)

const tell = (script: Script = {}) => walk({ plan: checkPlan('gift', gift.plan), journey: gift }, script)

describe('a story that words the branch without a reward', () => {
  it('sends the reward while there is money, and other words when there is none', async () => {
    expect(sent(await tell())).toEqual(['reward'])
    const without = await tell({ budgetLeft: 4999 })
    expect(sent(without)).toEqual(['plain'])
    expect(refused(without)).toEqual(['five: BUDGET_EXHAUSTED'])
    expect(without.end.status).toBe('completed')
  })

  it('takes what each thing costs at most, and void points give theirs back', async () => {
    expect(refused(await tell({ budgetLeft: 5900 }))).toEqual([])
    expect(refused(await tell({ budgetLeft: 5899 }))).toEqual(['thanks: BUDGET_EXHAUSTED'])
    expect(refused(await tell({ budgetLeft: 5799 }))).toEqual(['thanks: BUDGET_EXHAUSTED', 'cup: BUDGET_EXHAUSTED'])
    expect(refused(await tell({ budgetLeft: 0 }))).toEqual([
      'five: BUDGET_EXHAUSTED',
      'thanks: BUDGET_EXHAUSTED',
      'cup: BUDGET_EXHAUSTED',
    ])
  })

  it('holds nothing for the control arm', async () => {
    expect(refused(await tell({ arm: 'holdout', budgetLeft: 0 })).map((one) => one.split(': ')[1])).toEqual([
      'HOLDOUT',
      'HOLDOUT',
      'HOLDOUT',
      'HOLDOUT',
    ])
  })
})

describe('first-order', async () => {
  const firstOrder = await journeyNamed('first-order')

  it('goes on to its end when the budget is used up, and mails no coupon that is not there', async () => {
    const timeline = await walk(firstOrder, { budgetLeft: 4999, events: [{ type: 'order.paid', after: '10 days' }] })
    expect(sent(timeline)).toEqual([])
    expect(refused(timeline)[0]).toBe('first-order-10: BUDGET_EXHAUSTED')
    expect(timeline.end.status).toBe('completed')
    expect(timeline.goalAt).not.toBeNull()
    expect(sent(await walk(firstOrder, { budgetLeft: 5000 }))).toContain('welcome')
  })
})
