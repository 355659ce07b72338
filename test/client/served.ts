/** The HTTP server over a store of the file's own, for the tests of its routes. */
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterEach, beforeAll, beforeEach } from 'vitest'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { createMetrics } from '../../client/http/metrics.ts'
import { type ServerParts, createServer } from '../../client/http/server.ts'
import type { CheckedPlan } from '../../domain/contracts/plan.ts'
import type { Db } from '../../store/db.ts'
import { NOON, SECRET, expectInvariants, freshStore } from '../world.ts'

export const KEY = 'a-key-of-the-shop-that-is-long'
export const BEARER = { authorization: `Bearer ${KEY}` }
export const MIB = 1024 * 1024

export interface Served {
  db: Db
  /** A server anew for each test. */
  app: FastifyInstance
  /** What it logged, one JSON line each. */
  logged: string[]
  /** Another server over the same store, with other parts. */
  serve(parts?: Partial<ServerParts>): Promise<FastifyInstance>
  /** POST /v1/events with the key, as JSON unless told. */
  post(payload: unknown, options?: InjectOptions, server?: FastifyInstance): Promise<LightMyRequestResponse>
  count(table: string): Promise<number>
  /** The ids of the stored events, as they came. */
  stored(): Promise<string[]>
}

/** Call it once a file; the store is emptied before each test, and its invariants hold after each. */
export function served(): Served {
  let plans: CheckedPlan[] = []
  let opened: FastifyInstance[] = []
  const world = {
    logged: [] as string[],
    async serve(parts = {}) {
      const db = parts.db ?? world.db
      const log = pino({ level: 'debug' }, { write: (line: string) => void world.logged.push(line) })
      const fixed = { plans, clock: { now: () => NOON }, shopZone: 'UTC', apiKey: KEY, secret: SECRET, log }
      const server = await createServer({ db, ...fixed, metrics: createMetrics({ db }), ...parts })
      opened.push(server)
      return server
    },
    async post(payload, options = {}, server = world.app) {
      const headers = { 'content-type': 'application/json', ...BEARER, ...options.headers }
      return server.inject({ method: 'POST', url: '/v1/events', payload: payload as string, ...options, headers })
    },
    async count(table) {
      const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(world.db)
      return rows[0]?.count ?? -1
    },
    async stored() {
      const { rows } = await sql<{ id: string }>`select id from events order by seq`.execute(world.db)
      return rows.map((row) => row.id)
    },
  } as Served
  beforeAll(async () => {
    world.db = (await freshStore()).db
    plans = [...plansOf(await readCatalogue()).values()]
  })
  beforeEach(async () => {
    await sql`truncate customers, events, rejected_events, enrolments, dispatch, consents cascade`.execute(world.db)
    world.logged.length = 0
    world.app = await world.serve()
  })
  afterEach(async () => {
    for (const server of opened) await server.close()
    opened = []
    await expectInvariants(world.db)
  })
  return world
}

export const event = (id: string, more: object = {}): object => ({ id, type: 'page.viewed', customer: 'C1', ...more })
