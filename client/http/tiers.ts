/** GET /v1/customers/:id/tier: what the shop's checkout takes off for the customer's level. */
import type { FastifyPluginAsync } from 'fastify'
import { type TierParts, tierAnswer } from '../tiers.ts'
import { checkApiKey } from './api-key.ts'
import { type Limits, guardOverload } from './overload.ts'

export interface TierRoutesParts extends TierParts {
  apiKey: string
  limits?: Limits
}

type Asked = { Params: { id: string } }

export function tierRoutes(parts: TierRoutesParts): FastifyPluginAsync {
  // Asking orders nothing of Temporal, so what waits for it does not matter here.
  const overload = guardOverload(parts.db, { ...parts.limits, backlog: Infinity })
  return async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      checkApiKey(request.headers.authorization, parts.apiKey)
      reply.raw.once('close', () => overload.leave(request))
      await overload.enter(request)
    })
    app.addHook('onResponse', async (request) => overload.leave(request))
    app.get<Asked>('/v1/customers/:id/tier', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return overload.during(request, () => tierAnswer(parts, request.params.id))
    })
  }
}
