import { describe, expect, it } from 'vitest'
import { readConfig, readConnection } from '../../domain/contracts/config.ts'

const env = {
  DATABASE_URL: 'postgres://perennial:secret@127.0.0.1:5432/perennial',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  SMTP_URL: 'smtp://127.0.0.1:1025',
  PUBLIC_URL: 'https://shop.example/mail/',
  PERENNIAL_API_KEY: 'k'.repeat(16),
  PERENNIAL_SECRET: 's'.repeat(16),
}

describe('the configuration', () => {
  it('needs six variables, and has an answer for the others', () => {
    const config = readConfig(env)
    expect(config).toMatchObject({
      PUBLIC_URL: 'https://shop.example/mail',
      QUIET_HOURS: { from: 20 * 60 + 30, to: 9 * 60 },
      MARKETING_CAP: [{ messages: 4, windowMs: 7 * 86_400_000, counts: ['marketing'] }],
      AUCTION_WINDOW: 60_000,
      RELEASE_RATE: { messages: 20, windowMs: 1000 },
      SHOP_ZONE: 'UTC',
      POINT_COST: 1,
      SCALE: 1,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: 8080,
      TASK_QUEUE: 'journeys',
      TEMPORAL_TLS: false,
    })
  })

  it('reads several caps, of a channel, a tag or more classes', () => {
    const text = '4 per 7 days, 1 per 1 day on sms, 2 per 7 days tagged promotion counting service'
    expect(readConfig({ ...env, MARKETING_CAP: text }).MARKETING_CAP).toEqual([
      { messages: 4, windowMs: 7 * 86_400_000, counts: ['marketing'] },
      { messages: 1, windowMs: 86_400_000, counts: ['marketing'], channel: 'sms' },
      { messages: 2, windowMs: 7 * 86_400_000, counts: ['marketing', 'service'], tag: 'promotion' },
    ])
  })

  it.each(Object.keys(env))('names %s where it is missing or empty', (name) => {
    for (const value of [undefined, '']) {
      expect(() => readConfig({ ...env, [name]: value })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', field: name, message: `${name}: expected a value` }),
      )
    }
  })

  it.each([
    ['DATABASE_URL', 'mysql://127.0.0.1/perennial', /postgres:\/\//],
    ['TEMPORAL_ADDRESS', 'http://127.0.0.1:7233', /host:port/],
    ['SMTP_URL', '127.0.0.1:25', /smtp:\/\//],
    ['POINT_COST', '-1', /0/],
    ['PUBLIC_URL', 'ftp://shop.example', /https:\/\//],
    ['HTTP_PORT', '70000', /65535/],
    ['HTTP_PORT', 'eighty', /number/],
    ['PERENNIAL_API_KEY', 'short', /16 characters/],
    ['PERENNIAL_SECRET', 'short', /16 characters/],
    ['LOG_LEVEL', 'loud', /"debug"/],
    ['QUIET_HOURS', '20:30', /20:30-09:00/],
    ['QUIET_HOURS', '20:30-09:00-10:00', /20:30-09:00/],
    ['QUIET_HOURS', '25:00-09:00', /'25:00' is not a time/],
    ['MARKETING_CAP', 'four', /4 per 7 days/],
    ['MARKETING_CAP', '4 per 7 days, 1 per 1 day on paper', /4 per 7 days/],
    ['MARKETING_CAP', '4 per 7 days counting nothing', /4 per 7 days/],
    ['RELEASE_RATE', '0 per 1 second', /20 per 1 second/],
    ['AUCTION_WINDOW', 'a minute', /is not a duration/],
    ['MARKETING_CAP', '4 per week', /'week' is not a duration/],
    ['SHOP_ZONE', 'Mars/Olympus', /IANA/],
    ['SCALE', '0', /0/],
    ['SCALE', '2', /1/],
    ['TEMPORAL_TLS', 'perhaps', /"true"/],
    ['ORIGIN', '-1', /0/],
  ])('names %s where it is %j, and what would be right', (field, value, message) => {
    const read = (): unknown => readConfig({ ...env, [field]: value })
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', field }))
    expect(read).toThrow(message)
  })

  it('of a connection needs the store and Temporal, no secrets', () => {
    const { DATABASE_URL, TEMPORAL_ADDRESS } = env
    const connection = readConnection({ DATABASE_URL, TEMPORAL_ADDRESS, SCALE: '0.5' })
    expect(connection).toMatchObject({ DATABASE_URL, TEMPORAL_ADDRESS, SCALE: 0.5 })
    expect(() => readConnection({ DATABASE_URL })).toThrow(expect.objectContaining({ field: 'TEMPORAL_ADDRESS' }))
  })
})
