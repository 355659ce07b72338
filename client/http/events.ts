/** POST /v1/events. */
import compress from '@fastify/compress'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { PerennialError } from '../../domain/errors.ts'
import { type EventsParts, acceptEvents } from '../events.ts'
import { checkApiKey } from './api-key.ts'
import { type Metrics, countsOf } from './metrics.ts'
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
    app.addHook('onRequest', async (request) => {
      checkApiKey(request.headers.authorization, parts.apiKey)
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
        const answer = await overload.during(request, () => acceptEvents(parts, request.body))
        parts.metrics.countEvents(countsOf(answer))
        return answer
      },
    )
  }
}
