/** One HTTP request to a provider, with what is needed to say honestly whether it can have the message. */
import { type IncomingMessage, type RequestOptions, Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Begin, Receipt } from './channel.ts'

export interface Asking {
  method: 'GET' | 'POST'
  url: URL
  headers?: Record<string, string>
  body?: string | Buffer
  /** Asked when the connection stands, before the first byte goes out; absent where nothing is sent to a customer. */
  begin?: Begin
  /** Resolves the name of the host; a new connection goes to what it answers and nowhere else. */
  lookup?: LookupFunction
}

/** silence: no whole answer came. `began`: bytes of the request may have reached the provider. */
export type Heard =
  | { is: 'answer'; status: number; headers: IncomingMessage['headers']; body: string }
  | { is: 'silence'; began: boolean; detail: string }

export interface Caller {
  /** Never throws and never follows a redirect. */
  ask(asking: Asking): Promise<Heard>
  close(): Promise<void>
}

export interface CallerOptions {
  /** Connections a host at most, 20 unless told. */
  connections?: number
  /** How long a connection may take to stand, 10 s, and an answer to be whole, 20 s, unless told. Ms of the machine. */
  connectMs?: number
  answerMs?: number
  /** PEM, where the provider's certificate is signed by one's own authority. */
  ca?: string
}

const ANSWER_MOST = 1024 * 1024
/** Shorter than servers keep an idle connection (Node's own 5 s), so that a request rarely meets one that is just closing. */
const IDLE_MS = 4_000

class Unwanted extends Error {}

/** Keeps connections open between requests. Close it. */
export function openCaller(options: CallerOptions = {}): Caller {
  const { connections = 20, connectMs = 10_000, answerMs = 20_000, ca } = options
  const pool = { keepAlive: true, maxSockets: connections, timeout: IDLE_MS, keepAliveMsecs: IDLE_MS }
  const agents = { 'http:': new HttpAgent(pool), 'https:': new HttpsAgent({ ...pool, ...(ca && { ca }) }) }
  return {
    async ask(asking) {
      const state = { began: false }
      try {
        return { is: 'answer', ...(await exchange(asking, state)) }
      } catch (error) {
        const { code, message } = error as { code?: string; message?: string }
        return { is: 'silence', began: state.began, detail: [code, message].filter((part) => part).join(' ') }
      }
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
      return Promise.resolve()
    },
  }

  function exchange({ method, url, headers, body = '', begin, lookup }: Asking, state: { began: boolean }) {
    const secure = url.protocol === 'https:'
    const given: RequestOptions = {
      method,
      agent: agents[secure ? 'https:' : 'http:'],
      headers: { ...headers, ...(method === 'POST' && { 'content-length': Buffer.byteLength(body) }) },
      ...(lookup && { lookup }),
    }
    return new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(url, given)
      let answering = false
      let timer = setTimeout(() => request.destroy(new Error(`no connection within ${connectMs} ms`)), connectMs)
      const fail = (error: Error): void => {
        clearTimeout(timer)
        request.destroy()
        reject(error)
      }
      request.on('error', fail)
      // A connection that closes without an error and without an answer.
      request.on('close', () => answering || fail(new Error('the connection was closed before an answer')))
      request.on('response', (response) => {
        answering = true
        readAll(response).then((text) => {
          clearTimeout(timer)
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
        }, fail)
      })
      const write = async (): Promise<void> => {
        clearTimeout(timer)
        if (begin && !(await begin())) throw new Unwanted('this attempt is no longer wanted')
        if (request.destroyed) throw new Error('the connection was closed before anything was sent')
        timer = setTimeout(() => request.destroy(new Error(`no answer within ${answerMs} ms`)), answerMs)
        state.began = true
        request.end(body)
      }
      request.once('socket', (socket) => {
        if (!socket.connecting) return void write().catch(fail)
        socket.once(secure ? 'secureConnect' : 'connect', () => void write().catch(fail))
      })
    })
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > ANSWER_MOST) throw new Error(`an answer of more than ${ANSWER_MOST} bytes`)
    chunks.push(chunk as Buffer)
  }
  if (!response.complete) throw new Error('the connection was closed before the whole answer')
  return Buffer.concat(chunks).toString()
}

/** No whole answer: unknown once the provider may have the message, else surely not there. */
export function silenceReceipt({ began, detail }: Extract<Heard, { is: 'silence' }>): Receipt {
  return { is: began ? 'unknown' : 'transient', detail }
}

/**
 * What the status alone says, where the provider's own code does not say more: RFC 9110, RFC 6585. A gateway that lost its upstream
 * (502, 504) does not know what that did with the request.
 */
export function statusReceipt({
  status,
  headers,
}: Pick<Extract<Heard, { is: 'answer' }>, 'status' | 'headers'>): Receipt {
  const detail = `HTTP ${status}`
  if (status >= 200 && status < 300) return { is: 'sent', detail }
  if (status === 502 || status === 504) return { is: 'unknown', detail }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { is: 'transient', detail, ...retryAfter(headers) }
  }
  return { is: 'refused', detail }
}

/** Retry-After in seconds or as a date, which is read against the answer's own Date. */
export function retryAfter(headers: IncomingMessage['headers']): { retryAfterMs?: number } {
  const said = headers['retry-after']
  if (said === undefined) return {}
  const ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.parse(headers.date ?? '')
  return Number.isFinite(ms) && ms > 0 ? { retryAfterMs: ms } : {}
}

/** JSON, or undefined where it is none: then the answer is no provider's. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
