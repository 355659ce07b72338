/**
 * SMS by Tencent Cloud (sms 2021-01-11). Says `accepted`: the operator's report comes by callback, or is looked up by
 * PullSmsSendStatusByPhoneNumber. Sources: cloud.tencent.com, "签名方法 v3", "SendSms" (382/55981), the SDK's list of error codes.
 */
import { createHmac } from 'node:crypto'
import { CAPABILITIES } from '../../domain/channel.ts'
import type { Channel, Readiness, Receipt, Sought } from './channel.ts'
import { fillTemplate } from './provider-templates.ts'
import { type Heard, jsonOf, openCaller, silenceReceipt, statusReceipt } from './request.ts'
import { type SmsOptions, codeReceipt, contentOf, measure, ownId, sha256 } from './sms.ts'

export interface TencentOptions extends SmsOptions {
  secretId: string
  secretKey: string
  appId: string
  /** ap-guangzhou unless told. */
  region?: string
  /** https://sms.tencentcloudapi.com unless told. */
  endpoint?: string
  answerMs?: number
}

const SERVICE = 'sms'
const VERSION = '2021-01-11'
/** SessionContext, bytes. */
const CONTEXT_MOST = 512
const HOUR = 3_600_000

/** Codes of a number's own status (SendStatusSet) and of the whole request (Error); both come with HTTP 200. */
const CODES: Readonly<Record<string, Omit<Receipt, 'detail'>>> = {
  Ok: { is: 'accepted' },
  'InvalidParameterValue.IncorrectPhoneNumber': { is: 'refused', deadAddress: true },
  'FailedOperation.PhoneNumberParseFail': { is: 'refused', deadAddress: true },
  // The customer refused the sender, or the operator has the number on its list.
  'FailedOperation.PhoneNumberInBlacklist': { is: 'refused', deadAddress: true },
  'FailedOperation.InsufficientBalanceInSmsPackage': { is: 'transient' },
  // Marketing goes from 8:00 to 22:00.
  'FailedOperation.MarketingSendTimeConstraint': { is: 'transient', retryAfterMs: HOUR },
  'LimitExceeded.DeliveryFrequencyLimit': { is: 'transient' },
  'LimitExceeded.PhoneNumberThirtySecondLimit': { is: 'transient', retryAfterMs: 30_000 },
  'LimitExceeded.PhoneNumberOneHourLimit': { is: 'transient', retryAfterMs: HOUR },
  'LimitExceeded.PhoneNumberDailyLimit': { is: 'transient', retryAfterMs: HOUR },
  'LimitExceeded.PhoneNumberSameContentDailyLimit': { is: 'transient', retryAfterMs: HOUR },
  'LimitExceeded*': { is: 'transient', retryAfterMs: HOUR },
  'RequestLimitExceeded*': { is: 'transient' },
  'AuthFailure*': { is: 'transient' },
  'UnauthorizedOperation*': { is: 'transient' },
  // Its own connection to the operator broke: whether the operator has it, it does not know.
  'InternalError.SendAndRecvFail': { is: 'unknown' },
  'InternalError.Timeout': { is: 'unknown' },
  'InternalError.ParseBackendResponseFail': { is: 'unknown' },
  'InternalError*': { is: 'transient' },
  'ResourceUnavailable*': { is: 'transient' },
}

export function tencentSmsChannel(options: TencentOptions, ready: Readiness = { ok: true }): Channel {
  const { appId, sign, templates, now } = options
  const caller = openCaller(options.answerMs === undefined ? {} : { answerMs: options.answerMs })
  return {
    name: 'sms',
    provider: 'tencent',
    ready,
    can: CAPABILITIES.sms,
    costOf: (message) => measure(message, options).cost,
    async send(message, begin) {
      if (!ready.ok) return { is: 'transient', detail: `not set: ${ready.missing.join(', ')}` }
      const filled = fillTemplate(templates, message, contentOf(message))
      if ('missing' in filled) return { is: 'refused', detail: `there is no ${filled.missing}` }
      const payload = {
        PhoneNumberSet: [message.to],
        SmsSdkAppId: appId,
        SignName: sign,
        TemplateId: filled.id,
        TemplateParamSet: filled.params.map(([, value]) => value),
        SessionContext: ownId(message.key, CONTEXT_MOST),
      }
      const heard = await caller.ask({ ...signed('SendSms', payload, options), begin })
      const { segments, cost } = measure(message, options)
      const receipt = answerOf(heard, message.to)
      return receipt.is === 'accepted' ? { ...receipt, segments, cost } : receipt
    },
    async lookUp(sought) {
      if (!ready.ok) return undefined
      const from = Math.floor((sought.begunAt ?? now() - HOUR) / 1000)
      const payload = { BeginTime: from, Offset: 0, Limit: 100, PhoneNumber: sought.to, SmsSdkAppId: appId }
      return statusOf(await caller.ask(signed('PullSmsSendStatusByPhoneNumber', payload, options)), sought)
    },
    close: () => caller.close(),
  }
}

/** The request and its TC3-HMAC-SHA256 signature. */
function signed(action: string, payload: object, options: TencentOptions) {
  const { secretId, secretKey, region = 'ap-guangzhou', endpoint = 'https://sms.tencentcloudapi.com', now } = options
  const url = new URL('/', endpoint)
  const body = JSON.stringify(payload)
  const timestamp = Math.floor(now() / 1000)
  const day = new Date(timestamp * 1000).toISOString().slice(0, 10)
  const type = 'application/json; charset=utf-8'
  const signedHeaders = 'content-type;host;x-tc-action'
  // The host is signed without its port, as the vendor's own SDK does.
  const canonicalHeaders = `content-type:${type}\nhost:${url.hostname}\nx-tc-action:${action.toLowerCase()}\n`
  const canonical = ['POST', '/', '', canonicalHeaders, signedHeaders, sha256(body)].join('\n')
  const scope = `${day}/${SERVICE}/tc3_request`
  const toSign = ['TC3-HMAC-SHA256', timestamp, scope, sha256(canonical)].join('\n')
  const key = [day, SERVICE, 'tc3_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `TC3${secretKey}`,
  )
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const headers = {
    host: url.hostname,
    'content-type': type,
    'x-tc-action': action,
    'x-tc-version': VERSION,
    'x-tc-region': region,
    'x-tc-timestamp': String(timestamp),
    authorization: `TC3-HMAC-SHA256 Credential=${secretId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  }
  return { method: 'POST' as const, url, headers, body }
}

interface Answered {
  Response?: {
    Error?: { Code?: string; Message?: string }
    SendStatusSet?: { Code?: string; Message?: string; SerialNo?: string }[]
    PullSmsSendStatusSet?: { SessionContext?: string; SerialNo?: string; ReportStatus?: string; Description?: string }[]
  }
}

function answerOf(heard: Heard, to: string): Receipt {
  if (heard.is === 'silence') return silenceReceipt(heard)
  const response = (jsonOf(heard.body) as Answered | undefined)?.Response
  const [status] = response?.SendStatusSet ?? []
  const { Code, Message = '' } = response?.Error ?? status ?? {}
  if (Code === undefined) {
    const receipt = statusReceipt(heard)
    return receipt.is === 'sent' ? { is: 'unknown', detail: 'HTTP 200 without a code' } : receipt
  }
  const receipt = codeReceipt(CODES, Code, Message, to)
  return status?.SerialNo ? { ...receipt, providerId: status.SerialNo } : receipt
}

/** Only messages the operator has reported on are listed, so that one that is missing may still be under way. */
function statusOf(heard: Heard, { key, providerId }: Sought): Receipt | undefined {
  if (heard.is === 'silence') return undefined
  const listed = (jsonOf(heard.body) as Answered | undefined)?.Response?.PullSmsSendStatusSet ?? []
  const found = listed.find(
    ({ SessionContext, SerialNo }) =>
      SessionContext === ownId(key, CONTEXT_MOST) || (providerId !== undefined && SerialNo === providerId),
  )
  if (!found) return undefined
  const detail = found.Description ?? ''
  return found.ReportStatus === 'SUCCESS' ? { is: 'sent', detail } : { is: 'refused', detail }
}
