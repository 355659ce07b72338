/**
 * `npx tsx test/bench/gate.ts`: messages rendered, gated, written down and sent against bare nodemailer on the same pooled sink, and
 * decisions of the gate. Prints tables and writes bench/gate.json; docs/bench.md says how to read them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import nodemailer from 'nodemailer'
import type { Channel, Outgoing } from '../../activities/channels/channel.ts'
import { emailChannel } from '../../activities/channels/email.ts'
import { createActivities } from '../../activities/index.ts'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { codeFrom } from '../../domain/coupon.ts'
import { type ChannelFacts, gate } from '../../domain/sending.ts'
import { renderWords } from '../../domain/template.ts'
import { openStore } from '../../store/db.ts'
import { migrate } from '../../store/migrate.ts'
import { startPostgres } from '../../workers/local/postgres.ts'
import { PUBLIC_URL, SECRET } from '../policy.ts'
import { enterCrowd, rowsOf } from '../store/given.ts'
import { cpuWithChildren, postmasterOf } from './processes.ts'

const ROUNDS = 5
const PER_ROUND = 1000
/** As many as a worker takes unless told. */
const AT_ONCE = 100
const CONNECTIONS = 5
const FROM = 'Shop <shop@shop.example>'
const COPY = {
  subject: 'Ten off your first order',
  text: 'Hello {{ name }},\n\n{{ coupon.code }} takes ten off your first order. It is yours until {{ coupon.expires }}.',
}
const DATA = { coupon: { code: 'ABCD2345', expires: '2026-12-01' } }

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** `count` pieces of work, some at once; answers how many a second. */
async function rate(count: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const began = performance.now()
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, caller))
  return count / ((performance.now() - began) / 1000)
}

interface Spent {
  here: number
  postgres: number
}

/** CPU so far, ms: of this process, and of PostgreSQL with all its children. Linux; elsewhere that counts as 0. */
async function cpu(postmaster: number): Promise<Spent> {
  const { user, system } = process.cpuUsage()
  return { here: (user + system) / 1000, postgres: await cpuWithChildren(postmaster) }
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

async function startSinkProcess(): Promise<{ child: ChildProcess; url: string; count: () => Promise<number> }> {
  const child = fork(fileURLToPath(new URL('./sink-process.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  const said = <T>(): Promise<T> => new Promise((resolve) => child.once('message', (word) => resolve(word as T)))
  const { url } = await said<{ url: string }>()
  const count = async (): Promise<number> => {
    const answer = said<{ taken: number }>()
    child.send('count')
    return (await answer).taken
  }
  return { child, url, count }
}

/**
 * What an engineer would write without Perennial: the same words, the same pool, nothing remembered. `whole`: with all that the gate
 * puts into a mail, which is then the same to the byte but for names: links to leave, and their headers.
 */
function bareSide(url: string) {
  const transport = nodemailer.createTransport({ url, pool: true, maxConnections: CONNECTIONS, maxMessages: Infinity })
  const rendered = renderWords(COPY, { name: 'Ada', ...DATA })
  if (!rendered.ok) throw new Error(rendered.detail)
  const { subject, text, html } = rendered.words
  const send = (to: string): Promise<unknown> => transport.sendMail({ from: FROM, to, subject, text, html })
  const whole = (to: string, { words, unsubscribeUrl = '' }: Outgoing): Promise<unknown> => {
    const { subject, text, html } = words
    const leave = { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
    return transport.sendMail({ from: FROM, to, subject, text, html, headers: leave })
  }
  return { send, whole, close: () => transport.close() }
}

/** The channel, and the last mail that it was given. */
function remembering(channel: Channel) {
  const last: { mail?: Outgoing } = {}
  const send: Channel['send'] = (mail, begin) => channel.send((last.mail = mail), begin)
  return { last, channel: { ...channel, send } }
}

function decisions(): number {
  const channel: ChannelFacts = {
    name: 'email',
    consented: true,
    suppressed: false,
    address: 'ada@shop.example',
    ready: true,
    carries: true,
    render: () => undefined,
    wording: () => undefined,
    contest: () => ({ is: 'go' }),
    affords: () => true,
  }
  const facts = { now: 0, run: 'running', paused: false, arm: 'treated', opensAt: 0, channels: [channel] } as const
  const count = 300_000
  const began = performance.now()
  for (let i = 0; i < count; i++) gate('marketing', { ...facts, channels: [channel] })
  return count / ((performance.now() - began) / 1000)
}

const directory = await mkdtemp(join(tmpdir(), 'perennial-gate-bench-'))
await chmod(directory, 0o755)
const stops: (() => unknown)[] = [() => rm(directory, { recursive: true, force: true })]
try {
  const postgres = await startPostgres({ directory: join(directory, 'postgres'), fast: true })
  stops.push(postgres.stop)
  const postmaster = await postmasterOf(postgres.directory)
  const sink = await startSinkProcess()
  stops.push(() => sink.child.disconnect())
  const db = openStore({ url: postgres.url, connections: 10 })
  stops.push(() => db.destroy())
  await migrate(db)
  const { channel, last } = remembering(emailChannel({ smtpUrl: sink.url, from: FROM, connections: CONNECTIONS }))
  const plan = checkPlan('bench', { title: 'Bench', copy: { hello: COPY } })
  const capped = checkPlan('capped', { title: 'Capped', copy: { hello: COPY } })
  const clock = { now: () => Date.now() }
  const activities = createActivities({
    db,
    clock,
    plans: new Map([plan, capped].map((one) => [one.name, one])),
    channels: new Map([[channel.name, channel]]),
    policy: {
      quiet: { from: 0, to: 0 },
      caps: [{ messages: 1, windowMs: 7 * 86_400_000, counts: ['marketing'] }],
      auctionMs: 60_000,
      release: { messages: 20, windowMs: 1000 },
      shopZone: 'UTC',
    },
    publicUrl: PUBLIC_URL,
    secret: SECRET,
    drawCode: () => codeFrom(randomBytes(12)),
    log: () => {},
  })
  const size = (ROUNDS + 1) * PER_ROUND
  const crowd = await enterCrowd(db, { journey: 'bench', prefix: 'B', size })
  await rowsOf(db, `update customers set email = lower(id) || '@mail.example', name = 'Ada'`)
  await rowsOf(
    db,
    `insert into consents (customer, topic, channel, granted, source, at)
     select id, 'marketing', 'email', true, 'bench', created_at from customers`,
  )
  await enterCrowd(db, { journey: 'capped', prefix: 'B', size })
  await rowsOf(db, 'analyze')
  const ask = (journey: string, index: number) => {
    const run = `${journey}/${crowd[index]?.customer}`
    return activities.sendMessage({ key: `${run}/send/hello`, run, message: 'hello', data: DATA, asked: clock.now() })
  }
  const bare = bareSide(sink.url)
  stops.push(bare.close, () => channel.close())

  const measured = { bare: [] as number[], whole: [] as number[], ours: [] as number[], refused: [] as number[] }
  const nothing = (): Spent => ({ here: 0, postgres: 0 })
  const spent = { bare: nothing(), whole: nothing(), ours: nothing(), refused: nothing() }
  const timed = async (side: keyof typeof spent, work: () => Promise<number>): Promise<number> => {
    const before = await cpu(postmaster)
    const rated = await work()
    const after = await cpu(postmaster)
    for (const where of ['here', 'postgres'] as const) spent[side][where] += after[where] - before[where]
    return rated
  }
  const results = new Set<string>()
  for (let round = 0; round <= ROUNDS; round++) {
    const first = round * PER_ROUND
    const one = {
      bare: await timed('bare', () => rate(PER_ROUND, (index) => bare.send(`bare${index}@mail.example`))),
      ours: await timed('ours', () =>
        rate(PER_ROUND, async (index) => results.add((await ask('bench', first + index)).is)),
      ),
      whole: await timed('whole', () =>
        rate(PER_ROUND, (index) => bare.whole(`whole${index}@mail.example`, last.mail as Outgoing)),
      ),
      refused: await timed('refused', () =>
        rate(PER_ROUND, async (index) => results.add((await ask('capped', first + index)).is)),
      ),
    }
    // As autovacuum does within a minute: plans made for empty tables read them whole.
    if (round === 0) await rowsOf(db, 'analyze')
    // The first round warms everything up and does not count.
    if (round > 0) for (const side of ['bare', 'whole', 'ours', 'refused'] as const) measured[side].push(one[side])
  }
  const to = (side: 'bare' | 'whole'): number[] =>
    measured.ours.map((ours, round) => ours / (measured[side][round] ?? 1))
  const ratios = to('whole')
  const pure = decisions()
  const each = (side: keyof typeof spent): string[] =>
    Object.values(spent[side]).map((ms: number) => (ms / ((ROUNDS + 1) * PER_ROUND)).toFixed(2))
  const table = new Table({
    head: ['', 'a second', 'to the same mail', 'to a shorter one', 'CPU ms here', 'PostgreSQL'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  })
  table.push(
    ['bare nodemailer, the same mail', median(measured.whole).toFixed(0), '1.00x', '', ...each('whole')],
    ['bare nodemailer, without its links', median(measured.bare).toFixed(0), '', '1.00x', ...each('bare')],
    [
      'sendMessage: gated, rendered, written down, sent',
      median(measured.ours).toFixed(0),
      `${median(ratios).toFixed(2)}x`,
      `${median(to('bare')).toFixed(2)}x`,
      ...each('ours'),
    ],
    [
      'sendMessage refused by the cap: decided and written down',
      median(measured.refused).toFixed(0),
      '',
      '',
      ...each('refused'),
    ],
    ['the gate alone, facts in, verdict out', pure.toFixed(0), '', '', '', ''],
  )
  say(table.toString())
  const sent = await rowsOf<{ count: number }>(db, `select count(*) as count from messages where status = 'sent'`)
  say(
    `sent by the store ${sent[0]?.count}, arrived in all ${await sink.count()}, bare ones ${2 * size}; ${[...results].sort().join(', ')}`,
  )
  const ratio = median(ratios)
  say(`gated to bare, the same mail: ${ratio.toFixed(2)}x (target 0.5x): ${ratio >= 0.5 ? 'met' : 'NOT met'}`)
  await mkdir('bench', { recursive: true })
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
  await writeFile(
    'bench/gate.json',
    `${JSON.stringify({ at: new Date().toISOString(), machine, measured, ratios, pure }, null, 2)}\n`,
  )
} finally {
  for (const stop of stops.reverse()) await stop()
}
