import { sql } from 'kysely'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld } from '../world.ts'
import { killAll } from '../processes.ts'
import { killWorkers } from './killing.ts'
import type { Go } from './worker-process.ts'

const SEED = 'kill-1'
const KILLS = 50
const RUNS = 200

let sink: Sink
let world: World

beforeAll(async () => {
  sink = await startSink()
  world = await openWorld({ smtpUrl: sink.url, dayMs: 1_500, start: false, only: ['first-order'] })
  afterAll(async () => {
    killAll()
    await sink.stop()
  })
})

it(
  `survives ${KILLS} kill -9 of the worker over ${RUNS} runs: no coupon twice, no mail twice, none lost`,
  { timeout: 600_000 },
  async () => {
    world.startDispatcher()
    const go: Go = {
      url: world.url,
      address: inject('temporalAddress'),
      taskQueue: world.taskQueue,
      bundleFile: inject('bundleFile'),
      smtpUrl: sink.url,
      tempo: world.tempo,
    }
    await killWorkers(world, { go, kills: KILLS, runs: RUNS, seed: SEED })
    await world.settled(120_000)
    await expectNothingTwiceNothingLost()
    await expectInvariants(world.db)
  },
)

async function expectNothingTwiceNothingLost(): Promise<void> {
  const { rows: runs } = await sql<{ status: string; count: number }>`
    select status, count(*) as count from enrolments group by status`.execute(world.db)
  expect(runs).toEqual([{ status: 'completed', count: RUNS }])
  const { rows: coupons } = await sql`select enrolment from coupons group by enrolment having count(*) = 1`.execute(
    world.db,
  )
  expect(coupons).toHaveLength(RUNS)

  const { rows: messages } = await sql<{ message_id: string; message: string; status: string; enrolment: string }>`
    select message_id, message, status, enrolment from messages`.execute(world.db)
  const arrived = sink.taken.map((mail) => mail.messageId)
  expect(arrived.length).toBe(new Set(arrived).size)
  const by = (status: string): string[] => messages.filter((row) => row.status === status).map((row) => row.message_id)
  const [sent, unknown] = [new Set(by('sent')), new Set(by('unknown'))]
  console.info(
    `${RUNS} runs, ${KILLS} kills: ${arrived.length} mails arrived, ${sent.size} sent, ${unknown.size} of unknown fate, ${[...unknown].filter((id) => arrived.includes(id)).length} of them arrived`,
  )
  // What is not surely sent is listed as unknown, and nothing is in between.
  expect(sent.size + unknown.size).toBe(messages.length)
  expect([...sent].filter((id) => !arrived.includes(id))).toEqual([])
  expect(arrived.filter((id) => !sent.has(id) && !unknown.has(id))).toEqual([])
  // Every run has its welcome and its last mail, and one that is in the arm its saving mail.
  for (const message of ['welcome', 'last'])
    expect(messages.filter((row) => row.message === message)).toHaveLength(RUNS)
}
