/** Tencent Cloud's SMS service as its documents describe it, with the signature checked over what came in. */
import { createHash, createHmac } from 'node:crypto'
import type { Asked, HttpReply } from '../http-sink.ts'

const sha = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Why the request is not signed as "签名方法 v3" says; undefined where it is. */
export function tencentFault(asked: Asked, secret: string): string | undefined {
  const { authorization = '' } = asked.headers
  const [, id, day = '', service = '', names = '', signature] =
    /^TC3-HMAC-SHA256 Credential=([^/]+)\/(\d{4}-\d\d-\d\d)\/([a-z]+)\/tc3_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? []
  if (!id) return 'no signature'
  if (!names.includes('content-type') || !names.includes('host')) return 'content-type and host must be signed'
  const timestamp = String(asked.headers['x-tc-timestamp'])
  if (new Date(Number(timestamp) * 1000).toISOString().slice(0, 10) !== day)
    return 'another day than that of the timestamp'
  const lines = names.split(';').map((name) => `${name}:${String(asked.headers[name]).toLowerCase()}\n`)
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${sha(asked.body)}`
  const key = mac(mac(mac(`TC3${secret}`, day), service), 'tc3_request')
  const right = mac(key, `TC3-HMAC-SHA256\n${timestamp}\n${day}/${service}/tc3_request\n${sha(canonical)}`).toString(
    'hex',
  )
  return signature === right ? undefined : 'another signature'
}

export const tencentTaken = (serial = '5000:1045710669157053657849499619'): HttpReply => tencentStatus('Ok', serial)

/** The status of the one number. */
export const tencentStatus = (code: string, serial = ''): HttpReply => ({
  body: {
    Response: {
      SendStatusSet: [
        {
          SerialNo: serial,
          PhoneNumber: '+8613800000000',
          Fee: 1,
          SessionContext: '',
          Code: code,
          Message: 'words',
          IsoCode: 'CN',
        },
      ],
      RequestId: 'a0aabda6',
    },
  },
})

/** The request as a whole is refused; HTTP 200 all the same. */
export const tencentError = (code: string): HttpReply => ({
  body: { Response: { Error: { Code: code, Message: 'words' }, RequestId: 'a0aabda6' } },
})
