import { createHmac } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { Webhook } from 'standardwebhooks'
import { beforeEach, describe, expect, it } from 'vitest'
import { effectKey } from '../../domain/ids.ts'
import { isRefusal } from '../../domain/receipt-words.ts'
import { consentsOf, setConsent } from '../../store/customers.ts'
import { inTransaction } from '../../store/db.ts'
import { beginSending, messageByKey, recordVerdict, settleMessage } from '../../store/messages.ts'
import { livesOf } from '../../store/timeline.ts'
import { inboxOf, handClock, routing, rowsOf } from '../store/given.ts'
import { NOON, person } from '../world.ts'
import { served } from './served.ts'

const world = served()
const SECRET = `whsec_${Buffer.from('a secret of providers').toString('base64')}`
const TOKEN = 'a-token-in-the-address'
const PHONE = '+8613800000000'
const machine = { now: NOON }
let app: FastifyInstance

beforeEach(async () => {
  machine.now = NOON
  app = await world.serve({
    receiptsSecret: SECRET,
    receiptsToken: TOKEN,
    machineNow: () => machine.now,
    topics: ['marketing'],
  })
  const send = inboxOf(world.db, handClock(NOON - 10), [routing('story')])
  for (const id of ['R1', 'R2']) await send('customer.registered', person(id, { phone: PHONE }))
})

const keyOf = (customer: string): string => effectKey(`story/${customer}`, 'send', 'hello', 1)

/** A message that a provider has, as the store knows it. */
async function given(
  customer: string,
  channel: 'email' | 'sms',
  status: 'sent' | 'accepted' | 'unknown',
  providerId?: string,
) {
  const { db } = world
  const key = keyOf(customer)
  const of = { journey: 'story', message: 'hello', class: 'marketing', topic: 'marketing' } as const
  const address = channel === 'email' ? `${customer}@mail.example` : PHONE
  await setConsent(db, { customer, topic: 'marketing', channel, granted: true, source: 'test', now: NOON - 9 })
  await inTransaction(db, (tx) =>
    recordVerdict(
      tx,
      { key, enrolment: `story/${customer}`, customer, channel, messageId: `<${customer}@shop.example>`, ...of },
      { status: 'reserved', address, now: NOON - 8 },
    ),
  )
  await beginSending(db, { key, provider: 'test', now: NOON - 8 })
  await settleMessage(db, key, {
    status,
    began: true,
    now: NOON - 7,
    ...(status === 'unknown' && { code: 'SEND_FATE_UNKNOWN' as const }),
    ...(providerId && { providerId }),
  })
}

function signed(
  body: object,
  more: { id?: string; at?: number; secret?: string } = {},
): Promise<LightMyRequestResponse> {
  const { id = 'req-1', at = machine.now, secret = SECRET } = more
  const payload = JSON.stringify(body)
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(Math.floor(at / 1000) * 1000), payload),
  }
  return app.inject({ method: 'POST', url: '/v1/receipts/signed', payload, headers })
}

const statusOf = async (customer: string) => (await messageByKey(world.db, keyOf(customer)))?.status
const statesOf = async (customer: string): Promise<string[]> =>
  (await livesOf(world.db, customer, 10)).flatMap(({ states }) => states.map(({ state }) => state))
const suppressions = () => rowsOf(world.db, 'select channel, address, reason from suppressions')
beforeEach(() => rowsOf(world.db, 'truncate suppressions, receipts, receipt_requests'))
const receipt = (kind: string, more: object = {}) => ({
  receipts: [{ id: 'p-1', kind, messageId: '<R1@shop.example>', ...more }],
})

describe('signed receipts', () => {
  it('a delivery settles what was unknown, and is told once', async () => {
    await given('R1', 'email', 'unknown')
    const answer = await signed(receipt('delivered'))
    expect([answer.statusCode, answer.json()]).toEqual([200, { taken: 1, doubles: 0, strangers: 0 }])
    expect(await statusOf('R1')).toBe('sent')
    expect(await statesOf('R1')).toEqual(['reserved', 'sending', 'unknown', 'sent', 'delivered'])
    expect((await signed(receipt('delivered'), { id: 'req-2' })).json()).toEqual({ taken: 0, doubles: 1, strangers: 0 })
  })

  it.each([
    [
      'hard',
      { kind: 'bounced', permanent: true },
      [{ channel: 'email', address: 'r1@mail.example', reason: 'bounce' }],
    ],
    ['soft', { kind: 'bounced' }, []],
    ['complaint', { kind: 'complained' }, [{ channel: 'email', address: 'r1@mail.example', reason: 'complaint' }]],
  ])('%s: what it does to the address', async (_what, { kind, ...more }, expected) => {
    await given('R1', 'email', 'sent')
    expect((await signed(receipt(kind, more))).statusCode).toBe(200)
    expect(await suppressions()).toEqual(expected)
    expect(await statusOf('R1')).toBe('sent')
  })

  it('a Message-ID without its brackets is the same', async () => {
    await given('R1', 'email', 'unknown')
    await signed(receipt('delivered', { messageId: 'R1@shop.example' }))
    expect(await statusOf('R1')).toBe('sent')
  })

  it('a bounce of a message we do not know counts for the address it names', async () => {
    const body = { receipts: [{ id: 'p-9', kind: 'bounced', permanent: true, address: 'Gone@Mail.example' }] }
    expect((await signed(body)).json()).toEqual({ taken: 1, doubles: 0, strangers: 1 })
    expect(await suppressions()).toEqual([{ channel: 'email', address: 'gone@mail.example', reason: 'bounce' }])
  })

  it.each<[string, () => Promise<LightMyRequestResponse>, string]>([
    [
      'another secret',
      () => signed(receipt('complained'), { secret: `whsec_${btoa('another')}` }),
      'RECEIPT_SIGNATURE_INVALID',
    ],
    ['signed six minutes ago', () => signed(receipt('complained'), { at: NOON - 6 * 60_000 }), 'RECEIPT_LATE'],
    ['signed tomorrow', () => signed(receipt('complained'), { at: NOON + 86_400_000 }), 'RECEIPT_LATE'],
    [
      'no signature',
      () => app.inject({ method: 'POST', url: '/v1/receipts/signed', payload: receipt('complained') }),
      'RECEIPT_SIGNATURE_INVALID',
    ],
    ['no receipt', () => signed({ receipts: [{ id: '', kind: 'eaten' }] }), 'RECEIPT_INVALID'],
  ])('%s is refused, and changes nothing', async (_what, ask, code) => {
    await given('R1', 'email', 'sent')
    const answer = await ask()
    expect(answer.json()).toMatchObject({ error: { code } })
    expect(await suppressions()).toEqual([])
    expect(await statesOf('R1')).toEqual(['reserved', 'sending', 'sent'])
  })

  it('a body that was changed on its way is refused', async () => {
    const payload = JSON.stringify(receipt('delivered'))
    const signature = new Webhook(SECRET).sign('req-1', new Date(NOON), payload)
    const headers = { 'webhook-id': 'req-1', 'webhook-timestamp': String(NOON / 1000), 'webhook-signature': signature }
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/receipts/signed',
      payload: payload.replace('delivered', 'complained'),
      headers: { 'content-type': 'application/json', ...headers },
    })
    expect(answer.json()).toMatchObject({ error: { code: 'RECEIPT_SIGNATURE_INVALID' } })
  })

  it('the same request again is refused as a replay, also when two come at once', async () => {
    await given('R1', 'email', 'sent')
    const body = receipt('delivered')
    const answers = await Promise.all([signed(body), signed(body), signed(body)])
    expect(answers.map(({ statusCode }) => String(statusCode)).sort()).toEqual(['200', '409', '409'])
    const late = await signed({ receipts: [{ id: 'p-2', kind: 'complained', messageId: '<R1@shop.example>' }] })
    expect(late.json()).toMatchObject({ error: { code: 'RECEIPT_REPLAYED' } })
    expect(await suppressions()).toEqual([])
  })

  it('without a secret none are taken', async () => {
    const closed = await world.serve({ receiptsToken: TOKEN })
    const mac = createHmac('sha256', '')
      .update(`req-1.${NOON / 1000}.{}`)
      .digest('base64')
    const headers = {
      'webhook-id': 'req-1',
      'webhook-timestamp': String(NOON / 1000),
      'webhook-signature': `v1,${mac}`,
    }
    const answer = await closed.inject({ method: 'POST', url: '/v1/receipts/signed', payload: '{}', headers })
    expect(answer.statusCode).toBe(401)
  })
})

const post = (provider: string, payload: object, token = TOKEN): Promise<LightMyRequestResponse> =>
  app.inject({ method: 'POST', url: `/v1/receipts/${provider}/${token}`, payload })

describe('SMS providers', () => {
  const report = {
    phone_number: '13800000000',
    send_time: '2026-11-23 12:00:00',
    report_time: '2026-11-23 12:00:09',
    sms_size: '1',
  }

  it('Aliyun reports in an array, and is answered {"code": 0}', async () => {
    await given('R1', 'sms', 'accepted', 'biz-1')
    await given('R2', 'sms', 'accepted', 'biz-2')
    const answer = await post('aliyun', [
      { ...report, success: true, err_code: 'DELIVERED', biz_id: 'biz-1', out_id: keyOf('R1') },
      { ...report, success: 'false', err_code: 'MK:1008', biz_id: 'biz-2' },
    ])
    expect([answer.statusCode, answer.json()]).toEqual([200, { code: 0, msg: 'OK' }])
    expect([await statusOf('R1'), await statusOf('R2')]).toEqual(['sent', 'failed'])
    expect((await messageByKey(world.db, keyOf('R2')))?.detail).toBe('MK:1008')
    // Sent again, as Aliyun does when our answer is lost.
    await post('aliyun', [{ ...report, success: true, err_code: 'DELIVERED', biz_id: 'biz-1', out_id: keyOf('R1') }])
    expect(await statesOf('R1')).toEqual(['reserved', 'sending', 'accepted', 'sent', 'delivered'])
  })

  it('Tencent reports by its serial number, and is answered {"result": 0}', async () => {
    await given('R1', 'sms', 'accepted', '5000:1')
    const status = { nationcode: '86', mobile: '13800000000', user_receive_time: '', description: '' }
    const answer = await post('tencent', [{ ...status, report_status: 'SUCCESS', errmsg: 'DELIVRD', sid: '5000:1' }])
    expect(answer.json()).toEqual({ result: 0, errmsg: 'OK' })
    expect(await statusOf('R1')).toBe('sent')
  })

  it('a report does not undo an end: a failure after a delivery is noted and no more', async () => {
    await given('R1', 'sms', 'accepted', 'biz-1')
    await post('aliyun', [{ ...report, success: true, biz_id: 'biz-1' }])
    await post('tencent', [{ report_status: 'FAIL', errmsg: 'late', sid: 'biz-1' }])
    expect(await statusOf('R1')).toBe('sent')
  })

  it.each([
    ['aliyun', [{ ...report, content: ' ｒ。', sign_name: '小店', dest_code: '1', sequence_id: 7 }]],
    [
      'tencent',
      { extend: '1', mobile: '13800000000', nationcode: '86', sign: '小店', text: '退订', time: 1_790_000_000 },
    ],
  ])('%s passes on a refusal: everybody with the number leaves, on SMS alone', async (provider, payload) => {
    await given('R1', 'sms', 'sent')
    expect((await post(provider, payload)).statusCode).toBe(200)
    expect((await post(provider, payload)).statusCode).toBe(200)
    for (const id of ['R1', 'R2']) {
      const said = (await consentsOf(world.db, id)).map(
        ({ topic, channel, granted }) => `${topic} ${channel} ${granted}`,
      )
      expect(said.sort()).toEqual(['marketing email true', 'marketing sms false'])
    }
    expect(await suppressions()).toEqual([])
  })

  it('an answer that is no refusal withdraws nothing', async () => {
    await given('R1', 'sms', 'sent')
    await post('aliyun', [{ ...report, content: 'Really? T-shirt R us', sequence_id: 8 }])
    expect((await consentsOf(world.db, 'R1')).find(({ channel }) => channel === 'sms')?.granted).toBe(true)
  })

  it.each(['aliyun', 'tencent'])('%s without the secret of the address is refused', async (provider) => {
    for (const token of ['', 'wrong', `${TOKEN}x`]) expect((await post(provider, [], token)).statusCode).not.toBe(200)
    expect((await post(provider, [], 'wrong')).json()).toMatchObject({ error: { code: 'RECEIPT_SIGNATURE_INVALID' } })
    const closed = await world.serve({})
    expect(
      (await closed.inject({ method: 'POST', url: `/v1/receipts/${provider}/undefined`, payload: [] })).statusCode,
    ).toBe(401)
  })
})

it.each([
  ['R', true],
  ['r ', true],
  ['ＴＤ', true],
  ['“退订”', true],
  ['stop!', true],
  ['TD please', false],
  ['', false],
  ['红色', false],
])('%j is a refusal: %s', (text, is) => {
  expect(isRefusal(text)).toBe(is)
})
