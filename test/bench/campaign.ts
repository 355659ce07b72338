/**
 * `npm run bench -- campaign [members]`: a campaign to so many generated members against the real server and store, by workers that are
 * killed twice in the middle, and the same message by a workflow each. docs/bench.md says how to read it.
 */
import type { ChildProcess } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { sql } from 'kysely'
import { plansOf, readCatalogue } from '../../client/catalogue.ts'
import { startDispatcher } from '../../client/dispatcher.ts'
import { armOf } from '../../domain/experiment.ts'
import { runId } from '../../domain/ids.ts'
import { REAL_TEMPO } from '../../domain/tempo.ts'
import { dispatchCampaign, openCampaignRun } from '../../store/campaigns.ts'
import { type Db, inTransaction, openStore } from '../../store/db.ts'
import { enrol } from '../../store/enrolments.ts'
import { checkInvariants } from '../../store/invariants.ts'
import { migrate } from '../../store/migrate.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { startPostgres } from '../../workers/local/postgres.ts'
import { findTemporal, startTemporal } from '../../workers/local/temporal.ts'
import { quietSdk } from '../quiet-sdk.ts'
import type { CampaignGo } from './campaign-worker.ts'
import { cpuOf, cpuWithChildren, memoryOf, postmasterOf } from './processes.ts'
import { standBy } from '../processes.ts'

const DAY = '2026-11-15'
const ONES = 300
const PROGRAM = new URL('campaign-worker.ts', import.meta.url)
const WORKFLOWS = new URL('workflows/', import.meta.url)

interface Cost {
  perSecond: number
  seconds: number
  serverCpuMs: number
  workerCpuMs: number
  postgresCpuMs: number
}

export interface CampaignResults {
  members: number
  kills: number
  campaign: Cost
  each: Cost
  /** Histories of the campaign, one a run of its workflow, in events. */
  histories: number[]
  /** MB a tenth of the members. */
  workerMb: number[]
  serverMb: number[]
  sent: number
  unknown: number
  arrived: number
  doubled: number
  lost: number
}

interface Stage {
  db: Db
  client: Client
  go: CampaignGo
  serverPid: number
  postmasterPid: number
  say: (line: string) => void
}

/** Runs it in `directory`, and prints and answers what it came to. */
export async function measureCampaign(
  directory: string,
  members: number,
  { say, durable }: { say: (line: string) => void; durable: boolean },
): Promise<CampaignResults> {
  const stops: (() => Promise<unknown>)[] = []
  try {
    const postgres = await startPostgres({ directory: join(directory, 'campaign'), fast: !durable })
    stops.push(postgres.stop)
    const temporal = await startTemporal({
      ...(await findTemporal({ env: process.env, onProgress: say })),
      fast: true,
      uiPort: null,
    })
    stops.push(temporal.stop)
    const db = openStore({ url: postgres.url, onError: () => {} })
    stops.push(() => db.destroy())
    await migrate(db)
    const bundleFile = join(directory, 'campaign-bundle.js')
    await writeFile(bundleFile, await bundleWorkflows(await readCatalogue(WORKFLOWS), { logger: quietSdk }))
    const connection = await Connection.connect({ address: temporal.address })
    stops.push(() => connection.close())
    const client = new Client({ connection })
    const arrived = join(directory, 'arrived')
    const go = {
      url: postgres.url,
      address: temporal.address,
      taskQueue: 'campaigns',
      bundleFile,
      tempo: REAL_TEMPO,
      arrived,
    }
    const postmasterPid = await postmasterOf(postgres.directory)
    const stage: Stage = { db, client, go, serverPid: temporal.pid, postmasterPid, say }
    const dispatcher = startDispatcher({
      db,
      client,
      taskQueue: go.taskQueue,
      tempo: REAL_TEMPO,
      log: { warn: () => {} },
    })
    stops.push(dispatcher.stop)
    say(`making ${members} members`)
    await makeMembers(db, 'M', members)
    await makeMembers(db, 'E', ONES, 'Europe/London')
    await sql`analyze`.execute(db)
    return await measure(stage, members)
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function makeMembers(db: Db, prefix: string, size: number, zone: string | null = null): Promise<void> {
  await sql`
    insert into customers (id, name, email, zone, locale, created_at, updated_at)
    select ${prefix} || lpad(n::text, 8, '0'), 'Member ' || n, ${prefix} || n || '@bench.example', ${zone}::text,
      case n % 3 when 0 then 'zh-CN' when 1 then 'en' end, now(), now() from generate_series(1, ${size}::int) n`.execute(
    db,
  )
  await sql`
    insert into consents (customer, topic, channel, granted, source, at)
    select ${prefix} || lpad(n::text, 8, '0'), 'marketing', 'log', true, 'bench', now() from generate_series(1, ${size}::int) n`.execute(
    db,
  )
}

/** CPU of the server, of the workers, those that were killed too, and of PostgreSQL. */
async function cpus({ serverPid, postmasterPid }: Stage, workers: readonly ChildProcess[], gone: number) {
  const alive = await Promise.all(workers.map(({ pid }) => cpuOf(pid)))
  return [
    await cpuOf(serverPid),
    gone + alive.reduce((sum, one) => sum + one, 0),
    await cpuWithChildren(postmasterPid),
  ] as const
}

function costOf(members: number, seconds: number, before: readonly number[], after: readonly number[]): Cost {
  const [serverCpuMs = 0, workerCpuMs = 0, postgresCpuMs = 0] = after.map(
    (one, index) => (one - (before[index] ?? 0)) / members,
  )
  return { perSecond: members / seconds, seconds, serverCpuMs, workerCpuMs, postgresCpuMs }
}

async function measure(stage: Stage, members: number): Promise<CampaignResults> {
  const { db, go, say, client, serverPid } = stage
  let worker = await standBy(PROGRAM)
  await worker.begin(go)
  const each = await oneByOne(stage, worker.child)
  say(`a workflow each, ${ONES} members: ${each.perSecond.toFixed(1)}/s`)
  let next = await standBy(PROGRAM)
  const before = await cpus(stage, [worker.child], 0)
  const began = performance.now()
  const run = await inTransaction(db, async (tx) => {
    const opened = await openCampaignRun(tx, {
      campaign: 'blast',
      occasion: DAY,
      zone: 'UTC',
      day: DAY,
      begunBy: 'operator',
      now: Date.now(),
    })
    await dispatchCampaign(tx, opened.id)
    return opened.id
  })
  const [workerMb, serverMb]: [number[], number[]] = [[], []]
  const killAt = [0.3, 0.6]
  let gone = 0
  for (;;) {
    const { rows } = await sql<{ status: string; members: number | null }>`
      select r.status, w.members from campaign_runs r left join campaign_waves w on w.run = r.id where r.id = ${run}`.execute(
      db,
    )
    const [row] = rows
    const share = (row?.members ?? 0) / members
    if (share >= (workerMb.length + 1) / 10) {
      workerMb.push(await memoryOf(worker.child.pid))
      serverMb.push(await memoryOf(serverPid))
      say(
        `${Math.round(share * 100)} %: ${Math.round((share * members) / ((performance.now() - began) / 1000))}/s, worker ${workerMb.at(-1)?.toFixed(0)} MB`,
      )
    }
    if (share >= (killAt[0] ?? Infinity)) {
      killAt.shift()
      gone += await cpuOf(worker.child.pid)
      worker.kill()
      say(`killed a worker at ${Math.round(share * 100)} %`)
      worker = next
      await worker.begin(go)
      if (killAt.length > 0) next = await standBy(PROGRAM)
    }
    if (row?.status !== 'running') break
    await pause(100)
  }
  const seconds = (performance.now() - began) / 1000
  const campaign = costOf(members, seconds, before, await cpus(stage, [worker.child], gone))
  worker.kill()
  const results = {
    members,
    kills: 2,
    campaign,
    each,
    workerMb,
    serverMb,
    histories: await historiesOf(client, run),
    ...(await countsOf(stage, members)),
  }
  print(results, say)
  return results
}

/** The same message by a workflow each. */
async function oneByOne(stage: Stage, child: ChildProcess): Promise<Cost> {
  const { db } = stage
  const plan = plansOf(await readCatalogue(WORKFLOWS)).get('blast-one')
  const ids = Array.from({ length: ONES }, (_, index) => `E${String(index + 1).padStart(8, '0')}`)
  const before = await cpus(stage, [child], 0)
  const began = performance.now()
  for (const customer of ids) {
    const arm = armOf('blast-one', customer, plan?.holdout ?? 0)
    const now = Date.now()
    const one = { journey: 'blast-one', customer, occasion: null, arm, begunBy: 'operator', begunSeq: 0 }
    await inTransaction(db, (tx) => enrol(tx, { ...one, startsAt: now, goalUntil: null, now }))
  }
  for (;;) {
    const { rows } = await sql<{ open: number }>`
      select count(*) as open from enrolments where journey = 'blast-one' and status = 'running'`.execute(db)
    if (rows[0]?.open === 0) break
    await pause(50)
  }
  const seconds = (performance.now() - began) / 1000
  const after = await cpus(stage, [child], 0)
  await stage.client.workflow.getHandle(runId({ journey: 'blast-one', customer: ids[0] ?? '' })).describe()
  return costOf(ONES, seconds, before, after)
}

async function historiesOf(client: Client, workflowId: string): Promise<number[]> {
  const lengths: number[] = []
  for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { events = [] } = await client.workflow.getHandle(workflowId, run.runId).fetchHistory()
    lengths.push(events?.length ?? 0)
  }
  return lengths
}

/** Doubled: arrived more than once. Lost: a member to whom nothing went and of whom nobody says that it may have. */
async function countsOf({ db, go }: Stage, members: number) {
  const { rows } = await sql<{ status: string; count: number }>`
    select status, count(*) as count from messages where journey = 'blast' group by status`.execute(db)
  const count = (status: string): number => rows.find((row) => row.status === status)?.count ?? 0
  const lines = (await readFile(go.arrived, 'utf8')).split('\n').filter((key) => key.startsWith('blast/'))
  const arrived = new Set(lines)
  const missing = await notArrived(db, arrived)
  const broken = (await checkInvariants(db)).filter((one) => one.broken > 0)
  if (broken.length > 0) throw new Error(`broken: ${JSON.stringify(broken)}`)
  return {
    sent: count('sent'),
    unknown: count('unknown'),
    arrived: arrived.size,
    doubled: lines.length - arrived.size,
    lost: members - count('sent') - count('unknown') + missing,
  }
}

/** Messages that are said to be sent and are not in the provider's book. */
async function notArrived(db: Db, arrived: ReadonlySet<string>): Promise<number> {
  let missing = 0
  for (let after = ''; ;) {
    const { rows } = await sql<{ key: string }>`
      select key from messages where journey = 'blast' and status = 'sent' and key > ${after} order by key limit 50000`.execute(
      db,
    )
    missing += rows.filter(({ key }) => !arrived.has(key)).length
    if (rows.length === 0) return missing
    after = rows.at(-1)?.key ?? ''
  }
}

function print(results: CampaignResults, say: (line: string) => void): void {
  const { members, kills, campaign, each, histories, workerMb, serverMb } = results
  const line = (title: string, { perSecond, serverCpuMs, workerCpuMs, postgresCpuMs }: Cost): string =>
    `${title}: ${perSecond.toFixed(1)} members/s; CPU ms a member: server ${serverCpuMs.toFixed(3)}, worker ${workerCpuMs.toFixed(3)}, PostgreSQL ${postgresCpuMs.toFixed(3)}`
  const all = ({ serverCpuMs, workerCpuMs, postgresCpuMs }: Cost): number => serverCpuMs + workerCpuMs + postgresCpuMs
  say(`campaign to ${members} members, worker killed ${kills} times, ${campaign.seconds.toFixed(0)} s`)
  say(line('  campaign', campaign))
  say(line('  a workflow each', each))
  say(
    `  a member costs ${(all(each) / all(campaign)).toFixed(0)} times less CPU, and ${(campaign.perSecond / each.perSecond).toFixed(0)} times less time`,
  )
  say(`  histories: ${histories.join(', ')} events`)
  say(
    `  worker MB by tenth: ${workerMb.map((one) => one.toFixed(0)).join(' ')}; server MB: ${serverMb.map((one) => one.toFixed(0)).join(' ')}`,
  )
  say(
    `  sent ${results.sent}, unknown ${results.unknown}, arrived ${results.arrived}, doubled ${results.doubled}, lost ${results.lost}`,
  )
}
