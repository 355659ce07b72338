import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { createMetrics } from '../../client/http/metrics.ts'
import { createServer } from '../../client/http/server.ts'
import { PLAIN } from '../../domain/delivery.ts'
import { ERRORS, REFUSALS } from '../../domain/errors.ts'
import { CHECKS } from '../../domain/sending.ts'
import { FLAWS } from '../../domain/words-lint.ts'
import { TERMS } from '../../domain/wording-terms.ts'
import { armOutcomes } from '../../store/outcomes.ts'
import { openShop, provider } from '../activities/given.ts'
import { planFacts, rowsOf, wakesOf } from '../store/given.ts'
import { SECRET, expectInvariants, freshStore, person } from '../world.ts'

const { db, url } = await freshStore()
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-gate-'))
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

const json = async (...words: string[]): Promise<unknown> => JSON.parse((await perennial(...words, '--json')).out)

describe('the words about the gate', () => {
  test('topics lists, adds and changes them', async () => {
    expect(await perennial('topics', 'news', '--title', 'News', '--double-opt-in')).toMatchObject({ code: 0 })
    await perennial('topics', 'news', '--retire')
    expect(await json('topics')).toEqual([
      { id: 'news', title: 'News', description: '', doubleOptIn: true, retired: true },
    ])
    await perennial('topics', 'news', '--offer', '--single-opt-in')
    expect((await perennial('topics')).out).toMatch(/news\s+News/)
    expect(await json('topics')).toMatchObject([{ doubleOptIn: false, retired: false }])
    const wrong = await perennial('topics', 'Big News')
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringMatching(/^TOPIC_INVALID/)])
  })

  test('consents shows what was said, and by which text', async () => {
    const shop = await openShop(db, [planFacts('story')])
    await shop.event('customer.registered', person('C1'))
    await rowsOf(
      db,
      `insert into consents (customer, topic, channel, granted, source, text_version, at)
       values ('C1', 'marketing', 'sms', true, 'till', 'v7', now())`,
    )
    const said = await perennial('consents', 'C1')
    expect(said.out).toMatch(/marketing\s+email\s+messages\s+granted/)
    expect(said.out).toMatch(/marketing\s+sms\s+messages\s+granted\s+till\s+v7/)
    expect((await perennial('consents', 'nobody')).err).toMatch(/^CUSTOMER_UNKNOWN/)
  })

  test('wordings shows what waits, and approve lets it go', async () => {
    const term = TERMS.find((one) => one.severity === 'review')?.term ?? ''
    const words = { hello: { subject: 'Hello', text: `Take it, ${term}` } }
    const shop = await openShop(db, [planFacts('asked', { copy: words })])
    await shop.event('customer.registered', person('C2'))
    expect(await shop.send('asked', 'C2')).toMatchObject({ is: 'held', code: 'WORDING_REVIEW' })
    const shown = (await perennial('wordings')).out
    expect(shown).toContain(`Take it, ${term}`)
    expect(shown).toContain('waits; 1 message held')
    const [line] = (await json('wordings')) as { hash: string }[]
    const hash = line?.hash ?? ''
    expect((await perennial('approve', hash)).code, 'nobody said yes').toBe(2)
    const done = await perennial('approve', hash, '--by', 'eve')
    expect(done.out).toBe('asked may say hello in these words. 1 held message goes out.\n')
    expect(await wakesOf(db)).toContain('asked/C2')
    expect(await shop.send('asked', 'C2')).toEqual({ is: 'sent' })
    expect((await perennial('wordings')).out).toContain('yes, by eve')
    expect((await perennial('approve', 'nothing', '--by', 'eve')).err).toMatch(/^WORDING_UNKNOWN/)
  })

  test('why tells which channels were passed over', async () => {
    const plan = planFacts('ways', { delivery: { ...PLAIN, channels: ['push', 'sms'] } })
    const shop = await openShop(db, [plan], {}, {}, [provider('push'), provider('sms')])
    const consent = { marketing: { granted: true, channels: ['push', 'sms'] } }
    await shop.event('customer.registered', person('C3', { phone: '+8613912345678', consent }))
    expect(await shop.send('ways', 'C3')).toEqual({ is: 'sent' })
    expect((await perennial('why', 'C3')).out).toMatch(/hello sent\s+by sms, not by push NO_ADDRESS/)
  })
})

test('a run is exposed where a message would have gone, in both arms, and lift is told of those too', async () => {
  const plan = planFacts('lift', { goal: { on: 'order.paid', within: null } })
  const shop = await openShop(db, [plan])
  const enter = async (id: string, arm: string, more: object = {}): Promise<void> => {
    await shop.event('customer.registered', person(id, more))
    await rowsOf(db, `update enrolments set arm = '${arm}' where id = 'lift/${id}'`)
    await shop.send('lift', id)
  }
  for (const arm of ['treated', 'holdout']) {
    await enter(`${arm}-1`, arm)
    await enter(`${arm}-2`, arm, { consent: {} })
    await enter(`${arm}-3`, arm)
  }
  shop.clock.pass(1000)
  for (const id of ['treated-1', 'treated-2', 'holdout-2']) await shop.event('order.paid', id)
  const each = (arm: string, runs: number, converted: number) => ({ journey: 'lift', arm, runs, converted })
  expect(await armOutcomes(db, 'lift')).toEqual([each('treated', 3, 2), each('holdout', 3, 1)])
  expect(await armOutcomes(db, 'lift', { exposed: true })).toEqual([each('treated', 2, 1), each('holdout', 2, 0)])
})

test('the codes in the code, the API and the docs are one list', async () => {
  const metrics = createMetrics({ db })
  const parts = { db, plans: [], clock: { now: () => Date.now() }, metrics, shopZone: 'UTC' }
  const server = await createServer({ ...parts, apiKey: SECRET, secret: SECRET, log: pino({ level: 'silent' }) })
  const headers = { authorization: `Bearer ${SECRET}` }
  const answer = await server.inject({ url: '/v1/codes', headers })
  expect((await server.inject({ url: '/v1/codes' })).statusCode).toBe(401)
  await server.close()
  const told = answer.json<{ errors: object; refusals: object; flaws: object; gate: { check: string }[] }>()
  expect(told.errors).toEqual(ERRORS)
  expect(told.refusals).toEqual(REFUSALS)
  expect(told.gate.map((one) => one.check)).toEqual(CHECKS.map((check) => check.title))
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code)
  expect(told.flaws).toEqual(FLAWS)
  expect(listed).toEqual([...Object.keys(ERRORS), ...Object.keys(REFUSALS), ...Object.keys(FLAWS)])
})
