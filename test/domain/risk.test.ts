import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Edge,
  type Owned,
  RISK_BANDS,
  RISK_RULES,
  type RiskFacts,
  componentOf,
  isVirtualNumber,
  judge,
  ringOf,
} from '../../domain/risk.ts'

const CLEAN: RiskFacts = {
  sameCustomer: false,
  shared: [],
  lastHour: 1,
  lastDay: 1,
  sameDevice: 1,
  sameAddress: 1,
  virtualNumber: false,
  friends: 1,
  newFriends: 1,
  denied: 0,
  ring: { customers: 2, density: 0, circle: false, capped: false },
}

/** For each rule facts that fire it and nothing else, and what that comes to. */
const FIRES: Record<string, [Partial<RiskFacts>, string]> = {
  'same-customer': [{ sameCustomer: true }, 'deny'],
  'shared-payment': [{ shared: ['payment'] }, 'deny'],
  'shared-phone': [{ shared: ['phone'] }, 'deny'],
  'shared-email': [{ shared: ['email'] }, 'deny'],
  'shared-device': [{ shared: ['device'] }, 'review'],
  'shared-address': [{ shared: ['address'] }, 'review'],
  'velocity-hour': [{ lastHour: 6 }, 'hold'],
  'velocity-day': [{ lastDay: 21 }, 'review'],
  'device-velocity': [{ sameDevice: 3 }, 'review'],
  'address-velocity': [{ sameAddress: 4 }, 'hold'],
  'virtual-number': [{ virtualNumber: true }, 'allow'],
  'new-accounts': [{ friends: 5, newFriends: 4 }, 'allow'],
  'denied-before': [{ denied: 1 }, 'hold'],
  ring: [{ ring: { customers: 4, density: 0.5, circle: false, capped: false } }, 'hold'],
  'ring-of-six': [{ ring: { customers: 6, density: 0.5, circle: false, capped: false } }, 'review'],
  circle: [{ ring: { customers: 2, density: 0, circle: true, capped: false } }, 'review'],
  crowd: [{ ring: { customers: 300, density: 0, circle: false, capped: true } }, 'hold'],
}

describe('a judgement', () => {
  it('of nothing special is to allow', () => {
    expect(judge(CLEAN)).toEqual({ outcome: 'allow', points: 0, rules: [] })
  })

  it('has a case for each rule', () => {
    expect(Object.keys(FIRES)).toEqual(RISK_RULES.map(({ id }) => id))
  })

  it.each(Object.entries(FIRES))('names the rule %s and its points', (id, [facts, outcome]) => {
    const judged = judge({ ...CLEAN, ...facts })
    expect(judged.rules.map(({ rule }) => rule)).toContain(id)
    expect(judged.outcome).toBe(outcome)
    expect(judged.rules.every(({ rule }) => rule === id || id === 'ring-of-six')).toBe(true)
  })

  it('does not fire one short of each limit', () => {
    const short = {
      ...CLEAN,
      lastHour: 5,
      lastDay: 20,
      sameDevice: 2,
      sameAddress: 3,
      friends: 10,
      newFriends: 7,
      ring: { customers: 9, density: 0.49, circle: false, capped: false },
    }
    expect(judge(short).rules).toEqual([])
    expect(judge({ ...CLEAN, friends: 4, newFriends: 4 }).rules).toEqual([])
    expect(judge({ ...CLEAN, ring: { customers: 3, density: 1, circle: false, capped: false } }).rules).toEqual([])
  })

  it('leaves a number of a virtual operator to add up, never to block alone', () => {
    expect(judge({ ...CLEAN, virtualNumber: true }).outcome).toBe('allow')
    expect(judge({ ...CLEAN, virtualNumber: true, lastHour: 6 })).toMatchObject({ outcome: 'review', points: 50 })
  })

  it('drops a rule that a reviewer took out, but shows it; the same account is never taken out', () => {
    const shared: RiskFacts = { ...CLEAN, shared: ['address'], virtualNumber: true }
    expect(judge(shared, new Set(['shared-address']))).toEqual({
      outcome: 'allow',
      points: 20,
      rules: [
        { rule: 'shared-address', points: 0, exempt: true },
        { rule: 'virtual-number', points: 20 },
      ],
    })
    expect(judge({ ...CLEAN, sameCustomer: true }, new Set(['same-customer'])).outcome).toBe('deny')
  })

  it('only gets worse with more that fires', () => {
    const order = ['allow', 'hold', 'review', 'deny']
    expect(Object.values(RISK_BANDS)).toEqual(Object.values(RISK_BANDS).toSorted((a, b) => a - b))
    const one = fc.constantFrom(...Object.values(FIRES).map(([facts]) => facts))
    fc.assert(
      fc.property(one, one, (some, more) => {
        const [less, all] = [judge({ ...CLEAN, ...some }), judge({ ...CLEAN, ...some, ...more })]
        fc.pre(Object.keys(some).every((key) => !Object.hasOwn(more, key)))
        expect(order.indexOf(all.outcome)).toBeGreaterThanOrEqual(order.indexOf(less.outcome))
      }),
    )
  })
})

it.each([
  ['+8616212345678', true],
  ['+8616512345678', true],
  ['+8616712345678', true],
  ['+8617012345678', true],
  ['+8617112345678', true],
  ['+8617212345678', false],
  ['+8616612345678', false],
  ['+8613912345678', false],
  ['+441621234567', false],
  [null, false],
])('%s is a number of a virtual operator: %s', (phone, virtual) => {
  expect(isVirtualNumber(phone)).toBe(virtual)
})

const names = fc.constantFrom(...'abcdefghij')
const owned: fc.Arbitrary<Owned[]> = fc.array(
  fc.record({
    customer: names,
    identity: fc.constantFrom('device 1', 'device 2', 'phone 1', 'address 1', 'address 2'),
  }),
  { maxLength: 14 },
)
const edges: fc.Arbitrary<Edge[]> = fc.array(fc.record({ advocate: names, friend: names }), { maxLength: 10 })

/** Everybody that can be reached, by going round until nobody new is found. */
function closure(around: string, has: readonly Owned[], refers: readonly Edge[]): string[] {
  const found = new Set([around])
  for (let before = 0; before !== found.size;) {
    before = found.size
    for (const one of has)
      for (const other of has) if (one.identity === other.identity && found.has(one.customer)) found.add(other.customer)
    for (const { advocate, friend } of refers) {
      if (found.has(advocate)) found.add(friend)
      if (found.has(friend)) found.add(advocate)
    }
  }
  return [...found].sort()
}

/** Whether some name comes back to itself, by trying every way. */
function comesBack(refers: readonly Edge[]): boolean {
  const reach = (from: string, seen: Set<string>): Set<string> => {
    for (const { advocate, friend } of refers) {
      if (advocate !== from || friend === advocate || seen.has(friend)) continue
      seen.add(friend)
      reach(friend, seen)
    }
    return seen
  }
  return refers.some(({ advocate }) => reach(advocate, new Set()).has(advocate))
}

describe('a ring', () => {
  it('is whoever can be reached, as the naive closure finds', () => {
    fc.assert(
      fc.property(names, owned, edges, (around, has, refers) => {
        expect(componentOf(around, has, refers)).toEqual(closure(around, has, refers))
      }),
      { numRuns: 500 },
    )
  })

  it('has a circle just where somebody comes back to themselves', () => {
    fc.assert(
      fc.property(edges, (refers) => {
        expect(ringOf('a', [], refers, false).circle).toBe(comesBack(refers))
      }),
      { numRuns: 500 },
    )
  })

  it('takes accounts that share an identity for one person when it looks for a circle', () => {
    const has = [
      { customer: 'a', identity: 'device 1' },
      { customer: 'a2', identity: 'device 1' },
    ]
    const refers = [
      { advocate: 'a', friend: 'b' },
      { advocate: 'b', friend: 'a2' },
    ]
    expect(ringOf('a', has, refers, false).circle).toBe(true)
    expect(ringOf('a', [], refers, false).circle).toBe(false)
  })

  it('is not diluted by friends who share nothing', () => {
    const ring = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']
    const honest = Array.from({ length: 100 }, (_, n) => `h${n}`)
    const refers = [...ring, ...honest].map((friend) => ({ advocate: 'a', friend }))
    const has = ring.map((customer) => ({ customer, identity: 'device 1' }))
    expect(ringOf('a', has, refers, false)).toEqual({ customers: 7, density: 15 / 21, circle: false, capped: false })
    expect(ringOf('a', [], refers, true)).toEqual({ customers: 1, density: 0, circle: false, capped: true })
  })
})
