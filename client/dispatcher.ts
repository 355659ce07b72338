/** Tells Temporal what the store decided, until Temporal has it: starts runs and wakes them. Any number may run side by side. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client'
import type { Tempo } from '../domain/tempo.ts'
import type { Db } from '../store/db.ts'
import { type Dispatch, leaseDispatch, markDelivered, markUndelivered } from '../store/dispatch.ts'
import { CAMPAIGN_WORKFLOW, type CampaignInput, WAKE_SIGNAL, type WorkflowInput } from './catalogue.ts'
import { takeUpAgain } from './take-up.ts'

export interface DispatcherParts {
  db: Db
  client: Client
  taskQueue: string
  tempo: Tempo
  log: { warn(fields: object, message: string): void }
  /** How long a row is leased for, ms; a dispatcher that dies gives it back after that. */
  leaseMs?: number
  /** How long to rest when nothing is due, ms. */
  idleMs?: number
}

export interface Dispatcher {
  /** Looks now instead of after the rest. */
  poke(): void
  /** Ends after the batch in hand. */
  stop(): Promise<void>
}

const BATCH = 40
const RETRY_LEAST = 200
const RETRY_MOST = 30_000

export function startDispatcher(parts: DispatcherParts): Dispatcher {
  const { db, log, leaseMs = 30_000, idleMs = 100 } = parts
  let stopping = false
  let rouse: () => void = () => {}

  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      rouse = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  async function loop(): Promise<void> {
    let failures = 0
    while (!stopping) {
      try {
        const rows = await leaseDispatch(db, { limit: BATCH, leaseMs })
        failures = 0
        if (rows.length === 0) await rest(idleMs)
        else await deliverAll(parts, rows)
      } catch (error) {
        failures += 1
        log.warn({ err: error }, 'the outbox cannot be read; trying again')
        await rest(Math.min(RETRY_MOST, RETRY_LEAST * 2 ** failures))
      }
    }
  }
  const ended = loop()
  return {
    poke: () => rouse(),
    async stop() {
      stopping = true
      rouse()
      await ended
    },
  }
}

async function deliverAll(parts: DispatcherParts, rows: readonly Dispatch[]): Promise<void> {
  const delivered: number[] = []
  await Promise.all(
    [...groupByRun(rows).values()].map(async (group) => {
      for (const row of group) {
        try {
          await deliver(parts, row)
          delivered.push(row.id)
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          const retryMs = Math.min(RETRY_MOST, RETRY_LEAST * 2 ** Math.min(row.attempts, 10))
          parts.log.warn(
            { workflow: row.workflow, kind: row.kind, attempts: row.attempts, reason },
            'Temporal did not take it yet',
          )
          await markUndelivered(parts.db, row.id, { error: reason.slice(0, 500), retryMs })
        }
      }
    }),
  )
  if (delivered.length > 0) await markDelivered(parts.db, delivered)
}

/** Rows of one workflow in their order; several wake-ups at once say no more than one, but are told apart by nobody. */
function groupByRun(rows: readonly Dispatch[]): Map<string, Dispatch[]> {
  const groups = new Map<string, Dispatch[]>()
  for (const row of rows) groups.set(row.workflow, [...(groups.get(row.workflow) ?? []), row])
  return groups
}

/** The type of a run's workflow and what it is told. */
function workflowOf({ workflow, run, campaign }: Dispatch, tempo: Tempo): [string, WorkflowInput | CampaignInput] {
  if (campaign) return [CAMPAIGN_WORKFLOW, { ...campaign, tempo }]
  const { journey = '', customer = '', startsAt = '', from } = run ?? {}
  return [journey, { run: workflow, journey, customer, startsAt: Date.parse(startsAt), ...(from && { from }), tempo }]
}

async function deliver({ db, client, taskQueue, tempo }: DispatcherParts, row: Dispatch): Promise<void> {
  if (row.kind === 'retry') return takeUpAgain({ db, client, tempo }, row)
  if (row.kind === 'wake') {
    try {
      await client.workflow.getHandle(row.workflow).signal(WAKE_SIGNAL)
    } catch (error) {
      // A run that has closed needs no waking.
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
    return
  }
  const [type, input] = workflowOf(row, tempo)
  try {
    await client.workflow.start(type, {
      workflowId: row.workflow,
      taskQueue,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}
