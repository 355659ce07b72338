/** What machines ask: does the process live, can it work, and its numbers. */
import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify'
import { ERRORS } from '../../domain/errors.ts'
import { type Db, pingStore } from '../../store/db.ts'
import type { Metrics } from './metrics.ts'

export interface HealthParts {
  db: Db
  metrics: Metrics
  /** The state of the worker in this process, where there is one; 'RUNNING' is well. */
  workerState?: (() => string) | undefined
  /** Resolves when Temporal answers, where this process needs it. */
  temporalAnswers?: (() => Promise<unknown>) | undefined
  /** The text of the SDK's own exporter, where there is one. */
  sdkMetrics?: (() => Promise<string>) | undefined
}

/** A part that has not answered by then counts as down, ms. */
const PATIENCE = 2_000

export function healthRoutes(parts: HealthParts): FastifyPluginAsync {
  return async (app) => {
    app.get('/healthz', async () => ({ status: 'ok' }))
    app.get('/readyz', async (_request, reply) => {
      const checks = await readiness(parts)
      const ready = Object.values(checks).every((said) => said === 'ok')
      return reply.code(ready ? 200 : 503).send({ ready, checks })
    })
    app.get('/metrics', async (_request, reply) => {
      const { registry } = parts.metrics
      return reply.type(registry.contentType).send(`${await registry.metrics()}${await sdkText(parts, app.log)}`)
    })
  }
}

/** Each part by name: 'ok', or what is wrong and what to do. */
async function readiness({ db, temporalAnswers, workerState }: HealthParts): Promise<Record<string, string>> {
  const said = (code: 'STORE_UNAVAILABLE' | 'TEMPORAL_UNAVAILABLE'): string =>
    `${ERRORS[code].meaning} ${ERRORS[code].todo}`
  const [store, temporal] = await Promise.all([
    inTime(pingStore(db), said('STORE_UNAVAILABLE')),
    temporalAnswers && inTime(temporalAnswers(), said('TEMPORAL_UNAVAILABLE')),
  ])
  const state = workerState?.()
  return {
    store,
    ...(temporal !== undefined && { temporal }),
    ...(state !== undefined && {
      worker: state === 'RUNNING' ? 'ok' : `The worker is ${state}. Start this process again.`,
    }),
  }
}

async function inTime(answer: Promise<unknown>, otherwise: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), PATIENCE)
  })
  const well = answer.then(
    () => 'ok',
    () => otherwise,
  )
  try {
    return await Promise.race([well, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Ours come even if the SDK's do not. */
async function sdkText({ sdkMetrics }: HealthParts, log: FastifyBaseLogger): Promise<string> {
  if (!sdkMetrics) return ''
  try {
    return `\n${await sdkMetrics()}`
  } catch (error) {
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'the metrics of the SDK did not come')
    return '\n# The metrics of the Temporal SDK could not be fetched from its exporter (METRICS_PORT).\n'
  }
}
