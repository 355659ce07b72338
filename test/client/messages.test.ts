import { stripVTControlCharacters } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { carryOut } from '../../client/cli/program.ts'
import { createMetrics } from '../../client/http/metrics.ts'
import { channelsReport } from '../../client/messages.ts'
import { complaintLevel } from '../../domain/complaints.ts'
import { takeQuota } from '../../store/quotas.ts'
import { inTransaction } from '../../store/db.ts'
import { saveChannels } from '../../store/timeline.ts'
import { planFacts, rowsOf } from '../store/given.ts'
import { NOON, expectInvariants, freshStore } from '../world.ts'
import { openShop } from '../activities/given.ts'

const { db, url } = await freshStore()
const shop = await openShop(db, [planFacts('story')])

beforeAll(async () => {
  await shop.entered('C1')
  await shop.entered('C2')
  shop.channel.answers(
    Promise.resolve({ is: 'accepted', detail: 'queued', providerId: 'p', segments: 2, cost: 900 }),
    Promise.resolve({ is: 'refused', detail: '550 5.7.1 not wanted' }),
  )
  await shop.send('story', 'C1')
  await shop.send('story', 'C2')
  const line = { per_second: 50, quota: 9, quota_zone: 'Asia/Shanghai', missing: [], ready: true } as const
  await saveChannels(
    db,
    [
      { ...line, name: 'email', provider: 'smtp', missing: [] },
      { ...line, name: 'push', provider: 'fcm', ready: false, missing: ['FCM_SERVICE_ACCOUNT'], quota: null },
    ],
    NOON,
  )
  await inTransaction(db, (tx) => takeQuota(tx, { provider: 'smtp', day: '2026-11-23', message: 'a', most: 9 }))
})

const env = {
  DATABASE_URL: url,
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  // The shop's clock stands still at NOON, as near as makes no difference.
  SCALE: '1',
}

async function printed(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await carryOut(words, {
    env,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  })
  return { code, out: stripVTControlCharacters(said.out), err: said.err }
}

it('messages shows each state with its time, and why', async () => {
  const one = await printed('messages', 'C1')
  expect(one).toMatchObject({ code: 0, err: '' })
  expect(one.out).toMatch(/story: hello, email by test, 2 segments, 0\.0900/)
  expect(one.out.match(/2026-11-23 12:00\S* +(reserved|sending|accepted)/g)).toHaveLength(3)
  const other = await printed('messages', 'C2')
  expect(other.out).toMatch(/failed +PROVIDER_REFUSED: The provider refused the message for good\. 550 5\.7\.1/)
  const json = JSON.parse((await printed('messages', 'C1', '--json')).out) as { messages: { states: object[] }[] }
  expect(json.messages[0]?.states).toMatchObject([{ state: 'reserved' }, { state: 'sending' }, { state: 'accepted' }])
  expect(await printed('messages', 'nobody')).toMatchObject({
    code: 1,
    err: expect.stringContaining('CUSTOMER_UNKNOWN'),
  })
})

it('channels shows what each lacks, its rate and its day', async () => {
  const { code, out } = await printed('channels')
  expect(code).toBe(0)
  expect(out).toMatch(/email +smtp +ready +50 a second/)
  expect(out).toMatch(/push +fcm +not set: FCM_SERVICE_ACCOUNT/)
  expect(await channelsReport(db, NOON + 1_000)).toMatchObject({
    days: 7,
    channels: [
      {
        channel: 'email',
        accepted: 1,
        failed: 1,
        sent: 0,
        complaintShare: null,
        quota: { most: 9, used: 1, day: '2026-11-23' },
      },
      { channel: 'push', ready: false, quota: null },
    ],
  })
  await rowsOf(db, `delete from provider_uses; delete from provider_days`)
  await expectInvariants(db)
})

describe('complaints', () => {
  it.each([
    [null, 'ok'],
    [0, 'ok'],
    [0.00099, 'ok'],
    [0.001, 'watch'],
    [0.00299, 'watch'],
    [0.003, 'too many'],
  ] as const)('a share of %s is %s', (share, level) => {
    expect(complaintLevel(share)).toBe(level)
  })

  it('are counted by mails sent in the last days, and served as a number', async () => {
    await rowsOf(
      db,
      `update messages set status = 'sent', sent_at = reserved_at where customer = 'C1';
      insert into message_states (message, status, at) select key, 'sent', reserved_at from messages where customer = 'C1';
      insert into suppressions select 'email', 'c1@mail.example', 'complaint', reserved_at + interval '1 s' from messages where customer = 'C1';
      insert into receipts (provider, id, message, kind, at)
        select 'signed', 'x', key, 'complained', reserved_at + interval '1 s' from messages where customer = 'C1'`,
    )
    const of = async (now: number) =>
      (await channelsReport(db, now)).channels.find(({ channel }) => channel === 'email')
    expect(await of(NOON + 2_000)).toMatchObject({ complained: 1, complaintShare: 1, complaints: 'too many' })
    expect(await of(NOON + 8 * 86_400_000)).toMatchObject({ complained: 0, complaints: 'ok' })
    const { registry } = createMetrics({ db, clock: { now: () => NOON + 2_000 } })
    const page = await registry.metrics()
    expect(page).toMatch(/^perennial_complaint_share 1$/m)
    expect(page).toMatch(/^perennial_messages\{channel="email",status="failed"\} 1$/m)
    await expectInvariants(db)
  })
})
