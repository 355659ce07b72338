/** What made-up customers do beside buying, and what a population comes to by it. */
import { describe, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { simulate } from '../../client/simulation/simulate.ts'
import { RETURNED } from '../../domain/consent.ts'

const DAY = 86_400_000
const FROM = Date.UTC(2026, 10, 23)
const DAYS = 60
const members = generatedMembers({ customers: 300, seed: 7, from: FROM, days: DAYS })

describe('made-up customers', () => {
  it('share what they saw, which is worth something where that is switched on', async () => {
    const share = (await readCatalogue()).get('share') ?? expect.fail('no share')
    const play = (switchedOn: string[]) =>
      simulate({ entries: [share], members, from: FROM, days: DAYS, rules: { switchedOn } })
    const shared = members.flatMap(({ acts }) => acts.filter(({ type }) => type === 'product.shared'))
    expect(shared.length).toBeGreaterThan(50)
    expect(new Set(shared.map(({ properties }) => properties['share'])).size).toBe(shared.length)
    const { tally, outcome } = await play(['share'])
    expect(tally.journeys.get('share')?.entered).toBe(shared.length)
    expect(outcome.points.available).toBeGreaterThan(shared.length)
    const off = await play([])
    expect(off.tally.journeys.get('share')?.entered).toBe(0)
    expect(off.tally.entryRefusals.get('SWITCHED_OFF')?.get('share')).toBe(shared.length)
  })

  it('do so many times as much as they are asked to, and are the same people', () => {
    const most = { customers: 2_000, seed: 7, from: FROM, days: DAYS }
    const countOf = (activity: number, type: string) => {
      const some = generatedMembers({ ...most, activity })
      return some.reduce((sum, { acts }) => sum + acts.filter((act) => act.type === type).length, 0)
    }
    for (const type of ['order.paid', 'page.viewed', 'customer.checked-in']) {
      const share = countOf(0.2, type) / countOf(1, type)
      expect(share, type).toBeGreaterThan(0.16)
      expect(share, type).toBeLessThan(0.24)
    }
    const [one, other] = [1, 0.2].map((activity) => generatedMembers({ ...most, activity }).map(({ id }) => id))
    expect(other).toEqual(one)
    expect(generatedMembers(most)).toEqual(generatedMembers({ ...most, activity: 1 }))
  })

  it('have come back when they do something after thirty days of nothing', () => {
    const visits = [
      'page.viewed',
      'cart.added',
      'checkout.started',
      'customer.checked-in',
      'order.paid',
      'deposit.paid',
    ]
    const back = members.flatMap(({ acts }) => {
      const returns = acts.filter(({ type }) => type === RETURNED).map(({ at }) => at)
      const times = acts.filter(({ type }) => visits.includes(type)).map(({ at }) => at)
      expect(returns).toEqual(times.filter((at, nth) => nth > 0 && at - (times[nth - 1] ?? at) >= 30 * DAY))
      return returns
    })
    expect(back.length).toBeGreaterThan(10)
  })
})
