/** Everything that may differ between two installations, read once at each entry. .env.example explains each. */
import { z } from 'zod'
import { isZone, minuteOfDay } from '../calendar.ts'
import { CHANNELS, isChannelName } from '../channel.ts'
import { milliseconds } from '../duration.ts'
import { PerennialError } from '../errors.ts'
import { isLocale } from '../locale.ts'
import type { CapRule } from '../pressure.ts'

const readable = <T>(read: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return read(text)
    } catch (error) {
      context.addIssue(error instanceof Error ? error.message : String(error))
      return z.NEVER
    }
  })

const port = z.coerce.number().int().min(0).max(65_535)

const quietHours = readable((text) => {
  const [from, to, ...more] = text.split('-')
  if (from === undefined || to === undefined || more.length > 0) throw new Error("expected '20:30-09:00'")
  return { from: minuteOfDay(from), to: minuteOfDay(to) }
})

const RULE = /^(\d+) per (.+?)((?: (?:on|tagged|counting) [a-z-]+)*)$/
const CAP = "expected '4 per 7 days', with more after a comma: '1 per 1 day on sms', '2 per 7 days tagged promotion'"

/** '4 per 7 days, 1 per 1 day on sms, 6 per 7 days counting service': all of them bind. */
const caps = readable((text) => text.split(',').map((one) => ruleIn(one.trim())))

function ruleIn(text: string): CapRule {
  const [, messages, window, more = ''] = RULE.exec(text) ?? []
  if (messages === undefined || window === undefined) throw new Error(CAP)
  const rule: CapRule = { messages: Number(messages), windowMs: milliseconds(window), counts: ['marketing'] }
  for (const [, word, name = ''] of more.matchAll(/(on|tagged|counting) ([a-z-]+)/g)) {
    if (word === 'tagged') rule.tag = name
    else if (word === 'on' && isChannelName(name)) rule.channel = name
    else if (word === 'counting' && (name === 'service' || name === 'transactional'))
      rule.counts = [...rule.counts, name]
    else throw new Error(CAP)
  }
  return rule
}

const releaseRate = readable((text) => {
  const [, messages, window] = /^(\d+) per (.+)$/.exec(text) ?? []
  if (messages === undefined || window === undefined || Number(messages) < 1)
    throw new Error("expected '20 per 1 second'")
  return { messages: Number(messages), windowMs: milliseconds(window) }
})

/** 'email=50, sms=20.5': by name, something above zero. */
const perName = <T>(read: (text: string) => T) =>
  readable((text) => {
    const all = text.split(',').map((part): [string, T] => {
      const [name = '', value = '', ...more] = part.split('=').map((word) => word.trim())
      if (name === '' || value === '' || more.length > 0) throw new Error("expected 'name=value, name=value'")
      return [name, read(value)]
    })
    return new Map(all)
  })

const rate = (text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new Error("expected messages a second: 'email=50, sms=20'")
  return value
}

const quota = (text: string): { most: number; zone: string | undefined } => {
  const [, most, zone] = /^(\d+)(?:@(\S+))?$/.exec(text) ?? []
  if (most === undefined || (zone !== undefined && !isZone(zone))) {
    throw new Error("expected messages a day and a zone: 'smtp=2000@America/Los_Angeles'")
  }
  return { most: Number(most), zone }
}

const rates = perName(rate).refine(
  (all) => [...all.keys()].every(isChannelName),
  `expected channels out of ${CHANNELS.join(', ')}`,
)

const inJson = <T>(contract: z.ZodType<T>, expected: string) =>
  readable((text) => {
    try {
      return contract.parse(JSON.parse(text))
    } catch {
      throw new Error(expected)
    }
  })

const providerTemplates = inJson(
  z.record(z.string(), z.strictObject({ id: z.string().min(1), params: z.record(z.string(), z.string()).optional() })),
  'expected {"first-order/welcome": {"id": "SMS_1", "params": {"code": "coupon.code"}}}',
)

const serviceAccount = inJson(
  z.object({
    project_id: z.string(),
    client_email: z.string(),
    private_key: z.string(),
    token_uri: z.url().optional(),
  }),
  'expected the JSON of a service account',
)

const word = z.string().min(1).optional()
const long = z.string().min(16, 'expected at least 16 characters').optional()
/** A key in PEM, whose line breaks may be written as \n. */
const pem = z
  .string()
  .transform((text) => text.replaceAll('\\n', '\n'))
  .optional()

/** 'ann@shop.com, ben@shop.com', in small letters. */
function addressesRead(text: string): string[] {
  const addresses = text
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '')
  const wrong = addresses.find((one) => !z.email().safeParse(one).success)
  if (wrong !== undefined) throw new Error(`expected mail addresses with commas between, not '${wrong}'`)
  return addresses
}

const configContract = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'expected postgres://user:password@host:port/database' }),
  TEMPORAL_ADDRESS: z.string().regex(/^[^\s:/]+:\d+$/, "expected host:port, e.g. '127.0.0.1:7233'"),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_API_KEY: z.string().min(1).optional(),
  TEMPORAL_TLS: z.stringbool().default(false),
  TASK_QUEUE: z.string().min(1).default('journeys'),
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'expected smtp://user:password@host:port' }),
  MAIL_FROM: z.string().min(3).default('Perennial <hello@shop.example>'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: 'expected https://host' })
    .transform((url) => url.replace(/\/+$/, '')),
  HTTP_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: port.default(8080),
  METRICS_PORT: port.default(9464),
  PERENNIAL_API_KEY: z.string().min(16, 'expected at least 16 characters'),
  PERENNIAL_SECRET: z.string().min(16, 'expected at least 16 characters'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  QUIET_HOURS: quietHours.prefault('20:30-09:00'),
  MARKETING_CAP: caps.prefault('4 per 7 days'),
  AUCTION_WINDOW: readable(milliseconds).prefault('60 seconds'),
  RELEASE_RATE: releaseRate.prefault('20 per 1 second'),
  SHOP_ZONE: z.string().refine(isZone, "expected an IANA zone: 'Asia/Shanghai'").default('UTC'),
  CHANNEL_RATES: rates.optional(),
  PROVIDER_QUOTAS: perName(quota).optional(),
  RECEIPTS_SECRET: long,
  RECEIPTS_TOKEN: long,
  INTERNAL_HOSTS: readable((text) => text.split(',').map((host) => host.trim())).optional(),
  DKIM_DOMAIN: word,
  DKIM_SELECTOR: word,
  DKIM_PRIVATE_KEY: pem,
  SMS_PROVIDER: z.enum(['aliyun', 'tencent']).optional(),
  SMS_SIGN: word,
  SMS_TEMPLATES: providerTemplates.optional(),
  SMS_PRICE: z.coerce.number().min(0).default(0),
  ALIYUN_ACCESS_KEY_ID: word,
  ALIYUN_ACCESS_KEY_SECRET: word,
  TENCENT_SECRET_ID: word,
  TENCENT_SECRET_KEY: word,
  TENCENT_SMS_APP_ID: word,
  WECOM_CORP_ID: word,
  WECOM_SECRET: word,
  WECOM_SENDER: word,
  WECOM_AGENT_ID: z.coerce.number().int().optional(),
  WECHAT_APP_ID: word,
  WECHAT_SECRET: word,
  WECHAT_TEMPLATES: providerTemplates.optional(),
  WECHAT_PAGE: word,
  FCM_SERVICE_ACCOUNT: serviceAccount.optional(),
  VAPID_SUBJECT: word,
  VAPID_PUBLIC_KEY: word,
  VAPID_PRIVATE_KEY: word,
  WEBHOOK_URL: z.url({ protocol: /^https?$/, error: 'expected https://host/path' }).optional(),
  WEBHOOK_SECRET: word,
  SHOP_LOCALE: z.string().refine(isLocale, "expected a BCP 47 tag: 'zh-CN'").optional(),
  SHOP_ADDRESS: z.string().min(5).max(300).optional(),
  TEST_RECIPIENTS: readable(addressesRead).prefault(''),
  POINT_COST: z.coerce.number().min(0).max(10_000).default(1),
  SCALE: z.coerce.number().positive().max(1).default(1),
  ORIGIN: z.coerce.number().int().min(0).default(0),
})

export type Config = z.output<typeof configContract>

/** Reads a configuration out of the environment. Throws CONFIG_INVALID, naming the first variable that is wrong. */
export function readConfig(env: Record<string, string | undefined>): Config {
  return read(configContract, env)
}

const connectionContract = configContract.pick({
  DATABASE_URL: true,
  TEMPORAL_ADDRESS: true,
  TEMPORAL_NAMESPACE: true,
  TEMPORAL_API_KEY: true,
  TEMPORAL_TLS: true,
  TASK_QUEUE: true,
  QUIET_HOURS: true,
  SHOP_ZONE: true,
  SHOP_LOCALE: true,
  SCALE: true,
  ORIGIN: true,
})

/** What the operator's client needs of it: where the store and Temporal are, and what time it is at the shop. */
export function readConnection(env: Record<string, string | undefined>): z.output<typeof connectionContract> {
  return read(connectionContract, env)
}

export type ConnectionConfig = z.output<typeof connectionContract>

function read<T>(contract: z.ZodType<T>, env: Record<string, string | undefined>): T {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = contract.safeParse(set)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = String(issue?.path[0] ?? 'configuration')
  const expected =
    issue?.code === 'invalid_type' && set[field] === undefined ? 'expected a value' : (issue?.message ?? '')
  throw new PerennialError('CONFIG_INVALID', `${field}: ${expected}`, { field, expected })
}
