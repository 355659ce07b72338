/** What an operator types to find runs that fail or stand still, over runs that do; and the check before a release as a program. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { carryOut } from '../../client/cli/program.ts'
import { enrolment } from '../../store/enrolments.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
let sink: Sink
let world: World

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  world = await openWorld({ smtpUrl: sink.url, dayMs: 20_000, only: ['first-order'] })
})

const enter = (id: string): Promise<unknown> =>
  world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
/** At its first wait, the welcome being sent. */
const atCart = (id: string): Promise<void> =>
  until(async () => {
    const history = await world.historyOf(`first-order/${id}`).catch(() => [])
    return history.some(({ eventType }) => Number(eventType) === 17) || `${id} does not wait yet`
  })
const env = (): Record<string, string> => ({
  DATABASE_URL: world.url,
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TASK_QUEUE: world.taskQueue,
})

async function perennial(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await carryOut(words, {
    env: env(),
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, ...said }
}

/** `npm run publish-check`, as it is run before a release. */
const publishCheck = (...words: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const line = ['node_modules/tsx/dist/cli.mjs', 'workers/publish-check.ts', ...words]
    const options = { cwd: ROOT, env: { PATH: process.env['PATH'] ?? '', ...env() } }
    const child = execFile(process.execPath, line, options, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })

it('runs: who is on, and at which step', async () => {
  await enter('Word1')
  await atCart('Word1')
  expect((await perennial('runs', 'first-order')).out).toMatch(
    /first-order\/Word1 +\S.* wait for cart\.added\n\n1 open run was looked at: all\./,
  )
  const none = await perennial('runs', 'first-order', '--step', 'wait 2 days')
  expect([none.code, none.out]).toEqual([0, expect.stringContaining('No run is there.')])
  expect(await perennial('runs', 'no-such')).toMatchObject({ code: 1, err: expect.stringMatching(/^JOURNEY_UNKNOWN/) })
  expect(await perennial('runs', 'first-order', '--limit', '0')).toMatchObject({ code: 2 })
})

it('publish-check: passes code that the runs go on with, and refuses what it does not know', async () => {
  const [passed, unknown, wrong] = await Promise.all([
    publishCheck(),
    publishCheck('--journey', 'no-such'),
    publishCheck('--limit', 'all'),
  ])
  expect(passed).toMatchObject({ code: 0, err: '' })
  expect(passed.out).toMatch(/first-order │ 1 +│ 1 +│ 1 +│ 0 +│ 0 +│/)
  expect(passed.out).toContain('Every run that was looked at goes on.')
  expect(unknown).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^JOURNEY_UNKNOWN/) })
  expect(wrong).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^COMMAND_INVALID/) })
})

it('stuck: names the run whose code was changed under it, which an operator may stop', async () => {
  expect((await perennial('stuck')).out).not.toContain('Word1')
  await world.stopWorker()
  const folder = new URL('../fixtures/changed/', import.meta.url)
  await world.startWorker(await bundleWorkflows(await readCatalogue(folder), { folder, logger: quietSdk }))
  await world.send({ id: 'cart', type: 'cart.added', customer: 'Word1', properties: { cart: 'K' } })
  const run = 'first-order/Word1'
  await until(async () => (await perennial('stuck')).out.includes(run) || 'not stuck yet')
  expect((await perennial('stuck')).out).toMatch(/first-order\/Word1 +.*category=WorkflowTaskFailed/)
  const ours = await publishCheck('--journey', 'first-order', '--json')
  // The code of this checkout is the old one: with it the run goes on.
  expect([ours.code, JSON.parse(ours.out)]).toMatchObject([0, { ok: true, journeys: [{ stays: 1, cannot: [] }] }])
  expect((await perennial('stop', run)).code).toBe(0)
  await world.stopWorker()
  await world.startWorker()
})

it('retry: a run whose history is gone stays failed, and says why', async () => {
  const plan = world.plans.get('first-order')
  if (!plan) throw new Error('no plan')
  world.plans.set('first-order', { ...plan, copy: {} })
  await enter('Word2')
  const run = 'first-order/Word2'
  await until(async () => (await enrolment(world.db, run))?.status === 'failed' || 'it has not failed')
  world.plans.set('first-order', plan)
  const found = await perennial('failed', 'first-order', '--step', 'send welcome')
  expect(found.out).toMatch(/first-order\/Word2 +send welcome +JOURNEY_INVALID/)
  await world.client.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: run },
  })
  const gone = (): Promise<boolean> =>
    world.historyOf(run).then(
      () => false,
      () => true,
    )
  await until(async () => (await gone()) || 'its history is still there')
  const taken = await perennial('retry', run, '--by', 'Ann')
  expect([taken.code, taken.out]).toEqual([0, expect.stringContaining('1 run is taken up again where it failed.')])
  await until(async () => (await enrolment(world.db, run))?.failed_code === 'RETRY_IMPOSSIBLE' || 'not told')
  expect((await perennial('failed', '--error', 'RETRY_IMPOSSIBLE')).out).toContain('its history is gone')
  expect(await perennial('retry')).toMatchObject({ code: 2, err: expect.stringMatching(/^COMMAND_INVALID/) })
  await expectInvariants(world.db)
})
