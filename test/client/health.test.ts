import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createMetrics } from '../../client/http/metrics.ts'
import { createHealthServer } from '../../client/http/server.ts'
import { freshStore } from '../world.ts'

test('a process without the API says how it is, and takes no events', async () => {
  const { db } = await freshStore()
  const log = pino({ level: 'silent' })
  const parts = { db, log, metrics: createMetrics({ db }), workerState: () => 'DRAINING' }
  const server = await createHealthServer({ ...parts, sdkMetrics: () => Promise.resolve('temporal_num_pollers 3\n') })
  expect((await server.inject('/healthz')).json()).toEqual({ status: 'ok' })
  const ready = await server.inject('/readyz')
  expect(ready.statusCode).toBe(503)
  expect(ready.json()).toMatchObject({
    ready: false,
    checks: { store: 'ok', worker: expect.stringContaining('DRAINING') },
  })
  expect((await server.inject('/metrics')).body).toContain('temporal_num_pollers 3')
  const events = await server.inject({ method: 'POST', url: '/v1/events', payload: {} })
  expect([events.statusCode, events.json().error.code]).toEqual([404, 'ROUTE_UNKNOWN'])
  await server.close()
})
