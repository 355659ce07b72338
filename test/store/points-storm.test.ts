/** Whatever happens to orders, in whatever order and however often: the ledger holds, and ends where it must. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import { PerennialError } from '../../domain/errors.ts'
import type { OnReturn, PointRule } from '../../domain/points.ts'
import { enrolment } from '../../store/enrolments.ts'
import { balancesOf } from '../../store/ledger.ts'
import { awardPoints, settlePoints, takeBackPoints } from '../../store/points.ts'
import { finishRun } from '../../store/outcomes.ts'
import { expirePoints, restorePoints, spendPoints } from '../../store/spends.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, handClock, inboxOf, routing, rowsOf } from './given.ts'

const { db } = await freshStore()
const clock = handClock()
const rewards = routing('rewards', {
  begins: { on: 'order.paid' },
  exits: [{ on: 'order.refunded', sameOccasion: true, whole: true }],
  occasion: 'order',
})
const send = inboxOf(db, clock, [rewards])

const POLICIES: readonly OnReturn[] = ['pending-only', 'negative-allowed', 'within-balance']
const ZONES = ['Asia/Shanghai', 'America/New_York']
const ORDERS = 3
const SPENDS = 3

type Step =
  | { do: 'paid' | 'refunded' | 'award' | 'settle' | 'tidy' | 'finish'; order: number }
  | { do: 'spend' | 'restore'; spend: number; amount: number; grace: boolean }
  | { do: 'pass'; days: number }
  | { do: 'part'; order: number; refund: number; amount: number; again: boolean }
  | { do: 'expire' }

const order = fc.integer({ min: 0, max: ORDERS - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom('paid' as const, 'award' as const, 'award' as const, 'settle' as const),
      order,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('refunded' as const, 'tidy' as const, 'finish' as const), order }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('spend' as const, 'restore' as const),
      spend: fc.integer({ min: 0, max: SPENDS - 1 }),
      amount: fc.integer({ min: 1, max: 120 }),
      grace: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('part' as const),
      order,
      refund: fc.integer({ min: 0, max: 2 }),
      amount: fc.integer({ min: 0, max: 60_00 }),
      again: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), days: fc.integer({ min: 0, max: 6 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'expire' as const }) },
)

/** An order's own amount and rule; every other one settles at once, every third never expires, the second has a cap a day. */
function termsOf(nth: number): { amount: number; terms: PointRule } {
  const pending = nth % 2 === 0
  const policy = POLICIES[nth % POLICIES.length] ?? 'within-balance'
  const validDays = nth % 3 === 2 ? undefined : 5 + nth
  const atMost = nth === 1 ? [{ points: 100, per: 'day' } as const] : []
  const terms = { title: 'Order', earn: { perYuan: 1 }, bonuses: { gold: 1.5 }, pending, onReturn: policy, atMost }
  return { amount: 40_00 * (nth + 1), terms: validDays === undefined ? terms : { ...terms, validDays } }
}

/** What a shop and a workflow would do for one customer; what the rules refuse is refused quietly. */
function doing(customer: string) {
  const runOf = (nth: number): string => `rewards/${customer}/O${nth}`
  const now = (): number => clock.now()
  const entered = async (nth: number): Promise<boolean> => (await enrolment(db, runOf(nth))) !== undefined
  const say = (type: string, nth: number): Promise<unknown> => {
    const { amount } = termsOf(nth)
    // The same id again: a double, which the inbox drops.
    return send(type, customer, { id: `${customer}-${type}-${nth}`, properties: { order: `O${nth}`, amount } })
  }
  const award = (nth: number): Promise<unknown> => {
    const key = effectKey(runOf(nth), 'points', 'order', 1)
    return awardPoints(db, {
      key,
      run: runOf(nth),
      rule: 'order',
      terms: termsOf(nth).terms,
      shopZone: 'UTC',
      now: now(),
    })
  }
  const tidy = async (nth: number): Promise<unknown> => {
    const exited = (await enrolment(db, runOf(nth)))?.status === 'exited'
    return exited ? takeBackPoints(db, { run: runOf(nth), now: now() }) : undefined
  }
  return async (one: Step): Promise<unknown> => {
    switch (one.do) {
      case 'paid':
      case 'refunded':
        return say(`order.${one.do}`, one.order)
      case 'part': {
        // The same refund told by two events takes once, whatever the second says.
        const id = `${customer}-part-${one.order}-${one.refund}${one.again ? `-${one.amount}` : ''}`
        const properties = { order: `O${one.order}`, refund: `R${one.refund}`, amount: one.amount }
        return refusable(send('order.refunded', customer, { id, properties }))
      }
      case 'award':
        return (await entered(one.order)) ? award(one.order) : undefined
      case 'settle':
        return (await entered(one.order)) ? settlePoints(db, { run: runOf(one.order), now: now() }) : undefined
      case 'tidy':
        return tidy(one.order)
      case 'finish':
        return finishRun(db, { run: runOf(one.order), status: 'completed', reason: 'told', now: now() })
      case 'spend':
        return refusable(
          spendPoints(db, { key: `${customer}/s${one.spend}`, customer, amount: one.amount, now: now() }),
        )
      case 'restore': {
        const [spend, key] = [`${customer}/s${one.spend}`, `${customer}/s${one.spend}/back`]
        const expired = one.grace ? { graceDays: 3 } : ('forfeit' as const)
        return refusable(restorePoints(db, { key, spend, expired, shopZone: 'UTC', now: now() }))
      }
      case 'pass':
        return clock.pass(one.days * DAY)
      case 'expire':
        return expirePoints(db, { now: now() })
    }
  }
}

/** Asked again with another amount, or for what is not there: refused, and nothing happens. */
async function refusable(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    if (error instanceof PerennialError && /^(IDEMPOTENCY_MISMATCH|SPEND_UNKNOWN|EVENT_ID_REUSED)$/.test(error.code))
      return error.code
    throw error
  }
}

/** The kind of each transfer of a customer by its key. */
async function keysOf(customer: string): Promise<Map<string, string>> {
  const rows = await rowsOf<{ key: string; kind: string }>(
    db,
    `select key, kind from point_transfers where customer = '${customer}' order by id`,
  )
  return new Map(rows.map(({ key, kind }) => [key, kind]))
}

/** Somebody who owes and pays it back, which chance alone rarely makes. */
const OWING: Step[] = [
  { do: 'paid', order: 1 },
  { do: 'award', order: 1 },
  { do: 'spend', spend: 0, amount: 90, grace: false },
  { do: 'refunded', order: 1 },
  { do: 'tidy', order: 1 },
  { do: 'paid', order: 0 },
  { do: 'award', order: 0 },
  { do: 'part', order: 0, refund: 0, amount: 10_00, again: false },
  { do: 'settle', order: 0 },
]

let customers = 0

test('any interleaving keeps every invariant, doubled, reordered and at once; done again it changes no row', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 15, maxLength: 60, size: 'max' }),
      fc.boolean(),
      async (steps, atOnce) => {
        const customer = `S${++customers}`
        const act = doing(customer)
        await send('customer.registered', { id: customer, zone: ZONES[customers % ZONES.length] })
        if (atOnce) {
          for (let i = 0; i < steps.length; i += 4) await Promise.all(steps.slice(i, i + 4).map(act))
        } else {
          for (const one of steps) await act(one)
        }
        await expectInvariants(db)
        for (let nth = 0; nth < ORDERS; nth++) await act({ do: 'tidy', order: nth })
        const ledger = await keysOf(customer)
        for (let nth = 0; nth < ORDERS; nth++) {
          if (ledger.has(`rewards/${customer}/O${nth}/points/order`)) await act({ do: 'award', order: nth })
          await act({ do: 'tidy', order: nth })
          await act({ do: 'refunded', order: nth })
        }
        expect(await keysOf(customer)).toEqual(ledger)
        for (const kind of ledger.values()) seen.add(kind)
      },
    ),
    { numRuns: 60, seed: 20261124, examples: [[OWING, false]] },
  )
  await expectInvariants(db)
  expect([...seen].sort()).toEqual(['claw-back', 'earn', 'expire', 'repay', 'restore', 'settle', 'spend', 'void'])
})

test('a refund that was told of leaves no point of its order, whichever of the two came first', async () => {
  const facts = ['paid', 'paid', 'refunded', 'refunded', 'award', 'award', 'settle', 'tidy'] as const
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...facts], { minLength: facts.length }), async (order) => {
      const customer = `T${++customers}`
      const act = doing(customer)
      await send('customer.registered', customer)
      // An order whose points wait to be settled.
      for (const one of order) await act({ do: one, order: 4 })
      // As its workflow does in the end.
      await act({ do: 'tidy', order: 4 })
      const left = (await balancesOf(db, customer)).filter(
        ({ pending, available, debt }) => pending + available + debt > 0,
      )
      expect(left).toEqual([])
    }),
    { numRuns: 25, seed: 20261124 },
  )
  await expectInvariants(db)
})
