/** Reading what somebody asks: the first thing that is wrong becomes an error of the catalogue, with the field and what was expected. */
import { z } from 'zod'
import { type ErrorCode, PerennialError } from '../errors.ts'
import { isKeyPart } from '../ids.ts'
import { unstorable } from '../storable.ts'

/** An id of the shop's, as it stands in keys. */
export const keyPart = z
  .string()
  .refine(isKeyPart, 'expected 1 to 128 characters without blanks, slashes or control characters')

/** What a request comes to; `whole` names it where no single field is wrong. Throws `code`. */
export function readAsked<T>(contract: z.ZodType<T>, body: unknown, code: ErrorCode, whole = 'body'): T {
  const flaw = unstorable(body)
  if (flaw) throw badRequest(code, flaw.path.join('.') || whole, flaw.expected)
  const read = contract.safeParse(body)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw badRequest(code, issue?.path.map(String).join('.') || whole, issue?.message ?? '')
}

/** The request's own key, 1 to 255 visible ASCII characters as in a header. Throws `code`. */
export function readKey(key: unknown, code: ErrorCode): string {
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  const expected = 'expected 1 to 255 visible ASCII characters, the same for each retry of one request'
  throw badRequest(code, 'Idempotency-Key', expected)
}

/** Cut, as both may quote what was sent. */
function badRequest(code: ErrorCode, path: string, reason: string): PerennialError {
  const field = path.slice(0, 200)
  const expected = reason.replace(/^Invalid input: /, '').slice(0, 300)
  return new PerennialError(code, `${field}: ${expected}`, { field, expected })
}
