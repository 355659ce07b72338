/** Where providers tell what became of messages, and pass on what customers answered. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { ChannelName } from '../../domain/channel.ts'
import {
  type AliyunReceipts,
  type SignedReceipts,
  type TencentReceipts,
  readReceipts,
} from '../../domain/contracts/receipt.ts'
import { PerennialError } from '../../domain/errors.ts'
import { isRefusal } from '../../domain/receipt-words.ts'
import type { Clock } from '../../domain/tempo.ts'
import type { Db } from '../../store/db.ts'
import { type ProviderReceipt, takeReceipts } from '../../store/receipts.ts'

export interface ReceiptRoutesParts {
  db: Db
  clock: Clock
  /** What a customer who refuses a channel leaves there, beside what is known of them; 'marketing' unless told. */
  topics?: readonly string[]
  /** whsec_ and base64; without it no signed receipts are taken. */
  receiptsSecret?: string | undefined
  /** The last part of the address that providers who do not sign are given; without it they are refused. */
  receiptsToken?: string | undefined
  /** Machine time, epoch ms: signatures are dated by it. Date.now unless told. */
  machineNow?: () => number
}

/** Standard Webhooks: a signature is good for five minutes before and after its time. */
const WINDOW_MS = 5 * 60_000
const BODY_MOST = 1024 * 1024

type Raw = Buffer

export function receiptRoutes(parts: ReceiptRoutesParts): FastifyPluginAsync {
  const { db, clock, topics = ['marketing'], receiptsSecret, receiptsToken, machineNow = Date.now } = parts
  const take = (receipts: readonly ProviderReceipt[], request?: string) =>
    takeReceipts(db, receipts, { now: () => clock.now(), topics, ...(request !== undefined && { request }) })

  return async (app) => {
    // The signature is over the bytes as they came.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: BODY_MOST },
      async (_request: FastifyRequest, raw: Raw) => raw,
    )
    app.post('/v1/receipts/signed', async (request) => {
      const id = checkSignature(request, receiptsSecret, machineNow())
      const { receipts } = readReceipts('signed', String(request.body))
      return take(signedOf(receipts), id)
    })
    app.post<{ Params: { token: string } }>('/v1/receipts/aliyun/:token', async (request) => {
      checkToken(request.params.token, receiptsToken)
      await take(aliyunOf(readReceipts('aliyun', String(request.body))))
      // What Aliyun takes for an answer; anything but 200 is sent again.
      return { code: 0, msg: 'OK' }
    })
    app.post<{ Params: { token: string } }>('/v1/receipts/tencent/:token', async (request) => {
      checkToken(request.params.token, receiptsToken)
      await take(tencentOf(readReceipts('tencent', String(request.body))))
      return { result: 0, errmsg: 'OK' }
    })
  }
}

/** The id of a request that is signed, and now; throws RECEIPT_SIGNATURE_INVALID or RECEIPT_LATE. */
function checkSignature({ headers, body }: FastifyRequest, secret: string | undefined, now: number): string {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => {
    const value = headers[name]
    return typeof value === 'string' ? value : ''
  })
  const wrong = new PerennialError('RECEIPT_SIGNATURE_INVALID', 'the request is not signed with our secret')
  if (secret === undefined || !id || id.length > 200 || !timestamp || !signatures) throw wrong
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const right = createHmac('sha256', key)
    .update(`${id}.${timestamp}.`)
    .update((body as Raw | undefined) ?? '')
    .digest()
  const given = signatures
    .split(' ')
    .flatMap((one) => (one.startsWith('v1,') ? [Buffer.from(one.slice(3), 'base64')] : []))
  if (!given.some((one) => one.length === right.length && timingSafeEqual(one, right))) throw wrong
  // Behind the signature, so that nobody learns from it what time it is here.
  const late = Math.abs(now - Number(timestamp) * 1000)
  if (!/^\d+$/.test(timestamp) || late > WINDOW_MS) {
    throw new PerennialError('RECEIPT_LATE', 'the request was signed at another time', { field: 'webhook-timestamp' })
  }
  return id
}

function checkToken(given: string, token: string | undefined): void {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  if (token === undefined || !timingSafeEqual(hash(given), hash(token))) {
    throw new PerennialError('RECEIPT_SIGNATURE_INVALID', 'the secret part of the address is wrong')
  }
}

/** Some providers tell a Message-ID without its brackets. */
function signedOf(receipts: SignedReceipts['receipts']): ProviderReceipt[] {
  return receipts.map(({ id, kind, channel, permanent, messageId, key, providerId, address, detail }) => ({
    provider: 'signed',
    id,
    kind,
    channel: channel satisfies ChannelName,
    permanent,
    of: {
      ...(messageId && { messageId: `<${messageId.replace(/^<|>$/g, '')}>` }),
      ...(key && { key }),
      ...(providerId && { providerId }),
    },
    ...(address && { address }),
    ...(detail && { detail }),
  }))
}

/** An answer that is no refusal is for a person to read, and is left to the provider's console. */
function refusal(
  provider: string,
  id: string,
  { address, text }: { address: string; text: string },
): ProviderReceipt[] {
  return isRefusal(text) ? [{ provider, id: `reply/${id}`, kind: 'refused', channel: 'sms', address }] : []
}

function aliyunOf(receipts: AliyunReceipts): ProviderReceipt[] {
  return receipts.flatMap((one): ProviderReceipt[] => {
    if ('content' in one) {
      const address = one.phone_number.startsWith('+')
        ? one.phone_number
        : `+86${one.phone_number.replace(/^86(?=1\d{10}$)/, '')}`
      return refusal('aliyun', String(one.sequence_id), { address, text: one.content })
    }
    const of = { providerId: one.biz_id, ...(one.out_id && { key: one.out_id }) }
    const kind = one.success ? 'delivered' : 'failed'
    return [{ provider: 'aliyun', id: `report/${one.biz_id}`, kind, channel: 'sms', of, detail: one.err_code }]
  })
}

function tencentOf(receipts: TencentReceipts): ProviderReceipt[] {
  return receipts.flatMap((one): ProviderReceipt[] => {
    if ('text' in one) {
      const address = `+${one.nationcode}${one.mobile}`
      // It has no id: the same number, time and words are the same answer.
      const id = createHash('sha256').update(`${address} ${one.time} ${one.text}`).digest('hex')
      return refusal('tencent', id, { address, text: one.text })
    }
    const kind = one.report_status === 'SUCCESS' ? 'delivered' : 'failed'
    const of = { providerId: one.sid }
    return [{ provider: 'tencent', id: `report/${one.sid}`, kind, channel: 'sms', of, detail: one.errmsg }]
  })
}
