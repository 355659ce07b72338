/** What a campaign file must be, beyond what its types already say: what is its own here, the rest as a journey's plan. */
import { z } from 'zod'
import type { AudienceFilter } from '../audience-filter.ts'
import { minuteOfDay } from '../calendar.ts'
import type { CampaignTerms } from '../campaign.ts'
import { PerennialError } from '../errors.ts'
import { wholeFilter } from './audience-filter.ts'
import { type CheckedPlan, checkPlan } from './plan.ts'
import { duration, schedulingContract, time, timetableContract } from './timetable.ts'

const EVERYBODY = 'everybody'

const audience = z.union([z.string().min(1), wholeFilter]).transform((read): AudienceFilter => {
  if (typeof read !== 'string') return read
  return read === EVERYBODY ? { everybody: true } : { audience: read }
})

const campaignContract = z.strictObject({
  begins: timetableContract.optional(),
  schedule: schedulingContract.optional(),
  ahead: duration.optional(),
  audience,
  rate: z.strictObject({ messages: z.int().min(1), every: duration }).optional(),
  hours: z
    .strictObject({ from: time, to: time })
    .refine(({ from, to }) => minuteOfDay(from) < minuteOfDay(to), "expected hours of one day: '09:00' to '20:00'")
    .optional(),
})

const OWN = Object.keys(campaignContract.shape)

/** A campaign's plan as the other floors use it: a member of it is in a run of its own, as in a journey. Throws JOURNEY_INVALID. */
export function checkCampaign(name: string, plan: object): CheckedPlan & { campaign: CampaignTerms } {
  const own = Object.entries(plan).filter(([key]) => OWN.includes(key))
  const rest = Object.entries(plan).filter(([key]) => !OWN.includes(key))
  const read = campaignContract.safeParse(Object.fromEntries(own))
  const [issue] = read.error?.issues ?? []
  if (!read.success) {
    const field = issue?.path.join('.') || 'plan'
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, ${field}: ${issue?.message ?? 'not a plan'}`, {
      field,
    })
  }
  if (read.data.schedule && !read.data.begins) {
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, schedule: only operators begin it`, {
      field: 'schedule',
      expected: "beside begins: { every: 'month', … } alone",
    })
  }
  const { begins, schedule, ahead = 0, audience: filter, rate, hours } = read.data
  return {
    ...checkPlan(name, { ...Object.fromEntries(rest), reentry: { when: 'any' } }, { campaign: true }),
    schedule,
    campaign: {
      begins,
      ahead,
      audience: filter,
      rate: rate && { messages: rate.messages, everyMs: rate.every },
      hours: hours && { from: minuteOfDay(hours.from), to: minuteOfDay(hours.to) },
    },
  }
}
