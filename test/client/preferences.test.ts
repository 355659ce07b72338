import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { addressHash, confirmationToken, preferencesToken, subscriptionToken } from '../../domain/token.ts'
import { consentHistory, putTopic } from '../../store/consents.ts'
import { NOON, SECRET, person } from '../world.ts'
import { event, served } from './served.ts'

const world = served()
const DAY = 86_400_000
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

const page = (customer = 'C1'): string => `/p/${preferencesToken(customer, SECRET)}`
const confirm = (more: { address?: string; expires?: number; customer?: string } = {}): string => {
  const of = { customer: 'C1', address: addressHash('c1@mail.example'), expires: NOON + DAY, ...more }
  return `/c/${confirmationToken(of, SECRET)}`
}
const save = (want: string[], shown: string[], more: Record<string, string> = {}, url = page()) => {
  const fields = [...want.map((one) => ['want', one]), ...shown.map((one) => ['shown', one]), ...Object.entries(more)]
  const payload = new URLSearchParams(fields as [string, string][]).toString()
  return world.app.inject({ method: 'POST', url, headers: FORM, payload })
}
const now = async (customer = 'C1'): Promise<Record<string, string>> => {
  const lines = await consentHistory(world.db, customer)
  return Object.fromEntries(lines.map(({ topic, channel, state }) => [`${topic}/${channel}`, state]))
}

beforeEach(async () => {
  await sql`truncate topics`.execute(world.db)
  await putTopic(world.db, { id: 'marketing' })
  await putTopic(world.db, { id: 'news', title: 'News <b>of</b> the shop', doubleOptIn: true })
  await world.post(event('e1', { customer: person('C1', { phone: '+8613912345678', consent: { marketing: true } }) }))
})

describe('the page of preferences', () => {
  test('shows every topic over every channel, as it is, and a GET changes nothing', async () => {
    const { statusCode, body, headers } = await world.app.inject(page())
    expect([statusCode, headers['cache-control'], headers['set-cookie']]).toEqual([200, 'no-store', undefined])
    const boxes = [...body.matchAll(/name="want"\s+value="([^"]+)"(\s+checked)?/g)].map(([, box, on]) => [
      box,
      on !== undefined,
    ])
    expect(boxes).toEqual([
      ['marketing/email', true],
      ['marketing/sms', false],
      ['news/email', false],
      ['news/sms', false],
    ])
    expect(body).toContain('News &lt;b&gt;of&lt;/b&gt; the shop')
    expect(body).not.toMatch(/<script|C1\b|mail\.example/)
    expect(await now()).toEqual({ 'marketing/email': 'granted' })
  })

  test('keeps what was chosen, with its proof; consent by mail needs no confirming, by SMS it does', async () => {
    const all = ['marketing/email', 'marketing/sms', 'news/email', 'news/sms']
    const saved = await save(['marketing/sms', 'news/email', 'news/sms'], all)
    expect([saved.statusCode, saved.body.includes('Saved')]).toEqual([200, true])
    expect(await now()).toEqual({
      'marketing/email': 'refused',
      'marketing/sms': 'granted',
      'news/email': 'granted',
      'news/sms': 'pending',
    })
    const [line] = (await consentHistory(world.db, 'C1')).filter((one) => one.topic === 'news')
    expect(line).toMatchObject({
      source: 'preferences',
      text_version: 'preferences',
      ip_hash: expect.any(String) as string,
    })
    const again = await save(['marketing/sms', 'news/email', 'news/sms'], all)
    expect(again.body).toContain('nothing has changed')
    expect(await world.count('consents')).toBe(5)
  })

  test('takes back everything by one button', async () => {
    await save(['marketing/email', 'news/email'], ['marketing/email', 'news/email'], { none: '1' })
    expect(await now()).toEqual({ 'marketing/email': 'refused', 'news/email': 'refused' })
  })

  test('leaves alone what the page did not show, and what does not exist', async () => {
    await save(['nonsense/email', 'marketing/carrier-pigeon'], ['nonsense/email', 'marketing/carrier-pigeon'])
    expect(await now()).toEqual({ 'marketing/email': 'granted' })
    await world.app.inject({
      method: 'POST',
      url: page(),
      headers: { 'content-type': 'text/plain' },
      payload: 'want=x',
    })
    expect(await now()).toEqual({ 'marketing/email': 'granted' })
  })

  test('is in the customer’s language, else in that of the browser', async () => {
    const zh = await world.app.inject({ url: page(), headers: { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.5' } })
    expect(zh.body).toContain('您想收到哪些内容？')
    expect(zh.body).toContain('<html lang="zh-CN">')
    await world.post(event('e2', { customer: { id: 'C1', locale: 'en-GB' } }))
    expect((await world.app.inject({ url: page(), headers: { 'accept-language': 'zh' } })).body).toContain(
      'What do you want',
    )
  })

  test('opens by its own link alone', async () => {
    const other = subscriptionToken({ customer: 'C1', topic: 'marketing', channel: 'email' }, SECRET)
    for (const url of [
      `/p/${other}`,
      '/p/x',
      page('C9'),
      page().slice(0, -2),
      `/u/${page().slice(3)}`,
      `/c/${page().slice(3)}`,
    ]) {
      const response = await world.app.inject({ method: 'POST', url, headers: FORM, payload: 'none=1' })
      expect([response.statusCode, response.body.includes('TOKEN_INVALID')], url).toEqual([404, true])
    }
    expect(await now()).toEqual({ 'marketing/email': 'granted' })
  })
})

describe('consent that is asked to be confirmed', () => {
  const asked = (id: string, customer: object = {}) =>
    world.post(event(id, { customer: { id: 'C1', consent: { news: true }, ...customer } }))
  const mails = async () => {
    const { rows } = await sql<{
      id: string
    }>`select id from enrolments where journey = 'confirm-consent' order by id`.execute(world.db)
    return rows.map((row) => row.id)
  }

  test('is pending, begins the mail that asks once, and counts when its button is pressed', async () => {
    await asked('s1')
    await asked('s2')
    expect(await mails()).toEqual(['confirm-consent/C1/s1'])
    expect((await now())['news/email']).toBe('pending')
    const shown = await world.app.inject(confirm())
    expect([shown.statusCode, shown.body.includes('<button>Yes, I do</button>')]).toEqual([200, true])
    expect((await now())['news/email']).toBe('pending')
    const done = await world.app.inject({ method: 'POST', url: confirm() })
    expect([done.statusCode, done.body.includes('News &lt;b&gt;of')]).toEqual([200, true])
    expect((await now())['news/email']).toBe('granted')
    const again = await world.app.inject({ method: 'POST', url: confirm() })
    expect(again.body).toContain('nothing left to confirm')
  })

  test('asks nobody whose topic needs no confirming, nor who says no', async () => {
    await world.post(event('s3', { customer: { id: 'C1', consent: { marketing: true, news: false } } }))
    expect(await mails()).toEqual([])
  })

  test('is confirmed by no link that is late, of another address or forged', async () => {
    await asked('s4')
    for (const [url, status] of [
      [confirm({ expires: NOON - 1 }), 410],
      [confirm({ address: addressHash('other@mail.example') }), 410],
      [confirm({ customer: 'C9' }), 404],
      [`${confirm().slice(0, -3)}abc`, 404],
    ] as const) {
      expect((await world.app.inject(url)).statusCode, url).toBe(status)
      expect((await world.app.inject({ method: 'POST', url })).statusCode, url).toBe(status)
    }
    expect((await now())['news/email']).toBe('pending')
  })

  test('that was taken back meanwhile stays so', async () => {
    await asked('s5')
    await world.post(event('s6', { customer: { id: 'C1', consent: { news: false } } }))
    await world.app.inject({ method: 'POST', url: confirm() })
    expect((await now())['news/email']).toBe('refused')
  })
})

describe('who unsubscribed by mistake', () => {
  const link = `/u/${subscriptionToken({ customer: 'C1', topic: 'marketing', channel: 'email' }, SECRET)}`

  test('comes back by a button, which a GET does not press', async () => {
    const left = await world.app.inject({ method: 'POST', url: link })
    expect(left.body).toContain(`action="${link}/again"`)
    expect((await world.app.inject(`${link}/again`)).statusCode).toBe(404)
    expect((await now())['marketing/email']).toBe('refused')
    const back = await world.app.inject({ method: 'POST', url: `${link}/again` })
    expect([back.statusCode, (await now())['marketing/email']]).toEqual([200, 'granted'])
    const lines = await consentHistory(world.db, 'C1')
    expect(lines.map(({ source }) => source)).toEqual(['e1', 'unsubscribe', 'resubscribe'])
  })

  test('finds the preferences from there, in Chinese where they read it', async () => {
    await world.post(event('e2', { customer: { id: 'C1', locale: 'zh-CN' } }))
    const shown = await world.app.inject(link)
    expect(shown.body).toContain('不再接收“优惠与活动”邮件？')
    expect(shown.body).toContain(`href="${page()}"`)
  })
})
