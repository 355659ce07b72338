/** Audiences over HTTP: one by its name, read and set, and what a filter comes to before it is. */
import type { FastifyPluginAsync } from 'fastify'
import { readAudienceCount, readAudienceName } from '../../domain/contracts/audience.ts'
import { type AudienceParts, audienceDesk } from '../audiences.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export type AudienceRoutesParts = AudienceParts & ShopRoutesParts

type Named = { Params: { name: string } }

export function audienceRoutes(parts: AudienceRoutesParts): FastifyPluginAsync {
  const desk = audienceDesk(parts)
  return shopRoutes(parts, (app, during) => {
    app.get('/v1/audiences', async (request) => ({ audiences: await during(request, () => desk.list()) }))
    app.get<Named>('/v1/audiences/:name', async (request) => {
      const name = readAudienceName(request.params.name)
      return during(request, () => desk.show(name))
    })
    app.put<Named>('/v1/audiences/:name', async (request) => {
      const { name } = request.params
      return during(request, () => desk.set({ ...asObject(request.body), name }))
    })
    app.post('/v1/audiences/count', async (request) => {
      const asked = readAudienceCount(request.body)
      return during(request, () => desk.count(asked))
    })
  })
}

/** What is no object has none of the fields, which the contract then says. */
const asObject = (body: unknown): { filter: unknown; by: string } =>
  (typeof body === 'object' && !Array.isArray(body) ? body : {}) as { filter: unknown; by: string }
