/** `npm run demo`: a make-believe shop with a day in two seconds, on real parts; succeeds only if every claim about it holds. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import Table from 'cli-table3'
import { PerennialError, REFUSALS, problemOf } from '../domain/errors.ts'
import { UPKEEP_ID, sweepId } from '../domain/ids.ts'
import { liftOf } from '../domain/statistics.ts'
import { type Clock, clockOf } from '../domain/tempo.ts'
import { operatorOf } from '../client/operator.ts'
import { readCatalogue } from '../client/catalogue.ts'
import { setCap } from '../store/budgets.ts'
import { type Db, openStore } from '../store/db.ts'
import { checkInvariants } from '../store/invariants.ts'
import { type EffectCounts, effectCounts, journeyCounts } from '../store/journeys.ts'
import { sentMessageIds } from '../store/messages.ts'
import { armOutcomes } from '../store/outcomes.ts'
import { moneyShown } from './local/money.ts'
import { Shop } from './local/shop.ts'
import { type Stack, startStack } from './local/stack.ts'
import { createLog } from './log.ts'

const DAY_MS = 2000
const CUSTOMERS = 100
const GIVE_UP_DAYS = 90
/** Less than all coupons of the first order may cost, so that it runs out. */
const BUDGET = { budget: 'new-customers', cap: 1_200_00 }
/** The stories that are waited for; the others rest for weeks, which would take the demo minutes more. */
const AWAITED = ['first-order', 'birthday']
/** By then every order of the make-believe shop can no longer be returned. */
const SETTLED_DAYS = 26

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function demo(): Promise<boolean> {
  const home = await mkdtemp(join(tmpdir(), 'perennial-demo-'))
  // Under root PostgreSQL runs as another user, who has to get in.
  await chmod(home, 0o755)
  const tempo = { scale: DAY_MS / 86_400_000, origin: Date.now() }
  const clock = clockOf(tempo, Date.now)
  const log = createLog(process.env['LOG_LEVEL'] ?? 'error')
  const stack = await startStack({ home, tempo, throwaway: true, env: process.env, log, say })
  const db = openStore({ url: stack.env['DATABASE_URL'] ?? '', connections: 2 })
  const connection = await Connection.connect({ address: stack.env['TEMPORAL_ADDRESS'] ?? '' })
  try {
    say(
      `\nA shop with ${CUSTOMERS} customers; a day takes ${DAY_MS / 1000} s. The mails as they come: ${stack.inboxUrl}\n`,
    )
    await setCap(db, { ...BUDGET, now: clock.now() })
    const shop = new Shop({
      apiUrl: stack.apiUrl,
      apiKey: stack.env['PERENNIAL_API_KEY'] ?? '',
      inbox: stack.inbox,
      customers: CUSTOMERS,
      now: clock.now,
    })
    const client = new Client({ connection })
    await playOut({ shop, db, client, start: clock.now(), now: clock.now })
    await stopResting(db, clock)
    return await report(db, stack)
  } finally {
    await connection.close()
    await db.destroy()
    await stack.stop()
    await rm(home, { recursive: true, force: true })
  }
}

interface Playing {
  shop: Shop
  db: Db
  client: Client
  start: number
  now: () => number
}

/** The operator's word for runs that have nothing more to say. */
async function stopResting(db: Db, clock: Clock): Promise<void> {
  const operator = operatorOf({ db, clock, catalogue: await readCatalogue(), shopZone: 'UTC' })
  const resting = (await journeyCounts(db)).filter((row) => row.status === 'running')
  for (const name of new Set(resting.map((row) => row.journey))) {
    const { journey, stopped } = await operator.stopJourney(name)
    say(`stopped ${stopped} runs of ${journey}, which rested`)
  }
}

/** Days of the shop, one by one, until every run is over or rests. */
async function playOut({ shop, db, client, start, now }: Playing): Promise<void> {
  let shown = -1
  for (;;) {
    interrupted.throwIfAborted()
    const day = (now() - start) / 86_400_000
    await shop.play(day)
    const { open, resting } = await runsOn(db)
    if (Math.floor(day) > shown) {
      shown = Math.floor(day)
      // A day's sweep, asked for twice, as a schedule may.
      await client.schedule.getHandle(sweepId('birthday')).trigger()
      await client.schedule.getHandle(sweepId('birthday')).trigger()
      await client.schedule.getHandle(UPKEEP_ID).trigger()
      const { registered, carts, paid, refunded } = shop.counts
      say(
        `day ${String(shown).padStart(2)}   registered ${registered}   carts ${carts}   paid ${paid}   refunded ${refunded}   runs on ${open}`,
      )
    }
    if (day > Math.max(shop.days + 1, SETTLED_DAYS) && open === resting) return
    if (day > GIVE_UP_DAYS) throw new Error(`${open} runs are still on after ${GIVE_UP_DAYS} days`)
    await pause(DAY_MS / 10)
  }
}

async function runsOn(db: Db): Promise<{ open: number; resting: number }> {
  const running = (await journeyCounts(db)).filter((row) => row.status === 'running')
  const sum = (rows: typeof running): number => rows.reduce((total, row) => total + row.runs, 0)
  return { open: sum(running), resting: sum(running.filter((row) => !AWAITED.includes(row.journey))) }
}

async function report(db: Db, stack: Stack): Promise<boolean> {
  say(`\n${await whatHappened(db)}\n`)
  for (const line of await lifts(db)) say(line)
  const money = await moneyShown(db, BUDGET.budget)
  say(`\n${money.lines.join('\n')}`)
  for (const one of money.missing) say(`MISSING  ${one}`)
  const results = await checkInvariants(db)
  const broken = results.filter((one) => one.broken > 0)
  for (const one of broken) say(`BROKEN  ${one.invariant}: ${one.broken}, e.g. ${JSON.stringify(one.examples[0])}`)
  say(`\nInvariants: ${results.length - broken.length} of ${results.length} hold.`)
  const same = await inboxAgrees(db, stack)
  return broken.length === 0 && money.missing.length === 0 && same
}

async function whatHappened(db: Db): Promise<string> {
  const table = new Table({
    head: ['journey', 'what', 'how', 'why', 'count'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'left', 'left', 'right'],
  })
  const counts = await journeyCounts(db)
  const effects = await effectCounts(db)
  for (const journey of new Set(counts.map((row) => row.journey))) {
    const rows = counts.filter((row) => row.journey === journey)
    const sum = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((total, row) => total + of(row), 0)
    const add = (what: string, how: string, why: string, count: number): void =>
      void table.push([journey, what, how, why, count])
    add(
      'runs',
      'entered',
      '',
      sum((row) => row.runs),
    )
    add(
      'runs',
      'held out',
      REFUSALS.HOLDOUT.split(',')[0] ?? '',
      sum((row) => (row.arm === 'holdout' ? row.runs : 0)),
    )
    for (const status of new Set(rows.map((row) => row.status))) {
      add(
        'runs',
        status === 'goal' ? 'ended at the goal' : `ended, ${status}`,
        '',
        sum((row) => (row.status === status ? row.runs : 0)),
      )
    }
    add(
      'runs',
      'converted',
      'within the goal window',
      sum((row) => row.converted),
    )
    for (const row of effects.filter((one) => one.journey === journey))
      add(effectWord(row), row.status, row.code ?? '', row.count)
  }
  return table.toString()
}

const effectWord = (row: EffectCounts): string =>
  row.what === 'message' ? `mail ${row.name}` : `${row.what} ${row.name}`

async function lifts(db: Db): Promise<string[]> {
  const arms = await armOutcomes(db)
  return [...new Set(arms.map((row) => row.journey))].map((journey) => {
    const of = (arm: string): { successes: number; total: number } => {
      const row = arms.find((one) => one.journey === journey && one.arm === arm)
      return { successes: row?.converted ?? 0, total: row?.runs ?? 0 }
    }
    const [treated, held] = [of('treated'), of('holdout')]
    const lift = liftOf(treated, held)
    const both = `${treated.successes} of ${treated.total} treated, ${held.successes} of ${held.total} held out converted`
    if (!lift) return `${journey}: ${both}; no lift without both arms`
    const points = (share: number): string => `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)}`
    const word = lift.low <= 0 && lift.high >= 0 ? ': inconclusive' : ''
    return `${journey}: ${both}; lift ${points(lift.difference)} points (95 %: ${points(lift.low)} to ${points(lift.high)})${word}`
  })
}

/** The inbox holds exactly the mails that the store says were sent, each once. */
async function inboxAgrees(db: Db, stack: Stack): Promise<boolean> {
  const sent = (await sentMessageIds(db)).sort()
  const arrived = (await stack.inbox.list()).map((mail) => mail.messageId).sort()
  const same = sent.length === arrived.length && sent.every((id, index) => id === arrived[index])
  say(
    `Inbox: ${arrived.length} mails arrived, the store says ${sent.length} were sent: ${same ? 'the very same' : 'THEY DIFFER'}.`,
  )
  return same
}

const began = Date.now()
const interruption = new AbortController()
const interrupted = interruption.signal
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort())
try {
  const holds = await demo()
  const memory = Math.round(process.resourceUsage().maxRSS / 1024)
  say(
    `\n${holds ? 'The demo holds' : 'The demo does NOT hold'}: ${Math.round((Date.now() - began) / 1000)} s, this process at most ${memory} MB.`,
  )
  process.exitCode = holds ? 0 : 1
} catch (error) {
  if (interrupted.aborted) {
    say('\nInterrupted; everything was stopped and removed.')
    process.exitCode = 130
  } else if (error instanceof PerennialError) {
    const { code, message, todo } = problemOf(error)
    process.stderr.write(`${code}: ${message}\nWhat to do: ${todo}\n`)
    process.exitCode = 1
  } else throw error
}
