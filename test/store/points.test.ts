import { afterAll, describe, expect, test } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import type { OnReturn, PointRule } from '../../domain/points.ts'
import { inTransaction, openStore } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { endAndWake } from '../../store/enrolments.ts'
import { pauseJourney, resumeJourney } from '../../store/journeys.ts'
import { balancesOf, expiringPoints, ledgerOf } from '../../store/ledger.ts'
import { type Award, awardPoints, settlePoints, takeBackPoints } from '../../store/points.ts'
import { type Spend, expirePoints, restorePoints, spendPoints } from '../../store/spends.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, NOON, enterCrowd, handClock, inboxOf, routing, rowsOf, wakesOf } from './given.ts'

const { db, url } = await freshStore()
afterAll(() => expectInvariants(db))

/** One member in a journey of their own name; the run. */
async function member(id: string, journey = 'story'): Promise<string> {
  const [one] = await enterCrowd(db, { journey, prefix: id, size: 1 })
  return one?.run ?? ''
}

interface Ask {
  rule?: string
  terms?: Partial<PointRule>
  now?: number
  key?: string
}

function award(run: string, fixed: number, { rule = 'gift', terms = {}, now = NOON, key }: Ask = {}): Promise<Award> {
  const all = { title: rule, earn: { fixed }, ...terms }
  const shopZone = 'Asia/Shanghai'
  return awardPoints(db, { key: key ?? effectKey(run, 'points', rule, 1), run, rule, terms: all, shopZone, now })
}

const spend = (customer: string, amount: number, key: string, now = NOON): Promise<Spend> =>
  spendPoints(db, { key, customer, amount, now })

/** pending/available/debt of the points. */
async function balance(customer: string, unit = 'points'): Promise<string> {
  const of = (await balancesOf(db, customer)).find((one) => one.unit === unit)
  return of ? `${of.pending}/${of.available}/${of.debt}` : 'none'
}

const restore = (spent: string, expired: { graceDays: number } | 'forfeit', now: number, key = `${spent}/back`) =>
  restorePoints(db, { key, spend: spent, expired, shopZone: 'UTC', now })

describe('an award', () => {
  test('is pending until it is settled, or at once the customer’s; the same key answers it again', async () => {
    const run = await member('A')
    const first = await award(run, 100, { terms: { pending: true } })
    expect(first).toEqual({ is: 'awarded', unit: 'points', amount: 100, pending: true, replayed: false })
    await award(run, 7, { rule: 'growth', terms: { unit: 'growth' } })
    expect([await balance('A1'), await balance('A1', 'growth')]).toEqual(['100/0/0', '0/7/0'])
    // Whatever became of the rule since.
    expect(await award(run, 500, { terms: { pending: true } })).toEqual({ ...first, replayed: true })
    expect(await settlePoints(db, { run, now: NOON + DAY })).toEqual({ is: 'settled', points: 100, growth: 0 })
    expect(await settlePoints(db, { run, now: NOON + DAY })).toEqual({ is: 'settled', points: 100, growth: 0 })
    expect(await award(run, 100, { terms: { pending: true } })).toEqual({ ...first, replayed: true })
    expect(await balance('A1')).toBe('0/100/0')
    await expect(award(run, 100, { rule: 'other', key: effectKey(run, 'points', 'gift', 1) })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_MISMATCH',
    })
    expect((await decisionsOf(db, 'A1')).map(({ verdict, detail }) => `${verdict} ${detail}`)).toEqual([
      'awarded gift: 100 points',
      'awarded growth: 7 growth',
      'settled gift: 100 points',
    ])
  })

  test('of an order comes from the event that began the run, with each bonus as a transfer of its own', async () => {
    const send = inboxOf(db, handClock(), [routing('shop', { begins: { on: 'order.paid' }, occasion: 'order' })])
    await send('order.paid', person('O1'), { properties: { order: 'X', amount: 299_99, freight: 9_00 } })
    const run = 'shop/O1/X'
    const terms: Partial<PointRule> = { earn: { perYuan: 1 }, bonuses: { festival: 2, gold: 1.5 } }
    const answer = { is: 'awarded', unit: 'points', amount: 290 + 290 + 145, pending: false }
    expect(await award(run, 0, { rule: 'order', terms })).toEqual({ ...answer, replayed: false })
    expect(await award(run, 0, { rule: 'order', terms })).toEqual({ ...answer, replayed: true })
    expect((await ledgerOf(db, 'O1')).map(({ key, available }) => [key, available])).toEqual([
      ['shop/O1/X/points/order', 290],
      ['shop/O1/X/points/order+festival', 290],
      ['shop/O1/X/points/order+gold', 145],
    ])
    // A second award of the rule in the same run is not the first one with its bonuses.
    const second = await award(run, 0, { rule: 'order', terms, key: effectKey(run, 'points', 'order', 2) })
    expect(second).toEqual({ ...answer, replayed: false })
  })

  test('is refused without an order, for less than a yuan, in the control arm, after the end; held while paused', async () => {
    const run = await member('N')
    const terms = { earn: { perYuan: 1 } }
    expect(await award(run, 0, { terms })).toEqual({ is: 'refused', code: 'AMOUNT_MISSING' })
    const send = inboxOf(db, handClock(), [routing('small', { begins: { on: 'order.paid' } })])
    await send('order.paid', person('N2'), { properties: { amount: 99 } })
    expect(await award('small/N2', 0, { terms })).toEqual({ is: 'refused', code: 'NOTHING_EARNED' })
    const held = await member('NH', 'paused')
    await pauseJourney(db, 'paused', NOON)
    expect(await award(held, 5)).toEqual({ is: 'held' })
    expect(await settlePoints(db, { run: held, now: NOON })).toEqual({ is: 'held' })
    await resumeJourney(db, 'paused', { now: NOON })
    expect(await wakesOf(db)).toContain(held)
    await rowsOf(db, `update enrolments set arm = 'holdout' where id = '${run}'`)
    expect(await award(run, 5, { rule: 'late' })).toEqual({ is: 'refused', code: 'HOLDOUT' })
    await inTransaction(db, (tx) => endAndWake(tx, [run], { status: 'stopped', reason: 'operator', now: NOON }))
    expect(await award(run, 5, { rule: 'later' })).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
    expect(await settlePoints(db, { run, now: NOON })).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
    await expect(award('story/nobody', 5)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    expect(await balance('N1')).toBe('none')
  })
})

describe('two carts that spend one balance', () => {
  test('at once: as often as it lasts, each once, though each asks three times', async () => {
    await award(await member('P'), 100)
    const wide = openStore({ url, connections: 16 })
    const carts = Array.from({ length: 8 }, (_, cart) => cart)
    const answers = await Promise.all(
      carts.map((cart) =>
        Promise.all(
          [1, 2, 3].map(() => spendPoints(wide, { key: `cart/P${cart}`, customer: 'P1', amount: 40, now: NOON })),
        ),
      ),
    )
    await wide.destroy()
    const won = answers.filter(([one]) => one?.is === 'spent')
    expect(won).toHaveLength(2)
    for (const three of won) {
      expect(three.filter((one) => one.is === 'spent' && !one.replayed)).toHaveLength(1)
    }
    const lost = answers.filter(([one]) => one?.is !== 'spent').flat()
    expect(lost).toEqual(Array.from({ length: 18 }, () => ({ is: 'refused', code: 'POINTS_SHORT' })))
    expect(await balance('P1')).toBe('0/20/0')
  })
})

describe('a spend', () => {
  test('takes what expires first, never growth value, never what is pending', async () => {
    const run = await member('S')
    await award(run, 10, { rule: 'ever' })
    await award(run, 10, { rule: 'year', terms: { validDays: 365 } })
    await award(run, 10, { rule: 'week', terms: { validDays: 7 } })
    await award(run, 99, { rule: 'growth', terms: { unit: 'growth' } })
    await award(run, 99, { rule: 'wait', terms: { pending: true } })
    expect(await spend('S1', 31, 'S/1')).toEqual({ is: 'refused', code: 'POINTS_SHORT' })
    expect(await spend('S1', 15, 'S/2')).toEqual({ is: 'spent', amount: 15, replayed: false })
    const left = await rowsOf<{ rule: string; remaining: number }>(
      db,
      `select t.rule, l.remaining from point_lots l join point_transfers t on t.id = l.transfer where l.customer = 'S1' order by l.id`,
    )
    expect(left.map(({ rule, remaining }) => `${rule} ${remaining}`)).toEqual([
      'ever 10',
      'year 5',
      'week 0',
      'growth 99',
      'wait 99',
    ])
    expect(await expiringPoints(db, 'S1')).toEqual([{ expires_at: new Date('2027-11-24T00:00:00Z'), amount: 5 }])
  })

  test('of no whole number, by nobody, or of a key that was used for another amount is an error', async () => {
    await award(await member('E'), 10)
    for (const amount of [0, -1, 1.5, NaN]) {
      await expect(spend('E1', amount, 'E/bad')).rejects.toMatchObject({ code: 'AMOUNT_INVALID', field: 'amount' })
    }
    await expect(spend('nobody', 1, 'E/none')).rejects.toMatchObject({ code: 'CUSTOMER_UNKNOWN' })
    await spend('E1', 3, 'E/1')
    await expect(spend('E1', 4, 'E/1')).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    expect(await spend('E1', 3, 'E/1')).toMatchObject({ replayed: true })
    expect(await balance('E1')).toBe('0/7/0')
  })
})

describe('a spend that is given back', () => {
  async function spent(id: string): Promise<void> {
    const run = await member(id)
    await award(run, 10, { rule: 'week', terms: { validDays: 7 } })
    await award(run, 10, { rule: 'ever' })
    await spend(`${id}1`, 15, `${id}/1`)
  }

  test('goes to the lots it came from, once', async () => {
    await spent('R')
    expect(await restore('R/1', 'forfeit', NOON + DAY)).toEqual({ restored: 15, forfeited: 0, replayed: false })
    expect(await restore('R/1', 'forfeit', NOON + DAY)).toEqual({ restored: 15, forfeited: 0, replayed: true })
    expect(await balance('R1')).toBe('0/20/0')
    expect(await expiringPoints(db, 'R1')).toMatchObject([{ amount: 10 }])
    await expect(restore('R/1', 'forfeit', NOON, 'R/other')).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    await expect(restore('R/1', { graceDays: 3 }, NOON)).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    await expect(restore('R/none', 'forfeit', NOON)).rejects.toMatchObject({ code: 'SPEND_UNKNOWN' })
    await expect(restore('story/R1/points/week', 'forfeit', NOON)).rejects.toMatchObject({ code: 'SPEND_UNKNOWN' })
  })

  test('after a lot has expired: forfeit, or a lot of its own with days of grace', async () => {
    await spent('F')
    expect(await restore('F/1', 'forfeit', NOON + 30 * DAY)).toMatchObject({ restored: 5, forfeited: 10 })
    expect(await balance('F1')).toBe('0/10/0')
    await spent('G')
    expect(await restore('G/1', { graceDays: 3 }, NOON + 30 * DAY)).toMatchObject({ restored: 15, forfeited: 0 })
    expect(await balance('G1')).toBe('0/20/0')
    expect(await expiringPoints(db, 'G1')).toEqual([{ expires_at: new Date('2026-12-27T00:00:00Z'), amount: 10 }])
  })
})

describe('expiry', () => {
  test('is a transfer of its own at the end of the customer’s last day, and happens before anything is spent', async () => {
    const run = await member('X')
    await rowsOf(db, `update customers set zone = 'Asia/Shanghai' where id = 'X1'`)
    await award(run, 10, { terms: { validDays: 1 } })
    const end = Date.parse('2026-11-24T16:00:00Z')
    await expirePoints(db, { now: end - 1 })
    expect(await balance('X1')).toBe('0/10/0')
    await spend('X1', 1, 'X/1', end - 1)
    expect(await expirePoints(db, { now: end })).toBe(1)
    expect(await expirePoints(db, { now: end })).toBe(0)
    expect((await ledgerOf(db, 'X1')).at(-1)).toMatchObject({ kind: 'expire', available: -9 })
    expect(await balance('X1')).toBe('0/0/0')
    // Before the sweep came by.
    await award(await member('Y'), 10, { terms: { validDays: 1 } })
    expect(await spend('Y1', 1, 'Y/1', NOON + 9 * DAY)).toEqual({ is: 'refused', code: 'POINTS_SHORT' })
    expect(await balance('Y1')).toBe('0/0/0')
  })
})

describe('a return', () => {
  const back = (run: string, now = NOON): Promise<unknown> => takeBackPoints(db, { run, now })

  test('voids what is pending, whoever ended the run, and once', async () => {
    const run = await member('V')
    await award(run, 100, { terms: { pending: true } })
    await inTransaction(db, (tx) => endAndWake(tx, [run], { status: 'exited', reason: 'order.refunded', now: NOON }))
    expect(await back(run)).toEqual({ points: 100, growth: 0 })
    expect(await back(run)).toEqual({ points: 100, growth: 0 })
    expect(await balance('V1')).toBe('0/0/0')
    await expect(back('story/nobody')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
  })

  test.each<[OnReturn, string, number]>([
    ['pending-only', '0/30/0', 0],
    ['within-balance', '0/0/0', 30],
    ['negative-allowed', '0/0/20', 50],
  ])('of 50 settled points when 30 are left, %s: %s', async (onReturn, expected, taken) => {
    const id = `C-${onReturn}-`
    const run = await member(id)
    await award(run, 50, { terms: { onReturn } })
    await spend(`${id}1`, 20, `${id}/1`)
    expect(await back(run)).toEqual({ points: taken, growth: 0 })
    // Once: what comes later is not looked at again.
    await award(await member(id, 'other'), 25)
    expect(await back(run)).toEqual({ points: taken, growth: 0 })
    const [left] = expected.split('/').slice(1)
    const owed = Number(expected.split('/')[2])
    expect(await balance(`${id}1`)).toBe(`0/${Number(left) + 25 - owed}/0`)
  })

  test('takes the order’s own lot first, then those that expire first', async () => {
    const run = await member('L')
    const other = await member('L', 'other')
    await award(other, 10, { rule: 'week', terms: { validDays: 7 } })
    await award(other, 10, { rule: 'ever' })
    await award(run, 10)
    await spend('L1', 25, 'L/1')
    await restore('L/1', 'forfeit', NOON)
    await spend('L1', 12, 'L/2')
    await back(run)
    const moves = await rowsOf<{ rule: string; amount: number }>(
      db,
      `select e.rule, m.amount from point_lot_moves m join point_transfers t on t.id = m.transfer
       join point_lots l on l.id = m.lot join point_transfers e on e.id = l.transfer
       where t.kind = 'claw-back' and t.customer = 'L1'`,
    )
    expect(moves).toEqual([{ rule: 'gift', amount: -10 }])
  })

  test('does not take again what has expired', async () => {
    const run = await member('D')
    await award(run, 50, { terms: { validDays: 1, onReturn: 'negative-allowed' } })
    await spend('D1', 20, 'D/1')
    expect(await back(run, NOON + 5 * DAY)).toEqual({ points: 20, growth: 0 })
    expect(await balance('D1')).toBe('0/0/20')
  })

  test('that leaves a debt is paid from what is settled next', async () => {
    const run = await member('Q')
    await award(run, 50, { terms: { onReturn: 'negative-allowed' } })
    await spend('Q1', 50, 'Q/1')
    await back(run)
    const next = await member('Q', 'next')
    await award(next, 30, { terms: { pending: true } })
    expect(await balance('Q1')).toBe('30/0/50')
    await settlePoints(db, { run: next, now: NOON })
    expect(await balance('Q1')).toBe('0/0/20')
    await restore('Q/1', 'forfeit', NOON)
    expect(await balance('Q1')).toBe('0/30/0')
  })

  test('and the settling that races it: whichever came first, nothing is left pending and nothing is left over', async () => {
    const crowd = await enterCrowd(db, { journey: 'race', prefix: 'Z', size: 20 })
    for (const { run } of crowd) await award(run, 10, { terms: { pending: true } })
    await Promise.all(crowd.flatMap(({ run }) => [settlePoints(db, { run, now: NOON }), back(run), back(run)]))
    for (const { run } of crowd) await back(run)
    const wrong = await rowsOf(db, `select * from point_balances where customer like 'Z%' and pending + available > 0`)
    expect(wrong).toEqual([])
  })
})
