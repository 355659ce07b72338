/** Temporal Schedules made equal to the plans: one a swept journey, created, updated and removed when a worker starts. */
import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client'
import { SWEEP_WORKFLOW, type SweepInput } from '../client/catalogue.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { sweepId } from '../domain/ids.ts'
import type { Tempo } from '../domain/tempo.ts'

/** After an outage the sweeps of the days that were missed run one after the other, as far back as this. */
const CATCH_UP = '2 days'

/** Idempotent, and safe when several workers start at once. */
export async function syncSchedules(
  client: Client,
  { plans, taskQueue, tempo }: { plans: Iterable<CheckedPlan>; taskQueue: string; tempo: Tempo },
): Promise<string[]> {
  const swept = [...plans].filter((plan) => plan.sweep !== undefined)
  for (const plan of swept) await putSchedule(client, plan.name, { taskQueue, tempo })
  const wanted = new Set(swept.map((plan) => sweepId(plan.name)))
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.startsWith(sweepId('')) && !wanted.has(scheduleId)) await removeSchedule(client, scheduleId)
  }
  return [...wanted]
}

async function putSchedule(client: Client, journey: string, to: { taskQueue: string; tempo: Tempo }): Promise<void> {
  const scheduleId = sweepId(journey)
  const args: [SweepInput] = [{ journey, tempo: to.tempo }]
  const schedule = {
    // Once a day, for the day that follows, in every zone: each customer's own hour lies within it.
    spec: { calendars: [{ hour: 0, minute: 0, second: 0 }], timezone: 'UTC' },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ALL, catchupWindow: CATCH_UP } as const,
    action: {
      type: 'startWorkflow' as const,
      workflowType: SWEEP_WORKFLOW,
      taskQueue: to.taskQueue,
      args,
      workflowId: scheduleId,
    },
  }
  try {
    await client.schedule.create({ scheduleId, ...schedule })
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
    await client.schedule.getHandle(scheduleId).update((previous) => ({ ...previous, ...schedule }))
  }
}

async function removeSchedule(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete()
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error
  }
}
