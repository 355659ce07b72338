import {
  createDecipheriv,
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import { jwtVerify } from 'jose'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import webPush from 'web-push'
import { pushChannel } from '../../activities/channels/push.ts'
import { webPushChannel } from '../../activities/channels/web-push.ts'
import { type Asked, type HttpReply, startHttpSink } from '../http-sink.ts'
import { beginner, outgoing } from '../outgoing.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const NOW = Date.UTC(2026, 10, 23, 12)
const time = { now: NOW }
const lender = { lent: 0, good: '' }

/** Google's token server and FCM in one: the JWT is verified, and only the newest token is taken. */
const sink = await startHttpSink(async (asked) => {
  if (asked.url.pathname === '/token') return lend(asked)
  if (asked.headers.authorization !== `Bearer ${lender.good}`)
    return { status: 401, body: { error: { status: 'UNAUTHENTICATED' } } }
  return planned.shift() ?? { body: { name: 'projects/shop/messages/0:1' } }
})
const planned: HttpReply[] = []

async function lend(asked: Asked): Promise<HttpReply> {
  const form = new URLSearchParams(String(asked.body))
  const { payload } = await jwtVerify(form.get('assertion') ?? '', publicKey, {
    audience: `${sink.url}/token`,
    issuer: 'perennial@shop.example',
    currentDate: new Date(time.now),
  })
  if (payload['scope'] !== 'https://www.googleapis.com/auth/firebase.messaging') return { status: 400 }
  lender.lent += 1
  lender.good = `ya29.${lender.lent}`
  return { body: { access_token: lender.good, expires_in: 3599, token_type: 'Bearer' } }
}

const account = { projectId: 'shop', clientEmail: 'perennial@shop.example', privateKey: pem }
const fcm = pushChannel({
  ...account,
  tokenUri: `${sink.url}/token`,
  endpoint: sink.url,
  answerMs: 150,
  now: () => time.now,
})
const vapid = webPush.generateVAPIDKeys()
const browser = createECDH('prime256v1')
browser.generateKeys()
const auth = randomBytes(16)
const subscription = (endpoint: string): string =>
  JSON.stringify({ endpoint, keys: { p256dh: browser.getPublicKey('base64url'), auth: auth.toString('base64url') } })
const keys = {
  subject: 'mailto:shop@shop.example',
  publicKey: vapid.publicKey,
  privateKey: vapid.privateKey,
  answerMs: 150,
}
const pushService = await startHttpSink(() => ({ status: 201, headers: { location: 'https://push.example/m/1' } }))
const web = webPushChannel({ ...keys, allowed: [`127.0.0.1:${pushService.port}`] })
afterAll(() => Promise.all([fcm.close(), web.close(), sink.stop(), pushService.stop()]))
beforeEach(() => {
  time.now += 7_200_000
  for (const one of [sink, pushService]) one.asked.length = 0
  planned.length = 0
})

const fcmError = (status: number, errorCode: string, headers = {}): HttpReply => ({
  status,
  headers,
  body: {
    error: {
      code: status,
      status: 'SOME',
      details: [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }],
    },
  },
})

describe('FCM', () => {
  const message = outgoing('device-token')

  it('is asked with a token that our signed JWT got, once for many messages', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => fcm.send(message, beginner().begin)))
    expect(all[0]).toEqual({ is: 'sent', detail: 'HTTP 200', providerId: 'projects/shop/messages/0:1' })
    expect(sink.asked.filter(({ url }) => url.pathname === '/token')).toHaveLength(1)
    const sent = sink.asked.find(({ url }) => url.pathname === '/v1/projects/shop/messages:send')
    expect(JSON.parse(String(sent?.body))).toMatchObject({
      message: { token: 'device-token', notification: { title: 'Ten off' }, data: { key: message.key } },
    })
  })

  it.each<[string, HttpReply, object]>([
    ['a device that is gone', fcmError(404, 'UNREGISTERED'), { is: 'refused', deadAddress: true }],
    ['a device of another sender', fcmError(403, 'SENDER_ID_MISMATCH'), { is: 'refused', deadAddress: true }],
    ['a wrong message', fcmError(400, 'INVALID_ARGUMENT'), { is: 'refused' }],
    [
      'over the quota',
      fcmError(429, 'QUOTA_EXCEEDED', { 'retry-after': '60' }),
      { is: 'transient', retryAfterMs: 60_000 },
    ],
    ['down', fcmError(503, 'UNAVAILABLE'), { is: 'transient' }],
    ['an error of its own', fcmError(500, 'INTERNAL'), { is: 'transient' }],
    ['a certificate that is over', fcmError(401, 'THIRD_PARTY_AUTH_ERROR'), { is: 'transient' }],
    ['no answer', 'hang', { is: 'unknown' }],
    ['dropped', 'drop', { is: 'unknown' }],
    ['half an answer', 'cut', { is: 'unknown' }],
  ])('%s', async (_what, reply, receipt) => {
    planned.push(reply)
    expect(await fcm.send(message, beginner().begin)).toMatchObject(receipt)
  })

  it('a token that is no longer taken is had anew, once; the message begins once', async () => {
    await fcm.send(message, beginner().begin)
    lender.good = 'revoked'
    const { begin, asked } = beginner()
    expect(await fcm.send(message, begin)).toMatchObject({ is: 'sent' })
    expect(asked()).toBe(1)
  })

  it('a key that cannot sign sends nothing', async () => {
    const broken = pushChannel({ ...account, privateKey: 'no key', tokenUri: `${sink.url}/token`, now: () => time.now })
    const { begin, asked } = beginner()
    expect(await broken.send(message, begin)).toEqual({
      is: 'transient',
      detail: 'no access token: the private key cannot be read',
    })
    expect(asked()).toBe(0)
    await broken.close()
  })
})

describe('web push', () => {
  const to = subscription(`${pushService.url}/wpush/v2/abc`)

  it('is encrypted for the browser alone, and signed by us', async () => {
    const receipt = await web.send(outgoing(to, { class: 'marketing' }), beginner().begin)
    expect(receipt).toMatchObject({ is: 'sent', providerId: 'https://push.example/m/1' })
    const [asked] = pushService.asked
    expect(asked?.headers).toMatchObject({ 'content-encoding': 'aes128gcm', ttl: '86400', urgency: 'low' })
    expect(asked?.headers['topic']).toBe('0123456789abcdef0123456789abcdef')
    expect(String(asked?.body)).not.toContain('Ten off')
    const [, token = '', key = ''] = /^vapid t=([^,]+), k=(.+)$/.exec(asked?.headers.authorization ?? '') ?? []
    expect(key).toBe(vapid.publicKey)
    const signer = createPublicKey(createPrivateKey(vapidPem()))
    const { payload } = await jwtVerify(token, signer, { audience: pushService.url })
    expect(payload.sub).toBe('mailto:shop@shop.example')
    expect(JSON.parse(decrypted(asked?.body ?? Buffer.alloc(0)))).toMatchObject({
      title: 'Ten off',
      body: 'Ten off your first order',
    })
  })

  it.each<[string, HttpReply, object]>([
    ['ended', { status: 410 }, { is: 'refused', deadAddress: true }],
    ['not known', { status: 404 }, { is: 'refused', deadAddress: true }],
    ['made for another key', { status: 403 }, { is: 'refused', deadAddress: true }],
    ['too large', { status: 413 }, { is: 'refused' }],
    ['too often', { status: 429, headers: { 'retry-after': '5' } }, { is: 'transient', retryAfterMs: 5_000 }],
    ['down', { status: 503 }, { is: 'transient' }],
    ['no answer', 'hang', { is: 'unknown' }],
    ['half an answer', 'cut', { is: 'unknown' }],
  ])('%s', async (_what, reply, receipt) => {
    pushService.next(reply)
    expect(await web.send(outgoing(to), beginner().begin)).toMatchObject(receipt)
  })

  it.each([
    ['no subscription', 'not JSON'],
    ['http', subscription('http://push.example/1')],
    ['the network of the shop', subscription('https://10.0.0.1/1')],
    ['the machine itself', subscription('https://[::ffff:127.0.0.1]/1')],
    ['keys of nobody', JSON.stringify({ endpoint: 'https://push.example/1', keys: { p256dh: 'AAAA', auth: 'AAAA' } })],
  ])('%s is refused before anybody is asked', async (_what, address) => {
    const strict = webPushChannel({ ...keys, resolve: () => Promise.reject(new Error('nobody is to be asked')) })
    const { begin, asked } = beginner()
    expect(await strict.send(outgoing(address), begin)).toMatchObject({ is: 'refused', deadAddress: true })
    expect(asked()).toBe(0)
    await strict.close()
  })

  it('a name that points into our network is refused', async () => {
    const strict = webPushChannel({ ...keys, resolve: () => Promise.resolve([{ address: '192.168.1.7', family: 4 }]) })
    expect(await strict.send(outgoing(subscription('https://push.example/1')), beginner().begin)).toMatchObject({
      is: 'refused',
      detail: 'an internal address',
    })
    await strict.close()
  })
})

/** The VAPID key as PEM, by way of JWK. */
function vapidPem(): string {
  const point = Buffer.from(vapid.publicKey, 'base64url')
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'))
  const jwk = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '', d: vapid.privateKey }
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** RFC 8291, as the browser does it. */
function decrypted(body: Buffer): string {
  const salt = body.subarray(0, 16)
  const idLength = body[20] ?? 0
  const sender = body.subarray(21, 21 + idLength)
  const sealed = body.subarray(21 + idLength)
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), browser.getPublicKey(), sender])
  const ikm = Buffer.from(hkdfSync('sha256', browser.computeSecret(sender), auth, info, 32))
  const key = Buffer.from(hkdfSync('sha256', ikm, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16))
  const nonce = Buffer.from(hkdfSync('sha256', ikm, salt, Buffer.from('Content-Encoding: nonce\0'), 12))
  const cipher = createDecipheriv('aes-128-gcm', key, nonce)
  cipher.setAuthTag(sealed.subarray(-16))
  const text = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()])
  return text.subarray(0, text.lastIndexOf(2)).toString()
}
