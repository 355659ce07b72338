import { afterAll, beforeAll, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { type Operator, operatorOf } from '../../client/operator.ts'
import { enrolment } from '../../store/enrolments.ts'
import { messagesOf } from '../../store/messages.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

let sink: Sink
let world: World
let operator: Operator

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  // The one journey alone: others begin with a registration too.
  const catalogue = new Map([...(await readCatalogue())].filter(([name]) => name === 'first-order'))
  world = await openWorld({ smtpUrl: sink.url, dayMs: 200, catalogue })
  operator = operatorOf({ ...world, catalogue, shopZone: 'UTC' })
})

const enter = (id: string): Promise<unknown> =>
  world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })

it('a paused journey drops nobody: its runs hold before their next effect, and go on when it is resumed', async () => {
  await operator.pause('first-order')
  const ids = ['P1', 'P2', 'P3']
  await Promise.all(ids.map(enter))
  const where = (id: string): Promise<{ step: string }> =>
    world.client.workflow.getHandle(`first-order/${id}`).query('where')
  for (const id of ids) {
    await until(
      async () =>
        (await where(id).then(
          (at) => at.step,
          () => 'unknown',
        )) === 'issue first-order-10, held: PAUSED' || `${id} does not hold`,
    )
    expect(await enrolment(world.db, `first-order/${id}`)).toMatchObject({ status: 'running' })
  }
  expect(sink.taken).toEqual([])
  expect(await operator.resume('first-order')).toMatchObject({ changed: true, woken: 3 })
  await world.settled()
  for (const id of ids)
    expect((await messagesOf(world.db, { customer: id })).map((row) => row.status)).not.toContain('held')
  await expectInvariants(world.db)
})

it('a pause in the middle of a run holds its next mail', async () => {
  await enter('M1')
  await until(async () => sink.taken.some((mail) => mail.to === 'm1@mail.example') || 'no welcome yet')
  await operator.pause('first-order')
  // The wait before it came due meanwhile: whether it is lengthened is said by the resume.
  await until(async () => {
    const { held } = await operator.steering.backlog('first-order')
    return held[0]?.step === 'wait for cart.added' || 'nothing holds'
  })
  const held = sink.taken.length
  await operator.resume('first-order')
  await world.settled()
  expect(sink.taken.length).toBeGreaterThan(held)
  expect(await enrolment(world.db, 'first-order/M1')).toMatchObject({ status: 'completed' })
})

it('a stopped run ends at once, in the store and in Temporal', async () => {
  await enter('S1')
  const run = 'first-order/S1'
  await until(async () => sink.taken.some((mail) => mail.to === 's1@mail.example') || 'no welcome yet')
  await operator.stop(run)
  await world.client.workflow.getHandle(run).result()
  expect(sink.taken.filter((mail) => mail.to === 's1@mail.example')).toHaveLength(1)
  await expectInvariants(world.db)
})
