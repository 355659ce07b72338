import { afterAll, describe, expect, test } from 'vitest'
import { milliseconds } from '../../domain/duration.ts'
import { acceptEvent } from '../../store/events.ts'
import { identitiesOf } from '../../domain/identity.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { balancesOf } from '../../store/ledger.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { NOON, asEvent, expectInvariants, freshStore, person } from '../world.ts'
import { DAY, behindLock, handClock, rowsOf, somebodyQueues } from './given.ts'
import { RETURNS, drawCode, programme, referralShop, rewardPlan } from './referral-given.ts'

const { db } = await freshStore()
const clock = handClock()
const shop = await referralShop(db, clock)
afterAll(() => expectInvariants(db))

const points = async (id: string): Promise<number> =>
  (await balancesOf(db, id)).find(({ unit }) => unit === 'points')?.available ?? 0
const claimsOf = async (code: string): Promise<number> =>
  (await rowsOf<{ claims: number }>(db, `select claims from referral_codes where code = '${code}'`))[0]?.claims ?? -1

let names = 0
/** An advocate and a friend of this test's own, and the advocate's code. */
async function pair(): Promise<{ a: string; f: string; code: string }> {
  names += 1
  const [a, f] = [`A${names}`, `F${names}`]
  const code = await shop.advocate(a)
  return { a, f, code }
}

describe('a claim', () => {
  test('comes with the registration, once, and tells it on', async () => {
    const { a, f, code } = await pair()
    await shop.friend(f, code.toLowerCase())
    expect(await shop.row(f)).toMatchObject({
      advocate: a,
      code,
      status: 'claimed',
      claim_until: new Date(NOON + 30 * DAY),
    })
    await shop.send('referral.claimed', f, { properties: { code } })
    expect(await shop.claim(f, code)).toMatchObject({ ok: true, replayed: true, status: 'claimed' })
    expect(await claimsOf(code)).toBe(1)
    expect(await rowsOf(db, `select id, begun_by from enrolments where customer = '${f}'`)).toEqual([
      { id: `friend/${f}`, begun_by: `referral.accepted referral/${f}/accepted` },
    ])
  })

  test('gives one code an advocate, whoever asks at once', async () => {
    const { a, code } = await pair()
    const again = await Promise.all([shop.advocate(a), shop.advocate(a), shop.advocate(a)])
    expect(new Set([code, ...again])).toEqual(new Set([code]))
  })

  test('moves to the last advocate until the first order, and then stays', async () => {
    const one = await pair()
    const other = await pair()
    await shop.friend(one.f, one.code)
    expect(await shop.claim(one.f, other.code)).toMatchObject({ ok: true, replayed: false })
    expect([await claimsOf(one.code), await claimsOf(other.code)]).toEqual([0, 1])
    const log = (await decisionsOf(db, one.f)).filter(({ about }) => about === 'referral')
    expect(log.map(({ verdict, detail }) => `${verdict}: ${detail}`)).toEqual([
      `claimed: friend of ${one.a} by ${one.code}`,
      `moved: friend of ${other.a} by ${other.code}, was of ${one.a}`,
    ])
    await shop.paid(one.f)
    expect(await shop.claim(one.f, one.code)).toEqual({ ok: false, code: 'REFERRAL_STICKY' })
    expect(await shop.row(one.f)).toMatchObject({ advocate: other.a, status: 'pending' })
  })

  test.each(Array.from({ length: 6 }, (_, n) => n))('by two codes at once has one advocate, %i', async () => {
    const [one, other] = [await pair(), await pair()]
    await shop.send('customer.registered', person(one.f))
    const answers = await Promise.all(
      [one.code, other.code, one.code, other.code].map((code) => shop.claim(one.f, code)),
    )
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect((await claimsOf(one.code)) + (await claimsOf(other.code))).toBe(1)
    await expectInvariants(db)
  })

  test('of one code twice at once is one', async () => {
    const { f, code } = await pair()
    const answers = await Promise.all([
      shop.friend(f, code),
      shop.send('referral.claimed', f, { properties: { code } }),
    ])
    expect(answers).toHaveLength(2)
    expect(await claimsOf(code)).toBe(1)
  })

  test('does not go past the limit of a code, however many come at once', async () => {
    const few = await referralShop(db, clock, { plan: rewardPlan({ codes: { limit: 3, valid: DAY } }) })
    const code = await few.advocate('limited')
    await Promise.all(Array.from({ length: 9 }, (_, n) => few.send('customer.registered', person(`crowd${n}`))))
    const answers = await Promise.all(Array.from({ length: 9 }, (_, n) => few.claim(`crowd${n}`, code)))
    const codes = answers.flatMap((one) => (one.ok ? [] : [one.code]))
    expect(codes).toEqual(Array.from({ length: 6 }, () => 'REFERRAL_LIMIT_REACHED'))
    expect(await claimsOf(code)).toBe(3)
    clock.pass(DAY)
    await few.send('customer.registered', person('late'))
    expect(await few.claim('late', code)).toEqual({ ok: false, code: 'REFERRAL_EXPIRED' })
  })

  test('is refused to the advocate, to whoever is the same person, and to known customers', async () => {
    const { a, f, code } = await pair()
    const known = (id: string, more: object) =>
      acceptEvent(db, asEvent({ id: `known-${id}`, type: 'profile.changed', customer: id }), {
        plans: shop.plans,
        now: () => clock.now(),
        identities: identitiesOf(more, 'key'),
      })
    expect(await shop.claim(a, code)).toEqual({ ok: false, code: 'REFERRAL_SELF' })
    await known(a, { email: 'me@gmail.com', phone: '+8613912345678' })
    await known(f, { email: 'm.e+2@gmail.com' })
    expect(await shop.claim(f, code)).toEqual({ ok: false, code: 'REFERRAL_SELF' })
    await known('second', { phone: '13612345678' })
    await known('first', { phone: '+8613612345678' })
    await shop.paid('first')
    expect(await shop.claim('second', code)).toEqual({ ok: false, code: 'REFERRAL_KNOWN_CUSTOMER' })
    expect(await shop.claim('first', code)).toEqual({ ok: false, code: 'REFERRAL_KNOWN_CUSTOMER' })
    expect(await claimsOf(code)).toBe(0)
  })

  test('by guessing is locked after ten codes that are none', async () => {
    await shop.send('customer.registered', person('guesser'))
    for (let n = 0; n < 10; n++)
      expect(await shop.claim('guesser', drawCode())).toEqual({ ok: false, code: 'REFERRAL_UNKNOWN' })
    const { code } = await pair()
    expect(await shop.claim('guesser', code)).toEqual({ ok: false, code: 'TOO_MANY_TRIES', retryAfterMs: 600_000 })
    clock.pass(600_000)
    expect(await shop.claim('guesser', code)).toMatchObject({ ok: true })
    expect(await shop.claim('guesser', 'no code')).toEqual({ ok: false, code: 'REFERRAL_UNKNOWN' })
  })
})

describe('the first paid order', () => {
  test.each([
    ['reaches the minimum', {}, 'pending'],
    ['comes to less, without its freight', { freight: 50_01 }, 'denied REFERRAL_BELOW_MINIMUM'],
    ['names no order', { order: null }, 'denied OCCASION_MISSING'],
    ['says no amount', { amount: null }, 'denied AMOUNT_MISSING'],
  ])('%s', async (_how, properties, status) => {
    const { f, code } = await pair()
    await shop.friend(f, code)
    await shop.paid(f, properties)
    expect(await shop.status(f)).toBe(status)
    await shop.paid(f, { order: 'O-later' })
    expect(await shop.status(f)).toBe(status)
  })

  test('comes too late', async () => {
    const { f, code } = await pair()
    await shop.friend(f, code)
    clock.pass(milliseconds('30 days') + 1)
    await shop.paid(f)
    expect(await shop.status(f)).toBe('denied REFERRAL_WINDOW_OVER')
  })

  test('begins the advocate’s run, once, whatever comes twice', async () => {
    const { a, f, code } = await pair()
    await shop.friend(f, code)
    await Promise.all([shop.paid(f, {}, `p-${f}`), shop.paid(f, {}, `p-${f}`), shop.paid(f), shop.paid(f)])
    expect(await rowsOf(db, `select id from enrolments where customer = '${a}' and journey = 'reward'`)).toEqual([
      { id: `reward/${a}/${f}` },
    ])
  })

  test('that was refunded before it was told of never counts', async () => {
    const [whole, part, enough] = [await pair(), await pair(), await pair()]
    for (const { f, code } of [whole, part, enough]) await shop.friend(f, code)
    await shop.refunded(whole.f)
    await shop.refunded(part.f, { amount: 50_01 })
    await shop.refunded(enough.f, { amount: 50_00 })
    for (const { f } of [whole, part, enough]) await shop.paid(f)
    expect(await shop.status(whole.f)).toBe('voided REFERRAL_REFUNDED')
    expect(await shop.status(part.f)).toBe('voided REFERRAL_REFUNDED')
    expect(await shop.status(enough.f)).toBe('pending')
    expect(await rowsOf(db, `select id from events where customer = '${whole.a}' and type like 'referral%'`)).toEqual(
      [],
    )
  })
})

/** A friend whose order is paid and can no longer be returned. */
async function ripe(): Promise<{ a: string; f: string }> {
  const { a, f, code } = await pair()
  await shop.friend(f, code)
  await shop.paid(f)
  clock.pass(RETURNS)
  return { a, f }
}

describe('the approval', () => {
  test('waits for the return window and a judgement, and pays once', async () => {
    const { a, f, code } = await pair()
    await shop.friend(f, code)
    await shop.paid(f)
    expect(await shop.approve(f, a)).toEqual({ is: 'refused', code: 'REFERRAL_TOO_SOON' })
    expect(await shop.reward(f, a)).toEqual({ is: 'refused', code: 'REFERRAL_NOT_APPROVED' })
    clock.pass(RETURNS)
    expect(await shop.approve(f, a)).toEqual({ is: 'refused', code: 'REFERRAL_NOT_APPROVED' })
    expect(await shop.judge(f, a)).toMatchObject({ outcome: 'allow' })
    expect(await shop.approve(f, a)).toEqual({ is: 'approved', friends: 1 })
    const twice = await Promise.all([shop.reward(f, a), shop.reward(f, a), shop.climb(f, a), shop.climb(f, a)])
    expect(twice[0]).toEqual({ is: 'given', what: 'points', unit: 'points', amount: 1000 })
    expect(twice[1]).toEqual(twice[0])
    expect(await points(a)).toBe(1100)
    expect(await shop.approve(f, a)).toEqual({ is: 'approved', friends: 1 })
    expect(await shop.reward(f, a, 'first')).toEqual({ is: 'refused', code: 'MEMBER_LIMIT' })
  })

  test('is refused beyond what an advocate is rewarded for at most', async () => {
    const capped = await referralShop(db, clock, { plan: rewardPlan({ atMost: 1 }) })
    const code = await capped.advocate('capped')
    for (const f of ['cap1', 'cap2']) {
      await capped.friend(f, code)
      await capped.paid(f)
    }
    clock.pass(RETURNS)
    await capped.settle('cap1', 'capped')
    await capped.settle('cap2', 'capped')
    expect([await capped.status('cap1'), await capped.status('cap2')]).toEqual(['approved', 'denied REFERRAL_CAP'])
    expect(await points('capped')).toBe(1100)
  })

  test.each(Array.from({ length: 8 }, (_, n) => n))('races a refund, and never pays for what is back, %i', async () => {
    const { a, f } = await ripe()
    await shop.judge(f, a)
    const [approval] = await Promise.all([shop.approve(f, a), shop.refunded(f)])
    expect(await shop.status(f)).toBe('voided REFERRAL_REFUNDED')
    const paid = await shop.reward(f, a)
    expect(paid).toEqual({ is: 'refused', code: 'LEFT_JOURNEY' })
    expect(approval).toEqual(
      approval.is === 'approved' ? { is: 'approved', friends: 1 } : { is: 'refused', code: 'LEFT_JOURNEY' },
    )
    await expectInvariants(db)
  })

  test('behind a refund that is being stored is refused', async () => {
    const { a, f } = await ripe()
    await shop.judge(f, a)
    const approval = await behindLock(db, a, { work: () => shop.approve(f, a), meanwhile: async () => undefined })
    expect(approval).toMatchObject({ is: 'approved' })
    const late = await behindLock(db, a, {
      work: () => shop.refunded(f),
      meanwhile: async () => somebodyQueues(db),
    })
    expect(late).toBe('stored')
    expect(await shop.takeBack(f, a)).toEqual({ rewards: 0, used: 0 })
  })
})

describe('a refund after the approval', () => {
  test('takes the points back, bonus and all, and the rung that is no longer reached', async () => {
    const { a, f } = await ripe()
    await shop.settle(f, a)
    expect(await points(a)).toBe(1100)
    await shop.refunded(f, { amount: 20_00 })
    expect(await shop.status(f)).toBe('approved')
    expect(await shop.takeBack(f, a)).toEqual({ rewards: 0, used: 0 })
    await shop.refunded(f, { amount: 40_00 })
    expect(await shop.status(f)).toBe('voided REFERRAL_REFUNDED')
    expect(await shop.takeBack(f, a)).toEqual({ rewards: 2, used: 0 })
    expect(await shop.takeBack(f, a)).toEqual({ rewards: 0, used: 0 })
    expect(await points(a)).toBe(0)
  })

  test('voids the coupon of a rung unless it is used, and a rung climbed anew is given anew', async () => {
    const code = await shop.advocate('ladder')
    const friends = ['l1', 'l2', 'l3', 'l4', 'l5']
    for (const f of friends) {
      await shop.friend(f, code)
      await shop.paid(f)
    }
    clock.pass(RETURNS)
    for (const f of friends.slice(0, 3)) await shop.settle(f, 'ladder')
    const coupons = (): Promise<{ code: string; key: string; status: string }[]> =>
      rowsOf(db, `select code, key, status from coupons where customer = 'ladder' order by issued_at, key`)
    expect(await coupons()).toMatchObject([{ key: 'ladder/reward/ladder/3', status: 'open' }])
    // The first friend's order: its own reward, and the rung of three, which the third friend's run gave.
    await shop.refunded('l1')
    expect(await shop.takeBack('l1', 'ladder')).toEqual({ rewards: 2, used: 0 })
    expect(await coupons()).toMatchObject([{ status: 'void' }])
    const basket = { lines: [{ id: 'a', amount: 1000 }], shipping: 0 }
    const redeem = (coupon: string, order: string) =>
      redeemCoupon(db, { key: `redeem-${order}`, code: coupon, customer: 'ladder', order, basket, now: clock.now() })
    expect(await redeem((await coupons())[0]?.code ?? '', 'L-1')).toEqual({ ok: false, code: 'COUPON_VOID' })
    clock.pass(1000)
    await shop.settle('l4', 'ladder')
    expect((await coupons()).map(({ key, status }) => `${key} ${status}`)).toEqual([
      'ladder/reward/ladder/3 void',
      'ladder/reward/ladder/3#2 open',
    ])
    expect(await redeem((await coupons())[1]?.code ?? '', 'L-2')).toMatchObject({ ok: true })
    await shop.refunded('l2')
    expect(await shop.takeBack('l2', 'ladder')).toEqual({ rewards: 1, used: 1 })
    expect(await points('ladder')).toBe(2 * 1000 + 100)
  })

  test('frozen, a rung stays, and is not given again', async () => {
    const frozen = await referralShop(db, clock, { plan: rewardPlan({ onVoid: 'freeze' }) })
    const code = await frozen.advocate('frozen')
    for (const f of ['z1', 'z2']) {
      await frozen.friend(f, code)
      await frozen.paid(f)
    }
    clock.pass(RETURNS)
    await frozen.settle('z1', 'frozen')
    await frozen.refunded('z1')
    expect(await frozen.takeBack('z1', 'frozen')).toEqual({ rewards: 1, used: 0 })
    await frozen.settle('z2', 'frozen')
    expect(await points('frozen')).toBe(1000 + 100)
  })

  test.each(Array.from({ length: 6 }, (_, n) => n))(
    'races the redemption of a coupon: used or void, never both, %i',
    async (n) => {
      const terms = { is: 'coupon', offer: 'three-friends', valid: '30 days' } as const
      const rewards = { ...programme().rewards, advocate: terms }
      const other = await referralShop(db, clock, { plan: rewardPlan({ rewards, ladder: [] }) })
      const [a, f] = [`R${n}`, `RF${n}`]
      await other.friend(f, await other.advocate(a))
      await other.paid(f)
      clock.pass(RETURNS)
      await other.judge(f, a)
      await other.approve(f, a)
      const given = await other.reward(f, a)
      const code = given.is === 'given' && given.what === 'coupon' ? given.coupon.code : ''
      await other.refunded(f)
      const basket = { lines: [{ id: 'a', amount: 1000 }], shipping: 0 }
      const redeem = { key: `race-${n}`, code, customer: a, order: `RO-${n}`, basket, now: clock.now() }
      const [taken, redeemed] = await Promise.all([other.takeBack(f, a), redeemCoupon(db, redeem)])
      expect([taken.used === 1, taken.rewards === 0]).toEqual([redeemed.ok, redeemed.ok])
      await expectInvariants(db)
    },
  )
})

test('two customers who wait for each other’s locks never stand in each other’s way', async () => {
  const [one, other] = [await pair(), await pair()]
  const crossed = Array.from({ length: 12 }, (_, n) => `X${n}`)
  for (const [n, id] of crossed.entries()) await shop.friend(id, n % 2 === 0 ? one.code : other.code)
  await Promise.all(
    crossed.flatMap((id, n) => [
      shop.claim(id, n % 2 === 0 ? other.code : one.code),
      shop.paid(id),
      shop.refunded(id),
      shop.send('page.viewed', n % 2 === 0 ? one.a : other.a),
    ]),
  )
  await expectInvariants(db)
})
