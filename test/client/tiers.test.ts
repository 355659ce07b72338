import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { carryOut } from '../../client/cli/program.ts'
import { startRun } from '../../client/journeys.ts'
import { DEFAULT_PROGRAMME, PROGRAMMES } from '../../domain/programmes.ts'
import { addOffers } from '../../store/coupons.ts'
import { openStore } from '../../store/db.ts'
import { setProgramme } from '../../store/programmes.ts'
import { placeInTiers } from '../../store/tiers.ts'
import { rowsOf } from '../store/given.ts'
import { tiersOf } from '../store/given-tiers.ts'
import { NOON, expectInvariants, freshStore } from '../world.ts'
import { BEARER, served } from './served.ts'

const clock = { now: () => NOON }

describe('the words tiers and tier', async () => {
  const { db, url } = await freshStore()
  afterAll(() => expectInvariants(db))
  const shop = tiersOf(db, clock)
  const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', SHOP_ZONE: 'Asia/Shanghai' }
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perennial-tiers-'))
    for (const { offers } of plansOf(await readCatalogue()).values()) await addOffers(db, offers)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function perennial(...words: string[]) {
    const said = { out: '', err: '' }
    const out = (text: string): void => void (said.out += text)
    const code = await carryOut(words, { env, out, err: (text) => void (said.err += text) })
    return { code, ...said }
  }

  test('without a programme say so', async () => {
    expect(await perennial('tiers')).toMatchObject({ code: 1, err: expect.stringMatching(/^PROGRAMME_UNKNOWN: /) })
    expect(await perennial('tier', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^CUSTOMER_UNKNOWN: /),
    })
  })

  test('preview takes a tier', async () => {
    const keep = await perennial('preview', 'tier-keep', '--tier', 'gold,1200,30', '--brief')
    expect(keep.out).toMatch(/mail month: "Gold until 2026-12-23"[\s\S]*\+23d 10:00 .*mail week/)
    const rise = await perennial('preview', 'tier-upgrade', '--event', 'tier.downgraded@2d', '--brief')
    expect(rise.out).toMatch(/mail congratulations: "You are Silver now"[\s\S]*end, exited: tier.downgraded/)
    expect((await perennial('preview', 'tier-keep', '--tier', 'Gold!')).code).toBe(2)
  })

  test('set a programme by name or file, as a version, once', async () => {
    expect((await perennial('tiers', 'programme', 'five-levels')).out).toMatch(
      /^Version 1 is the programme from now on\./,
    )
    const shown = await perennial('tiers', 'programme', '--json')
    expect(JSON.parse(shown.out)).toMatchObject({ version: 1, programme: DEFAULT_PROGRAMME })
    const file = join(folder, 'tiers.json')
    await writeFile(file, JSON.stringify({ ...DEFAULT_PROGRAMME, graceDays: 9 }))
    expect((await perennial('tiers', 'programme', file)).out).toMatch(/Version 2[\s\S]*days of grace +9/)
    expect((await perennial('tiers', 'programme', file)).out).toMatch(/^Version 2 is the programme already/)
    await writeFile(file, (await readFile(file, 'utf8')).replace('"from":1000', '"from":-1'))
    const wrong = await perennial('tiers', 'programme', file)
    expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/^PROGRAMME_INVALID: levels\.1\.from: /) })
    const missing = await perennial('tiers', 'programme', join(folder, 'none.json'))
    expect(missing).toMatchObject({ code: 1, err: expect.stringMatching(/^PROGRAMME_INVALID: .*is no file of JSON/) })
  })

  test('count who is on each level, and say how one customer stands', async () => {
    for (const id of ['C1', 'C2', 'C3']) await shop.join(id, { zone: 'Asia/Shanghai' })
    await shop.buy('C1', 'O1', 1_200)
    await shop.buy('C2', 'O1', 5_000)
    await placeInTiers(db, { now: NOON, ...shop.context })
    await setProgramme(db, PROGRAMMES['three-levels'] ?? DEFAULT_PROGRAMME, { now: NOON })
    // Silver and gold stay what they were reached as; the levels are counted under the newest version.
    expect((await perennial('tiers')).out).toMatch(
      /member +Member +0 +1\b[\s\S]*silver +Silver +2,000 +1\b[\s\S]*gold +Gold +10,000 +1\b/,
    )
    const { levels } = JSON.parse((await perennial('tiers', '--json')).out) as { levels: { customers: number }[] }
    expect(levels.map(({ customers }) => customers)).toEqual([1, 1, 1])
    const said = await perennial('tier', 'C1')
    expect(said.out).toMatch(/C1 {2}Silver/)
    expect(said.out).toMatch(/to the next +8,800 to Gold/)
    expect(said.out).toMatch(/2026-11-23 20:00 +silver +rise +1,200 +2$/m)
    expect(JSON.parse((await perennial('tier', 'C1', '--json')).out)).toMatchObject({
      tier: { level: 'silver', discount: 2, multiplier: 1.1, keep: { until: '2027-11-23' } },
      history: [{ why: 'first' }, { why: 'rise', version: 2 }],
    })
  })

  test('why tells of tiers, and operators start what a sweep begins under an occasion', async () => {
    expect((await perennial('why', 'C1')).out).toMatch(/tiers +risen +member to silver: 1200 growth/)
    expect((await perennial('why', 'C3')).out).toContain('no sweep has met a tier-ending of theirs yet')
    const parts = { db, catalogue: await readCatalogue(), clock, shopZone: 'UTC' }
    await expect(startRun(parts, { journey: 'tier-keep', customer: 'C1' })).rejects.toMatchObject({
      code: 'ENTRY_REFUSED',
    })
    const occasion = 'silver.2027-11-23'
    const started = await startRun(parts, { journey: 'tier-keep', customer: 'C1', occasion })
    expect(started.run).toBe('tier-keep/C1/silver.2027-11-23')
  })
})

describe('GET /v1/customers/:id/tier', () => {
  const world = served()
  const ask = (id: string, headers: object = BEARER) =>
    world.app.inject({ method: 'GET', url: `/v1/customers/${encodeURIComponent(id)}/tier`, headers: { ...headers } })

  beforeEach(async () => {
    await rowsOf(world.db, `truncate programmes cascade`)
  })

  test('answers what the checkout takes off, and what is missing', async () => {
    const shop = tiersOf(world.db, clock)
    await shop.setProgramme()
    await shop.join('小明', { email: 'ming@mail.example' })
    await shop.buy('小明', 'O1', 300)
    const answer = await ask('小明')
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({
      customer: '小明',
      tier: {
        level: 'mid',
        title: 'Middle',
        discount: 2,
        multiplier: 1.5,
        services: [],
        growth: 300,
        next: { level: 'top', title: 'Top', needed: 700 },
        keep: { needed: 100, until: '2027-11-23', daysLeft: 365 },
      },
    })
  })

  test('needs the key, a customer and a programme', async () => {
    expect((await ask('C1', {})).json()).toMatchObject({ error: { code: 'API_KEY_INVALID' } })
    for (const id of ['C1', 'C\u0000', 'a/b']) {
      expect((await ask(id)).json()).toMatchObject({ error: { code: 'CUSTOMER_UNKNOWN' } })
    }
    await tiersOf(world.db, clock).join('C1')
    const none = await ask('C1')
    expect([none.statusCode, none.json()]).toMatchObject([404, { error: { code: 'PROGRAMME_UNKNOWN' } }])
    const down = openStore({ url: 'postgres://perennial:x@127.0.0.1:9/perennial' })
    const server = await world.serve({ db: down })
    const answer = await server.inject({ method: 'GET', url: '/v1/customers/C1/tier', headers: BEARER })
    expect(answer.json()).toMatchObject({ error: { code: 'STORE_UNAVAILABLE' } })
    await down.destroy()
  })
})
