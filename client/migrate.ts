/** Moves runs of a journey to another one: of a changed shape, which is a new file. */
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { PerennialError } from '../domain/errors.ts'
import { decideEntry } from '../domain/journey.ts'
import { inTransaction } from '../store/db.ts'
import { lockRun, pastEntries } from '../store/enrolments.ts'
import { isSwitchedOff } from '../store/journeys.ts'
import { type OpenRun, moveRun, movingRun, openRuns } from '../store/steering.ts'
import { logSteering } from '../store/steering-log.ts'
import { entryOf } from './catalogue.ts'
import type { OperatorParts } from './operator.ts'
import { withSteps } from './temporal.ts'

export interface MigrateRequest {
  from: string
  to: string
  /** Only runs at this step: 'wait 2 days', 'wait for cart.added'. */
  at?: string | undefined
  /** How many are moved at most. */
  limit?: number | undefined
  /** Changes nothing and says what it would. */
  dry?: boolean | undefined
  by?: string | undefined
}

export interface Migrated {
  from: string
  to: string
  dry: boolean
  /** Runs that were on when it began. */
  on: number
  moved: number
  /** Those that stay, by why. */
  stays: { why: string; runs: number }[]
}

const PAGE = 100

/**
 * Ends runs of one journey and enters their customers in another, each in one transaction: nobody is in both or in neither, and
 * what the old run gave is not given again. Carried out anew it moves who is left. Throws JOURNEY_UNKNOWN, MIGRATION_INVALID.
 */
export async function migrate(parts: OperatorParts, request: MigrateRequest): Promise<Migrated> {
  const { db, catalogue, clock, temporal } = parts
  const from = entryOf(catalogue, request.from).plan
  const to = entryOf(catalogue, request.to).plan
  checkPair(from, to)
  const { at, limit = Infinity, dry = false, by = 'operator' } = request
  const answer: Migrated = { from: from.name, to: to.name, dry, on: 0, moved: 0, stays: [] }
  const reasons = new Map<string, number>()
  const stay = (why: string): void => void reasons.set(why, (reasons.get(why) ?? 0) + 1)
  for (let after = ''; ;) {
    const page = await openRuns(db, { journey: from.name, after, limit: PAGE })
    answer.on += page.length
    for (const one of at === undefined ? page : await withSteps(temporal, page)) {
      const elsewhere = at !== undefined && one.step !== at
      if (elsewhere) stay(one.step === null ? 'nobody knows where it is' : `it is at '${one.step}'`)
      else if (answer.moved >= limit) stay('the limit was reached')
      else {
        const why = await move(parts, one, { from, to, dry })
        if (why === undefined) answer.moved += 1
        else stay(why)
      }
    }
    if (page.length < PAGE) break
    after = page.at(-1)?.id ?? after
  }
  answer.stays = [...reasons].map(([why, runs]) => ({ why, runs })).sort((a, b) => b.runs - a.runs)
  if (!dry && answer.moved > 0) {
    const detail = { to: to.name, at: at ?? null, moved: answer.moved, stays: answer.on - answer.moved }
    await logSteering(db, { word: 'migrate', journey: from.name, by, now: clock.now(), detail })
  }
  return answer
}

function checkPair(from: CheckedPlan, to: CheckedPlan): void {
  const refuse = (message: string, expected: string): never => {
    throw new PerennialError('MIGRATION_INVALID', message, { field: 'to', expected })
  }
  if (from.name === to.name) refuse(`${from.name} cannot be moved to itself`, 'another journey')
  if ((from.occasion ?? null) !== (to.occasion ?? null)) {
    const word = from.occasion === undefined ? 'none' : `'${from.occasion}'`
    refuse(`${to.name} tells its runs apart otherwise than ${from.name}`, `occasion: ${word}`)
  }
}

/** Undefined where it was moved, or would be; else why it stays. */
function move(
  { db, clock }: OperatorParts,
  { id, customer }: OpenRun,
  { from, to, dry }: { from: CheckedPlan; to: CheckedPlan; dry: boolean },
): Promise<string | undefined> {
  return inTransaction(db, async (tx) => {
    await lockRun(tx, id)
    const run = await movingRun(tx, id)
    if (run?.status !== 'running') return 'it is over'
    if (run.tied) return 'it has points, rewards or a review that it sees to itself'
    if (await isSwitchedOff(tx, to)) return `${to.name} is off`
    const now = clock.now()
    // An occasion that the plan does not name is the number of a run; the new journey counts its own.
    const named = from.occasion === undefined && from.sweep === undefined ? null : run.occasion
    const entry = decideEntry(to, { occasion: named, now, past: await pastEntries(tx, to.name, customer) })
    if (!entry.enter) return entry.code
    if (dry) return undefined
    const moved = await moveRun(tx, run, { to: to.name, customer, occasion: entry.occasion, now })
    return moved ? undefined : 'ALREADY_ENTERED'
  })
}
