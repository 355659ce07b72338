import { generateKeyPairSync } from 'node:crypto'
import { authenticate } from 'mailauth'
import PostalMime from 'postal-mime'
import { afterAll, expect, it } from 'vitest'
import type { Outgoing } from '../../activities/channels/channel.ts'
import { emailChannel } from '../../activities/channels/email.ts'
import { renderWords } from '../../domain/template.ts'
import { type Reply, startSink } from '../smtp-sink.ts'

const replies: Record<string, Reply> = {
  'later@mail.example': 451,
  'never@mail.example': 550,
  'drop@mail.example': 'drop',
}
const sink = await startSink((to) => replies[to] ?? 'accept')
const channel = emailChannel({ smtpUrl: sink.url, from: 'The Shop <shop@shop.example>' })
afterAll(async () => {
  await channel.close()
  await sink.stop()
})

const URL_LONG = `https://shop.example/u/${'x'.repeat(120)}`

function mailTo(to: string, name = 'Ada'): Outgoing {
  const copy = { subject: 'For {{ name }}', text: 'Dear {{ name }},\n\nhere is <your> mail.' }
  const rendered = renderWords(copy, { name }, { text: 'Unsubscribe', url: URL_LONG })
  if (!rendered.ok) throw new Error(rendered.detail)
  return {
    key: `key-${to}`,
    to,
    messageId: `<${to.replace('@', '.')}@shop.example>`,
    words: rendered.words,
    class: 'marketing',
    unsubscribeUrl: URL_LONG,
  }
}

/** Counts how often it was asked to begin, and answers as told. */
function beginner(answer = true): { begin: () => Promise<boolean>; asked: () => number } {
  let asked = 0
  const begin = (): Promise<boolean> => {
    asked += 1
    return Promise.resolve(answer)
  }
  return { begin, asked: () => asked }
}

const takenFor = (to: string): (typeof sink.taken)[number] | undefined => sink.taken.find((mail) => mail.to === to)

it('carries both parts, its own Message-ID, and the headers of RFC 8058 on one line each', async () => {
  const { begin, asked } = beginner()
  expect(await channel.send(mailTo('ada@mail.example'), begin)).toMatchObject({ is: 'sent' })
  expect(asked()).toBe(1)
  const raw = takenFor('ada@mail.example')?.raw ?? ''
  expect(`\r\n${raw}`).toContain(`\r\nList-Unsubscribe: <${URL_LONG}>\r\n`)
  expect(raw).toContain('\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n')
  const mail = await PostalMime.parse(raw)
  expect(mail.messageId).toBe('<ada.mail.example@shop.example>')
  expect(mail.from).toMatchObject({ name: 'The Shop', address: 'shop@shop.example' })
  expect(mail.text).toContain('here is <your> mail.')
  expect(mail.text).toContain(`Unsubscribe: ${URL_LONG}`)
  expect(mail.html).toContain('here is &lt;your&gt; mail.')
})

it('a line break in a name adds no header, and markup in it none either', async () => {
  const evil = 'Eve\r\nBcc: others@mail.example\r\n\r\n<script>alert(1)</script>'
  await channel.send(mailTo('eve@mail.example', evil), beginner().begin)
  const mail = await PostalMime.parse(takenFor('eve@mail.example')?.raw ?? '')
  expect(mail.headers.map((header) => header.key)).not.toContain('bcc')
  expect(mail.bcc).toBeUndefined()
  expect(mail.subject).toBe('For Eve Bcc: others@mail.example <script>alert(1)</script>')
  expect(mail.html).not.toContain('<script>')
  expect(sink.asked.has('others@mail.example')).toBe(false)
})

it.each([
  ['later@mail.example', 'transient'],
  ['never@mail.example', 'refused'],
])('%s: %s, and it never began', async (to, is) => {
  const { begin, asked } = beginner()
  expect(await channel.send(mailTo(to), begin)).toMatchObject({ is })
  expect(asked()).toBe(0)
})

it('is unknown when the connection dies after it began', async () => {
  const { begin, asked } = beginner()
  expect(await channel.send(mailTo('drop@mail.example'), begin)).toMatchObject({ is: 'unknown' })
  expect(asked()).toBe(1)
})

it('sends nothing when it may not begin', async () => {
  const { begin, asked } = beginner(false)
  expect(await channel.send(mailTo('unwanted@mail.example'), begin)).toMatchObject({ is: 'transient' })
  expect(asked()).toBe(1)
  expect(await channel.send(mailTo('after@mail.example'), beginner().begin)).toMatchObject({ is: 'sent' })
  expect(takenFor('unwanted@mail.example')).toBeUndefined()
})

it('is transient where nobody listens, and the detail names no person', async () => {
  const nobody = emailChannel({ smtpUrl: 'smtp://127.0.0.1:9', from: 'shop@shop.example' })
  const receipt = await nobody.send(mailTo('ada@mail.example'), beginner().begin)
  await nobody.close()
  expect(receipt.is).toBe('transient')
  expect(receipt.detail).not.toContain('ada@')
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const dkim = {
  domain: 'shop.example',
  selector: 'k1',
  privateKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
}

/** The DNS, with our key and nothing else. */
function resolver(name: string): Promise<string[][]> {
  const key = rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  if (name === 'k1._domainkey.shop.example') return Promise.resolve([[`v=DKIM1; k=rsa; p=${key}`]])
  return Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
}

async function signatureOf(raw: string) {
  const { dkim: found } = await authenticate(raw, { resolver, disableArc: true, disableDmarc: true, disableBimi: true })
  return found.results[0]
}

it('is signed with DKIM, the two headers of RFC 8058 with it, as mailauth checks it', async () => {
  const signing = emailChannel({ smtpUrl: sink.url, from: 'The Shop <shop@shop.example>', dkim })
  const { begin, asked } = beginner()
  expect(await signing.send(mailTo('signed@mail.example', '小明'), begin)).toMatchObject({ is: 'sent' })
  expect(asked()).toBe(1)
  const raw = takenFor('signed@mail.example')?.raw ?? ''
  const result = await signatureOf(raw)
  expect(result).toMatchObject({ signingDomain: 'shop.example', selector: 'k1', status: { result: 'pass' } })
  const signed = /[\s;]h=([^;]+);/.exec(raw)?.[1]?.toLowerCase().replace(/\s/g, '').split(':') ?? []
  for (const name of ['from', 'subject', 'to', 'message-id', 'list-unsubscribe', 'list-unsubscribe-post'])
    expect(signed, name).toContain(name)
  for (const tampered of [
    raw.replace('List-Unsubscribe=One-Click', 'List-Unsubscribe=One-Clock'),
    raw.replace('/u/xxx', '/u/yyy'),
  ])
    expect((await signatureOf(tampered))?.status.result).toBe('fail')
  const refused = beginner(false)
  expect(await signing.send(mailTo('unsigned@mail.example'), refused.begin)).toMatchObject({ is: 'transient' })
  expect([refused.asked(), takenFor('unsigned@mail.example')]).toEqual([1, undefined])
  await signing.close()
})

it('a key that would leave mails unsigned is refused at the start', () => {
  const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  for (const privateKey of [ed, 'no key'])
    expect(() => emailChannel({ smtpUrl: sink.url, from: 'a@b.example', dkim: { ...dkim, privateKey } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', field: 'DKIM_PRIVATE_KEY' }),
    )
})
