import { PerennialError } from './errors.ts'

type Unit = 'second' | 'minute' | 'hour' | 'day' | 'week'

/** Elapsed time in words: '1 hour', '14 days'. A day is 24 hours; calendar days are `CalendarDays`. */
export type Duration = `${number} ${Unit}` | `${number} ${Unit}s`

/** Calendar days in the customer's zone, to a time on its clock: { days: 2, at: '10:00' }. */
export interface CalendarDays {
  days: number
  at: `${number}:${number}`
}

const MS: Record<Unit, number> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
}
const SHORT: Record<string, Unit> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' }
/** With as many decimals as a computed one has: `${0.85 * 21} days`, and `${1 / 2 ** 30} days` is written 9.3e-10. */
const SHAPE = /^(\d{1,6}(?:\.\d{1,20})?(?:e-\d{1,3})?)\s*([a-z]+)$/

/** Whole milliseconds of a duration. Throws DURATION_MALFORMED. Also reads the CLI's short form: '2d', '90m'. */
export function milliseconds(duration: string): number {
  const known = read.get(duration)
  if (known !== undefined) return known
  const ms = readDuration(duration)
  if (read.size >= READ_MOST) read.clear()
  read.set(duration, ms)
  return ms
}

/** Plans have few of them, and ask again and again. */
const read = new Map<string, number>()
const READ_MOST = 1_000

function readDuration(duration: string): number {
  const [, amount, word] = SHAPE.exec(duration.trim()) ?? []
  const unit = word === undefined ? undefined : (SHORT[word] ?? (word.replace(/s$/, '') as Unit))
  if (amount === undefined || unit === undefined || !Object.hasOwn(MS, unit)) {
    throw new PerennialError('DURATION_MALFORMED', `'${duration}' is not a duration`, {
      expected: "a number and a unit: '90 minutes', '1 hour', '14 days', '2 weeks'",
    })
  }
  return Math.round(Number(amount) * MS[unit])
}

/** The longest unit up to days that says it without a fraction: 3600000 -> '1 hour'. For people. */
export function inWords(ms: number): string {
  const units = Object.entries(MS)
    .filter(([unit]) => unit !== 'week')
    .reverse()
  const [unit, size] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['second', 1000]
  const amount = Math.round((ms / size) * 10) / 10
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}
