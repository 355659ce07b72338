/** GET /v1/budgets: what is reserved, spent and left, for the shop's own dashboards. */
import type { FastifyPluginAsync } from 'fastify'
import { type BudgetParts, budgetOperator } from '../budgets.ts'
import { checkApiKey } from './api-key.ts'

export interface BudgetRoutesParts extends BudgetParts {
  apiKey: string
}

export function budgetRoutes(parts: BudgetRoutesParts): FastifyPluginAsync {
  const operator = budgetOperator(parts)
  return async (app) => {
    app.addHook('onRequest', async (request) => checkApiKey(request.headers.authorization, parts.apiKey))
    app.get('/v1/budgets', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      return { budgets: await operator.budgets() }
    })
  }
}
