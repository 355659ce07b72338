/** GET /v1/customers/:id/points and /ledger; POST …/points/spend and /restore: the shop's checkout and its account pages. */
import type { FastifyPluginAsync } from 'fastify'
import { POINT_ACTIONS } from '../../domain/contracts/point-checkout.ts'
import { REFUSALS } from '../../domain/errors.ts'
import { type PointParts, askPoints, ledgerFor, pointsOf } from '../point-checkout.ts'
import { checkApiKey } from './api-key.ts'
import { type Limits, guardOverload } from './overload.ts'

export interface PointRoutesParts extends PointParts {
  apiKey: string
  limits?: Limits
}

type Asked = { Params: { id: string } }

/** A refusal is an answer, not an error: 200 with its code. */
export function pointRoutes(parts: PointRoutesParts): FastifyPluginAsync {
  // Points order nothing of Temporal, so what waits for it does not matter here.
  const overload = guardOverload(parts.db, { ...parts.limits, backlog: Infinity })
  return async (app) => {
    app.removeContentTypeParser('text/plain')
    app.addHook('onRequest', async (request, reply) => {
      checkApiKey(request.headers.authorization, parts.apiKey)
      reply.raw.once('close', () => overload.leave(request))
      await overload.enter(request)
    })
    app.addHook('onResponse', async (request) => overload.leave(request))
    app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'))
    app.get<Asked>('/v1/customers/:id/points', (request) =>
      overload.during(request, () => pointsOf(parts, request.params.id)),
    )
    app.get<Asked>('/v1/customers/:id/ledger', (request) =>
      overload.during(request, () => ledgerFor(parts, request.params.id)),
    )
    for (const action of POINT_ACTIONS) {
      app.post<Asked>(`/v1/customers/:id/points/${action}`, async (request) => {
        const call = { customer: request.params.id, key: request.headers['idempotency-key'], body: request.body }
        const answer = await overload.during(request, () => askPoints(parts, action, call))
        return answer.ok ? answer : { ...answer, meaning: REFUSALS[answer.code] }
      })
    }
  }
}
