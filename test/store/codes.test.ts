import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { codeFrom } from '../../domain/coupon.ts'
import { CHUNK, codesOf, makeCodes } from '../../store/codes.ts'
import { addOffers } from '../../store/coupons.ts'
import { steerOffer } from '../../store/quota.ts'
import { expectInvariants, freshStore } from '../world.ts'
import { DAY, NOON, rowsOf } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const drawCode = (): string => codeFrom(randomBytes(12))
await addOffers(db, { autumn: { title: 'Autumn', quota: 20_000, perMember: 1, gives: { amount: 500 } } })

const ask = (batch: string, count: number, more: object = {}) =>
  makeCodes(db, { batch, offer: 'autumn', count, valid: '30 days', now: NOON, drawCode, ...more })

async function all(batch: string, made: number): Promise<string[]> {
  const codes: string[] = []
  for await (const some of codesOf(db, { batch, made })) codes.push(...some)
  return codes
}

test('a batch that was cut goes on, and asked again is the same codes', async () => {
  const cut = ask('cut', CHUNK + 7, {
    onProgress: () => {
      throw new Error('the power is gone')
    },
  })
  await expect(cut).rejects.toThrow('the power is gone')
  expect(await rowsOf(db, `select made from code_batches where key = 'cut'`)).toEqual([{ made: CHUNK }])
  const first = await all('cut', CHUNK)
  const told: number[] = []
  const whole = await ask('cut', CHUNK + 7, { now: NOON + DAY, onProgress: (made: number) => void told.push(made) })
  expect(whole).toMatchObject({
    made: CHUNK + 7,
    wanted: CHUNK + 7,
    refused: null,
    expiresAt: new Date(NOON + 30 * DAY),
  })
  expect(told).toEqual([CHUNK + 7])
  const codes = await all('cut', whole.made)
  expect(codes.slice(0, CHUNK)).toEqual(first)
  expect(new Set(codes).size).toBe(CHUNK + 7)
  await ask('cut', CHUNK + 7)
  expect(await all('cut', whole.made)).toEqual(codes)
  expect(await rowsOf(db, `select sum(issued)::int as issued from offer_buckets where offer = 'autumn'`)).toEqual([
    { issued: CHUNK + 7 },
  ])
})

test('a code that is taken is drawn again', async () => {
  const [taken = ''] = await all('cut', 1)
  const draws = [taken, 'AAAAAAAAAAA2', 'AAAAAAAAAAA2', 'AAAAAAAAAAA3', 'AAAAAAAAAAA4']
  const made = await ask('clash', 3, { drawCode: () => draws.shift() ?? drawCode() })
  expect(made.made).toBe(3)
  expect((await all('clash', 3)).toSorted()).toEqual(['AAAAAAAAAAA2', 'AAAAAAAAAAA3', 'AAAAAAAAAAA4'])
})

test('two processes make one batch together', async () => {
  const [one, other] = await Promise.all([ask('both', 20), ask('both', 20)])
  expect([one.made, other.made]).toEqual([20, 20])
  expect(await all('both', 20)).toHaveLength(20)
})

describe('a batch is refused', () => {
  test('where the quota is used up, and goes on when there is more', async () => {
    await addOffers(db, { few: { title: 'Few', quota: 3, perMember: 1 } })
    const few = await makeCodes(db, { batch: 'few', offer: 'few', count: 4, valid: '1 day', now: NOON, drawCode })
    expect(few).toMatchObject({ made: 0, refused: 'QUOTA_EXHAUSTED' })
    await steerOffer(db, { offer: 'few', quota: 4 })
    const more = await makeCodes(db, { batch: 'few', offer: 'few', count: 4, valid: '1 day', now: NOON, drawCode })
    expect(more).toMatchObject({ made: 4, refused: null })
  })

  test('under a key that means another batch', async () => {
    await expect(ask('both', 21)).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH', field: 'batch' })
  })

  test('for an offer that is none, for no codes, for too many, for a time that is none', async () => {
    await expect(ask('new', 1, { offer: 'none' })).rejects.toMatchObject({ code: 'OFFER_UNKNOWN' })
    for (const count of [0, -1, 1.5, 5_000_001])
      await expect(ask('new', count)).rejects.toMatchObject({ code: 'COUNT_INVALID' })
    await expect(ask('new', 1, { valid: 'long' })).rejects.toMatchObject({ code: 'DURATION_MALFORMED' })
    expect(await rowsOf(db, `select 1 from code_batches where key = 'new'`)).toEqual([])
  })
})
