/** Runs that go on as runs of another journey, and runs that are stopped with their clean-up, on the real servers. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { type Operator, operatorOf } from '../../client/operator.ts'
import { enrolment } from '../../store/enrolments.ts'
import { ledgerOf } from '../../store/ledger.ts'
import { bundleWorkflows } from '../../workers/bundle.ts'
import { quietSdk } from '../quiet-sdk.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

const FIXTURES = new URL('../fixtures/workflows/', import.meta.url)
let sink: Sink
let world: World
let operator: Operator

async function open(dayMs: number, folder?: URL): Promise<{ world: World; operator: Operator }> {
  const catalogue = await readCatalogue(folder)
  const bundle = folder && (await bundleWorkflows(catalogue, { folder, logger: quietSdk }))
  const opened = await openWorld({ smtpUrl: sink.url, dayMs, catalogue, ...(bundle && { bundle }) })
  const { client } = opened
  const temporal = () => Promise.resolve({ client, close: () => Promise.resolve() })
  return { world: opened, operator: operatorOf({ ...opened, catalogue, shopZone: 'UTC', temporal }) }
}

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  ;({ world, operator } = await open(3_000, FIXTURES))
})

const enter = (id: string, type = 'trial.began', properties = {}): Promise<unknown> =>
  world.send({ id: randomUUID(), type, customer: person(id), properties })

const subjects = (id: string): string[] =>
  sink.taken.filter((mail) => mail.to === `${id.toLowerCase()}@mail.example`).map((mail) => mail.subject)

const ended = (run: string): Promise<void> =>
  until(async () => (await enrolment(world.db, run))?.status !== 'running' || `${run} is on`)

it('moves those at a step, once, and says who stays and why', async () => {
  await Promise.all([enter('A1'), enter('A2'), enter('A3')])
  // One whose mail is held is at another step than the two who wait.
  await sql`
    insert into messages (key, enrolment, journey, message, customer, channel, class, topic, status, code, message_id, created_at)
    values ('one-mail/A3/send/hello', 'one-mail/A3', 'one-mail', 'hello', 'A3', 'email', 'marketing', 'marketing', 'held',
      'QUIET_HOURS', '<a3>', ${new Date(world.clock.now())})`.execute(world.db)
  await sql`
    insert into message_states (message, status, code, at) select key, status, code, created_at from messages`.execute(
    world.db,
  )
  const asked = { from: 'one-mail', to: 'one-mail-2', at: 'wait 1 day' }
  const before = { on: 3, moved: 2, stays: [{ why: "it is at 'send hello'", runs: 1 }] }
  const dry = () => operator.steering.migrate({ ...asked, dry: true })
  await until(async () => (await dry()).moved === 2 || 'not all wait yet')
  expect(await dry()).toMatchObject(before)
  expect(await operator.steering.migrate({ ...asked, limit: 1, by: 'Ann' })).toMatchObject({ on: 3, moved: 1 })
  expect(await operator.steering.migrate({ ...asked, by: 'Ann' })).toMatchObject({ on: 2, moved: 1 })
  expect(await operator.steering.migrate({ ...asked })).toMatchObject({ on: 1, moved: 0 })
  const old = await enrolment(world.db, 'one-mail/A1')
  expect(old).toMatchObject({ status: 'exited', reason: 'migrated' })
  expect(await enrolment(world.db, 'one-mail-2/A1')).toMatchObject({
    arm: old?.arm,
    begun_by: 'migrated from one-mail/A1',
    migrated_from: 'one-mail/A1',
  })
  await Promise.all(['A1', 'A2'].map((id) => ended(`one-mail-2/${id}`)))
  expect([...subjects('A1'), ...subjects('A2')]).toEqual(['Hello', 'Hello again', 'Hello', 'Hello again'])
  expect(await operator.steering.log({ journey: 'one-mail' }, 1)).toMatchObject([
    { word: 'migrate', by: 'Ann', detail: { to: 'one-mail-2', moved: 1 } },
  ])
  await operator.stop('one-mail/A3')
})

it('gives nothing again that the old run gave: of the same message there is one', async () => {
  await enter('B1')
  await until(async () => (await enrolment(world.db, 'one-mail/B1')) !== undefined || 'not in')
  await sql`
    insert into messages (key, enrolment, journey, message, customer, channel, class, topic, status, message_id, created_at,
      reserved_at, sent_at)
    select 'one-mail/B1/send/hello', id, journey, 'hello', customer, 'email', 'marketing', 'marketing', 'sent', '<b1>', entered_at,
      entered_at, entered_at from enrolments where id = 'one-mail/B1'`.execute(world.db)
  await sql`insert into message_states (message, status, at) select key, status, sent_at from messages where customer = 'B1'`.execute(
    world.db,
  )
  await sql`
    insert into exposures (message, enrolment, journey, customer, arm, at)
    select key, enrolment, journey, customer, 'treated', sent_at from messages where customer = 'B1'`.execute(world.db)
  expect(await operator.steering.migrate({ from: 'one-mail', to: 'one-mail-2' })).toMatchObject({ moved: 1 })
  await ended('one-mail-2/B1')
  expect(subjects('B1')).toEqual(['Hello again'])
  expect((await operator.why('B1')).lines.map(({ code }) => code)).toContain('HAD_BEFORE')
  await expectInvariants(world.db)
})

it('refuses journeys that tell their runs apart otherwise, and one to itself', async () => {
  for (const to of ['cart-clock', 'one-mail'])
    await expect(operator.steering.migrate({ from: 'one-mail', to })).rejects.toMatchObject({
      code: 'MIGRATION_INVALID',
    })
  await expect(operator.steering.migrate({ from: 'one-mail', to: 'nothing' })).rejects.toMatchObject({
    code: 'JOURNEY_UNKNOWN',
  })
})

it('lists open runs by their step, known from the store or asked of the workflow', async () => {
  await Promise.all([enter('C1'), enter('C2', 'cart.created', { cart: 'K1' })])
  const at = async (journey: string, step: string): Promise<string[]> =>
    (await operator.steering.runs({ journey, step, limit: 50 })).runs.map(({ id }) => id)
  await until(async () => (await at('cart-clock', 'wait for checkout.begun')).length === 1 || 'not there yet')
  await until(async () => (await at('one-mail', 'wait 1 day')).includes('one-mail/C1') || 'not there yet')
  expect(await at('one-mail', 'send hello')).toEqual([])
  await Promise.all(['one-mail/C1', 'cart-clock/C2/K1'].map((run) => operator.stop(run)))
})

it('a stop takes back what the plan takes back only where it is told to, and counts what was given', async () => {
  const shop = await open(60_000)
  const { db } = shop.world
  const order = (id: string): Promise<unknown> =>
    shop.world.send({
      id: `${id}-o`,
      type: 'order.paid',
      customer: person(id),
      properties: { order: 'O1', amount: 299_00 },
    })
  const points = async (id: string): Promise<string[]> =>
    (await ledgerOf(db, id)).filter(({ unit }) => unit === 'points').map(({ kind }) => kind)
  await Promise.all(['mig-kept', 'mig-taken'].map(order))
  for (const id of ['mig-kept', 'mig-taken'])
    await until(async () => (await ledgerOf(db, id)).length >= 2 || `${id} has nothing`)
  const handed = { messages: 0, coupons: 0, points: 299, growth: 299 }
  expect(await shop.operator.stop('order-rewards/mig-kept/O1')).toMatchObject({ stopped: true, cleanUp: false, handed })
  const stopped = await shop.operator.stopJourney('order-rewards', { cleanUp: true, by: 'Ann' })
  expect(stopped).toMatchObject({ stopped: 1, cleanUp: true, handed })
  await until(async () => (await points('mig-taken')).includes('void') || 'nothing is taken back')
  for (const id of ['mig-kept', 'mig-taken'])
    await shop.world.client.workflow.getHandle(`order-rewards/${id}/O1`).result()
  expect(await points('mig-kept')).toEqual(['earn'])
  expect(await points('mig-taken')).toEqual(['earn', 'void'])
  expect(await shop.operator.steering.log({ journey: 'order-rewards' }, 5)).toMatchObject([{ word: 'stop', by: 'Ann' }])
  await expectInvariants(db)
})
