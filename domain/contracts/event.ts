/** What a shop may send to POST /v1/events. Read in docs/api.md. */
import { z } from 'zod'
import { type KeptBirthday, isLunarBirthday } from '../birthday.ts'
import { type Birthday, isBirthday, isZone } from '../calendar.ts'
import { CHANNELS } from '../channel.ts'
import { MESSAGES } from '../consent.ts'
import { PerennialError, type Problem, problemOf } from '../errors.ts'
import { readPhone } from '../identity.ts'
import { isKeyPart } from '../ids.ts'
import { OWN_EVENTS } from '../own-events.ts'
import { unstorable } from '../storable.ts'
import { keyPart } from './request.ts'

const PROPERTIES_MOST = 20_000

const line = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => !/[\r\n]/.test(value), 'expected one line')

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const solar = z
  .string()
  .regex(/^(?:\d{4}-)?\d{2}-\d{2}$/, "expected '02-29' or '1990-02-29'")
  .transform(monthAndDay)
  .refine(isBirthday, 'expected a day that exists')
/** By the moon: `leap` is a day of the second month of its number. */
const lunar = z
  .strictObject({
    lunar: z
      .string()
      .regex(/^\d{2}-\d{2}$/, "expected month and day of the lunar year: '08-15'")
      .transform(monthAndDay)
      .refine(isLunarBirthday, 'expected a day that the lunar year has: 1 to 30 of a month of 1 to 12'),
    leap: z.boolean().default(false),
  })
  .transform(({ lunar: day, leap }): KeptBirthday => ({ ...day, calendar: leap ? 'lunar-leap' : 'lunar' }))
const birthday = z.union([solar, lunar], {
  error: ({ input, ...issue }) => {
    if (isObject(input)) return undefined
    const said = typeof input === 'string' && issue.code === 'invalid_union' ? issue.errors[0]?.[0]?.message : undefined
    return said ?? "expected '02-29', '1990-02-29' or { lunar: '08-15' }"
  },
})

function monthAndDay(text: string): Birthday {
  const [month = 0, day = 0] = text.split('-').slice(-2).map(Number)
  return { month, day }
}

const topic = /^[a-z][a-z0-9-]{0,63}$/
const channel = z.enum(CHANNELS)
/** Yes or no for the e-mail channel, or for which channels and what for, with the proof. ip and agent are kept as hashes alone. */
const consent = z.union(
  [
    z.boolean(),
    z.strictObject({
      granted: z.boolean(),
      channels: z.array(channel).min(1).default(['email']),
      purpose: z.string().regex(topic, "expected a purpose in lower case: 'messages'").default(MESSAGES),
      text: line(100).optional(),
      ip: line(64).optional(),
      agent: line(500).optional(),
    }),
  ],
  { error: (issue) => (isObject(issue.input) ? undefined : 'expected true, false or { granted, channels, … }') },
)
/** One level of plain values; null takes a trait away. */
const traits = z
  .record(
    line(64),
    z.union([z.string().max(500), z.number(), z.boolean(), z.null()], {
      error: 'expected a text of at most 500, a number, true, false or null',
    }),
    { error: (issue) => (issue.code === 'invalid_key' ? 'expected names of one line, at most 64 long' : undefined) },
  )
  .refine((all) => Object.keys(all).length <= 50, 'expected at most 50 traits in one event')

const place = z.string().min(1).max(4000).nullable()

const customer = z.strictObject({
  id: keyPart,
  email: z.email("expected an address: 'ada@mail.example'").max(254).nullish(),
  name: line(200).nullish(),
  zone: z.string().max(64).refine(isZone, "expected an IANA zone: 'Asia/Shanghai'").nullish(),
  locale: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "expected a BCP 47 tag: 'zh-CN'")
    .nullish(),
  birthday: birthday.nullish(),
  phone: line(40)
    .refine((text) => readPhone(text) !== undefined, "expected a number with its country: '+8613912345678'")
    .transform((text) => readPhone(text) ?? text)
    .nullish(),
  device: line(200).nullish(),
  payment: line(200).nullish(),
  address: z.string().min(1).max(500).nullish(),
  tags: z.array(line(64)).max(50).optional(),
  traits: traits.optional(),
  channels: z.array(channel).max(CHANNELS.length).optional(),
  reach: z
    .strictObject({ wecom: place, wechat: place, device: place, subscription: place, url: place })
    .partial()
    .optional(),
  consent: z
    .record(z.string().regex(topic), consent, {
      error: (issue) => (issue.code === 'invalid_key' ? "expected topics in lower case: 'marketing'" : undefined),
    })
    .optional(),
})

/** One event. `id` is the shop's own and makes a repeat harmless; `at` is when it happened there. */
export const eventContract = z.strictObject({
  id: keyPart,
  type: z
    .string()
    .max(100)
    .regex(/^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$/, "expected noun.past in lower case: 'order.paid'")
    .refine((type) => !OWN_EVENTS.includes(type), 'expected an event of the shop: this one Perennial tells itself'),
  customer: z.union([keyPart.transform((id) => ({ id })), customer], {
    error: (issue) => (isObject(issue.input) ? undefined : "expected a customer's id or {id, email, …}"),
  }),
  at: z.iso.datetime({ offset: true, error: "expected ISO 8601 with a zone: '2026-11-23T08:00:00Z'" }).optional(),
  properties: z
    .record(z.string(), z.json())
    .refine(
      (value) => JSON.stringify(value).length <= PROPERTIES_MOST,
      `expected at most ${PROPERTIES_MOST} characters`,
    )
    .default({}),
})

export type EventInput = z.input<typeof eventContract>
export type EventRead = z.output<typeof eventContract>

/** Reads one event, or throws EVENT_INVALID with the first field that is wrong and what was expected there. */
export function readEvent(body: unknown): EventRead {
  const flaw = unstorable(body)
  if (flaw) throw invalid(flaw.path.join('.'), flaw.expected)
  const asked = eventContract.safeParse(body)
  if (asked.success) return asked.data
  const { field, expected } = firstIssue(asked.error.issues)
  throw invalid(field, expected)
}

/** Cut, as both may quote what was sent. */
function invalid(path: string, reason: string): PerennialError {
  const field = path.slice(0, 200)
  const expected = reason.replace(/^Invalid input: /, '').slice(0, 300)
  return new PerennialError('EVENT_INVALID', `${field || 'the event'}: ${expected}`, {
    field: field || 'event',
    expected,
  })
}

interface Issue {
  path: PropertyKey[]
  message: string
  errors?: Issue[][]
}

/** Of a union's branches the one that got furthest is what the sender meant. */
function firstIssue(issues: readonly z.core.$ZodIssue[] | Issue[]): { field: string; expected: string } {
  let issue = issues[0] as Issue | undefined
  const path = [...(issue?.path ?? [])]
  while (issue?.errors) {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0]
    if (!deepest || deepest.path.length === 0) break
    issue = deepest
    path.push(...deepest.path)
  }
  return { field: path.map(String).join('.'), expected: issue?.message ?? 'an event' }
}

/** The answer to a batch or a single event: what was taken, what was known, and each bad one with its reason. */
export interface EventsAnswer {
  accepted: number
  duplicates: number
  rejected: (Problem & { index: number; id: string | null })[]
}

export const rejection = (error: PerennialError, index: number, body: unknown): EventsAnswer['rejected'][number] => ({
  index,
  id: idOf(body),
  ...problemOf(error),
})

/** The id of a bad event as far as it has one. */
export function idOf(body: unknown): string | null {
  const id = body !== null && typeof body === 'object' && 'id' in body ? body.id : undefined
  return typeof id === 'string' && isKeyPart(id) ? id : null
}
