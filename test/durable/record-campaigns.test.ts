/** Records the histories of the campaigns, one a way through each; replay.test.ts replays them. Only when asked: npm run histories. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { logChannel } from '../../activities/channels/log.ts'
import { readCatalogue } from '../../client/catalogue.ts'
import { type Operator, operatorOf } from '../../client/operator.ts'
import { campaignRun } from '../../store/campaigns.ts'
import { type World, NOON, openWorld, until } from '../world.ts'

const FOLDER = new URL('../histories/', import.meta.url)

async function save(world: World, campaign: string, name: string, run: string): Promise<void> {
  const file = new URL(`${campaign}/${name}.json`, FOLDER)
  if (existsSync(file)) return
  const handle = world.client.workflow.getHandle(run)
  await handle.result()
  const record = { workflowId: run, history: JSON.parse(historyToJSON(await handle.fetchHistory())) as object }
  await mkdir(new URL(`${campaign}/`, FOLDER), { recursive: true })
  await writeFile(file, `${JSON.stringify(record, null, 1)}\n`)
}

async function people(world: World): Promise<void> {
  const at = new Date(NOON)
  await sql`
    insert into customers (id, name, email, zone, created_at, updated_at)
    select 'R' || n, 'Member ' || n, 'r' || n || '@mail.example', 'UTC', ${at}, ${at} from generate_series(1, 20) n`.execute(
    world.db,
  )
  await sql`
    insert into consents (customer, topic, channel, granted, source, at)
    select 'R' || n, 'marketing', 'email', true, 'test', ${at} from generate_series(1, 20) n`.execute(world.db)
}

/** Begins one for the day that is `days` ahead of the shop's; answers the run. */
async function begin(operator: Operator, world: World, campaign: string, days: number): Promise<string> {
  const occasion = new Date(world.clock.now() + days * 86_400_000).toISOString().slice(0, 10)
  const { begun } = await operator.startCampaign({ campaign, occasion })
  expect(begun).toHaveLength(1)
  return begun[0] ?? ''
}

const atStep = (world: World, run: string, step: RegExp): Promise<void> =>
  until(async () => {
    const where = await world.client.workflow
      .getHandle(run)
      .query<{ step: string }>('where')
      .catch(() => undefined)
    return step.test(where?.step ?? '') || `it is at ${where?.step}`
  })

it.runIf(process.env['RECORD_HISTORIES'] === '1')(
  'records campaigns that were told, paused and stopped (only when asked: npm run histories)',
  async () => {
    const channel = { ...logChannel(() => {}), name: 'email' as const }
    const world = await openWorld({ dayMs: 2_500, channel })
    const operator = operatorOf({ ...world, catalogue: await readCatalogue(), shopZone: 'UTC' })
    await people(world)
    const [day, festival] = [
      await begin(operator, world, 'member-day', 4),
      await begin(operator, world, 'festival-teaser', 15),
    ]
    const another = await begin(operator, world, 'member-day', 6)
    await atStep(world, another, /wave day/)
    await operator.pause('member-day')
    await atStep(world, another, /wave day, paused/)
    await operator.resume('member-day')
    const stopped = await begin(operator, world, 'member-day', 30)
    await until(async () => (await campaignRun(world.db, another))?.status === 'completed' || 'not told yet', 60_000)
    await atStep(world, stopped, /wave teaser/)
    await save(world, 'member-day', 'told', day)
    await save(world, 'member-day', 'paused', another)
    await until(async () => (await campaignRun(world.db, festival))?.status === 'completed' || 'not told yet', 60_000)
    await save(world, 'festival-teaser', 'told', festival)
    await operator.stopCampaign('member-day')
    await save(world, 'member-day', 'stopped', stopped)
  },
  150_000,
)
