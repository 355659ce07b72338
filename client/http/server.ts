/** The HTTP door: events in, coupons and points at the checkout, unsubscribe pages, health. Everything it stands on is handed in. */
import { randomUUID } from 'node:crypto'
import { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import { PerennialError } from '../../domain/errors.ts'
import { prepareProblem, routeOf } from './answers.ts'
import { type AudienceRoutesParts, audienceRoutes } from './audiences.ts'
import { codeRoutes } from './codes.ts'
import { budgetRoutes } from './budgets.ts'
import { type CouponRoutesParts, couponRoutes } from './coupons.ts'
import { type EventRoutesParts, eventRoutes } from './events.ts'
import { type PointRoutesParts, pointRoutes } from './points.ts'
import { type HealthParts, healthRoutes } from './health.ts'
import { type ReceiptRoutesParts, receiptRoutes } from './receipts.ts'
import { preferencePages } from './preferences.ts'
import { type TaskRoutesParts, taskRoutes } from './tasks.ts'
import { type ScheduleRoutesParts, scheduleRoutes } from './schedules.ts'
import { type TierRoutesParts, tierRoutes } from './tiers.ts'
import { type ReferralRoutesParts, referralRoutes } from './referrals.ts'
import { type UnsubscribeParts, unsubscribePages } from './unsubscribe.ts'

/** What the server is made of; see each for its fields. */
export interface ServerParts
  extends
    EventRoutesParts,
    CouponRoutesParts,
    PointRoutesParts,
    TierRoutesParts,
    AudienceRoutesParts,
    ReferralRoutesParts,
    TaskRoutesParts,
    ScheduleRoutesParts,
    ReceiptRoutesParts,
    UnsubscribeParts,
    HealthParts {
  log: FastifyBaseLogger
}

/** A customer id of 128 symbols of any script, signed, is about 800 long. */
const TOKEN_MOST = 2_048
/** A whole request must have come by then, ms. */
const REQUEST_TIMEOUT = 30_000
/** Routes that machines ask every few seconds. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * Makes the server; it does not listen yet, and further pages may be registered. Every error is {error: Problem} in JSON, on
 * the unsubscribe pages a page, with the status of the catalogue. One log line a request: no body, no address, no person.
 */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const app = bareServer(parts)
  await app.register(eventRoutes(parts))
  await app.register(couponRoutes(parts))
  await app.register(receiptRoutes(parts))
  await app.register(codeRoutes(parts))
  await app.register(budgetRoutes(parts))
  await app.register(scheduleRoutes(parts))
  await app.register(pointRoutes(parts))
  await app.register(tierRoutes(parts))
  await app.register(audienceRoutes(parts))
  await app.register(referralRoutes(parts))
  await app.register(taskRoutes(parts))
  await app.register(unsubscribePages(parts))
  await app.register(preferencePages(parts))
  await app.register(healthRoutes(parts))
  return app
}

/** The server of a process without the API: what machines ask, and nothing else. */
export async function createHealthServer(parts: HealthParts & Pick<ServerParts, 'log'>): Promise<FastifyInstance> {
  const app = bareServer(parts)
  await app.register(healthRoutes(parts))
  return app
}

function bareServer(parts: Pick<ServerParts, 'log' | 'metrics'>): FastifyInstance {
  const app: FastifyInstance = fastify({
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    requestTimeout: REQUEST_TIMEOUT,
    routerOptions: { maxParamLength: TOKEN_MOST },
    // A '__proto__' is refused by the event's contract, which names the event; here it would fail the whole batch.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    frameworkErrors: (error, request, reply) =>
      void (reply as FastifyReply).send({ error: prepareProblem(error, request, reply) }),
  })
  app.setErrorHandler((error, request, reply) => reply.send({ error: prepareProblem(error, request, reply) }))
  app.setNotFoundHandler((request, reply) => {
    const error = new PerennialError('ROUTE_UNKNOWN', 'there is no such page')
    return reply.send({ error: prepareProblem(error, request, reply) })
  })
  app.addHook('onSend', async (request, reply) => void reply.header('x-request-id', request.id))
  app.addHook('onResponse', async (request, reply) => {
    const { method } = request
    const line = {
      reqId: request.id,
      method,
      route: routeOf(request),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    }
    parts.metrics.timeRequest(line, reply.elapsedTime / 1000)
    parts.log[PROBES.has(line.route) ? 'debug' : 'info'](line, 'request')
  })
  return app
}
