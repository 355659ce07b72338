/** What one run waits for, in memory: store/waits.ts. */
import { type Properties, type RunStatus, type TakenEvent, holds } from '../../domain/journey.ts'
import type { Host } from '../catalogue.ts'

interface Wait {
  type: string
  match: Properties
  deadline: number
  open: boolean
  taken: TakenEvent | null
}

type Asked<K extends 'openWait' | 'closeWait' | 'newestEvent'> = Parameters<Host['activities'][K]>[0]

/** How the run stands, and the events of its customer that came since it began. */
export interface Awaiting {
  readonly status: RunStatus
  readonly events: readonly TakenEvent[]
}

export class VirtualWaits {
  private readonly waits = new Map<string, Wait>()
  private readonly run: Awaiting

  constructor(run: Awaiting) {
    this.run = run
  }

  /** Ends the one wait for such an event that is over first; false where none is open. */
  give(event: TakenEvent, now: number): boolean {
    let first: Wait | undefined
    for (const wait of this.waits.values()) {
      if (!wait.open || wait.deadline < now || wait.type !== event.type) continue
      if (!holds(event.properties, wait.match)) continue
      if (first === undefined || wait.deadline < first.deadline) first = wait
    }
    if (!first) return false
    first.open = false
    first.taken = event
    return true
  }

  /** The run has ended. */
  close(): void {
    for (const wait of this.waits.values()) wait.open = false
  }

  view(key: string): { status: RunStatus; event: TakenEvent | null } {
    return { status: this.run.status, event: this.waits.get(key)?.taken ?? null }
  }

  open({ key, type, match, deadline }: Asked<'openWait'>) {
    const running = this.run.status === 'running'
    const taken = running ? this.untaken(type, match) : null
    this.waits.set(key, { type, match, deadline, open: running && taken === null, taken })
    return this.view(key)
  }

  /** The first such event that came and ended no wait. */
  private untaken(type: string, match: Properties): TakenEvent | null {
    for (const one of this.run.events) {
      if (one.type !== type || !holds(one.properties, match)) continue
      if (!this.hasTaken(one)) return one
    }
    return null
  }

  private hasTaken({ id }: TakenEvent): boolean {
    for (const { taken } of this.waits.values()) if (taken?.id === id) return true
    return false
  }

  /** The last look at the deadline; `again` is the new one where an event of `restart` moved it. */
  lastLook({ key, restart, match = {}, within }: Asked<'closeWait'>) {
    const wait = this.waits.get(key)
    if (!wait?.open) return { again: null, ...this.view(key) }
    const anew = restart === null ? [] : typeof restart === 'string' ? [restart] : restart
    let last = -Infinity
    for (const one of anew.length === 0 ? [] : this.run.events) {
      if (!anew.includes(one.type) || !holds(one.properties, match)) continue
      const at = Date.parse(one.at)
      if (at <= wait.deadline) last = Math.max(last, at)
    }
    const moved = last + within
    const again = moved > wait.deadline ? moved : null
    wait.open = again !== null
    wait.deadline = again ?? wait.deadline
    return { again, ...this.view(key) }
  }

  /** The newest event of some types that the run has heard; `first` is that which began it. */
  newest(asked: Asked<'newestEvent'>, first: TakenEvent): TakenEvent | null {
    return this.run.events.findLast((one) => isAsked(one, asked)) ?? (isAsked(first, asked) ? first : null)
  }
}

const isAsked = ({ type, properties }: TakenEvent, { types, match }: Asked<'newestEvent'>): boolean =>
  types.includes(type) && (match === undefined || holds(properties, match))
