/** Tasks over HTTP: the queue, and that one was done or cannot be. */
import type { FastifyPluginAsync } from 'fastify'
import { readRequest, readTaskId } from '../../domain/contracts/referral.ts'
import { REFUSALS } from '../../domain/errors.ts'
import { type TaskParts, answerTask, listTasks } from '../tasks.ts'
import { type ShopRoutesParts, shopRoutes } from './shop-routes.ts'

export type TaskRoutesParts = TaskParts & ShopRoutesParts

/** A refusal is an answer, not an error: 200 with its code. */
export function taskRoutes(parts: TaskRoutesParts): FastifyPluginAsync {
  return shopRoutes(parts, (app, during) => {
    app.get('/v1/tasks', async (request) => ({ tasks: await during(request, () => listTasks(parts)) }))
    app.post<{ Params: { id: string } }>('/v1/tasks/:id', async (request) => {
      const id = readTaskId(request.params.id)
      const said = readRequest('task', request.body)
      const answer = await during(request, () => answerTask(parts, { id, ...said }))
      return answer.ok ? answer : { ok: false, code: answer.code, meaning: REFUSALS[answer.code] }
    })
  })
}
