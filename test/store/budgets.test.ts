import { afterEach, describe, expect, test } from 'vitest'
import { plannedBudget } from '../../domain/budget.ts'
import { REFUSALS } from '../../domain/errors.ts'
import { effectKey } from '../../domain/ids.ts'
import { addBudgets, setCap, setLine } from '../../store/budgets.ts'
import { releaseExpired } from '../../store/coupon-budgets.ts'
import { couponsOf } from '../../store/coupons.ts'
import { openStore } from '../../store/db.ts'
import { awardPoints, settlePoints, takeBackPoints } from '../../store/points.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { refundCoupon } from '../../store/refunds.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { basketOf, campaign, couponOf, issue, offer, standing, taken } from './budget-given.ts'
import { DAY, NOON, enterCrowd, rowsOf } from './given.ts'

const { db, url } = await freshStore()
afterEach(() => expectInvariants(db))

describe('the last yuan of a budget', () => {
  test('two journeys, 240 people, each asked twice at once: exactly the room is given, not a cent over', async () => {
    const { budget, journeys } = await campaign(db, { cap: 61_999, journeys: [{}, {}] })
    const perk = await offer(db)
    const crowds = await Promise.all(
      journeys.map((journey, nth) => enterCrowd(db, { journey, prefix: `L${nth}-`, size: 120 })),
    )
    const wide = openStore({ url, connections: 16 })
    const asked = crowds.flat().flatMap(({ run }) => [run, run])
    const answers: Awaited<ReturnType<typeof issue>>[] = []
    for (let i = 0; i < asked.length; i += 60) {
      answers.push(...(await Promise.all(asked.slice(i, i + 60).map((run) => issue(wide, run, perk)))))
    }
    await wide.destroy()
    const first = answers.filter((one) => one.is === 'issued' && !one.replayed)
    expect(first).toHaveLength(61)
    const others = answers.filter((one) => one.is !== 'issued')
    expect(new Set(others.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify({ is: 'refused', code: 'BUDGET_EXHAUSTED' })]),
    )
    expect(answers.filter((one) => one.is === 'issued' && one.replayed)).toHaveLength(61)
    expect(await taken(db, budget)).toEqual([61_000, 0])
    expect(await rowsOf(db, `select 1 from coupons where offer = '${perk}'`)).toHaveLength(61)
    expect(await rowsOf(db, `select issued from offer_buckets where offer = '${perk}'`)).toEqual([{ issued: 61 }])
    // However often one is refused, the log says it once.
    expect(await rowsOf(db, `select 1 from decisions where code = 'BUDGET_EXHAUSTED'`)).toHaveLength(240 - 61)
  })

  test('is taken from the campaign and the journey’s own, or from neither', async () => {
    const { budget, journeys } = await campaign(db, {
      cap: 5000,
      journeys: [{ journeyCap: 2000 }, { journeyCap: 4000 }],
    })
    const [one = '', two = ''] = journeys
    const perk = await offer(db)
    const [a, b] = [
      await enterCrowd(db, { journey: one, prefix: 'A', size: 6 }),
      await enterCrowd(db, { journey: two, prefix: 'B', size: 6 }),
    ]
    await Promise.all([...a, ...b].map(({ run }) => issue(db, run, perk)))
    const [whole, first, second] = [
      await taken(db, budget),
      await taken(db, `${budget}/${one}`),
      await taken(db, `${budget}/${two}`),
    ]
    expect(whole).toEqual([5000, 0])
    expect(first[0]).toBeLessThanOrEqual(2000)
    expect(first[0] + second[0]).toBe(5000)
  })

  test('a refusal of the quota or of the member’s limit holds nothing, and one of the budget takes no coupon', async () => {
    const { budget, journeys } = await campaign(db, { cap: 1500 })
    const [journey = ''] = journeys
    const [few, plenty] = [await offer(db, { quota: 0 }), await offer(db)]
    const [first, second] = await enterCrowd(db, { journey, prefix: 'Q', size: 2 })
    expect(await issue(db, first?.run ?? '', few)).toEqual({ is: 'refused', code: 'QUOTA_EXHAUSTED' })
    expect(await taken(db, budget)).toEqual([0, 0])
    expect((await issue(db, first?.run ?? '', plenty)).is).toBe('issued')
    expect(await issue(db, second?.run ?? '', plenty)).toEqual({ is: 'refused', code: 'BUDGET_EXHAUSTED' })
    expect(await couponsOf(db, second?.customer ?? '')).toEqual([])
    expect(await taken(db, budget)).toEqual([1000, 0])
    expect(REFUSALS.BUDGET_EXHAUSTED).toMatch(/budget/)
    // More money, and the same key is asked again: now it is there.
    await setCap(db, { budget, cap: 2000, now: NOON })
    expect((await issue(db, second?.run ?? '', plenty)).is).toBe('issued')
  })
})

describe('a coupon', () => {
  test('holds the most it can cost; redeemed it spends what it cost, refunded it is held anew, expired let go', async () => {
    const { budget, journeys } = await campaign(db, { cap: 100_000 })
    const perk = await offer(db, { gives: { percent: 10, atMost: 5000 } })
    const { code, customer } = await couponOf(db, journeys[0] ?? '', perk)
    expect(await taken(db, budget)).toEqual([5000, 0])
    const redeem = { key: 'r-1', code, customer, order: 'O1', basket: basketOf(12_345), now: NOON + 1 }
    expect(await redeemCoupon(db, redeem)).toMatchObject({ ok: true, discount: 1235, replayed: false })
    expect(await taken(db, budget)).toEqual([0, 1235])
    expect(await redeemCoupon(db, redeem)).toMatchObject({ ok: true, discount: 1235, replayed: true })
    expect(await redeemCoupon(db, { ...redeem, key: 'r-2' })).toMatchObject({ ok: true, replayed: true })
    expect(await taken(db, budget)).toEqual([0, 1235])
    const refund = { key: 'f-1', code, customer, order: 'O1', now: NOON + 2 }
    expect(await refundCoupon(db, refund)).toMatchObject({ outcome: 'returned' })
    expect(await refundCoupon(db, { ...refund, key: 'f-2' })).toMatchObject({ replayed: true })
    expect(await taken(db, budget)).toEqual([5000, 0])
    expect(await redeemCoupon(db, { ...redeem, key: 'r-3', order: 'O2', now: NOON + 3 })).toMatchObject({ ok: true })
    expect(await refundCoupon(db, { ...refund, key: 'f-3', order: 'O2', now: NOON + 4 })).toMatchObject({ ok: true })
    expect(await taken(db, budget)).toEqual([5000, 0])
    expect(await releaseExpired(db, { now: NOON + 7 * DAY - 1 })).toBe(0)
    expect(await releaseExpired(db, { now: NOON + 7 * DAY })).toBeGreaterThan(0)
    expect(await releaseExpired(db, { now: NOON + 7 * DAY })).toBe(0)
    expect(await taken(db, budget)).toEqual([0, 0])
  })

  test.each([
    ['lost', { onRefund: 'lost' }, [0, 0], 1],
    ['reissued', { onRefund: { reissue: '30 days' } }, [1000, 0], 1],
    ['lost', { onRefund: 'return' }, [0, 0], 8 * DAY],
  ] as const)('%s by a refund: %j', async (outcome, words, left, after) => {
    const { budget, journeys } = await campaign(db, { cap: 100_000 })
    const { code, customer } = await couponOf(db, journeys[0] ?? '', await offer(db, words))
    const of = { code, customer, order: `O-${code}` }
    await redeemCoupon(db, { ...of, key: `r-${code}`, basket: basketOf(700), now: NOON })
    expect(await taken(db, budget)).toEqual([0, 700])
    expect(await refundCoupon(db, { ...of, key: `f-${code}`, now: NOON + after })).toMatchObject({ outcome })
    expect(await taken(db, budget)).toEqual(left)
  })

  test('of free shipping, a gift or the till’s own costs what the plan words; shipping in the end what it was', async () => {
    const { budget, journeys } = await campaign(db, { cap: 100_000 })
    const [journey = ''] = journeys
    const spent: number[] = []
    for (const gives of [{ shipping: 'free' }, { gift: 'CUP' }, undefined] as const) {
      const before = (await taken(db, budget))[1]
      const { code, customer } = await couponOf(db, journey, await offer(db, { gives, cost: 900 }))
      expect((await taken(db, budget))[0]).toBe(900)
      const basket = basketOf(5000, 620)
      await redeemCoupon(db, { key: `s-${code}`, code, customer, order: `S-${code}`, basket, now: NOON })
      const [reserved, now] = await taken(db, budget)
      expect(reserved).toBe(0)
      spent.push(now - before)
    }
    expect(spent).toEqual([620, 900, 900])
  })

  test('that costs more than was worded takes the rest from what is left, else the till is told BUDGET_EXHAUSTED', async () => {
    const { budget, journeys } = await campaign(db, { cap: 5000, line: 50 })
    const perk = await offer(db, { gives: { percent: 50 }, cost: 1000, perMember: 2 })
    const { code, customer } = await couponOf(db, journeys[0] ?? '', perk)
    const ask = { code, customer, order: 'dear', key: 'dear-1', now: NOON }
    expect(await redeemCoupon(db, { ...ask, basket: basketOf(10_002) })).toEqual({
      ok: false,
      code: 'BUDGET_EXHAUSTED',
    })
    expect(await taken(db, budget)).toEqual([1000, 0])
    // The promise was made, so the line may pay for it.
    expect(await redeemCoupon(db, { ...ask, basket: basketOf(10_000) })).toMatchObject({ ok: true, discount: 5000 })
    expect(await taken(db, budget)).toEqual([0, 5000])
  })

  test('that comes back while others took the room is held for as much as there is, at least what it had cost', async () => {
    const { budget, journeys } = await campaign(db, { cap: 5000 })
    const [journey = ''] = journeys
    const { code, customer } = await couponOf(db, journey, await offer(db, { gives: { percent: 10, atMost: 5000 } }))
    const of = { code, customer, order: 'room' }
    await redeemCoupon(db, { ...of, key: 'room-1', basket: basketOf(15_000), now: NOON })
    const small = await offer(db, { gives: { amount: 3000 } })
    await couponOf(db, journey, small)
    await refundCoupon(db, { ...of, key: 'room-2', now: NOON + 1 })
    expect(await taken(db, budget)).toEqual([5000, 0])
    expect(await rowsOf(db, `select amount from budget_holds where coupon = '${code}' and state = 'open'`)).toEqual([
      { amount: 2000 },
    ])
    const again = { ...of, order: 'room-b', now: NOON + 2 }
    expect(await redeemCoupon(db, { ...again, key: 'room-3', basket: basketOf(30_000) })).toEqual({
      ok: false,
      code: 'BUDGET_EXHAUSTED',
    })
    expect(await redeemCoupon(db, { ...again, key: 'room-3', basket: basketOf(20_000) })).toMatchObject({ ok: true })
  })

  test('from before the journey had a budget, and of a journey without one, has no hold and is redeemed all the same', async () => {
    const perk = await offer(db)
    const { code, customer } = await couponOf(db, 'free-story', perk)
    expect(
      await redeemCoupon(db, { key: 'free', code, customer, order: 'free', basket: basketOf(9000), now: NOON }),
    ).toMatchObject({ ok: true })
    expect(await rowsOf(db, `select 1 from budget_holds where coupon = '${code}'`)).toEqual([])
    const early = await couponOf(db, 'late-story', perk)
    await addBudgets(
      db,
      [{ name: 'late-story', class: 'marketing', budget: plannedBudget({ name: 'late', cap: 1000 }) }],
      () => NOON,
    )
    await expectInvariants(db)
    expect(
      await redeemCoupon(db, { ...early, key: 'early', order: 'early', basket: basketOf(9000), now: NOON + 1 }),
    ).toMatchObject({ ok: true })
    expect(await taken(db, 'late')).toEqual([0, 0])
  })

  test('of an offer that does not say what it costs at most is refused, never held for nothing', async () => {
    const { budget, journeys } = await campaign(db, { cap: 5000 })
    const perk = await offer(db, { gives: { percent: 10 } })
    const [one] = await enterCrowd(db, { journey: journeys[0] ?? '', prefix: 'U', size: 1 })
    expect(await issue(db, one?.run ?? '', perk)).toEqual({ is: 'refused', code: 'COST_UNBOUNDED' })
    expect(await taken(db, budget)).toEqual([0, 0])
  })
})

describe('who may take what', () => {
  test('the control arm reserves nothing', async () => {
    const { budget, journeys } = await campaign(db, { cap: 5000 })
    const [one] = await enterCrowd(db, { journey: journeys[0] ?? '', prefix: 'H', size: 1 })
    await rowsOf(db, `update enrolments set arm = 'holdout' where id = '${one?.run}'`)
    expect(await issue(db, one?.run ?? '', await offer(db))).toEqual({ is: 'refused', code: 'HOLDOUT' })
    expect(await taken(db, budget)).toEqual([0, 0])
  })

  test('the line is not for marketing; service and transactional journeys may take it, and an operator moves it', async () => {
    const kinds = [{}, { class: 'service' }, { class: 'transactional' }] as const
    const { budget, journeys } = await campaign(db, { cap: 4100, line: 25, journeys: kinds })
    const perk = await offer(db)
    const ask = async (nth: number, prefix: string) => {
      const [one] = await enterCrowd(db, { journey: journeys[nth] ?? '', prefix, size: 1 })
      const { is } = await issue(db, one?.run ?? '', perk)
      return is
    }
    // 4100 less a line of 1025: three.
    expect([await ask(0, 'M1-'), await ask(0, 'M2-'), await ask(0, 'M3-'), await ask(0, 'M4-')]).toEqual([
      'issued',
      'issued',
      'issued',
      'refused',
    ])
    expect(await standing(db, budget)).toMatchObject({ left: 1100, forMarketing: 75, line: 25 })
    await setLine(db, { budget, line: 2.43 })
    expect(await ask(0, 'M5-')).toBe('issued')
    await setLine(db, { budget, line: 100 })
    await setCap(db, { budget, cap: 6000, now: NOON })
    expect([await ask(0, 'M6-'), await ask(1, 'S1-'), await ask(2, 'T1-'), await ask(1, 'S2-')]).toEqual([
      'refused',
      'issued',
      'issued',
      'refused',
    ])
  })

  test('a budget without a cap gives nothing until an operator gives it one, or the first plan that words it', async () => {
    const plan = (name: string, words: Parameters<typeof plannedBudget>[0]) => ({
      name,
      class: 'marketing' as const,
      budget: plannedBudget(words),
    })
    await addBudgets(db, [plan('bare', 'bare-money')], () => NOON)
    expect(await standing(db, 'bare-money')).toMatchObject({ cap: 0, line: 5, journeys: ['bare'] })
    await addBudgets(db, [plan('bare', 'bare-money'), plan('rich', { name: 'bare-money', cap: 700 })], () => NOON)
    expect(await standing(db, 'bare-money')).toMatchObject({ cap: 700, journeys: ['bare', 'rich'] })
    await setCap(db, { budget: 'bare-money', cap: 900, now: NOON })
    await addBudgets(db, [plan('rich', { name: 'bare-money', cap: 1 })], () => NOON)
    expect(await standing(db, 'bare-money')).toMatchObject({ cap: 900 })
    await addBudgets(db, [{ name: 'rich', class: 'marketing' }], () => NOON)
    expect(await standing(db, 'bare-money')).toMatchObject({ journeys: ['bare'] })
  })
})

describe('points', () => {
  const rule = { title: 'Fixed', earn: { fixed: 100 }, bonuses: { double: 2 }, onReturn: 'within-balance' } as const
  const award = (run: string, terms: Parameters<typeof awardPoints>[1]['terms'], pointCost?: number) =>
    awardPoints(db, {
      key: effectKey(run, 'points', 'rule', 1),
      run,
      rule: 'rule',
      terms,
      shopZone: 'UTC',
      pointCost,
      now: NOON,
    })
  const member = async (journey = '', prefix = '') => (await enterCrowd(db, { journey, prefix, size: 1 }))[0]?.run ?? ''

  test('are held at the award with their bonuses, spent when they settle, let go when they are void', async () => {
    const { budget, journeys } = await campaign(db, { cap: 700 })
    const [kept, back, short] = [
      await member(journeys[0], 'PK'),
      await member(journeys[0], 'PB'),
      await member(journeys[0], 'PS'),
    ]
    const pending = { ...rule, pending: true }
    expect(await award(kept, pending)).toMatchObject({ is: 'awarded', amount: 200, replayed: false })
    expect(await award(kept, pending)).toMatchObject({ is: 'awarded', replayed: true })
    await award(back, pending, 2)
    expect(await taken(db, budget)).toEqual([600, 0])
    expect(await award(short, pending)).toEqual({ is: 'refused', code: 'BUDGET_EXHAUSTED' })
    expect(await rowsOf(db, `select 1 from point_transfers where enrolment = '${short}'`)).toEqual([])
    await settlePoints(db, { run: kept, now: NOON + 1 })
    await settlePoints(db, { run: kept, now: NOON + 2 })
    await takeBackPoints(db, { run: back, now: NOON + 1 })
    await takeBackPoints(db, { run: back, now: NOON + 2 })
    expect(await taken(db, budget)).toEqual([0, 200])
  })

  test('that do not wait are spent at once; clawed back, as much is free as came back', async () => {
    const { budget, journeys } = await campaign(db, { cap: 1000 })
    const run = await member(journeys[0], 'PC')
    await award(run, { ...rule, validDays: 1 }, 1.5)
    expect(await taken(db, budget)).toEqual([0, 300])
    await takeBackPoints(db, { run, now: NOON + 1 })
    expect(await taken(db, budget)).toEqual([0, 0])
    const old = await member(journeys[0], 'PO')
    await award(old, { ...rule, validDays: 1 })
    await takeBackPoints(db, { run: old, now: NOON + 5 * DAY })
    expect(await taken(db, budget)).toEqual([0, 200])
  })

  test('growth value costs nothing, nor do points where a point costs nothing: their hold says so', async () => {
    const { budget, journeys } = await campaign(db, { cap: 0 })
    const run = await member(journeys[0], 'PG')
    expect(await award(run, { ...rule, unit: 'growth' })).toMatchObject({ is: 'awarded' })
    const free = await member(journeys[0], 'PF')
    expect(await award(free, { ...rule, pending: true }, 0)).toMatchObject({ is: 'awarded' })
    await settlePoints(db, { run: free, now: NOON + 1 })
    expect(await taken(db, budget)).toEqual([0, 0])
    expect(await rowsOf(db, `select state, amount from budget_holds where enrolment in ('${run}', '${free}')`)).toEqual(
      [
        { state: 'settled', amount: 0 },
        { state: 'settled', amount: 0 },
      ],
    )
  })
})
