import { once } from 'node:events'
import { type AddressInfo, type Socket, createConnection } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { subscriptionToken } from '../../domain/token.ts'
import { customer } from '../../store/customers.ts'
import { type Db, openStore } from '../../store/db.ts'
import { SECRET, person, until } from '../world.ts'
import { BEARER, KEY, MIB, event, served } from './served.ts'

const world = served()

/** Nobody listens on the discard port. */
const storeThatIsDown = (): Db => openStore({ url: 'postgres://nobody:nothing@127.0.0.1:9/none' })

describe('a request', () => {
  test.each([
    ['no key', {}],
    ['a wrong key', { authorization: 'Bearer wrong' }],
    ['a part of the key', { authorization: BEARER.authorization.slice(0, -1) }],
    ['another scheme', { authorization: `Digest ${KEY}` }],
    ['the key as password', { authorization: `Basic ${Buffer.from(`:${KEY}`).toString('base64')}` }],
  ])('with %s is 401 and stores nothing', async (_what, headers) => {
    const response = await world.app.inject({ method: 'POST', url: '/v1/events', payload: event('e1'), headers })
    expect([response.statusCode, response.json().error.code]).toEqual([401, 'API_KEY_INVALID'])
    expect(response.headers['www-authenticate']).toContain('Bearer')
    expect(await world.count('events')).toBe(0)
  })

  test('may bring the key as the user name, as clients made for Segment do', async () => {
    const authorization = `Basic ${Buffer.from(`${KEY}:`).toString('base64')}`
    expect((await world.post(event('e1'), { headers: { authorization } })).statusCode).toBe(200)
  })

  test.each([
    ['cut JSON', '{"id":', {}, 400, 'REQUEST_MALFORMED'],
    ['nothing in it', '', {}, 400, 'REQUEST_MALFORMED'],
    ['another type', 'id=e1', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['plain text', '{}', { 'content-type': 'text/plain' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['another encoding', '{}', { 'content-encoding': 'deflate' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['a false encoding', '{}', { 'content-encoding': 'gzip' }, 400, 'REQUEST_MALFORMED'],
    [
      'a body cut while packed',
      gzipSync('{"id":"e1"}').subarray(0, 15),
      { 'content-encoding': 'gzip' },
      400,
      'REQUEST_MALFORMED',
    ],
    ['a body over 1 MiB', JSON.stringify({ a: 'x'.repeat(MIB) }), {}, 413, 'BODY_TOO_LARGE'],
    ['a gzip bomb', gzipSync(Buffer.alloc(200 * MIB, ' ')), { 'content-encoding': 'gzip' }, 413, 'BODY_TOO_LARGE'],
    [
      'a brotli bomb',
      brotliCompressSync(Buffer.alloc(64 * MIB, ' ')),
      { 'content-encoding': 'br' },
      413,
      'BODY_TOO_LARGE',
    ],
  ])('with %s is refused', async (_what, payload, headers, status, code) => {
    const response = await world.post(payload, { headers })
    expect([response.statusCode, response.json().error.code]).toEqual([status, code])
    expect(response.json().error.todo).toMatch(/./)
    expect([await world.count('events'), await world.count('rejected_events')]).toEqual([0, 0])
  })

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('may be packed with %s', async (encoding, pack) => {
    const response = await world.post(pack(JSON.stringify([event('e1')])), {
      headers: { 'content-encoding': encoding },
    })
    expect(response.json()).toMatchObject({ accepted: 1 })
  })

  test('with a bomb gets its answer over a real connection, too, and the server goes on', async () => {
    const url = await world.app.listen({ host: '127.0.0.1', port: 0 })
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', ...BEARER }
    const bomb = gzipSync(Buffer.alloc(500 * MIB, ' '))
    const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: bomb })
    expect([response.status, await response.json()]).toMatchObject([413, { error: { code: 'BODY_TOO_LARGE' } }])
    const next = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers,
      body: gzipSync(JSON.stringify(event('e1'))),
    })
    expect(next.status).toBe(200)
  })

  test.each(['/v1/nothing', '/', '/v1/events?x=%', '/u/%ff', `/u/${'a'.repeat(2_100)}`])(
    'for %s is 404 with a code',
    async (url) => {
      const response = await world.app.inject({ method: 'GET', url })
      expect([response.statusCode, response.json().error.code]).toEqual([404, 'ROUTE_UNKNOWN'])
    },
  )

  test('that meets a failure nobody foresaw is 500 with an id that the log has, and tells nothing else', async () => {
    await sql`create function fail() returns trigger language plpgsql as
      $$begin raise exception 'an inside' using detail = 'of ada@mail.example'; end$$`.execute(world.db)
    await sql`create trigger fail before insert on events for each row execute function fail()`.execute(world.db)
    const response = await world.post(event('e1'))
    await sql`drop function fail() cascade`.execute(world.db)
    expect([response.statusCode, response.json().error.code]).toEqual([500, 'INTERNAL'])
    const id = String(response.headers['x-request-id'])
    expect(response.json().error.message).toContain(id)
    expect(response.body).not.toContain('inside')
    const line = world.logged.find((one) => one.includes(id) && one.includes('an inside'))
    expect(line).toContain('"level":50')
    expect(line).not.toContain('ada@mail.example')
  })
})

describe('the log', () => {
  test('has one line a request, without body, person or token', async () => {
    await world.post(event('e1', { customer: person('C1') }))
    const token = subscriptionToken({ customer: 'C1', topic: 'marketing', channel: 'email' }, SECRET)
    await world.app.inject({ method: 'POST', url: `/u/${token}` })
    await world.app.inject({ method: 'PUT', url: `/u/${token}` })
    const lines = world.logged.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ method, route, status }) => [method, route, status])).toEqual([
      ['POST', '/v1/events', 200],
      ['POST', '/u/:token', 200],
      ['PUT', '(none)', 404],
    ])
    const text = world.logged.join('')
    for (const secret of ['mail.example', 'Name of', token.slice(0, 20), BEARER.authorization])
      expect(text).not.toContain(secret)
  })
})

describe('overload', () => {
  test('of requests in hand is 429, and what was refused is taken when sent again', async () => {
    const server = await world.serve({ limits: { inFlight: 2 } })
    await sql`insert into customers (id, created_at, updated_at) values ('C1', now(), now())`.execute(world.db)
    await world.db.transaction().execute(async (tx) => {
      await sql`select 1 from customers where id = 'C1' for update`.execute(tx)
      const held = [world.post(event('e1'), {}, server), world.post(event('e2'), {}, server)]
      await until(async () => (await waitingForLocks()) === 2)
      const refused = await world.post(event('e3', { customer: 'C3' }), {}, server)
      expect([refused.statusCode, refused.json().error.code]).toEqual([429, 'OVERLOADED'])
      expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      expect(await customer(world.db, 'C3')).toBeUndefined()
      void Promise.all(held)
    })
    await until(async () => (await world.count('events')) === 2)
    expect((await world.post(event('e3', { customer: 'C3' }), {}, server)).json()).toMatchObject({ accepted: 1 })
  })

  test('of the outbox is 429 until Temporal has been told', async () => {
    await world.post({ id: 'e1', type: 'customer.registered', customer: person('C1') })
    const full = await world.serve({ limits: { backlog: 1 } })
    const refused = await world.post(event('e2'), {}, full)
    expect([refused.statusCode, refused.json().error.code, refused.headers['retry-after']]).toEqual([
      429,
      'OVERLOADED',
      '5',
    ])
    expect(await world.stored()).toEqual(['e1'])
    await sql`update dispatch set delivered_at = now()`.execute(world.db)
    const again = await world.serve({ limits: { backlog: 1 } })
    expect((await world.post(event('e2'), {}, again)).statusCode).toBe(200)
  })

  test('does not come from refused requests, nor from a sender who hangs up in the middle', async () => {
    const server = await world.serve({ limits: { inFlight: 1 } })
    for (let n = 0; n < 3; n++) await world.post('{', {}, server)
    await server.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.server.address() as AddressInfo
    const arrived = once(server.server, 'request')
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.write(
      `POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: ${BEARER.authorization}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    )
    await arrived
    expect((await world.post(event('e1'), {}, server)).statusCode).toBe(429)
    socket.destroy()
    await until(async () => (await world.post(event('e1'), {}, server)).statusCode === 200)
  })
})

describe('the place of a request', () => {
  test('is kept while its work goes on, even if the sender has hung up', async () => {
    const server = await world.serve({ limits: { inFlight: 1 } })
    await world.post(event('e0'), {}, server)
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    const connected = once(server.server, 'connection')
    const hangUp = new AbortController()
    await world.db.transaction().execute(async (tx) => {
      await sql`select 1 from customers where id = 'C1' for update`.execute(tx)
      const headers = { 'content-type': 'application/json', ...BEARER }
      const body = JSON.stringify(event('e1'))
      const sent = fetch(`${url}/v1/events`, { method: 'POST', headers, body, signal: hangUp.signal }).catch(() => null)
      const [socket] = (await connected) as [Socket]
      await until(async () => (await waitingForLocks()) === 1)
      const closed = once(socket, 'close')
      hangUp.abort()
      await Promise.all([sent, closed])
      expect((await world.post(event('e2', { customer: 'C2' }), {}, server)).statusCode).toBe(429)
    })
    await until(async () => (await world.post(event('e2', { customer: 'C2' }), {}, server)).statusCode === 200)
    expect(await world.stored()).toContain('e1')
  })
})

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
    world.db,
  )
  return rows[0]?.count ?? 0
}

describe('without a database', () => {
  test('every route says so in its own way, and metrics still come', async () => {
    const down = storeThatIsDown()
    const server = await world.serve({ db: down })
    const refused = await world.post(event('e1'), {}, server)
    expect([refused.statusCode, refused.json().error.code, refused.headers['retry-after']]).toEqual([
      503,
      'STORE_UNAVAILABLE',
      '5',
    ])
    const ready = await server.inject('/readyz')
    expect(ready.statusCode).toBe(503)
    expect(ready.json()).toMatchObject({ ready: false, checks: { store: expect.stringContaining('DATABASE_URL') } })
    expect((await server.inject('/healthz')).json()).toEqual({ status: 'ok' })
    const metrics = await server.inject('/metrics')
    expect([metrics.statusCode, metrics.body]).toEqual([200, expect.stringMatching(/perennial_dispatch_waiting nan/i)])
    const token = subscriptionToken({ customer: 'C1', topic: 'marketing', channel: 'email' }, SECRET)
    expect((await server.inject(`/u/${token}`)).statusCode).toBe(200)
    const left = await server.inject({ method: 'POST', url: `/u/${token}` })
    expect([left.statusCode, left.headers['retry-after'], left.body]).toEqual([
      503,
      '5',
      expect.stringContaining('Nothing was changed'),
    ])
    await down.destroy()
  })

  test('a bad event is still told what is wrong', async () => {
    const server = await world.serve()
    expect((await world.post(event('e1'), {}, server)).statusCode).toBe(200)
    await sql`alter table rejected_events rename to gone`.execute(world.db)
    const response = await world.post({ id: 'e2' }, {}, server)
    await sql`alter table gone rename to rejected_events`.execute(world.db)
    expect([response.statusCode, response.json().error.code]).toEqual([400, 'EVENT_INVALID'])
  })
})
