/** What a plan may say of rewards and of referral, and what a shop may ask about referrals, reviews and tasks (docs/api.md). */
import { z } from 'zod'
import { milliseconds } from '../duration.ts'
import { type ErrorCode, PerennialError } from '../errors.ts'
import { MONEY_MOST } from '../offer.ts'
import type { PointRule } from '../points.ts'
import type { Programme, RewardTerms } from '../referral.ts'
import { keyPart, readAsked } from './request.ts'

const duration = z.string().superRefine((text, context) => {
  try {
    milliseconds(text)
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error))
  }
})
const rewardName = z.string().regex(/^[a-z][a-z0-9-]*$/, "a reward is named in kebab-case: 'advocate'")

/** `rewards` of a plan. */
export const rewardsContract = z.record(
  rewardName,
  z.union(
    [z.strictObject({ points: z.string().min(1) }), z.strictObject({ coupon: z.string().min(1), valid: duration })],
    {
      error: "expected { points: 'a-rule' } or { coupon: 'an-offer', valid: '30 days' }",
    },
  ),
)

/** `referral` of a plan. */
export const programmeContract = z.strictObject({
  friend: z.string().min(1),
  advocate: rewardName,
  minimum: z.int().min(0).max(MONEY_MOST).default(0),
  returns: duration.transform(milliseconds),
  attribution: duration.transform(milliseconds),
  codes: z.strictObject({ limit: z.int().min(1), valid: duration.transform(milliseconds) }),
  ladder: z.record(z.string().regex(/^[1-9]\d{0,3}$/, 'a rung is a number of friends: 3'), rewardName).default({}),
  atMost: z.int().min(1),
  onVoid: z.enum(['claw-back', 'freeze']).default('claw-back'),
})

interface Named {
  journey: string
  points: Record<string, PointRule>
  offers: Record<string, unknown>
}

type Words = z.output<typeof rewardsContract>

/** The rewards of a plan with their rules as they are now. Throws JOURNEY_INVALID where one names nothing of the plan. */
export function rewardsOf(words: Words, { journey, points, offers }: Named): Record<string, RewardTerms> {
  const unknown = (reward: string, what: string): PerennialError =>
    invalid(journey, `rewards.${reward}`, `there is no ${what} in the plan`)
  const terms = Object.entries(words).map(([name, reward]): [string, RewardTerms] => {
    if ('points' in reward) {
      const rule = Object.hasOwn(points, reward.points) ? points[reward.points] : undefined
      if (!rule) throw unknown(name, `rule of points '${reward.points}'`)
      return [name, { is: 'points', rule: reward.points, terms: rule }]
    }
    if (!Object.hasOwn(offers, reward.coupon)) throw unknown(name, `offer '${reward.coupon}'`)
    return [name, { is: 'coupon', offer: reward.coupon, valid: reward.valid }]
  })
  return Object.fromEntries(terms)
}

/** The programme with its rewards. Throws JOURNEY_INVALID where it names one that is not there. */
export function programmeOf(
  words: z.output<typeof programmeContract> | undefined,
  rewards: Record<string, RewardTerms>,
  journey: string,
): Programme | undefined {
  if (words === undefined) return undefined
  const ladder = Object.entries(words.ladder)
    .map(([rung, reward]) => ({ rung: Number(rung), reward }))
    .sort((one, other) => one.rung - other.rung)
  for (const reward of [words.advocate, ...ladder.map((one) => one.reward)]) {
    if (!Object.hasOwn(rewards, reward))
      throw invalid(journey, 'referral', `there is no reward '${reward}' in the plan`)
  }
  return { ...words, ladder, rewards }
}

const invalid = (journey: string, field: string, why: string): PerennialError =>
  new PerennialError('JOURNEY_INVALID', `workflows/${journey}.ts, ${field}: ${why}`, { field })

const line = z
  .string()
  .max(500, 'expected at most 500 characters')
  .refine((text) => !/[\r\n]/.test(text), 'expected one line')

const CONTRACTS = {
  claim: z.strictObject({ customer: keyPart, visitor: keyPart.optional() }),
  review: z.strictObject({
    decision: z.enum(['approve', 'deny'], { error: "expected 'approve' or 'deny'" }),
    by: line.min(1, 'expected who decides'),
    reason: line.default(''),
    remember: z.boolean().default(false),
  }),
  task: z.strictObject({
    result: z.enum(['done', 'cannot'], { error: "expected 'done' or 'cannot'" }),
    by: line.min(1, 'expected who says so'),
    note: line.default(''),
  }),
}

type Asked = keyof typeof CONTRACTS

/** Reads the body of a request, or throws REQUEST_INVALID with the first field that is wrong. */
export function readRequest<A extends Asked>(action: A, body: unknown): z.output<(typeof CONTRACTS)[A]> {
  return readAsked<unknown>(CONTRACTS[action], body, 'REQUEST_INVALID') as z.output<(typeof CONTRACTS)[A]>
}

/** The number of a review out of an address. Throws REVIEW_UNKNOWN where it is none. */
export const readReviewId = (text: string): number => readNumber(text, 'review', 'REVIEW_UNKNOWN')

/** The number of a task. Throws TASK_UNKNOWN where it is none. */
export const readTaskId = (text: string): number => readNumber(text, 'task', 'TASK_UNKNOWN')

function readNumber(text: string, what: string, unknown: ErrorCode): number {
  const id = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
  if (id !== undefined) return id
  throw new PerennialError(unknown, `no ${what} '${text.slice(0, 40)}'`, { field: 'id' })
}
