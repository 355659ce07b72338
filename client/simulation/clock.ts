/** One clock for a whole population: what is due next happens next, first come first served where two are due at once. */

interface Due {
  at: number
  nth: number
  go: () => void | Promise<void>
}

const before = (one: Due, other: Due): boolean => one.at < other.at || (one.at === other.at && one.nth < other.nth)

export class PopulationClock {
  now: number
  private readonly end: number
  private readonly heap: Due[] = []
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

  /** Plays to the end; a happening that answers a promise is waited for before the next. */
  async play(): Promise<void> {
    for (let due = this.take(); due; due = this.take()) {
      this.now = due.at
      const going = due.go()
      if (going) await going
    }
    this.now = this.end
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
