/** What all routes have in common that the shop's own systems ask, events apart: the API key, room in the store, no copy kept. */
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Db } from '../../store/db.ts'
import { checkApiKey } from './api-key.ts'
import { type Limits, guardOverload } from './overload.ts'

export interface ShopRoutesParts {
  db: Db
  apiKey: string
  limits?: Limits
}

/** Does the work of a request as soon as the store has room for it. */
export type During = <T>(request: FastifyRequest, work: () => Promise<T>) => Promise<T>

/** Routes behind the key. What waits for Temporal does not matter here: they order nothing of it. */
export function shopRoutes(
  parts: ShopRoutesParts,
  add: (app: FastifyInstance, during: During) => void,
): FastifyPluginAsync {
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
    add(app, (request, work) => overload.during(request, work))
  }
}
