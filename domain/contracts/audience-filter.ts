/** What a filter of an audience must be. Read in docs/journeys.md. */
import { z } from 'zod'
import { isZone } from '../calendar.ts'
import { type AudienceFilter, FILTER_KINDS, type FilterKind } from '../audience-filter.ts'
import { isAboutAudiences } from '../audience-review.ts'
import { CHANNELS } from '../channel.ts'
import { milliseconds } from '../duration.ts'
import { isLocale } from '../locale.ts'
import { STAGES } from '../standing.ts'
import { readAsked } from './request.ts'

/** Filters within filters at most, and conditions in all. */
export const DEPTH_MOST = 8
export const CONDITIONS_MOST = 100
const LIST_MOST = 200
const WITHIN_MOST = 3_660 * 86_400_000

const text = z.string().min(1).max(200)
const word = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "expected a word in kebab-case: 'gold'")
const count = z.int('expected a whole number').min(0, 'expected 0 or more')
const money = z.int('expected whole minor units').min(0, 'expected 0 or more')

const oneOrMore = <T>(one: z.ZodType<T>, expected: string) =>
  z.union([one, z.array(one).min(1, 'expected at least one').max(LIST_MOST, `expected at most ${LIST_MOST}`)], {
    error: `expected ${expected}, or a list of such`,
  })

const within = z
  .string()
  .refine((span) => spanIs(span, (ms) => ms > 0), "expected a duration: '30 days'")
  .refine((span) => spanIs(span, (ms) => ms <= WITHIN_MOST), 'expected at most ten years')

function spanIs(span: string, holds: (ms: number) => boolean): boolean {
  try {
    return holds(milliseconds(span))
  } catch {
    return false
  }
}

interface Bounds {
  atLeast?: unknown
  atMost?: unknown
}

const inOrder = ({ atLeast, atMost }: Bounds): boolean =>
  atLeast === undefined || atMost === undefined || (atLeast as number) <= (atMost as number)
const IN_ORDER = { message: 'expected atLeast to be no more than atMost', path: ['atLeast'] }
const someBound = ({ atLeast, atMost }: Bounds): boolean => atLeast !== undefined || atMost !== undefined
const SOME_BOUND = 'expected atLeast, atMost or both'

const sameKind = ({ atLeast, atMost }: Bounds): boolean =>
  atLeast === undefined || atMost === undefined || typeof atLeast === typeof atMost

const score = z.int('expected 1 to 5').min(1, 'expected 1 to 5').max(5, 'expected 1 to 5')
const span = z.union(
  [
    score,
    z
      .strictObject({ atLeast: score.optional(), atMost: score.optional() })
      .refine(someBound, SOME_BOUND)
      .refine(inOrder, IN_ORDER),
  ],
  { error: 'expected 1 to 5, or { atLeast, atMost } of these' },
)

const value = z.union([z.string().max(500), z.number(), z.boolean()], {
  error: 'expected a text, a number, true or false',
})
const BOUND = "expected a number or a date: '2026-03-01'"
const bound = z.union([z.number(), z.iso.date(BOUND)], { error: BOUND })
const trait = z
  .strictObject({
    trait: text,
    is: value.optional(),
    in: z.array(value).min(1).max(LIST_MOST).optional(),
    atLeast: bound.optional(),
    atMost: bound.optional(),
    exists: z.boolean().optional(),
  })
  .refine((one) => Object.keys(one).length > 1, 'expected what the trait is to be: is, in, atLeast, atMost or exists')
  .refine(sameKind, { message: 'expected two numbers or two dates', path: ['atMost'] })
  .refine((one) => !sameKind(one) || inOrder(one), IN_ORDER)

const event = z
  .strictObject({
    event: z
      .string()
      .regex(/^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$/, "expected an event: 'order.paid'")
      .refine(
        (type) => !isAboutAudiences(type),
        "expected an event that is not of audiences: name one, { audience: 'vips' }",
      ),
    where: z
      .record(z.string(), z.json())
      .refine((one) => JSON.stringify(one).length <= 2_000, 'expected at most 2000 characters')
      .optional(),
    within,
    atLeast: count.max(10_000).optional(),
    atMost: count.max(10_000).optional(),
  })
  .refine(inOrder, IN_ORDER)

const spent = z.strictObject({
  spent: z
    .strictObject({ within: within.optional(), atLeast: money.optional(), atMost: money.optional() })
    .refine(someBound, SOME_BOUND)
    .refine(inOrder, IN_ORDER),
})

const zone = z.string().refine(isZone, "expected an IANA zone: 'Asia/Shanghai'")
const locale = z.string().refine(isLocale, "expected a BCP 47 tag: 'zh-CN'")
export const audienceName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, "an audience is named in kebab-case: 'tea-lovers'")

const filters = z.array(z.lazy(() => audienceFilter)).min(1, 'expected at least one filter')

const KINDS: Record<FilterKind, z.ZodType> = {
  everybody: z.strictObject({ everybody: z.literal(true, 'expected true') }),
  all: z.strictObject({ all: filters }),
  any: z.strictObject({ any: filters }),
  not: z.strictObject({ not: z.lazy(() => audienceFilter) }),
  stage: z.strictObject({ stage: oneOrMore(z.enum(STAGES), `one of ${STAGES.join(', ')}`) }),
  tier: z.strictObject({ tier: oneOrMore(word, "the id of a level: 'gold'") }),
  rfm: z.strictObject({
    rfm: z
      .strictObject({ r: span.optional(), f: span.optional(), m: span.optional() })
      .refine((one) => Object.keys(one).length > 0, 'expected r, f or m'),
  }),
  segment: z.strictObject({ segment: oneOrMore(word, "a segment of the RFM map: 'champions'") }),
  tag: z.strictObject({ tag: text }),
  trait,
  event,
  spent,
  zone: z.strictObject({ zone: oneOrMore(zone, "an IANA zone: 'Asia/Shanghai'") }),
  locale: z.strictObject({ locale: oneOrMore(locale, "a BCP 47 tag: 'zh-CN'") }),
  consent: z.strictObject({ consent: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "expected a topic: 'marketing'") }),
  audience: z.strictObject({ audience: audienceName }),
  channel: z.strictObject({ channel: z.enum(CHANNELS, `expected one of ${CHANNELS.join(', ')}`) }),
}

/** One filter, read by the contract of its kind, so that what is wrong is told of the kind that was meant. */
export const audienceFilter: z.ZodType<AudienceFilter> = z
  .custom<AudienceFilter>((one) => typeof one === 'object' && one !== null && !Array.isArray(one), {
    error: "expected a filter: { stage: 'active' }",
    abort: true,
  })
  .superRefine((one, context) => {
    const refuse = (message: string, path: PropertyKey[] = []): void =>
      context.addIssue({ code: 'custom', path, message })
    const [kind, other] = FILTER_KINDS.filter((name) => Object.hasOwn(one, name))
    if (kind === undefined) return refuse(`expected one of ${FILTER_KINDS.join(', ')}`)
    if (other !== undefined) return refuse(`expected one condition, not ${kind} and ${other}: put them into all or any`)
    const read = KINDS[kind].safeParse(one)
    for (const { message, path } of read.error?.issues ?? []) refuse(message, path)
  })

/** How deep the filter goes and how many conditions it has. */
function measure(filter: unknown): { depth: number; conditions: number } {
  if (typeof filter !== 'object' || filter === null) return { depth: 0, conditions: 0 }
  const { all, any, not } = filter as { all?: unknown; any?: unknown; not?: unknown }
  const inner = [all, any].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
  const parts = [...inner, ...(not === undefined ? [] : [not])].map(measure)
  return {
    depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
    conditions: 1 + parts.reduce((sum, { conditions }) => sum + conditions, 0),
  }
}

/** A whole filter, within its bounds. */
export const wholeFilter: z.ZodType<AudienceFilter> = z
  .unknown()
  .superRefine((one, context) => {
    const { depth, conditions } = measure(one)
    if (depth > DEPTH_MOST) context.addIssue(`expected at most ${DEPTH_MOST} filters within one another, not ${depth}`)
    if (conditions > CONDITIONS_MOST)
      context.addIssue(`expected at most ${CONDITIONS_MOST} conditions, not ${conditions}`)
  })
  .pipe(audienceFilter)

/** Reads a filter, or throws AUDIENCE_INVALID with the first field that is wrong and what was expected there. */
export const readAudienceFilter = (body: unknown): AudienceFilter =>
  readAsked(wholeFilter, body, 'AUDIENCE_INVALID', 'filter')
