import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import PostalMime, { type Address, type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server'

const MAX_BYTES = 1024 * 1024
const MAX_CLIENTS = 200
/** Mails parsed at once, so that a long list neither waits for each file nor opens them all. */
const BATCH = 32
/** Lines of the list kept in memory; they never change, and are read again from their files when dropped. */
const MAX_SUMMARIES = 20_000
const ID = /^(\d{13})-\d{6}-[0-9a-f]{8}$/

/** What the list of the inbox shows of a mail. */
export interface MailSummary {
  /** Sorts by time of arrival; the name of the file without `.eml`. */
  id: string
  /** When it arrived, ISO 8601. */
  at: string
  /** `Name <address>` or the address; several are joined by commas. */
  from: string
  to: string
  subject: string
  messageId: string
}

/** A mail as it was received. */
export interface StoredMail extends MailSummary {
  /** The text part; empty when there is none. */
  text: string
  /** The HTML part; empty when there is none. */
  html: string
  /** In the order of the mail, unfolded, not decoded. */
  headers: { name: string; value: string }[]
  /** The whole mail as it came; only from `read`. */
  raw?: string
}

/** A local mailbox that takes whatever it is sent. */
export interface Inbox {
  /** `smtp://127.0.0.1:<port>` */
  url: string
  port: number
  /** Every mail, newest first. */
  list(): Promise<StoredMail[]>
  /** The newest `limit` mails whose recipient or subject contains `search`, with the counts of all and of those that match. */
  find(query: { search?: string; limit: number }): Promise<{ total: number; matched: number; mails: MailSummary[] }>
  /** One mail with its `raw` source; undefined when there is none of this id. */
  read(id: string): Promise<StoredMail | undefined>
  /** Stops taking mail; what was received stays in the directory. */
  stop(): Promise<void>
}

/**
 * Starts an SMTP server for development that keeps each mail as one `.eml` file and delivers to nobody. It takes mails up
 * to 1 MiB, without login and without TLS: bind it to this machine only.
 * @param options.port 0 for any free port
 * @param options.host 127.0.0.1 when absent
 * @param options.directory where the mails are kept; made when absent
 * @param options.onError is told of connections that broke; a process warning when absent
 * @throws the error of the socket when the port cannot be had
 */
export async function startInbox(options: {
  port: number
  host?: string
  directory: string
  onError?: (error: Error) => void
}): Promise<Inbox> {
  const { directory, host = '127.0.0.1' } = options
  await fs.mkdir(directory, { recursive: true })
  const server = new SMTPServer({
    name: 'localhost',
    banner: 'Perennial inbox',
    disabledCommands: ['AUTH', 'STARTTLS'],
    // A look-up of the sender's name would hold up every new connection.
    disableReverseLookup: true,
    size: MAX_BYTES,
    maxClients: MAX_CLIENTS,
    // Pooled senders are quiet between two steps of a journey.
    socketTimeout: 10 * 60_000,
    closeTimeout: 500,
    onData: (stream, _session, done) => {
      receive(stream, directory).then(
        (id) => done(null, `Kept as ${id}`),
        (error: Error) => done(error),
      )
    },
  })
  const port = await listen(server, options.port, host)
  server.on('error', options.onError ?? ((error: Error) => process.emitWarning(error)))
  return {
    url: `smtp://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`,
    port,
    ...mailbox(directory),
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}

async function listen(server: SMTPServer, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return (server.server.address() as AddressInfo).port
}

let received = 0

/** Keeps one mail; it is answered for only when this returns, so nothing that was accepted is lost. */
async function receive(stream: SMTPServerDataStream, directory: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= MAX_BYTES) chunks.push(chunk)
  }
  if (bytes > MAX_BYTES) throw refusal(552, `A mail may have ${MAX_BYTES} bytes`)
  received = (received + 1) % 1_000_000
  const id = `${Date.now()}-${String(received).padStart(6, '0')}-${randomBytes(4).toString('hex')}`
  try {
    const draft = path.join(directory, `${id}.tmp`)
    await fs.writeFile(draft, Buffer.concat(chunks))
    await fs.rename(draft, path.join(directory, `${id}.eml`))
  } catch (error) {
    throw refusal(452, `The mail could not be kept: ${error instanceof Error ? error.message : String(error)}`)
  }
  return id
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

function mailbox(directory: string): Pick<Inbox, 'list' | 'find' | 'read'> {
  const summaries = new Map<string, MailSummary>()
  const read = (id: string) => readMail(directory, id)
  const summary = async (id: string): Promise<MailSummary | undefined> => {
    const kept = summaries.get(id)
    if (kept !== undefined) return kept
    const mail = await read(id)
    if (mail === undefined) return undefined
    const { at, from, to, subject, messageId } = mail
    if (summaries.size >= MAX_SUMMARIES) summaries.clear()
    const line = { id, at, from, to, subject, messageId }
    summaries.set(id, line)
    return line
  }
  return {
    read,
    list: async () => {
      const mails = await inBatches(await idsIn(directory), read)
      return mails.map(({ raw: _raw, ...mail }) => mail)
    },
    find: async ({ search = '', limit }) => {
      const ids = await idsIn(directory)
      const wanted = search.trim().toLowerCase()
      if (wanted === '') {
        return { total: ids.length, matched: ids.length, mails: await inBatches(ids.slice(0, limit), summary) }
      }
      const all = await inBatches(ids, summary)
      const found = all.filter((mail) => `${mail.to}\n${mail.subject}`.toLowerCase().includes(wanted))
      return { total: ids.length, matched: found.length, mails: found.slice(0, limit) }
    },
  }
}

async function idsIn(directory: string): Promise<string[]> {
  const names = await fs.readdir(directory)
  const ids = names.filter((name) => name.endsWith('.eml')).map((name) => name.slice(0, -'.eml'.length))
  return ids.filter((id) => ID.test(id)).sort((a, b) => (a < b ? 1 : -1))
}

async function inBatches<T>(ids: string[], get: (id: string) => Promise<T | undefined>): Promise<T[]> {
  const got: T[] = []
  for (let at = 0; at < ids.length; at += BATCH) {
    const batch = await Promise.all(ids.slice(at, at + BATCH).map(get))
    got.push(...batch.filter((one) => one !== undefined))
  }
  return got
}

async function readMail(directory: string, id: string): Promise<StoredMail | undefined> {
  // The id comes from an address line: only what we could have given out may become a path.
  const time = ID.exec(id)?.[1]
  if (time === undefined) return undefined
  const at = new Date(Number(time)).toISOString()
  let source: Buffer
  try {
    source = await fs.readFile(path.join(directory, `${id}.eml`))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const raw = source.toString('utf8')
  try {
    return { id, at, ...partsOf(await PostalMime.parse(source)), raw }
  } catch (error) {
    // One mail that breaks the rules of MIME must not hide the others; its source can still be looked at.
    const subject = `(cannot be read: ${error instanceof Error ? error.message : String(error)})`
    return { id, at, from: '', to: '', subject, messageId: '', text: raw, html: '', headers: [], raw }
  }
}

function partsOf(email: Email): Omit<StoredMail, 'id' | 'at' | 'raw'> {
  return {
    from: email.from === undefined ? '' : nameOf(email.from),
    to: (email.to ?? []).map(nameOf).join(', '),
    subject: email.subject ?? '',
    messageId: email.messageId ?? '',
    text: email.text ?? '',
    html: email.html ?? '',
    headers: email.headers.map(({ originalKey, value }) => ({ name: originalKey, value })),
  }
}

function nameOf(address: Address): string {
  if (address.group !== undefined) return `${address.name}: ${address.group.map(nameOf).join(', ')}`
  return address.name === '' ? address.address : `${address.name} <${address.address}>`
}
