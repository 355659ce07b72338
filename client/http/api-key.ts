/** Who may send events: whoever has the one key of the installation. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { PerennialError } from '../../domain/errors.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Checks an Authorization header: `Bearer <key>`, or `Basic` with the key as user name, as clients made for Segment's API
 * send it. Takes as long for a nearly right key as for a wrong one. Throws API_KEY_INVALID.
 */
export function checkApiKey(header: string | undefined, key: string): void {
  const given = keyIn(header)
  if (given !== undefined && timingSafeEqual(digest(given), digest(key))) return
  throw new PerennialError('API_KEY_INVALID', given === undefined ? 'no API key was sent' : 'the API key is wrong', {
    field: 'authorization',
    expected: 'Bearer <key>',
  })
}

function keyIn(header: string | undefined): string | undefined {
  const [, scheme, credentials] = /^(bearer|basic) +(\S+) *$/i.exec(header ?? '') ?? []
  if (scheme === undefined || credentials === undefined) return undefined
  if (scheme.toLowerCase() === 'bearer') return credentials
  return Buffer.from(credentials, 'base64').toString().split(':')[0]
}
