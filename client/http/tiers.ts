/** GET /v1/customers/:id/tier: what the shop's checkout takes off for the customer's level. */
import type { FastifyPluginAsync } from 'fastify'
import { type TierParts, tierAnswer } from '../tiers.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export type TierRoutesParts = TierParts & ShopRoutesParts

type Asked = { Params: { id: string } }

export function tierRoutes(parts: TierRoutesParts): FastifyPluginAsync {
  return shopRoutes(parts, (app, during) => {
    app.get<Asked>('/v1/customers/:id/tier', (request) => during(request, () => tierAnswer(parts, request.params.id)))
  })
}
