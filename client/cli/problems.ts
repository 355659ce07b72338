/** Errors as the command line tells them: what was wrong, what to do, and the exit code. */
import { CommanderError } from 'commander'
import { PerennialError, problemOf } from '../../domain/errors.ts'

export const EXIT = { ok: 0, refused: 1, usage: 2 } as const

/** Any error as one of the catalogue; commander's own are COMMAND_INVALID. */
export function asPerennialError(error: unknown): PerennialError {
  if (error instanceof PerennialError) return error
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
    return new PerennialError('COMMAND_INVALID', message, { cause: error })
  }
  return new PerennialError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
}

export function exitCodeOf({ code }: PerennialError): number {
  return code === 'COMMAND_INVALID' ? EXIT.usage : EXIT.refused
}

export function problemText(error: PerennialError, json: boolean): string {
  const problem = problemOf(error)
  if (json) return JSON.stringify(problem)
  const { code, message, todo, expected } = problem
  const lines = [`${code}: ${message}`]
  if (expected !== undefined && !message.includes(expected)) lines.push(`Expected: ${expected}`)
  lines.push(`What to do: ${todo}`)
  if (code === 'INTERNAL' && error.cause instanceof Error && error.cause.stack) lines.push(error.cause.stack)
  return lines.join('\n')
}

/** The known name that a mistyped one most likely meant: at most two letters, or a third of them, away. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, away: distance(word.toLowerCase(), name) }))
    .sort((one, other) => one.away - other.away)
  return best && best.away <= Math.max(2, Math.floor(best.name.length / 3)) ? best.name : undefined
}

/** Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        change,
        swapped ? (before[j - 2] ?? 0) + 1 : Infinity,
      )
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}
