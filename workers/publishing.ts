/** Before a release: which of the runs that are on would go on with this code, read off their own histories. */
import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import { Worker } from '@temporalio/worker'
import { type Catalogue, entryOf } from '../client/catalogue.ts'
import type { Db } from '../store/db.ts'
import { openJourneys, openRuns } from '../store/steering.ts'

export interface PublishParts {
  db: Db
  client: Client
  /** The plans and the bundle of the code that is to be released. */
  catalogue: Catalogue
  code: string
}

export interface PublishLine {
  journey: string
  /** Runs that are on, and how many of their histories were replayed. */
  on: number
  checked: number
  /** They replay and go on. */
  stays: number
  /** They do not replay, but another journey takes them: `perennial migrate`. */
  moves: number
  movesTo: string | null
  /** They would stand still. */
  cannot: { run: string; difference: string }[]
}

export interface PublishAnswer {
  /** False where a run cannot go on. */
  ok: boolean
  journeys: PublishLine[]
}

const LIMIT = 200

/**
 * Replays what is on, the first `limit` runs of each journey (200 unless said). Nothing is changed. Throws JOURNEY_UNKNOWN for a
 * name that is neither a file's nor an open run's, and STORE_UNAVAILABLE.
 */
export async function publishCheck(
  parts: PublishParts,
  { journey, limit = LIMIT }: { journey?: string | undefined; limit?: number | undefined } = {},
): Promise<PublishAnswer> {
  const journeys: PublishLine[] = []
  const open = await openJourneys(parts.db)
  // Runs may be on of a journey whose file is gone: that is what the check is for.
  if (journey !== undefined && !open.some(({ name }) => name === journey)) entryOf(parts.catalogue, journey)
  for (const { name, on } of open) {
    if (journey === undefined || journey === name) journeys.push(await check(parts, { name, on, limit }))
  }
  return { ok: journeys.every(({ cannot }) => cannot.length === 0), journeys }
}

async function check(
  { db, client, catalogue, code }: PublishParts,
  { name, on, limit }: { name: string; on: number; limit: number },
): Promise<PublishLine> {
  const takes = [...catalogue.values()].find(({ plan }) => plan.takes === name)?.plan.name ?? null
  const line: PublishLine = { journey: name, on, checked: 0, stays: 0, moves: 0, movesTo: takes, cannot: [] }
  const replayed = Worker.runReplayHistories({ workflowBundle: { code } }, historiesOf({ db, client }, name, limit))
  for await (const { workflowId: run, error } of replayed) {
    line.checked += 1
    if (!error) line.stays += 1
    else if (takes !== null) line.moves += 1
    else line.cannot.push({ run, difference: differenceOf(error) })
  }
  return line
}

/** A run whose start waits in the outbox has no history yet: it begins with the new code. */
async function* historiesOf({ db, client }: Pick<PublishParts, 'db' | 'client'>, journey: string, limit: number) {
  for (const { id: workflowId } of await openRuns(db, { journey, limit })) {
    try {
      yield { workflowId, history: await client.workflow.getHandle(workflowId).fetchHistory() }
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
  }
}

/** The first thing that is not as the history has it. */
function differenceOf(error: Error): string {
  const told = error.message.replace(/^.*?\[TMPRL1100\] Nondeterminism error: /s, '')
  return told.split('\n')[0]?.slice(0, 300) ?? error.name
}
