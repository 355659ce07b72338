/** Whatever is reserved, settled, released, replayed and recapped, in whatever order and at once: budgets equal their holds. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plannedBudget } from '../../domain/budget.ts'
import { PerennialError } from '../../domain/errors.ts'
import { holdMoney, releaseHold, settleHold } from '../../store/budget-holds.ts'
import { addBudgets, setCap, setLine } from '../../store/budgets.ts'
import { releaseExpired } from '../../store/coupon-budgets.ts'
import { type Tx, inTransaction, openStore } from '../../store/db.ts'
import { lockRun } from '../../store/enrolments.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { refundCoupon } from '../../store/refunds.ts'
import { expectInvariants, freshStore, until } from '../world.ts'
import { basketOf, campaign, couponOf, issue, offer, standing, taken } from './budget-given.ts'
import { DAY, NOON, enterCrowd, rowsOf } from './given.ts'

const { db, url } = await freshStore()

type Step =
  | { do: 'hold' | 'settle' | 'release'; hold: number; amount: number }
  | { do: 'issue'; person: number }
  | { do: 'redeem' | 'refund'; person: number; order: number; amount: number }
  | { do: 'expire'; days: number }
  | { do: 'cap'; of: number; cap: number }
  | { do: 'line'; line: number }

const PEOPLE = 4
const HOLDS = 5
const nth = (most: number) => fc.integer({ min: 0, max: most - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('hold' as const, 'hold' as const, 'settle' as const, 'release' as const),
      hold: nth(HOLDS),
      amount: fc.constantFrom(0, 1, 700, 701, 2500),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('issue' as const), person: nth(PEOPLE) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('redeem' as const, 'redeem' as const, 'refund' as const),
      person: nth(PEOPLE),
      order: nth(2),
      amount: fc.integer({ min: 1, max: 40_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), days: fc.integer({ min: 0, max: 9 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('cap' as const), of: nth(3), cap: fc.integer({ min: 0, max: 12_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('line' as const), line: fc.constantFrom(0, 5, 33.33, 100) }) },
)

/** Asked for other than the first time, or below what is taken: refused, and nothing happens. */
async function refusable(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    if (error instanceof PerennialError && /^(IDEMPOTENCY_MISMATCH|BUDGET_TAKEN)$/.test(error.code)) return error.code
    throw error
  }
}

/** A campaign of two journeys, one with a cap of its own, two people in each; what a shop and its operators do with it. */
async function stage(prefix: string) {
  const { budget, journeys } = await campaign(db, {
    cap: 8000,
    line: 5,
    journeys: [{ journeyCap: 5000 }, { class: 'service' }],
  })
  const perks = [
    await offer(db, { gives: { percent: 10, atMost: 2000 }, onRefund: { reissue: '2 days' } }),
    await offer(db, { gives: { percent: 10 }, cost: 900 }),
  ]
  const crowd = await Promise.all(
    journeys.map((journey, at) => enterCrowd(db, { journey, prefix: `${prefix}${at}-`, size: PEOPLE / 2 })),
  )
  const people = crowd.flat()
  const codes = new Map<number, string>()
  const budgets = [budget, `${budget}/${journeys[0]}`, budget]
  let now = NOON
  const held = (
    hold: number,
    work: (tx: Tx, of: { key: string; run: string; customer: string; journey: string }) => Promise<unknown>,
  ) => {
    const { run = '', customer = '' } = people[hold % PEOPLE] ?? {}
    return inTransaction(db, async (tx) => {
      const state = await lockRun(tx, run)
      return work(tx, { key: `${run}/hold/${hold}`, run, customer, journey: state?.journey ?? '' })
    })
  }
  const act = async (one: Step): Promise<unknown> => {
    switch (one.do) {
      case 'hold': {
        const { amount } = one
        return refusable(
          held(one.hold, (tx, { run: enrolment, ...of }) => holdMoney(tx, { ...of, enrolment, amount, now })),
        )
      }
      case 'settle':
        return refusable(held(one.hold, (tx, { key }) => settleHold(tx, { key, cost: one.amount, now })))
      case 'release':
        return held(one.hold, (tx, { key }) => releaseHold(tx, { key, now }))
      case 'issue': {
        const issued = await issue(db, people[one.person]?.run ?? '', perks[one.person % 2] ?? '', now)
        if (issued.is === 'issued') codes.set(one.person, issued.coupon.code)
        return issued
      }
      case 'redeem':
      case 'refund': {
        const { customer = '' } = people[one.person] ?? {}
        const order = `${customer}-${one.order}`
        const of = { code: codes.get(one.person) ?? '', customer, order, now }
        if (of.code === '') return undefined
        if (one.do === 'refund') return refundCoupon(db, { ...of, key: `f-${order}-${now}` })
        return refusable(redeemCoupon(db, { ...of, key: `r-${order}-${one.amount}`, basket: basketOf(one.amount) }))
      }
      case 'expire':
        now += one.days * DAY
        return releaseExpired(db, { now })
      case 'cap':
        return refusable(setCap(db, { budget: budgets[one.of] ?? budget, cap: one.cap, now }))
      case 'line':
        return setLine(db, { budget, line: one.line })
    }
  }
  return { act, budget, people }
}

let stages = 0

test('any interleaving keeps every invariant, also at once; asked again it moves nothing', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 15, maxLength: 45, size: 'max' }),
      fc.boolean(),
      async (steps, atOnce) => {
        const { act, budget, people } = await stage(`S${++stages}-`)
        const answers: unknown[] = []
        if (atOnce)
          for (let i = 0; i < steps.length; i += 4) answers.push(...(await Promise.all(steps.slice(i, i + 4).map(act))))
        else for (const one of steps) answers.push(await act(one))
        await expectInvariants(db)
        const before = await taken(db, budget)
        for (const one of steps)
          if (one.do === 'hold' || one.do === 'settle') answers.push(await replay(act, one, before, budget))
        const runs = people.map(({ run }) => `'${run}'`).join(', ')
        for (const { state } of await rowsOf<{ state: string }>(
          db,
          `select state from budget_holds where enrolment in (${runs})`,
        ))
          seen.add(state)
        for (const answer of answers) seen.add(codeOf(answer))
      },
    ),
    { numRuns: 25, seed: 20261124, endOnFailure: true },
  )
  await expectInvariants(db)
  for (const one of ['open', 'settled', 'released', 'BUDGET_EXHAUSTED', 'BUDGET_TAKEN', 'IDEMPOTENCY_MISMATCH'])
    expect(seen).toContain(one)
})

const codeOf = (answer: unknown): string =>
  typeof answer === 'string' ? answer : String((answer as { code?: string } | undefined)?.code)

/** What was done under its key before answers without moving money; what was not may still find none, or some. */
async function replay(act: (one: Step) => Promise<unknown>, one: Step, before: [number, number], budget: string) {
  const answer = (await act(one)) as { replayed?: boolean } | undefined
  if (answer?.replayed === true) expect(await taken(db, budget)).toEqual(before)
  else before.splice(0, 2, ...(await taken(db, budget)))
  return answer
}

test('forward and back at once: a redemption against the expiry, ten times over', async () => {
  const { budget, journeys } = await campaign(db, { cap: 100_000 })
  const perk = await offer(db)
  const wide = openStore({ url, connections: 12 })
  const end = NOON + 7 * DAY
  const coupons = await Promise.all(Array.from({ length: 10 }, () => couponOf(db, journeys[0] ?? '', perk)))
  // The till's clock is a moment behind the upkeep's: both may think that it is theirs.
  const redeem = ({ code, customer }: (typeof coupons)[number]) =>
    redeemCoupon(wide, { key: `e-${code}`, code, customer, order: `e-${code}`, basket: basketOf(800), now: end - 1 })
  const [, ...redeemed] = await Promise.all([
    releaseExpired(wide, { now: end }),
    ...coupons.map(redeem),
    releaseExpired(wide, { now: end }),
  ])
  await wide.destroy()
  expect(redeemed.slice(0, 10)).toEqual(
    Array.from({ length: 10 }, () => expect.objectContaining({ ok: true, discount: 800 })),
  )
  expect(await taken(db, budget)).toEqual([0, 8000])
  expect(await releaseExpired(db, { now: end })).toBe(0)
  await expectInvariants(db)
})

test('a hold that the upkeep let go a moment before is taken anew by the redemption, or refused where the money is gone', async () => {
  const { budget, journeys } = await campaign(db, { cap: 1000 })
  const perk = await offer(db)
  const { code, customer } = await couponOf(db, journeys[0] ?? '', perk)
  const end = NOON + 7 * DAY
  expect(await releaseExpired(db, { now: end })).toBeGreaterThan(0)
  const late = { code, customer, order: 'late', now: end - 1 }
  await couponOf(db, journeys[0] ?? '', perk)
  expect(await redeemCoupon(db, { ...late, key: 'late-1', basket: basketOf(800) })).toEqual({
    ok: false,
    code: 'BUDGET_EXHAUSTED',
  })
  await setCap(db, { budget, cap: 1800, now: NOON })
  expect(await redeemCoupon(db, { ...late, key: 'late-1', basket: basketOf(800) })).toMatchObject({ ok: true })
  expect(await taken(db, budget)).toEqual([1000, 800])
  await expectInvariants(db)
})

test('issues against refunds: what comes back is given out again, and never more than there is', async () => {
  const { budget, journeys } = await campaign(db, { cap: 20_000, journeys: [{}, { journeyCap: 12_000 }] })
  const lost = await offer(db, { onRefund: 'lost' })
  const wide = openStore({ url, connections: 12 })
  const spent = await Promise.all(
    Array.from({ length: 20 }, (_, at) => couponOf(db, journeys[0] ?? '', lost, NOON + at)),
  )
  const of = ({ code, customer }: (typeof spent)[number]) => ({ code, customer, order: `x-${code}`, now: NOON + 100 })
  await Promise.all(
    spent.map((one) => redeemCoupon(wide, { ...of(one), key: `r-${one.code}`, basket: basketOf(5000) })),
  )
  expect(await taken(db, budget)).toEqual([0, 20_000])
  const crowd = await enterCrowd(db, { journey: journeys[1] ?? '', prefix: 'X-', size: 40 })
  const answers = await Promise.all([
    ...crowd.map(({ run }) => issue(wide, run, lost, NOON + 100)),
    ...spent.map((one) => refundCoupon(wide, { ...of(one), key: `f-${one.code}` })),
  ])
  await wide.destroy()
  const issued = answers.filter((one) => 'is' in one && one.is === 'issued')
  expect((await standing(db, budget)).reserved).toBe(issued.length * 1000)
  expect(issued.length).toBeLessThanOrEqual(12)
  // Now all of it is free: the journey's own cap is what stops the others.
  const later = await Promise.all(crowd.map(({ run }) => issue(db, run, lost, NOON + 101)))
  expect(later.filter(({ is }) => is === 'issued')).toHaveLength(12)
  expect(await taken(db, budget)).toEqual([12_000, 0])
  await expectInvariants(db)
})

test('a worker that starts while coupons are issued: from one moment on each has its hold, and no two wait for each other', async () => {
  const { budget, journeys } = await campaign(db, { cap: 1_000_000 })
  const perk = await offer(db)
  const wide = openStore({ url, connections: 12 })
  const [old, fresh] = [
    await enterCrowd(db, { journey: journeys[0] ?? '', prefix: 'W-old-', size: 60 }),
    await enterCrowd(db, { journey: 'started', prefix: 'W-new-', size: 60 }),
  ]
  const plan = { name: 'started', class: 'marketing', budget: plannedBudget({ name: budget, cap: 1_000_000 }) } as const
  const ask = async (people: typeof old): Promise<void> => {
    for (const { run } of people) expect((await issue(wide, run, perk, Date.now())).is).toBe('issued')
  }
  const crowds = [0, 1, 2, 3].flatMap((nth) => [
    old.slice(nth * 15, nth * 15 + 15),
    fresh.slice(nth * 15, nth * 15 + 15),
  ])
  const start = async (): Promise<void> => {
    await until(
      async () =>
        (await rowsOf(db, `select 1 from coupons where enrolment like 'started/%'`)).length > 8 || 'none issued yet',
    )
    await addBudgets(db, [plan], Date.now)
  }
  await Promise.all([...crowds.map(ask), start(), start()])
  await wide.destroy()
  const [held] = await rowsOf<{ count: number }>(db, `select count(*) from budget_holds where journey = 'started'`)
  expect(held?.count).toBeGreaterThan(0)
  expect(held?.count).toBeLessThan(60)
  expect(await taken(db, budget)).toEqual([(60 + (held?.count ?? 0)) * 1000, 0])
  await expectInvariants(db)
})
