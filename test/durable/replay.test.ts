/**
 * Recorded histories of every journey against today's code. RECORD_HISTORIES=1 (`npm run histories`) records those that are
 * missing, from real runs. To record one anew delete it first: only where no customer is in the middle of the old shape.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker } from '@temporalio/worker'
import { sql } from 'kysely'
import { afterAll, expect, inject, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { runId } from '../../domain/ids.ts'
import { putTopic } from '../../store/consents.ts'
import { switchJourney } from '../../store/journeys.ts'
import { enrolment, enrolments } from '../../store/enrolments.ts'
import { DEFAULT_PROGRAMME } from '../../domain/programmes.ts'
import { balancesOf } from '../../store/ledger.ts'
import { setProgramme } from '../../store/programmes.ts'
import { referralsOfCustomer } from '../../store/referral-reports.ts'
import { referralOf } from '../../store/referrals.ts'
import { decideReview, openReviews } from '../../store/reviews.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { installQuietRuntime, quietSdk } from '../quiet-sdk.ts'
import { startSink } from '../smtp-sink.ts'
import { type World, NOON, openWorld, person, until } from '../world.ts'

const DAY = 86_400_000
const FOLDER = new URL('../histories/', import.meta.url)
/** Workflows that are no journey's. */
const ENGINE = ['sweep', 'upkeep', 'test-mail']

it.runIf(process.env['RECORD_HISTORIES'] === '1')(
  'records one history a way through each journey (only when asked: npm run histories)',
  async () => {
    const sink = await startSink()
    afterAll(() => sink.stop())
    const world = await openWorld({ smtpUrl: sink.url, dayMs: 500 })
    await setProgramme(world.db, SMALL_TIERS, { now: world.clock.now() })
    const enter = (id: string): Promise<unknown> =>
      world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
    const welcomed = (id: string): Promise<void> =>
      until(async () => sink.taken.some((mail) => mail.to === `${id}@mail.example`) || 'not welcomed')
    await enter('quiet')
    await enter('cart')
    await enter('paid')
    await welcomed('cart')
    await world.send({ id: 'cart-1', type: 'cart.added', customer: 'cart' })
    await welcomed('paid')
    await world.send({ id: 'paid-1', type: 'order.paid', customer: 'paid' })
    for (const id of ['kept', 'back', 'late']) await world.send(order(id, 'order.paid'))
    await pointsOf(world, 'back', 'pending')
    await world.send(order('back', 'order.refunded'))
    const birthday = new Date(NOON + 20 * 86_400_000).toISOString().slice(5, 10)
    await world.send({ id: 'born', type: 'profile.changed', customer: person('born', { birthday }) })
    await world.client.workflow.execute('sweep', {
      workflowId: 'sweep/birthday',
      taskQueue: world.taskQueue,
      args: [
        {
          journey: 'birthday',
          tempo: world.tempo,
          progress: { from: NOON + 19.5 * 86_400_000, after: '', entered: 0 },
        },
      ],
    })
    await world.client.workflow.execute('upkeep', {
      workflowId: 'upkeep',
      taskQueue: world.taskQueue,
      args: [{ tempo: world.tempo }],
    })
    await askAndTest(world)
    await switchJourney(world.db, { name: 'share', because: 'to be recorded', now: NOON })
    const expiring = await sweepExpiring(world)
    await bringFriends(world)
    const others = await enterOthers(world, [
      'first-order',
      'birthday',
      'order-rewards',
      'tier-upgrade',
      'referral-friend',
      'referral-reward',
      'confirm-consent',
      // Recorded by record-care.test.ts.
      'festival-presale',
      'presale-thanks',
      'high-value-care',
      'service-recovery',
      'reactivation',
    ])
    await pointsOf(world, 'late', 'available')
    const tiers = await enterTiers(world)
    await world.send(order('late', 'order.refunded'))
    await world.settled(100_000)
    await saveAll(world, { tiers, others, expiring })
  },
  150_000,
)

/** A test mail, and a topic whose consent has to be confirmed. */
async function askAndTest(world: World): Promise<void> {
  await world.client.workflow.execute('test-mail', {
    workflowId: 'test-mail/one',
    taskQueue: world.taskQueue,
    args: [{ journey: 'first-order', message: 'welcome', to: 'ann@shop.example', by: 'Ann', id: 'one', asked: NOON }],
  })
  await putTopic(world.db, { id: 'asked-first', doubleOptIn: true })
  await world.send({
    id: 'signed',
    type: 'page.viewed',
    customer: person('new', { consent: { 'asked-first': true } }),
  })
}

/** Friends of 'kept': one who never orders, one who does, one whose order comes back, two whom a person is to look at. */
async function bringFriends(world: World): Promise<void> {
  const { db } = world
  let code = ''
  await until(async () => {
    code = (await referralsOfCustomer(db, 'kept')).codes[0]?.code ?? ''
    return code !== '' || 'no code yet'
  })
  const buyers = ['guest', 'returned', 'doubtful', 'unseen']
  for (const id of ['brought', ...buyers]) {
    await world.send({
      id: `${id}-in`,
      type: 'customer.registered',
      customer: person(id),
      properties: { referral: code },
    })
  }
  await sql`
    insert into identities (kind, hash, customer, first_seen, last_seen)
    select 'address', 'one', id, now(), now() from unnest(array['kept', 'doubtful', 'unseen']) id`.execute(db)
  const stands = (id: string, status: string): Promise<void> =>
    until(async () => (await referralOf(db, id))?.status === status || `${id} is not ${status}`)
  await until(async () => {
    const { rows } = await sql`select 1 from coupons where offer = 'referral-friend-10'`.execute(db)
    return rows.length === 5 || 'no coupons for the friends'
  })
  for (const id of buyers) await world.send(order(id, 'order.paid'))
  await until(async () => {
    const open = (await openReviews(db, { now: world.clock.now() })).find(({ occasion }) => occasion === 'doubtful')
    if (!open) return 'nobody is asked'
    const decision = { decision: 'approve', by: 'test', reason: '', remember: false } as const
    await decideReview(db, { id: open.id, ...decision, now: () => world.clock.now() })
    return true
  })
  await stands('returned', 'approved')
  await world.send(order('returned', 'order.refunded'))
}

interface Ways {
  tiers: { journey: string; name: string; run: string }[]
  others: { journey: string; run: string }[]
  expiring: { points: string; coupon: string }
}

async function saveAll(world: World, { tiers, others, expiring }: Ways): Promise<void> {
  for (const { journey, name, run } of tiers) await save(world, journey, name, run)
  for (const { journey, run } of others) await save(world, journey, 'without-events', run)
  await save(world, 'first-order', 'without-events', 'first-order/quiet')
  await save(world, 'first-order', 'cart', 'first-order/cart')
  await save(world, 'first-order', 'goal-in-a-wait', 'first-order/paid')
  await save(world, 'birthday', 'greeted', 'birthday/born/2026')
  await save(world, 'order-rewards', 'settled', 'order-rewards/kept/O1')
  await save(world, 'order-rewards', 'void', 'order-rewards/back/O1')
  await save(world, 'order-rewards', 'clawed-back', 'order-rewards/late/O1')
  await save(world, 'points-expiry', 'three-messages', `points-expiry/lots/${expiring.points}`)
  await save(world, 'coupon-expiry', 'begun-late', `coupon-expiry/holder/${expiring.coupon}`)
  await save(world, 'referral-friend', 'without-events', 'referral-friend/brought')
  await save(world, 'referral-friend', 'goal-in-a-wait', 'referral-friend/guest')
  await save(world, 'referral-reward', 'rewarded', 'referral-reward/kept/guest')
  await save(world, 'referral-reward', 'taken-back', 'referral-reward/kept/returned')
  await save(world, 'referral-reward', 'reviewed', 'referral-reward/kept/doubtful')
  await save(world, 'referral-reward', 'undecided', 'referral-reward/kept/unseen')
  await save(world, 'confirm-consent', 'asked', 'confirm-consent/new/signed')
  await save(world, 'test-mail', 'sent', 'test-mail/one')
  await save(world, 'sweep', 'one-page', 'sweep/birthday')
  await save(world, 'upkeep', 'one-round', 'upkeep')
}

const order = (id: string, type: 'order.paid' | 'order.refunded'): object => ({
  id: `${id}-${type}`,
  type,
  customer: person(id),
  properties: { order: 'O1', amount: 299_00 },
})

/** Resolves when the points of a customer's order are in an account. */
function pointsOf({ db }: World, customer: string, account: 'pending' | 'available'): Promise<void> {
  return until(async () => {
    const balances = await balancesOf(db, customer)
    return (balances.length === 2 && balances.every((one) => one[account] === 299)) || `not ${account}`
  })
}

/** One who has points that expire in 35 days and is told three times, and one whose coupon has days left; the days of each. */
async function sweepExpiring(world: World): Promise<{ points: string; coupon: string }> {
  const plan = world.plans.get('points-expiry')
  if (plan?.sweep) world.plans.set(plan.name, { ...plan, sweep: { ...plan.sweep, worth: 20 } })
  await world.send({ id: 'lots', type: 'review.published', customer: person('lots'), properties: { review: 'R1' } })
  await world.send({ id: 'holder', type: 'customer.registered', customer: person('holder') })
  const now = Math.ceil((world.clock.now() - NOON) / DAY) + 3
  const days = { lots: now + 35, holder: now + 6 }
  const end = (day: number): Date => new Date(NOON + (day + 0.5) * DAY)
  await until(async () => {
    const lots = sql`update point_lots set expires_at = ${end(days.lots)} where customer = 'lots'`
    const coupons = sql`update coupons set expires_at = ${end(days.holder)} where customer = 'holder'`
    const { numAffectedRows: earned } = await lots.execute(world.db)
    const { numAffectedRows: issued } = await coupons.execute(world.db)
    return (earned === 1n && issued === 1n) || 'nothing expires yet'
  })
  for (const [journey, from] of [
    ['points-expiry', days.lots - 32],
    ['coupon-expiry', days.holder - 4],
  ] as const) {
    await world.client.workflow.execute('sweep', {
      workflowId: `sweep/${journey}`,
      taskQueue: world.taskQueue,
      args: [{ journey, tempo: world.tempo, progress: { from: NOON + from * DAY, after: '', entered: 0 } }],
    })
  }
  const dateOf = (day: number): string => new Date(NOON + day * DAY).toISOString().slice(0, 10)
  return { points: dateOf(days.lots), coupon: dateOf(days.holder) }
}

/** Levels that an order of 299 yuan rises to and almost past, for so few days that the term ends unkept. */
const SMALL_TIERS = {
  ...DEFAULT_PROGRAMME,
  levels: DEFAULT_PROGRAMME.levels.map((level, rank) => ({ ...level, from: [0, 250, 360, 5_000, 9_000][rank] ?? 0 })),
  window: { days: 20 },
  term: { days: 29 },
}

/** Who rose goes through the journeys of tiers; one of them orders again. Answers the ways. */
async function enterTiers(world: World): Promise<{ journey: string; name: string; run: string }[]> {
  const runsOf = async (journey: string): Promise<string[]> =>
    (await enrolments(world.db, { journey }, 9)).map(({ id }) => id).sort()
  const both = async (journey: string): Promise<boolean | string> =>
    (await runsOf(journey)).length === 2 || `not two in ${journey}`
  await until(() => both('tier-upgrade'))
  await world.send({ id: 'again', type: 'order.paid', customer: 'late' })
  for (const journey of ['tier-keep', 'tier-near-miss']) {
    await world.client.workflow.execute('sweep', {
      workflowId: `sweep/${journey}`,
      taskQueue: world.taskQueue,
      args: [{ journey, tempo: world.tempo, progress: { from: world.clock.now(), after: '', entered: 0 } }],
    })
    await until(() => both(journey))
  }
  const [keptUp = '', lateUp = ''] = await runsOf('tier-upgrade')
  const [keep = ''] = await runsOf('tier-keep')
  const [near = ''] = await runsOf('tier-near-miss')
  return [
    { journey: 'tier-upgrade', name: 'nudged', run: keptUp },
    { journey: 'tier-upgrade', name: 'ordered', run: lateUp },
    { journey: 'tier-keep', name: 'told-twice', run: keep },
    { journey: 'tier-near-miss', name: 'told', run: near },
  ]
}

/** Everybody else's journey, as it goes when nothing happens in it. Those that no event begins need a way of their own above. */
async function enterOthers(world: World, known: readonly string[]): Promise<{ journey: string; run: string }[]> {
  const plans = [...world.plans.values()].filter((plan) => plan.begins && !known.includes(plan.name))
  for (const { name, begins, occasion } of plans) {
    const properties = { ...begins?.where, ...(occasion === undefined ? {} : { [occasion]: 'sample' }) }
    const customer = person(`in-${name}`)
    await world.send({ id: `${name}-in`, type: begins?.on, customer, properties })
  }
  return plans.map(({ name, occasion }) => ({
    journey: name,
    run: runId({ journey: name, customer: `in-${name}`, occasion: occasion === undefined ? null : 'sample' }),
  }))
}

async function save(world: World, journey: string, name: string, run: string): Promise<void> {
  const file = new URL(`${journey}/${name}.json`, FOLDER)
  if (existsSync(file)) return
  if (!ENGINE.includes(journey)) expect((await enrolment(world.db, run))?.status).not.toBe('running')
  await world.client.workflow.getHandle(run).result()
  const history = await world.client.workflow.getHandle(run).fetchHistory()
  await mkdir(new URL(`${journey}/`, FOLDER), { recursive: true })
  const record = { workflowId: run, history: JSON.parse(historyToJSON(history)) as object }
  await writeFile(file, `${JSON.stringify(record, null, 1)}\n`)
}

interface Recorded {
  workflowId: string
  history: object
}

async function recorded(): Promise<Map<string, Recorded>> {
  const files = (await readdir(FOLDER, { recursive: true })).filter((file) => file.endsWith('.json'))
  const read = files.map(
    async (file) => [file, JSON.parse(await readFile(new URL(file, FOLDER), 'utf8')) as Recorded] as const,
  )
  return new Map(await Promise.all(read))
}

async function replay(code: string, histories: Iterable<Recorded>): Promise<string[]> {
  installQuietRuntime()
  const failures: string[] = []
  for await (const result of Worker.runReplayHistories({ workflowBundle: { code } }, histories)) {
    if (result.error) failures.push(`${result.workflowId}: ${result.error.name}`)
  }
  return failures
}

it('replays every recorded history with the code of today', async () => {
  const histories = await recorded()
  const journeys = new Set([...histories.keys()].map((file) => file.split('/')[0] ?? ''))
  expect([...journeys].sort()).toEqual([...(await readCatalogue()).keys(), ...ENGINE].sort())
  expect(await replay(await readFile(inject('bundleFile'), 'utf8'), histories.values())).toEqual([])
})

it('notices a journey whose shape was changed in place', async () => {
  const folder = new URL('../fixtures/changed/', import.meta.url)
  const code = await bundleWorkflows(await readCatalogue(folder), { folder, logger: quietSdk })
  const histories = [...(await recorded())]
    .filter(([file]) => file.startsWith('first-order/without'))
    .map(([, one]) => one)
  expect(await replay(code, histories)).toEqual(['first-order/quiet: DeterminismViolationError'])
})
