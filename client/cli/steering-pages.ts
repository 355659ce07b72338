/** What the words that steer print for people. */
import type { FailedRun } from '../../store/steering.ts'
import type { SteeringLine } from '../../store/steering-log.ts'
import type { Migrated } from '../migrate.ts'
import type { Backlog, Retried, RunsAnswer, StuckRun } from '../steering.ts'
import { type Cell, clockOf, faint, left, many, number, page, right, section, table } from './layout.ts'

export function backlogPage({ journey, pausedSince, waits, held, due }: Backlog, zone: string): string {
  if (!pausedSince) return `${journey} is not paused.`
  const all = held.reduce((sum, { runs }) => sum + runs, 0)
  const stale = held.reduce((sum, one) => sum + one.stale, 0)
  const rows = held.map(({ step, runs, stale }): Cell[] => [step, number(runs), number(stale)])
  const columns = [left('HOLDS AT'), right('RUNS'), right('LEFT OUT')]
  const waiting = due.map(({ type, waits }): Cell[] => [type, number(waits)])
  return page(
    `${journey} is paused since ${clockOf(zone)(pausedSince)}. ${all === 0 ? 'No run holds.' : `${many(all, 'run holds', 'runs hold')}.`}`,
    rows.length === 0 ? '' : table(columns, rows),
    section('Waits that came due', waiting.length === 0 ? '' : table([left('FOR'), right('WAITS')], waiting)),
    `With --waits ${waits} ${waits === 'shift' ? 'each rests as long as it had yet to' : `${many(all - stale, 'goes', 'go')} on at once`}. Nothing was changed.`,
  )
}

export function failedPage(runs: readonly FailedRun[], zone: string): string {
  if (runs.length === 0) return 'No run failed that is like that.'
  const at = clockOf(zone)
  const rows = runs.map((one): Cell[] => [at(one.ended_at), one.id, one.step, one.code, one.reason])
  const columns = [left('WHEN'), left('RUN'), left('STEP'), left('ERROR'), left('IN WORDS')]
  return page(
    table(columns, rows),
    faint('`perennial retry <run>`, or --journey with the same options, takes them up again.'),
  )
}

export function retriedPage({ dry, retried, left: stays }: Retried): string {
  const what = dry ? many(retried.length, 'run would be', 'runs would be') : many(retried.length, 'run is', 'runs are')
  const rows = stays.map(({ run, why }): Cell[] => [run, why])
  return page(
    `${what} taken up again where ${retried.length === 1 ? 'it' : 'they'} failed.`,
    section('Left as they are', rows.length === 0 ? '' : table([left('RUN'), left('WHY')], rows)),
    dry ? 'Nothing was changed.' : '',
  )
}

export function runsPage({ runs, looked, next }: RunsAnswer, zone: string): string {
  const at = clockOf(zone)
  const rows = runs.map((one): Cell[] => [one.id, at(one.entered_at), one.step ?? 'nobody knows'])
  return page(
    rows.length === 0 ? 'No run is there.' : table([left('RUN'), left('ENTERED'), left('STEP')], rows),
    next === null
      ? faint(`${many(looked, 'open run was', 'open runs were')} looked at: all.`)
      : faint(`${many(looked, 'open run was', 'open runs were')} looked at; --after ${next} looks at the next.`),
  )
}

export function stuckPage(runs: readonly StuckRun[], zone: string): string {
  if (runs.length === 0) return 'No run is stuck.'
  const rows = runs.map(({ run, since, problems }): Cell[] => [run, clockOf(zone)(since), problems.join(', ')])
  return page(
    table([left('RUN'), left('BEGAN'), left('PROBLEM')], rows),
    faint('Its code fails: the log of the worker says how. Times are those of the Temporal server.'),
  )
}

export function migratedPage({ from, to, dry, on, moved, stays }: Migrated): string {
  const rows = stays.map(({ why, runs }): Cell[] => [number(runs), why])
  return page(
    `${many(on, 'run')} of ${from} ${on === 1 ? 'is' : 'are'} on. ${number(moved)} ${dry ? 'would move' : 'moved'} to ${to}, ${number(on - moved)} ${dry ? 'would stay' : 'stay'}.`,
    section('Who stays, and why', rows.length === 0 ? '' : table([right('RUNS'), left('WHY')], rows)),
    dry ? 'Nothing was changed.' : '',
  )
}

/** Who steered, one line each: for `show`. */
export function steeredTable(lines: readonly SteeringLine[], zone: string): string {
  if (lines.length === 0) return ''
  const rows = lines.map((one): Cell[] => [clockOf(zone)(one.at), one.by, one.word, detailInWords(one.detail)])
  return table([left('WHEN'), left('BY'), left('WORD'), left('')], rows)
}

export const detailInWords = (detail: Record<string, unknown>): string =>
  Object.entries(detail)
    .filter(([, value]) => value !== null && value !== 0 && value !== false)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')
