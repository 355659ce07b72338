/** What expires, on the real servers: three dates are told of once a month, a week and a day before; sweeps at once enter once. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SweepInput } from '../../client/catalogue.ts'
import { enrolments } from '../../store/enrolments.ts'
import { ledgerOf } from '../../store/ledger.ts'
import { messagesOf } from '../../store/messages.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, NOON, expectInvariants, openWorld, person, until } from '../world.ts'

let sink: Sink
let world: World

const HOUR = 3_600_000
const DAY = 24 * HOUR

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  world = await openWorld({ smtpUrl: sink.url, dayMs: 400 })
  const plan = world.plans.get('points-expiry')
  if (plan?.sweep) world.plans.set(plan.name, { ...plan, sweep: { ...plan.sweep, worth: 50 } })
})
afterAll(() => expectInvariants(world.db))

/** Sweeps the day that begins so many days after noon, as its schedule would. */
const sweep = (journey: string, days: number, nth: number): Promise<number> => {
  const input: SweepInput = {
    journey,
    tempo: world.tempo,
    progress: { from: NOON + days * DAY, after: '', entered: 0 },
  }
  const workflowId = `sweep/${journey}/${days}-${nth}`
  return world.client.workflow.execute('sweep', { workflowId, taskQueue: world.taskQueue, args: [input] })
}

/** Three reviews of twenty points each, which are over at midnights; the last day of the first, in days after noon. */
async function lots(customer: string): Promise<number> {
  for (const review of [0, 1, 2]) {
    const properties = { review: `R${review}` }
    await world.send({ id: `${customer}-${review}`, type: 'review.published', customer: person(customer), properties })
  }
  await until(async () => (await ledgerOf(world.db, customer)).length === 3 || 'not earned')
  // Thirty days from some days on, as this machine needs some of them to come to the sweep.
  const first = Math.ceil((world.clock.now() - NOON) / DAY) + 38
  for (const [nth, day] of [first, first + 2, first + 5].entries()) {
    const end = new Date(NOON + (day + 0.5) * DAY)
    await sql`
      update point_lots set expires_at = ${end}
      where id = (select id from point_lots where customer = ${customer} order by id offset ${nth} limit 1)`.execute(
      world.db,
    )
  }
  return first
}

const dateOf = (day: number): string => new Date(NOON + day * DAY).toISOString().slice(0, 10)

it('three lots of three dates give one message at each of the three marks, and then expire, each once', async () => {
  const first = await lots('lots')
  const swept = await Promise.all([1, 2, 3].map((nth) => sweep('points-expiry', first - 32, nth)))
  expect(swept.reduce((sum, entered) => sum + entered, 0)).toBe(1)
  expect(await sweep('points-expiry', first - 31, 1)).toBe(0)
  const run = `points-expiry/lots/${dateOf(first)}`
  const runs = await enrolments(world.db, { customer: 'lots', journey: 'points-expiry' }, 9)
  expect(runs.map(({ id }) => id)).toEqual([run])
  await world.client.workflow.getHandle(run).result()
  const mails = sink.taken.filter(({ to }) => to === 'lots@mail.example')
  expect(mails.map(({ subject }) => subject)).toEqual([
    `60 points are yours until ${dateOf(first + 5)}`,
    '60 points expire within days',
    `Your points expire: the first on ${dateOf(first)}`,
  ])
  // Each on its day or, on a machine that is busy, soon after: never before, and never after the next is due.
  const times = (await messagesOf(world.db, { customer: 'lots' })).map(({ sent_at: at }) => at?.getTime() ?? 0)
  const marks = [30, 7, 1].map((before) => NOON + (first - before) * DAY - 2 * HOUR)
  for (const [nth, mark] of marks.entries()) {
    expect(times[nth]).toBeGreaterThanOrEqual(mark)
    expect(times[nth]).toBeLessThan(marks[nth + 1] ?? mark + 2 * DAY)
  }
  await until(async () => world.clock.now() > NOON + (first + 6) * DAY || 'not over yet')
  const upkeep = (nth: number): Promise<unknown> =>
    world.client.workflow.execute('upkeep', {
      workflowId: `upkeep-${nth}`,
      taskQueue: world.taskQueue,
      args: [{ tempo: world.tempo }],
    })
  await Promise.all([upkeep(1), upkeep(2), upkeep(3)])
  expect((await ledgerOf(world.db, 'lots')).map(({ kind, available }) => `${kind} ${available}`)).toEqual([
    'earn 20',
    'earn 20',
    'earn 20',
    'expire -20',
    'expire -20',
    'expire -20',
  ])
  expect(sink.taken.filter(({ to }) => to === 'lots@mail.example')).toHaveLength(3)
  expect((await world.historyOf(run)).length).toBeLessThanOrEqual(60)
})
