/** Everything an operator may ask and do, over a store, the catalogue and, for where a run is, Temporal. */
import { randomBytes } from 'node:crypto'
import type { ConnectionConfig } from '../domain/contracts/config.ts'
import { codeFrom } from '../domain/coupon.ts'
import { type Clock, clockOf } from '../domain/tempo.ts'
import { type Batch, type BatchRequest, codesOf, makeCodes } from '../store/codes.ts'
import { type Db, openStore, storeError } from '../store/db.ts'
import { type RejectedEvent, rejectedEvents } from '../store/events.ts'
import { type InvariantResult, checkInvariants } from '../store/invariants.ts'
import { type OfferLine, offerLines } from '../store/offers.ts'
import { type Catalogue, readCatalogue } from './catalogue.ts'
import { type Explanation, explain } from './explain.ts'
import {
  type JourneyLine,
  type PausedJourney,
  type ResumedJourney,
  type StartRequest,
  type StartedRun,
  type StoppedRun,
  listJourneys,
  pause,
  resume,
  startRun,
  stopJourney,
  stopRun,
} from './journeys.ts'
import { type GateWords, gateWords } from './gate.ts'
import { type BalanceReport, type LedgerReport, balanceReport, ledgerReport } from './points.ts'
import { type ChannelsReport, type MessagesReport, channelsReport, messagesReport } from './messages.ts'
import { type JourneyReport, type RunReport, showJourney, showRun } from './report.ts'
import { type HolidayDesk, holidayDesk } from './holidays.ts'
import { type Temporal, connectTemporal } from './temporal.ts'
import { type WordingDesk, wordingDesk } from './wording-desk.ts'
import { type WordsDesk, wordsDesk } from './words-desk.ts'

export interface OperatorParts {
  db: Db
  catalogue: Catalogue
  clock: Clock
  /** The zone of customers who did not tell theirs. */
  shopZone: string
  /** Connects on first use; without it nobody knows where a run is. */
  temporal?: () => Promise<Temporal>
  /** Where workers listen, for what an operator asks of them. */
  taskQueue?: string
  /** What customers read who told no language. */
  shopLocale?: string | undefined
}

export interface CheckAnswer {
  holds: boolean
  invariants: InvariantResult[]
}

/** Each throws the errors of the catalogue that its function names, and STORE_UNAVAILABLE. Times are shop time. */
export interface Operator extends GateWords {
  list(): Promise<JourneyLine[]>
  showJourney(name: string): Promise<JourneyReport>
  showRun(run: string): Promise<RunReport>
  start(request: StartRequest): Promise<StartedRun>
  stop(run: string): Promise<StoppedRun>
  stopJourney(name: string): Promise<{ journey: string; stopped: number }>
  pause(name: string): Promise<PausedJourney>
  resume(name: string): Promise<ResumedJourney>
  why(customer: string): Promise<Explanation>
  balance(customer: string): Promise<BalanceReport>
  ledger(customer: string): Promise<LedgerReport>
  /** Every message of a customer, with each state it came to. */
  messages(customer: string): Promise<MessagesReport>
  /** What each channel lacks, and what became of its messages in the last days. */
  channels(): Promise<ChannelsReport>
  check(): Promise<CheckAnswer>
  /** The newest `limit` events that were refused in a batch, newest first. */
  rejected(limit: number): Promise<RejectedEvent[]>
  offers(): Promise<OfferLine[]>
  /** Makes a batch of codes for whoever brings one, or what of it is missing. */
  makeCodes(request: Omit<BatchRequest, 'now' | 'drawCode'>): Promise<Batch>
  /** The codes of a batch in the order in which they were made, some thousands at a time. */
  codesOf(batch: Pick<Batch, 'batch' | 'made'>): AsyncIterable<string[]>
  words: WordsDesk
  wording: WordingDesk
  holidays: HolidayDesk
}

const drawCode = (): string => codeFrom(randomBytes(12))

export function operatorOf(parts: OperatorParts): Operator {
  const { db } = parts
  const gate = gateWords(parts)
  return {
    topics: () => known(gate.topics()),
    putTopic: (topic) => known(gate.putTopic(topic)),
    consents: (customer) => known(gate.consents(customer)),
    wordings: () => known(gate.wordings()),
    approve: (request) => known(gate.approve(request)),
    list: () => known(listJourneys(parts)),
    showJourney: (name) => known(showJourney(parts, name)),
    showRun: (run) => known(showRun(parts, run)),
    start: (request) => known(startRun(parts, request)),
    stop: (run) => known(stopRun(parts, run)),
    stopJourney: (name) => known(stopJourney(parts, name)),
    pause: (name) => known(pause(parts, name)),
    resume: (name) => known(resume(parts, name)),
    why: (customer) => known(explain(parts, customer)),
    balance: (customer) => known(balanceReport(parts, customer)),
    ledger: (customer) => known(ledgerReport(parts, customer)),
    messages: (customer) => known(messagesReport(db, customer)),
    channels: () => known(channelsReport(db, parts.clock.now())),
    async check() {
      const invariants = await known(checkInvariants(db))
      return { holds: invariants.every(({ broken }) => broken === 0), invariants }
    },
    rejected: (limit) => known(rejectedEvents(db, limit)),
    offers: () => known(offerLines(db, parts.clock.now())),
    makeCodes: (request) => known(makeCodes(db, { ...request, now: parts.clock.now(), drawCode })),
    codesOf: (batch) => codesOf(db, batch),
    words: knowing(wordsDesk(parts)),
    wording: knowing(wordingDesk(parts)),
    holidays: knowing(holidayDesk(parts)),
  }
}

/** A failure of the connection as STORE_UNAVAILABLE. */
async function known<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw storeError(error)
  }
}

type Desk = Record<string, (...asked: never[]) => Promise<unknown>>

/** The same for each answer of a desk. */
function knowing<D extends Desk>(desk: D): D {
  const answers = Object.entries(desk).map(([name, ask]) => [name, (...asked: never[]) => known(ask(...asked))])
  return Object.fromEntries(answers) as D
}

export interface Perennial extends Operator {
  close(): Promise<void>
}

/** Opens an operator's client on a running Perennial; nothing is connected before it is asked. Close it. */
export async function openPerennial(config: ConnectionConfig, catalogue?: Catalogue): Promise<Perennial> {
  const db = openStore({ url: config.DATABASE_URL, connections: 4 })
  let connecting: Promise<Temporal> | undefined
  const operator = operatorOf({
    db,
    catalogue: catalogue ?? (await readCatalogue()),
    clock: clockOf({ scale: config.SCALE, origin: config.ORIGIN }, Date.now),
    shopZone: config.SHOP_ZONE,
    taskQueue: config.TASK_QUEUE,
    shopLocale: config.SHOP_LOCALE,
    temporal: () => (connecting ??= connectTemporal(config, { timeoutMs: 3_000 })),
  })
  return {
    ...operator,
    async close() {
      const temporal = await connecting?.catch(() => undefined)
      await Promise.all([db.destroy(), temporal?.close()])
    },
  }
}
