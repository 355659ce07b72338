/** A campaign on the real servers: workers that are killed in the middle, and an operator who pauses, resumes and stops. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, expect, inject, it } from 'vitest'
import { logChannel } from '../../activities/channels/log.ts'
import { type Catalogue, readCatalogue } from '../../client/catalogue.ts'
import { operatorOf } from '../../client/operator.ts'
import { campaignRun } from '../../store/campaigns.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import type { CampaignGo } from '../bench/campaign-worker.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { killAll, standBy } from '../processes.ts'
import { type World, NOON, expectInvariants, openWorld, until } from '../world.ts'

const WORKFLOWS = new URL('../bench/workflows/', import.meta.url)
const PROGRAM = new URL('../bench/campaign-worker.ts', import.meta.url)
const OCCASION = '2026-11-23'

const directory = await mkdtemp(join(tmpdir(), 'perennial-campaign-'))
afterAll(async () => {
  killAll()
  await rm(directory, { recursive: true, force: true })
})

async function opened(more: {
  start: boolean
}): Promise<{ world: World; catalogue: Catalogue; lines: string[]; bundleFile: string }> {
  const catalogue = await readCatalogue(WORKFLOWS)
  const bundle = await bundleWorkflows(catalogue, { logger: quietSdk })
  const bundleFile = join(directory, 'bundle.js')
  await writeFile(bundleFile, bundle)
  const lines: string[] = []
  const channel = logChannel(({ key }) => void lines.push(key))
  return { world: await openWorld({ dayMs: 2_000, catalogue, bundle, channel, ...more }), catalogue, lines, bundleFile }
}

async function members(world: World, prefix: string, size: number, zone = 'UTC'): Promise<void> {
  const at = new Date(NOON)
  await sql`
    insert into customers (id, name, zone, created_at, updated_at)
    select ${prefix} || lpad(n::text, 5, '0'), 'Member ' || n, ${zone}, ${at}, ${at} from generate_series(1, ${size}::int) n`.execute(
    world.db,
  )
  await sql`
    insert into consents (customer, topic, channel, granted, source, at)
    select ${prefix} || lpad(n::text, 5, '0'), 'marketing', 'log', true, 'test', ${at} from generate_series(1, ${size}::int) n`.execute(
    world.db,
  )
}

const idOf = (zone: string): string => `campaign/blast/${OCCASION}/${zone}`

const ended = (world: World, zone: string, status: string): Promise<void> =>
  until(async () => {
    const run = await campaignRun(world.db, idOf(zone))
    return run?.status === status || `${zone} is ${run?.status}`
  })

it('reaches 2,000 members once each while its worker is killed twice', { timeout: 150_000 }, async () => {
  const { world, catalogue, bundleFile } = await opened({ start: false })
  const { db, url, taskQueue, tempo } = world
  await members(world, 'K', 2_000)
  const arrived = join(directory, 'arrived')
  const go = { url, address: inject('temporalAddress'), taskQueue, bundleFile, tempo, arrived } satisfies CampaignGo
  let worker = await standBy(PROGRAM)
  let next = standBy(PROGRAM)
  world.startDispatcher()
  await operatorOf({ ...world, catalogue, shopZone: 'UTC' }).startCampaign({ campaign: 'blast', occasion: OCCASION })
  await worker.begin(go)
  for (const walked of [500, 1_000]) {
    await until(async () => {
      const { rows } = await sql<{ members: number }>`select members from campaign_waves`.execute(db)
      return (rows[0]?.members ?? 0) >= walked || `${rows[0]?.members} walked`
    })
    worker.kill()
    worker = await next
    next = standBy(PROGRAM)
    await worker.begin(go)
  }
  await ended(world, 'UTC', 'completed')
  const lines = (await readFile(arrived, 'utf8')).trim().split('\n')
  const { rows } = await sql<{ key: string; status: string }>`select key, status, code, detail from messages`.execute(
    db,
  )
  const by = (status: string): Set<string> => new Set(rows.filter((row) => row.status === status).map(({ key }) => key))
  const [sent, unknown, given] = [by('sent'), by('unknown'), new Set(lines)]
  expect(rows).toHaveLength(2_000)
  expect(rows.filter(({ status }) => status !== 'sent' && status !== 'unknown')).toEqual([])
  expect(lines.length, 'doubled').toBe(given.size)
  expect([...sent].filter((key) => !given.has(key))).toEqual([])
  expect([...given].filter((key) => !sent.has(key) && !unknown.has(key))).toEqual([])
  expect((await world.historyOf(idOf('UTC'))).length).toBeLessThan(150)
  await expectInvariants(db)
})

it('is held by a pause, goes on when it is resumed, and ends when it is stopped', { timeout: 60_000 }, async () => {
  const { world, catalogue, lines } = await opened({ start: true })
  const operator = operatorOf({ ...world, catalogue, shopZone: 'Asia/Tokyo' })
  await members(world, 'P', 30, 'Asia/Tokyo')
  await operator.pause('blast')
  await operator.startCampaign({ campaign: 'blast', occasion: OCCASION })
  const handle = world.client.workflow.getHandle(idOf('Asia/Tokyo'))
  const waitsFor = (step: string, run = handle): Promise<void> =>
    until(async () => {
      const where = await run.query<{ step: string }>('where').catch(() => undefined)
      return where?.step === step || `it is at ${where?.step}`
    })
  await waitsFor('wave day, paused')
  expect(lines).toEqual([])
  await operator.resume('blast')
  await ended(world, 'Asia/Tokyo', 'completed')
  expect(await handle.result()).toBe('completed')
  expect(lines).toHaveLength(30)

  // Another zone, of which nothing goes before it is stopped.
  await operator.pause('blast')
  await members(world, 'S', 20, 'Asia/Seoul')
  await operator.startCampaign({ campaign: 'blast', occasion: OCCASION })
  const seoul = world.client.workflow.getHandle(idOf('Asia/Seoul'))
  await waitsFor('wave day, paused', seoul)
  expect((await operator.stopCampaign('blast')).handedOver).toMatchObject({ sent: 0 })
  expect(await seoul.result()).toMatch(/stopped|over/)
  await operator.resume('blast')
  expect(lines).toHaveLength(30)
  await expectInvariants(world.db)
})
