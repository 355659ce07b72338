/** JSON that somebody wrote, for the edges that take it. */
import { type ErrorCode, PerennialError } from '../domain/errors.ts'

/** Reads a text that may yet have to come out of a file; `name` is what people know it by. Throws the error that is asked for. */
export async function jsonOf(
  text: string | Promise<string>,
  name: string,
  { code, ...at }: { code: ErrorCode; field: string; expected: string },
): Promise<unknown> {
  try {
    return JSON.parse(await text) as unknown
  } catch (cause) {
    throw new PerennialError(code, `${name} is no JSON that can be read`, { ...at, cause })
  }
}
