/**
 * Messages to a system of the shop's own, which brings them to the customer. Signed as Standard Webhooks 1.0.0 says; the webhook-id
 * is the same for every attempt of a message, so that its receiver can drop a double. Internal addresses are refused, as the address
 * may be written by somebody who may not enter the network.
 */
import { createHmac } from 'node:crypto'
import { CAPABILITIES } from '../../domain/channel.ts'
import { INTERNAL_ADDRESS, type Resolve, guard } from './address-guard.ts'
import type { Channel, Outgoing, Readiness, Receipt } from './channel.ts'
import { type Heard, openCaller, silenceReceipt, statusReceipt } from './request.ts'

export interface WebhookOptions {
  /** Where messages go whose `to` is no address of its own. */
  url: string
  /** whsec_ and base64, as Standard Webhooks writes it. */
  secret: string
  /** host:port that may be asked although they are internal, by the operator's word. */
  allowed?: readonly string[]
  resolve?: Resolve
  answerMs?: number
  /** PEM, where the receiver's certificate is signed by one's own authority. */
  ca?: string
  /** Machine time, epoch ms. */
  now: () => number
}

export function webhookChannel(options: WebhookOptions, ready: Readiness = { ok: true }): Channel {
  const { url, secret, answerMs, ca, now } = options
  const caller = openCaller({ ...(answerMs !== undefined && { answerMs }), ...(ca && { ca }) })
  return {
    name: 'webhook',
    provider: 'webhook',
    ready,
    can: CAPABILITIES.webhook,
    async send(message, begin) {
      if (!ready.ok) return { is: 'transient', detail: `not set: ${ready.missing.join(', ')}` }
      const target = /^https?:/.test(message.to) ? message.to : url
      const way = guard(target, options)
      if ('refused' in way) return { is: 'refused', detail: way.refused }
      const body = JSON.stringify(payloadOf(message))
      const id = `msg_${message.messageId.replace(/[<>]|@.*$/g, '')}`
      const timestamp = String(Math.floor(now() / 1000))
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signatureOf({ id, timestamp, body }, secret)}`,
      }
      return answerOf(await caller.ask({ method: 'POST', ...way, headers, body, begin }))
    },
    close: () => caller.close(),
  }
}

function payloadOf({ key, to, words, class: of, locale, unsubscribeUrl }: Outgoing): object {
  const data = {
    key,
    customer: to,
    class: of,
    ...words,
    ...(locale && { locale }),
    ...(unsubscribeUrl && { unsubscribeUrl }),
  }
  return { type: 'message.send', data }
}

/** Base64 of HMAC-SHA256 over `id.timestamp.body`. */
function signatureOf({ id, timestamp, body }: { id: string; timestamp: string; body: string }, secret: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
}

function answerOf(heard: Heard): Receipt {
  if (heard.is === 'silence') {
    return heard.detail.startsWith(INTERNAL_ADDRESS)
      ? { is: 'refused', detail: 'an internal address' }
      : silenceReceipt(heard)
  }
  if (heard.status >= 300 && heard.status < 400) {
    return { is: 'refused', detail: `HTTP ${heard.status}: redirects are not followed` }
  }
  return statusReceipt(heard)
}
