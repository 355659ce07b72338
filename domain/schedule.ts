/**
 * The schedules that plans ask for: when each starts a run, and what it does after an outage. Pure; spans in ms, instants epoch ms of
 * the machine unless a name says shop.
 */
import { localDate, yearOf } from './calendar.ts'
import { milliseconds } from './duration.ts'
import { UPKEEP_ID, campaignScheduleId, sweepId } from './ids.ts'
import { type Tempo, machineSpan, machineTime, shopTime } from './tempo.ts'
import { type Timetable, occasionsWithin } from './timetable.ts'

/** What happens when it is time for a run while the last one is still on. The last one is never cut off. */
export const OVERLAPS = ['skip', 'buffer-one', 'buffer-all', 'allow-all'] as const
export type Overlap = (typeof OVERLAPS)[number]

/** What a plan may say of its schedule. */
export interface Scheduling {
  /** Runs begin up to so much later, each schedule by a share of its own. */
  jitter?: number
  overlap?: Overlap
  /** Runs that an outage left out are made up for as far back as this. */
  catchUp?: number
}

/** Every so many ms, counted from 1970, or at given instants, which are whole seconds. */
export type Times = { every: number } | { at: readonly number[] }

/** `journey` is null for the upkeep, `zone` for whatever is one for all zones. */
export interface Schedule extends Required<Scheduling> {
  id: string
  journey: string | null
  zone: string | null
  times: Times
}

/** The part of a plan by which it is scheduled; spans in ms of shop time. */
export interface ScheduledPlan {
  name: string
  /** Present where a daily sweep begins it. */
  sweep?: object | undefined
  schedule?: Scheduling | undefined
  /** Present in a campaign; without `begins` operators start it. */
  campaign?: { begins: Timetable | undefined; ahead: number } | undefined
}

const DAY = milliseconds('1 day')
const CATCH_UP = milliseconds('2 days')
/** Zones that share an instant begin one after the other, but no first wave is late for it. */
const SPREAD = milliseconds('5 minutes')

/**
 * Every schedule there is to be: one a swept journey, one a campaign and zone, and the upkeep. `zones` are those customers live in,
 * the shop's among them.
 */
export function schedulesOf(
  plans: Iterable<ScheduledPlan>,
  at: { zones: readonly string[]; tempo: Tempo; now: number },
): Schedule[] {
  const ofPlans = [...plans].flatMap((plan) => {
    if (plan.sweep) return [sweepSchedule(plan)]
    return plan.campaign?.begins ? at.zones.map((zone) => campaignSchedule(plan, { ...at, zone })) : []
  })
  return [...ofPlans, UPKEEP]
}

/** At midnight UTC, for the day that follows in every zone: each customer's own hour lies within one such day. */
function sweepSchedule({ name, schedule }: ScheduledPlan): Schedule {
  const { jitter = 0, overlap = 'buffer-all', catchUp = CATCH_UP } = schedule ?? {}
  return { id: sweepId(name), journey: name, zone: null, times: { every: DAY }, jitter, overlap, catchUp }
}

/** Occasions are told apart by their names, so one that is still on when the next is due is in nobody's way. */
function campaignSchedule(
  { name, schedule, campaign }: ScheduledPlan,
  at: { zone: string; tempo: Tempo; now: number },
): Schedule {
  const { zone, tempo } = at
  const spread = machineSpan(tempo, Math.min(SPREAD, campaign?.ahead ?? 0))
  const { jitter = spread, overlap = 'allow-all', catchUp = CATCH_UP } = schedule ?? {}
  const times = { at: campaign?.begins ? beginningsOf(campaign.begins, { ...at, ahead: campaign.ahead }) : [] }
  return { id: campaignScheduleId(name, zone), journey: name, zone, times, jitter, overlap, catchUp }
}

/** A run that was missed needs no catching up: the next does what is due. */
const UPKEEP: Schedule = {
  id: UPKEEP_ID,
  journey: null,
  zone: null,
  times: { every: milliseconds('1 hour') },
  jitter: 0,
  overlap: 'skip',
  catchUp: milliseconds('1 minute'),
}

/**
 * When a campaign begins in a zone, from the start of last year, so that what was missed can be made up for, to the end of next year.
 * The list is the same all year long, so that a schedule is touched once a year and where its plan changes.
 */
function beginningsOf(
  timetable: Timetable,
  { zone, ahead, tempo, now }: { zone: string; ahead: number; tempo: Tempo; now: number },
): number[] {
  const year = yearOf(localDate(shopTime(tempo, now), 'UTC'))
  const within = { from: Date.UTC(year - 1, 0, 1), to: Date.UTC(year + 2, 0, 1) }
  const instants = occasionsWithin(timetable, zone, within).map(({ instant }) => {
    return Math.floor(machineTime(tempo, instant - ahead) / 1000) * 1000
  })
  return [...new Set(instants)]
}

/** The times within [from, to] at which runs are due, as the server counts them: both ends are in. */
export function firings(times: Times, { from, to }: { from: number; to: number }): number[] {
  if ('at' in times) return times.at.filter((one) => one >= from && one <= to)
  const first = Math.ceil(from / times.every)
  const last = Math.floor(to / times.every)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * times.every)
}
