/** Every error that leaves over HTTP, in one shape and without a word about our insides. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, PerennialError, type ErrorCode, type Problem, problemOf } from '../../domain/errors.ts'
import { storeError } from '../../store/db.ts'

/** What fastify and its plugins say, in the words of the catalogue. */
const FRAMEWORK: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_CP_ERR_INVALID_CONTENT_ENCODING: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_BAD_URL: 'ROUTE_UNKNOWN',
  FST_ERR_MAX_PARAM_LENGTH: 'ROUTE_UNKNOWN',
}

const WORDS: Partial<Record<ErrorCode, string>> = {
  BODY_TOO_LARGE: 'the body is larger than 1 MiB, packed or unpacked',
  MEDIA_TYPE_UNSUPPORTED: 'only application/json is read, plain or packed with gzip or br',
  ROUTE_UNKNOWN: 'there is no such page',
  STORE_UNAVAILABLE: 'the database does not answer',
}

/** Seconds after which a sender may try again. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = { STORE_UNAVAILABLE: 5, TEMPORAL_UNAVAILABLE: 5 }

/** An OVERLOADED that knows when to come back. */
export class Overloaded extends PerennialError {
  readonly retryAfter: number

  constructor(message: string, retryAfter: number) {
    super('OVERLOADED', message)
    this.retryAfter = retryAfter
  }
}

/** What is told of an error. A failure nobody foresaw is INTERNAL, with the id under which the log has it. */
function told(error: unknown, requestId: string): PerennialError {
  const known = storeError(error)
  if (known instanceof Overloaded) return known
  if (known instanceof PerennialError) return reworded(known, requestId)
  const { code, statusCode } = known as { code?: string; statusCode?: number }
  const ours = code === undefined ? undefined : FRAMEWORK[code]
  if (ours) return new PerennialError(ours, WORDS[ours] ?? ERRORS[ours].meaning)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new PerennialError('REQUEST_MALFORMED', malformed(code), { expected: 'one JSON object or array' })
  }
  return internal(requestId)
}

const internal = (requestId: string): PerennialError =>
  new PerennialError('INTERNAL', `something failed that should not have; request id ${requestId}`)

function reworded(error: PerennialError, requestId: string): PerennialError {
  if (error.code === 'STORE_UNAVAILABLE') return new PerennialError(error.code, WORDS.STORE_UNAVAILABLE ?? '')
  return ERRORS[error.code].status === 500 ? internal(requestId) : error
}

function malformed(code: string | undefined): string {
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return 'the body is empty'
  if (code === 'FST_CP_ERR_INVALID_CONTENT') return 'the body could not be unpacked as its Content-Encoding says'
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH') return 'the body is not as long as its Content-Length says'
  return 'the body is not JSON'
}

/** Sets the status and headers of an error, logs it where it is ours, and answers what to say of it. */
export function prepareProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): Problem {
  const said = told(error, request.id)
  const { status } = ERRORS[said.code]
  const retryAfter = said instanceof Overloaded ? said.retryAfter : RETRY_AFTER[said.code]
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (said.code === 'API_KEY_INVALID') reply.header('www-authenticate', 'Bearer realm="perennial"')
  if (status >= 500) request.log.error({ reqId: request.id, route: routeOf(request), ...loggable(error) }, said.code)
  reply.code(status)
  return problemOf(said)
}

/** Of an error only what we or PostgreSQL wrote: its `detail` may quote a person's data. */
function loggable(error: unknown): object {
  if (!(error instanceof Error)) return { reason: String(error) }
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return { code: 'code' in error ? error.code : undefined, stack: error.stack, cause }
}

/** The pattern of the route, never the address: a token names a person. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? '(none)'
}
