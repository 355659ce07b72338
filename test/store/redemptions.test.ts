import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeFrom } from '../../domain/coupon.ts'
import type { CheckoutWords } from '../../domain/offer.ts'
import { codesOf, makeCodes } from '../../store/codes.ts'
import { addOffers, issueCoupon } from '../../store/coupons.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { offerLines } from '../../store/offers.ts'
import { redeemCoupon, releaseCoupon, reserveCoupon } from '../../store/redemptions.ts'
import { refundCoupon } from '../../store/refunds.ts'
import { TRIES_MOST, TRIES_WITHIN_MS } from '../../store/tries.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, HOUR, NOON, enterCrowd, inboxOf, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const drawCode = (): string => codeFrom(randomBytes(12))
const basket = {
  lines: [
    { id: 'a', amount: 1000 },
    { id: 'b', amount: 500 },
  ],
  shipping: 600,
}
const PEOPLE = 50
let people: { customer: string; run: string }[] = []
beforeAll(async () => {
  people = await enterCrowd(db, { journey: 'story', prefix: 'R', size: PEOPLE })
})

let count = 0
/** One code of a new offer: for whoever brings it, or R1's own. */
async function codeOf(
  words: CheckoutWords & { perMember?: number },
  whose: 'anybody' | 'own' = 'own',
): Promise<string> {
  const offer = `offer-${++count}`
  await addOffers(db, { [offer]: { title: 'Offer', quota: 100, perMember: 1, gives: { percent: 10 }, ...words } })
  if (whose === 'anybody') return (await codesFor(offer, 1))[0] ?? ''
  const valid = { valid: '7 days', validMs: 7 * DAY, now: NOON }
  const issue = await issueCoupon(db, { key: `k-${count}`, run: 'story/R1', offer, ...valid, drawCode })
  return issue.is === 'issued' ? issue.coupon.code : ''
}

async function codesFor(offer: string, size: number): Promise<string[]> {
  const batch = `batch-${offer}`
  await makeCodes(db, { batch, offer, count: size, valid: '7 days', now: NOON, drawCode })
  const codes: string[] = []
  for await (const some of codesOf(db, { batch, made: size })) codes.push(...some)
  return codes
}

interface Given {
  key?: string
  customer?: string
  order?: string
  now?: number
  visitor?: string
  basket?: typeof basket
}

const asked = (code: string, more: Given = {}) => ({
  key: `q-${++count}`,
  code,
  customer: 'R1',
  order: 'O-1',
  basket,
  now: NOON + HOUR,
  ...more,
})
const reserve = (code: string, more: Given & { holdMs?: number } = {}) =>
  reserveCoupon(db, { holdMs: HOUR, ...asked(code, more) })
const redeem = (code: string, more: Given = {}) => redeemCoupon(db, asked(code, more))
const release = (code: string, more: Given = {}) => releaseCoupon(db, asked(code, more))
const refund = (code: string, more: Given = {}) => refundCoupon(db, asked(code, more))
const order = (): string => `O-${++count}`
const no = (code: string): object => ({ ok: false, code })

describe('one coupon', () => {
  test.each([1, 2, 3])('fifty carts race for it: one redemption (%i)', async (round) => {
    const code = await codeOf({}, 'anybody')
    const ask = people.map(({ customer }) => ({ customer, order: `race-${round}-${customer}` }))
    const answers = await Promise.all(ask.map((one) => redeem(code, one)))
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1)
    expect(answers.filter((answer) => !answer.ok && answer.code === 'COUPON_REDEEMED')).toHaveLength(PEOPLE - 1)
    expect(await rowsOf(db, `select count(*) from redemptions where code = '${code}'`)).toEqual([{ count: 1 }])
  })

  test('fifty carts race to hold it: one has it, and it alone may redeem it', async () => {
    const code = await codeOf({}, 'anybody')
    const ask = people.map(({ customer }) => ({ customer, order: `hold-${customer}` }))
    const held = await Promise.all(ask.map((one) => reserve(code, one)))
    expect(held.filter((answer) => answer.ok)).toHaveLength(1)
    const redeemed = await Promise.all(ask.map((one) => redeem(code, one)))
    expect(redeemed.map((answer) => answer.ok)).toEqual(held.map((answer) => answer.ok))
    const codes = redeemed.flatMap((answer) => (answer.ok ? [] : [answer.code]))
    expect(codes.filter((told) => told !== 'COUPON_HELD' && told !== 'COUPON_REDEEMED')).toEqual([])
  })

  test('the same order asked twenty times at once is one redemption and one answer', async () => {
    const code = await codeOf({})
    const one = { order: order(), key: 'same-key' }
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(code, one)))
    expect(answers.filter((answer) => answer.ok && !answer.replayed)).toHaveLength(1)
    const told = answers.map((answer) => ({ ...answer, replayed: null }))
    expect(told).toEqual(Array(20).fill(told[0]))
    expect(told[0]).toMatchObject({
      discount: 150,
      lines: [
        { line: 'a', amount: 1000, discount: 100 },
        { line: 'b', amount: 500, discount: 50 },
      ],
    })
  })

  test('under another key the same order is answered with its first redemption; another basket is a mistake', async () => {
    const [code, one] = [await codeOf({}), { order: order() }]
    const first = await redeem(code, one)
    expect(await redeem(code, { ...one, now: NOON + 2 * HOUR })).toEqual({ ...first, replayed: true })
    const other = { ...one, basket: { ...basket, shipping: 1 } }
    await expect(redeem(code, other)).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    expect(await redeem(code, { order: order() })).toMatchObject(no('COUPON_REDEEMED'))
  })

  test('one key is for one request, also when two customers bring it at once', async () => {
    const [one, other] = [await codeOf({}, 'anybody'), await codeOf({}, 'anybody')]
    const key = 'shared-key'
    const answers = await Promise.allSettled([
      redeem(one, { key, customer: 'R2', order: order() }),
      redeem(other, { key, customer: 'R3', order: order() }),
    ])
    const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as object] : []))
    expect(failed).toMatchObject([{ code: 'IDEMPOTENCY_MISMATCH' }])
  })
})

describe('a hold', () => {
  test('never stands against its own order, ends by itself and can be let go', async () => {
    const [code, mine] = [await codeOf({}), { order: order() }]
    expect(await reserve(code, mine)).toMatchObject({ ok: true, heldUntil: new Date(NOON + 2 * HOUR).toISOString() })
    expect(await reserve(code, { ...mine, now: NOON + 1.5 * HOUR })).toMatchObject({ ok: true })
    expect(await reserve(code, { order: 'other', now: NOON + 2 * HOUR })).toMatchObject(no('COUPON_HELD'))
    const later = { order: order(), now: NOON + 2.5 * HOUR }
    expect(await reserve(code, later)).toMatchObject({ ok: true })
    expect(await redeem(code, { ...mine, now: NOON + 2.5 * HOUR })).toMatchObject(no('COUPON_HELD'))
    expect(await release(code, mine)).toMatchObject({ ok: true, released: false })
    expect(await release(code, later)).toMatchObject({ ok: true, released: true })
    expect(await redeem(code, mine)).toMatchObject({ ok: true })
    expect(await release(code, mine)).toMatchObject(no('COUPON_REDEEMED'))
  })

  test('does not outlive the coupon', async () => {
    const [code, mine] = [await codeOf({}), { order: order() }]
    const end = NOON + 7 * DAY
    const held = await reserve(code, { ...mine, now: end - 1000 })
    expect(held).toMatchObject({ ok: true, heldUntil: new Date(end).toISOString() })
    expect(await redeem(code, { ...mine, now: end })).toMatchObject(no('COUPON_EXPIRED'))
    expect(await redeem(code, { ...mine, now: end - 1 })).toMatchObject({ ok: true })
  })

  test('redeem and release of one order at once leave it redeemed or open, and nothing between', async () => {
    for (let round = 0; round < 5; round++) {
      const [code, mine] = [await codeOf({}), { order: order() }]
      await reserve(code, mine)
      const [redeemed] = await Promise.all([redeem(code, mine), release(code, mine)])
      expect(redeemed.ok).toBe(true)
      await expectInvariants(db)
    }
  })
})

describe('a refund', () => {
  test('two at once give back once, and both are told the same', async () => {
    const [code, mine] = [await codeOf({}), { order: order() }]
    await redeem(code, mine)
    const answers = await Promise.all([refund(code, mine), refund(code, mine)])
    expect(answers.map((answer) => answer.ok && answer.outcome)).toEqual(['returned', 'returned'])
    expect(answers.filter((answer) => answer.ok && answer.replayed)).toHaveLength(1)
    expect(await redeem(code, { order: order() })).toMatchObject({ ok: true })
  })

  test.each([
    ['return, while it is good', {}, 1, 'returned', NOON + 7 * DAY],
    ['return, after its end', {}, 8, 'lost', null],
    ['lost', { onRefund: 'lost' as const }, 1, 'lost', null],
    ['re-issue, after its end', { onRefund: { reissue: '3 days' } }, 8, 'reissued', NOON + 11 * DAY],
    ['re-issue, never shorter', { onRefund: { reissue: '3 days' } }, 1, 'reissued', NOON + 7 * DAY],
  ])('by the policy of the offer: %s', async (_policy, words, days, outcome, until) => {
    const [code, mine] = [await codeOf(words), { order: order() }]
    await redeem(code, mine)
    const now = NOON + days * DAY
    const expiresAt = until === null ? null : new Date(until).toISOString()
    expect(await refund(code, { ...mine, now })).toMatchObject({ ok: true, outcome, expiresAt })
    expect((await redeem(code, { order: order(), now: now + 1 })).ok).toBe(until !== null)
  })

  test('of an order without the coupon gives nothing back', async () => {
    const code = await codeOf({})
    expect(await refund(code, { order: order() })).toMatchObject(no('NOT_REDEEMED'))
  })
})

describe('conditions', () => {
  test('are those of the version it was issued under', async () => {
    const code = await codeOf({ gives: { percent: 10 } })
    const [row] = await rowsOf<{ offer: string }>(db, `select offer from coupons where code = '${code}'`)
    const offer = row?.offer ?? ''
    const words = { title: 'Offer', quota: 100, perMember: 1, gives: { percent: 50 }, needs: { minimum: 9_999 } }
    await addOffers(db, { [offer]: words })
    await addOffers(db, { [offer]: words })
    expect(await redeem(code, { order: order() })).toMatchObject({ ok: true, discount: 150, gives: { percent: 10 } })
    const [line] = (await offerLines(db, NOON)).filter(({ id }) => id === offer)
    expect(line).toMatchObject({ version: 2, issued: 1, redeemed: 1, discount: 150, terms: { gives: { percent: 50 } } })
    await expect(rowsOf(db, `update offer_versions set terms = '{}'`)).rejects.toThrow('never changed')
  })

  test('first order only: another paid order counts, this one does not', async () => {
    const send = inboxOf(db, { now: () => NOON }, [])
    const code = await codeOf({ needs: { firstOrder: true } }, 'anybody')
    const mine = { customer: 'R7', order: order() }
    await send('order.paid', 'R7', { properties: { order: mine.order } })
    expect(await reserve(code, mine)).toMatchObject({ ok: true })
    await send('order.paid', 'R7', { properties: { order: 'before' } })
    expect(await redeem(code, mine)).toMatchObject(no('FIRST_ORDER_ONLY'))
  })

  test('of one group one coupon an order, held or redeemed; of two groups both, on what is left', async () => {
    const [one, same] = [await codeOf({}), await codeOf({})]
    const [all, shipping] = [
      await codeOf({ gives: { percent: 100 }, group: 'line' }),
      await codeOf({ gives: { shipping: 'free' }, group: 'shipping' }),
    ]
    const mine = { order: order() }
    await reserve(one, mine)
    expect(await reserve(same, mine)).toMatchObject(no('NOT_COMBINABLE'))
    expect(await redeem(one, mine)).toMatchObject({ ok: true, discount: 150 })
    expect(await redeem(same, mine)).toMatchObject(no('NOT_COMBINABLE'))
    expect(await redeem(all, mine)).toMatchObject({ ok: true, discount: 1350 })
    expect(await redeem(shipping, mine)).toMatchObject({ ok: true, discount: 0, shipping: 600 })
  })

  test('of one group redeemed on one order at once, one goes through', async () => {
    const mine = { order: order() }
    const codes = [await codeOf({}), await codeOf({}), await codeOf({})]
    const answers = await Promise.all(codes.map((code) => redeem(code, mine)))
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1)
    expect(answers.filter((answer) => !answer.ok && answer.code === 'NOT_COMBINABLE')).toHaveLength(2)
  })

  test('codes for anybody count for each customer when they are redeemed', async () => {
    const offer = `offer-${++count}`
    await addOffers(db, { [offer]: { title: 'Many', quota: 9, perMember: 1, gives: { gift: 'CUP' } } })
    const codes = await codesFor(offer, 3)
    const answers = await Promise.all(codes.map((code) => redeem(code, { customer: 'R9', order: order() })))
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1)
    expect(answers.filter((answer) => !answer.ok && answer.code === 'MEMBER_LIMIT')).toHaveLength(2)
  })
})

describe('guessing', () => {
  test('ends after some codes that are none, for good ones too, and time heals it', async () => {
    const code = await codeOf({}, 'anybody')
    const me = { customer: 'R11', order: order() }
    const guesses = Array.from({ length: TRIES_MOST }, drawCode)
    // A retry of one guess is one guess.
    for (const guess of [...guesses.slice(1), ...guesses.slice(1), ...guesses.slice(0, 1)])
      expect(await reserve(guess, me)).toMatchObject(no('COUPON_UNKNOWN'))
    const locked = { ...no('TOO_MANY_TRIES'), retryAfterMs: TRIES_WITHIN_MS }
    expect(await redeem(code, me)).toEqual(locked)
    expect(await refund(code, me)).toEqual(locked)
    expect(await redeem(code, { customer: 'R12', order: order(), now: NOON + HOUR })).toMatchObject({ ok: true })
    const later = { ...me, now: NOON + HOUR + TRIES_WITHIN_MS }
    expect(await redeem(code, later)).toMatchObject(no('COUPON_REDEEMED'))
  })

  test('in parallel comes no further than one by one', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => redeem(drawCode(), { customer: 'R13' })))
    expect(answers.filter((answer) => !answer.ok && answer.code === 'COUPON_UNKNOWN')).toHaveLength(TRIES_MOST)
  })

  test('with other customers from one device counts together', async () => {
    const visitor = 'device-1'
    for (let at = 0; at < TRIES_MOST; at++) await reserve(drawCode(), { customer: `R${20 + at}`, visitor })
    expect(await reserve(drawCode(), { customer: 'R40', visitor })).toMatchObject(no('TOO_MANY_TRIES'))
    expect(await reserve(drawCode(), { customer: 'R20' })).toMatchObject(no('COUPON_UNKNOWN'))
  })

  test("another's coupon is as unknown as none, and operators see what it was", async () => {
    const code = await codeOf({})
    const theirs = await redeem(code, { customer: 'R14' })
    expect(theirs).toEqual(await redeem(drawCode(), { customer: 'R14' }))
    expect((await decisionsOf(db, 'R14')).at(-1)).toMatchObject({ verdict: 'refused', code: 'COUPON_NOT_YOURS' })
    expect(await rowsOf(db, `select count(*) from code_tries where who = 'customer/R14'`)).toEqual([{ count: 2 }])
  })

  test('a customer who is none is an error, not a try', async () => {
    await expect(redeem(drawCode(), { customer: 'nobody' })).rejects.toMatchObject({ code: 'CUSTOMER_UNKNOWN' })
  })
})

test('any interleaving, also doubled and at once, keeps every invariant', async () => {
  const pool = [
    await codeOf({}, 'anybody'),
    await codeOf({ group: 'b', gives: { amount: 1200 } }, 'anybody'),
    await codeOf({ group: 'c', onRefund: { reissue: '1 hour' }, perMember: 2 }, 'anybody'),
    await codeOf({ group: 'd', onRefund: 'lost' }),
  ]
  const step = fc.record({
    does: fc.constantFrom('reserve' as const, 'redeem' as const, 'release' as const, 'refund' as const),
    code: fc.constantFrom(...pool),
    customer: fc.constantFrom('R1', 'R45', 'R46'),
    order: fc.constantFrom('X1', 'X2', 'X3'),
    now: fc.integer({ min: NOON, max: NOON + 8 * DAY }),
    key: fc.integer({ min: 0, max: 30 }),
  })
  const does = { reserve, redeem, release, refund }
  let [done, refused] = [0, 0]
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      round += 1
      // One order is one customer's.
      const calls = steps.map(({ does: what, code, key, ...more }) => () => {
        const mine = { ...more, order: `${more.customer}-${more.order}`, key: `p-${round}-${key}` }
        return does[what](code, mine).then(
          ({ ok }) => (ok ? (done += 1) : (refused += 1)),
          (error: { code?: string }) => expect(error.code).toBe('IDEMPOTENCY_MISMATCH'),
        )
      })
      await Promise.all([...calls, ...calls].map((call) => call()))
      await expectInvariants(db)
    }),
    { seed: 1, numRuns: 30, interruptAfterTimeLimit: 5_000 },
  )
  expect(done).toBeGreaterThan(20)
  expect(refused).toBeGreaterThan(20)
}, 20_000)
