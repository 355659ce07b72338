/** GET /v1/schedules: what begins by itself, and when, for the shop's own dashboards. */
import type { FastifyPluginAsync } from 'fastify'
import { type ListingParts, listSchedules } from '../schedules.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export type ScheduleRoutesParts = ListingParts & ShopRoutesParts

/** It is Temporal that answers, so this takes no room in the store. */
export function scheduleRoutes(parts: ScheduleRoutesParts): FastifyPluginAsync {
  return shopRoutes(parts, (app) => {
    app.get('/v1/schedules', async () => ({ schedules: await listSchedules(parts) }))
  })
}
