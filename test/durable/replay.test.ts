/**
 * Recorded histories of every journey against today's code. RECORD_HISTORIES=1 (`npm run histories`) records those that are
 * missing, from real runs. To record one anew delete it first: only where no customer is in the middle of the old shape.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker } from '@temporalio/worker'
import { afterAll, expect, inject, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { runId } from '../../domain/ids.ts'
import { putTopic } from '../../store/consents.ts'
import { enrolment } from '../../store/enrolments.ts'
import { balancesOf } from '../../store/ledger.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { installQuietRuntime, quietSdk } from '../quiet-sdk.ts'
import { startSink } from '../smtp-sink.ts'
import { type World, NOON, openWorld, person, until } from '../world.ts'

const FOLDER = new URL('../histories/', import.meta.url)
/** Workflows that are no journey's. */
const ENGINE = ['sweep', 'upkeep', 'test-mail']

it.runIf(process.env['RECORD_HISTORIES'] === '1')(
  'records one history a way through each journey (only when asked: npm run histories)',
  async () => {
    const sink = await startSink()
    afterAll(() => sink.stop())
    const world = await openWorld({ smtpUrl: sink.url, dayMs: 500 })
    const enter = (id: string): Promise<unknown> =>
      world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
    const welcomed = (id: string): Promise<void> =>
      until(async () => sink.taken.some((mail) => mail.to === `${id}@mail.example`) || 'not welcomed')
    await enter('quiet')
    await enter('cart')
    await enter('paid')
    await welcomed('cart')
    await world.send({ id: 'cart-1', type: 'cart.added', customer: 'cart' })
    await welcomed('paid')
    await world.send({ id: 'paid-1', type: 'order.paid', customer: 'paid' })
    for (const id of ['kept', 'back', 'late']) await world.send(order(id, 'order.paid'))
    await pointsOf(world, 'back', 'pending')
    await world.send(order('back', 'order.refunded'))
    const birthday = new Date(NOON + 20 * 86_400_000).toISOString().slice(5, 10)
    await world.send({ id: 'born', type: 'profile.changed', customer: person('born', { birthday }) })
    await world.client.workflow.execute('sweep', {
      workflowId: 'sweep/birthday',
      taskQueue: world.taskQueue,
      args: [
        {
          journey: 'birthday',
          tempo: world.tempo,
          progress: { from: NOON + 19.5 * 86_400_000, after: '', entered: 0 },
        },
      ],
    })
    await world.client.workflow.execute('upkeep', {
      workflowId: 'upkeep',
      taskQueue: world.taskQueue,
      args: [{ tempo: world.tempo }],
    })
    await world.client.workflow.execute('test-mail', {
      workflowId: 'test-mail/one',
      taskQueue: world.taskQueue,
      args: [{ journey: 'first-order', message: 'welcome', to: 'ann@shop.example', by: 'Ann', id: 'one', asked: NOON }],
    })
    await putTopic(world.db, { id: 'asked-first', doubleOptIn: true })
    await world.send({
      id: 'signed',
      type: 'page.viewed',
      customer: person('new', { consent: { 'asked-first': true } }),
    })
    const others = await enterOthers(world, ['first-order', 'birthday', 'order-rewards', 'confirm-consent'])
    await pointsOf(world, 'late', 'available')
    await world.send(order('late', 'order.refunded'))
    await world.settled(100_000)
    for (const { journey, run } of others) await save(world, journey, 'without-events', run)
    await save(world, 'first-order', 'without-events', 'first-order/quiet')
    await save(world, 'first-order', 'cart', 'first-order/cart')
    await save(world, 'first-order', 'goal-in-a-wait', 'first-order/paid')
    await save(world, 'birthday', 'greeted', 'birthday/born/2026')
    await save(world, 'order-rewards', 'settled', 'order-rewards/kept/O1')
    await save(world, 'order-rewards', 'void', 'order-rewards/back/O1')
    await save(world, 'order-rewards', 'clawed-back', 'order-rewards/late/O1')
    await save(world, 'confirm-consent', 'asked', 'confirm-consent/new/signed')
    await save(world, 'test-mail', 'sent', 'test-mail/one')
    await save(world, 'sweep', 'one-page', 'sweep/birthday')
    await save(world, 'upkeep', 'one-round', 'upkeep')
  },
  150_000,
)

const order = (id: string, type: 'order.paid' | 'order.refunded'): object => ({
  id: `${id}-${type}`,
  type,
  customer: person(id),
  properties: { order: 'O1', amount: 299_00 },
})

/** Resolves when the points of a customer's order are in an account. */
function pointsOf({ db }: World, customer: string, account: 'pending' | 'available'): Promise<void> {
  return until(async () => {
    const balances = await balancesOf(db, customer)
    return (balances.length === 2 && balances.every((one) => one[account] === 299)) || `not ${account}`
  })
}

/** Everybody else's journey, as it goes when nothing happens in it. Those that no event begins need a way of their own above. */
async function enterOthers(world: World, known: readonly string[]): Promise<{ journey: string; run: string }[]> {
  const plans = [...world.plans.values()].filter((plan) => plan.begins && !known.includes(plan.name))
  for (const { name, begins, occasion } of plans) {
    const properties = { ...begins?.where, ...(occasion === undefined ? {} : { [occasion]: 'sample' }) }
    const customer = person(`in-${name}`)
    await world.send({ id: `${name}-in`, type: begins?.on, customer, properties })
  }
  return plans.map(({ name, occasion }) => ({
    journey: name,
    run: runId({ journey: name, customer: `in-${name}`, occasion: occasion === undefined ? null : 'sample' }),
  }))
}

async function save(world: World, journey: string, name: string, run: string): Promise<void> {
  const file = new URL(`${journey}/${name}.json`, FOLDER)
  if (existsSync(file)) return
  if (!ENGINE.includes(journey)) expect((await enrolment(world.db, run))?.status).not.toBe('running')
  await world.client.workflow.getHandle(run).result()
  const history = await world.client.workflow.getHandle(run).fetchHistory()
  await mkdir(new URL(`${journey}/`, FOLDER), { recursive: true })
  const record = { workflowId: run, history: JSON.parse(historyToJSON(history)) as object }
  await writeFile(file, `${JSON.stringify(record, null, 1)}\n`)
}

interface Recorded {
  workflowId: string
  history: object
}

async function recorded(): Promise<Map<string, Recorded>> {
  const files = (await readdir(FOLDER, { recursive: true })).filter((file) => file.endsWith('.json'))
  const read = files.map(
    async (file) => [file, JSON.parse(await readFile(new URL(file, FOLDER), 'utf8')) as Recorded] as const,
  )
  return new Map(await Promise.all(read))
}

async function replay(code: string, histories: Iterable<Recorded>): Promise<string[]> {
  installQuietRuntime()
  const failures: string[] = []
  for await (const result of Worker.runReplayHistories({ workflowBundle: { code } }, histories)) {
    if (result.error) failures.push(`${result.workflowId}: ${result.error.name}`)
  }
  return failures
}

it('replays every recorded history with the code of today', async () => {
  const histories = await recorded()
  const journeys = new Set([...histories.keys()].map((file) => file.split('/')[0] ?? ''))
  expect([...journeys].sort()).toEqual([...(await readCatalogue()).keys(), ...ENGINE].sort())
  expect(await replay(await readFile(inject('bundleFile'), 'utf8'), histories.values())).toEqual([])
})

it('notices a journey whose shape was changed in place', async () => {
  const folder = new URL('../fixtures/changed/', import.meta.url)
  const code = await bundleWorkflows(await readCatalogue(folder), { folder, logger: quietSdk })
  const histories = [...(await recorded())]
    .filter(([file]) => file.startsWith('first-order/without'))
    .map(([, one]) => one)
  expect(await replay(code, histories)).toEqual(['first-order/quiet: DeterminismViolationError'])
})
