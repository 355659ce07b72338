import type { LookupAddress } from 'node:dns'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { guard, guardedLookup, isPublicAddress, refusedUrl } from '../../activities/channels/address-guard.ts'
import { logChannel } from '../../activities/channels/log.ts'
import { webhookChannel } from '../../activities/channels/webhook.ts'
import { type HttpReply, startHttpSink } from '../http-sink.ts'
import { beginner, outgoing } from '../outgoing.ts'

const secret = `whsec_${Buffer.from('a secret of some length').toString('base64')}`
const sink = await startHttpSink()
const url = `${sink.url}/messages`
const both = { url, secret, answerMs: 150, now: () => Date.now() }
const channel = webhookChannel({ ...both, allowed: [`127.0.0.1:${sink.port}`] })
afterAll(() => Promise.all([channel.close(), sink.stop()]))
beforeEach(() => void (sink.asked.length = 0))

const at = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })

it('is signed as the library of Standard Webhooks checks it, with the same id for every attempt', async () => {
  for (const _attempt of [1, 2]) {
    const message = outgoing('C1001', { unsubscribeUrl: 'https://shop.example/u/x', locale: 'de' })
    expect(await channel.send(message, beginner().begin)).toMatchObject({ is: 'sent' })
  }
  const [first, second] = sink.asked
  const said = new Webhook(secret).verify(String(first?.body), first?.headers as Record<string, string>)
  expect(said).toMatchObject({
    type: 'message.send',
    data: { customer: 'C1001', key: 'first-order/C1001/send/welcome', subject: 'Ten off', locale: 'de' },
  })
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  const other = new Webhook(Buffer.from('another').toString('base64'))
  expect(() => other.verify(String(first?.body), first?.headers as Record<string, string>)).toThrow(/signature/i)
})

it.each<[string, HttpReply, object]>([
  ['204', { status: 204 }, { is: 'sent' }],
  ['400', { status: 400 }, { is: 'refused' }],
  ['429', { status: 429, headers: { 'retry-after': '120' } }, { is: 'transient', retryAfterMs: 120_000 }],
  [
    '429 with a date',
    {
      status: 429,
      headers: { date: 'Mon, 23 Nov 2026 12:00:00 GMT', 'retry-after': 'Mon, 23 Nov 2026 12:00:09 GMT' },
    },
    { is: 'transient', retryAfterMs: 9_000 },
  ],
  ['500', { status: 500 }, { is: 'transient' }],
  ['504', { status: 504 }, { is: 'unknown' }],
  ['no answer', 'hang', { is: 'unknown' }],
  ['dropped', 'drop', { is: 'unknown' }],
  ['half an answer', 'cut', { is: 'unknown' }],
])('%s', async (_what, reply, receipt) => {
  sink.next(reply)
  expect(await channel.send(outgoing('C1'), beginner().begin)).toMatchObject(receipt)
})

describe('internal addresses', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'not an address',
  ])('%s is none of the internet', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each(['1.1.1.1', '93.184.216.34', '2606:4700::1111'])('%s is of the internet', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    'http://shop.example/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://user:password@shop.example/',
    'file:///etc/passwd',
    'gopher://shop.example/',
    'shop.example',
  ])('%s is refused by what it says', (address) => {
    expect(refusedUrl(address, new Set())).toBeTypeOf('string')
  })

  it('are refused before anything is sent, be they written or what a name points to', async () => {
    for (const target of [url, 'https://internal.example/hook']) {
      const strict = webhookChannel({ ...both, url: target, resolve: () => Promise.resolve([at('10.0.0.7')]) })
      const { begin, asked } = beginner()
      expect(await strict.send(outgoing('C1'), begin)).toMatchObject({ is: 'refused' })
      expect(asked()).toBe(0)
      await strict.close()
    }
    expect(sink.asked).toEqual([])
  })

  it('one internal address among public ones is enough', async () => {
    const lookup = guardedLookup(() => Promise.resolve([at('1.1.1.1'), at('127.0.0.1')]), false)
    const error = await new Promise((resolve) => lookup('hook.example', { all: true }, resolve))
    expect(error).toMatchObject({ code: 'EINTERNAL' })
  })

  it('the address that was checked is the one that is connected to, however the name changes', async () => {
    // No resolver knows this name: the connection goes to what was checked, or nowhere. The second answer would lead elsewhere.
    const answers = [[at('127.0.0.1')], [at('127.0.0.9')]]
    let asked = 0
    const host = `hook.test:${sink.port}`
    const pinned = webhookChannel({
      ...both,
      url: `http://${host}/pinned`,
      allowed: [host],
      resolve: () => Promise.resolve(answers[asked++] ?? []),
    })
    expect(await pinned.send(outgoing('C1'), beginner().begin)).toMatchObject({ is: 'sent' })
    expect(asked).toBe(1)
    expect(sink.asked.map((one) => one.headers.host)).toEqual([host])
    await pinned.close()
  })

  it('a name that was public yesterday is asked for again at the next connection', async () => {
    const answers = [[at('1.1.1.1')], [at('169.254.169.254')]]
    const lookup = guardedLookup(() => Promise.resolve(answers.shift() ?? []), false)
    const look = (): Promise<unknown> =>
      new Promise((resolve) => lookup('hook.example', { all: true }, (error, found) => resolve(error ?? found)))
    expect(await look()).toEqual([at('1.1.1.1')])
    expect(await look()).toMatchObject({ code: 'EINTERNAL' })
  })

  it('an address that is allowed is allowed on its port alone', async () => {
    const options = { allowed: ['crm.internal:8080'], resolve: () => Promise.resolve([at('10.0.0.7')]) }
    const reach = (target: string): Promise<unknown> =>
      new Promise((resolve) => {
        const way = guard(target, options)
        if ('refused' in way) resolve(way.refused)
        else way.lookup(way.url.hostname, { all: true }, (error, found) => resolve(error ?? found))
      })
    expect(await reach('http://crm.internal:8080/')).toEqual([at('10.0.0.7')])
    expect(await reach('https://crm.internal:22/')).toMatchObject({ code: 'EINTERNAL' })
    expect(await reach('http://crm.internal:22/')).toBe('not https')
  })

  it('a redirect is not followed', async () => {
    sink.next({ status: 302, headers: { location: `${sink.url}/elsewhere` } })
    expect(await channel.send(outgoing('C1'), beginner().begin)).toEqual({
      is: 'refused',
      detail: 'HTTP 302: redirects are not followed',
    })
    expect(sink.asked).toHaveLength(1)
  })
})

it('the log channel writes a line without the person, and only if it may begin', async () => {
  const lines: object[] = []
  const log = logChannel((line) => void lines.push(line))
  expect(await log.send(outgoing('C1'), beginner().begin)).toMatchObject({ is: 'sent' })
  expect(await log.send(outgoing('C1'), beginner(false).begin)).toMatchObject({ is: 'transient' })
  expect(lines).toEqual([{ key: 'first-order/C1001/send/welcome', class: 'service', length: 24 }])
})
