/** Audiences out of a file: what `perennial audiences --json` prints. */
import { readFile } from 'node:fs/promises'
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { readAudienceList } from '../../domain/contracts/audience.ts'
import { PerennialError } from '../../domain/errors.ts'

/** By name, in the order of names. Throws AUDIENCE_INVALID, AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
export async function readAudiences(file: string): Promise<ReadonlyMap<string, AudienceFilter>> {
  let body: unknown
  try {
    body = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new PerennialError('AUDIENCE_INVALID', `${file} is no JSON that can be read`, {
      field: 'audiences',
      expected: 'a file with what `perennial audiences --json` prints',
      cause,
    })
  }
  return readAudienceList(body)
}
