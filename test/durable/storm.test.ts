/** Providers at their worst while workers are killed: nothing twice, nothing lost, what nobody can know is listed, runs go on. */
import { sql } from 'kysely'
import { afterAll, expect, inject, it } from 'vitest'
import { pollFates } from '../../activities/fates.ts'
import { aliyunSmsChannel } from '../../activities/channels/sms-aliyun.ts'
import { CAPABILITIES } from '../../domain/channel.ts'
import { bucketOf } from '../../domain/experiment.ts'
import { type HttpReply, startHttpSink } from '../http-sink.ts'
import { type Reply, startSink } from '../smtp-sink.ts'
import { aliyunFault, aliyunSays, aliyunTaken } from '../vendors/aliyun.ts'
import { type World, expectInvariants, openWorld } from '../world.ts'
import { killAll } from '../processes.ts'
import { killWorkers } from './killing.ts'
import type { Go } from './worker-process.ts'

const SEED = 'storm-1'
const KILLS = 6
const RUNS = 30
const SMS_SECRET = 'a-secret-of-the-storm'
const HOUR = 3_600_000

afterAll(killAll)

/** What the seed has in store for the n-th asking for something; from the fourth on all goes well. */
function fateOf<T>(fates: readonly T[], what: string, before: number): T | undefined {
  if (before > 2) return undefined
  return fates[bucketOf(SEED, what, String(before)) % (fates.length + 2)]
}

const goOf = (world: World, more: Pick<Go, 'smtpUrl' | 'smsUrl'>): Go => ({
  url: world.url,
  address: inject('temporalAddress'),
  taskQueue: world.taskQueue,
  bundleFile: inject('bundleFile'),
  tempo: world.tempo,
  ...more,
})

interface Row {
  key: string
  message_id: string
  status: string
  code: string | null
}

/** All messages, once every run has gone to its end. */
async function afterStorm(world: World): Promise<Row[]> {
  await world.settled(150_000)
  const { rows: runs } = await sql<{ status: string; count: number }>`
    select status, count(*) as count from enrolments group by status`.execute(world.db)
  expect(runs).toEqual([{ status: 'completed', count: RUNS }])
  const { rows } = await sql<Row>`select key, message_id, status, code from messages`.execute(world.db)
  return rows
}

/** @param taken what the provider took, in order, by what it knows of a message */
function expectOnceEach(rows: readonly Row[], taken: readonly string[], idOf: (row: Row) => string): Row[] {
  expect(taken.length, 'doubled').toBe(new Set(taken).size)
  const gone = rows.filter((row) => ['sent', 'accepted'].includes(row.status) && !taken.includes(idOf(row)))
  expect(gone, 'lost').toEqual([])
  const known = new Map(rows.map((row) => [idOf(row), row]))
  const unlisted = taken.filter((id) => !['sent', 'accepted', 'unknown'].includes(known.get(id)?.status ?? ''))
  expect(unlisted, 'neither sent nor listed as unknown').toEqual([])
  const unknown = rows.filter(({ status }) => status === 'unknown')
  expect(new Set(unknown.map(({ code }) => code ?? ''))).toEqual(
    new Set(unknown.length > 0 ? ['SEND_FATE_UNKNOWN'] : []),
  )
  // Every run had its welcome and its last mail decided.
  for (const message of ['welcome', 'last']) {
    expect(rows.filter(({ key }) => key.endsWith(`/send/${message}`))).toHaveLength(RUNS)
  }
  return unknown
}

it('SMTP that takes and drops, answers 421 and 451, hangs and closes in DATA', { timeout: 280_000 }, async () => {
  const fates: Reply[] = [421, 451, 'drop', 'lose', 'hang', 'cut']
  const sink = await startSink((to, before) => fateOf(fates, to, before) ?? 'accept')
  const world = await openWorld({ smtpUrl: sink.url, dayMs: 1_500, start: false, only: ['first-order'] })
  world.startDispatcher()
  await killWorkers(world, {
    go: goOf(world, { smtpUrl: sink.url }),
    kills: KILLS,
    runs: RUNS,
    seed: SEED,
    letter: 'SMTP',
  })
  const rows = await afterStorm(world)
  const taken = sink.taken.map(({ messageId }) => messageId)
  const unknown = expectOnceEach(rows, taken, (row) => row.message_id)
  const there = unknown.filter((row) => taken.includes(row.message_id)).length
  console.info(
    `SMTP: ${RUNS} runs, ${KILLS} kills, ${[...sink.asked.values()].reduce((a, b) => a + b, 0)} attempts, ${taken.length} taken, ` +
      `doubled 0, lost 0, ${unknown.length} unknown, ${there} of them arrived`,
  )
  expect(unknown.length).toBeGreaterThan(0)
  killAll()
  await sink.stop()
  await expectInvariants(world.db)
})

it(
  'HTTP that takes and drops, answers 429, 500 and errors in 200, hangs and closes',
  { timeout: 280_000 },
  async () => {
    const taken: string[] = []
    const asked = new Map<string, number>()
    const fates = ['429', '500', 'busy', 'drop', 'lose', 'hang', 'cut'] as const
    const sink = await startHttpSink((one): HttpReply => {
      if (aliyunFault(one, SMS_SECRET)) return aliyunSays('SignatureDoesNotMatch', 400)
      const id = one.url.searchParams.get('OutId')
      if (id === null) return recordsOf(taken)
      const before = asked.get(id) ?? 0
      asked.set(id, before + 1)
      const fate = fateOf(fates, id, before)
      if (fate === '429') return { status: 429 }
      if (fate === '500') return { status: 500 }
      if (fate === 'busy') return aliyunSays('isp.SYSTEM_ERROR')
      if (fate === 'drop') return 'drop'
      taken.push(id)
      if (fate === 'lose') return 'drop'
      return fate ?? aliyunTaken(`biz-${taken.length}`)
    })
    const world = await openWorld({ smtpUrl: 'smtp://127.0.0.1:9', dayMs: 1_500, start: false, only: ['first-order'] })
    world.startDispatcher()
    const go = goOf(world, { smtpUrl: 'smtp://127.0.0.1:9', smsUrl: sink.url })
    await killWorkers(world, { go, kills: KILLS, runs: RUNS, seed: SEED, letter: 'SMS' })
    const rows = await afterStorm(world)
    const unknown = expectOnceEach(rows, taken, (row) => row.key)
    const attempts = [...asked.values()].reduce((a, b) => a + b, 0)
    console.info(
      `HTTP: ${RUNS} runs, ${KILLS} kills, ${attempts} attempts, ${taken.length} taken, doubled 0, lost 0, ${unknown.length} unknown`,
    )
    expect(unknown.length).toBeGreaterThan(0)
    killAll()
    // Asked afterwards, the provider knows of each: nothing stays unknown, and what is failed then never came in.
    const channel = lookingUp(sink.url, world)
    const parts = { db: world.db, channels: new Map([['email', channel]]) } as unknown as Parameters<
      typeof pollFates
    >[0]
    // The shop's weeks pass in seconds here, so each is asked about at its own time.
    const { rows: open } = await sql<{ at: Date }>`
    select reserved_at as at from messages where status in ('unknown', 'accepted') order by reserved_at`.execute(
      world.db,
    )
    for (const { at } of open) await pollFates(parts, at.getTime() + 2 * HOUR)
    const { rows: after } = await sql<Row>`select key, message_id, status, code from messages`.execute(world.db)
    expect(after.filter(({ status }) => !['sent', 'failed', 'skipped'].includes(status))).toEqual([])
    const arrived = after.filter(({ status }) => status === 'sent').map(({ key }) => key)
    expect(arrived.sort()).toEqual([...taken].sort())
    expect(new Set(after.flatMap(({ status, code }) => (status === 'failed' ? [code] : [])))).toEqual(
      new Set(['NEVER_ARRIVED']),
    )
    await channel.close()
    await sink.stop()
    await expectInvariants(world.db)
  },
)

/** QuerySendDetails: all that was taken, as delivered. */
function recordsOf(taken: readonly string[]): HttpReply {
  const all = taken.map((OutId) => ({ OutId, SendStatus: 3, ErrCode: 'DELIVERED' }))
  return { body: { Code: 'OK', SmsSendDetailDTOs: { SmsSendDetailDTO: all } } }
}

function lookingUp(endpoint: string, world: World) {
  const keys = { accessKeyId: 'id', accessKeySecret: SMS_SECRET }
  const now = (): number => world.clock.now() + HOUR
  return {
    ...aliyunSmsChannel({ ...keys, sign: 'Shop', templates: {}, endpoint, now }),
    name: 'email',
    can: CAPABILITIES.email,
  } as const
}
