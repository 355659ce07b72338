/** Everything an operator may ask and do, over a store, the catalogue and, for where a run is, Temporal. */
import { randomBytes } from 'node:crypto'
import type { ConnectionConfig } from '../domain/contracts/config.ts'
import { codeFrom } from '../domain/coupon.ts'
import { type Clock, type Tempo, clockOf } from '../domain/tempo.ts'
import { type Batch, type BatchRequest, codesOf, makeCodes } from '../store/codes.ts'
import { type Db, openStore, storeError } from '../store/db.ts'
import { type RejectedEvent, rejectedEvents } from '../store/rejected-events.ts'
import { type InvariantResult, checkInvariants } from '../store/invariants.ts'
import { type OfferLine, offerLines } from '../store/offers.ts'
import { type AudienceDesk, audienceDesk } from './audiences.ts'
import { type BudgetOperator, budgetOperator } from './budgets.ts'
import type { ProgrammeVersion } from '../store/programmes.ts'
import type { Steered, Steering } from '../store/quota.ts'
import type { Reckoning } from '../store/reckonings.ts'
import type { CustomerReferral, ReferralLine } from '../store/referral-reports.ts'
import type { DecideReview, ReviewAnswer, ReviewLine } from '../store/reviews.ts'
import { type Catalogue, plansOf, readCatalogue } from './catalogue.ts'
import {
  type CampaignReach,
  type CampaignReport,
  type StartedCampaign,
  type StoppedCampaign,
  campaignReports,
  reachOf,
  startCampaign,
  stopCampaign,
} from './campaigns.ts'
import { type CouponLife, type CouponVoided, couponLife, voidByOperator } from './coupon-life.ts'
import { type Explanation, explain } from './explain.ts'
import {
  type JourneyLine,
  type PausedJourney,
  type ResumeRequest,
  type ResumedJourney,
  type StartRequest,
  type StartedRun,
  type StopRequest,
  type StoppedJourney,
  type StoppedRun,
  type SwitchedJourney,
  listJourneys,
  pause,
  resume,
  startRun,
  stopJourney,
  stopRun,
  switchTo,
} from './journeys.ts'
import { type GateWords, gateWords } from './gate.ts'
import { type ChannelsReport, type MessagesReport, channelsReport, messagesReport } from './messages.ts'
import {
  type BalanceReport,
  type LedgerReport,
  type ResolveRequest,
  type ResolvedPoints,
  balanceReport,
  ledgerReport,
  resolvePoints,
} from './points.ts'
import { answerReview, listReferrals, listReviews, referralReport } from './referrals.ts'
import { type JourneyReport, type RunReport, showJourney, showRun } from './report.ts'
import { type HolidayDesk, holidayDesk } from './holidays.ts'
import { type SteeringDesk, steeringDesk } from './steering.ts'
import { type TaskAnswer, type TaskDone, type TaskLine, answerTask, listTasks } from './tasks.ts'
import { type ScheduleDesk, scheduleDesk } from './schedules.ts'
import { type Temporal, temporalOnDemand } from './temporal.ts'
import { steer } from './offers.ts'
import { type WordingDesk, wordingDesk } from './wording-desk.ts'
import { type WordsDesk, wordsDesk } from './words-desk.ts'
import { type StandingReport, reckonStandings, standingReport, standingsReport } from './standings.ts'
import { type TierReport, type TiersReport, changeProgramme, programmeNow, tierReport, tiersReport } from './tiers.ts'

export interface OperatorParts {
  db: Db
  catalogue: Catalogue
  clock: Clock
  /** How the clock runs against the machine's, for what Temporal times; as fast unless told. */
  tempo?: Tempo
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
export interface Operator extends BudgetOperator, GateWords {
  list(): Promise<JourneyLine[]>
  showJourney(name: string): Promise<JourneyReport>
  showRun(run: string): Promise<RunReport>
  start(request: StartRequest): Promise<StartedRun>
  stop(run: string, how?: StopRequest): Promise<StoppedRun>
  stopJourney(name: string, how?: StopRequest): Promise<StoppedJourney>
  /** Whom a campaign would reach; an operator sees it before it is begun. */
  reach(asked: { campaign: string; occasion?: string | undefined }): Promise<CampaignReach>
  /** Begins a campaign for an occasion in every zone. */
  startCampaign(asked: { campaign: string; occasion?: string | undefined }): Promise<StartedCampaign>
  /** Stops a campaign and tells what was handed over by then. */
  stopCampaign(name: string): Promise<StoppedCampaign>
  /** The newest runs of a campaign, wave by wave. */
  campaignRuns(name: string): Promise<CampaignReport[]>
  pause(name: string, by?: string): Promise<PausedJourney>
  /** Lets a paused journey go on, with what becomes of its waits. */
  resume(name: string, how?: ResumeRequest): Promise<ResumedJourney>
  why(customer: string): Promise<Explanation>
  /** Switches a journey whose plan says `off` on for a reason, or off again with `because` null. */
  switchTo(request: { journey: string; because: string | null }): Promise<SwitchedJourney>
  /** Settles or voids what a run that is over left pending, with a reason. */
  resolvePoints(request: ResolveRequest): Promise<ResolvedPoints>
  balance(customer: string): Promise<BalanceReport>
  ledger(customer: string): Promise<LedgerReport>
  /** Every message of a customer, with each state it came to. */
  messages(customer: string): Promise<MessagesReport>
  /** What each channel lacks, and what became of its messages in the last days. */
  channels(): Promise<ChannelsReport>
  tiers(): Promise<TiersReport>
  tier(customer: string): Promise<TierReport>
  programme(): Promise<ProgrammeVersion>
  /** Reads and sets the programme of tiers. */
  changeProgramme(body: unknown): Promise<ProgrammeVersion & { changed: boolean }>
  /** Where customers stand, by the newest reckoning that is finished. */
  standings(): Promise<Reckoning>
  standing(customer: string): Promise<StandingReport>
  /** Reckons what is left of today, or all of it once more. */
  reckon(request?: { anew?: boolean }): Promise<{ customers: number; reckoning: Reckoning | undefined }>
  check(): Promise<CheckAnswer>
  /** The newest `limit` events that were refused in a batch, newest first. */
  rejected(limit: number): Promise<RejectedEvent[]>
  offers(): Promise<OfferLine[]>
  /** Changes quota, limits and buckets of an offer. */
  steerOffer(steering: Steering): Promise<Steered>
  coupon(code: string): Promise<CouponLife>
  /** Takes an unredeemed coupon back. */
  voidCoupon(code: string, reason: string): Promise<CouponVoided>
  /** The newest referrals, of one customer or of all. */
  referrals(customer?: string): Promise<ReferralLine[]>
  referral(customer: string): Promise<CustomerReferral>
  /** What waits for somebody to decide, the most urgent first. */
  reviews(): Promise<ReviewLine[]>
  review(decision: Omit<DecideReview, 'now'>): Promise<ReviewAnswer>
  /** What somebody is to do for a customer, the most urgent first; and that it was done, or cannot be. */
  tasks(): Promise<TaskLine[]>
  task(done: TaskDone): Promise<TaskAnswer>
  /** Makes a batch of codes for whoever brings one, or what of it is missing. */
  makeCodes(request: Omit<BatchRequest, 'now' | 'drawCode'>): Promise<Batch>
  /** The codes of a batch in the order in which they were made, some thousands at a time. */
  codesOf(batch: Pick<Batch, 'batch' | 'made'>): AsyncIterable<string[]>
  steering: SteeringDesk
  words: WordsDesk
  wording: WordingDesk
  holidays: HolidayDesk
  audiences: AudienceDesk
  schedules: ScheduleDesk
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
    ...budgetOperator(parts),
    list: () => known(listJourneys(parts)),
    showJourney: (name) => known(showJourney(parts, name)),
    showRun: (run) => known(showRun(parts, run)),
    start: (request) => known(startRun(parts, request)),
    stop: (run, how) => known(stopRun(parts, run, how)),
    stopJourney: (name, how) => known(stopJourney(parts, name, how)),
    reach: (asked) => known(reachOf(parts, asked)),
    startCampaign: (asked) => known(startCampaign(parts, asked)),
    stopCampaign: (name) => known(stopCampaign(parts, name)),
    campaignRuns: (name) => known(campaignReports(parts, name)),
    pause: (name, by) => known(pause(parts, name, by)),
    resume: (name, how) => known(resume(parts, name, how)),
    why: (customer) => known(explain(parts, customer)),
    switchTo: (request) => known(switchTo(parts, request)),
    resolvePoints: (request) => known(resolvePoints(parts, request)),
    balance: (customer) => known(balanceReport(parts, customer)),
    ledger: (customer) => known(ledgerReport(parts, customer)),
    messages: (customer) => known(messagesReport(db, customer)),
    channels: () => known(channelsReport(db, parts.clock.now())),
    tiers: () => known(tiersReport(parts)),
    tier: (customer) => known(tierReport(parts, customer)),
    programme: () => known(programmeNow(parts)),
    changeProgramme: async (body) => known(changeProgramme(parts, body)),
    standings: () => known(standingsReport(parts)),
    standing: (customer) => known(standingReport(parts, customer)),
    reckon: (request) => known(reckonStandings(parts, request)),
    async check() {
      const invariants = await known(checkInvariants(db))
      return { holds: invariants.every(({ broken }) => broken === 0), invariants }
    },
    rejected: (limit) => known(rejectedEvents(db, limit)),
    referrals: (customer) => listReferrals(parts, customer),
    referral: (customer) => referralReport(parts, customer),
    reviews: () => listReviews(parts),
    review: (decision) => answerReview(parts, decision),
    tasks: () => known(listTasks(parts)),
    task: (done) => known(answerTask(parts, done)),
    offers: () => known(offerLines(db, parts.clock.now())),
    steerOffer: (steering) => known(steer(parts, steering)),
    coupon: (code) => known(couponLife(parts, code)),
    voidCoupon: (code, reason) => known(voidByOperator(parts, { code, reason })),
    makeCodes: (request) => known(makeCodes(db, { ...request, now: parts.clock.now(), drawCode })),
    codesOf: (batch) => codesOf(db, batch),
    steering: knowing(steeringDesk(parts)),
    words: knowing(wordsDesk(parts)),
    wording: knowing(wordingDesk(parts)),
    holidays: knowing(holidayDesk(parts)),
    audiences: knowing(audienceDesk({ ...parts, plans: [...plansOf(parts.catalogue).values()] })),
    schedules: scheduleDesk(parts),
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
  const line = temporalOnDemand(config, { timeoutMs: 3_000 })
  const tempo = { scale: config.SCALE, origin: config.ORIGIN }
  const operator = operatorOf({
    db,
    catalogue: catalogue ?? (await readCatalogue()),
    clock: clockOf(tempo, Date.now),
    tempo,
    shopZone: config.SHOP_ZONE,
    taskQueue: config.TASK_QUEUE,
    shopLocale: config.SHOP_LOCALE,
    temporal: line.temporal,
  })
  return {
    ...operator,
    async close() {
      await Promise.all([db.destroy(), line.close()])
    },
  }
}
