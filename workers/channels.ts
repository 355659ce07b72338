/** The channels of an installation out of its configuration; each says what it lacks. */
import type { Channel, Readiness } from '../activities/channels/channel.ts'
import { type Dkim, emailChannel } from '../activities/channels/email.ts'
import { logChannel } from '../activities/channels/log.ts'
import { pushChannel } from '../activities/channels/push.ts'
import { aliyunSmsChannel } from '../activities/channels/sms-aliyun.ts'
import { tencentSmsChannel } from '../activities/channels/sms-tencent.ts'
import { webPushChannel } from '../activities/channels/web-push.ts'
import { webhookChannel } from '../activities/channels/webhook.ts'
import { wechatChannel } from '../activities/channels/wechat.ts'
import { wecomChannel } from '../activities/channels/wecom.ts'
import type { Quotas } from '../activities/quotas.ts'
import type { ChannelName } from '../domain/channel.ts'
import type { Config } from '../domain/contracts/config.ts'
import { PerennialError } from '../domain/errors.ts'
import type { ChannelLine } from '../store/timeline.ts'

export interface ChannelParts {
  /** Machine time, epoch ms: signatures are dated by it. */
  now: () => number
  /** Takes the lines of the log channel. */
  print: (line: object) => void
}

/** All channels, those that cannot send with them. Throws CONFIG_INVALID where a setting is wrong, not where one is missing. */
export function openChannels(config: Config, parts: ChannelParts): Map<ChannelName, Channel> {
  const all = [
    mail(config),
    sms(config, parts),
    wecom(config, parts),
    wechat(config, parts),
    push(config, parts),
    webPush(config),
    webhook(config, parts),
    logChannel(parts.print),
  ]
  return new Map(all.map((channel) => [channel.name, channel]))
}

function readiness(config: Config, needed: readonly (keyof Config)[]): Readiness {
  const missing = needed.filter((name) => config[name] === undefined)
  return missing.length === 0 ? { ok: true } : { ok: false, missing }
}

function mail(config: Config): Channel {
  const dkim = dkimOf(config)
  return emailChannel({ smtpUrl: config.SMTP_URL, from: config.MAIL_FROM, ...(dkim && { dkim }) })
}

function dkimOf(config: Config): Dkim | undefined {
  const { DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, DKIM_PRIVATE_KEY: privateKey } = config
  if (domain && selector && privateKey) return { domain, selector, privateKey }
  const ready = readiness(config, ['DKIM_DOMAIN', 'DKIM_SELECTOR', 'DKIM_PRIVATE_KEY'])
  if (ready.ok || ready.missing.length === 3) return undefined
  const [field = ''] = ready.missing
  throw new PerennialError('CONFIG_INVALID', `${field}: expected a value`, {
    field,
    expected: 'all of DKIM_*, or none',
  })
}

const TEN_THOUSANDTHS = 10_000

function sms(config: Config, { now }: ChannelParts): Channel {
  const common = {
    sign: config.SMS_SIGN ?? '',
    templates: withoutBlanks(config.SMS_TEMPLATES ?? {}),
    price: Math.round(config.SMS_PRICE * TEN_THOUSANDTHS),
    now,
  }
  if (config.SMS_PROVIDER === 'tencent') {
    const needed = [
      'SMS_SIGN',
      'SMS_TEMPLATES',
      'TENCENT_SECRET_ID',
      'TENCENT_SECRET_KEY',
      'TENCENT_SMS_APP_ID',
    ] as const
    const {
      TENCENT_SECRET_ID: secretId = '',
      TENCENT_SECRET_KEY: secretKey = '',
      TENCENT_SMS_APP_ID: appId = '',
    } = config
    return tencentSmsChannel({ ...common, secretId, secretKey, appId }, readiness(config, needed))
  }
  const needed = [
    'SMS_PROVIDER',
    'SMS_SIGN',
    'SMS_TEMPLATES',
    'ALIYUN_ACCESS_KEY_ID',
    'ALIYUN_ACCESS_KEY_SECRET',
  ] as const
  const { ALIYUN_ACCESS_KEY_ID: accessKeyId = '', ALIYUN_ACCESS_KEY_SECRET: accessKeySecret = '' } = config
  return aliyunSmsChannel({ ...common, accessKeyId, accessKeySecret }, readiness(config, needed))
}

/** Without params that are undefined. */
function withoutBlanks(templates: NonNullable<Config['SMS_TEMPLATES']>) {
  return Object.fromEntries(
    Object.entries(templates).map(([name, { id, params }]) => [name, { id, ...(params && { params }) }]),
  )
}

function wecom(config: Config, { now }: ChannelParts): Channel {
  const ready = readiness(config, ['WECOM_CORP_ID', 'WECOM_SECRET', 'WECOM_SENDER', 'WECOM_AGENT_ID'])
  const { WECOM_CORP_ID: corpId = '', WECOM_SECRET: secret = '', WECOM_SENDER: sender = '' } = config
  return wecomChannel({ corpId, secret, sender, agentId: config.WECOM_AGENT_ID ?? 0, now }, ready)
}

function wechat(config: Config, { now }: ChannelParts): Channel {
  const ready = readiness(config, ['WECHAT_APP_ID', 'WECHAT_SECRET', 'WECHAT_TEMPLATES'])
  const { WECHAT_APP_ID: appId = '', WECHAT_SECRET: secret = '', WECHAT_PAGE: page } = config
  const templates = withoutBlanks(config.WECHAT_TEMPLATES ?? {})
  return wechatChannel({ appId, secret, templates, ...(page && { page }), now }, ready)
}

function push(config: Config, { now }: ChannelParts): Channel {
  const ready = readiness(config, ['FCM_SERVICE_ACCOUNT'])
  const account = config.FCM_SERVICE_ACCOUNT
  const tokenUri = account?.token_uri
  const { project_id: projectId = '', client_email: clientEmail = '', private_key: privateKey = '' } = account ?? {}
  return pushChannel({ projectId, clientEmail, privateKey, ...(tokenUri && { tokenUri }), now }, ready)
}

function webPush(config: Config): Channel {
  const ready = readiness(config, ['VAPID_SUBJECT', 'VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY'])
  const { VAPID_SUBJECT: subject = '', VAPID_PUBLIC_KEY: publicKey = '', VAPID_PRIVATE_KEY: privateKey = '' } = config
  return webPushChannel({ subject, publicKey, privateKey, allowed: config.INTERNAL_HOSTS ?? [] }, ready)
}

function webhook(config: Config, { now }: ChannelParts): Channel {
  const ready = readiness(config, ['WEBHOOK_URL', 'WEBHOOK_SECRET'])
  const { WEBHOOK_URL: url = '', WEBHOOK_SECRET: secret = '' } = config
  return webhookChannel({ url, secret, allowed: config.INTERNAL_HOSTS ?? [], now }, ready)
}

/** What the providers may be given a day, in the shop's zone where the setting names none. */
export function quotasOf(config: Config): Quotas {
  return new Map(
    [...(config.PROVIDER_QUOTAS ?? [])].map(([provider, { most, zone }]) => [
      provider,
      { most, zone: zone ?? config.SHOP_ZONE },
    ]),
  )
}

/** By channel, messages a second. */
export function ratesOf(config: Config): ReadonlyMap<ChannelName, number> {
  return new Map([...(config.CHANNEL_RATES ?? [])] as [ChannelName, number][])
}

/** What is said of the channels: in the log at the start, and kept for `perennial channels`. */
export function channelLinesOf(channels: Iterable<Channel>, config: Config): Omit<ChannelLine, 'at'>[] {
  const quotas = quotasOf(config)
  return [...channels].map(({ name, provider, ready }) => ({
    name,
    provider,
    ready: ready.ok,
    missing: ready.ok ? [] : ready.missing,
    per_second: ratesOf(config).get(name) ?? null,
    quota: quotas.get(provider)?.most ?? null,
    quota_zone: quotas.get(provider)?.zone ?? null,
  }))
}
