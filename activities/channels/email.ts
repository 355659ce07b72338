/** E-mail over pooled SMTP. */
import { PassThrough } from 'node:stream'
import nodemailer from 'nodemailer'
import type { Channel, Outgoing, Receipt } from './channel.ts'

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
  // The body of a message on its way: whether the connection began to read it tells "surely not sent" from "nobody knows".
  const bodies = new Map<string, PassThrough>()
  transport.use('stream', (mail, done) => {
    const body = bodies.get(String(mail.data.messageId))
    if (body) mail.message.processFunc((input) => input.on('error', (error) => body.destroy(error)).pipe(body))
    done()
  })
  return {
    name: 'email',
    async send(message) {
      const body = new PassThrough()
      bodies.set(message.messageId, body)
      try {
        const info = await transport.sendMail(compose(message, from))
        return { is: 'sent', detail: info.response }
      } catch (error) {
        return classify(error, body.readableDidRead)
      } finally {
        bodies.delete(message.messageId)
      }
    },
    close() {
      transport.close()
      return Promise.resolve()
    },
  }
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
      ? { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
      : {},
  }
}

/** Codes of nodemailer that speak of the message itself, before any server saw it. */
const UNSENDABLE = new Set(['EMESSAGE', 'ENOTSUP', 'EMAXRECIPIENTS'])

/**
 * A reply decides by its class (RFC 5321: 4yz try again, 5yz never); a wrong login is the operator's to mend, so the message
 * waits. Without a reply it depends on whether the connection had begun to read the message.
 */
function classify(error: unknown, bodyRead: boolean): Receipt {
  const failure = error as { code?: string; responseCode?: number; message?: string }
  const detail = [failure.code, failure.responseCode, (failure.message ?? String(error)).replace(/<[^>]*>/g, '<…>')]
    .filter((part) => part !== undefined)
    .join(' ')
  if (failure.code === 'EAUTH' || failure.code === 'ENOAUTH') return { is: 'transient', detail }
  if (failure.responseCode !== undefined && failure.responseCode >= 500) return { is: 'refused', detail }
  if (failure.responseCode !== undefined && failure.responseCode >= 400) return { is: 'transient', detail }
  if (failure.code !== undefined && UNSENDABLE.has(failure.code)) return { is: 'refused', detail }
  return { is: bodyRead ? 'unknown' : 'transient', detail }
}
