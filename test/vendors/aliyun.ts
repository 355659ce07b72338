/** Aliyun's SMS service as its documents describe it: the signature is checked over what came in, not over what we meant. */
import { createHash, createHmac } from 'node:crypto'
import type { Asked, HttpReply } from '../http-sink.ts'

const sha = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')

/** Why the request is not signed as "V3 版本请求体 & 签名机制" says; undefined where it is. */
export function aliyunFault(asked: Asked, secret: string): string | undefined {
  const { authorization = '' } = asked.headers
  const [, credential, names = '', signature] =
    /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/.exec(authorization) ?? []
  if (!credential) return 'no signature'
  for (const needed of [
    'host',
    'x-acs-action',
    'x-acs-content-sha256',
    'x-acs-date',
    'x-acs-signature-nonce',
    'x-acs-version',
  ])
    if (!names.split(';').includes(needed)) return `${needed} is not signed`
  if (asked.headers['x-acs-content-sha256'] !== sha(asked.body)) return 'the body has another hash'
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(asked.headers['x-acs-date']))) return 'no date'
  const query = [...asked.url.searchParams]
    .map(([name, value]) => `${rfc3986(name)}=${rfc3986(value)}`)
    .sort()
    .join('&')
  const lines = names.split(';').map((name) => `${name}:${String(asked.headers[name]).trim()}\n`)
  const canonical = `${asked.method}\n${asked.url.pathname}\n${query}\n${lines.join('')}\n${names}\n${sha(asked.body)}`
  const right = createHmac('sha256', secret)
    .update(`ACS3-HMAC-SHA256\n${sha(canonical)}`)
    .digest('hex')
  return signature === right ? undefined : 'another signature'
}

const rfc3986 = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll('!', '%21')
    .replaceAll("'", '%27')
    .replaceAll('(', '%28')
    .replaceAll(')', '%29')
    .replaceAll('*', '%2A')

export const aliyunTaken = (bizId = '900619746936498440^0'): HttpReply => ({
  body: { Message: 'OK', RequestId: 'F655A8D5-B967-440B-8683-DAD6FF8DE990', Code: 'OK', BizId: bizId },
})

export const aliyunSays = (code: string, status = 200): HttpReply => ({
  status,
  body: { Message: `words of ${code} on 13800000000`, RequestId: 'F655A8D5', Code: code },
})
