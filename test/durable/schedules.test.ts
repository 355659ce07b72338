/**
 * Schedules on a real server: what is made is what the plans ask for, and the server's times are those of our own model of it, by which
 * test/activities/schedule-year.test.ts goes through a year. A server cannot be made to skip schedules' time, so times that are over are
 * asked for by backfill, which evaluates a schedule as the server does when it is due.
 */
import { Client, Connection } from '@temporalio/client'
import { beforeAll, describe, expect, inject, it, afterAll } from 'vitest'
import { type Schedule, type ScheduledPlan, firings, schedulesOf } from '../../domain/schedule.ts'
import { REAL_TEMPO } from '../../domain/tempo.ts'
import { type ScheduledBy, syncSchedules } from '../../workers/schedules.ts'
import { JUMPING_ZONES } from '../policy.ts'
import { freshNamespace, until } from '../world.ts'

const DAY = 86_400_000

const PLANS: ScheduledPlan[] = [
  { name: 'birthday', sweep: {} },
  { name: 'last-day', campaign: { begins: { every: 'month', day: 31, at: '00:00' }, ahead: 0 } },
  { name: 'leap-day', campaign: { begins: { every: 'year', date: '02-29', at: '02:15' }, ahead: 0 } },
  {
    name: 'feasts',
    campaign: {
      begins: { every: 'festival', festivals: ['mid-autumn', 'double-eleven', 'spring-festival', '618'], at: '09:00' },
      ahead: 3 * DAY,
    },
  },
  { name: 'by-hand', campaign: { begins: undefined, ahead: 0 } },
  { name: 'by-event' },
]

let connection: Connection
beforeAll(async () => {
  connection = await Connection.connect({ address: inject('temporalAddress') })
  afterAll(() => connection.close())
})

const asked = (more: Partial<ScheduledBy> = {}): ScheduledBy => ({
  plans: PLANS,
  zones: JUMPING_ZONES,
  taskQueue: 'shop',
  tempo: REAL_TEMPO,
  now: Date.now(),
  ...more,
})

/** A client on a namespace of its own. */
const opened = async (): Promise<Client> => new Client({ connection, namespace: await freshNamespace() })

async function idsOf(client: Client): Promise<string[]> {
  const ids: string[] = []
  for await (const { scheduleId } of client.schedule.list()) ids.push(scheduleId)
  return ids.sort()
}

/** Listing lags behind what was made. */
const listed = (client: Client, ids: readonly string[]): Promise<void> =>
  until(async () => {
    const there = await idsOf(client)
    return there.join() === [...ids].sort().join() || `listed: ${there.join(' ')}`
  })

const wantedIds = schedulesOf(PLANS, asked()).map(({ id }) => id)

describe('the schedules of plans', () => {
  let client: Client
  let made: string[]
  beforeAll(async () => {
    client = await opened()
    made = (await syncSchedules(client, asked())).made
    await listed(client, wantedIds)
  })

  it('are one a sweep, one a campaign and zone, and the upkeep', () => {
    expect(made).toEqual([
      'sweep/birthday',
      ...['last-day', 'leap-day', 'feasts'].flatMap((name) => JUMPING_ZONES.map((zone) => `campaign/${name}/${zone}`)),
      'upkeep',
    ])
  })

  it('come next when the model says, ten times over', async () => {
    const offsets = new Set<number>()
    for (const schedule of schedulesOf(PLANS, asked())) {
      const { info, spec } = await client.schedule.getHandle(schedule.id).describe()
      const model = firings(schedule.times, { from: Date.now(), to: Date.now() + 800 * DAY }).slice(0, 10)
      const next = info.nextActionTimes.map((at) => at.getTime())
      expect(spec.jitter, schedule.id).toBe(schedule.jitter)
      expect(next.length, schedule.id).toBe(Math.min(10, model.length))
      const late = next.map((at, index) => at - (model[index] ?? 0))
      for (const one of late) {
        expect(one, schedule.id).toBeGreaterThanOrEqual(0)
        expect(one, schedule.id).toBeLessThanOrEqual(schedule.jitter)
      }
      if (schedule.jitter > 0) offsets.add(late[0] ?? 0)
    }
    expect(offsets.size, 'each zone has a share of its own').toBeGreaterThan(2)
  })

  it('keep what they were asked for: overlap, catch-up, and what they start', async () => {
    const sweep = await client.schedule.getHandle('sweep/birthday').describe()
    expect(sweep.policies).toMatchObject({ overlap: 'BUFFER_ALL', catchupWindow: 2 * DAY })
    expect(sweep.action).toMatchObject({
      workflowType: 'sweep',
      workflowId: 'sweep/birthday',
      taskQueue: 'shop',
      args: [{ journey: 'birthday', tempo: REAL_TEMPO }],
    })
    const feasts = await client.schedule.getHandle('campaign/feasts/Asia/Shanghai').describe()
    expect(feasts.policies).toMatchObject({ overlap: 'ALLOW_ALL', catchupWindow: 2 * DAY })
    expect(feasts.action).toMatchObject({
      workflowType: 'campaign',
      args: [{ campaign: 'feasts', zone: 'Asia/Shanghai', tempo: REAL_TEMPO }],
    })
  })

  it('begin over a year that is over exactly at the times of the model, none missed or doubled by a change of the clock', async () => {
    const year = { from: Date.now() - 366 * DAY, to: Date.now() }
    const all = schedulesOf(PLANS, asked()).filter(({ zone }) => zone !== null)
    for (const { id } of all) {
      const start = new Date(year.from)
      await client.schedule.getHandle(id).backfill({ start, end: new Date(year.to), overlap: 'ALLOW_ALL' })
    }
    for (const schedule of all) {
      const model = firings(schedule.times, year).map(
        (at) => `${schedule.id}-${new Date(at).toISOString().slice(0, 19)}Z`,
      )
      expect(model.length, schedule.id).toBeGreaterThan(0)
      await until(async () => {
        const begun = await begunBy(client, schedule)
        return begun.join() === model.join() || `${begun.join(' ')}, not ${model.join(' ')}`
      })
    }
  })
})

async function begunBy(client: Client, { id }: Schedule): Promise<string[]> {
  const runs: string[] = []
  for await (const { workflowId } of client.workflow.list({ query: `TemporalScheduledById = '${id}'` }))
    runs.push(workflowId)
  return runs.sort()
}

it('a calendar in a zone would miss midnights that the clock jumps over, which is why ours are in UTC', async () => {
  const client = await opened()
  const handle = await client.schedule.create({
    scheduleId: 'midnight',
    spec: { calendars: [{ hour: 0 }], timezone: 'America/Santiago' },
    action: { type: 'startWorkflow', workflowType: 'none', taskQueue: 'shop' },
    state: { paused: true },
  })
  // The clock of 6 September 2026 begins at one o'clock.
  const start = new Date('2026-09-05T00:00:00Z')
  await handle.backfill({ start, end: new Date('2026-09-07T23:00:00Z'), overlap: 'ALLOW_ALL' })
  await until(async () => (await handle.describe()).info.numActionsTaken === 2 || 'not begun')
  const due = (await handle.describe()).info.recentActions.map(({ scheduledAt }) => scheduledAt.toISOString())
  expect(due).toEqual(['2026-09-05T04:00:00.000Z', '2026-09-07T03:00:00.000Z'])
})

describe('a sync', () => {
  it('of several workers at once makes each schedule once and fails for none', async () => {
    const client = await opened()
    const all = await Promise.all(Array.from({ length: 4 }, () => syncSchedules(client, asked())))
    expect(all.flatMap(({ made }) => made).sort()).toEqual([...wantedIds].sort())
    expect(all.flatMap(({ changed, removed }) => [...changed, ...removed])).toEqual([])
    await listed(client, wantedIds)
  })

  it('touches what has changed, and nothing else', async () => {
    const client = await opened()
    await syncSchedules(client, asked())
    await listed(client, wantedIds)
    expect(await syncSchedules(client, asked())).toEqual({ made: [], changed: [], removed: [] })
    const untouched = await client.schedule.getHandle('sweep/birthday').describe()
    expect(untouched.info.lastUpdatedAt).toBeUndefined()
    const plans = PLANS.map((plan) => (plan.name === 'feasts' ? { ...plan, schedule: { catchUp: 3_600_000 } } : plan))
    const { changed } = await syncSchedules(client, asked({ plans }))
    expect(changed).toEqual(JUMPING_ZONES.map((zone) => `campaign/feasts/${zone}`))
    const feasts = await client.schedule.getHandle('campaign/feasts/Asia/Shanghai').describe()
    expect(feasts.policies.catchupWindow).toBe(3_600_000)
  })

  it('lets what is paused be paused, with its reason, and pauses what comes for a new zone', async () => {
    const client = await opened()
    await syncSchedules(client, asked())
    for (const zone of JUMPING_ZONES) await client.schedule.getHandle(`campaign/feasts/${zone}`).pause('stock is late')
    await client.schedule.getHandle(`campaign/last-day/${JUMPING_ZONES[0]}`).pause('one alone')
    await until(async () => {
      const paused: string[] = []
      for await (const { scheduleId, state } of client.schedule.list()) if (state.paused) paused.push(scheduleId)
      return paused.length === JUMPING_ZONES.length + 1 || `paused: ${paused.join(' ')}`
    })
    const plans = PLANS.map((plan) => ({ ...plan, schedule: { catchUp: 3_600_000 } }))
    const { made } = await syncSchedules(client, asked({ plans, zones: [...JUMPING_ZONES, 'Asia/Tokyo'] }))
    expect(made).toEqual(['last-day', 'leap-day', 'feasts'].map((name) => `campaign/${name}/Asia/Tokyo`))
    const stateOf = async (id: string) => (await client.schedule.getHandle(id).describe()).state
    for (const zone of [...JUMPING_ZONES, 'Asia/Tokyo'])
      expect(await stateOf(`campaign/feasts/${zone}`)).toMatchObject({ paused: true, note: 'stock is late' })
    expect(await stateOf(`campaign/last-day/${JUMPING_ZONES[0]}`)).toMatchObject({ paused: true, note: 'one alone' })
    expect(await stateOf('campaign/last-day/Asia/Tokyo')).toMatchObject({ paused: false })
  })

  it('removes what no plan asks for any more, and nothing of others', async () => {
    const client = await opened()
    await syncSchedules(client, asked())
    const foreign = { spec: { intervals: [{ every: DAY }] }, state: { paused: true } }
    const action = { type: 'startWorkflow' as const, workflowType: 'theirs' }
    await client.schedule.create({ ...foreign, scheduleId: 'theirs', action: { ...action, taskQueue: 'shop' } })
    await client.schedule.create({ ...foreign, scheduleId: 'sweep/theirs', action: { ...action, taskQueue: 'other' } })
    await listed(client, [...wantedIds, 'theirs', 'sweep/theirs'])
    const plans = PLANS.filter(({ name }) => name === 'last-day')
    const { removed } = await syncSchedules(client, asked({ plans, zones: ['Europe/London'] }))
    expect(removed).toHaveLength(wantedIds.length - 2)
    await listed(client, ['campaign/last-day/Europe/London', 'upkeep', 'theirs', 'sweep/theirs'])
  })
})
