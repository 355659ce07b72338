/**
 * `npm run bench`: our journey against a bare Temporal workflow, interleaved in one run on one server, and the ingest of events.
 * Prints tables and writes bench/results.json; docs/bench.md says how to read them. Ratios count, not the rates: the
 * machine is nobody's alone.
 */
import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import Table from 'cli-table3'
import { sql } from 'kysely'
import { pino } from 'pino'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { startDispatcher } from '../../client/dispatcher.ts'
import { createMetrics } from '../../client/http/metrics.ts'
import { createServer } from '../../client/http/server.ts'
import { acceptEvents } from '../../client/events.ts'
import type { CheckedPlan } from '../../domain/contracts/plan.ts'
import { type Clock, type Tempo, clockOf } from '../../domain/tempo.ts'
import { addBudgets } from '../../store/budgets.ts'
import { addOffers } from '../../store/coupons.ts'
import { type Db, openStore } from '../../store/db.ts'
import { migrate } from '../../store/migrate.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { startPostgres } from '../../workers/local/postgres.ts'
import { findTemporal, startTemporal } from '../../workers/local/temporal.ts'
import type { Go } from '../durable/worker-process.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { SECRET } from '../policy.ts'
import { measureSimulation } from './simulation.ts'
import { startSink } from '../smtp-sink.ts'
import { measureCampaign } from './campaign.ts'
import { type MoneyResults, measureMoney } from './money.ts'
import { measureOpen, printOpen } from './open.ts'
import { standBy } from '../processes.ts'
import { cpuOf } from './processes.ts'

const ROUNDS = 4
const PER_ROUND = 100
const DAY = 86_400_000
const DAY_MS = 10
const EVENTS = 10_000
const BATCH = 100
const CALLERS = 4
const OPEN_RUNS = 10_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

interface Bench {
  db: Db
  client: Client
  clock: Clock
  tempo: Tempo
  plans: Map<string, CheckedPlan>
  serverPid: number
}

interface Measured {
  journeys: number
  seconds: number
  serverCpuMs: number
  workerCpuMs: number
  historyEvents: number
}

async function worker(program: string, go: object): Promise<ChildProcess> {
  const { child, begin } = await standBy(new URL(program, import.meta.url))
  await begin(go)
  return child
}

async function measure(
  bench: Bench,
  child: ChildProcess,
  historyOf: string,
  run: () => Promise<void>,
): Promise<Measured> {
  const before = [await cpuOf(bench.serverPid), await cpuOf(child.pid)] as const
  const began = performance.now()
  await run()
  const seconds = (performance.now() - began) / 1000
  const after = [await cpuOf(bench.serverPid), await cpuOf(child.pid)] as const
  const history = await bench.client.workflow.getHandle(historyOf).fetchHistory()
  return {
    journeys: PER_ROUND,
    seconds,
    serverCpuMs: after[0] - before[0],
    workerCpuMs: after[1] - before[1],
    historyEvents: history.events?.length ?? 0,
  }
}

/** Starts 20 at a time, as the dispatcher does at most 40, and waits for all. */
async function bareRound(
  bench: Bench,
  child: ChildProcess,
  type: 'bare' | 'bareMixed',
  round: number,
): Promise<Measured> {
  const id = (index: number): string => `${type}/${round}-${index}`
  return measure(bench, child, id(0), async () => {
    const waits: [number, number] = [3 * DAY_MS, 2 * DAY_MS]
    const ids = Array.from({ length: PER_ROUND }, (_, index) => id(index))
    const pending = [...ids]
    const caller = async (): Promise<void> => {
      for (let workflowId = pending.shift(); workflowId !== undefined; workflowId = pending.shift()) {
        await bench.client.workflow.start(type, { workflowId, taskQueue: 'bare', args: [{ run: workflowId, waits }] })
      }
    }
    await Promise.all(Array.from({ length: 20 }, caller))
    await Promise.all(ids.map((workflowId) => bench.client.workflow.getHandle(workflowId).result()))
  })
}

/** The events are taken first, so that the two sides are measured from the start of workflows on. */
async function journeyRound(bench: Bench, child: ChildProcess, round: number): Promise<Measured> {
  const ids = Array.from({ length: PER_ROUND }, (_, index) => `B${round}x${index}`)
  const batch = ids.map((id) => ({
    id: `${id}-in`,
    type: 'customer.registered',
    customer: { id, name: 'Ada', email: `${id.toLowerCase()}@bench.example`, consent: { marketing: true } },
  }))
  await acceptEvents({ ...bench, plans: [...bench.plans.values()], secret: SECRET }, { batch })
  const { db, client, tempo } = bench
  return measure(bench, child, `first-order/${ids[0]}`, async () => {
    const dispatcher = startDispatcher({
      db,
      client,
      taskQueue: 'journeys',
      tempo,
      log: { warn: () => {} },
      idleMs: 10,
    })
    await Promise.all(ids.map((id) => resultOf(client, `first-order/${id}`)))
    await dispatcher.stop()
  })
}

/** The result of a workflow that may not have been started yet. */
async function resultOf(client: Client, workflowId: string): Promise<void> {
  for (;;) {
    try {
      await client.workflow.getHandle(workflowId).result()
      return
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WorkflowNotFoundError') throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

interface Side {
  perSecond: number
  serverCpuMs: number
  workerCpuMs: number
  historyEvents: number
}

function sum(rounds: Measured[]): Side {
  const total = (of: (one: Measured) => number): number => rounds.reduce((all, one) => all + of(one), 0)
  const journeys = total((one) => one.journeys)
  return {
    perSecond: journeys / total((one) => one.seconds),
    serverCpuMs: total((one) => one.serverCpuMs) / journeys,
    workerCpuMs: total((one) => one.workerCpuMs) / journeys,
    historyEvents: rounds[0]?.historyEvents ?? 0,
  }
}

async function journeysAgainstBare(bench: Bench, go: Go): Promise<Record<'bare' | 'bareMixed' | 'journey', Side>> {
  const ours = await worker('../durable/worker-process.ts', go)
  const bare = await worker('./bare-worker.ts', { address: go.address, taskQueue: 'bare' })
  const rounds: Record<'bare' | 'bareMixed' | 'journey', Measured[]> = { bare: [], bareMixed: [], journey: [] }
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const measured = {
        bare: await bareRound(bench, bare, 'bare', round),
        journey: await journeyRound(bench, ours, round),
        bareMixed: await bareRound(bench, bare, 'bareMixed', round),
      }
      // The first round warms everything up and does not count.
      if (round > 0) for (const side of ['bare', 'bareMixed', 'journey'] as const) rounds[side].push(measured[side])
      say(`round ${round} of ${ROUNDS}${round === 0 ? ' (warm-up)' : ''}`)
    }
  } finally {
    ours.kill('SIGKILL')
    bare.kill('SIGKILL')
  }
  return { bare: sum(rounds.bare), bareMixed: sum(rounds.bareMixed), journey: sum(rounds.journey) }
}

/** Events through the HTTP door, callers and server in this one process. */
async function ingest(
  bench: Bench,
): Promise<{ batchesPerSecond: number; eventsPerSecond: number; singlesPerSecond: number }> {
  const metrics = createMetrics(bench)
  const parts = { db: bench.db, plans: [...bench.plans.values()], clock: bench.clock, shopZone: 'UTC', metrics }
  const server = await createServer({ ...parts, apiKey: SECRET, secret: SECRET, log: pino({ level: 'silent' }) })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const post = async (body: object): Promise<void> => {
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    await response.arrayBuffer()
  }
  const event = (kind: string, index: number): object => ({
    id: `${kind}-${index}`,
    type: 'product.seen',
    customer: `I${index % 1000}`,
    properties: { product: index },
  })
  const timed = async (count: number, work: (index: number) => Promise<void>): Promise<number> => {
    const began = performance.now()
    let next = 0
    const caller = async (): Promise<void> => {
      while (next < count) await work(next++)
    }
    await Promise.all(Array.from({ length: CALLERS }, caller))
    return count / ((performance.now() - began) / 1000)
  }
  const batchesPerSecond = await timed(EVENTS / BATCH, (index) =>
    post({ batch: Array.from({ length: BATCH }, (_, inBatch) => event('batch', index * BATCH + inBatch)) }),
  )
  const singlesPerSecond = await timed(EVENTS / 10, (index) => post(event('single', index)))
  await server.close()
  return { batchesPerSecond, eventsPerSecond: batchesPerSecond * BATCH, singlesPerSecond }
}

function print(sides: Record<'bare' | 'bareMixed' | 'journey', Side>): void {
  const table = new Table({
    head: ['', 'journeys/s', 'server CPU ms', 'worker CPU ms', 'history events', 'rate to bare'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  })
  const row = (title: string, side: Side): void =>
    void table.push([
      title,
      side.perSecond.toFixed(1),
      side.serverCpuMs.toFixed(1),
      side.workerCpuMs.toFixed(1),
      side.historyEvents,
      `${(side.perSecond / sides.bare.perSecond).toFixed(2)}x`,
    ])
  row('bare workflow, normal activities, empty', sides.bare)
  row('bare workflow, local where ours are, empty', sides.bareMixed)
  row('first-order, real SQL and SMTP', sides.journey)
  say(table.toString())
}

/** Coupons and points on a server of their own: without fsync unless told `durable`, so that nothing hides what the code costs. */
async function money(directory: string, words: ReadonlySet<string>): Promise<MoneyResults> {
  const postgres = await startPostgres({ directory: join(directory, 'money'), fast: !words.has('durable') })
  try {
    const db = openStore({ url: postgres.url, connections: 1 })
    await migrate(db)
    await db.destroy()
    return await measureMoney(postgres.url, say, words)
  } finally {
    await postgres.stop()
  }
}

async function keep(results: object): Promise<void> {
  await mkdir('bench', { recursive: true })
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
  const all = { at: new Date().toISOString(), machine, ...results }
  await writeFile('bench/results.json', `${JSON.stringify(all, null, 2)}\n`)
}

const directory = await mkdtemp(join(tmpdir(), 'perennial-bench-'))
await chmod(directory, 0o755)
const stops: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })]
const words = new Set(process.argv.slice(2))
try {
  if (words.has('campaign'))
    await keep({
      campaign: await measureCampaign(directory, counted(1_000_000), { say, durable: words.has('durable') }),
    })
  else if (words.has('open')) {
    const open = await measureOpen(directory, counted(OPEN_RUNS), say)
    printOpen(open, say)
    await keep({ open })
  } else if (words.has('simulate')) await keep({ simulation: await measureSimulation(counted(10_000), say) })
  else await withMoney()
} finally {
  for (const stop of stops.reverse()) await stop()
}

/** How many, out of the words. */
function counted(unlessSaid: number): number {
  return Number([...words].find((word) => /^\d+$/.test(word)) ?? unlessSaid)
}

async function withMoney(): Promise<void> {
  const coupons = await money(directory, words)
  if (words.has('money')) await keep({ money: coupons })
  else await all(coupons)
}

async function all(coupons: MoneyResults): Promise<void> {
  const postgres = await startPostgres({ directory: join(directory, 'postgres'), fast: true })
  stops.push(postgres.stop)
  const temporal = await startTemporal({
    ...(await findTemporal({ env: process.env, onProgress: say })),
    fast: true,
    uiPort: null,
  })
  stops.push(temporal.stop)
  const sink = await startSink()
  stops.push(sink.stop)
  const db = openStore({ url: postgres.url })
  stops.push(() => db.destroy())
  await migrate(db)
  const catalogue = await readCatalogue()
  const plans = new Map([...plansOf(catalogue)].map(([name, plan]) => [name, { ...plan, holdout: 0 }]))
  for (const plan of plans.values()) await addOffers(db, plan.offers)
  await addBudgets(db, plans.values(), Date.now)
  const bundleFile = join(directory, 'bundle.js')
  await writeFile(bundleFile, await bundleWorkflows(catalogue, { logger: quietSdk }))
  const connection = await Connection.connect({ address: temporal.address })
  stops.push(() => connection.close())
  const tempo: Tempo = { scale: DAY_MS / DAY, origin: Date.now() }
  const bench: Bench = {
    db,
    client: new Client({ connection }),
    clock: clockOf(tempo, Date.now),
    tempo,
    plans,
    serverPid: temporal.pid,
  }
  const go: Go = {
    url: postgres.url,
    address: temporal.address,
    taskQueue: 'journeys',
    bundleFile,
    smtpUrl: sink.url,
    tempo,
  }
  const sides = await journeysAgainstBare(bench, go)
  const { rows } = await sql<{ sent: number }>`select count(*) as sent from messages where status = 'sent'`.execute(db)
  const events = await ingest(bench)
  print(sides)
  say(`mails really sent: ${rows[0]?.sent}, arrived: ${sink.taken.length}`)
  say(
    `ingest: ${Math.round(events.eventsPerSecond)} events/s in batches of ${BATCH}, ${Math.round(events.singlesPerSecond)} one by one (${CALLERS} callers)`,
  )
  const ratio = sides.journey.perSecond / sides.bare.perSecond
  say(`journey to bare: ${ratio.toFixed(2)}x (target 0.8x): ${ratio >= 0.8 ? 'met' : 'NOT met'}`)
  await keep({ ...sides, ingest: events, money: coupons })
}
