/** Whatever happens between friends, advocates and orders, in whatever order, doubled and at once: nothing is paid that should not be. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { enrolment } from '../../store/enrolments.ts'
import { balancesOf } from '../../store/ledger.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, handClock, rowsOf } from './given.ts'
import { referralShop } from './referral-given.ts'

const { db } = await freshStore()
const clock = handClock()
const shop = await referralShop(db, clock)

const FRIENDS = 4
const ADVOCATES = 2

type Step =
  | { do: 'register' | 'claim'; friend: number; advocate: number }
  | { do: 'paid' | 'refunded' | 'partly' | 'settle' | 'tidy'; friend: number }
  | { do: 'pass'; days: number }

const friend = fc.integer({ min: 0, max: FRIENDS - 1 })
const advocate = fc.integer({ min: 0, max: ADVOCATES - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('register' as const, 'claim' as const), friend, advocate }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('paid' as const, 'settle' as const, 'settle' as const), friend }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('refunded' as const, 'partly' as const, 'tidy' as const), friend }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), days: fc.integer({ min: 5, max: 20 }) }) },
)

let worlds = 0

/** Advocates and friends of one walk, and what a shop and their runs would do. */
async function someone() {
  const n = ++worlds
  const [friends, advocates] = [
    Array.from({ length: FRIENDS }, (_, i) => `F${n}-${i}`),
    Array.from({ length: ADVOCATES }, (_, i) => `${i === 0 ? 'A' : 'Z'}${n}-${i}`),
  ]
  const codes = await Promise.all(advocates.map((id) => shop.advocate(id)))
  const nameOf = (index: number): string => friends[index] ?? ''
  const codeOf = (index: number): string => codes[index] ?? ''
  /** The advocate whose run this friend's order began. */
  const runOf = async (f: string): Promise<string | undefined> => {
    const brought = (await shop.row(f))?.advocate
    return brought && (await enrolment(db, shop.runOf(f, brought))) ? brought : undefined
  }
  const act = async (one: Step): Promise<unknown> => {
    if (one.do === 'pass') return clock.pass(one.days * DAY)
    const f = nameOf(one.friend)
    const order = { order: `O-${f}` }
    switch (one.do) {
      case 'register': {
        const referral = codeOf(one.advocate)
        return shop.send('customer.registered', person(f), { id: `in-${f}-${one.advocate}`, properties: { referral } })
      }
      case 'claim':
        return shop.send('referral.claimed', f, { properties: { code: codeOf(one.advocate) } })
      case 'paid':
        return shop.send('order.paid', f, { id: `paid-${f}`, properties: { ...order, amount: 150_00 } })
      case 'refunded':
        return shop.send('order.refunded', f, { id: `back-${f}`, properties: order })
      case 'partly':
        // Once it is enough, twice it is too little.
        return shop.send('order.refunded', f, { properties: { ...order, amount: 30_00 } })
      case 'settle': {
        const a = await runOf(f)
        return a && shop.settle(f, a)
      }
      case 'tidy': {
        const a = await runOf(f)
        return a && shop.takeBack(f, a)
      }
    }
  }
  return { friends, advocates, act }
}

/** What an advocate should have by what is written of the friends, against what is there. */
async function balanced(advocates: readonly string[]): Promise<void> {
  for (const id of advocates) {
    const rewards = await rowsOf<{ worth: number }>(
      db,
      `select case when rung is null then 1000 when rung = 1 then 100 else 0 end as worth from referral_rewards
       where advocate = '${id}' and taken_back_at is null`,
    )
    const points = (await balancesOf(db, id)).find(({ unit }) => unit === 'points')
    expect(points?.available ?? 0).toBe(rewards.reduce((sum, { worth }) => sum + worth, 0))
    expect(points?.debt ?? 0).toBe(0)
  }
}

test('any interleaving keeps every invariant, doubled, reordered and at once', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 15, maxLength: 50, size: 'max' }),
      fc.boolean(),
      async (steps, atOnce) => {
        const { friends, advocates, act } = await someone()
        if (atOnce) {
          for (let i = 0; i < steps.length; i += 5) await Promise.all(steps.slice(i, i + 5).map(act))
        } else {
          for (const one of steps) await act(one)
        }
        await expectInvariants(db)
        // As the runs do in the end; done again it changes nothing.
        for (const index of [0, 1, 2, 3, 0, 1, 2, 3]) await act({ do: 'tidy', friend: index })
        await balanced(advocates)
        for (const f of friends) seen.add(await shop.status(f))
      },
    ),
    { numRuns: 24, seed: 20261124 },
  )
  await expectInvariants(db)
  expect([...seen]).toEqual(
    expect.arrayContaining(['claimed', 'pending', 'approved', 'voided REFERRAL_REFUNDED', 'none']),
  )
}, 60_000)

test('a refund that was told of leaves no reward, wherever it came', async () => {
  const facts = ['paid', 'paid', 'refunded', 'refunded', 'settle', 'settle', 'pass', 'tidy'] as const
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...facts], { minLength: facts.length }), async (order) => {
      const { friends, advocates, act } = await someone()
      await act({ do: 'register', friend: 0, advocate: 1 })
      for (const one of order) await act(one === 'pass' ? { do: 'pass', days: 16 } : { do: one, friend: 0 })
      await act({ do: 'tidy', friend: 0 })
      expect(await shop.status(friends[0] ?? '')).toBe('voided REFERRAL_REFUNDED')
      expect((await balancesOf(db, advocates[1] ?? '')).filter(({ available }) => available > 0)).toEqual([])
    }),
    { numRuns: 12, seed: 20261124 },
  )
  await expectInvariants(db)
}, 60_000)
