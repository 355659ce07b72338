/** Journeys of an audience on the real servers: begun by an entry, ended in their wait by who falls out, once an entry. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { audienceDesk } from '../../client/audiences.ts'
import { UPKEEP_WORKFLOW, readCatalogue } from '../../client/catalogue.ts'
import { UPKEEP_ID } from '../../domain/ids.ts'
import { enrolment } from '../../store/enrolments.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { rowsOf } from '../store/given.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

const FIXTURES = new URL('../fixtures/workflows/', import.meta.url)
let sink: Sink
let world: World

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  const catalogue = await readCatalogue(FIXTURES)
  const bundle = await bundleWorkflows(catalogue, { folder: FIXTURES, logger: quietSdk })
  world = await openWorld({ smtpUrl: sink.url, dayMs: 1_000, catalogue, bundle })
})

const subjectsOf = (id: string): string[] =>
  sink.taken.filter(({ to }) => to === `${id.toLowerCase()}@mail.example`).map(({ subject }) => subject)
const mails = (id: string, count: number): Promise<void> =>
  until(async () => subjectsOf(id).length >= count || `${id} has ${subjectsOf(id).length} mails`)
const isNow = (run: string, status: string): Promise<void> =>
  until(async () => {
    const found = await enrolment(world.db, run)
    return found?.status === status || `${run} is ${found?.status}`
  })

it('a journey begins with an entry, ends with the customer falling out, and begins anew with the next', async () => {
  const audiences = audienceDesk({ ...world, plans: [...world.plans.values()], shopZone: 'UTC' })
  await audiences.set({ name: 'vips', filter: { tag: 'vip' }, by: 'eve' })
  await world.send({ id: 'V1-1', type: 'customer.registered', customer: person('V1', { tags: ['vip'] }) })
  await mails('V1', 1)
  await world.send({ id: 'V1-2', type: 'profile.updated', customer: { id: 'V1', tags: [] } })
  await isNow('vip-hello/V1/vips.1', 'exited')
  await world.client.workflow.getHandle('vip-hello/V1/vips.1').result()
  await world.send({ id: 'V1-3', type: 'profile.updated', customer: { id: 'V1', tags: ['vip'] } })
  await mails('V1', 2)
  expect(subjectsOf('V1')).toEqual(['You are one of our best', 'You are one of our best'])
  await isNow('vip-hello/V1/vips.2', 'running')
})

it('whoever comes in as time passes is found by the upkeep, once, and the journey begins', async () => {
  const audiences = audienceDesk({ ...world, plans: [...world.plans.values()], shopZone: 'UTC' })
  const quiet = { event: 'page.viewed', within: '2 days', atMost: 0 } as const
  await audiences.set({ name: 'vips', filter: { all: [{ tag: 'silent' }, quiet] }, by: 'eve' })
  await isNow('vip-hello/V1/vips.2', 'running')
  await world.send({ id: 'V2-1', type: 'page.viewed', customer: person('V2', { tags: ['silent'] }) })
  expect(await rowsOf(world.db, `select 1 from audience_members where customer = 'V2'`)).toEqual([])
  await until(async () => {
    const args = [{ tempo: world.tempo }]
    const workflowId = `${UPKEEP_ID}-${world.taskQueue}`
    await world.client.workflow.execute(UPKEEP_WORKFLOW, { args, workflowId, taskQueue: world.taskQueue })
    return subjectsOf('V2').length === 1 || 'V2 has no mail yet'
  })
  expect(await enrolment(world.db, 'vip-hello/V2/vips.1')).toMatchObject({ status: 'running' })
  expect(await rowsOf(world.db, `select id from events where customer = 'V2' and type like 'audience.%'`)).toEqual([
    { id: 'audience/vips/V2/1/entered' },
  ])
  await expectInvariants(world.db)
})
