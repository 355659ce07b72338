import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Inbox, startInbox } from '../../client/inbox/smtp.ts'
import { enrolment } from '../../store/enrolments.ts'
import { messagesOf } from '../../store/messages.ts'
import { type World, expectInvariants, openWorld, person } from '../world.ts'

let inbox: Inbox
let world: World

beforeAll(async () => {
  inbox = await startInbox({ port: 0, directory: await mkdtemp(join(tmpdir(), 'perennial-inbox-')) })
  afterAll(() => inbox.stop())
  world = await openWorld({ smtpUrl: inbox.url, dayMs: 200 })
})

describe('first-order on real servers', () => {
  it('goes its whole way without events', async () => {
    await world.send({ id: 'e1', type: 'customer.registered', customer: person('C1') })
    await world.settled()
    const run = await enrolment(world.db, 'first-order/C1')
    const messages = await messagesOf(world.db, { customer: 'C1' })
    console.warn(
      run,
      messages.map((m) => [m.key, m.status, m.code]),
      (await inbox.list()).map((m) => [m.to, m.subject]),
    )
    console.warn((await world.historyOf('first-order/C1')).length)
    expect(run?.status).toBe('completed')
    await expectInvariants(world.db)
  })
})
