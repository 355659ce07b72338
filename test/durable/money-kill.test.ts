/** Money under faults on real servers: killed between commit and answer, reset, done twice at once. The same ledger to the row. */
import type { ChildProcess } from 'node:child_process'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { planFacts } from '../store/given.ts'
import { openShop } from '../activities/given.ts'
import { killAll, standBy } from '../processes.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, freshStore, openWorld, person, until } from '../world.ts'
import type { MoneyGo } from './money-process.ts'
import type { Db } from '../../store/db.ts'

/** The journeys that give something to these customers. */
const MONEY = ['first-order', 'order-rewards', 'tier-upgrade']
const PROGRAM = new URL('./money-process.ts', import.meta.url)
let sink: Sink

beforeAll(async () => {
  sink = await startSink()
  afterAll(async () => {
    killAll()
    await sink.stop()
  })
})

/** Every coupon, posting, lot and balance of the customers whose ids begin so, without what is drawn or told by a clock. */
async function ledger(db: Db, prefix: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select 'coupon ' || key || ' ' || offer || ' ' || status as line from coupons where starts_with(customer, ${prefix})
    union all select 'counter ' || offer || ' ' || customer || ' ' || issued from member_counters where starts_with(customer, ${prefix})
    union all select 'posting ' || t.key || ' ' || t.kind || ' ' || t.unit || ' ' || p.account || ' ' || p.amount
      from point_transfers t join point_postings p on p.transfer = t.id where starts_with(t.customer, ${prefix})
    union all select 'lot ' || t.key || ' ' || l.original || ' ' || l.remaining || ' ' || l.state
      from point_lots l join point_transfers t on t.id = l.transfer where starts_with(l.customer, ${prefix})
    union all select 'move ' || t.key || ' ' || m.amount
      from point_lot_moves m join point_transfers t on t.id = m.transfer where starts_with(t.customer, ${prefix})
    union all select 'balance ' || customer || ' ' || unit || ' ' || pending || ' ' || available || ' ' || debt
      from point_balances where starts_with(customer, ${prefix})
    union all select 'decision ' || key || ' ' || verdict from decisions
      where starts_with(customer, ${prefix}) and about in ('coupon', 'points')
    order by line
  `.execute(db)
  return rows.map(({ line }) => line.replaceAll(prefix, ''))
}

const NAMES = ['kept', 'back', 'late'] as const

/** Each registers and pays; 'back' is refunded before the points are settled, 'late' after. `done` waits for the next stage. */
async function shopping(
  { send, db }: World,
  prefix: string,
  done: (effects: readonly string[], ask: () => Promise<boolean | string>) => Promise<void>,
): Promise<void> {
  const tell = (name: string, type: string): Promise<unknown> =>
    send({
      id: `${prefix}${name}-${type}`,
      type,
      customer: person(`${prefix}${name}`),
      properties: { order: 'O1', amount: 299_00 },
    })
  const kinds = async (kind: string, count: number): Promise<boolean | string> => {
    const { rows } =
      await sql`select 1 from point_transfers where kind = ${kind} and starts_with(customer, ${prefix})`.execute(db)
    return rows.length === count || `${rows.length} of ${count} ${kind}`
  }
  const ofAll = (of: (run: string) => string): string[] => NAMES.map((name) => of(`${prefix}${name}`))
  for (const name of NAMES) await tell(name, 'customer.registered')
  await done(
    ofAll((id) => `issueCoupon first-order/${id}/coupon/first-order-10`),
    async () => {
      const { rows } = await sql`select 1 from coupons where starts_with(customer, ${prefix})`.execute(db)
      return rows.length === NAMES.length || `${rows.length} coupons`
    },
  )
  for (const name of NAMES) await tell(name, 'order.paid')
  const points = (id: string, rule: string): string => `awardPoints order-rewards/${id}/O1/points/${rule}`
  await done(
    ofAll((id) => points(id, 'order')),
    () => kinds('earn', 6),
  )
  await done(
    ofAll((id) => points(id, 'growth')),
    () => kinds('earn', 6),
  )
  await tell('back', 'order.refunded')
  await done([`takeBackPoints order-rewards/${prefix}back/O1`], () => kinds('void', 2))
  await done(
    ['kept', 'late'].map((name) => `settlePoints order-rewards/${prefix}${name}/O1`),
    () => kinds('settle', 4),
  )
  await tell('late', 'order.refunded')
  await done([`takeBackPoints order-rewards/${prefix}late/O1`], () => kinds('claw-back', 2))
}

/** A worker at work; the effects that it has committed are noted from its first moment on, as it may be quicker than we are. */
async function worker(go: Omit<MoneyGo, 'struck'>, struck: Set<string>): Promise<ChildProcess> {
  const { child, begin } = await standBy(PROGRAM)
  child.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'committed' in message) struck.add(String(message.committed))
  })
  await begin({ ...go, struck: [...struck] } satisfies MoneyGo)
  return child
}

it(
  'kill -9 between the commit and the answer of each effect leaves the ledger of an undisturbed run',
  { timeout: 280_000 },
  async () => {
    const [calm, world] = [
      await openWorld({ smtpUrl: sink.url, dayMs: 300, only: MONEY }),
      await openWorld({ smtpUrl: sink.url, dayMs: 900, start: false, only: MONEY }),
    ]
    const undisturbed = shopping(calm, 'calm-', (_effects, ask) => until(ask, 120_000))
    world.startDispatcher()
    const go = {
      url: world.url,
      address: inject('temporalAddress'),
      taskQueue: world.taskQueue,
      bundleFile: inject('bundleFile'),
      smtpUrl: sink.url,
      tempo: world.tempo,
    }
    const struck = new Set<string>()
    let kills = 0
    let child: ChildProcess | undefined
    await shopping(world, 'kill-', async (effects, ask) => {
      child ??= await worker(go, struck)
      await until(async () => effects.every((effect) => struck.has(effect)) || `of ${struck.size} effects`, 120_000)
      child.kill('SIGKILL')
      kills += 1
      child = await worker(go, struck)
      await until(ask, 120_000)
    })
    await undisturbed
    console.info(`${kills} kills, ${struck.size} effects struck between commit and answer`)
    expect(struck.size).toBe(13)
    const wanted = await ledger(calm.db, 'calm-')
    expect(wanted.length).toBeGreaterThan(40)
    // The last answers may still be on their way.
    await until(
      async () => JSON.stringify(await ledger(world.db, 'kill-')) === JSON.stringify(wanted) || 'the ledgers differ',
      60_000,
    ).catch(async () => expect(await ledger(world.db, 'kill-')).toEqual(wanted))
    await expectInvariants(world.db)
    await expectInvariants(calm.db)
  },
)

/** Resolves when a run, in another execution than `not`, has come to its first wait; answers which it is. */
async function atItsWait({ client }: World, workflowId: string, not?: string): Promise<string> {
  let found = ''
  await until(async () => {
    const handle = client.workflow.getHandle(workflowId)
    found = (await handle.describe()).runId
    const { events } = await handle.fetchHistory()
    return (
      (found !== not && events?.some((event) => event.timerStartedEventAttributes)) || `${workflowId} does not wait`
    )
  })
  return found
}

/** Sends a run back to its first workflow task: all it did until its first wait, it does again. */
async function reset(world: World, workflowId: string): Promise<void> {
  const runId = await atItsWait(world, workflowId)
  const { events } = await world.client.workflow.getHandle(workflowId, runId).fetchHistory()
  const first = events?.find((event) => event.workflowTaskCompletedEventAttributes)
  await world.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId: first?.eventId ?? null,
    requestId: `reset-${workflowId}`,
    reason: 'test',
  })
  await atItsWait(world, workflowId, runId)
}

it('a workflow that is reset does all of it again, and nothing is there twice', { timeout: 120_000 }, async () => {
  const world = await openWorld({ smtpUrl: sink.url, dayMs: 3_000, only: MONEY })
  const id = 'reset-1'
  await world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
  await until(async () => sink.taken.some(({ to }) => to === `${id}@mail.example`) || 'no welcome yet')
  const coupons = await ledger(world.db, id)
  await reset(world, `first-order/${id}`)
  expect(await ledger(world.db, id)).toEqual(coupons)
  expect(sink.taken.filter(({ to }) => to === `${id}@mail.example`)).toHaveLength(1)

  const paid = { type: 'order.paid', customer: id, properties: { order: 'O1', amount: 299_00 } }
  await world.send({ id: `${id}-paid`, ...paid })
  const growth = `posting order-rewards//O1/points/growth earn growth pending 299`
  await until(async () => (await ledger(world.db, id)).includes(growth) || 'not awarded yet')
  const awarded = await ledger(world.db, id)
  await reset(world, `order-rewards/${id}/O1`)
  expect(await ledger(world.db, id)).toEqual(awarded)
  await world.send({ ...paid, id: `${id}-refunded`, type: 'order.refunded' })
  await until(async () => (await ledger(world.db, id)).some((line) => line.includes('/void void')) || 'not void yet')
  expect((await ledger(world.db, id)).filter((line) => line.startsWith('balance'))).toEqual([
    'balance  growth 0 0 0',
    'balance  points 0 0 0',
  ])
  await expectInvariants(world.db)
})

it('each activity five times at once answers the same five times, and its rows are there once', async () => {
  const { db } = await freshStore()
  const plan = planFacts('story', {
    offers: { perk: { title: 'Perk', quota: 9, perMember: 1, buckets: 4 } },
    points: { order: { title: 'A point a yuan', earn: { fixed: 30 }, bonuses: { festival: 2 }, pending: true } },
  })
  const shop = await openShop(db, [plan])
  for (const customer of ['one-1', 'five-1']) await shop.entered(customer)
  const times = async (customer: string, count: number): Promise<void> => {
    const run = `story/${customer}`
    const asked = shop.clock.now()
    const { issueCoupon, awardPoints, settlePoints, takeBackPoints } = shop.activities
    const steps = [
      () => issueCoupon({ key: `${run}/coupon/perk`, run, offer: 'perk', valid: '7 days', asked }),
      () => awardPoints({ key: `${run}/points/order`, run, rule: 'order', asked }),
      () => settlePoints({ run, asked }),
      () => takeBackPoints({ run, asked }),
    ]
    for (const step of steps) {
      const answers = await Promise.all(Array.from({ length: count }, step as () => Promise<unknown>))
      for (const answer of answers) expect(answer).toEqual(answers[0])
    }
  }
  await times('one-1', 1)
  await times('five-1', 5)
  expect(await ledger(db, 'five-1')).toEqual(await ledger(db, 'one-1'))
  expect(await ledger(db, 'five-1')).toContain('coupon story//coupon/perk perk open')
  await expectInvariants(db)
})
