/** What providers tell us of messages afterwards, each in the form of its own documents. */
import { z } from 'zod'
import { PerennialError } from '../errors.ts'

const text = (most: number) => z.string().min(1).max(most)

/** Our own form, for mail providers and whatever stands between: signed as Standard Webhooks. */
const signed = z.strictObject({
  receipts: z
    .array(
      z.strictObject({
        /** The provider's own id of it. */
        id: text(200),
        kind: z.enum(['delivered', 'failed', 'bounced', 'complained']),
        channel: z.enum(['email', 'sms', 'push', 'web-push', 'wecom', 'wechat', 'webhook']).default('email'),
        /** bounced: it always will. */
        permanent: z.boolean().default(false),
        /** The Message-ID of the mail, our key, or what the provider called it. */
        messageId: text(300).optional(),
        key: text(500).optional(),
        providerId: text(300).optional(),
        address: text(320).optional(),
        detail: text(500).optional(),
      }),
    )
    .min(1)
    .max(500),
})

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')])

/** SmsReport and SmsUp of Aliyun (101867, 60127): JSON arrays, without a signature. */
const aliyunReport = z.object({
  success: flag,
  err_code: z.string().default(''),
  biz_id: text(200),
  out_id: z.string().optional(),
})
const aliyunReply = z.object({
  phone_number: text(30),
  content: z.string().max(2_000),
  sequence_id: z.union([z.number(), text(100)]),
})
const aliyun = z.array(z.union([aliyunReport, aliyunReply])).max(1_000)

/** The status and reply callbacks of Tencent Cloud (382/43547, 382/43548): an array of the first, one of the second. */
const tencentStatus = z.object({
  report_status: z.enum(['SUCCESS', 'FAIL']),
  errmsg: z.string().default(''),
  sid: text(200),
})
const tencentReply = z.object({
  nationcode: z.string().regex(/^\d{1,4}$/),
  mobile: text(30),
  text: z.string().max(2_000),
  time: z.number(),
})
const tencent = z.union([z.array(tencentStatus).max(1_000), tencentReply.transform((one) => [one])])

const CONTRACTS = { signed, aliyun, tencent }

export type SignedReceipts = z.output<typeof signed>
export type AliyunReceipts = z.output<typeof aliyun>
export type TencentReceipts = z.output<typeof tencent>

type Contracts = typeof CONTRACTS

/** What a body in the form of a provider says. Throws RECEIPT_INVALID, naming the field. */
export function readReceipts<P extends keyof Contracts>(provider: P, body: string): z.output<Contracts[P]> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new PerennialError('RECEIPT_INVALID', 'the body is not JSON', { cause })
  }
  const result = CONTRACTS[provider].safeParse(value)
  if (result.success) return result.data as z.output<Contracts[P]>
  const [issue] = result.error.issues
  const field = issue?.path.join('.') || 'body'
  throw new PerennialError('RECEIPT_INVALID', `${field}: ${issue?.message ?? 'not a receipt'}`, { field })
}
