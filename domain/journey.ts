/** When a customer enters, converts or leaves: the rules behind the inbox, true for every journey. */
import type { Audience } from './audience.ts'
import type { Refusal } from './errors.ts'
import { isKeyPart } from './ids.ts'
import type { Programme } from './referral.ts'

export type RunStatus = 'running' | 'completed' | 'goal' | 'exited' | 'stopped' | 'failed'

/** Why a run ended that goes on as one of another journey. */
export const MIGRATED = 'migrated'

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type Properties = { [key: string]: Json }

/** An event that matters to a plan: its type, properties that must be equal, and such as must not. */
export interface EventPattern {
  on: string
  where?: Properties
  /** Leaves out the events that have all of these: `{ import: true }`. */
  unless?: Properties
}

/** What ends runs: those of the customer, or only the one of the occasion that the event is about. */
export interface EndPattern extends EventPattern {
  sameOccasion?: boolean
  /** A property that the event has to share with the one that began the run where both have it: 'cart', 'lines.category'. */
  shares?: string
  /** Of the refund of an order: only where all of it is refunded, at once or in parts. */
  whole?: boolean
}

/** An event that ended a wait. `at` is when it arrived, ISO 8601. */
export interface TakenEvent {
  id: string
  type: string
  at: string
  properties: Properties
}

/** The part of a plan by which events and sweeps are routed; spans in ms of shop time. */
export interface Routing {
  name: string
  begins: EventPattern | undefined
  goal: (EndPattern & { within: number | null }) | undefined
  exits: readonly EndPattern[]
  holdout: number
  /** The property of the beginning event that tells occasions apart, e.g. 'cart'. */
  occasion: string | undefined
  reentry: Reentry
  /** Present where a daily sweep begins it: whom it enters, and at what hour of theirs. */
  sweep?: { audience: Audience; at: string } | undefined
  /** Nobody enters until an operator has switched it on. */
  off?: boolean
  /** Present where the plan is a referral programme: what the inbox attributes and qualifies by. */
  referral?: Programme | undefined
}

export interface Reentry {
  /** never: once a life (once an occasion where there is one); after-exit: again when no run is open; any: always. */
  when: 'never' | 'after-exit' | 'any'
  gap: number
  atMost: number
}

export interface PastEntry {
  occasion: string | null
  enteredAt: number
  open: boolean
}

export type Entry = { enter: true; occasion: string | null } | { enter: false; code: Refusal }

export function matches(pattern: EventPattern, event: { type: string; properties: Properties }): boolean {
  if (pattern.on !== event.type) return false
  const { where, unless } = pattern
  return (where === undefined || hasAll(event, where)) && !(unless && hasAll(event, unless))
}

const hasAll = ({ properties }: { properties: Properties }, all: Properties): boolean =>
  Object.entries(all).every(([key, value]) => sameValue(properties[key], value))

/** Whether a value has in it what is asked, as `@>` of PostgreSQL has it: what a wait's `match` is held to. */
export function holds(value: Json | undefined, asked: Json): boolean {
  if (Array.isArray(asked))
    return Array.isArray(value) && asked.every((one) => value.some((other) => holds(other, one)))
  if (asked === null || typeof asked !== 'object') return value === asked
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  for (const [key, inner] of Object.entries(asked)) {
    if (!Object.hasOwn(value, key) || !holds(value[key], inner)) return false
  }
  return true
}

/** The values at a path through objects and lists: 'lines.category' of an order. */
function valuesAt(value: Json | undefined, path: readonly string[]): Json[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, path))
  const [key, ...rest] = path
  if (key === undefined) return [value]
  return typeof value === 'object' && Object.hasOwn(value, key) ? valuesAt(value[key], rest) : []
}

/** Whether two events have a value of a path in common; true where one of them does not say. A number says the same as its text. */
function share(path: string, one: Properties, other: Properties): boolean {
  const [mine, theirs] = path.includes('.') ? [] : [one[path], other[path]]
  // Nearly always two texts.
  if (typeof mine === 'string' && typeof theirs === 'string') return mine === theirs
  const [ones, others] = [one, other].map((all) =>
    valuesAt(all, path.split('.')).map((value) => canonical(typeof value === 'number' ? String(value) : value)),
  )
  return !ones?.length || !others?.length || ones.some((value) => others.includes(value))
}

function sameValue(left: Json | undefined, right: Json): boolean {
  if (left === undefined) return false
  // Nearly all are no objects, and of the same kind.
  if (typeof left === typeof right && left !== null && typeof left !== 'object') return left === right
  return canonical(left) === canonical(right)
}

/** JSON with sorted keys: equal for equal content, whatever order it was written in. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** Whether the runs of a plan are of occasions, and not merely numbered: those of a sweep and of a campaign always are. */
export function knowsOccasions(plan: { occasion?: unknown; sweep?: unknown; campaign?: unknown }): boolean {
  return plan.occasion !== undefined || plan.sweep !== undefined || plan.campaign !== undefined
}

/** The occasion of an event in a plan that has them; undefined where the event does not say which. */
export function occasionOf(property: string, properties: Properties): string | undefined {
  const value = properties[property]
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && isKeyPart(text) ? text : undefined
}

/** Whether an event that matches the pattern is about the run of an occasion; `begun` are the properties that the run began with. */
export function concerns(
  { occasion: property }: Pick<Routing, 'occasion'>,
  pattern: EndPattern,
  { properties, occasion, begun = {} }: { properties: Properties; occasion: string | null; begun?: Properties },
): boolean {
  if (pattern.shares !== undefined && !share(pattern.shares, properties, begun)) return false
  if (!pattern.sameOccasion) return true
  return property !== undefined && occasion !== null && occasionOf(property, properties) === occasion
}

/**
 * Whether a customer enters. A plan without occasions numbers its runs from the second on ('2', '3'), so that every run keeps
 * an id of its own; a plan with occasions never enters the same one twice.
 */
export function decideEntry(
  plan: Pick<Routing, 'reentry'>,
  entry: { occasion: string | null; now: number; past: readonly PastEntry[] },
): Entry {
  const { reentry } = plan
  const { occasion, now, past } = entry
  if (occasion !== null && past.some((one) => one.occasion === occasion))
    return { enter: false, code: 'ALREADY_ENTERED' }
  const barred =
    (reentry.when === 'never' && occasion === null && past.length > 0) ||
    (reentry.when === 'after-exit' && past.some((one) => one.open))
  if (barred) return { enter: false, code: 'ALREADY_ENTERED' }
  if (past.length >= reentry.atMost) return { enter: false, code: 'REENTRY_LIMIT' }
  if (past.some((one) => now - one.enteredAt < reentry.gap)) return { enter: false, code: 'REENTRY_TOO_SOON' }
  return { enter: true, occasion: occasion ?? nextNumber(past) }
}

/** The first run has none. An operator may start a run without an occasion among runs that have one, even one named '2'. */
function nextNumber(past: readonly PastEntry[]): string | null {
  if (past.length === 0) return null
  let number = past.length + 1
  for (;;) {
    const name = String(number)
    if (!past.some((one) => one.occasion === name)) return name
    number += 1
  }
}
