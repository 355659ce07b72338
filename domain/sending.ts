/** The gate before every message, as one table: facts in, one verdict out, the first check that objects decides. */
import type { Arm } from './experiment.ts'
import type { Refusal } from './errors.ts'
import type { RunStatus } from './journey.ts'

/** What a message is for. Marketing needs consent; service follows from something the customer did; transactional must go. */
export type MessageClass = 'marketing' | 'service' | 'transactional'

/** Everything the gate decides from, read in the transaction that reserves the send. Instants in epoch ms, shop time. */
export interface SendFacts {
  now: number
  run: RunStatus
  paused: boolean
  consented: boolean
  suppressed: boolean
  arm: Arm
  /** Renders the words; a refusal where that fails. Called only when the checks before it let pass. */
  render: () => Refusal | undefined
  /** The next instant outside the customer's quiet hours; `now` itself when they do not run. */
  opensAt: number
  /** Messages of the class reserved or sent in the cap's rolling window, and how many it allows. */
  recent: number
  cap: number
  address: string | null
}

export type Verdict =
  | { do: 'send' }
  | { do: 'skip'; code: Refusal }
  /** `until` null: held until somebody resumes the journey. */
  | { do: 'hold'; code: Refusal; until: number | null }

type Effect = 'skip' | 'hold' | 'pass'

interface Check {
  title: string
  does: Record<MessageClass, Effect>
  objects: (facts: SendFacts) => Refusal | undefined
}

const all = (effect: Effect): Record<MessageClass, Effect> => ({
  marketing: effect,
  service: effect,
  transactional: effect,
})

/**
 * In the order of the design. Wording (advertising law, on the rendered words) belongs after `words`; budget and a fallback
 * to another channel belong around `address`.
 */
export const CHECKS: readonly Check[] = [
  { title: 'still in', does: all('skip'), objects: (f) => (f.run === 'running' ? undefined : 'LEFT_JOURNEY') },
  { title: 'paused', does: all('hold'), objects: (f) => (f.paused ? 'PAUSED' : undefined) },
  {
    title: 'consent',
    does: { marketing: 'skip', service: 'pass', transactional: 'pass' },
    objects: (f) => (f.consented ? undefined : 'NO_CONSENT'),
  },
  { title: 'suppression', does: all('skip'), objects: (f) => (f.suppressed ? 'SUPPRESSED' : undefined) },
  {
    title: 'holdout',
    does: { marketing: 'skip', service: 'skip', transactional: 'pass' },
    objects: (f) => (f.arm === 'holdout' ? 'HOLDOUT' : undefined),
  },
  { title: 'words', does: all('skip'), objects: (f) => f.render() },
  {
    title: 'quiet hours',
    does: { marketing: 'hold', service: 'hold', transactional: 'pass' },
    objects: (f) => (f.opensAt > f.now ? 'QUIET_HOURS' : undefined),
  },
  {
    title: 'frequency cap',
    does: { marketing: 'skip', service: 'pass', transactional: 'pass' },
    objects: (f) => (f.recent >= f.cap ? 'FREQUENCY_CAP' : undefined),
  },
  { title: 'address', does: all('skip'), objects: (f) => (f.address === null ? 'NO_ADDRESS' : undefined) },
]

export function gate(messageClass: MessageClass, facts: SendFacts): Verdict {
  for (const check of CHECKS) {
    const effect = check.does[messageClass]
    const code = effect === 'pass' ? undefined : check.objects(facts)
    if (code === undefined) continue
    if (effect === 'skip') return { do: 'skip', code }
    return { do: 'hold', code, until: code === 'QUIET_HOURS' ? facts.opensAt : null }
  }
  return { do: 'send' }
}
