import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { codesOf } from '../../store/codes.ts'
import { addOffers } from '../../store/coupons.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { expectInvariants, freshStore } from '../world.ts'

const { db, url } = await freshStore()
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-offers-'))
  const flyer = { title: 'Flyer', quota: 20, perMember: 1, gives: { percent: 12.5, atMost: 5_000 } }
  const needs = { minimum: 10_000, categories: ['tea'], firstOrder: true }
  await addOffers(db, { flyer: { ...flyer, needs, onRefund: { reissue: '7 days' } } })
})
afterAll(async () => {
  await expectInvariants(db)
  await rm(folder, { recursive: true, force: true })
})

async function perennial(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await carryOut(words, {
    env: { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', PERENNIAL_HOME: folder },
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, ...said }
}

test('codes writes a file once made, and the same file when asked again', async () => {
  const out = join(folder, 'spring.csv')
  const said = await perennial('codes', 'flyer', '--count', '12', '--out', out)
  expect(said).toMatchObject({ code: 0, err: '' })
  expect(said.out).toMatch(/^12 codes of flyer, good until \d{4}-.*spring\.csv\n\nBatch spring\n$/)
  const text = await readFile(out, 'utf8')
  expect(text).toMatch(/^code,expires\n([2-9A-HJ-NP-Z]{12},\d{4}-\d\d-\d\dT[\d:.]+Z\n){12}$/)
  await writeFile(out, 'torn')
  expect((await perennial('codes', 'flyer', '--count', '12', '--out', out, '--json')).code).toBe(0)
  expect(await readFile(out, 'utf8')).toBe(text)
})

test('codes says what stands in the way', async () => {
  const out = join(folder, 'more.csv')
  const full = await perennial('codes', 'flyer', '--count', '9', '--out', out, '--json')
  expect(full).toMatchObject({ code: 1, err: '' })
  expect(JSON.parse(full.out)).toMatchObject({ made: 0, wanted: 9, refused: 'QUOTA_EXHAUSTED', file: null })
  const other = await perennial('codes', 'flyer', '--count', '8', '--out', join(folder, 'spring.csv'))
  expect([other.code, other.err]).toEqual([1, expect.stringMatching(/^IDEMPOTENCY_MISMATCH: the batch 'spring'/)])
  const none = await perennial('codes', 'none', '--count', '1', '--out', join(folder, 'none.csv'))
  expect([none.code, none.err]).toEqual([1, expect.stringMatching(/^OFFER_UNKNOWN: no offer 'none'/)])
  for (const count of ['0', 'many', '5000001'])
    expect((await perennial('codes', 'flyer', '--count', count, '--out', out)).code).toBe(2)
  expect((await perennial('codes', 'flyer', '--out', out)).code).toBe(2)
  const nowhere = await perennial('codes', 'flyer', '--count', '1', '--out', join(folder, 'no', 'a.csv'))
  expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringMatching(/the codes are kept/)])
})

test('offers shows what they give, ask for and came to', async () => {
  const said = await perennial('offers')
  expect(said.out).toMatch(/^OFFER +ISSUED +HELD +REDEEMED +EXPIRED +GIVES +TITLE +ASKS FOR$/m)
  expect(said.out).toMatch(
    /^flyer +13 of 20 +0 +0 +0 +12\.5 %, at most 5,000 +Flyer +at least 10,000; of tea; a first/m,
  )
  expect(JSON.parse((await perennial('offers', '--json')).out)).toMatchObject([
    {
      id: 'flyer',
      version: 1,
      issued: 13,
      quota: 20,
      redeemed: 0,
      held: 0,
      expired: 0,
      discount: 0,
      terms: { group: 'order' },
    },
  ])
  // The last ones, as those that follow use the first.
  await sql`update coupons set expires_at = now() - interval '1 hour'
    where code in (select code from coupons where batch = 'spring' order by key desc limit 5)`.execute(db)
  expect((await perennial('offers')).out).toMatch(/^flyer +13 of 20 +0 +0 +5 /m)
})

test('offers set steers one, and says what stands in the way', async () => {
  const said = await perennial('offers', 'set', 'flyer', '--quota', '40', '--buckets', '4', '--per-member', '2')
  expect(said).toMatchObject({ code: 0, err: '' })
  expect(said.out).toBe('flyer: 13 of 40 issued, 2 a customer\n\nThe quota lies in 4 buckets.\n')
  const json = await perennial('offers', 'set', 'flyer', '--buckets', '1', '--json')
  expect(JSON.parse(json.out)).toEqual({
    offer: 'flyer',
    quota: 40,
    issued: 13,
    perMember: 2,
    perOccasion: null,
    buckets: 1,
  })
  const each = await perennial('offers', 'set', 'flyer', '--per-occasion', '1500')
  expect(each.out).toBe('flyer: 13 of 40 issued, 2 a customer, 1,500 an occasion\n\nThe quota lies in 1 bucket.\n')
  expect((await perennial('offers')).out).toMatch(/^flyer +13 of 40, 1,500 an occasion +0 /m)
  expect(JSON.parse((await perennial('offers', '--json')).out)).toMatchObject([{ id: 'flyer', perOccasion: 1500 }])
  const below = await perennial('offers', 'set', 'flyer', '--quota', '12', '--json')
  expect([below.code, JSON.parse(below.err)]).toMatchObject([1, { code: 'QUOTA_INVALID', expected: '13 or more' }])
  expect(await perennial('offers', 'set', 'none', '--quota', '1')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^OFFER_UNKNOWN/),
  })
  const never = await perennial('offers', 'set', 'first-order-10', '--per-occasion', '5', '--json')
  expect([never.code, JSON.parse(never.err)]).toMatchObject([1, { code: 'QUOTA_INVALID', field: 'perOccasion' }])
  for (const words of [[], ['--quota', '-1'], ['--quota', 'many'], ['--buckets', '65'], ['--per-occasion', '-1']])
    expect((await perennial('offers', 'set', 'flyer', ...words)).code).toBe(2)
})

describe('coupon', () => {
  let [code, other] = ['', '']
  beforeAll(async () => {
    for await (const [one = '', next = ''] of codesOf(db, { batch: 'spring', made: 12 })) [code, other] = [one, next]
    await sql`insert into customers (id, created_at, updated_at) values ('C1', now(), now())`.execute(db)
    const basket = { lines: [{ id: 'a', amount: 20_000, category: 'tea' }], shipping: 0 }
    const asked = { code, customer: 'C1', order: 'O-7', basket, now: Date.now() }
    await redeemCoupon(db, { ...asked, key: 'redeem-7' })
  })

  test('shows its life, with the keys', async () => {
    const said = await perennial('coupon', code.toLowerCase())
    expect(said).toMatchObject({ code: 0, err: '' })
    expect(said.out).toMatch(new RegExp(`^${code} redeemed\n\nFlyer \\(flyer, version 1\\), for whoever brings it`))
    expect(said.out).toMatch(/ issued, good until .* codes\/spring\/1\n/)
    expect(said.out).toMatch(/ redeemed on O-7 +redeem-7\n/)
    expect(said.out).toMatch(/\nO-7 +C1 +2,500 +0 +0 +stands\n/)
    expect(JSON.parse((await perennial('coupon', code, '--json')).out)).toMatchObject({
      code,
      status: 'redeemed',
      key: 'codes/spring/1',
      voided: null,
      redemptions: [{ order: 'O-7', key: 'redeem-7', discount: 2500, reversed: 0, outcome: null }],
    })
    const none = await perennial('coupon', 'ABCDEFGH2345', '--json')
    expect([none.code, JSON.parse(none.err)]).toMatchObject([1, { code: 'COUPON_NOT_FOUND', field: 'code' }])
  })

  test('void takes back what nobody has redeemed, once', async () => {
    const taken = await perennial('coupon', 'void', other, '--reason', 'a misprint')
    expect(taken).toEqual({ code: 0, out: `${other} is taken back.\n`, err: '' })
    const again = await perennial('coupon', 'void', other, '--reason', 'a misprint', '--json')
    expect(JSON.parse(again.out)).toEqual({ code: other, refused: null, before: true })
    expect((await perennial('coupon', other)).out).toMatch(/taken back: a misprint +operator\//)
    const late = await perennial('coupon', 'void', code, '--reason', 'too late', '--json')
    expect([late.code, JSON.parse(late.out)]).toMatchObject([1, { refused: 'COUPON_REDEEMED', before: false }])
    for (const words of [[], ['--reason', ' ']])
      expect((await perennial('coupon', 'void', other, ...words)).code).toBe(2)
  })
})
