/**
 * Takes up a run that failed: its workflow is reset to the task that ordered what failed, so that what it had done stays done and
 * no wait is waited for again. docs/decisions/0024-steering.md says why it is not started anew.
 */
import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { type Tempo, shopTime } from '../domain/tempo.ts'
import type { Db } from '../store/db.ts'
import type { Dispatch } from '../store/dispatch.ts'
import { finishRun } from '../store/outcomes.ts'
import { WAKE_SIGNAL } from './catalogue.ts'

/** What of an event of a history the point of a reset is found by. */
export interface HistoryEvent {
  eventId: number
  workflowExecutionFailedEventAttributes?: {
    workflowTaskCompletedEventId?: unknown
    failure?: { activityFailureInfo?: { scheduledEventId?: unknown } | null } | null
  } | null
  activityTaskScheduledEventAttributes?: { workflowTaskCompletedEventId?: unknown } | null
  markerRecordedEventAttributes?: { workflowTaskCompletedEventId?: unknown; failure?: unknown } | null
}

/** The completed workflow task that a reset goes back to: the one that ordered what failed. Undefined where nothing failed. */
export function resetPoint(events: readonly HistoryEvent[]): number | undefined {
  const failed = events.findLast(
    (one) => one.workflowExecutionFailedEventAttributes,
  )?.workflowExecutionFailedEventAttributes
  if (!failed) return undefined
  const scheduled = Number(failed.failure?.activityFailureInfo?.scheduledEventId ?? 0)
  const activity = events.find(
    (one) => scheduled > 0 && one.eventId === scheduled,
  )?.activityTaskScheduledEventAttributes
  // A local activity leaves a marker alone.
  const marker = events.findLast((one) => one.markerRecordedEventAttributes?.failure)?.markerRecordedEventAttributes
  const { workflowTaskCompletedEventId } = activity ?? marker ?? failed
  return Number(workflowTaskCompletedEventId)
}

/** Resets a workflow that failed; one that is on is only woken. Asked again, as where the answer was lost, it does no harm. */
export async function takeUpAgain(
  { db, client, tempo }: { db: Db; client: Client; tempo: Tempo },
  { id, workflow: run }: Pick<Dispatch, 'id' | 'workflow'>,
): Promise<void> {
  const handle = client.workflow.getHandle(run)
  const now = (): number => shopTime(tempo, Date.now())
  try {
    const { status, runId } = await handle.describe()
    if (status.name === 'RUNNING') return await handle.signal(WAKE_SIGNAL)
    const events = (await handle.fetchHistory()).events ?? []
    const point = resetPoint(events.map((one) => ({ ...one, eventId: Number(one.eventId) })))
    const task = events.find(({ eventId }) => Number(eventId) === point)?.eventId
    if (!task) return await giveUp(db, run, { why: `its workflow is ${status.name.toLowerCase()}`, now: now() })
    await client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId: run, runId },
      reason: 'taken up again by an operator',
      workflowTaskFinishEventId: task,
      requestId: `retry/${id}`,
    })
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error
    await giveUp(db, run, { why: 'its history is gone', now: now() })
  }
}

/** It stays failed: there is nothing that could be taken up. */
async function giveUp(db: Db, run: string, { why, now }: { why: string; now: number }): Promise<void> {
  const failed = { step: null, code: 'RETRY_IMPOSSIBLE' }
  await finishRun(db, { run, status: 'failed', reason: `cannot be taken up again: ${why}`, failed, now })
}
