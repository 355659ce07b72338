/** Orders that come back line by line, coupons taken back, and all of that at once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../store/db.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { offerLines } from '../../store/offers.ts'
import { type Voiding, voidCoupon } from '../../store/void-coupons.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { BASKET, couponShop, no } from './coupon-shop.ts'
import { DAY, HOUR, NOON, enterCrowd, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))
const shop = couponShop(db, 'R1')
beforeAll(async () => {
  await enterCrowd(db, { journey: 'story', prefix: 'R', size: 60 })
})

const takeBack = (code: string, key = `void-${code}`, now = NOON + HOUR): Promise<Voiding> =>
  inTransaction(db, (tx) => voidCoupon(tx, { code, key, reason: 'test', now }))

describe('a return of some lines', () => {
  test('takes back what was off them; the coupon comes back with the last, by its policy', async () => {
    const [code, mine] = [await shop.code({ gives: { percent: 10 } }), { order: shop.order() }]
    await shop.redeem(code, mine)
    const kept = { ok: true, outcome: 'kept', expiresAt: null, lines: [{ line: 'b', discount: 50 }], replayed: false }
    expect(await shop.refund(code, { ...mine, lines: ['b'], key: 'part' })).toEqual(kept)
    expect(await shop.refund(code, { ...mine, lines: ['b'], key: 'part' })).toEqual({ ...kept, replayed: true })
    // Under another key too a line is taken back once.
    expect(await shop.refund(code, { ...mine, lines: ['b'] })).toEqual({ ...kept, replayed: true })
    await expect(shop.refund(code, { ...mine, lines: ['a'], key: 'part' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_MISMATCH',
    })
    expect(await shop.redeem(code, { order: shop.order() })).toMatchObject(no('COUPON_REDEEMED'))
    const [line] = (await offerLines(db, NOON)).filter(({ redeemed }) => redeemed === 1)
    expect(line).toMatchObject({ discount: 100 })
    await expectInvariants(db)
    expect(await shop.refund(code, { ...mine, lines: ['b', 'a'] })).toMatchObject({
      outcome: 'returned',
      lines: [{ line: 'a', discount: 100 }],
      expiresAt: new Date(NOON + 7 * DAY).toISOString(),
    })
    expect(await shop.redeem(code, { order: shop.order() })).toMatchObject({ ok: true })
    expect((await decisionsOf(db, 'R1')).map(({ verdict, detail }) => [verdict, detail])).toContainEqual([
      'returned in part',
      expect.stringMatching(/: 1 of 2 lines$/),
    ])
  })

  test('without lines takes back the rest', async () => {
    const [code, mine] = [await shop.code({ onRefund: 'lost' }), { order: shop.order() }]
    await shop.redeem(code, mine)
    await shop.refund(code, { ...mine, lines: ['a'] })
    const rest = { outcome: 'lost', lines: [{ line: 'b', discount: 50 }], replayed: false }
    expect(await shop.refund(code, mine)).toMatchObject(rest)
    expect(await shop.refund(code, mine)).toMatchObject({ outcome: 'lost', replayed: true })
  })

  test('of a line that was not in the basket is refused, and takes nothing back', async () => {
    const [code, mine] = [await shop.code(), { order: shop.order() }]
    await shop.redeem(code, mine)
    expect(await shop.refund(code, { ...mine, lines: ['a', 'z'] })).toMatchObject(no('LINE_NOT_REDEEMED'))
    expect(await shop.refund(code, mine)).toMatchObject({ outcome: 'returned', lines: [{ line: 'a' }, { line: 'b' }] })
  })

  test('both lines at once, each by two requests: each comes back once, and the coupon once', async () => {
    for (let round = 0; round < 10; round++) {
      const [code, mine] = [await shop.code(), { order: shop.order() }]
      await shop.redeem(code, mine)
      const ask = (lines: string[]) => shop.refund(code, { ...mine, lines })
      const answers = await Promise.all([ask(['a']), ask(['b']), ask(['b']), ask(['a'])])
      const fresh = answers.flatMap((answer) => (answer.ok && !answer.replayed ? [answer] : []))
      expect(fresh.flatMap(({ lines }) => lines.map(({ line }) => line)).toSorted()).toEqual(['a', 'b'])
      expect(fresh.map(({ outcome }) => outcome).toSorted()).toEqual(['kept', 'returned'])
      await expectInvariants(db)
    }
  })
})

describe('coupons of one cart', () => {
  test('come to the same in whatever order they are held and redeemed', async () => {
    const sums = new Set<string>()
    // The codes are drawn; of one class they apply by code, so each pair of offers is tried both ways round.
    for (let round = 0; round < 8; round++) {
      const mine = { order: shop.order() }
      const tea = {
        ...BASKET,
        lines: [
          { id: 'a', amount: 999, category: 'tea' },
          { id: 'b', amount: 500 },
        ],
      }
      const codes = [
        await shop.code({ gives: { percent: 50 }, needs: { categories: ['tea'] }, group: 'line' }),
        await shop.code({ gives: { percent: 10 } }),
        await shop.code({ gives: { shipping: 'free' }, group: 'shipping' }),
      ]
      const turn = round % 2 === 0 ? codes : codes.toReversed()
      for (const code of turn) expect((await shop.reserve(code, { ...mine, basket: tea })).ok).toBe(true)
      const twist = round % 4 < 2 ? codes : codes.toReversed()
      const off = new Map<string, number>()
      for (const code of twist) {
        const answer = await shop.redeem(code, { ...mine, basket: tea })
        if (answer.ok) off.set(code, answer.discount + answer.shipping)
      }
      sums.add(codes.map((code) => off.get(code)).join(' '))
    }
    // 499.5 and then a tenth of 999.5, each to the nearest, and the shipping.
    expect([...sums]).toEqual(['500 100 600'])
  })

  test('one that is only held is reckoned with; let go, it is not', async () => {
    const tea = { ...BASKET, lines: [{ id: 'a', amount: 1000, category: 'tea' }] }
    const first = await shop.code({ gives: { amount: 400 }, needs: { categories: ['tea'] }, group: 'line' })
    const second = await shop.code({ gives: { percent: 10 } })
    const mine = { order: shop.order(), basket: tea }
    await shop.reserve(first, mine)
    expect(await shop.reserve(second, mine)).toMatchObject({ discount: 60 })
    await shop.release(first, mine)
    expect(await shop.redeem(second, mine)).toMatchObject({ discount: 100 })
  })
})

describe('a coupon taken back', () => {
  test('cannot be reserved or redeemed any more, and its place stays used', async () => {
    const offer = await shop.offer()
    const issue = await shop.issue(offer, 'R2')
    const code = issue.is === 'issued' ? issue.coupon.code : ''
    const mine = { customer: 'R2', order: shop.order() }
    await shop.reserve(code, mine)
    expect(await takeBack(code)).toEqual({ is: 'void', replayed: false })
    expect(await takeBack(code)).toEqual({ is: 'void', replayed: true })
    expect(await takeBack(code, 'another-key')).toEqual({ is: 'void', replayed: true })
    expect(await shop.redeem(code, mine)).toMatchObject(no('COUPON_VOID'))
    expect(await shop.reserve(code, mine)).toMatchObject(no('COUPON_VOID'))
    expect(await shop.release(code, mine)).toMatchObject({ ok: true, released: false })
    expect(await shop.issue(offer, 'R2', 2)).toEqual({ is: 'refused', code: 'MEMBER_LIMIT' })
    expect(await decisionsOf(db, 'R2')).toContainEqual(expect.objectContaining({ verdict: 'void', about: 'coupon' }))
  })

  test('not where it was redeemed or lost, or is none; a key takes back one coupon', async () => {
    const [code, mine] = [await shop.code({ onRefund: 'lost' }), { order: shop.order() }]
    await shop.redeem(code, mine)
    expect(await takeBack(code)).toEqual({ is: 'refused', code: 'COUPON_REDEEMED' })
    await shop.refund(code, mine)
    expect(await takeBack(code)).toEqual({ is: 'refused', code: 'COUPON_LOST' })
    expect(await takeBack('NOSUCHCODE22')).toEqual({ is: 'refused', code: 'COUPON_UNKNOWN' })
    const [anybody = '', other = ''] = await shop.codes(await shop.offer(), 2)
    expect(await takeBack(anybody, 'one-key')).toEqual({ is: 'void', replayed: false })
    await expect(takeBack(other, 'one-key')).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
  })
})

test(
  'forward and back at once, many rounds: the coupon ends in one state, and the books hold',
  { timeout: 40_000 },
  async () => {
    const ends = new Map<string, number>()
    const end = NOON + 7 * DAY
    for (let round = 0; round < 40; round++) {
      const anybody = round % 2 === 0
      const offer = await shop.offer({ onRefund: (['return', 'lost', { reissue: '1 day' }] as const)[round % 3] })
      const [made = ''] = anybody ? await shop.codes(offer, 1) : []
      const issue = anybody ? undefined : await shop.issue(offer, 'R1')
      const code = issue?.is === 'issued' ? issue.coupon.code : made
      const mine = { order: shop.order() }
      if (round % 4 < 2) await shop.reserve(code, mine)
      // At its last moment, so that whoever comes a moment later comes after its end.
      const late = { ...mine, now: round % 5 === 0 ? end : end - 1 }
      const [redeemed, refunded, voiding] = await Promise.all([
        shop.redeem(code, late),
        shop.refund(code, { ...mine, now: end - 1, ...(round % 3 === 0 && { lines: ['a'] }) }),
        takeBack(code, `race-${round}`, end - 1),
        shop.redeem(code, { order: shop.order(), now: end }),
        shop.release(code, mine),
        shop.redeem(code, { customer: 'R3', order: shop.order(), now: end - 1 }),
        shop.reserve(code, { customer: 'R4', order: shop.order(), now: end - 1 }),
      ])
      const [row] = await rowsOf<{ status: string; standing: number }>(
        db,
        `select status, (select count(*) from redemptions r where r.code = c.code and reversed_at is null) as standing
        from coupons c where code = '${code}'`,
      )
      const status = row?.status ?? ''
      ends.set(status, (ends.get(status) ?? 0) + 1)
      expect(row?.standing).toBe(status === 'redeemed' ? 1 : 0)
      // Taken back and redeemed for good exclude each other.
      if (voiding.is === 'void') expect(status).toBe('void')
      if (status === 'redeemed') expect(voiding.is).toBe('refused')
      if (refunded.ok) expect(redeemed.ok).toBe(true)
      await expectInvariants(db)
    }
    console.info(`forward and back: ${[...ends].map(([status, many]) => `${many} ${status}`).join(', ')}`)
    expect(ends.size).toBeGreaterThan(1)
  },
)
