/** Two accounts of one phone or one mail address are one customer, where the offer says so. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Known, identitiesOf } from '../../domain/identity.ts'
import { inTransaction } from '../../store/db.ts'
import { rememberIdentities } from '../../store/identities.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { couponShop, no } from './coupon-shop.ts'
import { NOON, enterCrowd, inboxOf, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))
const shop = couponShop(db, 'P1')
beforeAll(async () => {
  await enterCrowd(db, { journey: 'story', prefix: 'P', size: 90 })
})

let next = 0
/** The next customers of the crowd, each known by what is said of them. */
async function accounts(...known: Known[]): Promise<string[]> {
  const ids = known.map(() => `P${(next += 1)}`)
  for (const [at, customer] of ids.entries()) await know(customer, known[at] ?? {})
  return ids
}

const know = (customer: string, known: Known): Promise<void> =>
  inTransaction(db, (tx) => rememberIdentities(tx, { customer, identities: identitiesOf(known, 'key'), now: NOON }))

const both = { limitBy: ['phone', 'email'] as const }
const limited = { is: 'refused', code: 'IDENTITY_LIMIT' }

describe('at its issue', () => {
  test.each<[string, Known, Known]>([
    ['one phone, written in two ways', { phone: '139 1234 5678' }, { phone: '+8613912345678' }],
    ['one inbox, by case', { email: 'Ada@mail.example' }, { email: 'ada@MAIL.example' }],
    ['one inbox, by what follows a plus', { email: 'ada+one@mail.example' }, { email: 'ada+two@mail.example' }],
    ['one inbox, by dots', { email: 'a.d.a@gmail.com' }, { email: 'ada@googlemail.com' }],
  ])('%s', async (_what, mine, theirs) => {
    const offer = await shop.offer(both)
    const [one = '', other = ''] = await accounts(mine, theirs)
    expect((await shop.issue(offer, one)).is).toBe('issued')
    expect(await shop.issue(offer, other)).toEqual(limited)
    expect(await shop.issue(offer, one, 2)).toEqual({ is: 'refused', code: 'MEMBER_LIMIT' })
    await rowsOf(db, `delete from identities`)
  })

  test('only by what the offer counts, and only where it says so', async () => {
    const [one = '', other = ''] = await accounts({ email: 'x@mail.example' }, { email: 'x@mail.example' })
    for (const words of [{}, { limitBy: ['phone'] as const }, { needs: { firstOrder: true }, limitBy: [] }]) {
      const offer = await shop.offer(words)
      expect((await shop.issue(offer, one)).is).toBe('issued')
      expect((await shop.issue(offer, other)).is).toBe('issued')
    }
    const first = await shop.offer({ needs: { firstOrder: true } })
    expect((await shop.issue(first, one)).is).toBe('issued')
    expect(await shop.issue(first, other)).toEqual(limited)
  })

  test('over a chain of accounts, and as many as one may have', async () => {
    const offer = await shop.offer({ ...both, perMember: 2 })
    const phone = '+8613900000001'
    const mail = 'chain@mail.example'
    const [one = '', middle = '', far = ''] = await accounts({ phone }, { phone, email: mail }, { email: mail })
    expect((await shop.issue(offer, one)).is).toBe('issued')
    expect((await shop.issue(offer, far)).is).toBe('issued')
    // Both are the middle one's, but not each other's.
    expect(await shop.issue(offer, middle)).toEqual(limited)
    expect((await shop.issue(offer, one, 2)).is).toBe('issued')
  })

  test('also where the account became known by it after it had its coupon', async () => {
    const offer = await shop.offer(both)
    const [one = '', other = ''] = await accounts({}, { phone: '+8613900000002' })
    expect((await shop.issue(offer, one)).is).toBe('issued')
    await know(one, { phone: '+8613900000002' })
    expect(await shop.issue(offer, other)).toEqual(limited)
  })

  test('of five accounts that ask at once, two by two alike, one has it', async () => {
    for (let round = 0; round < 10; round++) {
      const offer = await shop.offer(both)
      // Each shares its mail with the one before and its phone with the one after: they lock in one order, or lock each other out.
      const phone = (at: number): string => `+86139000${1000 + round * 10 + at}`
      const ring = [0, 1, 2, 3, 4].map((at) => ({
        email: `all-${round}@mail.example`,
        phone: phone(Math.floor(at / 2)),
      }))
      const people = await accounts(...ring)
      const answers = await Promise.all([...people, ...people.toReversed()].map((one) => shop.issue(offer, one)))
      const issued = answers.filter((answer) => answer.is === 'issued')
      expect(new Set(issued.map(({ coupon }) => coupon.code)).size).toBe(1)
      expect(answers.filter((answer) => answer.is === 'refused')).toEqual(Array(8).fill(limited))
    }
    await expectInvariants(db)
  })
})

describe('when a code for anybody is redeemed', () => {
  test('of two accounts of one that redeem at once, one does; a refund makes room', async () => {
    const codes = await shop.codes(await shop.offer(both), 6)
    for (let round = 0; round < 3; round++) {
      const phone = `+8613911100${10 + round}`
      const [one = '', other = ''] = await accounts({ phone }, { phone })
      const [mine = '', theirs = ''] = codes.slice(round * 2)
      const answers = await Promise.all([
        shop.redeem(mine, { customer: one, order: `A${round}` }),
        shop.redeem(theirs, { customer: other, order: `B${round}` }),
      ])
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
      expect(answers.filter((answer) => !answer.ok && answer.code === 'IDENTITY_LIMIT')).toHaveLength(1)
      const [winner, loser] = answers[0]?.ok ? [mine, theirs] : [theirs, mine]
      const [has, has_not] = answers[0]?.ok ? [one, other] : [other, one]
      await shop.refund(winner, { customer: has, order: answers[0]?.ok ? `A${round}` : `B${round}` })
      expect(await shop.redeem(loser, { customer: has_not, order: `C${round}` })).toMatchObject({ ok: true })
    }
    await expectInvariants(db)
  })

  test('a first order is one over all accounts', async () => {
    const send = inboxOf(db, { now: () => NOON }, [])
    const [one = '', other = ''] = await accounts({ email: 'first@mail.example' }, { email: 'FIRST@mail.example' })
    await send('order.paid', one, { properties: { order: 'O-before' } })
    const words = { needs: { firstOrder: true } }
    const mine = { customer: other, order: shop.order() }
    expect(await shop.redeem(await shop.code(words, other), mine)).toMatchObject(no('FIRST_ORDER_ONLY'))
    const alone = await shop.code({ ...words, limitBy: [] }, other)
    expect(await shop.redeem(alone, mine)).toMatchObject({ ok: true })
  })
})
