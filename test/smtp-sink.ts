/** A real SMTP server that answers as a test tells it, and remembers what it took. */
import type { AddressInfo } from 'node:net'
import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'

/**
 * accept; refuse with a reply code at RCPT. drop: the connection is closed after the whole mail was read, before the answer, and it
 * is gone; lose: the same, but the mail is taken; hang: taken, and no answer ever; cut: closed in the middle of the mail.
 */
export type Reply = 'accept' | 'drop' | 'lose' | 'hang' | 'cut' | number

export interface Sink {
  url: string
  /** Message-IDs taken (250 was answered), in order, by recipient. */
  taken: { to: string; messageId: string; subject: string; raw: string }[]
  /** How often a recipient was named, taken or not. */
  asked: Map<string, number>
  stop(): Promise<void>
}

/** `answer` is asked at each recipient with how often that one was asked for before. */
export async function startSink(
  answer: (to: string, before: number) => Reply = () => 'accept',
  port = 0,
): Promise<Sink> {
  const taken: Sink['taken'] = []
  const asked: Sink['asked'] = new Map()
  const doomed = new Map<string, Reply>()
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onRcptTo({ address }, _session, done) {
      const before = asked.get(address) ?? 0
      asked.set(address, before + 1)
      const reply = answer(address, before)
      if (typeof reply === 'string' && reply !== 'accept') doomed.set(address, reply)
      if (typeof reply === 'number') return done(Object.assign(new Error('as the test asks'), { responseCode: reply }))
      done()
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      const to = session.envelope.rcptTo[0]?.address ?? ''
      const end = doomed.get(to)
      doomed.delete(to)
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        if (end === 'cut') closeConnection(session.id)
      })
      stream.on('end', () => {
        if (end === 'drop' || end === 'cut') return closeConnection(session.id)
        const raw = Buffer.concat(chunks)
        PostalMime.parse(raw).then(
          (mail) => {
            taken.push({ to, messageId: mail.messageId ?? '', subject: mail.subject ?? '', raw: raw.toString() })
            if (end === 'lose') return closeConnection(session.id)
            if (end !== 'hang') done()
          },
          (error: Error) => done(error),
        )
      })
    },
  })
  const closeConnection = (id: string): void => {
    for (const connection of server.connections as Set<{ id: string; _socket: { destroy(): void } }>) {
      if (connection.id === id) connection._socket.destroy()
    }
  }
  server.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.server.address() as AddressInfo).port
  return {
    url: `smtp://127.0.0.1:${bound}`,
    taken,
    asked,
    stop: () => {
      for (const connection of server.connections as Set<{ _socket: { destroy(): void } }>) connection._socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
