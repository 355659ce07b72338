/** What somebody asks of an audience. Read in docs/api.md. */
import { z } from 'zod'
import type { AudienceFilter } from '../audience-filter.ts'
import { lookedAt } from '../audience-review.ts'
import { AUDIENCES } from '../audience.ts'
import { PerennialError } from '../errors.ts'
import { audienceName, wholeFilter } from './audience-filter.ts'
import { readAsked } from './request.ts'

const line = z
  .string()
  .min(1)
  .max(100)
  .refine((text) => !/[\r\n]/.test(text), 'expected one line')

const name = audienceName.refine(
  (text) => !(AUDIENCES as readonly string[]).includes(text),
  `expected a name of its own: ${AUDIENCES.join(', ')} are audiences of daily sweeps`,
)

const put = z.strictObject({
  title: line.optional(),
  filter: wholeFilter,
  by: line,
  /** Whether those who enter and leave by the change are told of. */
  tell: z.boolean().default(false),
})

export interface AudiencePut {
  title?: string | undefined
  filter: AudienceFilter
  by: string
  tell: boolean
}

/** Throws AUDIENCE_INVALID. */
export const readAudienceName = (text: unknown): string => readAsked(name, text, 'AUDIENCE_INVALID', 'name')

/** Throws AUDIENCE_INVALID. */
export const readAudiencePut = (body: unknown): AudiencePut => readAsked(put, body, 'AUDIENCE_INVALID')

const count = z.strictObject({ filter: wholeFilter })

/** Throws AUDIENCE_INVALID. */
export const readAudienceCount = (body: unknown): { filter: AudienceFilter } =>
  readAsked(count, body, 'AUDIENCE_INVALID')

/** Of one that was removed there is no filter. */
const list = z.array(z.looseObject({ name, filter: wholeFilter.nullable() }), {
  error: "expected a list of audiences: [{ name: 'vips', filter: { … } }]",
})

/**
 * Audiences as they are listed: their filters by name, in the order of names. Throws AUDIENCE_INVALID, and AUDIENCE_UNKNOWN or
 * AUDIENCE_CIRCULAR where one names another that is not there, or itself.
 */
export function readAudienceList(body: unknown): ReadonlyMap<string, AudienceFilter> {
  const read = readAsked(list, body, 'AUDIENCE_INVALID', 'audiences')
  const all = read.flatMap(({ name: called, filter }) => (filter === null ? [] : [[called, filter] as const]))
  const named = new Map(all.sort(([one], [other]) => (one < other ? -1 : 1)))
  if (named.size < all.length) {
    throw new PerennialError('AUDIENCE_INVALID', 'an audience is there twice', {
      field: 'audiences',
      expected: 'expected each audience once',
    })
  }
  for (const [audience, filter] of named) lookedAt(filter, { named, within: [audience] })
  return named
}

/** Who does it. Throws AUDIENCE_INVALID. */
export const readBy = (text: unknown): string => readAsked(line, text, 'AUDIENCE_INVALID', 'by')
