/** Holds by themselves, caps that are set anew, and the alerts that budgets give. */
import { afterEach, describe, expect, test } from 'vitest'
import { announceAlerts } from '../../store/budget-alerts.ts'
import { holdMoney, releaseHold, settleHold } from '../../store/budget-holds.ts'
import { setCap } from '../../store/budgets.ts'
import { inTransaction } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { campaign, couponOf, issue, offer, standing, taken } from './budget-given.ts'
import { NOON, enterCrowd, rowsOf } from './given.ts'

const { db } = await freshStore()
afterEach(() => expectInvariants(db))

describe('a hold', () => {
  const of = async (cap = 5000) => {
    const { budget, journeys } = await campaign(db, { cap })
    const [one] = await enterCrowd(db, { journey: journeys[0] ?? '', prefix: `${budget}-`, size: 1 })
    const { run = '', customer = '' } = one ?? {}
    const key = `${run}/reward`
    return { budget, key, journey: journeys[0] ?? '', enrolment: run, customer, now: NOON }
  }

  test('is taken once a key: a replay does nothing, another amount is IDEMPOTENCY_MISMATCH', async () => {
    const { budget, ...request } = await of()
    const ask = (amount: number) => inTransaction(db, (tx) => holdMoney(tx, { ...request, amount }))
    expect(await ask(3000)).toEqual({ is: 'held', replayed: false })
    expect(await ask(3000)).toEqual({ is: 'held', replayed: true })
    await expect(ask(3001)).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    expect(await inTransaction(db, (tx) => holdMoney(tx, { ...request, key: 'x', amount: 2001 }))).toEqual({
      is: 'refused',
      code: 'BUDGET_EXHAUSTED',
    })
    expect(
      await inTransaction(db, (tx) => holdMoney(tx, { ...request, journey: 'no-budget', key: 'y', amount: 1 })),
    ).toEqual({ is: 'none' })
    expect(await taken(db, budget)).toEqual([3000, 0])
  })

  test('resolves once: settled or released, whichever came first, and a replay answers the same', async () => {
    const { budget, ...request } = await of()
    const { key, now } = request
    await inTransaction(db, (tx) => holdMoney(tx, { ...request, amount: 3000 }))
    const settle = (cost?: number) =>
      inTransaction(db, (tx) => settleHold(tx, { key, now, ...(cost !== undefined && { cost }) }))
    const release = (of = key) => inTransaction(db, (tx) => releaseHold(tx, { key: of, now }))
    expect(await settle(1200)).toEqual({ is: 'settled', replayed: false })
    expect(await settle(1200)).toEqual({ is: 'settled', replayed: true })
    await expect(settle(1300)).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    expect(await release()).toBe(false)
    expect(await taken(db, budget)).toEqual([0, 1200])
    await inTransaction(db, (tx) => holdMoney(tx, { ...request, key: `${key}#2`, amount: 500 }))
    expect([await release(`${key}#2`), await release(`${key}#2`), await release('none')]).toEqual([true, false, false])
    expect(await inTransaction(db, (tx) => settleHold(tx, { key: `${key}#2`, now }))).toEqual({ is: 'none' })
    expect(await taken(db, budget)).toEqual([0, 1200])
  })
})

describe('a cap', () => {
  test('is never set below what is reserved and spent', async () => {
    const { budget, journeys } = await campaign(db, { cap: 5000 })
    await couponOf(db, journeys[0] ?? '', await offer(db))
    await expect(setCap(db, { budget, cap: 999, now: NOON })).rejects.toMatchObject({
      code: 'BUDGET_TAKEN',
      expected: 'at least 1000',
    })
    await expect(setCap(db, { budget: 'nobody', cap: 9, now: NOON })).rejects.toMatchObject({ code: 'BUDGET_UNKNOWN' })
    expect(await setCap(db, { budget, cap: 1000, now: NOON })).toEqual({
      budget,
      cap: 1000,
      before: 5000,
      changed: true,
    })
    expect(await setCap(db, { budget, cap: 1000, now: NOON })).toMatchObject({ changed: false })
  })
})

describe('alerts', () => {
  const told = async (budget: string) =>
    (
      await rowsOf<{ t: string }>(
        db,
        `select round || ':' || threshold as t from budget_alerts where budget = '${budget}' order by round, threshold`,
      )
    ).map(({ t }) => t)

  test('come once a threshold and cap, with what passed it; a higher cap arms those above again', async () => {
    const { budget, journeys } = await campaign(db, { cap: 10_000, journeys: [{ class: 'service' }] })
    const give = async (times: number, amount: number) => {
      const perk = await offer(db, { gives: { amount } })
      for (let i = 0; i < times; i++) await couponOf(db, journeys[0] ?? '', perk)
    }
    await give(1, 4999)
    expect(await told(budget)).toEqual([])
    await give(1, 1)
    expect(await told(budget)).toEqual(['1:50'])
    await give(1, 4500)
    expect(await told(budget)).toEqual(['1:50', '1:80', '1:95'])
    await setCap(db, { budget, cap: 11_000, now: NOON })
    // 86 %: 50 and 80 are known, 95 may come again.
    await give(1, 950)
    expect(await told(budget)).toEqual(['1:50', '1:80', '1:95', '2:95'])
    await setCap(db, { budget, cap: 10_450, now: NOON })
    expect(await told(budget)).toEqual(['1:50', '1:80', '1:95', '2:95', '3:100'])
    expect((await standing(db, budget)).alerts.map(({ threshold, cap }) => [threshold, cap])).toEqual([
      [50, 10_000],
      [80, 10_000],
      [95, 11_000],
      [100, 10_450],
    ])
  })

  test('tell of a refusal as 100 %, though the line is left', async () => {
    const { budget, journeys } = await campaign(db, { cap: 2000, line: 10 })
    const perk = await offer(db)
    await couponOf(db, journeys[0] ?? '', perk)
    for (const prefix of ['X1-', 'X2-']) {
      const [one] = await enterCrowd(db, { journey: journeys[0] ?? '', prefix, size: 1 })
      expect((await issue(db, one?.run ?? '', perk)).is).toBe('refused')
      expect((await decisionsOf(db, one?.customer ?? '')).at(-1)).toMatchObject({
        about: 'coupon',
        code: 'BUDGET_EXHAUSTED',
        detail: perk,
      })
    }
    expect(await told(budget)).toEqual(['1:50', '1:100'])
  })

  test('are handed over once, by whichever of two rounds comes first', async () => {
    const heard: string[] = []
    const round = () =>
      announceAlerts(db, NOON, ({ budget, cap, threshold }) => void heard.push(`${budget} ${cap} ${threshold}`))
    await Promise.all([round(), round()])
    expect(heard.length).toBeGreaterThan(5)
    expect(new Set(heard).size).toBe(heard.length)
    expect(await round()).toBe(0)
    expect(await rowsOf(db, `select 1 from budget_alerts`)).toHaveLength(heard.length)
  })
})
