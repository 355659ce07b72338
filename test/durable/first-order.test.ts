import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { acceptEvent } from '../../store/events.ts'
import { enrolment } from '../../store/enrolments.ts'
import { messagesOf } from '../../store/messages.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { type World, asEvent, expectInvariants, openWorld, person, until } from '../world.ts'

let sink: Sink
let world: World

beforeAll(async () => {
  sink = await startSink()
  afterAll(() => sink.stop())
  world = await openWorld({ smtpUrl: sink.url, dayMs: 400, only: ['first-order'] })
})

const mailsTo = (id: string): string[] =>
  sink.taken.filter((mail) => mail.to.startsWith(`${id.toLowerCase()}@`)).map((mail) => mail.subject)
const registered = (id: string): Promise<unknown> =>
  world.send({ id: `${id}-registered`, type: 'customer.registered', customer: person(id) })
const paid = (id: string): Promise<unknown> => world.send({ id: `${id}-paid`, type: 'order.paid', customer: id })
const ended = (run: string): Promise<void> =>
  until(async () => (await enrolment(world.db, run))?.status !== 'running' || `${run} is still on`)
const sentTo = (id: string, count: number): Promise<void> =>
  until(async () => mailsTo(id).length >= count || `${id} has ${mailsTo(id).length} mails`)
const workflowClosed = (run: string): Promise<void> =>
  until(
    async () =>
      (await world.client.workflow.getHandle(run).describe()).status.name === 'COMPLETED' ||
      `${run} is open in Temporal`,
  )

it('goes its whole way: coupon, mails, outcome', async () => {
  await registered('C1')
  await ended('first-order/C1')
  const { rows } = await sql<{
    code: string
    offer: string
  }>`select code, offer from coupons where customer = 'C1'`.execute(world.db)
  expect(rows).toEqual([{ code: expect.stringMatching(/^[2-9A-HJ-NP-Z]{12}$/) as string, offer: 'first-order-10' }])
  const messages = await messagesOf(world.db, { customer: 'C1' })
  expect(messages.every((message) => message.status === 'sent')).toBe(true)
  expect(mailsTo('C1')).toEqual(
    messages.length === 3
      ? ['Ten off your first order', 'Still ten off', 'Your ten off ends soon']
      : ['Ten off your first order', 'Your ten off ends soon'],
  )
  expect((await enrolment(world.db, 'first-order/C1'))?.status).toBe('completed')
})

it('a cart, then a paid order in the middle of a wait: over at once, and no mail after it', async () => {
  await registered('C2')
  await sentTo('C2', 1)
  await world.send({ id: 'C2-cart', type: 'cart.added', customer: 'C2' })
  await paid('C2')
  const before = mailsTo('C2').length
  await workflowClosed('first-order/C2')
  const run = await enrolment(world.db, 'first-order/C2')
  expect(run).toMatchObject({ status: 'goal', reason: 'order.paid' })
  expect(run?.goal_at).toEqual(run?.ended_at)
  expect(mailsTo('C2').length).toBe(before)
})

it('a paid order that arrives while the worker is down counts when it is back', async () => {
  await registered('C3')
  await sentTo('C3', 1)
  await world.stopWorker()
  await paid('C3')
  expect((await enrolment(world.db, 'first-order/C3'))?.status).toBe('goal')
  await world.startWorker()
  await workflowClosed('first-order/C3')
  expect(mailsTo('C3')).toEqual(['Ten off your first order'])
})

it('a cart 1 ms before the deadline is in time, 1 ms after it is not', async () => {
  for (const [id, offset] of [
    ['C4', -1],
    ['C5', 1],
  ] as const) {
    await registered(id)
    await sentTo(id, 1)
    const key = `first-order/${id}/wait/1`
    const wait = async (): Promise<{ deadline: Date; open: boolean; taken_seq: number | null } | undefined> =>
      (
        await sql<{
          deadline: Date
          open: boolean
          taken_seq: number | null
        }>`select * from waits where key = ${key}`.execute(world.db)
      ).rows[0]
    await until(async () => (await wait()) !== undefined || `${id} does not wait yet`)
    const deadline = (await wait())!.deadline.getTime()
    await acceptEvent(world.db, asEvent({ id: `${id}-cart`, type: 'cart.added', customer: id }), {
      plans: [...world.plans.values()],
      now: () => deadline + offset,
    })
    await ended(`first-order/${id}`)
    expect(await wait()).toMatchObject({ open: false, taken_seq: offset < 0 ? (expect.any(Number) as number) : null })
  }
})

it('orders paid at the very moment of a timer never leave a mail after them', async () => {
  const ids = Array.from({ length: 24 }, (_, index) => `R${index}`)
  await Promise.all(ids.map(registered))
  // The last wait of each run is due two days after its saving mail; each order aims at it, a little early or late.
  await Promise.all(
    ids.map(async (id, index) => {
      await until(async () => {
        const { rows } = await sql<{
          deadline: Date
        }>`select deadline from waits where enrolment = ${`first-order/${id}`}`.execute(world.db)
        const due = (rows[0]?.deadline.getTime() ?? Infinity) + 2 * 86_400_000
        return world.clock.now() >= due + (index - 12) * 400_000 || 'not yet due'
      })
      await paid(id)
    }),
  )
  await world.settled()
  const { rows } = await sql<{ key: string }>`
    select m.key from messages m join enrolments e on e.id = m.enrolment where m.reserved_at > e.goal_at`.execute(
    world.db,
  )
  expect(rows).toEqual([])
  await expectInvariants(world.db)
})
