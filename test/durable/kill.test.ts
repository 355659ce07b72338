import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { bucketOf } from '../../domain/experiment.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person } from '../world.ts'
import type { Go } from './worker-process.ts'

const SEED = 'kill-1'
const KILLS = 50
const RUNS = 200
const PROGRAM = fileURLToPath(new URL('./worker-process.ts', import.meta.url))

/** A number from 0 to 1, the same for the same seed and index. */
const drawn = (what: string, index: number): number => bucketOf(SEED, what, String(index)) / 10_000

const alive = new Set<ChildProcess>()

/** A process that has loaded everything and waits; loading takes longer than the life that is ahead of it. */
async function standBy(): Promise<ChildProcess> {
  const child = fork(PROGRAM, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  await said(child, 'loaded')
  return child
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const heard = (message: unknown): void => {
      if (message !== word) return
      child.off('message', heard)
      resolve()
    }
    child.on('message', heard)
    child.once('exit', (code, signal) => reject(new Error(`the worker ended by itself: ${code ?? signal}`)))
  })
}

let sink: Sink
let world: World

beforeAll(async () => {
  sink = await startSink()
  world = await openWorld({ smtpUrl: sink.url, dayMs: 1_500, start: false })
  afterAll(async () => {
    for (const child of alive) child.kill('SIGKILL')
    await sink.stop()
  })
})

it(
  `survives ${KILLS} kill -9 of the worker over ${RUNS} runs: no coupon twice, no mail twice, none lost`,
  { timeout: 280_000 },
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
    let next = standBy()
    let registered = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const worker = await next
      worker.send(go)
      await said(worker, 'working')
      next = standBy()
      while (registered < (RUNS * (kill + 1)) / KILLS) {
        registered += 1
        const id = `V${registered}`
        await world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
      }
      await pause(100 + 600 * drawn('life', kill))
      worker.removeAllListeners('exit')
      worker.kill('SIGKILL')
      alive.delete(worker)
    }
    const last = await next
    last.send(go)
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
