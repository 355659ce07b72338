/** Coupons and points against the same work written by hand (by-hand.ts), in turns on one database. docs/bench.md reads the table. */
import { randomBytes } from 'node:crypto'
import Table from 'cli-table3'
import { sql } from 'kysely'
import pg from 'pg'
import { codeFrom } from '../../domain/coupon.ts'
import { makeCodes } from '../../store/codes.ts'
import { addBudgets } from '../../store/budgets.ts'
import { addOffers, issueCoupon } from '../../store/coupons.ts'
import { type Db, openStore } from '../../store/db.ts'
import { checkInvariants } from '../../store/invariants.ts'
import { awardPoints } from '../../store/points.ts'
import { redeemCoupon } from '../../store/redemptions.ts'
import { spendPoints } from '../../store/spends.ts'
import * as byHand from './by-hand.ts'

const CALLERS = 8
const ROUNDS = 4
const PER_ROUND = 400
const HOT_CALLERS = 16
const HOT_PER_ROUND = 600
const CHUNK = 5_000
const CHUNKS = 4
const DAY = 86_400_000
/** What a coupon takes off at most, fen. */
const MOST = 1_000
const BUDGETED = 'bench-budgeted'

const drawCode = (): string => codeFrom(randomBytes(12))

interface Bench {
  db: Db
  pool: pg.Pool
  say: (line: string) => void
}

/** How many times a second `work` was done, by so many callers at once. */
async function paced(count: number, callers: number, work: (at: number) => Promise<unknown>): Promise<number> {
  const began = performance.now()
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return count / ((performance.now() - began) / 1000)
}

type Side = 'ours' | 'hand' | 'naked'
type Sides = Partial<Record<Side, (nth: number) => Promise<unknown>>>

export interface MoneyRow {
  what: string
  perSecond: Partial<Record<Side, number>>
}

/** The sides take turns, the first of each round another; the first round warms up and does not count. */
async function inTurns(bench: Bench, what: string, sides: Sides): Promise<MoneyRow> {
  const names = Object.keys(sides) as Side[]
  const rates: Partial<Record<Side, number[]>> = {}
  for (let round = 0; round <= ROUNDS; round++) {
    const turn = names.map((_, at) => names[(at + round) % names.length] as Side)
    for (const side of turn) {
      const work = sides[side]
      if (!work) continue
      const rate = await paced(PER_ROUND, CALLERS, (at) => work(round * PER_ROUND + at))
      if (round > 0) (rates[side] ??= []).push(rate)
    }
    // A plan that is kept was made for empty tables; a store that runs has its tables counted within a minute.
    if (round === 0) await sql`analyze`.execute(bench.db)
  }
  bench.say(`${what}: done`)
  return { what, perSecond: Object.fromEntries(names.map((side) => [side, meanRate(rates[side] ?? [])])) }
}

/** Of rounds of equal size: what they come to together. */
const meanRate = (rates: readonly number[]): number => rates.length / rates.reduce((sum, rate) => sum + 1 / rate, 0)

const TOTAL = PER_ROUND * (ROUNDS + 1)

/** Customers in a journey, each begun by an order of 100 yuan, made at once. */
async function crowd({ db }: Bench, prefix: string, size: number, journey = 'bench'): Promise<void> {
  await sql`insert into customers (id, created_at, updated_at) select ${prefix} || n, now(), now() from generate_series(0, ${size - 1}::int) n`.execute(
    db,
  )
  await sql`
    insert into events (id, customer, type, properties, content_hash, occurred_at, received_at)
    select ${prefix} || n, ${prefix} || n, 'deal.made', '{"order": "1", "amount": 10000}', '', now(), now()
    from generate_series(0, ${size - 1}::int) n`.execute(db)
  await sql`
    insert into enrolments (id, journey, customer, arm, status, begun_by, begun_seq, entered_at, starts_at)
    select ${journey} || '/' || e.customer, ${journey}, e.customer, 'treated', 'running', 'deal.made ' || e.id, e.seq, now(), now()
    from events e where starts_with(e.customer, ${prefix})`.execute(db)
  await sql`
    insert into outcomes (enrolment, kind, at, detail) select id, 'entered', now(), 'bench' from enrolments
    where starts_with(customer, ${prefix})`.execute(db)
  await sql`
    insert into dispatch (kind, enrolment, created_at, delivered_at) select 'start', id, now(), now() from enrolments
    where starts_with(customer, ${prefix})`.execute(db)
  await sql`analyze`.execute(db)
}

const offerOf = (db: Db, id: string, quota: number, buckets = 1): Promise<void> =>
  addOffers(db, { [id]: { title: id, quota, perMember: 1, gives: { percent: 10, atMost: MOST }, buckets } })

function issueOurs(db: Db, offer: string, customer: string, journey = 'bench'): Promise<unknown> {
  const run = `${journey}/${customer}`
  const valid = { valid: '7 days', validMs: 7 * DAY, now: Date.now() }
  return expecting('issued', issueCoupon(db, { key: `${run}/coupon/${offer}`, run, offer, ...valid, drawCode }))
}

async function expecting(wanted: string, answer: Promise<{ is: string }>): Promise<void> {
  const { is } = await answer
  if (is !== wanted) throw new Error(`${is} where ${wanted} was due`)
}

async function issues(bench: Bench): Promise<MoneyRow> {
  const { db, pool } = bench
  for (const prefix of ['Io', 'Ih', 'In']) await crowd(bench, prefix, TOTAL)
  for (const side of ['o', 'h', 'n']) await offerOf(db, `issue-${side}`, TOTAL)
  return inTurns(bench, 'coupons issued', {
    ours: (nth) => issueOurs(db, 'issue-o', `Io${nth}`),
    hand: (nth) => byHand.issueByHand(pool, issuing('Ih', 'issue-h', nth)),
    naked: (nth) => byHand.issueNaked(pool, issuing('In', 'issue-n', nth)),
  })
}

function issuing(prefix: string, offer: string, nth: number, journey = 'bench'): byHand.Issuing {
  const customer = `${prefix}${nth}`
  const run = `${journey}/${customer}`
  return { customer, run, offer, key: `${run}/coupon/${offer}`, code: drawCode() }
}

/** The same of a journey whose budget each coupon is held of: one more row that all wait for. */
async function budgetedIssues(bench: Bench): Promise<MoneyRow> {
  const { db, pool } = bench
  for (const side of ['o', 'h']) {
    const journey = `${BUDGETED}-${side}`
    const budget = { name: journey, cap: 10 * MOST * TOTAL, journeyCap: null, lineBp: 500 }
    await addBudgets(db, [{ name: journey, class: 'marketing', budget }], Date.now)
    await crowd(bench, `B${side}`, TOTAL, journey)
    await offerOf(db, `budgeted-${side}`, TOTAL)
  }
  const held = { budget: `${BUDGETED}-h`, most: MOST }
  return inTurns(bench, 'coupons issued, of a budget', {
    ours: (nth) => issueOurs(db, 'budgeted-o', `Bo${nth}`, `${BUDGETED}-o`),
    hand: (nth) => byHand.issueByHand(pool, issuing('Bh', 'budgeted-h', nth, `${BUDGETED}-h`), held),
  })
}

/** Those that were issued by `issues`: each side redeems what it issued. */
const redemptions = (bench: Bench): Promise<MoneyRow> => redeemed(bench, 'coupons redeemed', ['Io', 'Ih', 'In'])

const budgetedRedemptions = (bench: Bench): Promise<MoneyRow> =>
  redeemed(bench, 'coupons redeemed, of a budget', ['Bo', 'Bh'])

async function redeemed({ db, pool, say }: Bench, what: string, prefixes: string[]): Promise<MoneyRow> {
  const [own = '', theirs = '', alone] = prefixes
  const { rows } = await sql<{ customer: string; code: string }>`
    select customer, code from coupons where left(customer, 2) = any(${prefixes})`.execute(db)
  const codeOf = new Map(rows.map(({ customer, code }) => [customer, code]))
  const lines = [
    { id: 'a', amount: 1000 },
    { id: 'b', amount: 500 },
  ]
  const at = (prefix: string, nth: number): byHand.Redeeming => {
    const customer = `${prefix}${nth}`
    return { customer, code: codeOf.get(customer) ?? '', order: `O-${customer}`, lines }
  }
  const budgeted = theirs.startsWith('B')
  return inTurns({ db, pool, say }, what, {
    ours: async (nth) => {
      const { customer, code, order } = at(own, nth)
      const asked = {
        key: `redeem-${customer}`,
        customer,
        code,
        order,
        basket: { lines, shipping: 0 },
        now: Date.now(),
      }
      const answer = await redeemCoupon(db, asked)
      if (!answer.ok) throw new Error(answer.code)
    },
    hand: (nth) => byHand.redeemByHand(pool, at(theirs, nth), budgeted),
    ...(alone && { naked: (nth: number) => byHand.redeemNaked(pool, at(alone, nth)) }),
  })
}

async function codes(bench: Bench): Promise<MoneyRow> {
  const { db, pool } = bench
  await offerOf(db, 'printed', 10 * CHUNK * CHUNKS)
  await offerOf(db, 'printed-by-hand', 10 * CHUNK * CHUNKS)
  const made = { count: 1, valid: '30 days', drawCode, now: Date.now() }
  await makeCodes(db, { ...made, batch: 'hand', offer: 'printed-by-hand' })
  const rates: { ours: number[]; hand: number[] } = { ours: [], hand: [] }
  for (let round = 0; round < 4; round++) {
    const ours = await paced(1, 1, () =>
      makeCodes(db, { ...made, batch: `b-${round}`, offer: 'printed', count: CHUNK * CHUNKS }),
    )
    const hand = await paced(CHUNKS, 1, () =>
      byHand.codesByHand(pool, 'printed-by-hand', 'hand', Array.from({ length: CHUNK }, drawCode)),
    )
    if (round === 0) continue
    rates.ours.push(ours * CHUNK * CHUNKS)
    rates.hand.push(hand * CHUNK)
  }
  await sql`update code_batches set wanted = 1000000, made = (select count(*) from coupons where batch = 'hand') where key = 'hand'`.execute(
    db,
  )
  bench.say('codes: done')
  return { what: 'codes of a batch', perSecond: { ours: meanRate(rates.ours), hand: meanRate(rates.hand) } }
}

async function awards(bench: Bench): Promise<MoneyRow> {
  const { db, pool } = bench
  for (const prefix of ['Ao', 'Ah', 'An']) await crowd(bench, prefix, TOTAL)
  const terms = { title: 'A point a yuan', earn: { perYuan: 1 }, pending: true, validDays: 365 }
  const asked = (prefix: string, nth: number): byHand.Earning => {
    const customer = `${prefix}${nth}`
    return { customer, run: `bench/${customer}`, key: `bench/${customer}/points/order`, amount: 100 }
  }
  return inTurns(bench, 'points awarded', {
    ours: (nth) => {
      const { run, key } = asked('Ao', nth)
      return expecting('awarded', awardPoints(db, { key, run, rule: 'order', terms, shopZone: 'UTC', now: Date.now() }))
    },
    hand: (nth) => byHand.earnByHand(pool, asked('Ah', nth)),
    naked: (nth) => byHand.earnNaked(pool, asked('An', nth)),
  })
}

async function spends(bench: Bench): Promise<MoneyRow> {
  const { db, pool } = bench
  const terms = { title: 'All', earn: { fixed: 1_000_000 } }
  for (const prefix of ['So', 'Sh']) {
    await crowd(bench, prefix, 200)
    await paced(200, CALLERS, (nth) => {
      const run = `bench/${prefix}${nth}`
      const key = `${run}/points/all`
      return expecting('awarded', awardPoints(db, { key, run, rule: 'all', terms, shopZone: 'UTC', now: Date.now() }))
    })
  }
  const asked = (prefix: string, nth: number): byHand.Spending => ({
    customer: `${prefix}${nth % 200}`,
    key: `spend/${prefix}/${nth}`,
    amount: 7,
  })
  return inTurns(bench, 'points spent', {
    ours: (nth) => expecting('spent', spendPoints(db, { ...asked('So', nth), now: Date.now() })),
    hand: (nth) => byHand.spendByHand(pool, asked('Sh', nth)),
  })
}

/** Everybody asks for one offer at once. */
async function hotQuota(bench: Bench): Promise<Record<'oneBucket' | 'eightBuckets', number>> {
  const rates: Record<1 | 8, number[]> = { 1: [], 8: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const buckets of round % 2 === 0 ? ([1, 8] as const) : ([8, 1] as const)) {
      const [offer, prefix] = [`hot-${buckets}-${round}`, `H${buckets}x${round}x`]
      await crowd(bench, prefix, HOT_PER_ROUND)
      await offerOf(bench.db, offer, HOT_PER_ROUND, buckets)
      const rate = await paced(HOT_PER_ROUND, HOT_CALLERS, (nth) => issueOurs(bench.db, offer, `${prefix}${nth}`))
      if (round > 0) rates[buckets].push(rate)
    }
  }
  return { oneBucket: meanRate(rates[1]), eightBuckets: meanRate(rates[8]) }
}

/** What is measured, by its word, in this order; what is redeemed was issued by the word before it. */
const MEASURED: Record<string, readonly ((bench: Bench) => Promise<MoneyRow>)[]> = {
  issue: [issues, budgetedIssues],
  redeem: [redemptions, budgetedRedemptions],
  codes: [codes],
  award: [awards],
  spend: [spends],
}

export interface MoneyResults {
  rows: MoneyRow[]
  hot?: Record<'oneBucket' | 'eightBuckets', number>
}

/**
 * Measures coupons and points on a migrated, empty store; prints the table and answers what is in it. `words` names what of it
 * (those of MEASURED, and `hot`); none: all.
 */
export async function measureMoney(
  url: string,
  say: (line: string) => void,
  words: ReadonlySet<string>,
): Promise<MoneyResults> {
  const named = [...Object.keys(MEASURED), 'hot'].filter((word) => words.has(word))
  const wanted = (word: string): boolean =>
    named.length === 0 || named.includes(word) || (word === 'issue' && named.includes('redeem'))
  const db = openStore({ url, connections: HOT_CALLERS })
  const pool = new pg.Pool({ connectionString: url, max: HOT_CALLERS })
  // Else a server that stops before the last connection is closed would end the process.
  pool.on('error', () => {})
  const bench = { db, pool, say }
  try {
    const rows: MoneyRow[] = []
    for (const [word, all] of Object.entries(MEASURED)) {
      if (wanted(word)) for (const measured of all) rows.push(await measured(bench))
    }
    const results = { rows, ...(wanted('hot') && { hot: await hotQuota(bench) }) }
    print(results, say)
    const broken = (await checkInvariants(db)).filter((one) => one.broken > 0)
    for (const one of broken) say(`BROKEN ${one.invariant}: ${JSON.stringify(one.examples)}`)
    return results
  } finally {
    await db.destroy()
    await pool.end()
  }
}

function print({ rows, hot }: MoneyResults, say: (line: string) => void): void {
  const table = new Table({
    head: ['', 'ours /s', 'by hand /s', 'ratio', 'statement alone /s', 'ratio'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  })
  const whole = (rate: number | undefined): string => (rate === undefined ? '' : Math.round(rate).toLocaleString('en'))
  for (const { what, perSecond } of rows) {
    const ratio = (to: Side): string => {
      const [ours, other] = [perSecond.ours, perSecond[to]]
      return ours === undefined || other === undefined ? '' : `${(ours / other).toFixed(2)}x`
    }
    const { ours, hand, naked } = perSecond
    table.push([what, whole(ours), whole(hand), ratio('hand'), whole(naked), ratio('naked')])
  }
  say(table.toString())
  if (!hot) return
  const { oneBucket, eightBuckets } = hot
  say(
    `one hot offer, ${HOT_CALLERS} callers: ${whole(oneBucket)}/s with 1 bucket, ${whole(eightBuckets)}/s with 8 (${(eightBuckets / oneBucket).toFixed(2)}x)`,
  )
}
