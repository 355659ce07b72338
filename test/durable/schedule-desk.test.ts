/** What operators do with schedules, by the command line and over HTTP, on a real server with a real worker that goes and comes back. */
import { pino } from 'pino'
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { createMetrics } from '../../client/http/metrics.ts'
import { createServer } from '../../client/http/server.ts'
import type { ScheduleLine, ScheduleReport } from '../../client/schedules.ts'
import { dayAfter, localDate } from '../../domain/calendar.ts'
import { REAL_TEMPO } from '../../domain/tempo.ts'
import { enrolments } from '../../store/enrolments.ts'
import { syncSchedules } from '../../workers/schedules.ts'
import { startSink } from '../smtp-sink.ts'
import { type World, SECRET, expectInvariants, freshNamespace, openWorld, person, until } from '../world.ts'

const DAY = 86_400_000
const ZONES = ['Asia/Shanghai', 'UTC']
const KEY = 'a-key-of-the-shop-that-is-long'
const DUE = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME)

let world: World
let namespace: string
const today = localDate(Date.now(), 'UTC')

beforeAll(async () => {
  namespace = await freshNamespace()
  const sink = await startSink()
  afterAll(() => sink.stop())
  world = await openWorld({ dayMs: DAY, namespace, start: false, smtpUrl: sink.url })
  await sync()
  await until(
    async () => (await asJson<ScheduleLine[]>(['schedules'])).some(({ id }) => id === 'upkeep') || 'not listed',
  )
})

const sync = () =>
  syncSchedules(world.client, {
    plans: [...world.plans.values()],
    zones: ZONES,
    taskQueue: world.taskQueue,
    tempo: REAL_TEMPO,
    now: Date.now(),
  })

/** The command line as an operator types it. */
async function said(words: string[]): Promise<{ code: number; out: string; err: string }> {
  const told = { out: '', err: '' }
  const code = await carryOut(words, {
    env: {
      DATABASE_URL: world.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: namespace,
      TASK_QUEUE: world.taskQueue,
      PERENNIAL_HOME: '/nowhere',
    },
    out: (text) => void (told.out += text),
    err: (text) => void (told.err += text),
  })
  return { code, ...told }
}

async function asJson<T>(words: string[]): Promise<T> {
  const { code, out, err } = await said([...words, '--json'])
  if (code !== 0) throw new Error(err)
  return JSON.parse(out) as T
}

const show = (name: string): Promise<ScheduleReport[]> => asJson(['schedules', 'show', name])

describe('schedules are looked at', () => {
  it('all of them: one row a journey, with what comes next', async () => {
    const { out } = await said(['schedules'])
    const birthday = new RegExp(`^birthday +${dayAfter(today, 1)} 00:00 +none yet +on$`, 'm')
    expect(out).toMatch(birthday)
    expect(out).toMatch(/^member-day +2 +\d{4}-\d{2}-\d{2} \d{2}:\d{2} +none yet +on$/m)
    expect(out).toMatch(/^the upkeep /m)
  })

  it('one: by its id, or all of a journey', async () => {
    expect((await show('member-day')).map(({ id }) => id)).toEqual(ZONES.map((zone) => `campaign/member-day/${zone}`))
    expect(await show('campaign/member-day/UTC')).toMatchObject([
      { zone: 'UTC', overlap: 'allow-all', catchUp: 2 * DAY },
    ])
    expect((await said(['schedules', 'show', 'sweep/birthday'])).out).toMatch(/made up for +up to 2 days late/)
  })

  it('over HTTP, with the key alone', async () => {
    const server = await createServer({
      db: world.db,
      plans: [],
      clock: world.clock,
      shopZone: 'UTC',
      apiKey: KEY,
      secret: SECRET,
      log: pino({ level: 'silent' }),
      metrics: createMetrics({ db: world.db }),
      temporal: () => Promise.resolve({ client: world.client, close: () => Promise.resolve() }),
    })
    const headers = { authorization: `Bearer ${KEY}` }
    const answer = await server.inject({ url: '/v1/schedules', headers })
    expect(answer.statusCode).toBe(200)
    const { schedules } = answer.json<{ schedules: ScheduleLine[] }>()
    const ids = (await asJson<ScheduleLine[]>(['schedules'])).map(({ id }) => id)
    expect(schedules.map(({ id }) => id)).toEqual(ids)
    expect(schedules[0]).toMatchObject({ next: expect.any(Array) as unknown, last: [], pausedBecause: null })
    expect((await server.inject({ url: '/v1/schedules' })).statusCode).toBe(401)
    await server.close()
  })
})

describe('schedules are paused', () => {
  it('for a reason, through a restart of the workers, until they are resumed', async () => {
    const paused = await said(['schedules', 'pause', 'member-day', '--because', 'stock is late'])
    expect(paused.out).toContain('2 schedules of member-day paused.')
    expect((await said(['schedules', 'pause', 'member-day', '--because', 'again'])).out).toContain('nothing changed')
    await sync()
    expect((await show('member-day')).map((one) => one.pausedBecause)).toEqual(['stock is late', 'stock is late'])
    await until(async () => /member-day.*paused: stock is late/.test((await said(['schedules'])).out) || 'not shown')
    await said(['schedules', 'resume', 'member-day', '--zone', 'UTC', '--because', 'stock is here'])
    expect((await show('member-day')).map((one) => one.pausedBecause)).toEqual(['stock is late', null])
    await said(['schedules', 'resume', 'member-day', '--because', 'stock is here'])
    expect((await show('member-day')).map((one) => one.pausedBecause)).toEqual([null, null])
  })
})

describe('what was missed is made up for', () => {
  const born = (days: number) => dayAfter(today, -days)
  const enteredBirthdays = async () =>
    (await enrolments(world.db, { journey: 'birthday' }, 100)).map(({ id }) => id).sort()

  it('the sweeps of the missed days, though the worker is away when they are asked for, each for its own day and once', async () => {
    for (const days of [1, 2, 3, 5]) {
      // Told when it is over, so that nothing but a backfill would keep it.
      const at = { zone: 'UTC', birthday: born(days).slice(5) }
      await world.send({ id: `b${days}`, type: 'profile.changed', customer: person(`B${days}`, at) })
    }
    expect(await enteredBirthdays()).toEqual([])
    const words = ['schedules', 'backfill', 'birthday', '--from', born(3), '--to', today]
    const { runs } = await asJson<{ runs: { schedule: string; due: string }[] }>(words)
    expect(runs).toEqual([3, 2, 1].map((days) => ({ schedule: 'sweep/birthday', due: `${born(days)}T00:00:00.000Z` })))
    // One after the other: without a worker the first is on, and the others wait.
    await until(async () => (await show('birthday'))[0]?.on.length === 1 || 'not begun')
    expect((await show('birthday'))[0]?.taken).toBe(1)
    await world.startWorker()
    await until(async () => (await show('birthday'))[0]?.taken === 3 || 'the others have not begun')
    const ids = [3, 2, 1].map((days) => `sweep/birthday-${born(days)}T00:00:00Z`)
    const entered = await Promise.all(ids.map((id) => world.client.workflow.getHandle(id).result() as Promise<number>))
    expect(entered).toEqual([1, 1, 1])
    const described = await Promise.all(ids.map((id) => world.client.workflow.getHandle(id).describe()))
    expect(described.map((one) => one.typedSearchAttributes.get(DUE)?.toISOString())).toEqual(
      runs.map(({ due }) => due),
    )
    const keptIn = (days: number) => born(days).slice(0, 4)
    expect(await enteredBirthdays()).toEqual([1, 2, 3].map((days) => `birthday/B${days}/${keptIn(days)}`))

    // The same days again enter nobody; nor does a run that is asked for now.
    await asJson(words)
    await until(async () => (await show('birthday'))[0]?.taken === 6 || 'not begun again')
    expect((await said(['schedules', 'run', 'birthday'])).out).toContain('Begun: sweep/birthday.')
    await until(async () => {
      const [report] = await show('birthday')
      return (report?.taken === 7 && report.on.length === 0) || 'still on'
    })
    expect(await enteredBirthdays()).toHaveLength(3)
    await world.settled()
    await expectInvariants(world.db)
  })

  it('of a campaign by zone, at the very times of the model', async () => {
    const year = { from: dayAfter(today, -365), to: today }
    const { runs } = await asJson<{ runs: { schedule: string; due: string }[] }>([
      'schedules',
      'backfill',
      'member-day',
      '--zone',
      'Asia/Shanghai',
      '--from',
      year.from,
      '--to',
      year.to,
    ])
    expect(runs).toHaveLength(12)
    expect(new Set(runs.map(({ schedule }) => schedule))).toEqual(new Set(['campaign/member-day/Asia/Shanghai']))
  })
})

describe('what cannot be done is refused by code', () => {
  it.each([
    [['show', 'nothing'], 'JOURNEY_UNKNOWN'],
    [['show', 'sweep/nothing'], 'SCHEDULE_UNKNOWN'],
    [['run', 'first-order'], 'SCHEDULE_UNKNOWN'],
    [['run', 'member-day', '--zone', 'Asia/Tokyo'], 'SCHEDULE_UNKNOWN'],
    [['pause', 'birthday'], 'COMMAND_INVALID'],
    [['pause', 'birthday', '--because', ' '], 'COMMAND_INVALID'],
    [['backfill', 'birthday', '--from', '2026-02-30', '--to', '2026-03-01'], 'BACKFILL_INVALID'],
    [['backfill', 'birthday', '--from', '2026-03-01', '--to', '2026-03-01'], 'BACKFILL_INVALID'],
    [['backfill', 'birthday', '--from', '2999-03-01', '--to', '2999-03-02'], 'BACKFILL_INVALID'],
    [['backfill', 'birthday', '--from', '2020-01-01', '--to', '2024-01-01'], 'BACKFILL_INVALID'],
  ])('%j: %s', async (words, code) => {
    const answer = await said(['schedules', ...words, '--json'])
    expect(answer.code).not.toBe(0)
    expect(answer.err).toContain(code)
  })

  it('and without a server, it says so', async () => {
    const err: string[] = []
    const code = await carryOut(['schedules', '--json'], {
      env: { DATABASE_URL: world.url, TEMPORAL_ADDRESS: '127.0.0.1:9', PERENNIAL_HOME: '/nowhere' },
      out: () => {},
      err: (text) => void err.push(text),
    })
    expect({ code, err: err.join('') }).toMatchObject({
      code: 1,
      err: expect.stringContaining('TEMPORAL_UNAVAILABLE') as unknown,
    })
  })
})
