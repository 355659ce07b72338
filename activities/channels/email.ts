/** E-mail over pooled SMTP, signed with DKIM (RFC 6376) where there is a key. */
import { createPrivateKey } from 'node:crypto'
import { Readable } from 'node:stream'
import nodemailer from 'nodemailer'
import { CAPABILITIES } from '../../domain/channel.ts'
import { PerennialError } from '../../domain/errors.ts'
import type { Begin, Channel, Outgoing, Receipt } from './channel.ts'

export interface EmailOptions {
  /** smtp://user:password@host:port or smtps://… */
  smtpUrl: string
  /** The From address, with a name if you like: 'Shop <hello@shop.example>'. */
  from: string
  dkim?: Dkim
  /** Connections at most, 5 unless told. */
  connections?: number
  /** How long a server may be silent, ms of the machine; 20 s unless told. */
  silenceMs?: number
}

export interface Dkim {
  /** The domain of the From address, and the selector under which its public key stands in the DNS. */
  domain: string
  selector: string
  /** PEM, RSA. */
  privateKey: string
}

/** What is signed where it is there: nodemailer's list, and the two of RFC 8058, which asks for both. */
const SIGNED = [
  'From:Sender:Reply-To:Subject:Date:Message-ID:To:Cc:MIME-Version:Content-Type:Content-Transfer-Encoding',
  'List-Unsubscribe:List-Unsubscribe-Post',
].join(':')

const SECONDS = 1000

/** Throws CONFIG_INVALID where the key of `dkim` cannot sign. */
export function emailChannel(options: EmailOptions): Channel {
  const { smtpUrl, from, dkim, connections = 5, silenceMs = 20 * SECONDS } = options
  const transport = nodemailer.createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections: connections,
    maxRequeues: 1,
    connectionTimeout: 10 * SECONDS,
    greetingTimeout: 10 * SECONDS,
    socketTimeout: silenceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim && { dkim: signing(dkim) }),
  })
  // nodemailer reads a body only when the server has agreed to take it (354): no sooner can the server have the message.
  const attempts = new Map<string, Attempt>()
  transport.use('stream', (mail, done) => {
    const attempt = attempts.get(String(mail.data.messageId))
    if (attempt) mail.message.processFunc((input) => bodyOf(attempt, input))
    done()
  })
  return {
    name: 'email',
    provider: 'smtp',
    ready: { ok: true },
    can: CAPABILITIES.email,
    async send(message, begin) {
      const attempt: Attempt = { begin, began: false }
      attempts.set(message.messageId, attempt)
      try {
        const info = await transport.sendMail(compose(message, from))
        return { is: 'sent', detail: info.response }
      } catch (error) {
        return classify(error, attempt.began)
      } finally {
        attempts.delete(message.messageId)
      }
    },
    close() {
      transport.close()
      return Promise.resolve()
    },
  }
}

function signing({ domain, selector, privateKey }: Dkim) {
  const field = 'DKIM_PRIVATE_KEY'
  const expected = 'an RSA private key, PEM'
  let type: string | undefined
  try {
    type = createPrivateKey(privateKey).asymmetricKeyType
  } catch (cause) {
    throw new PerennialError('CONFIG_INVALID', `${field}: it cannot be read`, { field, expected, cause })
  }
  // nodemailer sends unsigned, without a word, what it cannot sign.
  if (type !== 'rsa') throw new PerennialError('CONFIG_INVALID', `${field}: it is ${type}`, { field, expected })
  return { domainName: domain, keySelector: selector, privateKey, headerFieldNames: SIGNED }
}

interface Attempt {
  begin: Begin
  began: boolean
}

/** The message, once `begin` says to go on; else the connection is closed without one, and the server has nothing. */
function bodyOf(attempt: Attempt, input: Readable): Readable {
  let asked = false
  const ask = async (): Promise<void> => {
    attempt.began = await attempt.begin()
    if (!attempt.began) throw new Error('this attempt is no longer wanted')
  }
  // All that is there at once: a mail of a usual size is one write.
  const pour = (): void => {
    const chunk = input.read() as Buffer | null
    if (chunk === null) input.once('readable', pour)
    else body.push(chunk)
  }
  const body = new Readable({
    read() {
      if (asked) return pour()
      asked = true
      ask().then(pour, (error: unknown) => body.destroy(error as Error))
    },
  })
  input.once('end', () => body.push(null))
  input.once('error', (error) => body.destroy(error))
  return body
}

/** RFC 8058: the two headers let a mail program unsubscribe by one POST, without cookies and without a page. */
function compose({ to, messageId, words, unsubscribeUrl }: Outgoing, from: string) {
  return {
    from,
    to: { name: '', address: to },
    messageId,
    subject: words.subject,
    text: words.text,
    html: words.html,
    headers: unsubscribeUrl
      ? {
          // On one line: some relays break the signature of a folded one.
          'List-Unsubscribe': { prepared: true, foldLines: false, value: `<${unsubscribeUrl}>` },
          'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        }
      : {},
  }
}

/** Enhanced codes (RFC 3463, 3.2) that say there is no such mailbox or domain; other refusals may be of the sender or the words. */
const NOBODY = /\b5\.1\.(1|2|3|6|10)\b/

/** Codes of nodemailer that speak of the message itself, before any server saw it. */
const UNSENDABLE = new Set(['EMESSAGE', 'ENOTSUP', 'EMAXRECIPIENTS'])

/**
 * A reply decides by its class (RFC 5321: 4yz try again, 5yz never); a wrong login is the operator's to mend, so the message
 * waits. Without a reply it depends on whether the server had begun to take the message.
 */
function classify(error: unknown, began: boolean): Receipt {
  const failure = error as { code?: string; responseCode?: number; message?: string }
  const detail = [failure.code, failure.responseCode, (failure.message ?? String(error)).replace(/<[^>]*>/g, '<…>')]
    .filter((part) => part !== undefined)
    .join(' ')
  if (failure.code === 'EAUTH' || failure.code === 'ENOAUTH') return { is: 'transient', detail }
  if (failure.responseCode !== undefined && failure.responseCode >= 500) {
    return { is: 'refused', detail, ...(NOBODY.test(failure.message ?? '') && { deadAddress: true }) }
  }
  if (failure.responseCode !== undefined && failure.responseCode >= 400) return { is: 'transient', detail }
  if (failure.code !== undefined && UNSENDABLE.has(failure.code)) return { is: 'refused', detail }
  return { is: began ? 'unknown' : 'transient', detail }
}
