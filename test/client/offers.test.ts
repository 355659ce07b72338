import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { addOffers } from '../../store/coupons.ts'
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
  await sql`update coupons set expires_at = now() - interval '1 hour' where code in (select code from coupons limit 5)`.execute(
    db,
  )
  expect((await perennial('offers')).out).toMatch(/^flyer +13 of 20 +0 +0 +5 /m)
})
