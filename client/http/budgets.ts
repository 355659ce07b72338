/** GET /v1/budgets: what is reserved, spent and left, for the shop's own dashboards. */
import type { FastifyPluginAsync } from 'fastify'
import { type BudgetParts, budgetOperator } from '../budgets.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export type BudgetRoutesParts = BudgetParts & ShopRoutesParts

export function budgetRoutes(parts: BudgetRoutesParts): FastifyPluginAsync {
  const operator = budgetOperator(parts)
  return shopRoutes(parts, (app, during) => {
    app.get('/v1/budgets', async (request) => ({ budgets: await during(request, () => operator.budgets()) }))
  })
}
