/** One clock for a whole population: what is due next happens next, first come first served where two are due at once. */

interface Due {
  at: number
  nth: number
  go: () => void | Promise<void>
}

const before = (one: Due, other: Due): boolean => one.at < other.at || (one.at === other.at && one.nth < other.nth)

/** What is known from the beginning, in the order of time: a list that is gone through costs less than as many places in a heap. */
interface Foreseen {
  readonly all: readonly { readonly at: number }[]
  next: number
  /** It came after whatever was asked for until then, and before the rest. */
  readonly nth: number
  readonly go: (nth: number) => void
}

export class PopulationClock {
  now: number
  private readonly end: number
  private readonly heap: Due[] = []
  private foreseen: Foreseen = { all: [], next: 0, nth: 0, go: () => {} }
  private count = 0

  /** From `start` until just before `end`, epoch ms. */
  constructor({ start, end }: { start: number; end: number }) {
    this.now = start
    this.end = end
  }

  /** What is due in the past is due at once; what is due after the end never happens. */
  at(at: number, go: Due['go']): void {
    if (at >= this.end) return
    const due = { at: Math.max(at, this.now), nth: this.count++, go }
    const { heap } = this
    let place = heap.push(due) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = heap[parent] as Due
      if (before(above, due)) break
      heap[place] = above
      place = parent
    }
    heap[place] = due
  }

  /** The same for a whole list, once; what is due at one moment happens in the order of the list. */
  foresee<T extends { readonly at: number }>(list: readonly T[], go: (one: T) => void): void {
    const all = list.toSorted((one, other) => one.at - other.at)
    this.foreseen = { all, next: 0, nth: this.count++, go: (nth) => go(all[nth] as T) }
  }

  /** Plays to the end; a happening that answers a promise is waited for before the next. */
  async play(): Promise<void> {
    for (;;) {
      if (this.takeForeseen()) continue
      const due = this.take()
      if (!due) break
      this.now = due.at
      const going = due.go()
      if (going) await going
    }
    this.now = this.end
  }

  /** Whether something that was foreseen is due before all else; it has happened then. */
  private takeForeseen(): boolean {
    const { foreseen, heap } = this
    const one = foreseen.all[foreseen.next]
    if (!one || one.at >= this.end) return false
    const [first] = heap
    const at = Math.max(one.at, this.now)
    if (first && (first.at < at || (first.at === at && first.nth < foreseen.nth))) return false
    this.now = at
    foreseen.go(foreseen.next++)
    return true
  }

  private take(): Due | undefined {
    const { heap } = this
    const [first] = heap
    const last = heap.pop()
    if (!first || !last || first === last) return first
    let place = 0
    for (let child = 1; child < heap.length; child = 2 * place + 1) {
      const right = heap[child + 1]
      if (right && before(right, heap[child] as Due)) child += 1
      const below = heap[child] as Due
      if (before(last, below)) break
      heap[place] = below
      place = child
    }
    heap[place] = last
    return first
  }
}
