/** Steering runs that are on or failed: what a resume would do, who failed where, taking up again, who is at a step, who is stuck. */
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { PerennialError } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import { concerns, matches } from '../domain/journey.ts'
import { type ResumeRule, previewResume } from '../domain/pause.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { lockRun } from '../store/enrolments.ts'
import { pausedJourneys } from '../store/journeys.ts'
import { holdsOf, waitsDue } from '../store/pauses.ts'
import {
  type FailedQuery,
  type FailedRun,
  type OpenRun,
  failedRuns,
  failureOf,
  openRuns,
  reopenRun,
} from '../store/steering.ts'
import { type SteeringLine, logSteering, steeringOf } from '../store/steering-log.ts'
import { entryOf } from './catalogue.ts'
import { type MigrateRequest, type Migrated, migrate } from './migrate.ts'
import type { OperatorParts } from './operator.ts'
import { withSteps } from './temporal.ts'

export interface Backlog {
  journey: string
  pausedSince: Date | null
  waits: ResumeRule
  /** Runs that hold, by step; `stale` of them would be left out. */
  held: { step: string; runs: number; stale: number }[]
  /** Waits for an event that came due meanwhile and whose runs have yet to notice. */
  due: { type: string; waits: number }[]
}

/** Each throws the errors that it names, and STORE_UNAVAILABLE. */
export type SteeringDesk = {
  /** What a resume would set going; nothing is changed. Throws JOURNEY_UNKNOWN. */
  backlog(journey: string, how?: { waits?: ResumeRule | undefined; stale?: number | undefined }): Promise<Backlog>
  /** Failed runs, the newest first. */
  failed(query: FailedQuery): Promise<FailedRun[]>
  /** Takes up failed runs where they failed. Throws RUN_UNKNOWN, JOURNEY_UNKNOWN. */
  retry(request: RetryRequest): Promise<Retried>
  /** Open runs of a journey with the step they are at. Throws JOURNEY_UNKNOWN. */
  runs(query: RunsQuery): Promise<RunsAnswer>
  /** Runs whose code fails, so that they stand still. Throws TEMPORAL_UNAVAILABLE. */
  stuck(limit: number): Promise<StuckRun[]>
  /** Ends runs and enters their customers in another journey. Throws JOURNEY_UNKNOWN, MIGRATION_INVALID. */
  migrate(request: MigrateRequest): Promise<Migrated>
  /** Who steered a journey or a run, the newest first. */
  log(of: { journey?: string; enrolment?: string; customer?: string }, limit: number): Promise<SteeringLine[]>
}

export function steeringDesk(parts: OperatorParts): SteeringDesk {
  return {
    backlog: (journey, how) => backlog(parts, journey, how),
    failed: (query) => failedRuns(parts.db, query),
    retry: (request) => retry(parts, request),
    runs: (query) => runs(parts, query),
    stuck: (limit) => stuck(parts, limit),
    migrate: (request) => migrate(parts, request),
    log: (of, limit) => steeringOf(parts.db, of, limit),
  }
}

async function backlog(
  { db, catalogue, clock }: OperatorParts,
  journey: string,
  { waits = 'fire', stale }: { waits?: ResumeRule | undefined; stale?: number | undefined } = {},
): Promise<Backlog> {
  const { name } = entryOf(catalogue, journey).plan
  const now = clock.now()
  const [paused, holds, due] = await Promise.all([pausedJourneys(db), holdsOf(db, name), waitsDue(db, name, now)])
  const held = previewResume(holds, { now, rule: waits, stale: stale ?? null })
  return { journey: name, pausedSince: paused.get(name) ?? null, waits, held, due }
}

export interface RetryRequest extends FailedQuery {
  /** Changes nothing and says what it would. */
  dry?: boolean | undefined
  by?: string | undefined
}

export interface Retried {
  dry: boolean
  /** Taken up again. */
  retried: string[]
  /** Left as they are, with the reason. */
  left: { run: string; why: string }[]
}

async function retry({ db, catalogue, clock }: OperatorParts, request: RetryRequest): Promise<Retried> {
  const { dry = false, by = 'operator', run, journey } = request
  if (journey !== undefined) entryOf(catalogue, journey)
  const found = await failedRuns(db, request)
  if (run !== undefined && found.length === 0) {
    throw new PerennialError('RUN_UNKNOWN', `no run '${run}' that failed`, { field: 'run' })
  }
  const answer: Retried = { dry, retried: [], left: [] }
  for (const one of found) {
    const why = await inTransaction(db, async (tx) => {
      await lockRun(tx, one.id)
      const plan = catalogue.get(one.journey)?.plan
      const left = plan ? await whyLeft(tx, one.id, plan) : 'its journey has no file any more'
      if (left !== undefined || dry) return left
      await reopenRun(tx, one.id)
      const detail = { step: one.step, code: one.code }
      const of = { journey: one.journey, enrolment: one.id }
      await logSteering(tx, { word: 'retry', ...of, by, now: clock.now(), detail })
      return undefined
    })
    if (why === undefined) answer.retried.push(one.id)
    else answer.left.push({ run: one.id, why })
  }
  return answer
}

/** Why a failed run is not taken up again; undefined where it may be. */
async function whyLeft(tx: Tx, run: string, plan: CheckedPlan): Promise<string | undefined> {
  const types = plan.exits.map(({ on }) => on)
  const { failed, converted, others, since } = await failureOf(tx, run, types)
  if (!failed) return 'it is not failed any more'
  if (converted) return 'its goal was reached'
  const { occasion } = partsOfRun(run)
  const ends = since.find((event) =>
    plan.exits.some((exit) => matches(exit, event) && concerns(plan, exit, { ...event, occasion })),
  )
  if (ends) return `${ends.type} came, which ends it`
  const alone = plan.reentry.when !== 'any' && plan.occasion === undefined
  return alone && others > 0 ? 'its customer has entered anew' : undefined
}

export interface RunsQuery {
  journey: string
  /** Only runs at this step: 'wait for cart.added', 'wait 2 days'. */
  step?: string | undefined
  /** How many runs are looked at, from which on. */
  limit: number
  after?: string | undefined
}

export interface RunsAnswer {
  runs: (Omit<OpenRun, 'step'> & { step: string | null })[]
  /** How many were looked at, and where the next page begins; null after the last. */
  looked: number
  next: string | null
}

async function runs(parts: OperatorParts, { journey, step, limit, after = '' }: RunsQuery): Promise<RunsAnswer> {
  const { name } = entryOf(parts.catalogue, journey).plan
  const page = await openRuns(parts.db, { journey: name, after, limit })
  const known = await withSteps(parts.temporal, page)
  const next = page.length < limit ? null : (page.at(-1)?.id ?? null)
  return { runs: step === undefined ? known : known.filter((one) => one.step === step), looked: page.length, next }
}

export interface StuckRun {
  run: string
  since: Date
  /** What Temporal says: 'category=WorkflowTaskFailed', 'cause=…'. */
  problems: string[]
}

const STUCK = 'TemporalReportedProblems IN ("category=WorkflowTaskFailed", "category=WorkflowTaskTimedOut")'

async function stuck({ temporal }: OperatorParts, limit: number): Promise<StuckRun[]> {
  if (!temporal) throw new PerennialError('TEMPORAL_UNAVAILABLE', 'no Temporal server was named')
  const { client } = await temporal()
  const found: StuckRun[] = []
  for await (const { workflowId: run, startTime: since, searchAttributes } of client.workflow.list({ query: STUCK })) {
    const told = searchAttributes['TemporalReportedProblems'] ?? []
    found.push({ run, since, problems: told.map(String) })
    if (found.length >= limit) break
  }
  return found
}
