/** The composition root: the only place that knows which mailer, which database and which clock. */
import { randomBytes } from 'node:crypto'
import { type Client } from '@temporalio/client'
import { Runtime } from '@temporalio/worker'
import type { FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import type { EffectLine, Parts } from '../activities/index.ts'
import { plansOf, readCatalogue } from '../client/catalogue.ts'
import { startDispatcher } from '../client/dispatcher.ts'
import { createMetrics } from '../client/http/metrics.ts'
import { createHealthServer, createServer } from '../client/http/server.ts'
import { type Temporal, connectTemporal, temporalOnDemand } from '../client/temporal.ts'
import type { Config } from '../domain/contracts/config.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { codeFrom } from '../domain/coupon.ts'
import { DEFAULT_PROGRAMME } from '../domain/programmes.ts'
import { clockOf } from '../domain/tempo.ts'
import { addTopics } from '../store/consents.ts'
import { addBudgets } from '../store/budgets.ts'
import { addOffers } from '../store/coupons.ts'
import { zonesOfCustomers } from '../store/customers.ts'
import { type Db, openStore } from '../store/db.ts'
import { checkInvariants } from '../store/invariants.ts'
import { migrate } from '../store/migrate.ts'
import { saveChannels } from '../store/timeline.ts'
import { setProgramme } from '../store/programmes.ts'
import { workflowBundle } from './bundle.ts'
import { channelLinesOf, openChannels, quotasOf, ratesOf } from './channels.ts'
import { sdkLogger } from './log.ts'
import { keepSchedules } from './schedules.ts'
import { startWorker } from './worker.ts'

/** api takes events and shows pages; dispatcher tells Temporal; worker runs journeys. One process may have all. */
export const ROLES = ['api', 'dispatcher', 'worker'] as const
export type Role = (typeof ROLES)[number]

export interface Assembly {
  /** Where it answers: the API with that role, /healthz, /readyz and /metrics with any. */
  url: string
  /** Ends the roles from the outside in: no new events, then no new orders, then the work in hand. */
  stop(): Promise<void>
}

const DAY = 86_400_000

/** Starts roles over one configuration. Migrates the store first, under a lock. Throws errors of the catalogue. */
export async function assemble(
  config: Config,
  roles: ReadonlySet<Role>,
  { log, pages = [] }: { log: Logger; pages?: FastifyPluginAsync[] },
): Promise<Assembly> {
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const url = await start(config, roles, { log, pages, stops })
    return { url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(
  config: Config,
  roles: ReadonlySet<Role>,
  { log, pages, stops }: { log: Logger; pages: FastifyPluginAsync[]; stops: (() => Promise<void>)[] },
): Promise<string> {
  const catalogue = await readCatalogue()
  const plans = plansOf(catalogue)
  const tempo = { scale: config.SCALE, origin: config.ORIGIN }
  const clock = clockOf(tempo, Date.now)
  const db = openStore({
    url: config.DATABASE_URL,
    onError: (err) => log.warn({ err }, 'a connection to the store broke'),
  })
  stops.push(() => db.destroy())
  const migrated = await migrate(db)
  if (migrated.length > 0) log.info({ migrated }, 'the store has the newest schema')
  await keepPlans(db, [...plans.values()], clock.now)

  const metrics = createMetrics({ db, clock })
  const temporal = roles.has('worker') || roles.has('dispatcher') ? await connectTemporal(config) : undefined
  if (temporal) stops.push(temporal.close)
  let workerState: (() => string) | undefined
  if (roles.has('worker') && temporal) {
    installRuntime(log, config.METRICS_PORT)
    if (!config.SHOP_ADDRESS)
      log.info('SHOP_ADDRESS is not set: mails carry no postal address, which CAN-SPAM asks for')
    const parts = partsOf(config, { db, clock, plans, log, count: metrics.countEffect })
    stops.push(async () => void (await Promise.all([...parts.channels.values()].map((one) => one.close()))))
    await tellChannels(parts, config, log)
    const worker = await startWorker({
      address: config.TEMPORAL_ADDRESS,
      namespace: config.TEMPORAL_NAMESPACE,
      taskQueue: config.TASK_QUEUE,
      bundle: await workflowBundle(),
      parts,
      tls: config.TEMPORAL_TLS,
      apiKey: config.TEMPORAL_API_KEY,
      rates: ratesOf(config),
    })
    workerState = worker.state
    stops.push(worker.stop)
    const zones = () => zonesOfCustomers(db, config.SHOP_ZONE)
    const scheduled = { plans: [...plans.values()], zones, taskQueue: config.TASK_QUEUE, tempo }
    stops.push(await keepSchedules(temporal.client, scheduled, log))
    stops.push(dailyCheck(db, log))
  }
  if (roles.has('dispatcher') && temporal) {
    const dispatcher = startDispatcher({ db, client: temporal.client, taskQueue: config.TASK_QUEUE, tempo, log })
    stops.push(dispatcher.stop)
  }
  const health = {
    db,
    log,
    metrics,
    ...(workerState && { workerState, sdkMetrics: () => sdkMetrics(config.METRICS_PORT) }),
    ...(temporal && { temporalAnswers: () => answers(temporal.client) }),
  }
  const keys = { apiKey: config.PERENNIAL_API_KEY, secret: config.PERENNIAL_SECRET, ...receiptsOf(config, plans) }
  const shop = { plans: [...plans.values()], clock, tempo, shopZone: config.SHOP_ZONE }
  const server = roles.has('api')
    ? await createServer({ ...health, ...keys, ...shop, temporal: temporalLine(config, temporal, stops) })
    : await createHealthServer(health)
  for (const page of pages) await server.register(page)
  const url = await server.listen({ host: config.HTTP_HOST, port: config.HTTP_PORT })
  stops.push(() => server.close())
  return url
}

/** The line that is there, else one of the API's own, opened when somebody asks after what Temporal knows. */
function temporalLine(config: Config, open: Temporal | undefined, stops: (() => Promise<void>)[]) {
  if (open) return () => Promise.resolve(open)
  const line = temporalOnDemand(config)
  stops.push(line.close)
  return line.temporal
}

/** Each channel says whether it can send: in the log, and where `perennial channels` looks. */
async function tellChannels({ db, clock, channels }: Parts, config: Config, log: Logger): Promise<void> {
  const lines = channelLinesOf(channels.values(), config)
  await saveChannels(db, lines, clock.now())
  for (const { name, provider, ready, missing } of lines) {
    if (ready) log.info({ channel: name, provider }, 'the channel is ready')
    else log.info({ channel: name, missing }, 'the channel lacks settings and is passed over')
  }
}

/** What the routes of providers need. The topics are what customers agree to get, so what they leave when they refuse a channel. */
function receiptsOf(config: Config, plans: ReadonlyMap<string, CheckedPlan>) {
  const topics = [...plans.values()].filter((plan) => plan.class !== 'transactional').map(({ topic }) => topic)
  return {
    receiptsSecret: config.RECEIPTS_SECRET,
    receiptsToken: config.RECEIPTS_TOKEN,
    topics: [...new Set(topics)],
  }
}

/** What of the plans is data of the shop from now on: offers, topics, budgets and levels, as they are at first. */
async function keepPlans(db: Db, plans: readonly CheckedPlan[], now: () => number): Promise<void> {
  for (const plan of plans) await addOffers(db, plan.offers)
  await addTopics(
    db,
    plans.map((plan) => plan.topic),
  )
  await addBudgets(db, plans, now)
  await setProgramme(db, DEFAULT_PROGRAMME, { now: now(), onlyFirst: true })
}

function partsOf(
  config: Config,
  given: Pick<Parts, 'db' | 'clock' | 'plans'> & { log: Logger; count: (line: EffectLine) => void },
): Parts {
  return {
    db: given.db,
    clock: given.clock,
    plans: given.plans,
    channels: openChannels(config, { now: Date.now, print: (line) => given.log.info(line, 'message') }),
    quotas: quotasOf(config),
    rates: ratesOf(config),
    policy: {
      quiet: config.QUIET_HOURS,
      caps: config.MARKETING_CAP,
      auctionMs: config.AUCTION_WINDOW,
      release: config.RELEASE_RATE,
      shopZone: config.SHOP_ZONE,
      pointCost: config.POINT_COST,
    },
    publicUrl: config.PUBLIC_URL,
    secret: config.PERENNIAL_SECRET,
    words: {
      ...(config.SHOP_LOCALE && { shopLocale: config.SHOP_LOCALE }),
      ...(config.SHOP_ADDRESS && { address: config.SHOP_ADDRESS }),
      testRecipients: config.TEST_RECIPIENTS,
    },
    drawCode: () => codeFrom(randomBytes(12)),
    log(line) {
      given.count(line)
      given.log.info(line, 'effect')
    },
    alarm: (alert) => given.log.warn(alert, 'a budget passed a threshold'),
  }
}

let installed = false

/** The SDK has one runtime a process: its log lines become ours, its metrics are served for /metrics to fetch. */
function installRuntime(log: Logger, metricsPort: number): void {
  if (installed) return
  installed = true
  Runtime.install({
    logger: sdkLogger(log),
    telemetryOptions: { metrics: { prometheus: { bindAddress: `127.0.0.1:${metricsPort}` } } },
    shutdownSignals: [],
  })
}

async function sdkMetrics(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2_000) })
  return response.text()
}

async function answers(client: Client): Promise<boolean> {
  await client.connection.workflowService.getSystemInfo({})
  return true
}

/** The invariants once a day; what is broken is an error in the log, for an alert to see. */
function dailyCheck(db: Parts['db'], log: Logger): () => Promise<void> {
  const timer = setInterval(() => {
    checkInvariants(db).then(
      (results) => {
        for (const one of results) if (one.broken > 0) log.error(one, 'an invariant is broken')
      },
      (err: unknown) => log.error({ err }, 'the invariants could not be checked'),
    )
  }, DAY)
  timer.unref()
  return () => Promise.resolve(clearInterval(timer))
}
