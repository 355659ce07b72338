/** Records the histories of carts, checkouts, newcomers, what runs out and who sleeps; replay.test.ts replays them. Only when asked: npm run histories. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { sql } from 'kysely'
import { it } from 'vitest'
import { logChannel } from '../../activities/channels/log.ts'
import { enrolment } from '../../store/enrolments.ts'
import { type World, NOON, openWorld, person, until } from '../world.ts'

const FOLDER = new URL('../histories/', import.meta.url)
const DAY = 86_400_000

async function save(world: World, name: string, run: string): Promise<void> {
  const journey = run.split('/')[0] ?? ''
  const file = new URL(`${journey}/${name}.json`, FOLDER)
  if (existsSync(file)) return
  await until(async () => (await enrolment(world.db, run))?.status !== 'running' || `${run} is on`, 60_000)
  const handle = world.client.workflow.getHandle(run)
  await handle.result()
  const record = { workflowId: run, history: JSON.parse(historyToJSON(await handle.fetchHistory())) as object }
  await mkdir(new URL(`${journey}/`, FOLDER), { recursive: true })
  await writeFile(file, `${JSON.stringify(record, null, 1)}\n`)
}

/** What a night would have reckoned. */
const reckon = (world: World, id: string, stage: 'active' | 'dormant', m: number) =>
  sql`insert into standings (customer, stage, r, f, m, segment, orders, year_orders, year_spent, first_paid_at, last_paid_at,
        gap_days, cycles, as_of, stage_since)
      values (${id}, ${stage}, 1, 3, ${m}, 'test', 5, 5, 90000, ${new Date(NOON - 300 * DAY)}, ${new Date(NOON - 100 * DAY)},
        40, '{"tea": 10}', ${new Date(NOON)}, ${new Date(NOON)})`.execute(world.db)

const stands = (world: World, run: string, messages: number): Promise<void> =>
  until(async () => {
    await until(async () => {
      const last = sql<{
        granted: boolean
      }>`select granted from consents where customer = 'sleeper' order by id desc limit 1`
      return (await last.execute(world.db)).rows[0]?.granted === false || 'consent is not withdrawn'
    }, 60_000)
  }, 150_000)
