/** A real HTTP server that answers as a test tells it, and remembers what it was asked. */
import { type IncomingHttpHeaders, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  method: string
  /** With the query. */
  url: URL
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: unknown
}

/** An answer; hang: none, ever; drop: the connection is closed before one; cut: closed in the middle of one. */
export type HttpReply = Answer | 'hang' | 'drop' | 'cut'

export interface HttpSink {
  /** http://127.0.0.1:port */
  url: string
  port: number
  /** Every request whose whole body came in. */
  asked: Asked[]
  /** What it answers to the next requests, in turn, in place of `answer`. */
  next(...replies: HttpReply[]): void
  stop(): Promise<void>
}

/** An object as a body is sent as JSON; 200 unless told. */
export async function startHttpSink(
  answer: (asked: Asked) => HttpReply | Promise<HttpReply> = () => ({}),
  port = 0,
): Promise<HttpSink> {
  const asked: Asked[] = []
  const planned: HttpReply[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const one: Asked = {
        method: request.method ?? '',
        url: new URL(request.url ?? '/', 'http://sink.test'),
        headers: request.headers,
        body: Buffer.concat(chunks),
      }
      asked.push(one)
      const planned1 = planned.shift()
      Promise.resolve(planned1 ?? answer(one)).then(
        (reply) => give(reply, response),
        () => response.destroy(),
      )
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    asked,
    next: (...replies) => void planned.push(...replies),
    stop() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function give(reply: HttpReply, response: ServerResponse): void {
  if (reply === 'hang') return
  if (reply === 'drop') return void response.socket?.destroy()
  if (reply === 'cut') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    response.write('{"')
    return void setTimeout(() => response.socket?.destroy(), 5)
  }
  const { status = 200, headers = {}, body = '' } = reply
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, {
    ...(typeof body === 'string' ? {} : { 'content-type': 'application/json' }),
    ...headers,
  })
  response.end(text)
}
