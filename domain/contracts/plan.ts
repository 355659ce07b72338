/** What a journey file must be, beyond what its types already say: checked when the catalogue reads it. */
import { z } from 'zod'
import { milliseconds } from '../duration.ts'
import { AUDIENCES } from '../audience.ts'
import { CHANNELS } from '../channel.ts'
import { type Delivery, type MessageDelivery, PLAIN } from '../delivery.ts'
import { BUDGET_MOST, isBounded, plannedBudget } from '../budget.ts'
import type { CampaignTerms } from '../campaign.ts'
import { BUCKETS_MOST } from '../coupon.ts'
import { PerennialError } from '../errors.ts'
import { type EndPattern, type Routing, knowsOccasions } from '../journey.ts'
import { MONEY_MOST } from '../offer.ts'
import type { PointRule } from '../points.ts'
import { PARTIALS_JOURNEY } from '../partials.ts'
import { holdToLint, readyCopy } from '../ready-words.ts'
import type { Copy } from '../template.ts'
import { REFUNDED } from '../returns.ts'
import { copyContract } from './copy.ts'
import { programmeContract, programmeOf, rewardsContract, rewardsOf } from './referral.ts'
import { duration, readable, schedulingContract, time } from './timetable.ts'

const eventType = z.string().regex(/^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$/, "an event is noun.past: 'order.paid'")
const values = z.record(z.string(), z.json())
const pattern = z.strictObject({ on: eventType, where: values.optional(), unless: values.optional() })
const endPattern = pattern.extend({
  sameOccasion: z.boolean().optional(),
  shares: z.string().min(1).optional(),
  whole: z.boolean().optional(),
})
const name = z.string().min(1).max(100)
const minor = z.int().min(1).max(MONEY_MOST)
const gives = z.union(
  [
    z.strictObject({ percent: z.number().gt(0).max(100).multipleOf(0.01), atMost: minor.optional() }),
    z.strictObject({ amount: minor }),
    z.strictObject({ shipping: z.literal('free') }),
    z.strictObject({ gift: name }),
  ],
  { error: "expected { percent: 10 }, { amount: 1000 } in minor units, { shipping: 'free' } or { gift: 'SKU-1' }" },
)
const offer = z.strictObject({
  title: z.string().min(1),
  quota: z.int().min(0),
  perMember: z.int().min(1),
  perOccasion: z.int().min(1).optional(),
  buckets: z.int().min(1).max(BUCKETS_MOST).optional(),
  limitBy: z.array(z.enum(['phone', 'email'])).optional(),
  gives: gives.optional(),
  needs: z
    .strictObject({
      minimum: minor.optional(),
      categories: z.array(name).min(1).max(100).optional(),
      firstOrder: z.boolean().optional(),
    })
    .optional(),
  group: name.optional(),
  onRefund: z
    .union([z.enum(['return', 'lost']), z.strictObject({ reissue: z.string().superRefine(readable(milliseconds)) })], {
      error: "expected 'return', 'lost' or { reissue: '7 days' }",
    })
    .optional(),
  cost: minor.optional(),
})

const money = z.int().min(0).max(BUDGET_MOST)
const budgetName = z.string().regex(/^[a-z][a-z0-9-]*$/, "a budget is named in kebab-case: 'new-customers'")
const budget = z.union(
  [
    budgetName,
    z.strictObject({
      name: budgetName,
      cap: money,
      journeyCap: money.optional(),
      line: z.number().min(0).max(100).multipleOf(0.01).optional(),
    }),
  ],
  { error: "expected 'new-customers' or { name: 'new-customers', cap: 10000000, journeyCap: … } in minor units" },
)

const ruleName = z.string().regex(/^[a-z][a-z0-9-]*$/, "a rule is named in kebab-case: 'order'")
const times = z.number().min(1)
const dayOfMonth = z.strictObject({ day: z.int().min(1).max(31) })
const bonus = z.union([times, z.strictObject({ times, on: z.union([z.literal('birthday'), dayOfMonth]) })], {
  error: "expected 2, { times: 2, on: 'birthday' } or { times: 2, on: { day: 15 } }",
})
const cap = z.strictObject({ points: z.int().min(1), per: z.enum(['day', 'order']) })
const pointRule = z.strictObject({
  title: z.string().min(1),
  unit: z.enum(['points', 'growth']).optional(),
  earn: z.union([z.strictObject({ fixed: z.int().min(1) }), z.strictObject({ perYuan: z.number().positive() })], {
    error: 'expected { perYuan: 1 } or { fixed: 50 }',
  }),
  bonuses: z.record(ruleName, bonus).optional(),
  atMost: z.union([cap, z.array(cap).min(1)], { error: "expected { points: 50, per: 'day' }" }).optional(),
  tier: z.boolean().optional(),
  pending: z.boolean().optional(),
  validDays: z.int().min(0).optional(),
  onReturn: z.enum(['pending-only', 'within-balance', 'negative-allowed']).optional(),
})
const tierRule = pointRule.refine(
  ({ tier, unit, earn, bonuses }) => !tier || (unit !== 'growth' && 'perYuan' in earn && !bonuses?.['tier']),
  "tier: true goes with { perYuan } and the unit points, and beside no bonus named 'tier'",
)

const sweep = z.strictObject({
  every: z.literal('day'),
  at: time,
  audience: z.enum(AUDIENCES),
  worth: z.int().min(1).optional(),
})

const channels = z
  .array(z.enum(CHANNELS))
  .min(1)
  .refine((all) => new Set(all).size === all.length, 'expected each channel once')
const tags = z.array(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "a tag is in kebab-case: 'promotion'")).max(20)
const evidence = z.array(z.string().min(1))
/** How messages go out, as domain/delivery.ts has it. */
const delivery = {
  purpose: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, "a purpose is in kebab-case: 'profiling'")
    .default(PLAIN.purpose),
  priority: z.int().min(-1000).max(1000).default(PLAIN.priority),
  channels: channels.default(PLAIN.channels),
  tags: tags.default([]),
  evidence: evidence.default([]),
  messages: z.record(z.string(), z.strictObject({ channels, tags, evidence }).partial()).default({}),
}

const planContract = z.strictObject({
  title: z.string().min(1),
  begins: z
    .union([pattern, sweep], {
      error: "expected { on: 'order.paid' } or { every: 'day', at: '09:30', audience: 'birthday' }",
    })
    .optional(),
  schedule: schedulingContract.optional(),
  goal: endPattern.extend({ within: duration.optional() }).optional(),
  exit: z.union([endPattern, z.array(endPattern)]).optional(),
  holdout: z.number().min(0).max(50).default(0),
  occasion: z.string().min(1).optional(),
  reentry: z
    .strictObject({
      when: z.enum(['never', 'after-exit', 'any']),
      gap: duration.optional(),
      atMost: z.int().min(1).optional(),
    })
    .default({ when: 'never' }),
  class: z.enum(['marketing', 'service', 'transactional']).default('marketing'),
  topic: z.string().min(1).default('marketing'),
  ...delivery,
  copy: z.record(z.string(), copyContract),
  offers: z.record(z.string(), offer).default({}),
  budget: budget.optional(),
  off: z.boolean().optional(),
  points: z.record(ruleName, tierRule).default({}),
  rewards: rewardsContract.default({}),
  referral: programmeContract.optional(),
  takes: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .optional(),
})

const ENGINE = ['sweep', 'upkeep', 'test-mail', 'campaign', PARTIALS_JOURNEY]

const nameContract = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'a journey file is named in kebab-case')
  .refine((name) => !ENGINE.includes(name), `${ENGINE.join(', ')} are names of the engine`)

/** A plan as the other floors use it: spans in ms, defaults filled in. */
export type CheckedPlan = ReturnType<typeof checkPlan> & { campaign?: CampaignTerms }

/**
 * Checks a plan and its words; MJML is compiled afterwards (domain/ready-words.ts). Throws JOURNEY_INVALID or TEMPLATE_SYNTAX, naming
 * the file and the field. A campaign's members are of its occasion, whatever the plan says.
 */
export function checkPlan(name: string, plan: unknown, of: { campaign?: true } = {}) {
  const named = nameContract.safeParse(name)
  const read = planContract.safeParse(plan)
  const issue = named.error?.issues[0] ?? read.error?.issues[0]
  if (issue || !read.success) {
    const field = issue?.path.join('.') || 'plan'
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, ${field}: ${issue?.message ?? 'not a plan'}`, {
      field,
    })
  }
  const { begins, goal, exit, reentry, ...rest } = read.data
  const exits = exit === undefined ? [] : [exit].flat()
  const ends = goal ? [goal, ...exits] : exits
  checkEnds(name, ends, rest.occasion)
  const swept = begins && 'every' in begins ? sweepOf(begins) : undefined
  if (!knowsOccasions({ ...of, sweep: swept, occasion: rest.occasion })) checkOccasions(name, rest.offers)
  if (rest.schedule && begins && 'on' in begins) {
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, schedule: an event begins it`, {
      field: 'schedule',
    })
  }
  const unspoken = Object.keys(rest.messages).find((message) => !Object.hasOwn(rest.copy, message))
  if (unspoken !== undefined) {
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, messages.${unspoken}: it has no words`, {
      field: `messages.${unspoken}`,
    })
  }
  const words = wordsOf(name, read.data)
  if (rest.budget !== undefined) checkCosts(name, rest.offers)
  const points = rulesOf(rest.points)
  const rewards = rewardsOf(rest.rewards, { journey: name, points, offers: rest.offers })
  const routing: Routing = {
    name,
    begins: begins && 'on' in begins ? plain(begins) : undefined,
    goal: goal && { ...plain(goal), within: goal.within ?? null },
    exits: exits.map(plain),
    holdout: rest.holdout,
    occasion: rest.occasion,
    reentry: { when: reentry.when, gap: reentry.gap ?? 0, atMost: reentry.atMost ?? Infinity },
    ...(rest.off && { off: true }),
    referral: programmeOf(rest.referral, rewards, name),
  }
  return {
    ...routing,
    title: rest.title,
    class: rest.class,
    topic: rest.topic,
    delivery: words.delivery,
    copy: words.copy,
    offers: rest.offers,
    points,
    rewards,
    sweep: swept,
    takes: rest.takes,
    schedule: rest.schedule,
    budget: rest.budget === undefined ? undefined : plannedBudget(rest.budget),
  }
}

/** What a plan's ends ask of its occasion. */
function checkEnds(name: string, ends: readonly z.output<typeof endPattern>[], occasion: string | undefined): void {
  if (occasion === undefined && ends.some((end) => end.sameOccasion)) {
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, occasion: sameOccasion needs one`, {
      field: 'occasion',
      expected: "the property of the beginning event that makes runs distinct: 'order'",
    })
  }
  const ofOrder = occasion === 'order'
  if (ends.some((end) => end.whole && !(end.on === REFUNDED && end.sameOccasion && ofOrder))) {
    throw new PerennialError(
      'JOURNEY_INVALID',
      `workflows/${name}.ts, exit: only the refund of an order is whole or not`,
      {
        field: 'exit',
        expected: `{ on: '${REFUNDED}', sameOccasion: true, whole: true } with occasion: 'order'`,
      },
    )
  }
}

/** What the offers ask of a plan whose runs are of no occasion. */
function checkOccasions(name: string, offers: Record<string, z.output<typeof offer>>): void {
  const [id] = Object.entries(offers).find(([, { perOccasion }]) => perOccasion !== undefined) ?? []
  if (id === undefined) return
  const field = `offers.${id}.perOccasion`
  throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, ${field}: the plan knows no occasions`, {
    field,
    expected: 'a campaign, a sweep, or an occasion: the property of the beginning event that makes runs distinct',
  })
}

function deliveryIn(rest: Pick<z.output<typeof planContract>, keyof typeof delivery>): Delivery {
  const { purpose, priority, tags: marks, evidence: proven } = rest
  const messages = Object.entries(rest.messages).map(([message, own]) => [message, defined(own) as MessageDelivery])
  return {
    purpose,
    priority,
    channels: rest.channels,
    tags: marks,
    evidence: proven,
    messages: Object.fromEntries(messages) as Delivery['messages'],
  }
}

const defined = (one: object): object =>
  Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined))

/** A budget reserves the most a coupon can cost, so each offer has to say it: by what it gives, or by a worded cost. */
function checkCosts(name: string, offers: Record<string, z.output<typeof offer>>): void {
  for (const [id, { gives: given, cost }] of Object.entries(offers)) {
    if (isBounded(given) !== (cost !== undefined)) continue
    const field = `offers.${id}.cost`
    const why = cost === undefined ? 'what a coupon costs at most is not said' : 'gives says already what it costs'
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts, ${field}: ${why}`, {
      field,
      expected: 'with a budget: an amount, a percentage with atMost, or a cost in minor units, and not two of them',
    })
  }
}

const sweepOf = ({ audience, at, worth }: z.output<typeof sweep>) => ({
  audience,
  at,
  ...(worth !== undefined && { worth }),
})

/** Without keys that are undefined. */
function plain({ sameOccasion, whole, ...pattern }: z.output<typeof endPattern>) {
  const said = defined(pattern) as Omit<EndPattern, 'sameOccasion' | 'whole'>
  return { ...said, ...(sameOccasion && { sameOccasion }), ...(whole && { whole }) }
}

function rulesOf(all: Record<string, z.output<typeof pointRule>>): Record<string, PointRule> {
  return Object.fromEntries(Object.entries(all).map(([name, rule]) => [name, defined(rule) as PointRule]))
}

function wordsOf(name: string, read: z.output<typeof planContract>) {
  const copies = Object.entries(read.copy).map(([message, one]): [string, Copy] => [
    message,
    readyCopy(one, `${name}.copy.${message}`),
  ])
  const words = { name, class: read.class, delivery: deliveryIn(read), copy: Object.fromEntries(copies) }
  holdToLint(words)
  return words
}
