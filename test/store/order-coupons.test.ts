/** Orders whose events name their coupons: redeemed by the payment, given back by the refund, once with the checkout's own requests. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { voidCoupon } from '../../store/void-coupons.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { BASKET, couponShop, drawCode, no } from './coupon-shop.ts'
import { DAY, HOUR, NOON, enterCrowd, handClock, inboxOf, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))
const shop = couponShop(db, 'V1')
const clock = handClock(NOON + HOUR)
const send = inboxOf(db, clock, [])
beforeAll(async () => {
  await enterCrowd(db, { journey: 'story', prefix: 'V', size: 9 })
})

const paid = (order: string, coupon: unknown, customer = 'V1', more: object = {}) =>
  send('order.paid', customer, { properties: { order, amount: 1350, coupon, ...more } })
const refunded = (order: string, coupon: unknown) => send('order.refunded', 'V1', { properties: { order, coupon } })

const statusOf = async (code: string): Promise<string | undefined> =>
  (await rowsOf<{ status: string }>(db, `select status from coupons where code = '${code}'`))[0]?.status
const redemptionsOf = (code: string): Promise<object[]> =>
  rowsOf(db, `select "order", discount, outcome from redemptions where code = '${code}' order by id`)
const lastLine = async (customer = 'V1') => (await decisionsOf(db, customer)).at(-1)

describe('the payment of an order', () => {
  test('redeems what the cart had reserved, for the basket it had reserved it for', async () => {
    const [code, order] = [await shop.code(), shop.order()]
    await shop.reserve(code, { order })
    await paid(order, code.toLowerCase().replace(/(.{4})/g, '$1-'))
    expect(await redemptionsOf(code)).toEqual([{ order, discount: 150, outcome: null }])
    expect(await lastLine()).toMatchObject({ verdict: 'redeemed', enrolment: 'story/V1' })
    // The same order told again, and redeemed by the route: one redemption, and the route is told it.
    await paid(order, code)
    expect(await shop.redeem(code, { order })).toMatchObject({ ok: true, discount: 150, replayed: true })
    const other = { ...BASKET, shipping: 1 }
    await expect(shop.redeem(code, { order, basket: other })).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    expect(await redemptionsOf(code)).toHaveLength(1)
    await expectInvariants(db)
  })

  test('changes nothing where the route was first', async () => {
    const [code, order] = [await shop.code(), shop.order()]
    await shop.redeem(code, { order })
    await paid(order, code)
    expect(await redemptionsOf(code)).toHaveLength(1)
    expect(await lastLine()).toMatchObject({ verdict: 'redeemed' })
  })

  test('and the route at once are one redemption', async () => {
    for (let round = 0; round < 10; round++) {
      const [code, order] = [await shop.code(), shop.order()]
      await shop.reserve(code, { order })
      const [answer] = await Promise.all([shop.redeem(code, { order }), paid(order, code)])
      expect(answer).toMatchObject({ ok: true, discount: 150 })
      expect(await redemptionsOf(code)).toHaveLength(1)
    }
  })

  test('also after the hold ran out, where no other cart took it', async () => {
    const [code, order] = [await shop.code(), shop.order()]
    await shop.reserve(code, { order, holdMs: 1000 })
    await paid(order, code)
    expect(await statusOf(code)).toBe('redeemed')
    const [taken, late] = [await shop.code(), shop.order()]
    await shop.reserve(taken, { order: late, holdMs: 1000, now: NOON })
    await shop.reserve(taken, { order: 'O-other' })
    await paid(late, taken)
    expect(await lastLine()).toMatchObject({ verdict: 'refused', code: 'NOT_RESERVED' })
    expect(await statusOf(taken)).toBe('held')
  })

  test('of several coupons, each for what the others leave', async () => {
    const order = shop.order()
    const line = await shop.code({ gives: { amount: 500 }, group: 'line' })
    const ship = await shop.code({ gives: { shipping: 'free' }, group: 'shipping' })
    const [anybody = ''] = await shop.codes(await shop.offer({ group: 'any', gives: { gift: 'CUP' } }), 1)
    for (const code of [line, ship, anybody]) await shop.reserve(code, { order })
    await paid(order, null, 'V1', { coupons: [ship, line, anybody, ship] })
    expect(await Promise.all([line, ship, anybody].map(statusOf))).toEqual(['redeemed', 'redeemed', 'redeemed'])
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['none', () => Promise.resolve(drawCode()), 'COUPON_UNKNOWN'],
    ['no code at all', () => Promise.resolve(`${'long '.repeat(99)}`), 'COUPON_UNKNOWN'],
    ['a number', () => Promise.resolve(7), 'COUPON_UNKNOWN'],
    ['another customer’s', () => shop.code({}, 'V2'), 'COUPON_NOT_YOURS'],
    ['one the cart never held', () => shop.code(), 'NOT_RESERVED'],
    ['one that was taken back', voided, 'COUPON_VOID'],
  ])('with a coupon that is %s is taken all the same, and the log says why', async (_what, make, code) => {
    const order = shop.order()
    expect(await paid(order, await make())).toBe('stored')
    expect(await lastLine()).toMatchObject({ about: 'coupon', verdict: 'refused', code })
  })

  async function voided(): Promise<string> {
    const code = await shop.code()
    await inTransaction(db, (tx) => voidCoupon(tx, { code, key: `void-${code}`, reason: 'test', now: NOON }))
    return code
  }

  test('without saying which order, or after the coupon’s end', async () => {
    const [code, order] = [await shop.code(), shop.order()]
    await shop.reserve(code, { order })
    await send('order.paid', 'V1', { properties: { coupon: code } })
    expect(await lastLine()).toMatchObject({ verdict: 'refused', code: 'OCCASION_MISSING' })
    clock.set(NOON + 7 * DAY)
    await paid(order, code)
    clock.set(NOON + HOUR)
    expect(await lastLine()).toMatchObject({ verdict: 'refused', code: 'COUPON_EXPIRED' })
    expect(await statusOf(code)).toBe('held')
  })

  test('of two customers with the same codes, told in both orders at once, never stand in each other’s way', async () => {
    const many = { perMember: 20, limitBy: ['email'] as const, gives: { gift: 'CUP' } }
    const codes: string[] = []
    for (const group of ['one', 'other']) codes.push(...(await shop.codes(await shop.offer({ ...many, group }), 10)))
    for (let at = 0; at < 10; at++) {
      const [one = '', other = ''] = [codes[at], codes[at + 10]]
      for (const code of [one, other]) await shop.reserve(code, { customer: 'V3', order: `D1-${at}` })
      const told = await Promise.all([
        paid(`D1-${at}`, null, 'V3', { coupons: [one, other] }),
        paid(`D2-${at}`, null, 'V4', { coupons: [other, one] }),
      ])
      expect(told).toEqual(['stored', 'stored'])
      expect(await Promise.all([one, other].map(statusOf))).toEqual(['redeemed', 'redeemed'])
    }
  })
})

describe('the refund of an order', () => {
  test('gives its coupon back by the policy, once with the route', async () => {
    const [code, order] = [await shop.code(), shop.order()]
    await shop.reserve(code, { order })
    await paid(order, code)
    const [, answer] = await Promise.all([refunded(order, code), shop.refund(code, { order })])
    expect(answer).toMatchObject({ ok: true, outcome: 'returned' })
    expect(await redemptionsOf(code)).toEqual([{ order, discount: 150, outcome: 'returned' }])
    expect(await statusOf(code)).toBe('open')
    // An event that comes late does not redeem it again.
    await paid(order, code)
    expect(await lastLine()).toMatchObject({ verdict: 'refused', code: 'ORDER_REFUNDED' })
    expect(await shop.redeem(code, { order: shop.order() })).toMatchObject({ ok: true })
  })

  test('told before the payment: nothing is redeemed, and the cart lets go', async () => {
    const [code, order] = [await shop.code(), shop.order()]
    await shop.reserve(code, { order })
    await refunded(order, code)
    expect(await lastLine()).toMatchObject({ verdict: 'refused', code: 'NOT_REDEEMED' })
    await paid(order, code)
    expect(await lastLine()).toMatchObject({ verdict: 'refused', code: 'ORDER_REFUNDED' })
    expect(await statusOf(code)).toBe('open')
    expect(await shop.release(code, { order })).toMatchObject({ released: false })
    expect(await shop.refund(code, { order })).toMatchObject(no('NOT_REDEEMED'))
  })
})
