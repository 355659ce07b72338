/**
 * Open runs: what ten thousand of them that wait cost the worker and the server in memory, and whether events reach the right
 * ones only. `npm run bench -- open [runs]`; docs/bench.md reads the table.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import Table from 'cli-table3'
import { sql } from 'kysely'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { startDispatcher } from '../../client/dispatcher.ts'
import { acceptEvents } from '../../client/events.ts'
import { bucketOf } from '../../domain/experiment.ts'
import { type Tempo, clockOf } from '../../domain/tempo.ts'
import { type Db, openStore } from '../../store/db.ts'
import { migrate } from '../../store/migrate.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { startPostgres } from '../../workers/local/postgres.ts'
import { findTemporal, startTemporal } from '../../workers/local/temporal.ts'
import type { Go } from '../durable/worker-process.ts'
import { SECRET } from '../policy.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { standBy } from '../processes.ts'
import { startSink } from '../smtp-sink.ts'
import { memoryOf } from './processes.ts'

const JOURNEYS = new URL('../fixtures/workflows/', import.meta.url)
const BATCH = 500
/** Runs that get their event. */
const PICKED = 300
/** Events of a kind nobody awaits, on one customer whose run is open. */
const NOISE = 20_000
/** A day of the shop in an hour: nothing comes due while it is measured. */
const TEMPO_SCALE = 1 / 24

export interface OpenResults {
  runs: number
  startedPerSecond: number
  workerMb: number
  serverMb: number
  workerKbPerRun: number
  serverKbPerRun: number
  picked: number
  wentOn: number
  wrong: number
  noise: { events: number; perSecond: number; historyBefore: number; historyAfter: number }
}

async function untilCount(ask: () => Promise<number>, wanted: number, say: (line: string) => void): Promise<void> {
  for (let told = 0; ;) {
    const count = await ask()
    if (count >= wanted) return
    if (count - told >= 2_000) say(`${(told = count)} of ${wanted}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function countOf(db: Db, what: 'waiting' | 'taken'): Promise<number> {
  const { rows } = await sql<{ waiting: number; taken: number }>`
    select count(*) filter (where open) as waiting, count(taken_seq) as taken from waits`.execute(db)
  return rows[0]?.[what] ?? 0
}

const idOf = (index: number): string => `O${index}`
const runOf = (index: number): string => `cart-clock/${idOf(index)}/K${index}`

interface Bench {
  db: Db
  client: Client
  accept: (events: object[]) => Promise<void>
}

/** Sends those who are picked their event; answers how many runs went on, and how many of them should not have. */
async function pick({ db, accept }: Bench, runs: number, say: (line: string) => void) {
  const order = Array.from({ length: runs }, (_, index) => ({ index, by: bucketOf('open', idOf(index)) }))
  const picked = order.sort((a, b) => a.by - b.by || a.index - b.index).slice(0, Math.min(PICKED, runs))
  const events = picked.map(({ index }) => ({
    id: `out-${index}`,
    type: 'checkout.begun',
    customer: idOf(index),
    properties: { shop: 'main' },
  }))
  await accept(events)
  await untilCount(() => countOf(db, 'taken'), picked.length, say)
  await untilCount(
    async () =>
      (await sql<{ n: number }>`select count(*) as n from messages where status = 'sent'`.execute(db)).rows[0]?.n ?? 0,
    picked.length,
    say,
  )
  const { rows } = await sql<{ id: string }>`
    select distinct enrolment as id from waits where not open or taken_seq is not null
    union select enrolment from messages`.execute(db)
  const ours = new Set(picked.map(({ index }) => runOf(index)))
  return { picked: picked.length, wentOn: rows.length, wrong: rows.filter(({ id }) => !ours.has(id)).length }
}

async function noise({ client, accept }: Bench, index: number): Promise<OpenResults['noise']> {
  const history = async (): Promise<number> =>
    (await client.workflow.getHandle(runOf(index)).fetchHistory()).events?.length ?? 0
  const historyBefore = await history()
  const began = performance.now()
  for (let first = 0; first < NOISE; first += BATCH) {
    await accept(
      Array.from({ length: BATCH }, (_, i) => ({
        id: `noise-${first + i}`,
        type: 'product.seen',
        customer: idOf(index),
      })),
    )
  }
  const perSecond = NOISE / ((performance.now() - began) / 1000)
  return { events: NOISE, perSecond, historyBefore, historyAfter: await history() }
}

export async function measureOpen(directory: string, runs: number, say: (line: string) => void): Promise<OpenResults> {
  const stops: (() => unknown)[] = []
  try {
    const postgres = await startPostgres({ directory: join(directory, 'open'), fast: true })
    stops.push(postgres.stop)
    const found = await findTemporal({ env: process.env, onProgress: say })
    const temporal = await startTemporal({ ...found, fast: true, uiPort: null })
    stops.push(temporal.stop)
    const sink = await startSink()
    stops.push(sink.stop)
    const db = openStore({ url: postgres.url })
    stops.push(() => db.destroy())
    await migrate(db)
    const catalogue = await readCatalogue(JOURNEYS)
    const bundleFile = join(directory, 'open.js')
    await writeFile(bundleFile, await bundleWorkflows(catalogue, { folder: JOURNEYS, logger: quietSdk }))
    const connection = await Connection.connect({ address: temporal.address })
    stops.push(() => connection.close())
    const client = new Client({ connection })
    const tempo: Tempo = { scale: TEMPO_SCALE, origin: Date.now() }
    const taskQueue = 'open'
    const go = { url: postgres.url, address: temporal.address, taskQueue, bundleFile, smtpUrl: sink.url, tempo }
    const worker = await standBy(new URL('../durable/worker-process.ts', import.meta.url))
    stops.push(() => worker.kill())
    await worker.begin({ ...go, folder: JOURNEYS.href } satisfies Go)
    const parts = { db, plans: [...plansOf(catalogue).values()], clock: clockOf(tempo, Date.now), secret: SECRET }
    const accept = async (events: object[]): Promise<void> => void (await acceptEvents(parts, { batch: events }))
    const bench = { db, client, accept }
    const dispatcher = startDispatcher({ db, client, taskQueue, tempo, log: { warn: () => {} }, idleMs: 10 })
    stops.push(dispatcher.stop)
    const before = { worker: await memoryOf(worker.child.pid), server: await memoryOf(temporal.pid) }
    const began = performance.now()
    for (let first = 0; first < runs; first += BATCH) {
      const size = Math.min(BATCH, runs - first)
      await accept(Array.from({ length: size }, (_, i) => begin(first + i)))
    }
    await untilCount(() => countOf(db, 'waiting'), runs, say)
    const startedPerSecond = runs / ((performance.now() - began) / 1000)
    const after = { worker: await memoryOf(worker.child.pid), server: await memoryOf(temporal.pid) }
    const went = await pick(bench, runs, say)
    return {
      runs,
      startedPerSecond,
      workerMb: after.worker,
      serverMb: after.server,
      workerKbPerRun: ((after.worker - before.worker) * 1024) / runs,
      serverKbPerRun: ((after.server - before.server) * 1024) / runs,
      ...went,
      noise: await noise(bench, runs - 1),
    }
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

const begin = (index: number): object => ({
  id: `in-${index}`,
  type: 'cart.created',
  customer: { id: idOf(index), email: `o${index}@bench.example`, name: 'Ada', consent: { marketing: true } },
  properties: { cart: `K${index}` },
})

export function printOpen(results: OpenResults, say: (line: string) => void): void {
  const table = new Table({
    head: ['open runs', 'started/s', 'worker MB', 'KB a run', 'server MB', 'KB a run'],
    style: { head: [], border: [], compact: true },
    colAligns: ['right', 'right', 'right', 'right', 'right', 'right'],
  })
  const { runs, startedPerSecond, workerMb, workerKbPerRun, serverMb, serverKbPerRun, noise } = results
  const shown = [startedPerSecond, workerMb, workerKbPerRun, serverMb, serverKbPerRun].map((one) => one.toFixed(1))
  table.push([runs, ...shown])
  say(table.toString())
  say(`events for ${results.picked} of them: ${results.wentOn} went on, ${results.wrong} of them wrongly`)
  say(
    `${noise.events} events nobody awaits on one run (${Math.round(noise.perSecond)}/s): history ${noise.historyBefore} events before, ${noise.historyAfter} after`,
  )
}
