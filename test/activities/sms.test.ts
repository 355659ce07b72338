import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { aliyunSmsChannel } from '../../activities/channels/sms-aliyun.ts'
import { REFUSAL_SUFFIX, contentOf, measure } from '../../activities/channels/sms.ts'
import { tencentSmsChannel } from '../../activities/channels/sms-tencent.ts'
import { type HttpReply, startHttpSink } from '../http-sink.ts'
import { beginner, outgoing } from '../outgoing.ts'
import { aliyunFault, aliyunSays, aliyunTaken } from '../vendors/aliyun.ts'
import { tencentError, tencentFault, tencentStatus, tencentTaken } from '../vendors/tencent.ts'

const PHONE = '+8613800000000'
const NOW = Date.UTC(2026, 10, 23, 12)
const SECRET = 'a-secret'
const templates = {
  'first-order/welcome': { id: 'T-1', params: { code: 'coupon.code', words: 'content' } },
  'first-order/bare': { id: 'T-2' },
}
const data = { coupon: { code: "A(1)*'!" } }
const both = { sign: '小店', templates, price: 450, now: () => NOW, answerMs: 150 }

const aliyunSink = await startHttpSink((asked) =>
  aliyunFault(asked, SECRET) ? aliyunSays('SignatureDoesNotMatch', 400) : aliyunTaken(),
)
const tencentSink = await startHttpSink((asked) =>
  tencentFault(asked, SECRET) ? tencentError('AuthFailure.SignatureFailure') : tencentTaken(),
)
const aliyun = aliyunSmsChannel({ ...both, accessKeyId: 'id', accessKeySecret: SECRET, endpoint: aliyunSink.url })
const tencent = tencentSmsChannel({
  ...both,
  secretId: 'id',
  secretKey: SECRET,
  appId: '1400',
  endpoint: tencentSink.url,
})
afterAll(() => Promise.all([aliyun, tencent].map((one) => one.close()).concat(aliyunSink.stop(), tencentSink.stop())))
beforeEach(() => {
  aliyunSink.asked.length = 0
  tencentSink.asked.length = 0
})

const message = outgoing(PHONE, { data })
const jsonIn = (body: Buffer | undefined): Record<string, unknown> =>
  JSON.parse(String(body)) as Record<string, unknown>

it('marketing ends with the refusal, to the letter, and once', () => {
  expect(contentOf({ ...message, class: 'marketing' })).toBe('Ten off your first order 拒收请回复R')
  const said = { ...message.words, text: `自己写的 ${REFUSAL_SUFFIX}\n` }
  expect(contentOf({ ...message, class: 'marketing', words: said })).toBe('自己写的 拒收请回复R')
  expect(contentOf(message)).toBe('Ten off your first order')
})

it('the price is that of the whole text, signature and refusal with it', () => {
  const words = { ...message.words, text: '字'.repeat(59) }
  expect(measure({ ...message, words }, both)).toMatchObject({ units: 63, segments: 1, cost: 450 })
  expect(measure({ ...message, words, class: 'marketing' }, both)).toMatchObject({ units: 70, segments: 1 })
  const longer = { ...words, text: '字'.repeat(60) }
  expect(measure({ ...message, words: longer, class: 'marketing' }, both)).toMatchObject({ segments: 2, cost: 900 })
})

describe('Aliyun', () => {
  it('is asked by a signed request with our key as OutId, and has accepted, not sent', async () => {
    const { begin, asked } = beginner()
    expect(await aliyun.send(message, begin)).toEqual({
      is: 'accepted',
      detail: 'OK OK',
      providerId: '900619746936498440^0',
      segments: 1,
      cost: 450,
    })
    expect(asked()).toBe(1)
    const [request] = aliyunSink.asked
    expect(request && aliyunFault(request, 'another-secret')).toBe('another signature')
    expect(Object.fromEntries(request?.url.searchParams ?? [])).toEqual({
      PhoneNumbers: '13800000000',
      SignName: '小店',
      TemplateCode: 'T-1',
      TemplateParam: JSON.stringify({ code: "A(1)*'!", words: 'Ten off your first order' }),
      OutId: message.key,
    })
    expect(request?.headers).toMatchObject({ 'x-acs-action': 'SendSms', 'x-acs-version': '2017-05-25' })
  })

  it.each<[string, HttpReply, object]>([
    ['a number that is none', aliyunSays('isv.MOBILE_NUMBER_ILLEGAL'), { is: 'refused', deadAddress: true }],
    ['a limit a number', aliyunSays('isv.BUSINESS_LIMIT_CONTROL'), { is: 'transient', retryAfterMs: 3_600_000 }],
    ['no credit', aliyunSays('isv.AMOUNT_NOT_ENOUGH'), { is: 'transient' }],
    ['a template that is none', aliyunSays('isv.SMS_TEMPLATE_ILLEGAL'), { is: 'refused' }],
    ['a code of tomorrow', aliyunSays('isv.NEW_CODE'), { is: 'refused' }],
    ['throttled by the gateway', aliyunSays('Throttling.User', 400), { is: 'transient' }],
    ['a key that is none', aliyunSays('InvalidAccessKeyId.NotFound', 404), { is: 'transient' }],
    ['429', { status: 429, headers: { 'retry-after': '7' } }, { is: 'transient', retryAfterMs: 7_000 }],
    ['500', { status: 500, body: 'oops' }, { is: 'transient' }],
    ['a gateway that lost it', { status: 502 }, { is: 'unknown' }],
    ['200 without a code', { body: '<html>' }, { is: 'unknown' }],
    ['no answer', 'hang', { is: 'unknown' }],
    ['dropped', 'drop', { is: 'unknown' }],
    ['half an answer', 'cut', { is: 'unknown' }],
  ])('%s', async (_what, reply, receipt) => {
    aliyunSink.next(reply)
    const got = await aliyun.send(message, beginner().begin)
    expect(got).toMatchObject(receipt)
    expect(got.deadAddress).toBe((receipt as { deadAddress?: boolean }).deadAddress)
    expect(got.detail).not.toContain('13800000000')
  })

  it('without a template, or without what fills it, nothing is asked', async () => {
    const { begin, asked } = beginner()
    expect(await aliyun.send({ ...message, data: {} }, begin)).toMatchObject({ is: 'refused', detail: /coupon\.code/ })
    const other = { ...message, key: 'birthday/C1/2027/send/hello' }
    expect(await aliyun.send(other, begin)).toMatchObject({
      is: 'refused',
      detail: 'there is no a template for birthday/hello',
    })
    expect([asked(), aliyunSink.asked.length]).toEqual([0, 0])
  })

  const details = (...all: object[]): HttpReply => ({
    body: { Code: 'OK', SmsSendDetailDTOs: { SmsSendDetailDTO: all } },
  })
  it.each<[string, HttpReply, object | undefined]>([
    [
      'delivered',
      details({ OutId: 'other', SendStatus: 2 }, { OutId: message.key, SendStatus: 3, ErrCode: 'DELIVERED' }),
      { is: 'sent' },
    ],
    [
      'failed',
      details({ OutId: message.key, SendStatus: 2, ErrCode: 'MK:1008' }),
      { is: 'refused', detail: 'MK:1008' },
    ],
    ['under way', details({ OutId: message.key, SendStatus: 1 }), { is: 'accepted' }],
    ['never came in', details(), { is: 'transient' }],
    ['not said', aliyunSays('isp.SYSTEM_ERROR'), undefined],
  ])('looked up by our key: %s', async (_what, reply, found) => {
    aliyunSink.next(reply)
    const sought = { key: message.key, to: PHONE, messageId: message.messageId, begunAt: Date.UTC(2026, 10, 22, 17) }
    const receipt = await aliyun.lookUp?.(sought)
    if (found === undefined) expect(receipt).toBeUndefined()
    else expect(receipt).toMatchObject(found)
    const [request] = aliyunSink.asked
    expect(request && aliyunFault(request, SECRET)).toBeUndefined()
    // One in the morning in Beijing.
    expect(request?.url.searchParams.get('SendDate')).toBe('20261123')
  })

  it('one that is not in the records yet is not given up', async () => {
    aliyunSink.next(details())
    const sought = { key: message.key, to: PHONE, messageId: message.messageId, begunAt: NOW - 60_000 }
    expect(await aliyun.lookUp?.(sought)).toBeUndefined()
  })
})

describe('Tencent', () => {
  it('is asked by a signed request with our key as SessionContext, and has accepted, not sent', async () => {
    const receipt = await tencent.send(message, beginner().begin)
    expect(receipt).toMatchObject({ is: 'accepted', providerId: '5000:1045710669157053657849499619', cost: 450 })
    const [request] = tencentSink.asked
    expect(request && tencentFault(request, 'another-secret')).toBe('another signature')
    expect(jsonIn(request?.body)).toEqual({
      PhoneNumberSet: [PHONE],
      SmsSdkAppId: '1400',
      SignName: '小店',
      TemplateId: 'T-1',
      TemplateParamSet: ["A(1)*'!", 'Ten off your first order'],
      SessionContext: message.key,
    })
  })

  it.each<[string, HttpReply, object]>([
    [
      'a number that refused us',
      tencentStatus('FailedOperation.PhoneNumberInBlacklist'),
      { is: 'refused', deadAddress: true },
    ],
    [
      'thirty seconds',
      tencentStatus('LimitExceeded.PhoneNumberThirtySecondLimit'),
      { is: 'transient', retryAfterMs: 30_000 },
    ],
    ['by night', tencentStatus('FailedOperation.MarketingSendTimeConstraint'), { is: 'transient' }],
    ['no credit', tencentStatus('FailedOperation.InsufficientBalanceInSmsPackage'), { is: 'transient' }],
    ['words it refuses', tencentStatus('FailedOperation.ContainSensitiveWord'), { is: 'refused' }],
    ['its own link broke', tencentStatus('InternalError.SendAndRecvFail'), { is: 'unknown' }],
    ['an error of its own', tencentError('InternalError.OtherError'), { is: 'transient' }],
    ['throttled', tencentError('RequestLimitExceeded'), { is: 'transient' }],
    ['a wrong signature', tencentError('AuthFailure.SignatureFailure'), { is: 'transient' }],
    ['429', { status: 429 }, { is: 'transient' }],
    ['500', { status: 500 }, { is: 'transient' }],
    ['no answer', 'hang', { is: 'unknown' }],
    ['half an answer', 'cut', { is: 'unknown' }],
  ])('%s', async (_what, reply, receipt) => {
    tencentSink.next(reply)
    expect(await tencent.send(message, beginner().begin)).toMatchObject(receipt)
  })

  it.each<[string, object[], object | undefined]>([
    ['delivered', [{ SessionContext: message.key, ReportStatus: 'SUCCESS' }], { is: 'sent' }],
    [
      'failed',
      [{ SessionContext: message.key, ReportStatus: 'FAIL', Description: 'off' }],
      { is: 'refused', detail: 'off' },
    ],
    ['not reported on', [{ SessionContext: 'another', ReportStatus: 'SUCCESS' }], undefined],
  ])('looked up by our key: %s', async (_what, all, found) => {
    tencentSink.next({ body: { Response: { PullSmsSendStatusSet: all } } })
    const receipt = await tencent.lookUp?.({ key: message.key, to: PHONE, messageId: message.messageId, begunAt: NOW })
    if (found === undefined) expect(receipt).toBeUndefined()
    else expect(receipt).toMatchObject(found)
  })
})

it('nobody listens, or the attempt is not wanted any more: surely not sent', async () => {
  const nowhere = aliyunSmsChannel({
    ...both,
    accessKeyId: 'id',
    accessKeySecret: SECRET,
    endpoint: 'http://127.0.0.1:9',
  })
  const { begin, asked } = beginner()
  expect(await nowhere.send(message, begin)).toMatchObject({ is: 'transient' })
  expect(asked()).toBe(0)
  await nowhere.close()
  expect(await tencent.send(message, beginner(false).begin)).toMatchObject({ is: 'transient' })
  expect(tencentSink.asked).toEqual([])
})

it('a channel that lacks a setting says so and asks nobody', async () => {
  const { begin, asked } = beginner()
  const ready = { ok: false as const, missing: ['ALIYUN_ACCESS_KEY_ID'] }
  const bare = aliyunSmsChannel({ ...both, accessKeyId: '', accessKeySecret: '' }, ready)
  expect(await bare.send(message, begin)).toEqual({ is: 'transient', detail: 'not set: ALIYUN_ACCESS_KEY_ID' })
  expect(asked()).toBe(0)
})
