/** What tests stand on: a database of one's own, and a whole small Perennial on the real servers of test/setup.ts. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Client, Connection } from '@temporalio/client'
import { sql } from 'kysely'
import { afterAll, expect, inject } from 'vitest'
import type { EffectLine, Policy } from '../activities/index.ts'
import type { Channel } from '../activities/channels/channel.ts'
import { emailChannel } from '../activities/channels/email.ts'
import { type Catalogue, plansOf, readCatalogue } from '../client/catalogue.ts'
import { type Dispatcher, startDispatcher } from '../client/dispatcher.ts'
import type { ChannelName } from '../domain/channel.ts'
import { codeFrom } from '../domain/coupon.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { readEvent } from '../domain/contracts/event.ts'
import { type Clock, REAL_TEMPO, type Tempo, clockOf } from '../domain/tempo.ts'
import { addBudgets } from '../store/budgets.ts'
import { addOffers } from '../store/coupons.ts'
import { type Db, openStore } from '../store/db.ts'
import { acceptEvent } from '../store/events.ts'
import { checkInvariants } from '../store/invariants.ts'
import { type RunningWorker, startWorker } from '../workers/worker.ts'
import { OPEN_HOURS, PUBLIC_URL, SECRET } from './policy.ts'
import { installQuietRuntime } from './quiet-sdk.ts'
import { TEMPLATE, databaseUrl } from './setup.ts'

/** A database of this file's own, copied from the migrated template; dropped when the file is done. */
export async function freshStore(): Promise<{ db: Db; url: string }> {
  const name = `t_${randomBytes(8).toString('hex')}`
  const admin = openStore({ url: inject('storeUrl'), connections: 1 })
  await createFrom(admin, name)
  const url = databaseUrl(inject('storeUrl'), name)
  const db = openStore({ url, connections: 10 })
  afterAll(async () => {
    await db.destroy()
    await sql.raw(`drop database ${name} with (force)`).execute(admin)
    await admin.destroy()
  })
  return { db, url }
}

/** PostgreSQL copies a template for one at a time; an advisory lock makes the files queue. */
async function createFrom(admin: Db, name: string): Promise<void> {
  await admin.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(42)`.execute(connection)
    await sql.raw(`create database ${name} template ${TEMPLATE}`).execute(connection)
    await sql`select pg_advisory_unlock(42)`.execute(connection)
  })
}

/** Throws with the examples unless every invariant holds. */
export async function expectInvariants(db: Db): Promise<void> {
  const broken = (await checkInvariants(db)).filter((one) => one.broken > 0)
  expect(broken).toEqual([])
}

/** Noon in London on a day far from any clock change: nobody's night in the zones the tests use by default. */
export const NOON = Date.UTC(2026, 10, 23, 12)

export interface WorldOptions {
  /** A day in so many machine ms; 100 unless told. A whole day: the shop's time is the machine's. */
  dayMs?: number
  /** Of Temporal; the one that all share unless told. */
  namespace?: string
  smtpUrl?: string
  channel?: Channel
  /** In place of the one channel. */
  channels?: ReadonlyMap<ChannelName, Channel>
  /** Messages a second by channel. */
  rates?: ReadonlyMap<ChannelName, number>
  policy?: Policy
  catalogue?: Catalogue
  /** The journeys of the catalogue that anybody enters; all unless told. */
  only?: readonly string[]
  /** Percent held out, instead of what the plans say; 0 unless told. */
  holdout?: number
  bundle?: string
  /** How often the dispatcher looks by itself, in ms of the machine; 20 unless told. */
  idleMs?: number
  /** Whether the worker and the dispatcher start at once. */
  start?: boolean
}

/** Perennial on real servers, at a scale of its own. */
export interface World {
  db: Db
  url: string
  client: Client
  clock: Clock
  tempo: Tempo
  taskQueue: string
  plans: Map<string, CheckedPlan>
  effects: EffectLine[]
  /** The dispatcher alone, for tests whose workers are elsewhere. */
  startDispatcher(): void
  /** With another bundle than its own, as after a release. */
  startWorker(code?: string): Promise<void>
  stopWorker(): Promise<void>
  /** Takes one event as POST /v1/events would. */
  send(event: object): Promise<'stored' | 'duplicate'>
  /** Resolves when no run is on; rejects after `ms` (50 s unless told) with what hangs. */
  settled(ms?: number): Promise<void>
  historyOf(run: string): Promise<{ eventType: string | number }[]>
}

const DAY = 86_400_000

export { OPEN_HOURS, PUBLIC_URL, SECRET }

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  installQuietRuntime()
  const { db, url } = await freshStore()
  const { only } = options
  const whole = options.catalogue ?? (await readCatalogue())
  const catalogue = only ? new Map([...whole].filter(([name]) => only.includes(name))) : whole
  // Without a control arm unless a test is about it: each of its customers is to get what it looks for.
  const plans = new Map(
    [...plansOf(catalogue)].map(([name, plan]) => [name, { ...plan, holdout: options.holdout ?? 0 }]),
  )
  for (const plan of plans.values()) await addOffers(db, plan.offers)
  // The shop's clock starts at NOON now, and runs a day in dayMs.
  const scale = (options.dayMs ?? 100) / DAY
  const startedAt = Date.now()
  const tempo: Tempo = scale === 1 ? REAL_TEMPO : { scale, origin: (NOON * scale - startedAt) / (scale - 1) }
  const clock = clockOf(tempo, Date.now)
  await addBudgets(db, plans.values(), clock.now)
  const taskQueue = `q-${randomBytes(6).toString('hex')}`
  const address = inject('temporalAddress')
  const connection = await Connection.connect({ address })
  const { namespace = 'default' } = options
  const client = new Client({ connection, namespace })
  const bundle = options.bundle ?? (await readFile(inject('bundleFile'), 'utf8'))
  const channel =
    options.channel ?? emailChannel({ smtpUrl: options.smtpUrl ?? 'smtp://127.0.0.1:9', from: 'shop@shop.example' })
  const effects: EffectLine[] = []
  const parts = {
    db,
    clock,
    plans,
    channels: options.channels ?? new Map([[channel.name, channel]]),
    policy: options.policy ?? OPEN_HOURS,
    publicUrl: PUBLIC_URL,
    secret: SECRET,
    words: { testRecipients: ['ann@shop.example'] },
    drawCode: () => codeFrom(randomBytes(12)),
    log: (line: EffectLine) => void effects.push(line),
  }
  let worker: RunningWorker | undefined
  let dispatcher: Dispatcher | undefined
  const world: World = {
    db,
    url,
    client,
    clock,
    tempo,
    taskQueue,
    plans,
    effects,
    startDispatcher() {
      dispatcher ??= startDispatcher({
        db,
        client,
        taskQueue,
        tempo,
        log: { warn: () => {} },
        idleMs: options.idleMs ?? 20,
      })
    },
    async startWorker(code = bundle) {
      const rates = options.rates ?? new Map<ChannelName, number>()
      worker = await startWorker({ address, namespace, taskQueue, bundle: code, parts, rates })
      world.startDispatcher()
    },
    async stopWorker() {
      await worker?.stop()
      worker = undefined
    },
    async send(event) {
      const outcome = await acceptEvent(db, asEvent(event), { plans: [...plans.values()], now: () => clock.now() })
      dispatcher?.poke()
      return outcome
    },
    settled: (ms) => untilNoRunIsOn(db, ms),
    async historyOf(run) {
      const history = await client.workflow.getHandle(run).fetchHistory()
      return (history.events ?? []) as { eventType: string | number }[]
    },
  }
  afterAll(async () => {
    await dispatcher?.stop()
    await worker?.stop()
    await channel.close()
    await connection.close()
  })
  if (options.start !== false) await world.startWorker()
  return world
}

/** A namespace of this file's own on the shared server, for tests of what a namespace has one of. */
export async function freshNamespace(): Promise<string> {
  const namespace = `n-${randomBytes(6).toString('hex')}`
  const connection = await Connection.connect({ address: inject('temporalAddress') })
  afterAll(() => connection.close())
  // A Long, which the encoder takes as a number too.
  const aDay = { seconds: 86_400 as never }
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: aDay })
  const client = new Client({ connection, namespace })
  // A server takes a moment to know it everywhere.
  await until(async () => {
    for await (const { scheduleId } of client.schedule.list()) return scheduleId === ''
    return true
  })
  return namespace
}

/** An event as the inbox wants it, read by its contract. */
export function asEvent(event: object): Parameters<typeof acceptEvent>[1] {
  const { at, ...read } = readEvent(event)
  return { ...read, at: at === undefined ? null : Date.parse(at) } as Parameters<typeof acceptEvent>[1]
}

async function untilNoRunIsOn(db: Db, ms?: number): Promise<void> {
  await until(async () => {
    const { rows } = await sql<{ open: string[] }>`
      select coalesce(array_agg(id), '{}') as open from enrolments where status = 'running'`.execute(db)
    return rows[0]?.open.length === 0 || `still on: ${rows[0]?.open.slice(0, 5).join(', ')}`
  }, ms)
}

/** Asks until the answer is true; a string says what is missing. For real servers, whose moment nobody knows. */
export async function until(ask: () => Promise<boolean | string>, ms = 50_000): Promise<void> {
  const end = Date.now() + ms
  for (;;) {
    const answer = await ask()
    if (answer === true) return
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${answer}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** A customer who agreed to marketing, as an event tells it. */
export function person(id: string, more: object = {}): object {
  return {
    id,
    name: `Name of ${id}`,
    email: `${id.toLowerCase()}@mail.example`,
    zone: 'UTC',
    consent: { marketing: true },
    ...more,
  }
}
