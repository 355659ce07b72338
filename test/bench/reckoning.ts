/**
 * One reckoning over many customers, by hand: `npx tsx test/bench/reckoning.ts [customers]`. Prints how long the measuring and the
 * placing take, on the first night and on the one after, the longest page, and what an order costs with and without standings.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { type Db, openStore } from '../../store/db.ts'
import { acceptEvent, tellEvent } from '../../store/events.ts'
import { migrate } from '../../store/migrate.ts'
import { checkInvariants } from '../../store/invariants.ts'
import { reckonPage } from '../../store/reckonings.ts'
import { startPostgres } from '../../workers/local/postgres.ts'

const CUSTOMERS = Number(process.argv[2] ?? 100_000)
const DAY = 86_400_000
const NIGHT = Date.UTC(2026, 10, 23)
const PAID = 1_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** A fifth never bought; the others one to nine times, half of the orders with a line that has a category, one in forty refunded. */
async function generate(db: Db): Promise<void> {
  await sql`insert into customers (id, created_at, updated_at)
    select 'C' || lpad(n::text, 8, '0'), '2024-01-01', '2024-01-01' from generate_series(1, ${CUSTOMERS}::int) n`.execute(
    db,
  )
  await sql`
    insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    select 'E' || n || '-' || o, 'C' || lpad(n::text, 8, '0'), 'order.paid',
      jsonb_build_object('order', 'O' || n || '-' || o, 'amount', 1000 + (n::bigint * 7919 + o * 104729) % 60000)
        || case when o % 2 = 0 then jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('id', 'a', 'amount', 1000,
          'category', (array['milk', 'cots', 'toys', 'hats'])[1 + (n + o) % 4]))) else '{}' end, '', at, at
    from generate_series(1, ${CUSTOMERS}::int) n, generate_series(1, (n % 5) * (1 + n % 3) * 3 / 4) o,
      lateral (select timestamptz '2026-11-22' - ((n * 31 + o * (37 + n % 60)) % 900) * interval '1 day' as at) w`.execute(
    db,
  )
  await sql`
    insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    select 'R' || id, customer, 'order.refunded', properties - 'lines', '', occurred_at, received_at
    from events where seq % 40 = 0`.execute(db)
  await sql`analyze`.execute(db)
}

async function night(db: Db, name: string, now: number): Promise<void> {
  const began = performance.now()
  const context = { plans: [], shopZone: 'Asia/Shanghai', tell: tellEvent, now }
  let [customers, longest, first] = [0, 0, 0]
  for (;;) {
    const at = performance.now()
    const placed = await reckonPage(db, context)
    const took = performance.now() - at
    if (placed === 0) break
    if (customers === 0) first = took
    else longest = Math.max(longest, took)
    customers += placed
  }
  const seconds = (performance.now() - began) / 1000
  const told = await sql<{
    n: number
  }>`select count(*) as n from events where type = 'stage.changed' and received_at >= ${new Date(now)}`.execute(db)
  say(`${name}: ${customers} customers in ${seconds.toFixed(1)} s, ${Math.round(customers / seconds)} a second`)
  say(
    `  measuring and the first page ${Math.round(first)} ms, the longest page after it ${Math.round(longest)} ms, ${told.rows[0]?.n} changes told`,
  )
}

/** An order each of the same customers, one after the other; ms each. */
async function orders(db: Db, from: number, now: number): Promise<number> {
  const began = performance.now()
  for (let n = from; n < from + PAID; n++) {
    const customer = { id: `C${String(1 + (((n % PAID) * 7) % CUSTOMERS)).padStart(8, '0')}` }
    const properties = { order: `B${n}`, amount: 100_00 }
    await acceptEvent(
      db,
      { id: `B${n}`, type: 'order.paid', customer, at: null, properties },
      { plans: [], now: () => now },
    )
  }
  return (performance.now() - began) / PAID
}

const directory = await mkdtemp(join(tmpdir(), 'perennial-reckoning-'))
await chmod(directory, 0o755)
const postgres = await startPostgres({ directory: join(directory, 'postgres'), fast: true })
const db = openStore({ url: postgres.url, connections: 4 })
try {
  await migrate(db)
  await generate(db)
  const { rows } = await sql<{ n: number }>`select count(*) as n from events`.execute(db)
  say(`${CUSTOMERS} customers, ${rows[0]?.n} events`)
  await orders(db, 0, NIGHT - DAY)
  const without = await orders(db, PAID, NIGHT - DAY)
  await night(db, 'the first night', NIGHT)
  const changing = await orders(db, 2 * PAID, NIGHT + 1)
  const standing = await orders(db, 3 * PAID, NIGHT + 1)
  say(
    `an order takes ${without.toFixed(2)} ms before the first reckoning, ${standing.toFixed(2)} ms after it, ${changing.toFixed(2)} ms where most change their stage`,
  )
  await night(db, 'the night after', NIGHT + DAY)
  const began = performance.now()
  const broken = (await checkInvariants(db)).filter((one) => one.broken > 0)
  say(
    `the invariants ${broken.length === 0 ? 'hold' : JSON.stringify(broken)}, asked in ${Math.round(performance.now() - began)} ms`,
  )
} finally {
  await db.destroy()
  await postgres.stop()
  await rm(directory, { recursive: true, force: true })
}
