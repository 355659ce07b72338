import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SweepInput } from '../../client/catalogue.ts'
import { enrolments } from '../../store/enrolments.ts'
import { syncSchedules } from '../../workers/schedules.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, NOON, expectInvariants, openWorld, person, until } from '../world.ts'

let sink: Sink
let world: World

const DAY = 86_400_000

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  world = await openWorld({ smtpUrl: sink.url, dayMs: 500 })
})

const sweepOf = async (days: number): Promise<number> => {
  const input: SweepInput = {
    journey: 'birthday',
    tempo: world.tempo,
    progress: { from: NOON + days * DAY, after: '', entered: 0 },
  }
  const workflowId = `sweep/birthday/test-${days}-${Math.round(performance.now() * 1000)}`
  return world.client.workflow.execute('sweep', {
    workflowId,
    taskQueue: world.taskQueue,
    args: [input],
  }) as Promise<number>
}

it('greets each member once, in the morning of their own zone, however often it is swept', async () => {
  const birthday = new Date(NOON + 30 * DAY).toISOString().slice(5, 10)
  const zones = ['UTC', 'Asia/Shanghai', 'America/Los_Angeles', 'Pacific/Kiritimati', 'Pacific/Pago_Pago']
  for (const [index, zone] of zones.entries()) {
    await world.send({ id: `b${index}`, type: 'profile.changed', customer: person(`B${index}`, { zone, birthday }) })
  }
  // Four days around the birthday, each swept twice and once more at the same time.
  let entered = 0
  for (const day of [28, 29, 30, 31]) {
    const counts = await Promise.all([sweepOf(day), sweepOf(day)])
    entered += counts[0] + counts[1] + (await sweepOf(day))
  }
  expect(entered).toBe(zones.length)
  await until(
    async () =>
      (await enrolments(world.db, { journey: 'birthday', status: 'completed' }, 10)).length === zones.length ||
      'not all greeted',
  )
  const runs = await enrolments(world.db, { journey: 'birthday' }, 10)
  expect(runs.map((run) => run.id).sort()).toEqual(zones.map((_, index) => `birthday/B${index}/2026`))
  for (const run of runs) {
    const zone = zones[Number(run.customer.slice(1))] ?? ''
    const local = run.starts_at.toLocaleString('sv-SE', { timeZone: zone })
    expect(local.slice(5)).toBe(`${birthday} 09:30:00`)
  }
  expect(sink.taken.map((mail) => mail.subject).sort()).toEqual(
    // Marketing to China is marked.
    zones.map((zone, index) => `${zone === 'Asia/Shanghai' ? 'AD: ' : ''}Happy birthday, Name of B${index}`).sort(),
  )
  await expectInvariants(world.db)
})

it('the schedule of a swept journey is made, its sweep runs when triggered, and it goes with the plan', async () => {
  const to = { plans: [...world.plans.values()], zones: ['UTC'], taskQueue: world.taskQueue, tempo: world.tempo }
  await syncSchedules(world.client, { ...to, now: Date.now() })
  const handle = world.client.schedule.getHandle('sweep/birthday')
  const description = await handle.describe()
  expect(description.policies).toMatchObject({ catchupWindow: 2 * DAY })
  await handle.trigger()
  await until(async () => {
    const { recentActions } = (await handle.describe()).info
    const workflow = recentActions.at(-1)?.action.workflow
    if (!workflow) return 'no sweep yet'
    await world.client.workflow.getHandle(workflow.workflowId).result()
    return true
  })
  await syncSchedules(world.client, { ...to, plans: [], now: Date.now() })
  await until(async () =>
    handle.describe().then(
      () => 'still there',
      () => true,
    ),
  )
})
