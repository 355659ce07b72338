/** Points that customers of a population spend on their orders, and get back. */
import { expect, it } from 'vitest'
import type { Act } from '../../client/simulation/members.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import { localDate } from '../../domain/calendar.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { journey } from '../../workflows/kit/index.ts'

const DAY = 86_400_000
const FROM = Date.UTC(2026, 10, 23)

const story = journey(
  {
    title: 'Check in',
    begins: { on: 'customer.checked-in' },
    occasion: 'day',
    points: { five: { title: 'Five', earn: { fixed: 5 }, validDays: 4 } },
    copy: {},
  },
  async ({ awardPoints }) => void (await awardPoints('five')),
)
const entry = { plan: checkPlan('five', story.plan), journey: story, file: new URL('file:///five.ts') }

type Did = [day: number, type: string, properties: Act['properties'], spends?: number]
const comesIn = (day: number): Did => [day, 'customer.checked-in', { day: `${day}` }]
const buys = (day: number, order: string, spends: number): Did => [day, 'order.paid', { order, amount: 50_00 }, spends]
const getsBack = (day: number, order: string, more: Act['properties'] = {}): Did => [
  day,
  'order.refunded',
  { order, ...more },
]

async function live(...did: Did[]) {
  const acts = did.map(([day, type, properties, spends], nth) => ({
    id: `ada-${nth + 1}`,
    at: FROM + day * DAY + nth * 1_000,
    type,
    properties,
    spends,
  }))
  const members = [{ id: 'ada', suppressed: false, acts }]
  const { outcome, shop } = await simulate({ entries: [entry], members, from: FROM, days: 12 })
  const { lots } = shop.people.get('ada') ?? expect.fail('nobody came')
  const { points } = outcome
  return { lots: lots.all.map(({ remaining, state, expiresAt }) => ({ remaining, state, expiresAt })), points }
}

it('are spent up to what there is, those that expire first before the others, once an order', async () => {
  const { lots, points } = await live(comesIn(7), comesIn(9), buys(9.5, 'O1', 7), buys(9.6, 'O1', 2))
  expect(lots.map(({ remaining }) => remaining)).toEqual([0, 3])
  expect(points).toMatchObject({ spent: 7, available: 3, expired: 0 })
  const all = await live(comesIn(9), buys(9.5, 'O1', 100), buys(9.6, 'O2', 100))
  expect(all.points).toMatchObject({ spent: 5, available: 0 })
})

it('come back with the order as a whole, to where they came from', async () => {
  const { points } = await live(comesIn(9), buys(9.5, 'O1', 4), getsBack(9.6, 'O1', { amount: 1_00, refund: 'R1' }))
  expect(points).toMatchObject({ spent: 4, available: 1 })
  const whole = await live(comesIn(9), buys(9.5, 'O1', 4), getsBack(9.6, 'O1'), getsBack(9.7, 'O1'), buys(9.8, 'O2', 1))
  expect(whole.lots.map(({ remaining }) => remaining)).toEqual([4])
  expect(whole.points).toMatchObject({ spent: 1, available: 4 })
})

it('live for thirty days more where their time was over meanwhile, and end in time where they came back before', async () => {
  const late = await live(comesIn(0), buys(2, 'O1', 4), getsBack(7, 'O1'))
  expect(late.lots.map(({ remaining, state }) => [remaining, state])).toEqual([
    [0, 'expired'],
    [4, 'available'],
  ])
  expect(localDate((late.lots[1]?.expiresAt ?? 0) - 1, 'UTC')).toBe('2026-12-30')
  expect(late.points).toMatchObject({ spent: 0, available: 4, expired: 1 })
  const alive = await live(comesIn(0), buys(1, 'O1', 5), getsBack(2, 'O1'))
  expect(alive.points).toMatchObject({ spent: 0, available: 0, expired: 5 })
  const both = await live(comesIn(0), comesIn(1), buys(2, 'O1', 10), getsBack(5.5, 'O1'))
  expect(both.points).toMatchObject({ spent: 0, available: 5, expired: 5 })
})

it('are spent by made-up customers, who have some', async () => {
  const members = generatedMembers({ customers: 200, seed: 7, from: FROM, days: 30 })
  const paid = members.flatMap(({ acts }) => acts.filter(({ type }) => type === 'order.paid'))
  const willing = paid.filter(({ spends }) => spends !== undefined)
  expect(willing.length).toBeGreaterThan(paid.length * 0.15)
  expect(willing.length).toBeLessThan(paid.length * 0.35)
  const { outcome } = await simulate({ entries: [entry], members, from: FROM, days: 30 })
  expect(outcome.points.spent).toBeGreaterThan(0)
})
