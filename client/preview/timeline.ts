/** What a preview found, for programs and for people. */
import type { ChannelName } from '../../domain/channel.ts'
import type { Refusal } from '../../domain/errors.ts'
import type { RunStatus } from '../../domain/journey.ts'

export type Happening =
  | 'begin'
  | 'event'
  | 'wait'
  | 'coupon'
  | 'points'
  | 'referral'
  | 'review'
  | 'task'
  | 'tag'
  | 'consent'
  | 'refused'
  | 'message'
  | 'skipped'
  | 'held'
  | 'split'
  | 'operator'
  | 'end'

/** One thing that happens in a walk. */
export interface Line {
  /** Shop time, epoch ms. */
  at: number
  /** Since the start, in words: '2 days 1 hour'. */
  after: string
  what: Happening
  text: string
  /** The message, offer, event type or split it is about. */
  name?: string
  /** Why not, where it did not happen. */
  code?: Refusal
  /** Where it lasts: until when; null until somebody acts. */
  until?: number | null
  /** The words of a message as the customer would read them. */
  words?: { subject: string; text: string }
  /** The channel it went by. */
  channel?: ChannelName
  /** Its effect key. */
  key?: string
}

/** How what happens is told. */
export type Say = (what: Happening, text: string, more?: Partial<Line>) => void

export interface Timeline {
  run: string
  customer: string
  /** The customer's zone, in which times are shown. */
  zone: string
  start: number
  lines: Line[]
  /** `running`: the walk came to a hold that nobody ends. */
  end: { status: RunStatus; reason: string }
  /** When the goal was reached, also after the run had ended; null if it was not. */
  goalAt: number | null
}

const DAY = 86_400_000
const HOUR = 3_600_000
const MINUTE = 60_000

const count = (amount: number, unit: string): string[] =>
  amount === 0 ? [] : [`${amount} ${unit}${amount === 1 ? '' : 's'}`]

/** '2 days 1 hour', 'at once' for nothing: a span in all the units it needs, whole seconds the least. */
export function spanInWords(ms: number): string {
  const words = [
    ...count(Math.floor(ms / DAY), 'day'),
    ...count(Math.floor((ms % DAY) / HOUR), 'hour'),
    ...count(Math.floor((ms % HOUR) / MINUTE), 'minute'),
    ...count(Math.floor((ms % MINUTE) / 1000), 'second'),
  ]
  return words.join(' ') || 'at once'
}

const two = (amount: number): string => String(Math.floor(amount)).padStart(2, '0')

/** '+3d 01:00', with seconds where there are any. */
function offset(ms: number): string {
  const seconds = Math.floor((ms % MINUTE) / 1000)
  return `+${Math.floor(ms / DAY)}d ${two((ms % DAY) / HOUR)}:${two((ms % HOUR) / MINUTE)}${seconds > 0 ? `:${two(seconds)}` : ''}`
}

/** 'Thu 26 Nov 11:00' on the clock of a zone. */
function wallClock(zone: string): (instant: number) => string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (instant) => {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]))
    const day = (parts.get('day') ?? '').padStart(2, ' ')
    return `${parts.get('weekday')} ${day} ${parts.get('month')} ${parts.get('hour')}:${parts.get('minute')}`
  }
}

/** A line a step: `+3d 01:00  Thu 26 Nov 11:00  mail saving: "Still ten off"`; `words` adds the text of each mail below its line. */
export function formatTimeline(timeline: Timeline, { words = false }: { words?: boolean } = {}): string {
  const clock = wallClock(timeline.zone)
  const until = ({ until }: Line): string => {
    if (until === undefined) return ''
    return until === null ? ', until somebody acts' : `, until ${clock(until)}`
  }
  const shown = timeline.lines.map((line) => {
    const head = `${offset(line.at - timeline.start).padEnd(9)}  ${clock(line.at)}  ${line.text}${until(line)}`
    return words && line.words ? [head, ...line.words.text.trimEnd().split('\n').map(indented)].join('\n') : head
  })
  return shown.join('\n')
}

const indented = (line: string): string => (line === '' ? '' : `    ${line}`)
