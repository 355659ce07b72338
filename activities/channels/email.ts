/** E-mail over pooled SMTP. */
import { Readable } from 'node:stream'
import nodemailer from 'nodemailer'
import { CAPABILITIES } from '../../domain/channel.ts'
import type { Begin, Channel, Outgoing, Receipt } from './channel.ts'

export interface EmailOptions {
  /** smtp://user:password@host:port or smtps://… */
  smtpUrl: string
  /** The From address, with a name if you like: 'Shop <hello@shop.example>'. */
  from: string
  /** Connections at most, 5 unless told. */
  connections?: number
}

const SECONDS = 1000

export function emailChannel({ smtpUrl, from, connections = 5 }: EmailOptions): Channel {
  const transport = nodemailer.createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections: connections,
    maxRequeues: 1,
    connectionTimeout: 10 * SECONDS,
    greetingTimeout: 10 * SECONDS,
    socketTimeout: 20 * SECONDS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // nodemailer reads a body only when the server has agreed to take it (354): no sooner can the server have the message.
  const attempts = new Map<string, Attempt>()
  transport.use('stream', (mail, done) => {
    const attempt = attempts.get(String(mail.data.messageId))
    if (attempt) mail.message.processFunc((input) => Readable.from(bodyOf(attempt, input), { objectMode: false }))
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

interface Attempt {
  begin: Begin
  began: boolean
}

/** The message, once `begin` says to go on; else the connection is closed without one, and the server has nothing. */
async function* bodyOf(attempt: Attempt, input: Readable): AsyncGenerator<Buffer> {
  attempt.began = await attempt.begin()
  if (!attempt.began) throw new Error('this attempt is no longer wanted')
  for await (const chunk of input) yield chunk as Buffer
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
  if (failure.responseCode !== undefined && failure.responseCode >= 500) return { is: 'refused', detail }
  if (failure.responseCode !== undefined && failure.responseCode >= 400) return { is: 'transient', detail }
  if (failure.code !== undefined && UNSENDABLE.has(failure.code)) return { is: 'refused', detail }
  return { is: began ? 'unknown' : 'transient', detail }
}
