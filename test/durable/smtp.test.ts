import { afterAll, beforeAll, expect, it } from 'vitest'
import { enrolment } from '../../store/enrolments.ts'
import { type MessageRow, messagesOf } from '../../store/messages.ts'
import { type Reply, type Sink, startSink } from '../smtp-sink.ts'
import { type World, expectInvariants, openWorld, person, until } from '../world.ts'

let sink: Sink
let world: World

/** The address says how the server behaves to it. */
function answer(to: string, before: number): Reply {
  if (to.startsWith('later')) return before < 2 ? 421 : 'accept'
  if (to.startsWith('busy')) return before < 2 ? 451 : 'accept'
  if (to.startsWith('never')) return 550
  if (to.startsWith('drop')) return before === 0 ? 'drop' : 'accept'
  return 'accept'
}

beforeAll(async () => {
  sink = await startSink(answer)
  afterAll(() => sink.stop())
  world = await openWorld({ smtpUrl: sink.url, dayMs: 150, only: ['first-order'] })
})

const enter = (id: string): Promise<unknown> =>
  world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
const welcome = async (id: string): Promise<MessageRow | undefined> =>
  (await messagesOf(world.db, { customer: id })).find((message) => message.message === 'welcome')
const arrived = (id: string): string[] =>
  sink.taken.filter((mail) => mail.to === `${id.toLowerCase()}@mail.example`).map((mail) => mail.subject)

it.each(['later', 'busy'])('%s: refused for a moment twice, then taken: one mail', async (id) => {
  await enter(id)
  await world.settled()
  expect(await welcome(id)).toMatchObject({ status: 'sent', attempts: 3 })
  expect(arrived(id).filter((subject) => subject === 'Ten off your first order')).toHaveLength(1)
})

it('550: failed with a reason, and the run goes on', async () => {
  await enter('never')
  await world.settled()
  expect(await welcome('never')).toMatchObject({ status: 'failed', code: 'PROVIDER_REFUSED', attempts: 1 })
  expect((await welcome('never'))?.detail).toContain('550')
  expect(await enrolment(world.db, 'first-order/never')).toMatchObject({ status: 'completed' })
})

it('a connection that dies after the whole mail was read: unknown, said so, not repeated', async () => {
  await enter('drop')
  await world.settled()
  expect(await welcome('drop')).toMatchObject({ status: 'unknown', code: 'SEND_FATE_UNKNOWN', attempts: 1 })
  expect(arrived('drop')).not.toContain('Ten off your first order')
  expect(arrived('drop').length).toBeGreaterThan(0)
})

it('a server that is down for a while: nothing lost, nothing twice', async () => {
  const ids = Array.from({ length: 10 }, (_, index) => `down${index}`)
  const port = Number(new URL(sink.url).port)
  await sink.stop()
  await Promise.all(ids.map(enter))
  await until(
    async () => (await Promise.all(ids.map(welcome))).every((row) => row?.status === 'reserved') || 'not all put off',
  )
  const again = await startSink(answer, port)
  afterAll(() => again.stop())
  await world.settled()
  for (const id of ids) {
    const sent = (await messagesOf(world.db, { customer: id })).filter((row) => row.status === 'sent')
    const got = again.taken.filter((mail) => mail.to === `${id}@mail.example`)
    expect(got.map((mail) => mail.messageId).sort()).toEqual(sent.map((row) => row.message_id).sort())
    expect(sent.map((row) => row.message)).toContain('welcome')
  }
  await expectInvariants(world.db)
})
