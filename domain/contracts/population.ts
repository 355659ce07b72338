/** A population to be simulated: what `perennial simulate --customers <file>` reads. Read in docs/simulation.md. */
import { z } from 'zod'
import { PerennialError } from '../errors.ts'
import type { Properties } from '../journey.ts'
import { type EventRead, readEvent } from './event.ts'
import { keyPart } from './request.ts'

const EXPECTED_TIME = "expected ISO 8601 with a zone: '2026-11-23T08:00:00Z'"

const act = z.strictObject({
  at: z.iso.datetime({ offset: true, error: EXPECTED_TIME }),
  type: z.string(),
  id: z.string().optional(),
  properties: z.unknown().optional(),
  /** What it tells of the customer beside, as in an event; without the id. */
  customer: z.record(z.string(), z.unknown()).optional(),
  redeems: z.boolean().optional(),
  confirms: z.boolean().optional(),
  spends: z.int().positive().optional(),
})

const member = z.strictObject({
  /** As in an event. */
  customer: z.looseObject({ id: keyPart }),
  suppressed: z.boolean().default(false),
  events: z.array(act),
})

/** A customer and their events, the earliest first; the first tells all that is known of the customer. */
export interface MemberRead {
  id: string
  suppressed: boolean
  acts: {
    id: string
    at: number
    type: string
    properties: Properties
    customer: Exclude<EventRead['customer'], string>
    redeems: boolean
    confirms: boolean
    spends: number | undefined
  }[]
}

/** Reads one customer. Throws POPULATION_INVALID; `where` is the line of the file. */
export function readMember(body: unknown, where: string): MemberRead {
  const asked = member.safeParse(body)
  if (!asked.success) {
    const issue = asked.error.issues[0]
    throw invalid(where, issue?.path.map(String).join('.') ?? '', issue?.message ?? 'expected a customer')
  }
  const { customer, suppressed, events } = asked.data
  const acts = events.map(({ redeems = false, confirms = false, spends, ...event }, nth) => {
    const known = nth === 0 ? { ...customer, ...event.customer } : { ...event.customer }
    const read = eventOf(
      { ...event, id: event.id ?? `${customer.id}-${nth + 1}`, customer: { ...known, id: customer.id } },
      `${where}, events.${nth}`,
    )
    return { ...read, at: Date.parse(event.at), redeems, confirms, spends }
  })
  const early = acts.findIndex((one, nth) => nth > 0 && one.at < (acts[nth - 1]?.at ?? 0))
  if (early !== -1) throw invalid(where, `events.${early}.at`, 'expected the events in the order of time')
  return { id: customer.id, suppressed, acts }
}

function eventOf(
  event: Omit<z.output<typeof act>, 'redeems' | 'confirms' | 'spends'> & { customer: object },
  where: string,
) {
  try {
    const { id, type, properties, customer } = readEvent(event)
    return { id, type, properties: properties as Properties, customer }
  } catch (error) {
    if (!(error instanceof PerennialError)) throw error
    throw invalid(where, error.field ?? '', error.expected ?? error.message)
  }
}

export function invalid(where: string, field: string, expected: string): PerennialError {
  const path = field === '' ? where : `${where}, ${field}`
  const said = expected.replace(/^Invalid input: /, '')
  return new PerennialError('POPULATION_INVALID', `${path}: ${said}`, { field: field || where, expected: said })
}
