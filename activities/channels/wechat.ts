/**
 * WeChat subscribe messages of a mini-program: one for each time the customer tapped "allow", so for service and transactional
 * messages. Sources: developers.weixin.qq.com, "subscribeMessage.send", "getStableAccessToken", "全局返回码".
 */
import { CAPABILITIES } from '../../domain/channel.ts'
import { accessToken } from './access-token.ts'
import type { Channel, Readiness, Receipt } from './channel.ts'
import { type ProviderTemplates, fillTemplate } from './provider-templates.ts'
import { openCaller } from './request.ts'
import { errcodeReceipt, lentIn, post } from './wechat-api.ts'

export interface WechatOptions {
  appId: string
  secret: string
  templates: ProviderTemplates
  /** The page of the mini-program that a tap opens. */
  page?: string
  /** https://api.weixin.qq.com unless told. */
  endpoint?: string
  answerMs?: number
  now: () => number
}

const CODES: Readonly<Record<number, Omit<Receipt, 'detail'>>> = {
  // System busy.
  [-1]: { is: 'transient' },
  45009: { is: 'transient', retryAfterMs: 60_000 },
  45011: { is: 'transient' },
  44990: { is: 'transient' },
  44991: { is: 'transient' },
  40013: { is: 'transient' },
  40125: { is: 'transient' },
  40164: { is: 'transient' },
  40003: { is: 'refused', deadAddress: true },
  // The customer did not allow it, or has used up what was allowed: the next tap may allow again, so the address lives.
  43101: { is: 'refused' },
  40037: { is: 'refused' },
  41030: { is: 'refused' },
  47003: { is: 'refused' },
}

export function wechatChannel(options: WechatOptions, ready: Readiness = { ok: true }): Channel {
  const { appId, secret, templates, page, now, endpoint = 'https://api.weixin.qq.com' } = options
  const caller = openCaller(options.answerMs === undefined ? {} : { answerMs: options.answerMs })
  const token = accessToken(async () => {
    // The stable one: each call of the other kind ends the token of every other process.
    const body = JSON.stringify({ grant_type: 'client_credential', appid: appId, secret })
    const headers = { 'content-type': 'application/json' }
    const url = new URL('/cgi-bin/stable_token', endpoint)
    return lentIn(await caller.ask({ method: 'POST', url, headers, body }))
  }, now)
  return {
    name: 'wechat',
    provider: 'wechat',
    ready,
    can: CAPABILITIES.wechat,
    async send(message, begin) {
      if (!ready.ok) return { is: 'transient', detail: `not set: ${ready.missing.join(', ')}` }
      if (message.class === 'marketing') return { is: 'refused', detail: 'a subscribe message carries no marketing' }
      const filled = fillTemplate(templates, message, message.words.text.trim())
      if ('missing' in filled) return { is: 'refused', detail: `there is no ${filled.missing}` }
      const body = {
        touser: message.to,
        template_id: filled.id,
        data: Object.fromEntries(filled.params.map(([name, value]) => [name, { value }])),
        ...(page && { page }),
        lang: message.locale?.startsWith('zh') === false ? 'en_US' : 'zh_CN',
      }
      const path = '/cgi-bin/message/subscribe/send'
      const heard = await post({ caller, token, endpoint, path, body, begin })
      return errcodeReceipt(heard, CODES, (said) => ({
        is: 'sent',
        detail: 'ok',
        ...(typeof said['msgid'] === 'number' && { providerId: String(said['msgid']) }),
      }))
    },
    close: () => caller.close(),
  }
}
