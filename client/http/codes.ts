/** GET /v1/codes: every code an answer, a report or a log may hold, and what the gate does, for programs that show them. */
import type { FastifyPluginAsync } from 'fastify'
import { ERRORS, REFUSALS } from '../../domain/errors.ts'
import { CHECKS } from '../../domain/sending.ts'
import { FLAWS } from '../../domain/words-lint.ts'
import { checkApiKey } from './api-key.ts'

/** `refusals`: why somebody did not get something. `flaws`: what may be wrong with words. `gate`: the checks before a message in their order, by class of message. */
export function codeRoutes({ apiKey }: { apiKey: string }): FastifyPluginAsync {
  const gate = CHECKS.map(({ title, does }) => ({ check: title, ...does }))
  return async (app) => {
    app.addHook('onRequest', async (request) => checkApiKey(request.headers.authorization, apiKey))
    app.get('/v1/codes', async () => ({ errors: ERRORS, refusals: REFUSALS, flaws: FLAWS, gate }))
  }
}
