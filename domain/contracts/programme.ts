/** What a programme of tiers must be. Read in docs/journeys.md. */
import { z } from 'zod'
import { milliseconds } from '../duration.ts'
import type { Programme } from '../tier.ts'
import { readAsked } from './request.ts'

const kebab = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, "expected a word in kebab-case, at most 40 long: 'gold'")
const line = z.string().min(1).max(100)
const offer = z.string().min(1).max(100)
const days = z.int().min(1).max(3_660)

const gift = z
  .strictObject({
    offer: offer.optional(),
    valid: z.string().refine(isDuration, "expected a duration: '30 days'").default('30 days'),
    points: z.int().min(1).max(1_000_000).optional(),
    validDays: days.optional(),
  })
  .refine((one) => one.offer !== undefined || one.points !== undefined, 'expected an offer, points or both')

const level = z.strictObject({
  id: kebab,
  title: line,
  from: z.int('expected a whole growth value').min(0).max(1_000_000_000),
  discount: z.number().gt(0).max(100).multipleOf(0.01).optional(),
  multiplier: z.number().min(1, 'expected 1 or more').max(100).optional(),
  birthday: offer.optional(),
  services: z.array(line).max(20).optional(),
  gift: gift.optional(),
})

const programme = z.strictObject({
  title: line,
  levels: z.array(level).min(2, 'expected 2 to 10 levels').max(10, 'expected 2 to 10 levels').superRefine(inOrder),
  window: z.union([z.enum(['calendar-year', 'tier-start', 'join']), z.strictObject({ days })], {
    error: "expected { days: 365 }, 'calendar-year', 'tier-start' or 'join'",
  }),
  term: z.union(
    [
      z.strictObject({ days }),
      z.strictObject({ months: z.int().min(1).max(120) }),
      z.strictObject({ calendarYears: z.int().min(1).max(10) }),
    ],
    { error: 'expected { months: 12 }, { days: 365 } or { calendarYears: 1 }' },
  ),
  downgrade: z.enum(['one-down', 'balance-based']),
  graceDays: z.int().min(0).max(90).default(0),
  onRefund: z.enum(['at-once', 'term-end']),
  nearMiss: z
    .strictObject({ from: z.number().gt(0).lt(100), to: z.number().gt(0).lt(100) })
    .refine(({ from, to }) => from <= to, 'expected from at most to')
    .default({ from: 80, to: 90 }),
})

function isDuration(text: string): boolean {
  try {
    return milliseconds(text) > 0
  } catch {
    return false
  }
}

function inOrder(levels: readonly { id: string; from: number }[], context: z.RefinementCtx): void {
  for (const [rank, { id, from }] of levels.entries()) {
    const refuse = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [rank, field], message })
    if (rank === 0 && from !== 0) refuse('from', 'expected 0: everybody has the first level')
    if (rank > 0 && from <= (levels[rank - 1]?.from ?? 0)) refuse('from', 'expected more than the level before')
    if (levels.findIndex((other) => other.id === id) !== rank) refuse('id', 'expected each level to have its own id')
  }
}

/** Reads a programme, or throws PROGRAMME_INVALID with the first field that is wrong. */
export const readProgramme = (body: unknown): Programme => readAsked(programme, body, 'PROGRAMME_INVALID', 'programme')
