/** Records the histories of carts, checkouts, newcomers, what runs out and who sleeps; replay.test.ts replays them. Only when asked: npm run histories. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { sql } from 'kysely'
import { it } from 'vitest'
import { logChannel } from '../../activities/channels/log.ts'
import { enrolment } from '../../store/enrolments.ts'
import { type World, NOON, openWorld, person, until } from '../world.ts'

const FOLDER = new URL('../histories/', import.meta.url)
const DAY = 86_400_000

async function save(world: World, name: string, run: string): Promise<void> {
  const journey = run.split('/')[0] ?? ''
  const file = new URL(`${journey}/${name}.json`, FOLDER)
  if (existsSync(file)) return
  await until(async () => (await enrolment(world.db, run))?.status !== 'running' || `${run} is on`, 60_000)
  const handle = world.client.workflow.getHandle(run)
  await handle.result()
  const record = { workflowId: run, history: JSON.parse(historyToJSON(await handle.fetchHistory())) as object }
  await mkdir(new URL(`${journey}/`, FOLDER), { recursive: true })
  await writeFile(file, `${JSON.stringify(record, null, 1)}\n`)
}

/** What a night would have reckoned. */
const reckon = (world: World, id: string, stage: 'active' | 'dormant', m: number) =>
  sql`insert into standings (customer, stage, r, f, m, segment, orders, year_orders, year_spent, first_paid_at, last_paid_at,
        gap_days, cycles, as_of, stage_since)
      values (${id}, ${stage}, 1, 3, ${m}, 'test', 5, 5, 90000, ${new Date(NOON - 300 * DAY)}, ${new Date(NOON - 100 * DAY)},
        40, '{"tea": 10}', ${new Date(NOON)}, ${new Date(NOON)})`.execute(world.db)

const stands = (world: World, run: string, messages: number): Promise<void> =>
  until(async () => {
    const { rows } =
      await sql`select 1 from messages where enrolment = ${run} and status in ('sent', 'accepted')`.execute(world.db)
    return rows.length >= messages || `${run}: ${rows.length} messages`
  })

async function begin(world: World, id: string, type: string, properties: object = {}): Promise<void> {
  await world.send({ id: `${id}-${type}`, type, customer: person(id), properties })
}

/** The sweep of the day after the next midnight, with those who sleep. */
async function sleepers(world: World): Promise<string> {
  for (const [id, m] of [
    ['sleeper', 5],
    ['waker', 2],
  ] as const) {
    await begin(world, id, 'page.viewed')
    await reckon(world, id, 'dormant', m)
  }
  const from = NOON + (Math.ceil((world.clock.now() - NOON) / DAY) + 0.5) * DAY
  await world.client.workflow.execute('sweep', {
    workflowId: 'sweep/dormant-win-back',
    taskQueue: world.taskQueue,
    args: [{ journey: 'dormant-win-back', tempo: world.tempo, progress: { from, after: '', entered: 0 } }],
  })
  return new Date(NOON - 100 * DAY).toISOString().slice(0, 10)
}

it.runIf(process.env['RECORD_HISTORIES'] === '1')(
  'records journeys of a shop that were told to their end, ended early and woken (only when asked: npm run histories)',
  async () => {
    const channel = { ...logChannel(() => {}), name: 'email' as const }
    const world = await openWorld({ dayMs: 1_000, channel })
    const cart = { cart: 'K1', amount: 250_00, items: [{ title: 'Lamp', amount: 250_00, stock: 2 }] }
    for (const id of ['left', 'changed', 'handed', 'ordered']) await begin(world, id, 'cart.added', cart)
    await begin(world, 'changed', 'cart.changed', { ...cart, amount: 199_00 })
    await stands(world, 'cart-abandonment/handed/K1', 1)
    await begin(world, 'handed', 'checkout.started', cart)
    await stands(world, 'cart-abandonment/ordered/K1', 1)
    await begin(world, 'ordered', 'order.paid', { order: 'O1', amount: 250_00, cart: 'K1' })
    for (const id of ['alone', 'assisted']) await begin(world, id, 'customer.registered')
    await stands(world, 'first-order/assisted', 1)
    await begin(world, 'assisted', 'assistant.added')
    for (const id of ['tea', 'back']) {
      await begin(world, id, 'page.viewed')
      await reckon(world, id, 'active', 3)
      await begin(world, id, 'order.delivered', { order: 'O1', amount: 50_00, lines: [{ id: 'L', category: 'tea' }] })
    }
    await begin(world, 'back', 'order.refunded', { order: 'O1' })
    const day = await sleepers(world)
    await stands(world, `dormant-win-back/waker/${day}`, 1)
    await begin(world, 'waker', 'order.paid', { order: 'O1', amount: 90_00 })
    await save(world, 'three-messages', 'cart-abandonment/left/K1')
    await save(world, 'changed', 'cart-abandonment/changed/K1')
    await save(world, 'handed-over', 'cart-abandonment/handed/K1')
    await save(world, 'goal-in-a-wait', 'cart-abandonment/ordered/K1')
    await save(world, 'two-messages', 'checkout-abandonment/handed/K1')
    await save(world, 'without-events', 'welcome/alone')
    await save(world, 'assisted', 'welcome/assisted')
    await save(world, 'left-for-the-assistant', 'first-order/assisted')
    await save(world, 'three-messages', 'repurchase/tea/O1')
    await save(world, 'returned', 'repurchase/back/O1')
    await save(world, 'unsubscribed', `dormant-win-back/sleeper/${day}`)
    await save(world, 'goal-in-a-wait', `dormant-win-back/waker/${day}`)
    await until(async () => {
      const last = sql<{
        granted: boolean
      }>`select granted from consents where customer = 'sleeper' order by id desc limit 1`
      return (await last.execute(world.db)).rows[0]?.granted === false || 'consent is not withdrawn'
    }, 60_000)
  },
  150_000,
)
