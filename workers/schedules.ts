/** Temporal Schedules made equal to the plans: one a swept journey, one a campaign and zone, and the upkeep of the store. */
import { createHash } from 'node:crypto'
import {
  type Client,
  MONTHS,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
  type ScheduleSummary,
} from '@temporalio/client'
import {
  CAMPAIGN_WORKFLOW,
  type CampaignInput,
  SWEEP_WORKFLOW,
  type SweepInput,
  UPKEEP_WORKFLOW,
} from '../client/catalogue.ts'
import { milliseconds } from '../domain/duration.ts'
import { isOurSchedule } from '../domain/ids.ts'
import { canonical } from '../domain/journey.ts'
import { type Overlap, type Schedule, type ScheduledPlan, type Times, schedulesOf } from '../domain/schedule.ts'
import type { Tempo } from '../domain/tempo.ts'

/** What the schedules are made from. */
export interface ScheduledBy {
  plans: Iterable<ScheduledPlan>
  /** The zones customers live in, the shop's among them. */
  zones: readonly string[]
  taskQueue: string
  tempo: Tempo
  /** Machine time. */
  now: number
}

/** What was done, by id; what is in none of the lists was right already and was not touched. */
export interface Synced {
  made: string[]
  changed: string[]
  removed: string[]
}

/**
 * Idempotent, and safe when several workers start at once. A schedule that is paused stays so, and one of a campaign that comes for a
 * new zone is paused like the others. Schedules that are not ours, or are another task queue's, are left alone.
 */
export async function syncSchedules(client: Client, by: ScheduledBy): Promise<Synced> {
  const wanted = schedulesOf(by.plans, by)
  const there = new Map<string, ScheduleSummary>()
  for await (const one of client.schedule.list()) if (isOurSchedule(one.scheduleId)) there.set(one.scheduleId, one)
  const synced: Synced = { made: [], changed: [], removed: [] }
  for (const schedule of wanted) {
    const done = await putSchedule(client, schedule, { ...by, pause: pauseOf(schedule, wanted, there) })
    if (done !== 'kept') synced[done].push(schedule.id)
  }
  const ids = new Set(wanted.map(({ id }) => id))
  for (const id of there.keys()) {
    if (!ids.has(id) && (await removeSchedule(client, id, by.taskQueue))) synced.removed.push(id)
  }
  return synced
}

/** How often a worker looks whether the schedules still are what plans, customers and calendar ask for. */
const LOOK_AGAIN = milliseconds('1 hour')

/**
 * Syncs at once and every hour from then on, as customers come to live in new zones and a new year has dates of its own. Answers how to
 * end it. Throws where the first sync fails; a later one is told of and tried again.
 */
export async function keepSchedules(
  client: Client,
  by: Omit<ScheduledBy, 'zones' | 'now'> & { plans: readonly ScheduledPlan[]; zones: () => Promise<string[]> },
  log: { info: (line: object, text: string) => void; warn: (line: object, text: string) => void },
): Promise<() => Promise<void>> {
  const sync = async (): Promise<void> => {
    const synced = await syncSchedules(client, { ...by, zones: await by.zones(), now: Date.now() })
    if (Object.values(synced).some((ids) => ids.length > 0)) log.info(synced, 'the schedules are as the plans say')
  }
  await sync()
  let last = Promise.resolve()
  const timer = setInterval(() => {
    last = sync().catch((err: unknown) => log.warn({ err }, 'the schedules could not be looked at'))
  }, LOOK_AGAIN)
  timer.unref()
  return () => {
    clearInterval(timer)
    return last
  }
}

type Pause = { paused: true; note: string }

/** How the schedules of the same plan are paused; undefined where one of them is not. */
function pauseOf(
  { journey }: Schedule,
  wanted: readonly Schedule[],
  there: ReadonlyMap<string, ScheduleSummary>,
): Pause | undefined {
  const others = wanted.flatMap((one) => (one.journey === journey ? (there.get(one.id) ?? []) : []))
  if (others.length === 0 || others.some(({ state }) => !state.paused)) return undefined
  return { paused: true, note: others[0]?.state.note ?? '' }
}

interface Place {
  taskQueue: string
  tempo: Tempo
}

async function putSchedule(
  client: Client,
  schedule: Schedule,
  { pause, ...place }: Place & { pause: Pause | undefined },
): Promise<'made' | 'changed' | 'kept'> {
  const { id } = schedule
  const options = optionsOf(schedule, place)
  let found = await describe(client, id)
  if (!found) {
    try {
      await client.schedule.create({ ...options, scheduleId: id, ...(pause && { state: pause }) })
      return 'made'
    } catch (error) {
      // Another worker was quicker.
      if (!(error instanceof ScheduleAlreadyRunning)) throw error
      found = await describe(client, id)
    }
  }
  if (found?.action.memo?.[MADE_AS] === options.action.memo[MADE_AS]) return 'kept'
  // The server lets go of what it was late with when a schedule is updated, so only one that differs is.
  await client.schedule.getHandle(id).update((previous) => ({ ...previous, ...options }))
  return 'changed'
}

async function removeSchedule(client: Client, id: string, taskQueue: string): Promise<boolean> {
  if ((await describe(client, id))?.action.taskQueue !== taskQueue) return false
  return (
    (await unlessGone(
      client.schedule
        .getHandle(id)
        .delete()
        .then(() => true),
    )) ?? false
  )
}

const describe = (client: Client, id: string): Promise<ScheduleDescription | undefined> =>
  unlessGone(client.schedule.getHandle(id).describe())

async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined
    throw error
  }
}

/** The key in the memo of the action, which its runs get too, under which stands how the schedule was made. */
const MADE_AS = 'madeAs'

const OVERLAP: Record<Overlap, ScheduleOverlapPolicy> = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
}

function optionsOf(schedule: Schedule, { taskQueue, tempo }: Place) {
  const { times, jitter, overlap, catchUp } = schedule
  const { workflowType, input } = workOf(schedule, tempo)
  const wanted = canonical({ ...schedule, taskQueue, workflowType, input })
  return {
    spec: { ...specOf(times), jitter },
    policies: { overlap: OVERLAP[overlap], catchupWindow: catchUp },
    action: {
      type: 'startWorkflow' as const,
      workflowType,
      taskQueue,
      args: [input],
      workflowId: schedule.id,
      memo: { [MADE_AS]: createHash('sha256').update(wanted).digest('hex').slice(0, 16) },
    },
  } satisfies Omit<ScheduleOptions, 'scheduleId'>
}

function workOf({ journey, zone }: Schedule, tempo: Tempo): { workflowType: string; input: object } {
  if (journey === null) return { workflowType: UPKEEP_WORKFLOW, input: { tempo } }
  if (zone === null) return { workflowType: SWEEP_WORKFLOW, input: { journey, tempo } satisfies SweepInput }
  return { workflowType: CAMPAIGN_WORKFLOW, input: { campaign: journey, zone, tempo } satisfies CampaignInput }
}

/** In UTC always: in a zone the server leaves out a time that the clock jumps over, and takes one twice that comes twice. */
function specOf(times: Times): ScheduleSpec {
  if ('every' in times) return { intervals: [{ every: times.every }] }
  return {
    calendars: times.at.map((instant) => {
      const at = new Date(instant)
      return {
        year: at.getUTCFullYear(),
        month: MONTHS[at.getUTCMonth()] ?? 'JANUARY',
        dayOfMonth: at.getUTCDate(),
        hour: at.getUTCHours(),
        minute: at.getUTCMinutes(),
        second: at.getUTCSeconds(),
      }
    }),
  }
}
