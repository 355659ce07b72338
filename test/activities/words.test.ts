/** The words that leave: in whose language, whose version, and harmless whatever a customer calls themselves. */
import PostalMime from 'postal-mime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emailChannel } from '../../activities/channels/email.ts'
import type { SendRequest } from '../../activities/messages.ts'
import { compiledWording, readyWording } from '../../domain/ready-words.ts'
import { readConfirmationToken, readPreferencesToken } from '../../domain/token.ts'
import { publishWords } from '../../store/words.ts'
import { type Sink, startSink } from '../smtp-sink.ts'
import { PUBLIC_URL, SECRET, expectInvariants, freshStore, person } from '../world.ts'
import { planFacts, rowsOf } from '../store/given.ts'
import { failure, openShop } from './given.ts'

const { db } = await freshStore()
afterAll(() => expectInvariants(db))

const MJML = `<mjml><mj-body><mj-section><mj-column><mj-text>Dear {{ name }}</mj-text>
<mj-button href="{{ url | safe_url }}">Go</mj-button></mj-column></mj-section></mj-body></mjml>`
const copy = {
  hello: {
    subject: 'Hello {{ name }}',
    text: 'Dear {{ name }}',
    locales: { 'zh-CN': { subject: '您好', text: '{{ name }}，您好' } },
  },
  rich: await compiledWording(readyWording({ subject: '{{ name }}', mjml: MJML }, 'rich'), 'rich'),
  confirm: { subject: 'Confirm', text: '{{ links.confirm }} {{ links.preferences }}' },
}
const shop = await openShop(db, [
  planFacts('story', { copy }),
  planFacts('receipt', { copy, class: 'transactional', begins: { on: 'order.paid' } }),
])
const { activities, channel, clock, event, send } = shop
const begin = (id: string, more: object = {}) => event('customer.registered', person(id, more))
const last = () => channel.calls.at(-1)
const publish = (subject: string, locale = 'en') =>
  publishWords(db, {
    journey: 'story',
    message: 'hello',
    locale,
    words: { subject, text: subject },
    by: 'Ann',
    now: clock.now(),
  })
const kept = async (customer: string) => {
  const [row] = await rowsOf<{ locale: string; words_version: number | null }>(
    db,
    `select locale, words_version from messages where customer = '${customer}'`,
  )
  return row
}

describe('a message', () => {
  test('goes out in the customer’s language, and the row says in which', async () => {
    await begin('L1', { locale: 'zh-CN' })
    expect(await send('story', 'L1')).toEqual({ is: 'sent' })
    expect(last()).toMatchObject({ locale: 'zh-CN', words: { subject: '广告：您好' } })
    expect(last()?.words.text).toMatch(
      /^Name of L1，您好\n\n--\n退订: http.*\n订阅设置: http.*\nShop Ltd\., 1 Long Road\n$/,
    )
    expect(await kept('L1')).toEqual({ locale: 'zh-CN', words_version: null })
  })

  test('has the newest words that were published, for runs that are on as well', async () => {
    await begin('L2')
    await begin('L3')
    await publish('New {{ name }}')
    expect(await send('story', 'L2')).toEqual({ is: 'sent' })
    expect(last()?.words.subject).toBe('New Name of L2')
    expect(await kept('L2')).toEqual({ locale: 'en', words_version: 1 })
    await publishWords(db, {
      journey: 'story',
      message: 'hello',
      locale: 'en',
      words: null,
      by: 'Ann',
      now: clock.now(),
    })
    expect(await send('story', 'L3')).toEqual({ is: 'sent' })
    expect(last()?.words.subject).toBe('Hello Name of L3')
  })

  test('is marked for China by the phone alone; what must go out is not', async () => {
    await begin('L4', { phone: '+8613912345678' })
    await send('story', 'L4')
    expect(last()?.words.subject).toBe('AD: Hello Name of L4')
    await event('order.paid', person('L4', { phone: '+8613912345678' }))
    await send('receipt', 'L4')
    expect(last()?.words.subject).toBe('Hello Name of L4')
    expect(last()?.words.text).toBe('Dear Name of L4\n')
  })

  test('may carry links of our own, each signed for its customer', async () => {
    await event('order.paid', person('L5'))
    const key = 'receipt/L5/send/confirm'
    await activities.sendMessage({ ...shop.requestOf('receipt', 'L5'), key, message: 'confirm' })
    const [confirm = '', preferences = ''] = last()?.words.text.trim().split(' ') ?? []
    expect(readConfirmationToken(confirm.replace(`${PUBLIC_URL}/c/`, ''), SECRET)).toMatchObject({ customer: 'L5' })
    expect(readPreferencesToken(preferences.replace(`${PUBLIC_URL}/p/`, ''), SECRET)).toBe('L5')
  })
})

describe('a test', () => {
  const ask = (more: object = {}) =>
    activities.sendTestMail({
      journey: 'story',
      message: 'hello',
      to: 'Ann@shop.example',
      by: 'Ben',
      id: 'T1',
      asked: clock.now(),
      ...more,
    })

  test('is marked, filled in with a real customer’s facts, and is no message of theirs', async () => {
    await begin('T1', { locale: 'zh-CN' })
    const before = await rowsOf(db, 'select key from messages')
    expect(await ask({ customer: 'T1' })).toMatchObject({ is: 'sent', locale: 'zh-CN', version: null })
    expect(last()).toMatchObject({ to: 'Ann@shop.example', words: { subject: '[Test] 广告：您好' } })
    expect(last()?.unsubscribeUrl).toBeUndefined()
    expect(last()?.words.text).toContain('Name of T1，您好')
    expect(last()?.words.text).toContain(`${PUBLIC_URL}/u/test`)
    expect(await rowsOf(db, 'select key from messages')).toEqual(before)
    expect(await rowsOf(db, 'select message, recipient, by, status from test_sends')).toEqual([
      { message: 'hello', recipient: 'Ann@shop.example', by: 'Ben', status: 'sent' },
    ])
  })

  test('has samples where a story would hand something over', async () => {
    await ask({ message: 'rich', locale: 'en', id: 'T2' })
    expect(last()?.words.html).toContain('Dear [name]')
  })

  test('goes to nobody who is not on the list', async () => {
    const calls = channel.calls.length
    const error = await failure(ask({ to: 'c1@mail.example' }))
    expect([error.type, error.nonRetryable]).toEqual(['TEST_ADDRESS_REFUSED', true])
    expect((await failure(ask({ message: 'nothing' }))).type).toBe('WORDS_UNKNOWN')
    expect((await failure(ask({ customer: 'T9' }))).type).toBe('CUSTOMER_UNKNOWN')
    expect(channel.calls.length).toBe(calls)
  })
})

describe('whatever a customer calls themselves, in a real mail', () => {
  let sink: Sink
  beforeAll(async () => void (sink = await startSink()))
  afterAll(() => sink.stop())

  test.each([
    ['a header', 'Ada\r\nBcc: everyone@mail.example\r\n\r\nBody'],
    ['a header by other ends of line', 'Ada\u2028Bcc: everyone@mail.example\u0085X-Evil: 1\u000bX: 1'],
    ['a script', '<script>alert(1)</script>"><img src=x onerror=alert(1)>'],
    ['Liquid', '{{ links.confirm }}{% render "footer" %}{% raw %}{{ 7 | times: 6 }}'],
    ['MJML', '</mj-text></mj-column><mj-raw><b>x</b></mj-raw><mj-include path="/etc/passwd" />'],
    ['an end of the page', '</body></html><!-- <style>'],
  ])('%s is words', async (_, name) => {
    const id = `X${Buffer.from(name).toString('hex').slice(0, 24)}`
    await begin(id)
    await rowsOf(
      db,
      `update customers set name = convert_from('\\x${Buffer.from(name).toString('hex')}', 'utf8') where id = '${id}'`,
    )
    const real = emailChannel({ smtpUrl: sink.url, from: 'Shop <shop@shop.example>' })
    const request: SendRequest = {
      ...shop.requestOf('story', id),
      message: 'rich',
      data: { url: `javascript:${name}` },
    }
    expect(await activities.sendMessage(request)).toEqual({ is: 'sent' })
    const outgoing = last()
    if (!outgoing) throw new Error('nothing was sent')
    expect(await real.send(outgoing, () => Promise.resolve(true))).toMatchObject({ is: 'sent' })
    await real.close()
    const taken = sink.taken.at(-1)
    const mail = await PostalMime.parse(taken?.raw ?? '')
    expect(mail.headers.map((header) => header.key).filter((key) => /^(bcc|x|x-evil)$/.test(key))).toEqual([])
    expect(mail.subject).not.toMatch(/[\r\n\u2028\u0085\u000b]/)
    expect(mail.html).not.toMatch(/<script|<img src=x|javascript:|<b>x<\/b>|root:/)
    expect(mail.html?.match(/<\/body>/g)).toHaveLength(1)
    expect(mail.html).toContain('>Unsubscribe</a>')
    expect(mail.text).not.toContain('42')
    if (name.includes('links')) expect(mail.text).toContain('{{ links.confirm }}')
  })
})
