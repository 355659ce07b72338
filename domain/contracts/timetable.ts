/** Spans, times and timetables as plans say them: read here for journeys and campaigns alike. */
import { z } from 'zod'
import { isBirthday, minuteOfDay } from '../calendar.ts'
import { milliseconds } from '../duration.ts'
import { FESTIVAL_NAMES } from '../festival.ts'
import { OVERLAPS, type Scheduling } from '../schedule.ts'
import type { Timetable } from '../timetable.ts'

export const readable = (read: (text: string) => unknown) => (text: string, context: z.RefinementCtx) => {
  try {
    read(text)
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error))
  }
}

const MINUTE = 60_000
const YEAR = 365 * 86_400_000

/** '2 days', as ms. */
export const duration = z.string().superRefine(readable(milliseconds)).transform(milliseconds)
export const time = z.string().superRefine(readable(minuteOfDay))

const isDay = (text: string): boolean => {
  const [, month, day] = /^(\d{2})-(\d{2})$/.exec(text) ?? []
  return month !== undefined && isBirthday({ month: Number(month), day: Number(day) })
}

const month = z.strictObject({ every: z.literal('month'), day: z.int().min(1).max(31), at: time })
const year = z.strictObject({
  every: z.literal('year'),
  date: z.string().refine(isDay, "expected a day that exists: '05-20'"),
  at: time,
})
const festival = z.strictObject({
  every: z.literal('festival'),
  festivals: z
    .array(z.enum(FESTIVAL_NAMES))
    .min(1)
    .refine((all) => new Set(all).size === all.length, 'expected each festival once'),
  at: time,
})

/** When a campaign comes round (domain/timetable.ts). */
export const timetableContract = z
  .discriminatedUnion('every', [month, year, festival], {
    error:
      "expected { every: 'month', day: 15, at: '09:00' }, { every: 'year', date } or { every: 'festival', festivals }",
  })
  .transform((read) => read as Timetable)

/** How a plan's schedule keeps its times (domain/schedule.ts). */
export const schedulingContract = z
  .strictObject({
    jitter: duration.optional(),
    overlap: z.enum(OVERLAPS).optional(),
    catchUp: duration.refine((ms) => ms >= MINUTE && ms <= YEAR, 'expected a minute to 365 days').optional(),
  })
  .transform((read) => read as Scheduling)
