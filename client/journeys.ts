/** The operator's hand on journeys: list, start, stop, pause, resume. */
import { ONCE_A, isDated, isSilence, isYearly } from '../domain/audience.ts'
import { isDate, localDate } from '../domain/calendar.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { PerennialError, REFUSALS, type Refusal } from '../domain/errors.ts'
import { type Arm, armOf } from '../domain/experiment.ts'
import { isKeyPart, partsOfRun, runId } from '../domain/ids.ts'
import { type RunStatus, decideEntry } from '../domain/journey.ts'
import type { ResumeRule } from '../domain/pause.ts'
import { type Customer, lockCustomer } from '../store/customers.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { endAndWake, enrol, lockRun, lockRunning, pastEntries } from '../store/enrolments.ts'
import { newestSeq } from '../store/events.ts'
import {
  isSwitchedOff,
  journeyCounts,
  pauseJourney,
  pausedJourneys,
  resumeJourney,
  switchJourney,
  switchedOnJourneys,
} from '../store/journeys.ts'
import { type HandedOver, NOTHING, askForCleanUp, handedOver } from '../store/steering.ts'
import { logSteering } from '../store/steering-log.ts'
import { type Catalogue, entryOf } from './catalogue.ts'
import type { OperatorParts } from './operator.ts'
import { type PlanInWords, planInWords } from './plan-in-words.ts'

/** A journey in one line. Runs are counted by what they are now; `converted` counts goals reached, during a run or after. */
export interface JourneyLine extends PlanInWords {
  pausedSince: Date | null
  entered: number
  converted: number
  runs: Record<RunStatus, number>
}

const NO_RUNS: Record<RunStatus, number> = { running: 0, completed: 0, goal: 0, exited: 0, stopped: 0, failed: 0 }

export async function listJourneys({ db, catalogue }: OperatorParts): Promise<JourneyLine[]> {
  const [counts, paused, on] = await Promise.all([journeyCounts(db), pausedJourneys(db), switchedOnJourneys(db)])
  return [...catalogue.values()].map(({ plan }) => {
    const runs = { ...NO_RUNS }
    let [entered, converted] = [0, 0]
    for (const one of counts.filter(({ journey }) => journey === plan.name)) {
      runs[one.status] += one.runs
      entered += one.runs
      converted += one.converted
    }
    const words = planInWords(plan)
    const off = words.off && !on.has(plan.name)
    return { ...words, off, pausedSince: paused.get(plan.name) ?? null, entered, converted, runs }
  })
}

export interface StartRequest {
  journey: string
  customer: string
  /** What tells this run from others of the customer; a birthday's is its year, this year unless said. */
  occasion?: string | undefined
}

export interface StartedRun {
  run: string
  journey: string
  customer: string
  occasion: string | null
  /** Chosen as for everybody: by the hash of the customer. */
  arm: Arm
  /** Set where the journey is paused: the run begins and holds before its first effect. */
  pausedSince: Date | null
}

/**
 * Enters a customer by hand, under the same re-entry rule as an event would. The dispatcher of the server tells Temporal.
 * Throws JOURNEY_UNKNOWN, CUSTOMER_UNKNOWN, ENTRY_REFUSED, STORE_UNAVAILABLE.
 */
export async function startRun(
  parts: OperatorParts,
  { journey, customer: id, occasion }: StartRequest,
): Promise<StartedRun> {
  const { plan } = entryOf(parts.catalogue, journey)
  if (plan.campaign) {
    throw new PerennialError('ENTRY_REFUSED', `${journey} is a campaign: it begins for its audience`, {
      field: 'customer',
      expected: `perennial start ${journey} --occasion 2026-11-15`,
    })
  }
  const unknown = new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
  if (!isKeyPart(id)) throw unknown
  const started = await inTransaction(parts.db, async (tx) => {
    const customer = await lockCustomer(tx, id)
    if (!customer) throw unknown
    const now = parts.clock.now()
    if (await isSwitchedOff(tx, plan)) throw refusal(plan, id, 'SWITCHED_OFF')
    const asked = occasionFor(plan, { occasion, customer, now, shopZone: parts.shopZone })
    const entry = decideEntry(plan, { occasion: asked, now, past: await pastEntries(tx, plan.name, id) })
    if (!entry.enter) throw refusal(plan, id, entry.code)
    const arm = armOf(plan.name, id, plan.holdout)
    const one = { journey: plan.name, customer: id, occasion: entry.occasion, arm }
    const goalUntil = plan.goal?.within ? now + plan.goal.within : null
    const begunSeq = await newestSeq(tx, id)
    if (!(await enrol(tx, { ...one, begunBy: 'operator', begunSeq, startsAt: now, goalUntil, now }))) {
      throw refusal(plan, id, 'ALREADY_ENTERED')
    }
    return { run: runId(one), ...one }
  })
  return { ...started, pausedSince: (await pausedJourneys(parts.db)).get(plan.name) ?? null }
}

const refusal = (plan: CheckedPlan, customer: string, code: Refusal): PerennialError =>
  new PerennialError('ENTRY_REFUSED', `${customer} may not enter ${plan.name} now. ${code}: ${REFUSALS[code]}`, {
    field: 'customer',
  })

/** The occasion of a run begun by hand; null for a plan that knows none. */
function occasionFor(
  plan: CheckedPlan,
  {
    occasion,
    customer,
    now,
    shopZone,
  }: { occasion: string | undefined; customer: Customer; now: number; shopZone: string },
): string | null {
  const refuse = (message: string, expected: string): PerennialError =>
    new PerennialError('ENTRY_REFUSED', message, { field: 'occasion', expected })
  if (plan.sweep && (isDated(plan.sweep.audience) || isSilence(plan.sweep.audience))) {
    if (occasion !== undefined && isDate(occasion)) return occasion
    const which = isDated(plan.sweep.audience)
      ? 'the first day on which something expires'
      : 'the last day on which the customer did something'
    throw refuse(`${plan.name} needs a date`, `${which}: '2027-01-05'`)
  }
  if (plan.sweep && isYearly(plan.sweep.audience)) {
    const year = occasion ?? localDate(now, customer.zone ?? shopZone).slice(0, 4)
    if (!/^\d{4}$/.test(year)) throw refuse(`'${year}' is not an occasion of ${plan.name}`, "a year: '2027'")
    return year
  }
  if (plan.occasion === undefined && !plan.sweep) {
    if (occasion !== undefined) throw refuse(`${plan.name} knows no occasions`, 'no occasion')
    return null
  }
  if (occasion === undefined) {
    throw refuse(
      `${plan.name} needs an occasion. OCCASION_MISSING: ${REFUSALS.OCCASION_MISSING}`,
      `which ${plan.occasion ?? (plan.sweep ? ONCE_A[plan.sweep.audience] : 'occasion')}`,
    )
  }
  if (!isKeyPart(occasion)) {
    throw refuse(`'${occasion}' cannot be an occasion`, '1 to 128 characters without blanks or slashes')
  }
  return occasion
}

export interface StopRequest {
  /** Runs the clean-up of the plan, as after an exit; without it all is left as it is. */
  cleanUp?: boolean | undefined
  by?: string | undefined
}

export interface StoppedRun {
  run: string
  /** False where the run was over before; nothing was changed then. */
  stopped: boolean
  /** What the run is now. */
  status: RunStatus
  reason: string | null
  /** What its customer was given before: it stays theirs but for what the clean-up takes back. */
  handed: HandedOver
  cleanUp: boolean
}

const STOP = { status: 'stopped', reason: 'operator' } as const

/** Ends a run: nothing is sent in it from here on. Throws RUN_UNKNOWN, STORE_UNAVAILABLE. */
export function stopRun(
  { db, clock, catalogue }: OperatorParts,
  run: string,
  how: StopRequest = {},
): Promise<StoppedRun> {
  return inTransaction(db, async (tx) => {
    const state = await lockRun(tx, run)
    if (!state) throw new PerennialError('RUN_UNKNOWN', `no run '${run}'`, { field: 'run' })
    const handed = await handedOver(tx, [run])
    if (state.status !== 'running') {
      return { run, stopped: false, status: state.status, reason: state.reason, handed, cleanUp: false }
    }
    const cleanUp = how.cleanUp === true && hasCleanUp(catalogue, state.journey)
    const now = clock.now()
    await endByHand(tx, state.journey, [run], { now, cleanUp })
    const detail = { cleanUp, ...handed }
    const by = how.by ?? 'operator'
    await logSteering(tx, { word: 'stop', journey: state.journey, enrolment: run, by, now, detail })
    return { run, stopped: true, ...STOP, handed, cleanUp }
  })
}

const hasCleanUp = (catalogue: Catalogue, journey: string): boolean =>
  catalogue.get(journey)?.journey.cleanUp !== undefined

const PAGE = 200

export interface StoppedJourney {
  journey: string
  stopped: number
  /** What the customers of these runs were given before. */
  handed: HandedOver
  cleanUp: boolean
}

/** Ends every run of a journey that is on, page by page; answers how many. Throws JOURNEY_UNKNOWN, STORE_UNAVAILABLE. */
export async function stopJourney(
  parts: OperatorParts,
  journey: string,
  how: StopRequest = {},
): Promise<StoppedJourney> {
  const { name } = entryOf(parts.catalogue, journey).plan
  const cleanUp = how.cleanUp === true && hasCleanUp(parts.catalogue, name)
  const total: StoppedJourney = { journey: name, stopped: 0, handed: NOTHING, cleanUp }
  for (;;) {
    const page = await inTransaction(parts.db, async (tx) => {
      const runs = await lockRunning(tx, name, PAGE)
      if (!runs) return undefined
      const stopped = await endByHand(tx, name, runs, { now: parts.clock.now(), cleanUp })
      return { stopped, handed: await handedOver(tx, runs) }
    })
    if (page === undefined) break
    total.stopped += page.stopped
    const { handed } = total
    const both = Object.entries(page.handed).map(([what, more]) => [what, handed[what as keyof HandedOver] + more])
    total.handed = Object.fromEntries(both) as unknown as HandedOver
  }
  if (total.stopped > 0) {
    const detail = { stopped: total.stopped, cleanUp, ...total.handed }
    const by = how.by ?? 'operator'
    await logSteering(parts.db, { word: 'stop', journey: name, by, now: parts.clock.now(), detail })
  }
  return total
}

/** With the customers locked. The decision log keeps that it was a person who ended it. */
async function endByHand(
  tx: Tx,
  journey: string,
  runs: readonly string[],
  { now, cleanUp }: { now: number; cleanUp: boolean },
): Promise<number> {
  if (cleanUp) await askForCleanUp(tx, runs)
  const ended = await endAndWake(tx, runs, { ...STOP, now })
  for (const run of ended) {
    const { customer } = partsOfRun(run)
    await decide(tx, {
      key: `${run}/exit`,
      customer,
      journey,
      enrolment: run,
      about: 'exit',
      verdict: 'stopped',
      detail: cleanUp ? 'operator, with the clean-up' : 'operator',
      now,
    })
  }
  return ended.length
}

export interface PausedJourney {
  journey: string
  /** False where it was paused before; nothing was changed then. */
  changed: boolean
  pausedSince: Date
  /** Runs that are on: each holds before its next message, coupon or points. */
  on: number
}

/** Pauses a journey; nobody is dropped, and people still enter. Throws JOURNEY_UNKNOWN, STORE_UNAVAILABLE. */
export async function pause(
  { db, catalogue, clock }: OperatorParts,
  journey: string,
  by?: string,
): Promise<PausedJourney> {
  const { name } = entryOf(catalogue, journey).plan
  const now = clock.now()
  const changed = await pauseJourney(db, name, now, by)
  const [paused, counts] = await Promise.all([pausedJourneys(db), journeyCounts(db, name)])
  const on = counts.filter(({ status }) => status === 'running').reduce((sum, { runs }) => sum + runs, 0)
  return { journey: name, changed, pausedSince: paused.get(name) ?? new Date(now), on }
}

export interface ResumedJourney {
  journey: string
  /** False where it was not paused; nothing was changed then. */
  changed: boolean
  /** Runs that held and go on now. */
  woken: number
}

export interface ResumeRequest {
  /** What becomes of the waits (domain/pause.ts); fire unless said. */
  waits?: ResumeRule | undefined
  /** Of skip: how late an effect may be, ms. */
  stale?: number | undefined
  by?: string | undefined
}

/** Resumes a journey. Throws JOURNEY_UNKNOWN, STORE_UNAVAILABLE. */
export async function resume(
  { db, catalogue, clock }: OperatorParts,
  journey: string,
  how: ResumeRequest = {},
): Promise<ResumedJourney> {
  const { name } = entryOf(catalogue, journey).plan
  const { waits: rule, stale, by } = how
  const woken = await resumeJourney(db, name, {
    now: clock.now(),
    ...(rule && { rule }),
    stale: stale ?? null,
    ...(by !== undefined && { by }),
  })
  return { journey: name, changed: woken !== undefined, woken: woken ?? 0 }
}

export interface SwitchedJourney {
  journey: string
  on: boolean
  /** False where it was so before; nothing was changed then. */
  changed: boolean
}

/**
 * Switches on a journey that its plan has off, for a reason that is kept, or off again: who is in it goes on. Throws
 * JOURNEY_UNKNOWN, NOT_SWITCHABLE, STORE_UNAVAILABLE.
 */
export async function switchTo(
  { db, catalogue, clock }: OperatorParts,
  { journey, because }: { journey: string; because: string | null },
): Promise<SwitchedJourney> {
  const { plan } = entryOf(catalogue, journey)
  if (!plan.off) {
    const message = `${journey} has no switch: its plan does not say that it is off`
    throw new PerennialError('NOT_SWITCHABLE', message, { field: 'journey', expected: `perennial pause ${journey}` })
  }
  const changed = await switchJourney(db, { name: plan.name, because, now: clock.now() })
  return { journey: plan.name, on: because !== null, changed }
}
