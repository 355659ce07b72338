/** Records the histories of the journeys of care, one a way through each; replay.test.ts replays them. Only when asked: npm run histories. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { sql } from 'kysely'
import { afterAll, it } from 'vitest'
import { confirmAll } from '../../client/preferences.ts'
import { inTransaction } from '../../store/db.ts'
import { enrolment } from '../../store/enrolments.ts'
import { tellEvent } from '../../store/events.ts'
import { setConsent } from '../../store/consents.ts'
import { messageByKey } from '../../store/messages.ts'
import { decideReview, openReviews } from '../../store/reviews.ts'
import { startSink } from '../smtp-sink.ts'
import { type World, openWorld, person, until } from '../world.ts'

const DAY = 86_400_000
const FOLDER = new URL('../histories/', import.meta.url)

async function save(world: World, run: string, name: string): Promise<void> {
  const folder = new URL(`${run.split('/')[0]}/`, FOLDER)
  const file = new URL(`${name}.json`, folder)
  if (existsSync(file)) return
  const handle = world.client.workflow.getHandle(run)
  await handle.result()
  const record = { workflowId: run, history: JSON.parse(historyToJSON(await handle.fetchHistory())) as object }
  await mkdir(folder, { recursive: true })
  await writeFile(file, `${JSON.stringify(record, null, 1)}\n`)
}

let events = 0
const send = (world: World, type: string, customer: string, properties: object): Promise<unknown> =>
  world.send({ id: `${type}-${++events}`, type, customer: person(customer), properties })

/** An event of our own, as the reckoning tells it. */
const tell = ({ db, plans, clock }: World, type: string, customer: string, properties: { [key: string]: string }) =>
  inTransaction(db, (tx) => {
    const event = { id: `told/${++events}`, type, customer, properties }
    return tellEvent(tx, event, { plans: [...plans.values()], now: clock.now() })
  })

const ends = ({ db }: World, run: string): Promise<void> =>
  until(async () => {
    const row = await enrolment(db, run)
    return (row !== undefined && row.status !== 'running') || `${run} is ${row?.status}`
  }, 100_000)

/** Somebody answers what a customer's run asks. */
async function answer(world: World, customer: string, decision: 'approve' | 'done'): Promise<void> {
  const { db, clock } = world
  await until(async () => {
    const kind = decision === 'done' ? 'task' : 'review'
    const open = (await openReviews(db, { kind, now: clock.now() })).find((one) => one.customer === customer)
    if (!open) return `nothing is asked about ${customer}`
    const said = { decision, by: 'Eve', reason: '', remember: false } as const
    return (await decideReview(db, { id: open.id, ...said, now: clock.now })).ok
  })
}

async function presale(world: World): Promise<void> {
  const at = (days: number): string => new Date(world.clock.now() + days * DAY).toISOString()
  const window = { product: 'The blue kettle', balanceOpens: at(20), balanceEnds: at(32) }
  for (const order of ['unpaid', 'paid']) await send(world, 'deposit.paid', order, { order, ...window })
  await until(
    async () =>
      (await messageByKey(world.db, 'festival-presale/paid/paid/send/opened'))?.status === 'sent' || 'not open',
  )
  await send(world, 'balance.paid', 'paid', { order: 'paid', product: 'The blue kettle' })
  await send(world, 'order.shipped', 'paid', { order: 'paid', tracking: 'SF1' })
  await ends(world, 'festival-presale/unpaid/unpaid')
  await ends(world, 'presale-thanks/paid/paid')
  await save(world, 'festival-presale/unpaid/unpaid', 'unpaid')
  await save(world, 'festival-presale/paid/paid', 'goal-in-a-wait')
  await save(world, 'presale-thanks/paid/paid', 'shipped')
}

async function recovery(world: World): Promise<void> {
  const fail = (customer: string, failure: string, kind: string): Promise<unknown> =>
    send(world, 'service.failed', customer, { failure, kind, order: 'O1', amount: 300_00 })
  await fail('late', 'F1', 'late')
  await fail('back', 'F1', 'return')
  await fail('void', 'F1', 'stockout')
  await until(async () => {
    const { rows } = await sql`select 1 from own_tags where customer = 'late' and tag = 'let-down'`.execute(world.db)
    return rows.length > 0 || 'not let down yet'
  })
  await send(world, 'goods.received', 'back', { order: 'O1' })
  await fail('late', 'F2', 'late')
  await answer(world, 'late', 'done')
  await until(async () => {
    const { rows } = await sql`select 1 from coupons where customer = 'void'`.execute(world.db)
    return rows.length > 0 || 'no coupon yet'
  })
  await send(world, 'service.withdrawn', 'void', { failure: 'F1' })
  await answer(world, 'back', 'done')
  await send(world, 'order.refunded', 'back', { order: 'O1' })
  for (const [run, name] of [
    ['late/F1', 'coupon'],
    ['late/F2', 'let-down-again'],
    ['back/F1', 'returned'],
    ['void/F1', 'withdrawn'],
  ]) {
    await ends(world, `service-recovery/${run}`)
    await save(world, `service-recovery/${run}`, name ?? '')
  }
}

async function highValue(world: World): Promise<void> {
  for (const id of ['called', 'uncalled', 'fallen']) {
    await send(world, 'page.viewed', id, {})
    await tell(world, 'stage.changed', id, { from: 'active', to: 'high-value', change: '2026-11-23.high-value' })
  }
  await answer(world, 'called', 'done')
  await tell(world, 'stage.changed', 'fallen', { from: 'high-value', to: 'at-risk', change: '2026-11-24.at-risk' })
  for (const [customer, name] of [
    ['called', 'adviser'],
    ['uncalled', 'by-the-shop'],
    ['fallen', 'fallen'],
  ]) {
    await ends(world, `high-value-care/${customer}`)
    await save(world, `high-value-care/${customer}`, name ?? '')
  }
}

async function reactivation(world: World): Promise<void> {
  const { db, clock } = world
  for (const customer of ['back-again', 'silent']) {
    await send(world, 'page.viewed', customer, {})
    const no = { customer, topic: 'marketing', channel: 'email', granted: false, source: 'dormant-win-back/x' }
    await setConsent(db, { ...no, proof: { reason: 'silence' }, now: clock.now() })
    await world.send({ id: `${customer}-returned`, type: 'customer.returned', customer })
  }
  await until(
    async () => (await confirmAll({ ...told(world) }, { customer: 'back-again', proof: {} })).length > 0 || 'not asked',
  )
  await ends(world, 'reactivation/back-again')
  await ends(world, 'reactivation/silent')
  await save(world, 'reactivation/back-again', 'confirmed')
  await save(world, 'reactivation/silent', 'silent')
}

const told = ({ db, clock, plans }: World) => ({ db, clock, plans: [...plans.values()], shopZone: 'UTC' })

it.runIf(process.env['RECORD_HISTORIES'] === '1')(
  'records the journeys of care (only when asked: npm run histories)',
  async () => {
    const sink = await startSink()
    afterAll(() => sink.stop())
    const world = await openWorld({ smtpUrl: sink.url, dayMs: 1000 })
    await Promise.all([presale(world), recovery(world), highValue(world), reactivation(world)])
  },
  200_000,
)
