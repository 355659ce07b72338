/** GET /v1/customers/:id/points and /ledger; POST …/points/spend and /restore: the shop's checkout and its account pages. */
import type { FastifyPluginAsync } from 'fastify'
import { POINT_ACTIONS } from '../../domain/contracts/point-checkout.ts'
import { REFUSALS } from '../../domain/errors.ts'
import { type PointParts, askPoints, ledgerFor, pointsOf } from '../point-checkout.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export type PointRoutesParts = PointParts & ShopRoutesParts

type Asked = { Params: { id: string } }

/** A refusal is an answer, not an error: 200 with its code. */
export function pointRoutes(parts: PointRoutesParts): FastifyPluginAsync {
  return shopRoutes(parts, (app, during) => {
    app.get<Asked>('/v1/customers/:id/points', (request) => during(request, () => pointsOf(parts, request.params.id)))
    app.get<Asked>('/v1/customers/:id/ledger', (request) => during(request, () => ledgerFor(parts, request.params.id)))
    for (const action of POINT_ACTIONS) {
      app.post<Asked>(`/v1/customers/:id/points/${action}`, async (request) => {
        const call = { customer: request.params.id, key: request.headers['idempotency-key'], body: request.body }
        const answer = await during(request, () => askPoints(parts, action, call))
        return answer.ok ? answer : { ...answer, meaning: REFUSALS[answer.code] }
      })
    }
  })
}
