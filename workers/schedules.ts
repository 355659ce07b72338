/** Temporal Schedules made equal to the plans, when a worker starts: one a swept journey, and the upkeep of the store. */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client'
import { SWEEP_WORKFLOW, type SweepInput, UPKEEP_WORKFLOW } from '../client/catalogue.ts'
import type { CheckedPlan } from '../domain/contracts/plan.ts'
import { UPKEEP_ID, sweepId } from '../domain/ids.ts'
import type { Tempo } from '../domain/tempo.ts'

/** After an outage the sweeps of the days that were missed run one after the other, as far back as this. */
const CATCH_UP = '2 days'

/** Idempotent, and safe when several workers start at once. */
export async function syncSchedules(
  client: Client,
  { plans, taskQueue, tempo }: { plans: Iterable<CheckedPlan>; taskQueue: string; tempo: Tempo },
): Promise<string[]> {
  const swept = [...plans].filter((plan) => plan.sweep !== undefined)
  for (const plan of swept) await putSchedule(client, sweepId(plan.name), sweepOf(plan.name, { taskQueue, tempo }))
  await putSchedule(client, UPKEEP_ID, upkeepOf({ taskQueue, tempo }))
  const wanted = new Set(swept.map((plan) => sweepId(plan.name)))
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.startsWith(sweepId('')) && !wanted.has(scheduleId)) await removeSchedule(client, scheduleId)
  }
  return [...wanted, UPKEEP_ID]
}

type Timetable = Omit<ScheduleOptions, 'scheduleId'>

interface Place {
  taskQueue: string
  tempo: Tempo
}

function sweepOf(journey: string, { taskQueue, tempo }: Place): Timetable {
  const args: [SweepInput] = [{ journey, tempo }]
  return {
    // Once a day, for the day that follows, in every zone: each customer's own hour lies within it.
    spec: { calendars: [{ hour: 0, minute: 0, second: 0 }], timezone: 'UTC' },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ALL, catchupWindow: CATCH_UP },
    action: { type: 'startWorkflow', workflowType: SWEEP_WORKFLOW, taskQueue, args, workflowId: sweepId(journey) },
  }
}

/** A run that was missed needs no catching up: the next does what is due. */
function upkeepOf({ taskQueue, tempo }: Place): Timetable {
  return {
    spec: { intervals: [{ every: '1 hour' }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: UPKEEP_WORKFLOW,
      taskQueue,
      args: [{ tempo }],
      workflowId: UPKEEP_ID,
    },
  }
}

async function putSchedule(client: Client, scheduleId: string, timetable: Timetable): Promise<void> {
  try {
    await client.schedule.create({ scheduleId, ...timetable })
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
    await client.schedule.getHandle(scheduleId).update((previous) => ({ ...previous, ...timetable }))
  }
}

async function removeSchedule(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete()
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error
  }
}
