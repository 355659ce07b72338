/** What coupons cost over a population. */
import { expect, it } from 'vitest'
import type { Act } from '../../client/simulation/members.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { journey } from '../../workflows/kit/index.ts'

const HOUR = 3_600_000
const FROM = Date.UTC(2026, 10, 23)

it('a refund gives back what the coupon of that order had cost, and not another of the same offer', async () => {
  const offers = { half: { title: 'Half', quota: 10, perMember: 10, gives: { percent: 50 } } }
  const story = journey(
    { title: 'Halves', begins: { on: 'cart.added' }, occasion: 'cart', offers, copy: {} },
    async ({ issueCoupon }) => void (await issueCoupon('half', { valid: '9 days' })),
  )
  const entry = { plan: checkPlan('halves', story.plan), journey: story, file: new URL('file:///halves.ts') }
  const did: Pick<Act, 'type' | 'properties' | 'redeems'>[] = [
    { type: 'cart.added', properties: { cart: 'K1' } },
    { type: 'cart.added', properties: { cart: 'K2' } },
    { type: 'order.paid', properties: { order: 'O1', amount: 100_00 }, redeems: true },
    { type: 'order.paid', properties: { order: 'O2', amount: 30_00 }, redeems: true },
    { type: 'order.refunded', properties: { order: 'O1' } },
  ]
  const acts = did.map((act, nth) => ({ id: `ada-${nth + 1}`, at: FROM + nth * HOUR, ...act }))
  const members = [{ id: 'ada', suppressed: false, acts }]
  const { outcome } = await simulate({ entries: [entry], members, from: FROM, days: 5 })
  expect(outcome.offers.get('half')).toMatchObject({ issued: 2, redeemed: 1, cost: 15_00 })
  expect([...outcome.costs.values()]).toEqual([15_00])
})
