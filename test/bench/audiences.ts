/**
 * `npx tsx test/bench/audiences.ts [customers]`: counting and walking audiences over a generated shop, and what fifty audiences add
 * to taking an event. Prints tables and writes bench/audiences.json; docs/bench.md says how to read them.
 */
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { sql } from 'kysely'
import { audienceDesk } from '../../client/audiences.ts'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { type Db, openStore } from '../../store/db.ts'
import { acceptEvent } from '../../store/events.ts'
import { migrate } from '../../store/migrate.ts'
import { startPostgres } from '../../workers/local/postgres.ts'

const CUSTOMERS = Number(process.argv[2] ?? 200_000)
const ROUNDS = 8
const EVENTS = 200

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const FILTERS: Record<string, AudienceFilter> = {
  'a stage, a tag and a consent': {
    all: [{ stage: ['active', 'high-value'] }, { tag: 't3' }, { consent: 'marketing' }],
  },
  'two orders in 90 days and none in 30': {
    all: [
      { event: 'order.paid', within: '90 days', atLeast: 2 },
      { event: 'order.paid', within: '30 days', atMost: 0 },
    ],
  },
  '5,000 in a year, or the best by RFM': {
    any: [{ spent: { within: '365 days', atLeast: 500_000 } }, { rfm: { r: 5, f: { atLeast: 4 }, m: { atLeast: 4 } } }],
  },
}

/** Three orders a customer on average, one in twenty refunded; a stage, tags and consent each. */
async function generate(db: Db): Promise<void> {
  await sql`
    insert into customers (id, zone, locale, email, tags, traits, created_at, updated_at)
    select 'C' || n, 'Asia/Shanghai', 'zh-CN', n || '@mail.example', array['t' || n % 10, 't' || n % 7],
      jsonb_build_object('age', 18 + n % 50), now() - interval '1 year', now() from generate_series(1, ${CUSTOMERS}::int) n`.execute(
    db,
  )
  await sql`
    insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    select 'o' || n || '.' || k, 'C' || n, 'order.paid', jsonb_build_object('order', n || '.' || k, 'amount', (n * 7919 + k * 104729) % 400000),
      '', t, t from generate_series(1, ${CUSTOMERS}::int) n, generate_series(0, n % 7) k,
      lateral (select now() - ((n * 31 + k * 97) % 500) * interval '1 day' as t) at`.execute(db)
  await sql`
    insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    select 'r' || seq, customer, 'order.refunded', properties, '', occurred_at, received_at from events where seq % 20 = 0`.execute(
    db,
  )
  await sql`
    insert into standings (customer, stage, r, f, m, segment, orders, year_spent, as_of, stage_since)
    select 'C' || n, (array['prospect','new','active','high-value','at-risk','dormant','lost','reactivated'])[1 + n % 8],
      1 + n % 5, 1 + n / 5 % 5, 1 + n / 25 % 5, 'loyal', 1, 1, now(), now() from generate_series(1, ${CUSTOMERS}::int) n`.execute(
    db,
  )
  await sql`
    insert into consents (customer, topic, channel, granted, source, at)
    select 'C' || n, 'marketing', 'email', n % 3 > 0, 'bench', now() from generate_series(1, ${CUSTOMERS}::int) n`.execute(
    db,
  )
  await sql`analyze`.execute(db)
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN

const SHOP = { plans: [], shopZone: 'UTC', clock: { now: () => Date.now() } }

async function counts(db: Db) {
  const desk = audienceDesk({ db, ...SHOP })
  const rows: { filter: string; members: number; count: number; set: number }[] = []
  for (const [what, filter] of Object.entries(FILTERS)) {
    const taken: number[] = []
    let members = 0
    for (let round = 0; round < 3; round++)
      taken.push(await seconds(async () => void ({ members } = await desk.count({ filter }))))
    const name = `bench-${rows.length + 1}`
    const set = await seconds(() => desk.set({ name, filter, by: 'bench' }))
    rows.push({ filter: what, members, count: median(taken), set })
    say(`  ${what}: ${members} of ${CUSTOMERS}, counted in ${median(taken).toFixed(2)} s, set in ${set.toFixed(2)} s`)
  }
  return rows
}

/** Fifty audiences: five look at orders, five at a tag, one at each of forty traits. */
async function defineFifty(db: Db): Promise<void> {
  const desk = audienceDesk({ db, ...SHOP })
  for (let n = 1; n <= 5; n++) {
    await desk.set({
      name: `orders-${n}`,
      filter: { event: 'order.paid', within: `${n * 20} days`, atLeast: n },
      by: 'bench',
    })
    await desk.set({ name: `tags-${n}`, filter: { tag: `x${n}` }, by: 'bench' })
  }
  for (let n = 1; n <= 40; n++)
    await desk.set({ name: `traits-${n}`, filter: { trait: `y${n}`, atLeast: n }, by: 'bench' })
}

/** ms an event, one caller. `tags`: the event says tags, as before. */
async function perEvent(db: Db, type: string, tags: boolean): Promise<number> {
  const took = await seconds(async () => {
    for (let n = 0; n < EVENTS; n++) {
      const id = randomUUID()
      const customer = { id: `C${1 + ((n * 7919) % CUSTOMERS)}`, ...(tags && { tags: ['t1', 't2'] }) }
      const properties = { order: id, amount: 0 }
      await acceptEvent(db, { id, type, customer, at: null, properties }, { plans: [], now: () => Date.now() })
    }
  })
  return (took * 1000) / EVENTS
}

/** Whether there are any: put aside and back, each under revisions of their own. */
async function toggle(db: Db, on: boolean): Promise<void> {
  if (on)
    await sql`insert into audiences (name, version, title, filter, by, at) select name, version, title, filter, by, at from aside`.execute(
      db,
    )
  else await sql`delete from audiences`.execute(db)
}

const EVENTS_SENT: Record<string, [string, boolean]> = {
  'that no audience looks at': ['page.viewed', false],
  'that says tags, for five audiences': ['page.viewed', true],
  'an order, for five audiences': ['order.paid', false],
  'an order that says tags, for ten': ['order.paid', true],
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'perennial-bench-'))
  await chmod(directory, 0o755)
  const postgres = await startPostgres({ directory: join(directory, 'postgres'), fast: true, onProgress: () => {} })
  const db = openStore({ url: postgres.url, connections: 5 })
  try {
    await migrate(db)
    say(`generating ${CUSTOMERS} customers`)
    await generate(db)
    const counted = await counts(db)
    await sql`delete from audience_members`.execute(db)
    await sql`delete from audience_walks`.execute(db)
    await sql`delete from audiences`.execute(db)
    await defineFifty(db)
    const table = new Table({ head: ['an event', 'none ms', 'fifty audiences ms', 'more ms'] })
    const events: Record<string, { without: number; with: number }> = {}
    await sql`create table aside as select * from audiences`.execute(db)
    for (const [what, [type, tags]] of Object.entries(EVENTS_SENT)) {
      const rounds: [number, number][] = []
      for (let round = 0; round < ROUNDS; round++) {
        await toggle(db, false)
        const none = await perEvent(db, type, tags)
        await toggle(db, true)
        rounds.push([none, await perEvent(db, type, tags)])
      }
      // The least: whatever else the machine does only adds.
      const [before, now] = [Math.min(...rounds.map(([none]) => none)), Math.min(...rounds.map(([, fifty]) => fifty))]
      events[what] = { without: before, with: now }
      table.push([what, before.toFixed(2), now.toFixed(2), (now - before).toFixed(2)])
    }
    say(table.toString())
    await mkdir('bench', { recursive: true })
    const machine = { cpus: cpus().length, model: cpus()[0]?.model }
    await writeFile('bench/audiences.json', JSON.stringify({ machine, customers: CUSTOMERS, counted, events }, null, 2))
  } finally {
    await db.destroy()
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

await main()
