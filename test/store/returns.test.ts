/** The refund of a part of an order: it takes its share, once, and the run goes on. */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import type { OnReturn, PointRule } from '../../domain/points.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { enrolment } from '../../store/enrolments.ts'
import { inTransaction } from '../../store/db.ts'
import { endAndWake } from '../../store/enrolments.ts'
import { balancesOf, ledgerOf } from '../../store/ledger.ts'
import { awardPoints, resolveByHand, settlePoints, takeBackPoints } from '../../store/points.ts'
import { expirePoints, spendPoints } from '../../store/spends.ts'
import { expectInvariants, freshStore, person } from '../world.ts'
import { DAY, behindLock, handClock, inboxOf, routing } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const clock = handClock()
const rewards = routing('rewards', {
  begins: { on: 'order.paid' },
  exits: [{ on: 'order.refunded', sameOccasion: true, whole: true }],
  occasion: 'order',
})
const send = inboxOf(db, clock, [rewards])

const AMOUNT = 100_00
const TERMS: PointRule = { title: 'Order', earn: { perYuan: 1 }, pending: true }

const runOf = (customer: string): string => `rewards/${customer}/O1`
const paid = (customer: string, amount = AMOUNT): Promise<unknown> =>
  send('order.paid', person(customer), { properties: { order: 'O1', amount } })
const refund = (customer: string, amount?: number, name?: string, id?: string): Promise<unknown> => {
  const said = { ...(amount !== undefined && { amount }), ...(name !== undefined && { refund: name }) }
  return send('order.refunded', person(customer), { properties: { order: 'O1', ...said }, ...(id && { id }) })
}
const award = (customer: string, rule = 'order', terms: Partial<PointRule> = {}): Promise<unknown> =>
  awardPoints(db, {
    key: effectKey(runOf(customer), 'points', rule, 1),
    run: runOf(customer),
    rule,
    terms: { ...TERMS, ...terms },
    shopZone: 'UTC',
    now: clock.now(),
  })
const settle = (customer: string): Promise<unknown> => settlePoints(db, { run: runOf(customer), now: clock.now() })
const takeAll = (customer: string): Promise<unknown> => takeBackPoints(db, { run: runOf(customer), now: clock.now() })
const status = async (customer: string): Promise<string | undefined> => (await enrolment(db, runOf(customer)))?.status

/** pending/available/debt. */
async function balance(customer: string, unit = 'points'): Promise<string> {
  const of = (await balancesOf(db, customer)).find((one) => one.unit === unit)
  return of ? `${of.pending}/${of.available}/${of.debt}` : 'none'
}

describe('a part that is refunded', () => {
  test('while the points are pending: its share is void, and the rest settles; growth goes alike', async () => {
    await paid('A')
    await award('A')
    await award('A', 'growth', { unit: 'growth' })
    await refund('A', 33_33, 'R1')
    expect([await balance('A'), await balance('A', 'growth'), await status('A')]).toEqual([
      '67/0/0',
      '67/0/0',
      'running',
    ])
    await refund('A', 33_33, 'R2')
    expect(await balance('A')).toBe('34/0/0')
    expect(await settle('A')).toEqual({ is: 'settled', points: 34, growth: 34 })
    expect([await balance('A'), await balance('A', 'growth')]).toEqual(['0/34/0', '0/34/0'])
    // The last part makes it the whole: the run ends, and its clean-up takes the rest.
    await refund('A', 33_34, 'R3')
    expect(await status('A')).toBe('exited')
    await takeAll('A')
    expect([await balance('A'), await balance('A', 'growth')]).toEqual(['0/0/0', '0/0/0'])
    expect(
      (await ledgerOf(db, 'A')).filter(({ unit }) => unit === 'points').map(({ key, kind }) => `${kind} ${key}`),
    ).toEqual([
      'earn rewards/A/O1/points/order',
      'void rewards/A/O1/points/order/refund/R1',
      'void rewards/A/O1/points/order/refund/R2',
      'settle rewards/A/O1/points/order/settle',
      'claw-back rewards/A/O1/points/order/claw-back',
    ])
    expect((await decisionsOf(db, 'A')).map(({ detail }) => detail)).toContain('order: 33 points, refund R1')
  })

  test.each<[OnReturn, string[]]>([
    ['within-balance', ['0/60/0', '0/20/0', '0/0/0', '0/0/0']],
    ['negative-allowed', ['0/60/0', '0/20/0', '0/0/20', '0/0/60']],
    ['pending-only', ['0/100/0', '0/60/0', '0/60/0', '0/60/0']],
  ])('after they settled goes by the policy of the rule: %s', async (onReturn, stand) => {
    const id = `P-${onReturn}`
    await paid(id)
    await award(id, 'order', { onReturn })
    await settle(id)
    await refund(id, 40_00, 'R1')
    const seen = [await balance(id)]
    await spendPoints(db, { key: `spend-${id}`, customer: id, amount: 40, now: clock.now() })
    seen.push(await balance(id))
    await refund(id, 40_00, 'R2')
    seen.push(await balance(id))
    await refund(id)
    await takeAll(id)
    expect([...seen, await balance(id)]).toEqual(
      stand.map((one, i) => (i === 3 && onReturn === 'negative-allowed' ? '0/0/40' : one)),
    )
  })

  test('after a share of them expired takes no more than is left of the order', async () => {
    await paid('E')
    await award('E', 'order', { pending: false, validDays: 10 })
    await spendPoints(db, { key: 'spend-E', customer: 'E', amount: 30, now: clock.now() })
    clock.pass(12 * DAY)
    await expirePoints(db, { now: clock.now() })
    await award('E', 'other', { pending: false })
    // Of the order 30 live on in what was bought with them: that much a part may take, and the whole no more.
    await refund('E', 50_00, 'R1')
    expect(await balance('E')).toBe('0/20/0')
    await refund('E')
    await takeAll('E')
    expect(await balance('E')).toBe('0/0/0')
    expect((await ledgerOf(db, 'E')).map(({ kind }) => kind)).not.toContain('repay')
  })

  test('before anything was earned, and before the order was paid: counts with the award', async () => {
    await refund('B', 25_00, 'R1')
    await paid('B')
    await refund('B', 25_00, 'R2')
    await award('B')
    expect([await balance('B'), await status('B')]).toEqual(['50/0/0', 'running'])
    // Parts that came to the whole before the payment: the order begins nothing.
    await refund('C', 60_00, 'R1')
    await refund('C', 40_00, 'R2')
    await paid('C')
    expect(await status('C')).toBeUndefined()
    expect((await decisionsOf(db, 'C')).map(({ code }) => code)).toEqual(['OCCASION_OVER'])
  })

  test('counts once however often it is told, and one without a name by its event', async () => {
    await paid('D')
    await award('D')
    await refund('D', 10_00, 'R1', 'D-1')
    await refund('D', 10_00, 'R1', 'D-1')
    await refund('D', 70_00, 'R1', 'D-2')
    await refund('D', 10_00, undefined, 'D-3')
    await refund('D', 10_00, undefined, 'D-3')
    expect(await balance('D')).toBe('80/0/0')
    expect((await ledgerOf(db, 'D')).filter(({ kind }) => kind === 'void').map(({ key }) => key)).toEqual([
      'rewards/D/O1/points/order/refund/R1',
      'rewards/D/O1/points/order/refund/@D-3',
    ])
  })

  test('at the moment of the award: whichever gets the lock first, its share is taken', async () => {
    await paid('F')
    await behindLock(db, 'F', { work: () => award('F'), meanwhile: async () => {} })
    await behindLock(db, 'F', { work: () => refund('F', 30_00, 'R1'), meanwhile: async () => {} })
    await Promise.all([refund('F', 30_00, 'R2'), settle('F'), refund('F', 30_00, 'R3'), settle('F')])
    expect(await balance('F')).toMatch(/^(0\/10|10\/0)\/0$/)
    await settle('F')
    expect(await balance('F')).toBe('0/10/0')
  })
})

test('whatever parts come in whatever order, what is left of a pending award is what was not paid back, rounded up', async () => {
  let customers = 0
  const steps = fc.array(fc.integer({ min: 0, max: 70_00 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(6), fc.nat(6), async (parts, paidAt, awardAt) => {
      const id = `S${++customers}`
      const amount = 123_45
      for (let i = 0; i <= 6; i++) {
        if (i === paidAt) await paid(id, amount)
        if (i === Math.max(paidAt, awardAt) && (await status(id)) === 'running') await award(id)
        const part = parts[i]
        if (part !== undefined)
          await Promise.all([refund(id, part, `R${i}`, `${id}-${i}`), refund(id, part, `R${i}`, `${id}-${i}`)])
      }
      const back = Math.min(
        amount,
        parts.reduce((sum, part) => sum + part, 0),
      )
      if (back === amount && (await enrolment(db, runOf(id)))) await takeAll(id)
      const left = 123 - Math.floor((123 * back) / amount)
      const found = await balance(id)
      expect(found === 'none' ? '0/0/0' : found).toBe(`${left}/0/0`)
    }),
    { numRuns: 40, seed: 20261124 },
  )
})

describe('an operator’s word', () => {
  const stop = (customer: string): Promise<unknown> =>
    inTransaction(db, (tx) =>
      endAndWake(tx, [runOf(customer)], { status: 'stopped', reason: 'operator', now: clock.now() }),
    )
  const byHand = (customer: string, verdict: 'settle' | 'void') =>
    resolveByHand(db, { run: runOf(customer), verdict, reason: 'ticket 7', now: clock.now() })

  test('settles or voids what a stopped run left pending, once, less what was refunded since', async () => {
    for (const id of ['H', 'I']) {
      await paid(id)
      await award(id)
      await award(id, 'growth', { unit: 'growth' })
      await expect(byHand(id, 'settle')).rejects.toMatchObject({ code: 'RUN_IS_ON' })
      await stop(id)
      clock.pass(DAY)
      await refund(id, 25_00, 'R1')
      expect(await balance(id)).toBe('100/0/0')
    }
    const both = await Promise.all([byHand('H', 'settle'), byHand('H', 'settle'), byHand('H', 'void')])
    expect(both.filter(({ changed }) => changed)).toHaveLength(1)
    expect(await byHand('I', 'void')).toEqual({ changed: true, points: 75, growth: 75 })
    expect(await byHand('I', 'settle')).toEqual({ changed: false, points: 0, growth: 0 })
    expect(await balance('I')).toBe('0/0/0')
    expect(await balance('H')).toMatch(/^0\/(75|0)\/0$/)
    expect((await decisionsOf(db, 'I')).at(-1)).toMatchObject({
      verdict: 'voided',
      detail: 'growth: 75 growth, ticket 7',
    })
    await expect(byHand('nobody', 'void')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
  })

  test('settled after the end of its run, the points are no broken rule', async () => {
    await paid('J')
    await award('J')
    await stop('J')
    clock.pass(DAY)
    expect(await byHand('J', 'settle')).toEqual({ changed: true, points: 100, growth: 0 })
    expect([await balance('J'), (await decisionsOf(db, 'J')).at(-1)?.verdict]).toEqual(['0/100/0', 'settled by hand'])
    await expectInvariants(db)
  })
})
