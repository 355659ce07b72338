/** The queues of the channels on a real server: what goes where, and how fast. */
import { expect, it } from 'vitest'
import { setConsent } from '../../store/customers.ts'
import { messagesOf } from '../../store/messages.ts'
import { provider } from '../activities/given.ts'
import { NOON, expectInvariants, openWorld, person, until } from '../world.ts'

it('a message goes by the queue of the channel that carries it, also when another queue was asked first', async () => {
  const mail = provider()
  const sms = { ...provider(), name: 'sms' as const }
  // Whatever is asked to go by e-mail is carried by the other; each has a queue and a worker of its own.
  const world = await openWorld({
    dayMs: 100,
    channels: new Map([
      ['email', sms],
      ['log', mail],
    ]),
  })
  await world.send({ id: 'moved-known', type: 'profile.changed', customer: person('moved') })
  await setConsent(world.db, {
    customer: 'moved',
    topic: 'marketing',
    channel: 'sms',
    granted: true,
    source: 'test',
    now: NOON - 1,
  })
  await world.send({ id: 'moved-in', type: 'customer.registered', customer: person('moved') })
  await world.settled()
  const messages = await messagesOf(world.db, { customer: 'moved' })
  expect(messages.map(({ status, attempts }) => [status, attempts])).toContainEqual(['sent', 2])
  expect(mail.calls).toEqual([])
  expect(new Set(sms.calls.map(({ key }) => key)).size).toBe(sms.calls.length)
  const { events } = { events: await world.historyOf('first-order/moved') }
  const queues = events.flatMap((event) => {
    const { activityTaskScheduledEventAttributes: ordered } = event as { activityTaskScheduledEventAttributes?: object }
    return ordered ? [(ordered as { taskQueue: { name: string } }).taskQueue.name.replace(world.taskQueue, '')] : []
  })
  expect(queues.slice(0, 2)).toEqual(['/email', '/sms'])
  await expectInvariants(world.db)
})

it('the server hands out no more a second than the rate of the channel', async () => {
  const times: number[] = []
  const mail = provider()
  const timed = {
    ...mail,
    async send(...words: Parameters<typeof mail.send>) {
      times.push(performance.now())
      return mail.send(...words)
    },
  }
  const world = await openWorld({ dayMs: 60_000, channel: timed, rates: new Map([['email', 10]]) })
  const ids = Array.from({ length: 30 }, (_, index) => `paced${index}`)
  for (const id of ids) await world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
  await until(async () => times.length >= ids.length || `${times.length} of ${ids.length}`)
  const took = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
  console.info(`${ids.length} messages at 10 a second took ${took.toFixed(1)} s`)
  // A second's worth may go at once.
  expect(took).toBeGreaterThan(1.5)
  await world.stopWorker()
})
