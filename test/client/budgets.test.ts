/** Budgets as operators and the shop's dashboards see them: the CLI, GET /v1/budgets, /metrics. */
import { beforeAll, describe, expect, test } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { createMetrics } from '../../client/http/metrics.ts'
import { createServer } from '../../client/http/server.ts'
import { plannedBudget } from '../../domain/budget.ts'
import { addBudgets } from '../../store/budgets.ts'
import { basketOf, couponOf, offer } from '../store/budget-given.ts'
import { NOON, rowsOf } from '../store/given.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { SECRET, expectInvariants, freshStore } from '../world.ts'
import { BEARER, KEY } from './served.ts'
import { pino } from 'pino'

const { db, url } = await freshStore()

async function perennial(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await carryOut(words, {
    env: { DATABASE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:9', PERENNIAL_HOME: '/nowhere' },
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, ...said }
}

const asJson = async (...words: string[]): Promise<unknown> => JSON.parse((await perennial(...words, '--json')).out)

test('without any, budgets says where they come from', async () => {
  expect((await perennial('budgets')).out).toMatch(/^No budget is stored yet/)
  expect((await perennial('budgets', 'proposals')).out).toMatch(/^No proposal/)
  expect(await asJson('budgets')).toEqual([])
})

describe('with a campaign, two coupons and one of them used', () => {
  beforeAll(async () => {
    const budget = plannedBudget({ name: 'spring', cap: 3000, journeyCap: 2400 })
    await addBudgets(db, [{ name: 'hello', class: 'marketing', budget }], () => NOON - 1)
    const perk = await offer(db)
    await couponOf(db, 'hello', perk)
    const used = await couponOf(db, 'hello', perk)
    await redeemCoupon(db, { key: 'r', ...used, order: 'O', basket: basketOf(800), now: NOON })
  })

  const spring = {
    budget: 'spring',
    parent: null,
    cap: 3000,
    reserved: 1000,
    spent: 800,
    left: 1200,
    forMarketing: 1050,
    line: 5,
    journeys: ['hello'],
  }

  test('budgets lists them, in words and for programs', async () => {
    const said = await perennial('budgets')
    expect(said).toMatchObject({ code: 0, err: '' })
    expect(said.out).toMatch(/^spring +3,000 +1,000 +800 +1,200 +5 % +50 % +hello$/m)
    expect(said.out).toMatch(/^spring\/hello +2,400 +1,000 +800 +600 +0 % +50 % 80 % +hello$/m)
    const at = new Date(NOON).toISOString()
    expect(await asJson('budgets')).toEqual([
      { ...spring, alerts: [{ threshold: 50, at, cap: 3000, taken: 2000 }] },
      expect.objectContaining({
        budget: 'spring/hello',
        parent: 'spring',
        left: 600,
        alerts: [expect.objectContaining({ threshold: 50 }), expect.objectContaining({ threshold: 80, taken: 2000 })],
      }),
    ])
  })

  test('GET /v1/budgets says the same to whoever has the key, and /metrics counts it', async () => {
    const served = {
      db,
      plans: [],
      clock: { now: () => NOON },
      shopZone: 'UTC',
      apiKey: KEY,
      secret: SECRET,
      log: pino({ level: 'silent' }),
      metrics: createMetrics({ db }),
    }
    const server = await createServer(served)
    const answer = await server.inject({ url: '/v1/budgets', headers: BEARER })
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(answer.json()).toEqual({ budgets: await asJson('budgets') })
    const refused = await server.inject({ url: '/v1/budgets' })
    expect([refused.statusCode, refused.json().error.code]).toEqual([401, 'API_KEY_INVALID'])
    const lines = (await server.inject('/metrics')).body.split('\n')
    expect(lines).toContain('perennial_budget_minor{budget="spring",part="cap"} 3000')
    expect(lines).toContain('perennial_budget_minor{budget="spring/hello",part="spent"} 800')
    expect(lines).toContain('perennial_budget_alerts{budget="spring/hello",threshold="80"} 1')
    await server.close()
  })

  test('cap and line steer them, and say what stands in the way', async () => {
    expect((await perennial('budgets', 'cap', 'spring', '2000')).out).toBe(
      'The cap of spring is 2,000 now; it was 3,000.\n',
    )
    expect(await asJson('budgets', 'cap', 'spring', '2000')).toEqual({
      budget: 'spring',
      cap: 2000,
      before: 2000,
      changed: false,
    })
    const below = await perennial('budgets', 'cap', 'spring', '1799')
    expect([below.code, below.err]).toEqual([
      1,
      expect.stringMatching(/^BUDGET_TAKEN: of 'spring' 1800 .*\nExpected: at least 1800\n/),
    ])
    expect(JSON.parse((await perennial('budgets', 'cap', 'none', '5', '--json')).err)).toMatchObject({
      code: 'BUDGET_UNKNOWN',
      field: 'budget',
    })
    expect((await perennial('budgets', 'line', 'spring', '2.5')).out).toMatch(/^Marketing leaves 2.5 %/)
    for (const words of [
      ['cap', 'spring', '-1'],
      ['cap', 'spring', '1.5'],
      ['cap', 'spring'],
      ['line', 'spring', '101'],
      ['line', 'spring', 'x'],
      ['rise'],
    ]) {
      expect((await perennial('budgets', ...words)).code).toBe(2)
    }
    await expectInvariants(db)
  })

  test('proposals, apply and dismiss', async () => {
    const brought = {
      budget: '',
      journeys: ['hello'],
      gained: 1.25,
      low: 0.5,
      high: 2,
      spent: 800,
      treated: 200,
      held: 200,
    }
    const reasons = JSON.stringify({ giver: brought, taker: brought, unspent: 500, takenShare: 0.9 })
    await addBudgets(
      db,
      [{ name: 'autumn', class: 'service', budget: plannedBudget({ name: 'autumn', cap: 700 }) }],
      () => NOON - 1,
    )
    await rowsOf(
      db,
      `insert into budget_reviews values ('2026-W48', '[]', now());
      insert into budget_proposals (id, week, giver, taker, amount, reasons, made_at)
      select id, '2026-W48', 'autumn', 'spring', amount, '${reasons}', '2026-11-23T12:00:00Z' from (values ('2026-W48-1', 500), ('2026-W48-2', 300)) p (id, amount)`,
    )
    const said = await perennial('budgets', 'proposals')
    expect(said.out).toMatch(/^2026-W48-1 +open +2026-11-23 12:00 +500 +autumn → spring +spring brings 1\.25/m)
    expect(await asJson('budgets', 'proposals')).toMatchObject([
      { id: '2026-W48-1', reasons: { unspent: 500 } },
      { id: '2026-W48-2' },
    ])
    expect((await perennial('budgets', 'apply', '2026-W48-1')).out).toBe(
      '500 moved from the cap of autumn to that of spring.\n',
    )
    expect((await perennial('budgets', 'apply', '2026-W48-1')).out).toMatch(/was applied already/)
    const gone = await perennial('budgets', 'apply', '2026-W48-2')
    expect([gone.code, gone.err]).toEqual([1, expect.stringMatching(/^BUDGET_TAKEN/)])
    expect((await perennial('budgets', 'dismiss', '2026-W48-2')).out).toBe('2026-W48-2 is dismissed; no cap changed.\n')
    expect(await asJson('budgets', 'dismiss', '2026-W48-2')).toMatchObject({
      changed: false,
      proposal: { status: 'dismissed' },
    })
    expect((await perennial('budgets', 'apply', 'none')).err).toMatch(/^PROPOSAL_UNKNOWN/)
    expect(await asJson('budgets')).toMatchObject([{ budget: 'autumn', cap: 200 }, { budget: 'spring', cap: 2500 }, {}])
  })
})
