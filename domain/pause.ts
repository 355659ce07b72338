/**
 * What a pause does to the waits of the runs that it held, by the rule that the journey was resumed with. Pure: a rest of a story
 * and the pauses of its journey in, what the story may do next out. Instants are epoch ms of shop time.
 */

/** fire: what came due goes at once. shift: waits are lengthened by the pause. skip: the same as fire, but what is stale is left out. */
export const RESUME_RULES = ['fire', 'shift', 'skip'] as const
export type ResumeRule = (typeof RESUME_RULES)[number]

export interface Pause {
  from: number
  /** Null while it lasts. */
  to: number | null
  /** Null while it lasts. */
  rule: ResumeRule | null
  /** Of skip: how late an effect may be at the resume, ms. */
  stale: number | null
}

/** A story that rested: from when on, and until when by its plan. Where it did not, the two are the same. */
export interface Rest {
  since: number
  due: number
  /** Of a wait of calendar days: the time of day that it ends at. */
  at?: string
  /** Pauses have moved it already, so that it may be asked about before it is over. */
  moved?: true
}

/** What a story whose rest is over by its plan does: it goes on, leaves out what is stale, or rests on; `until` null: until the resume. */
export type AfterPauses = { is: 'over'; stale: boolean } | Held

/** The answer of a step that a pause holds. */
export interface Held {
  is: 'held'
  until: number | null
}

/** Pauses in the order in which they began, none of them within another. */
export function afterPauses(rest: Rest, pauses: readonly Pause[], now: number): AfterPauses {
  const ours = pauses.filter(({ to }) => to === null || to > rest.since)
  if (ours.some(({ from, to }) => to === null && from <= now)) return { is: 'held', until: null }
  const due = dueAfter(rest, ours)
  if (due > now && (rest.moved || due !== rest.due)) return { is: 'held', until: due }
  return { is: 'over', stale: ours.some((one) => isStale(due, one)) }
}

/** When a rest is over: the time in which its journey was paused and then shifted does not count. */
export function dueAfter({ since, due }: Rest, pauses: readonly Pause[]): number {
  let moved = due
  for (const { from, to, rule } of pauses) {
    if (rule !== 'shift' || to === null || to <= since || from > moved) continue
    moved += to - Math.max(since, from)
  }
  return moved
}

const isStale = (due: number, { to, rule, stale }: Pause): boolean =>
  rule === 'skip' && to !== null && stale !== null && due < to - stale

/** What a resume would do to runs that hold, each by when its effect was due. */
export function previewResume(
  holds: readonly { step: string; due: number }[],
  { now, rule, stale }: { now: number; rule: ResumeRule; stale: number | null },
): { step: string; runs: number; stale: number }[] {
  const pause: Pause = { from: -Infinity, to: now, rule, stale }
  const steps = new Map<string, { runs: number; stale: number }>()
  for (const { step, due } of holds) {
    const { runs, stale } = steps.get(step) ?? { runs: 0, stale: 0 }
    steps.set(step, { runs: runs + 1, stale: stale + Number(isStale(due, pause)) })
  }
  return [...steps]
    .map(([step, counted]) => ({ step, ...counted }))
    .sort((a, b) => b.runs - a.runs || (a.step < b.step ? -1 : 1))
}
