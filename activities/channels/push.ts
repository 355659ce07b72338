/**
 * Push to phones by Firebase Cloud Messaging, HTTP v1. The access token is had with a JWT that the service account signs (RFC 7523).
 * Sources: firebase.google.com, "Send a message using FCM HTTP v1 API", "ErrorCode"; developers.google.com, "Using OAuth 2.0 for
 * Server to Server Applications".
 */
import { SignJWT, importPKCS8 } from 'jose'
import { CAPABILITIES } from '../../domain/channel.ts'
import { type Lent, NoToken, accessToken } from './access-token.ts'
import type { Begin, Channel, Outgoing, Readiness, Receipt } from './channel.ts'
import { type Heard, jsonOf, openCaller, retryAfter, silenceReceipt, statusReceipt } from './request.ts'

export interface PushOptions {
  /** Out of the service account's file. */
  projectId: string
  clientEmail: string
  /** PEM, PKCS #8. */
  privateKey: string
  /** https://oauth2.googleapis.com/token unless told. */
  tokenUri?: string
  /** https://fcm.googleapis.com unless told. */
  endpoint?: string
  answerMs?: number
  now: () => number
}

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const HOUR_S = 3600

/** `errorCode` of an FcmError. */
const CODES: Readonly<Record<string, Omit<Receipt, 'detail'>>> = {
  UNREGISTERED: { is: 'refused', deadAddress: true },
  SENDER_ID_MISMATCH: { is: 'refused', deadAddress: true },
  INVALID_ARGUMENT: { is: 'refused' },
  QUOTA_EXCEEDED: { is: 'transient' },
  UNAVAILABLE: { is: 'transient' },
  INTERNAL: { is: 'transient' },
  THIRD_PARTY_AUTH_ERROR: { is: 'transient' },
}

export function pushChannel(options: PushOptions, ready: Readiness = { ok: true }): Channel {
  const { projectId, endpoint = 'https://fcm.googleapis.com', now } = options
  const caller = openCaller(options.answerMs === undefined ? {} : { answerMs: options.answerMs })
  const token = accessToken(async () => lentBy(await caller.ask(await tokenRequest(options))), now)
  const url = new URL(`/v1/projects/${encodeURIComponent(projectId)}/messages:send`, endpoint)

  async function ask(message: Outgoing, begin: Begin): Promise<Heard> {
    const body = JSON.stringify({ message: notification(message) })
    for (let again = false; ; again = true) {
      const bearer = await token.get()
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
      const heard = await caller.ask({ method: 'POST', url, headers, body, begin })
      // 401 with a code of its own speaks of Apple's certificate, not of our token.
      if (again || heard.is === 'silence' || heard.status !== 401 || fcmCode(heard.body) !== undefined) return heard
      token.forget(bearer)
    }
  }

  return {
    name: 'push',
    provider: 'fcm',
    ready,
    can: CAPABILITIES.push,
    async send(message, begin) {
      if (!ready.ok) return { is: 'transient', detail: `not set: ${ready.missing.join(', ')}` }
      let begun: Promise<boolean> | undefined
      try {
        return answerOf(await ask(message, () => (begun ??= begin())))
      } catch (error) {
        if (error instanceof NoToken) return { is: 'transient', detail: error.message }
        throw error
      }
    },
    close: () => caller.close(),
  }
}

async function tokenRequest({ clientEmail, privateKey, tokenUri, now }: PushOptions) {
  const url = new URL(tokenUri ?? 'https://oauth2.googleapis.com/token')
  const from = Math.floor(now() / 1000)
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(clientEmail)
    .setAudience(url.href)
    .setIssuedAt(from)
    .setExpirationTime(from + HOUR_S)
    .sign(await keyOf(privateKey))
  const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString()
  return { method: 'POST' as const, url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }
}

async function keyOf(pem: string) {
  try {
    return await importPKCS8(pem, 'RS256')
  } catch {
    throw new NoToken('no access token: the private key cannot be read')
  }
}

function lentBy(heard: Heard): Lent {
  const said =
    heard.is === 'answer' ? (jsonOf(heard.body) as { access_token?: string; expires_in?: number }) : undefined
  if (said?.access_token) return { token: said.access_token, forMs: (said.expires_in ?? HOUR_S) * 1000 }
  throw new NoToken(`no access token: ${heard.is === 'silence' ? heard.detail : `HTTP ${heard.status}`}`)
}

/** The key goes along as data, so that the app can drop a double; the tag lets a repeat take the place of the first. */
function notification({ to, words, key, messageId }: Outgoing): object {
  const tag = messageId.replace(/[<>]|@.*$/g, '')
  return {
    token: to,
    notification: { title: words.subject, body: words.text.trim() },
    data: { key },
    android: { notification: { tag } },
    apns: { headers: { 'apns-collapse-id': tag.slice(0, 64) } },
  }
}

function fcmCode(body: string): string | undefined {
  const said = jsonOf(body) as { error?: { details?: { errorCode?: string }[] } } | undefined
  return said?.error?.details?.find(({ errorCode }) => errorCode !== undefined)?.errorCode
}

function answerOf(heard: Heard): Receipt {
  if (heard.is === 'silence') return silenceReceipt(heard)
  if (heard.status === 200) {
    const name = (jsonOf(heard.body) as { name?: string } | undefined)?.name
    return name === undefined
      ? { is: 'unknown', detail: 'HTTP 200 without a name' }
      : { is: 'sent', detail: 'HTTP 200', providerId: name }
  }
  const code = fcmCode(heard.body)
  if (code !== undefined && CODES[code]) {
    return { ...CODES[code], detail: `HTTP ${heard.status} ${code}`, ...retryAfter(heard.headers) }
  }
  // Our own login was refused twice, which is the operator's to mend.
  if (heard.status === 401 || heard.status === 403) return { is: 'transient', detail: `HTTP ${heard.status}` }
  return statusReceipt(heard)
}
