/**
 * SMS by Aliyun (Dysmsapi 2017-05-25). Says `accepted`: the operator's report comes by the SmsReport callback, or is looked up by
 * QuerySendDetails. Sources: help.aliyun.com, "V3 版本请求体 & 签名机制", "SendSms", "QuerySendDetails", "API错误码" (101346).
 */
import { createHmac } from 'node:crypto'
import { CAPABILITIES } from '../../domain/channel.ts'
import type { Channel, Readiness, Receipt, Sought } from './channel.ts'
import { fillTemplate } from './provider-templates.ts'
import { type Heard, jsonOf, openCaller, silenceReceipt, statusReceipt } from './request.ts'
import { type SmsOptions, bare, codeReceipt, contentOf, measure, ownId, sha256 } from './sms.ts'

export interface AliyunOptions extends SmsOptions {
  accessKeyId: string
  accessKeySecret: string
  /** https://dysmsapi.aliyuncs.com unless told. */
  endpoint?: string
  answerMs?: number
}

const HOUR = 3_600_000
const VERSION = '2017-05-25'
/** OutId, bytes. */
const OUT_ID_MOST = 256
/** Not in the provider's records so long after the attempt: it never came in. */
const SURELY_GONE_MS = 10 * 60_000
/** Mainland China has had one zone and no summer time since 1991; SendDate is a day of it. */
const BEIJING_MS = 8 * HOUR

/**
 * Codes of SendSms, which come with HTTP 200 (isv.*, isp.*) or 4xx (the gateway's own). What the operator of the shop must mend
 * (credit, rights, keys, a daily limit of the console) waits; what is wrong with this message, number or template is refused.
 */
const CODES: Readonly<Record<string, Omit<Receipt, 'detail'>>> = {
  OK: { is: 'accepted' },
  'isv.MOBILE_NUMBER_ILLEGAL': { is: 'refused', deadAddress: true },
  // Per number, sign and template: a minute, an hour or a day.
  'isv.BUSINESS_LIMIT_CONTROL': { is: 'transient', retryAfterMs: HOUR },
  'isv.DAY_LIMIT_CONTROL': { is: 'transient', retryAfterMs: HOUR },
  'isv.MONTH_LIMIT_CONTROL': { is: 'transient', retryAfterMs: HOUR },
  'isv.OUT_OF_SERVICE': { is: 'transient' },
  'isv.AMOUNT_NOT_ENOUGH': { is: 'transient' },
  'isv.PRODUCT_UN_SUBSCRIPT': { is: 'transient' },
  'isv.PRODUCT_UNSUBSCRIBE': { is: 'transient' },
  'isv.ACCOUNT_NOT_EXISTS': { is: 'transient' },
  'isv.ACCOUNT_ABNORMAL': { is: 'transient' },
  'isv.DENY_IP_RANGE': { is: 'transient' },
  'isp.RAM_PERMISSION_DENY': { is: 'transient' },
  'isp.SYSTEM_ERROR': { is: 'transient' },
  'Throttling*': { is: 'transient' },
  ServiceUnavailable: { is: 'transient' },
  InternalError: { is: 'transient' },
  SignatureDoesNotMatch: { is: 'transient' },
  SignatureNonceUsed: { is: 'transient' },
  'InvalidAccessKeyId*': { is: 'transient' },
  'InvalidTimeStamp*': { is: 'transient' },
  'Forbidden*': { is: 'transient' },
}

export function aliyunSmsChannel(options: AliyunOptions, ready: Readiness = { ok: true }): Channel {
  const { accessKeyId, accessKeySecret, sign, templates, now, endpoint = 'https://dysmsapi.aliyuncs.com' } = options
  const caller = openCaller(options.answerMs === undefined ? {} : { answerMs: options.answerMs })
  const keys = { accessKeyId, accessKeySecret }
  return {
    name: 'sms',
    provider: 'aliyun',
    ready,
    can: CAPABILITIES.sms,
    costOf: (message) => measure(message, options).cost,
    async send(message, begin) {
      if (!ready.ok) return { is: 'transient', detail: `not set: ${ready.missing.join(', ')}` }
      const filled = fillTemplate(templates, message, contentOf(message))
      if ('missing' in filled) return { is: 'refused', detail: `there is no ${filled.missing}` }
      const query = {
        PhoneNumbers: bare(message.to),
        SignName: sign,
        TemplateCode: filled.id,
        ...(filled.params.length > 0 && { TemplateParam: JSON.stringify(Object.fromEntries(filled.params)) }),
        OutId: ownId(message.key, OUT_ID_MOST),
      }
      const asking = signed({ action: 'SendSms', query, endpoint, now: now(), salt: message.key }, keys)
      const heard = await caller.ask({ ...asking, begin })
      const { segments, cost } = measure(message, options)
      const receipt = answerOf(heard, message.to)
      return receipt.is === 'accepted' ? { ...receipt, segments, cost } : receipt
    },
    async lookUp(sought) {
      if (!ready.ok) return undefined
      const query = {
        PhoneNumber: bare(sought.to),
        SendDate: dayOf(sought.begunAt ?? now()),
        PageSize: '50',
        CurrentPage: '1',
        ...(sought.providerId && { BizId: sought.providerId }),
      }
      const heard = await caller.ask(
        signed({ action: 'QuerySendDetails', query, endpoint, now: now(), salt: sought.key }, keys),
      )
      return detailOf(heard, sought, now())
    },
    close: () => caller.close(),
  }
}

/** The request and its ACS3-HMAC-SHA256 signature: all parameters in the query, an empty body. */
function signed(
  asked: { action: string; query: Record<string, string>; endpoint: string; now: number; salt: string },
  { accessKeyId, accessKeySecret }: { accessKeyId: string; accessKeySecret: string },
) {
  const url = new URL('/', asked.endpoint)
  const query = Object.keys(asked.query)
    .sort()
    .map((name) => `${encoded(name)}=${encoded(asked.query[name] ?? '')}`)
    .join('&')
  url.search = query
  const headers: Record<string, string> = {
    host: url.host,
    'x-acs-action': asked.action,
    'x-acs-content-sha256': sha256(''),
    'x-acs-date': new Date(asked.now).toISOString().replace(/\.\d+Z$/, 'Z'),
    // Once only, so that a request that was overheard cannot be sent again.
    'x-acs-signature-nonce': sha256(`${asked.salt} ${asked.now}`).slice(0, 32),
    'x-acs-version': VERSION,
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    'POST',
    '/',
    query,
    ...names.map((name) => `${name}:${headers[name] ?? ''}`),
    '',
    names.join(';'),
    sha256(''),
  ].join('\n')
  const signature = createHmac('sha256', accessKeySecret)
    .update(`ACS3-HMAC-SHA256\n${sha256(canonical)}`)
    .digest('hex')
  const authorization = `ACS3-HMAC-SHA256 Credential=${accessKeyId},SignedHeaders=${names.join(';')},Signature=${signature}`
  return { method: 'POST' as const, url, headers: { ...headers, authorization } }
}

/** RFC 3986, as the signature wants it. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

function answerOf(heard: Heard, to: string): Receipt {
  if (heard.is === 'silence') return silenceReceipt(heard)
  const answer = jsonOf(heard.body) as { Code?: unknown; Message?: string; BizId?: unknown } | undefined
  if (typeof answer?.Code !== 'string') {
    const receipt = statusReceipt(heard)
    // 200 without the provider's own code is not its answer: nobody knows.
    return receipt.is === 'sent' ? { is: 'unknown', detail: 'HTTP 200 without a code' } : receipt
  }
  const receipt = codeReceipt(CODES, answer.Code, answer.Message ?? '', to)
  return typeof answer.BizId === 'string' ? { ...receipt, providerId: answer.BizId } : receipt
}

/** SendStatus of QuerySendDetails: 1 the operator has yet to say, 2 failed, 3 delivered. */
function detailOf(heard: Heard, sought: Sought, now: number): Receipt | undefined {
  if (heard.is === 'silence') return undefined
  const answer = jsonOf(heard.body) as
    | {
        Code?: string
        SmsSendDetailDTOs?: { SmsSendDetailDTO?: { OutId?: string; SendStatus?: number; ErrCode?: string }[] }
      }
    | undefined
  if (answer?.Code !== 'OK') return undefined
  const found = (answer.SmsSendDetailDTOs?.SmsSendDetailDTO ?? []).find(
    ({ OutId }) => OutId === ownId(sought.key, OUT_ID_MOST),
  )
  if (!found) {
    const gone =
      sought.providerId === undefined && sought.begunAt !== undefined && now - sought.begunAt > SURELY_GONE_MS
    return gone ? { is: 'transient', detail: 'the provider has no record of it' } : undefined
  }
  const detail = found.ErrCode ?? ''
  if (found.SendStatus === 3) return { is: 'sent', detail }
  if (found.SendStatus === 2) return { is: 'refused', detail }
  return { is: 'accepted', detail: 'the operator has yet to say' }
}

function dayOf(instant: number): string {
  return new Date(instant + BEIJING_MS).toISOString().slice(0, 10).replaceAll('-', '')
}
