/** POST /v1/events. */
import compress from '@fastify/compress'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import type { EventsAnswer } from '../../domain/contracts/event.ts'
import { PerennialError } from '../../domain/errors.ts'
import { type EventsParts, acceptEvents, isBadEvent } from '../events.ts'
import { checkApiKey } from './api-key.ts'
import type { Metrics } from './metrics.ts'
import { type Limits, guardOverload } from './overload.ts'

export interface EventRoutesParts extends EventsParts {
  apiKey: string
  metrics: Metrics
  limits?: Limits
}

/** Bytes of a body, packed or unpacked. */
const BODY_MOST = 1024 * 1024
const TOO_LARGE = 413

export function eventRoutes(parts: EventRoutesParts): FastifyPluginAsync {
  const overload = guardOverload(parts.db, parts.limits)
  const bodies = new WeakMap<FastifyRequest, Readable>()
  return async (app) => {
    app.removeContentTypeParser('text/plain')
    await app.register(compress, { global: false, globalDecompression: true, requestEncodings: ['gzip', 'br'] })
    // The key and the room are looked at before a byte of the body is read.
    app.addHook('onRequest', async (request, reply) => {
      checkApiKey(request.headers.authorization, parts.apiKey)
      // A sender who hangs up in the middle gets no response, only a close.
      reply.raw.once('close', () => overload.leave(request))
      await overload.enter(request)
    })
    app.addHook('onResponse', async (request) => overload.leave(request))
    // Of a body that is too large nothing more is unpacked, once the answer is out.
    app.addHook('onSend', async (_request, reply) => {
      if (reply.statusCode === TOO_LARGE) reply.header('connection', 'close')
    })
    app.addHook('onResponse', async (request, reply) => {
      if (reply.statusCode === TOO_LARGE) bodies.get(request)?.destroy()
    })
    app.post(
      '/v1/events',
      { bodyLimit: BODY_MOST, preParsing: async (request, _reply, body) => void bodies.set(request, body as Readable) },
      async (request) => {
        if (request.body === undefined) throw new PerennialError('REQUEST_MALFORMED', 'the body is empty')
        return overload.during(request, () => counted(parts, request.body))
      },
    )
  }
}

/** Takes what was sent; a bad event counts, alone as in a batch. */
async function counted(parts: EventRoutesParts, body: unknown): Promise<EventsAnswer> {
  const { metrics } = parts
  try {
    const answer = await acceptEvents(parts, body)
    metrics.countEvents({ ...answer, rejected: answer.rejected.length })
    return answer
  } catch (error) {
    if (isBadEvent(error)) metrics.countEvents({ accepted: 0, duplicates: 0, rejected: 1 })
    throw error
  }
}
