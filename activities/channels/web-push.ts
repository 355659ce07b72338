/**
 * Push to browsers. The address is the subscription as the browser gave it, in JSON; its endpoint is written by strangers, so it is
 * guarded. Sources: RFC 8030 (answers, TTL, Topic), RFC 8291 (encryption), RFC 8292 (VAPID).
 */
import webPush, { type PushSubscription } from 'web-push'
import { CAPABILITIES } from '../../domain/channel.ts'
import { INTERNAL_ADDRESS, type Resolve, guard } from './address-guard.ts'
import type { Channel, Outgoing, Readiness, Receipt } from './channel.ts'
import { type Heard, jsonOf, openCaller, retryAfter, silenceReceipt, statusReceipt } from './request.ts'

export interface WebPushOptions {
  /** Who a push service may write to: mailto:… or https://… */
  subject: string
  publicKey: string
  privateKey: string
  /** host:port that may be asked although they are internal. */
  allowed?: readonly string[]
  resolve?: Resolve
  answerMs?: number
}

/** How long a push service keeps a message for a device that is off, seconds: one day, after which it is old news. */
const KEPT_S = 86_400

export function webPushChannel(options: WebPushOptions, ready: Readiness = { ok: true }): Channel {
  const { subject, publicKey, privateKey, answerMs } = options
  const caller = openCaller(answerMs === undefined ? {} : { answerMs })
  return {
    name: 'web-push',
    provider: 'web-push',
    ready,
    can: CAPABILITIES['web-push'],
    async send(message, begin) {
      if (!ready.ok) return { is: 'transient', detail: `not set: ${ready.missing.join(', ')}` }
      const subscription = subscriptionIn(message.to)
      if (!subscription) return { is: 'refused', detail: 'not a subscription', deadAddress: true }
      const way = guard(subscription.endpoint, options)
      if ('refused' in way) return { is: 'refused', detail: way.refused, deadAddress: true }
      const request = encrypted(subscription, message, { subject, publicKey, privateKey })
      if (!request) return { is: 'refused', detail: 'the keys of the subscription cannot be used', deadAddress: true }
      return answerOf(await caller.ask({ method: 'POST', ...request, lookup: way.lookup, begin }))
    },
    close: () => caller.close(),
  }
}

function subscriptionIn(text: string): PushSubscription | undefined {
  const read = jsonOf(text) as Partial<PushSubscription> | undefined
  const { endpoint, keys } = read ?? {}
  if (typeof endpoint !== 'string' || typeof keys?.p256dh !== 'string' || typeof keys.auth !== 'string')
    return undefined
  return { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }
}

function encrypted(
  subscription: PushSubscription,
  { words, key, messageId, class: of }: Outgoing,
  vapidDetails: { subject: string; publicKey: string; privateKey: string },
): { url: URL; headers: Record<string, string>; body: Buffer } | undefined {
  const payload = JSON.stringify({ title: words.subject, body: words.text.trim(), key })
  try {
    const { endpoint, headers, body } = webPush.generateRequestDetails(subscription, payload, {
      vapidDetails,
      TTL: KEPT_S,
      contentEncoding: 'aes128gcm',
      urgency: of === 'marketing' ? 'low' : 'normal',
      // A repeat takes the place of one the device has yet to get.
      topic: messageId.replace(/[<>]|@.*$/g, '').slice(0, 32),
    })
    return { url: new URL(endpoint), headers: headersOf(headers), body }
  } catch {
    return undefined
  }
}

/** Without the length, which goes with the body. */
function headersOf(headers: object): Record<string, string> {
  const all = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)])
  return Object.fromEntries(all.filter(([name]) => name !== 'content-length'))
}

function answerOf(heard: Heard): Receipt {
  if (heard.is === 'silence') {
    return heard.detail.startsWith(INTERNAL_ADDRESS)
      ? { is: 'refused', detail: 'an internal address', deadAddress: true }
      : silenceReceipt(heard)
  }
  const { status, headers } = heard
  // The subscription has ended: RFC 8030, 7.3, and what the push services answer.
  if (status === 404 || status === 410) return { is: 'refused', detail: `HTTP ${status}`, deadAddress: true }
  // Our VAPID key: 401 is the operator's to mend; 403 says that the subscription was made for another key.
  if (status === 401) return { is: 'transient', detail: 'HTTP 401', ...retryAfter(headers) }
  if (status === 403) return { is: 'refused', detail: 'HTTP 403', deadAddress: true }
  const receipt = statusReceipt(heard)
  return receipt.is === 'sent' && headers.location ? { ...receipt, providerId: headers.location } : receipt
}
