/** Campaigns: an audience in timed waves. Pure; instants are epoch ms of shop time, days are those of the run's zone. */
import type { AudienceFilter } from './audience-filter.ts'
import { type QuietHours, type Time, dayAfter, instantOn, isDate, localDate, opensAt } from './calendar.ts'
import type { Duration } from './duration.ts'
import type { Refusal } from './errors.ts'
import { type Timetable, occasionDue, occasionsWithin } from './timetable.ts'

/** At most so many messages of a campaign in each span, over all zones and workers. */
export interface CampaignRate {
  messages: number
  everyMs: number
}

/** What a campaign's plan says beyond what every plan says. */
export interface CampaignTerms {
  /** Absent: operators start it. */
  begins: Timetable | undefined
  /** How long before the occasion it begins, ms. */
  ahead: number
  audience: AudienceFilter
  rate: CampaignRate | undefined
  /** Outside these hours on the zone's clock nothing of it goes out; minutes of the day. */
  hours: QuietHours | undefined
}

/** What becomes of a wave whose hour has passed; unless said it goes within its own day and is skipped after. */
export type LateWave = 'now' | 'skip'

/** One wave, as data: to whom, when, and which message. */
export interface WaveTerms {
  /** After the day of the occasion; before it where negative. */
  days: number
  at: Time
  /** Of the campaign's audience only these. */
  to?: AudienceFilter
  send: string
  /** A coupon each; who gets none is sent `otherwise`. */
  coupon?: { offer: string; valid: Duration; otherwise?: string }
  late?: LateWave
}

/** What became of a wave, by outcome; `reasons` says why some were skipped or failed. */
export interface WaveCounts {
  /** False where it was too late for it. */
  went: boolean
  members: number
  sent: number
  accepted: number
  unknown: number
  failed: number
  skipped: number
  reasons: Partial<Record<Refusal, number>>
}

export const NO_COUNTS: WaveCounts = {
  went: false,
  members: 0,
  sent: 0,
  accepted: 0,
  unknown: 0,
  failed: 0,
  skipped: 0,
  reasons: {},
}

/** Everybody at once is never quite on time: so much later is not late. */
const GRACE = 3_600_000

/** When a wave is due, and from when on it is no news any more; null: always news. */
export function timesOf(
  { days, at, late }: Pick<WaveTerms, 'days' | 'at' | 'late'>,
  { day, zone }: { day: string; zone: string },
): { due: number; until: number | null } {
  const date = dayAfter(day, days)
  return {
    due: instantOn(date, at, zone),
    until: late === 'now' ? null : instantOn(dayAfter(date, 1), '00:00', zone),
  }
}

/** Whether a wave that has not begun is not to begin any more. */
export function isTooLate(
  late: LateWave | undefined,
  { due, until, now }: { due: number; until: number | null; now: number },
): boolean {
  if (until !== null && now >= until) return true
  return late === 'skip' && now > due + GRACE
}

/** The first instant from `now` on at which the campaign's hours are open. */
export function hoursOpenAt(hours: QuietHours | undefined, zone: string, now: number): number {
  return hours === undefined ? now : opensAt({ from: hours.to, to: hours.from }, zone, now)
}

/** The slot of a campaign's rate that an instant lies in. */
export const slotOf = ({ everyMs }: CampaignRate, now: number): number => Math.floor(now / everyMs) * everyMs

const AROUND = 400 * 86_400_000

/**
 * The occasion that a campaign is begun for and its day in a zone: the one that is named, else the one that is due at `scheduled`; one
 * without a timetable is for today. Undefined for an occasion that there is not.
 */
export function occasionFor(
  { begins, ahead }: Pick<CampaignTerms, 'begins' | 'ahead'>,
  { zone, occasion, scheduled }: { zone: string; occasion: string | undefined; scheduled: number },
): { occasion: string; date: string } | undefined {
  if (occasion !== undefined) {
    if (isDate(occasion)) return { occasion, date: occasion }
    const around = begins ? occasionsWithin(begins, zone, { from: scheduled - AROUND, to: scheduled + AROUND }) : []
    return around.find((one) => one.occasion === occasion)
  }
  if (begins) return occasionDue(begins, zone, { scheduled, ahead })
  const today = localDate(scheduled, zone)
  return { occasion: today, date: today }
}
