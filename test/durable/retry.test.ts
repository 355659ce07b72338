/** Runs that failed are found by step and error, and taken up where they failed. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { type Operator, operatorOf } from '../../client/operator.ts'
import { resetPoint } from '../../client/take-up.ts'
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
  world = await openWorld({ smtpUrl: sink.url, dayMs: 100 })
  const { client } = world
  const temporal = () => Promise.resolve({ client, close: () => Promise.resolve() })
  operator = operatorOf({ ...world, catalogue: await readCatalogue(), shopZone: 'UTC', temporal })
})

const enter = (id: string): Promise<unknown> =>
  world.send({ id: randomUUID(), type: 'customer.registered', customer: person(id) })
const failed = (run: string): Promise<void> =>
  until(async () => (await enrolment(world.db, run))?.status === 'failed' || `${run} has not failed`)
const over = (run: string): Promise<void> =>
  until(async () => (await enrolment(world.db, run))?.status === 'completed' || `${run} is not told`)

/** Takes a message out of the plan that the activities read, so that its send fails for good; answers how to put it back. */
function without(message: string): () => void {
  const plan = world.plans.get('first-order')
  if (!plan) throw new Error('no plan')
  const { [message]: gone, ...copy } = plan.copy
  world.plans.set('first-order', { ...plan, copy })
  return () => void (gone && world.plans.set('first-order', plan))
}

it('goes on after the send that failed: nothing is sent twice, and no wait is waited for again', async () => {
  const restore = without('last')
  await enter('Retry1')
  const run = 'first-order/Retry1'
  await failed(run)
  expect(await operator.steering.failed({ journey: 'first-order', limit: 10 })).toMatchObject([
    {
      id: run,
      step: 'send last',
      code: 'JOURNEY_INVALID',
      reason: expect.stringContaining("no words for 'last'") as string,
    },
  ])
  expect(await operator.steering.failed({ error: 'offer_unknown', limit: 10 })).toEqual([])
  expect(await operator.steering.failed({ error: "words for 'LAST'", step: 'send last', limit: 10 })).toHaveLength(1)
  restore()
  const dry = await operator.steering.retry({ journey: 'first-order', limit: 10, dry: true })
  expect(dry).toEqual({ dry: true, retried: [run], left: [] })
  expect((await enrolment(world.db, run))?.status).toBe('failed')
  const timers = async (): Promise<number> =>
    (await world.historyOf(run)).filter(({ eventType }) => String(eventType) === '17').length
  const before = await timers()
  await operator.steering.retry({ run, limit: 1, by: 'Ann' })
  await over(run)
  await world.client.workflow.getHandle(run).result()
  expect(await timers()).toBe(before)
  const rows = await messagesOf(world.db, { customer: 'Retry1' })
  expect(rows.every(({ status }) => status === 'sent')).toBe(true)
  const mails = sink.taken.filter((mail) => mail.to === 'retry1@mail.example').map((mail) => mail.subject)
  expect(new Set(mails).size).toBe(mails.length)
  expect(mails.at(-1)).toBe('Your ten off ends soon')
  expect(await operator.steering.log({ enrolment: run }, 5)).toMatchObject([
    { word: 'retry', by: 'Ann', detail: { step: 'send last', code: 'JOURNEY_INVALID' } },
  ])
  await expectInvariants(world.db)
})

it('goes on after a local activity that failed', async () => {
  const plan = world.plans.get('order-rewards')
  if (!plan) throw new Error('no plan')
  world.plans.set('order-rewards', { ...plan, points: {} })
  await world.send({
    id: 'o',
    type: 'order.paid',
    customer: person('Retry2'),
    properties: { order: 'O1', amount: 10_000 },
  })
  const run = 'order-rewards/Retry2/O1'
  await failed(run)
  expect(await enrolment(world.db, run)).toMatchObject({ failed_code: 'POINTS_RULE_UNKNOWN' })
  world.plans.set('order-rewards', plan)
  await operator.steering.retry({ journey: 'order-rewards', error: 'POINTS_RULE', limit: 10 })
  await over(run)
  await expectInvariants(world.db)
})

it('leaves alone who reached the goal meanwhile, and says so', async () => {
  const restore = without('last')
  await enter('Retry3')
  await failed('first-order/Retry3')
  restore()
  await sql`update enrolments set goal_until = null where id = 'first-order/Retry3'`.execute(world.db)
  await world.send({
    id: randomUUID(),
    type: 'order.paid',
    customer: 'Retry3',
    properties: { order: 'O9', amount: 100 },
  })
  const left = [{ run: 'first-order/Retry3', why: 'its goal was reached' }]
  expect(await operator.steering.retry({ journey: 'first-order', limit: 10 })).toEqual({
    dry: false,
    retried: [],
    left,
  })
  await expect(operator.steering.retry({ run: 'first-order/nobody', limit: 1 })).rejects.toMatchObject({
    code: 'RUN_UNKNOWN',
  })
})

it('finds the task that ordered what failed', () => {
  const failure = (scheduledEventId: number) => ({ activityFailureInfo: { scheduledEventId } })
  const end = {
    eventId: 20,
    workflowExecutionFailedEventAttributes: { workflowTaskCompletedEventId: 19, failure: failure(12) },
  }
  const send = { eventId: 12, activityTaskScheduledEventAttributes: { workflowTaskCompletedEventId: 11 } }
  const marker = { eventId: 15, markerRecordedEventAttributes: { workflowTaskCompletedEventId: 14, failure: {} } }
  expect(resetPoint([send, end])).toBe(11)
  expect(
    resetPoint([
      marker,
      { ...end, workflowExecutionFailedEventAttributes: { failure: failure(0), workflowTaskCompletedEventId: 19 } },
    ]),
  ).toBe(14)
  expect(resetPoint([{ ...end, workflowExecutionFailedEventAttributes: { workflowTaskCompletedEventId: 19 } }])).toBe(
    19,
  )
  expect(resetPoint([send])).toBeUndefined()
})
