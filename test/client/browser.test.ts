/** The pages for customers in a real browser without scripts. Where there is none on PATH, one test says so and nothing else runs. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressHash, confirmationToken, preferencesToken, subscriptionToken } from '../../domain/token.ts'
import { consentsOf, putTopic } from '../../store/consents.ts'
import { type Browser, browserOnPath, startBrowser } from '../browser.ts'
import { NOON, SECRET, person } from '../world.ts'
import { event, served } from './served.ts'

const binary = browserOnPath()
const SHOTS = process.env['SHOTS']

it.runIf(binary === undefined)('is not done here: there is no chromium on PATH', () => expect(binary).toBeUndefined())

describe.runIf(binary !== undefined)('in a browser without scripts', () => {
  const world = served()
  let browser: Browser
  beforeAll(async () => void (browser = await startBrowser(binary ?? '')))
  afterAll(() => browser.close())
  // A browser keeps connections open on which it has asked nothing yet; a server that closes would wait for them.
  afterEach(() => world.app.server.closeAllConnections())

  const shot = async (name: string): Promise<void> => {
    if (SHOTS) await browser.screenshot(`${SHOTS}/${name}.png`)
  }
  const granted = async () =>
    (await consentsOf(world.db, 'C1')).filter((one) => one.granted).map(({ topic, channel }) => `${topic}/${channel}`)
  const begin = async (locale: string): Promise<string> => {
    await putTopic(world.db, { id: 'marketing' })
    await putTopic(world.db, {
      id: 'news',
      title: locale === 'en' ? 'News of the shop' : '店铺动态',
      description: '<script>document.title = "bad"</script>',
      doubleOptIn: true,
    })
    const more = { locale, phone: '+8613912345678', consent: { marketing: true, news: true } }
    await world.post(event('e1', { customer: person('C1', more) }))
    return world.app.listen({ host: '127.0.0.1', port: 0 })
  }

  it.each(['en', 'zh-CN'])('preferences are ticked, saved and shown as they are now (%s)', async (locale) => {
    const url = await begin(locale)
    await browser.open(`${url}/p/${preferencesToken('C1', SECRET)}`)
    await shot(`preferences-${locale}`)
    expect([await browser.count('input[type=checkbox]'), await browser.count('input:checked')]).toEqual([4, 2])
    expect(await browser.markup()).toContain('&lt;script&gt;')
    await browser.press('input[value="marketing/sms"]')
    await browser.press('input[value="marketing/email"]')
    await browser.press('button:not([name])')
    await shot(`saved-${locale}`)
    expect(await browser.markup()).toContain(locale === 'en' ? 'Saved.' : '已保存')
    expect(await browser.count('input[value="marketing/sms"]:checked')).toBe(1)
    expect(await granted()).toEqual(['marketing/sms', 'news/email'])
    await browser.press('button[name=none]')
    expect(await browser.count('input:checked')).toBe(0)
    expect(await granted()).toEqual([])
  })

  it('one unsubscribes, comes back, and finds the preferences', async () => {
    const url = await begin('zh-CN')
    await browser.open(
      `${url}/u/${subscriptionToken({ customer: 'C1', topic: 'marketing', channel: 'email' }, SECRET)}`,
    )
    await shot('unsubscribe')
    expect(await granted()).toEqual(['marketing/email'])
    await browser.press('form button')
    await shot('unsubscribed')
    expect(await granted()).toEqual([])
    await browser.press('form button')
    expect(await browser.markup()).toContain('您已重新订阅')
    expect(await granted()).toEqual(['marketing/email'])
  })

  it('one confirms', async () => {
    const url = await begin('en')
    const of = { customer: 'C1', address: addressHash('c1@mail.example'), expires: NOON + 1 }
    await browser.open(`${url}/c/${confirmationToken(of, SECRET)}`)
    await shot('confirm')
    expect(await granted()).toEqual(['marketing/email'])
    await browser.press('form button')
    await shot('confirmed')
    expect(await browser.markup()).toContain('It is confirmed: News of the shop.')
    expect(await granted()).toEqual(['marketing/email', 'news/email'])
  })
})
