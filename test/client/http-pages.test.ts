import type { InjectOptions } from 'fastify'
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMetrics } from '../../client/http/metrics.ts'
import { subscriptionToken } from '../../domain/token.ts'
import { consentsOf } from '../../store/customers.ts'
import { NOON, SECRET, person } from '../world.ts'
import { event, served } from './served.ts'

const world = served()

describe('unsubscribing', () => {
  const of = (more: object = {}): string =>
    `/u/${subscriptionToken({ customer: 'C1', topic: 'marketing', channel: 'email', ...more }, SECRET)}`
  const granted = async (): Promise<unknown> =>
    (await consentsOf(world.db, 'C1')).map(({ topic, granted: on }) => [topic, on])

  beforeEach(async () => {
    await world.post(event('e1', { customer: person('C1', { consent: { marketing: true, news: true } }) }))
  })

  test('shows a page that names the topic and changes nothing', async () => {
    const response = await world.app.inject(of())
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(response.body).toMatch(/<form method="post">\s*<button>Unsubscribe<\/button>/)
    expect(response.body).toContain('marketing')
    expect(response.body).not.toContain('C1')
    await world.app.inject({ method: 'HEAD', url: of() })
    expect(await granted()).toEqual([
      ['marketing', true],
      ['news', true],
    ])
  })

  test.each([
    ['one click', 'List-Unsubscribe=One-Click', 'application/x-www-form-urlencoded'],
    [
      'a multipart form',
      '--b\r\ncontent-disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--',
      'multipart/form-data; boundary=b',
    ],
    ['the button', '', 'application/x-www-form-urlencoded'],
    ['nothing at all', undefined, undefined],
  ])('by %s withdraws this consent, once', async (_what, payload, type) => {
    const options: InjectOptions = {
      method: 'POST',
      url: of(),
      headers: type === undefined ? {} : { 'content-type': type },
      ...(payload !== undefined && { payload }),
    }
    const first = await world.app.inject(options)
    expect([first.statusCode, first.headers['set-cookie'], first.headers['cache-control']]).toEqual([
      200,
      undefined,
      'no-store',
    ])
    expect(first.body).toContain('You are unsubscribed')
    const again = await Promise.all([world.app.inject(options), world.app.inject(options)])
    expect(again.map((one) => [one.statusCode, one.body])).toEqual([
      [200, first.body],
      [200, first.body],
    ])
    const { rows } = await sql<{ topic: string; granted: boolean; source: string; at: Date }>`
      select topic, granted, source, at from consents where source = 'unsubscribe'`.execute(world.db)
    expect(rows).toEqual([{ topic: 'marketing', granted: false, source: 'unsubscribe', at: new Date(NOON) }])
  })

  test('twice at the same moment is one line', async () => {
    await Promise.all(Array.from({ length: 8 }, () => world.app.inject({ method: 'POST', url: of() })))
    const { rows } = await sql<{
      count: number
    }>`select count(*) as count from consents where not granted`.execute(world.db)
    expect(rows).toEqual([{ count: 1 }])
  })

  test('with a link that is forged, cut or signed for nobody is a 404 page and changes nothing', async () => {
    const forged = of().replace(/\.[^.]+$/, `.${Buffer.alloc(16).toString('base64url')}`)
    const other = subscriptionToken(
      { customer: 'C1', topic: 'news', channel: 'email' },
      'another secret of the same length',
    )
    for (const url of [forged, of().slice(0, -3), '/u/x', `/u/${other}`, of({ customer: 'C9' })]) {
      const response = await world.app.inject({ method: 'POST', url })
      expect([response.statusCode, response.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8'])
      expect(response.body).toContain('TOKEN_INVALID')
    }
    expect((await world.app.inject('/u/x')).statusCode).toBe(404)
    expect(await world.count('consents')).toBe(2)
  })

  test('shows names as text, runs nothing, and is in no frame and no index', async () => {
    const response = await world.app.inject(of({ topic: '<script>alert(1)</script>' }))
    expect(response.body).toContain('&lt;script&gt;')
    expect(response.body).not.toContain('<script')
    expect(response.headers['content-security-policy']).toBe(
      "default-src 'none';style-src 'unsafe-inline';form-action 'self';base-uri 'none';frame-ancestors 'none'",
    )
    expect([response.headers['x-robots-tag'], response.headers['referrer-policy']]).toEqual(['noindex', 'no-referrer'])
  })

  test('takes links of the longest customer id', async () => {
    const id = '春'.repeat(128)
    await world.post(event('e2', { customer: id }))
    expect((await world.app.inject({ method: 'POST', url: of({ customer: id }) })).statusCode).toBe(200)
  })
})

describe('health', () => {
  test('is ready when every part is', async () => {
    const server = await world.serve({ temporalAnswers: async () => true, workerState: () => 'RUNNING' })
    const response = await server.inject('/readyz')
    expect([response.statusCode, response.json()]).toEqual([
      200,
      { ready: true, checks: { store: 'ok', temporal: 'ok', worker: 'ok' } },
    ])
    expect((await world.app.inject('/readyz')).json()).toEqual({ ready: true, checks: { store: 'ok' } })
  })

  test('names the part that is not and what to do', async () => {
    const server = await world.serve({
      temporalAnswers: () => Promise.reject(new Error('no')),
      workerState: () => 'FAILED',
    })
    const response = await server.inject('/readyz')
    expect(response.statusCode).toBe(503)
    expect(response.json()).toEqual({
      ready: false,
      checks: {
        store: 'ok',
        temporal: expect.stringContaining('TEMPORAL_ADDRESS'),
        worker: expect.stringContaining('FAILED'),
      },
    })
  })
})

describe('metrics', () => {
  test('count events, effects, the outbox and the time of requests, and hold those of the SDK', async () => {
    const metrics = createMetrics({ db: world.db })
    const server = await world.serve({ metrics, sdkMetrics: async () => 'temporal_worker_start 1\n' })
    await world.post(
      [{ id: 'e1', type: 'customer.registered', customer: person('C1') }, event('e2'), event('e2'), { id: 'bad' }],
      {},
      server,
    )
    metrics.countEffect({ effect: 'send', journey: 'first-order', result: 'skipped', code: 'NO_CONSENT' })
    const response = await server.inject('/metrics')
    expect(response.headers['content-type']).toContain('text/plain')
    const lines = response.body.split('\n')
    for (const line of [
      'perennial_events_total{result="accepted"} 2',
      'perennial_events_total{result="duplicate"} 1',
      'perennial_events_total{result="rejected"} 1',
      'perennial_effects_total{effect="send",journey="first-order",result="skipped",code="NO_CONSENT"} 1',
      'perennial_dispatch_waiting 2',
      'perennial_http_seconds_count{method="POST",route="/v1/events",status="200"} 1',
      'temporal_worker_start 1',
    ]) {
      expect(lines).toContain(line)
    }
  })

  test('are ours alone, with a comment, when the SDK does not answer', async () => {
    const server = await world.serve({ sdkMetrics: () => Promise.reject(new Error('refused')) })
    const response = await server.inject('/metrics')
    expect(response.body).toContain('perennial_dispatch_waiting 0')
    expect(response.body).toMatch(/^# The metrics of the Temporal SDK could not be fetched/m)
  })

  test('count a single bad event, too', async () => {
    const metrics = createMetrics({ db: world.db })
    await world.post({ id: 'bad' }, {}, await world.serve({ metrics }))
    expect(await metrics.registry.metrics()).toContain('perennial_events_total{result="rejected"} 1')
  })
})

test('further pages can be registered after the server is made', async () => {
  await world.app.register(async (more) => void more.get('/more', async () => 'here'))
  expect((await world.app.inject('/more')).body).toBe('here')
})
