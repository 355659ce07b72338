/** The channels of an installation, out of its configuration. */
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CAPABILITIES, CHANNELS, channelQueue } from '../domain/channel.ts'
import { readConfig } from '../domain/contracts/config.ts'
import { PerennialError } from '../domain/errors.ts'
import { channelLinesOf, openChannels, quotasOf, ratesOf } from '../workers/channels.ts'
import { beginner, outgoing } from './outgoing.ts'

const bare = {
  DATABASE_URL: 'postgres://perennial:secret@127.0.0.1:5432/perennial',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  SMTP_URL: 'smtp://127.0.0.1:1025',
  PUBLIC_URL: 'https://shop.example',
  PERENNIAL_API_KEY: 'k'.repeat(16),
  PERENNIAL_SECRET: 's'.repeat(16),
}
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const account = JSON.stringify({ project_id: 'shop', client_email: 'a@shop.example', private_key: pem })
const full = {
  ...bare,
  DKIM_DOMAIN: 'shop.example',
  DKIM_SELECTOR: 'k1',
  DKIM_PRIVATE_KEY: pem.replaceAll('\n', '\\n'),
  SMS_PROVIDER: 'tencent',
  SMS_SIGN: '小店',
  SMS_TEMPLATES: '{"*":{"id":"T-1","params":{"words":"content"}}}',
  SMS_PRICE: '0.045',
  TENCENT_SECRET_ID: 'id',
  TENCENT_SECRET_KEY: 'key',
  TENCENT_SMS_APP_ID: '1400',
  WECOM_CORP_ID: 'ww',
  WECOM_SECRET: 's',
  WECOM_SENDER: 'zhangsan',
  WECOM_AGENT_ID: '7',
  WECHAT_APP_ID: 'wx',
  WECHAT_SECRET: 's',
  WECHAT_TEMPLATES: '{"*":{"id":"T-2"}}',
  FCM_SERVICE_ACCOUNT: account,
  VAPID_SUBJECT: 'mailto:shop@shop.example',
  VAPID_PUBLIC_KEY: 'p',
  VAPID_PRIVATE_KEY: 'k',
  WEBHOOK_URL: 'https://crm.shop.example/messages',
  WEBHOOK_SECRET: 'whsec_abc',
  CHANNEL_RATES: 'email=50, sms=0.5',
  PROVIDER_QUOTAS: 'smtp=2000@America/Los_Angeles, tencent=9',
  SHOP_ZONE: 'Asia/Shanghai',
}
const parts = { now: () => 0, print: () => {} }

const linesOf = (env: Record<string, string>) => {
  const config = readConfig(env)
  return channelLinesOf(openChannels(config, parts).values(), config)
}

describe('channels', () => {
  it('are all there, and each says what it lacks', async () => {
    const lines = linesOf(bare)
    expect(lines.map(({ name }) => name).sort()).toEqual([...CHANNELS].sort())
    expect(lines.filter(({ ready }) => ready).map(({ name }) => name)).toEqual(['email', 'log'])
    expect(lines.find(({ name }) => name === 'wechat')?.missing).toEqual([
      'WECHAT_APP_ID',
      'WECHAT_SECRET',
      'WECHAT_TEMPLATES',
    ])
    for (const channel of openChannels(readConfig(bare), parts).values()) {
      if (channel.ready.ok) continue
      const { begin, asked } = beginner()
      expect(await channel.send(outgoing('somebody'), begin)).toMatchObject({ is: 'transient', detail: /^not set: / })
      expect(asked()).toBe(0)
    }
  })

  it('are ready with all their settings, at their rates and quotas', () => {
    const lines = linesOf(full)
    expect(lines.filter(({ ready }) => !ready)).toEqual([])
    expect(lines.find(({ name }) => name === 'sms')).toMatchObject({
      provider: 'tencent',
      per_second: 0.5,
      quota: 9,
      quota_zone: 'Asia/Shanghai',
    })
    expect(lines.find(({ name }) => name === 'email')).toMatchObject({ quota: 2000, quota_zone: 'America/Los_Angeles' })
    expect(ratesOf(readConfig(full)).get('email')).toBe(50)
    expect(quotasOf(readConfig(bare)).size).toBe(0)
  })

  it('have a queue each, and name their capability', () => {
    expect(CHANNELS.map((name) => channelQueue('journeys', name))).toEqual(CHANNELS.map((name) => `journeys/${name}`))
    for (const { name, can } of openChannels(readConfig(bare), parts).values()) expect(can).toBe(CAPABILITIES[name])
    expect(CAPABILITIES.wechat.carries).not.toContain('marketing')
  })
})

describe('settings that are wrong', () => {
  it.each([
    ['CHANNEL_RATES', 'mail=50'],
    ['CHANNEL_RATES', 'email=0'],
    ['CHANNEL_RATES', 'email'],
    ['PROVIDER_QUOTAS', 'smtp=many'],
    ['PROVIDER_QUOTAS', 'smtp=5@Nowhere/City'],
    ['SMS_TEMPLATES', 'T-1'],
    ['SMS_TEMPLATES', '{"*":{"code":"T-1"}}'],
    ['FCM_SERVICE_ACCOUNT', '{}'],
    ['SMS_PROVIDER', 'pigeon'],
    ['WEBHOOK_URL', 'ftp://shop.example'],
    ['RECEIPTS_TOKEN', 'short'],
  ])('%s=%s is named at the start', (name, value) => {
    expect(() => readConfig({ ...bare, [name]: value })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', field: name }),
    )
  })

  it('half of DKIM is refused, as mails would go out unsigned', () => {
    const config = readConfig({ ...bare, DKIM_DOMAIN: 'shop.example' })
    expect(() => openChannels(config, parts)).toThrow(PerennialError)
    expect(() => openChannels(config, parts)).toThrow(/DKIM_SELECTOR/)
  })
})
