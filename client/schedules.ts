/** What an operator asks of schedules and does with them. Times are shop time; days are those on which runs are due. */
import type { Client, ScheduleDescription, ScheduleHandle, ScheduleSummary } from '@temporalio/client'
import { instantOn, isDate } from '../domain/calendar.ts'
import { PerennialError } from '../domain/errors.ts'
import { UPKEEP_ID, isOurSchedule, scheduledBy } from '../domain/ids.ts'
import { type Schedule, firings, schedulesOf } from '../domain/schedule.ts'
import { type Clock, REAL_TEMPO, type Tempo, machineTime, shopTime } from '../domain/tempo.ts'
import { type Catalogue, entryOf, plansOf } from './catalogue.ts'
import { type Temporal, isTemporalDown } from './temporal.ts'

/** As OperatorParts has them. */
export interface ListingParts {
  temporal?: () => Promise<Temporal>
  tempo?: Tempo
}

export interface ScheduleParts extends ListingParts {
  catalogue: Catalogue
  clock: Clock
  shopZone: string
}

export interface ScheduledRun {
  /** The workflow's id. */
  run: string
  due: Date
  begun: Date
}

export interface ScheduleLine {
  id: string
  /** The journey or campaign that it begins; null for the upkeep. */
  journey: string | null
  /** The zone of the customers it is for; null where it is for all of them. */
  zone: string | null
  /** The next times, soonest first. */
  next: Date[]
  /** The last runs, newest first. */
  last: ScheduledRun[]
  /** Why it is paused, in the words of who paused it; null where it is not. */
  pausedBecause: string | null
}

export interface ScheduleReport extends ScheduleLine {
  /** Runs of it that are on. */
  on: string[]
  overlap: string
  /** ms. */
  catchUp: number
  jitter: number
  taken: number
  /** Times that an outage longer than the catch-up left out. */
  missed: number
  /** Times left out because the last run was still on. */
  skipped: number
}

/** The schedules of a journey, or the one of it that is for a zone. */
export interface ScheduleChoice {
  journey: string
  zone?: string | undefined
}

export interface Steered {
  journey: string
  /** The ids of those it was done to. */
  schedules: string[]
  /** Of those the ones that were not so already. */
  changed: string[]
}

export interface MadeUp {
  journey: string
  runs: { schedule: string; due: Date }[]
}

/**
 * Each throws JOURNEY_UNKNOWN or SCHEDULE_UNKNOWN where there is none to do it to, and TEMPORAL_UNAVAILABLE. A journey is named as
 * elsewhere, and 'upkeep' is the store's.
 */
export interface ScheduleDesk {
  list(): Promise<ScheduleLine[]>
  /** By the id of a schedule, or all of a journey. */
  show(name: string): Promise<ScheduleReport[]>
  /** Begins a run at once, paused or not. */
  run(choice: ScheduleChoice): Promise<Steered>
  /** Nothing begins until it is resumed; what was due meanwhile is left out. */
  pause(choice: ScheduleChoice & { because: string }): Promise<Steered>
  resume(choice: ScheduleChoice & { because: string }): Promise<Steered>
  /**
   * Begins the runs that were due from the first day to the day before the second, as if it were then. Throws BACKFILL_INVALID where none
   * was, or too many.
   */
  backfill(choice: ScheduleChoice & { from: string; to: string }): Promise<MadeUp>
}

export function scheduleDesk(parts: ScheduleParts): ScheduleDesk {
  const { tempo = REAL_TEMPO } = parts
  const steer = (choice: ScheduleChoice, act: (handle: ScheduleHandle) => Promise<boolean>): Promise<Steered> =>
    asked(parts, async (client) => {
      const schedules = chosen(parts, choice, await ours(client))
      const changed: string[] = []
      for (const id of schedules) if (await act(client.schedule.getHandle(id))) changed.push(id)
      return { journey: choice.journey, schedules, changed }
    })
  return {
    list: () => listSchedules(parts),
    show: (name) =>
      asked(parts, async (client) => {
        const ids = isOurSchedule(name) ? [name] : chosen(parts, { journey: name }, await ours(client))
        return Promise.all(ids.map(async (id) => reportOf(await client.schedule.getHandle(id).describe(), tempo)))
      }),
    run: (choice) => steer(choice, (handle) => handle.trigger().then(() => true)),
    pause: ({ because, ...choice }) => steer(choice, (handle) => setPaused(handle, because, true)),
    resume: ({ because, ...choice }) => steer(choice, (handle) => setPaused(handle, because, false)),
    backfill: ({ from, to, ...choice }) =>
      asked(parts, async (client) => {
        const ids = new Set(chosen(parts, choice, await ours(client)))
        const due = schedulesFor(parts, [...ids]).map((one) => ({ ...one, due: dueOn(parts, one, { from, to }) }))
        checkCount(
          due.reduce((sum, one) => sum + one.due.length, 0),
          { from, to },
        )
        for (const one of due) await makeUp(client, one)
        const runs = due.flatMap(({ id, due: times }) => times.map((at) => ({ schedule: id, due: inShop(tempo, at) })))
        return { journey: choice.journey, runs }
      }),
  }
}

/** Throws TEMPORAL_UNAVAILABLE. */
export function listSchedules(parts: ListingParts): Promise<ScheduleLine[]> {
  return asked(parts, async (client) => (await ours(client)).map((one) => lineOf(one, parts.tempo ?? REAL_TEMPO)))
}

const inShop = (tempo: Tempo, machine: number): Date => new Date(shopTime(tempo, machine))

/** How long the server may take to answer, ms of the machine. */
const PATIENCE = 20_000

async function asked<T>({ temporal }: ListingParts, ask: (client: Client) => Promise<T>): Promise<T> {
  try {
    if (!temporal) throw new PerennialError('TEMPORAL_UNAVAILABLE', 'there is no line to Temporal here')
    const { client } = await temporal()
    return await client.withDeadline(Date.now() + PATIENCE, () => ask(client))
  } catch (error) {
    if (error instanceof PerennialError) throw error
    if (error instanceof Error && error.name === 'ScheduleNotFoundError')
      throw unknownSchedule(`no such schedule: ${error.message}`)
    if (isTemporalDown(error))
      throw new PerennialError('TEMPORAL_UNAVAILABLE', 'Temporal does not answer', { cause: error })
    throw error
  }
}

const unknownSchedule = (message: string): PerennialError =>
  new PerennialError('SCHEDULE_UNKNOWN', message, {
    field: 'journey',
    expected: '`perennial schedules` has those there are',
  })

async function ours(client: Client): Promise<ScheduleSummary[]> {
  const found: ScheduleSummary[] = []
  for await (const one of client.schedule.list()) if (isOurSchedule(one.scheduleId)) found.push(one)
  return found.sort((one, other) => (one.scheduleId < other.scheduleId ? -1 : 1))
}

/** The ids of the schedules that are meant. */
function chosen(
  { catalogue }: ScheduleParts,
  { journey, zone }: ScheduleChoice,
  all: readonly ScheduleSummary[],
): string[] {
  const of = all
    .map(({ scheduleId: id }) => ({ id, ...scheduledBy(id) }))
    .filter((one) => (one.journey ?? UPKEEP_ID) === journey)
  const meant = of.filter((one) => zone === undefined || one.zone === zone)
  if (meant.length > 0) return meant.map(({ id }) => id)
  if (of.length > 0) throw unknownSchedule(`${journey} has no schedule in the zone ${zone}`)
  entryOf(catalogue, journey)
  throw unknownSchedule(`no schedule begins ${journey}`)
}

function lineOf(
  { scheduleId: id, info, state }: Pick<ScheduleSummary, 'scheduleId' | 'info' | 'state'>,
  tempo: Tempo,
): ScheduleLine {
  return {
    id,
    ...scheduledBy(id),
    next: info.nextActionTimes.map((at) => inShop(tempo, at.getTime())),
    last: info.recentActions
      .map(({ scheduledAt, takenAt, action }) => ({
        run: action.workflow.workflowId,
        due: inShop(tempo, scheduledAt.getTime()),
        begun: inShop(tempo, takenAt.getTime()),
      }))
      .reverse(),
    pausedBecause: state.paused ? (state.note ?? '') : null,
  }
}

function reportOf(one: ScheduleDescription, tempo: Tempo): ScheduleReport {
  const { policies, spec, info } = one
  return {
    ...lineOf(one, tempo),
    on: info.runningActions.map(({ workflow }) => workflow.workflowId),
    overlap: (policies.overlap ?? 'SKIP').toLowerCase().replace('_', '-'),
    catchUp: policies.catchupWindow,
    jitter: spec.jitter ?? 0,
    taken: info.numActionsTaken,
    missed: info.numActionsMissedCatchupWindow,
    skipped: info.numActionsSkippedOverlap,
  }
}

/** Answers whether anything changed: one that is paused already keeps the reason it was paused for. */
async function setPaused(handle: ScheduleHandle, because: string, paused: boolean): Promise<boolean> {
  const { state } = await handle.describe()
  if (state.paused === paused) return false
  await (paused ? handle.pause(because) : handle.unpause(because))
  return true
}

/** The schedules of these ids, as the plans have them. */
function schedulesFor({ catalogue, clock, tempo = REAL_TEMPO }: ScheduleParts, ids: readonly string[]): Schedule[] {
  const zones = [...new Set(ids.flatMap((id) => scheduledBy(id).zone ?? []))]
  const now = machineTime(tempo, clock.now())
  return schedulesOf(plansOf(catalogue).values(), { zones, tempo, now }).filter(({ id }) => ids.includes(id))
}

/** The times of the machine, not yet to come, at which runs were due on the days from `from` to the day before `to`. */
function dueOn(
  { clock, shopZone, tempo = REAL_TEMPO }: ScheduleParts,
  { zone, times }: Schedule,
  days: { from: string; to: string },
): number[] {
  const midnight = (day: string): number => machineTime(tempo, instantOn(day, '00:00', zone ?? shopZone))
  for (const field of ['from', 'to'] as const) if (!isDate(days[field])) throw wrongDays(`${field} is no date`, field)
  const now = machineTime(tempo, clock.now())
  return firings(times, { from: midnight(days.from), to: Math.min(midnight(days.to) - 1, now) })
}

const RUNS_MOST = 500

function checkCount(runs: number, { from, to }: { from: string; to: string }): void {
  if (runs === 0) throw wrongDays(`no run was due from ${from} to the day before ${to}`, 'from')
  if (runs > RUNS_MOST) throw wrongDays(`${runs} runs were due from ${from} to the day before ${to}`, 'to')
}

const wrongDays = (message: string, field: string): PerennialError =>
  new PerennialError('BACKFILL_INVALID', message, {
    field,
    expected: `days in which 1 to ${RUNS_MOST} runs were due: --from 2026-11-14 --to 2026-11-15 is one day`,
  })

/** One after the other, unless the schedule lets its runs overlap. */
async function makeUp(client: Client, { id, due, overlap }: Schedule & { due: readonly number[] }): Promise<void> {
  const [first, last] = [due[0], due.at(-1)]
  if (first === undefined || last === undefined) return
  await client.schedule.getHandle(id).backfill({
    start: new Date(first),
    end: new Date(last),
    overlap: overlap === 'allow-all' ? 'ALLOW_ALL' : 'BUFFER_ALL',
  })
}
