/**
 * The gate before every message, as one table: facts in, one verdict out. The checks go over the channels a message may take, in
 * the order in which they are preferred: a channel that a check objects to is passed over, and when none is left the check decides.
 */
import type { ChannelName } from './channel.ts'
import type { Arm } from './experiment.ts'
import type { Refusal } from './errors.ts'
import type { RunStatus } from './journey.ts'
import type { Contest } from './pressure.ts'

/** What a message is for. Marketing needs consent; service follows from something the customer did; transactional must go. */
export type MessageClass = 'marketing' | 'service' | 'transactional'

/** What the gate knows of one channel for one message. The functions are called only when the checks before them let pass. */
export interface ChannelFacts {
  name: ChannelName
  consented: boolean
  suppressed: boolean
  address: string | null
  /** It has what it needs: credentials, a sender. */
  ready: boolean
  /** It may carry this class of message. */
  carries: boolean
  /** Renders the words; a refusal where that fails or they are too long. */
  render: () => Refusal | undefined
  /** The gravest thing the wording check finds in the rendered words that nobody has approved. */
  wording: () => 'block' | 'review' | undefined
  /** Whether the caps have room for it. */
  contest: () => Contest
  /** Whether the journey's budget has room for what it costs; true where it costs nothing or nothing is counted. */
  affords: () => boolean
}

/** Everything the gate decides from, read in the transaction that reserves the send. Instants in epoch ms, shop time. */
export interface SendFacts {
  now: number
  run: RunStatus
  paused: boolean
  /** The wait before it was lengthened by a pause, and lasts until then. */
  restsUntil?: number
  /** It was due too long before the journey was resumed. */
  stale?: boolean
  /** The run that this one goes on from sent it. */
  had?: boolean
  arm: Arm
  /** From when on the message is no news any more; it may always be late where that is not said. */
  until?: number | undefined
  /** The next instant outside the customer's quiet hours; `now` itself when they do not run. */
  opensAt: number
  /** Those of the message, the customer's favourite first; at least one. */
  channels: readonly [ChannelFacts, ...ChannelFacts[]]
}

/** A channel that was not taken, and why. */
export interface Passed {
  channel: ChannelName
  code: Refusal
}

/** `exposed`: but for the control arm and the words it would have gone out, so that its run counts as exposed. */
export type Verdict = { channel: ChannelName; passed: Passed[]; exposed: boolean } & (
  | { do: 'send' }
  | { do: 'skip'; code: Refusal }
  /** `until` null: held until somebody acts. `since`: when its auction began. */
  | { do: 'hold'; code: Refusal; until: number | null; since?: number }
)

type Effect = 'skip' | 'hold' | 'pass'

/** A hold that ends by itself says until when. */
type Objection = Refusal | { code: Refusal; until: number; since?: number } | undefined

interface Check {
  title: string
  does: Record<MessageClass, Effect>
  objects: (facts: SendFacts, channel: ChannelFacts) => Objection
}

const all = (effect: Effect): Record<MessageClass, Effect> => ({
  marketing: effect,
  service: effect,
  transactional: effect,
})

const MARKETING_SKIP = { marketing: 'skip', service: 'pass', transactional: 'pass' } as const

/**
 * In the order of the design, with the control arm last: HOLDOUT then says that all else would have let it pass, which is what
 * makes the arms comparable. The budget is asked by channel, as an SMS costs and a mail does not.
 */
export const CHECKS: readonly Check[] = [
  { title: 'still in', does: all('skip'), objects: (f) => (f.run === 'running' ? undefined : 'LEFT_JOURNEY') },
  {
    title: 'still news',
    does: all('skip'),
    objects: (f) => (f.until !== undefined && f.now >= f.until ? 'NEWS_OVER' : undefined),
  },
  { title: 'had before', does: all('skip'), objects: (f) => (f.had ? 'HAD_BEFORE' : undefined) },
  { title: 'paused', does: all('hold'), objects: (f) => (f.paused ? 'PAUSED' : undefined) },
  {
    title: 'wait lengthened',
    does: all('hold'),
    objects: (f) =>
      f.restsUntil !== undefined && f.restsUntil > f.now ? { code: 'WAIT_SHIFTED', until: f.restsUntil } : undefined,
  },
  {
    title: 'stale',
    does: { marketing: 'skip', service: 'skip', transactional: 'pass' },
    objects: (f) => (f.stale ? 'STALE_SKIPPED' : undefined),
  },
  { title: 'consent', does: MARKETING_SKIP, objects: (_, by) => (by.consented ? undefined : 'NO_CONSENT') },
  { title: 'suppression', does: all('skip'), objects: (_, by) => (by.suppressed ? 'SUPPRESSED' : undefined) },
  { title: 'words', does: all('skip'), objects: (_, by) => by.render() },
  {
    title: 'wording: forbidden',
    does: { marketing: 'skip', service: 'skip', transactional: 'pass' },
    objects: (_, by) => (by.wording() === 'block' ? 'WORDING_BLOCKED' : undefined),
  },
  {
    title: 'wording: to be approved',
    does: { marketing: 'hold', service: 'hold', transactional: 'pass' },
    objects: (_, by) => (by.wording() === 'review' ? 'WORDING_REVIEW' : undefined),
  },
  {
    title: 'quiet hours',
    does: { marketing: 'hold', service: 'hold', transactional: 'pass' },
    objects: (f) => (f.opensAt > f.now ? { code: 'QUIET_HOURS', until: f.opensAt } : undefined),
  },
  {
    title: 'frequency cap',
    does: MARKETING_SKIP,
    objects: (_, by) => {
      const { is } = by.contest()
      return is === 'full' ? 'FREQUENCY_CAP' : is === 'outranked' ? 'OUTRANKED' : undefined
    },
  },
  {
    title: 'auction',
    does: { marketing: 'hold', service: 'pass', transactional: 'pass' },
    objects: (_, by) => {
      const held = by.contest()
      return held.is === 'wait' ? { code: 'AUCTION', until: held.until, since: held.since } : undefined
    },
  },
  {
    title: 'budget',
    does: { marketing: 'skip', service: 'skip', transactional: 'pass' },
    objects: (_, by) => (by.affords() ? undefined : 'BUDGET_EXHAUSTED'),
  },
  { title: 'channel: may carry it', does: all('skip'), objects: (_, by) => (by.carries ? undefined : 'CHANNEL_UNFIT') },
  { title: 'channel: is set up', does: all('skip'), objects: (_, by) => (by.ready ? undefined : 'CHANNEL_NOT_READY') },
  {
    title: 'channel: address',
    does: all('skip'),
    objects: (_, by) => (by.address === null ? 'NO_ADDRESS' : undefined),
  },
  {
    title: 'holdout',
    does: { marketing: 'skip', service: 'skip', transactional: 'pass' },
    objects: (f) => (f.arm === 'holdout' ? 'HOLDOUT' : undefined),
  },
]

/** What the control arm cannot be asked: its coupons were refused, so that words which name one could not be rendered. */
const OF_WORDS = new Set(['words', 'wording: forbidden', 'wording: to be approved'])

export function gate(messageClass: MessageClass, facts: SendFacts): Verdict {
  const held = facts.arm === 'holdout' && HELD.has(messageClass)
  const verdict = walk(messageClass, facts, held ? OF_WORDS : NONE)
  if (held) return { exposed: verdict.do === 'skip' && verdict.code === 'HOLDOUT', ...verdict }
  if (verdict.do === 'send') return { exposed: true, ...verdict }
  // Words that fail in one arm alone must not make a difference between the arms.
  const ofWords = verdict.code.startsWith('TEMPLATE') || verdict.code.startsWith('WORDING')
  return { exposed: ofWords && walk(messageClass, facts, OF_WORDS).do !== 'skip', ...verdict }
}

/** The verdict on a message of which nothing is worded yet; where all but the words lets it pass it is to go. */
export const wordlessGate = (messageClass: MessageClass, facts: SendFacts): Verdict =>
  facts.arm === 'holdout' ? gate(messageClass, facts) : { exposed: false, ...walk(messageClass, facts, OF_WORDS) }

const NONE: ReadonlySet<string> = new Set()

/** The checks that bind a class, the others left out: asked a hundred thousand times. */
const BINDING = Object.fromEntries(
  (['marketing', 'service', 'transactional'] as const).map((of) => [
    of,
    CHECKS.filter(({ does }) => does[of] !== 'pass'),
  ]),
) as Record<MessageClass, Check[]>

/** The classes that the control arm does not get. */
const HELD = new Set(
  (['marketing', 'service', 'transactional'] as const).filter((of) =>
    BINDING[of].some(({ title }) => title === 'holdout'),
  ),
)

function walk(
  messageClass: MessageClass,
  facts: SendFacts,
  without: ReadonlySet<string>,
): Omit<Verdict, 'exposed'> & Outcome {
  let left: readonly ChannelFacts[] = facts.channels
  const passed: Passed[] = []
  for (const check of BINDING[messageClass]) {
    if (without.size > 0 && without.has(check.title)) continue
    // Nearly always none objects, and nothing need be put together.
    if (!objectsAny(check, facts, left)) continue
    const objections = left.map((channel) => check.objects(facts, channel))
    const free = left.filter((_, nth) => objections[nth] === undefined)
    const effect = check.does[messageClass] === 'hold' ? 'hold' : 'skip'
    if (free.length === 0) return decided(effect, firstOf(left).name, objections[0], passed)
    left.forEach(({ name: channel }, nth) => {
      const objection = objections[nth]
      if (objection !== undefined) passed.push({ channel, code: codeOf(objection) })
    })
    left = free
  }
  return { do: 'send', channel: firstOf(left).name, passed }
}

function objectsAny(check: Check, facts: SendFacts, channels: readonly ChannelFacts[]): boolean {
  for (const channel of channels) if (check.objects(facts, channel) !== undefined) return true
  return false
}

function firstOf([first]: readonly ChannelFacts[]): ChannelFacts {
  if (!first) throw new RangeError('the gate was asked without a channel')
  return first
}

/** A hold that somebody ends. */
const NO_END = { until: null }

type Outcome =
  { do: 'send' } | { do: 'skip'; code: Refusal } | { do: 'hold'; code: Refusal; until: number | null; since?: number }

const codeOf = (objection: Exclude<Objection, undefined>): Refusal =>
  typeof objection === 'string' ? objection : objection.code

function decided(effect: 'skip' | 'hold', channel: ChannelName, objection: Objection, passed: Passed[]) {
  if (objection === undefined) throw new RangeError('the gate was asked without a channel')
  const code = codeOf(objection)
  if (effect === 'skip') return { do: 'skip' as const, code, channel, passed }
  const rest = typeof objection === 'string' ? NO_END : objection
  return { do: 'hold' as const, code, channel, passed, ...rest }
}
