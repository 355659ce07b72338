/** A population out of a file: one JSON array, or a customer a line (NDJSON). */
import { readFile } from 'node:fs/promises'
import { invalid, readMember } from '../../domain/contracts/population.ts'
import type { Member } from './members.ts'

/**
 * Reads the customers of a file, all of whose events must lie within the days that are simulated. Throws POPULATION_INVALID with
 * the line (or the place in the array) and the field.
 */
export async function readMembers(file: string, span: { from: number; days: number }): Promise<Member[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw invalid(
      file,
      '',
      `expected a file that can be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    )
  }
  const members = bodiesOf(file, text).map(({ body, where }) => readMember(body, where))
  const seen = new Map<string, number>()
  members.forEach(({ id, acts }, nth) => {
    const before = seen.get(id)
    if (before !== undefined) throw invalid(file, `customer.id`, `expected each customer once, '${id}' is there twice`)
    seen.set(id, nth)
    const outside = acts.find(({ at }) => at < span.from || at >= span.from + span.days * DAY)
    if (outside) {
      const [first, last] = [span.from, span.from + span.days * DAY].map((at) => new Date(at).toISOString())
      throw invalid(file, `'${id}', ${outside.type}`, `expected an event from ${first} to ${last}`)
    }
  })
  return members.map(({ id, suppressed, acts }) => ({ id, suppressed, acts: acts.map(actOf) }))
}

const DAY = 86_400_000

type Read = ReturnType<typeof readMember>['acts'][number]

function actOf({ customer, ...act }: Read): Member['acts'][number] {
  const said = Object.entries(customer).filter(([field, value]) => field !== 'id' && value !== undefined)
  const known = Object.fromEntries(said)
  return Object.keys(known).length > 0 ? { ...act, customer: known } : act
}

function bodiesOf(file: string, text: string): { body: unknown; where: string }[] {
  if (text.trimStart().startsWith('[')) {
    const all = parsed(text, file)
    return Array.isArray(all) ? all.map((body: unknown, nth) => ({ body, where: `${file}, ${nth}` })) : []
  }
  return text.split('\n').flatMap((line, nth) => {
    const where = `${file}, line ${nth + 1}`
    return line.trim() === '' ? [] : [{ body: parsed(line, where), where }]
  })
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw invalid(where, '', `expected JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
