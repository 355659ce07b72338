/**
 * One clock for a whole population: what is due next happens next. Of what is due at one moment the shop's own comes first, then one
 * customer's after the other's, and of one customer's what was asked for first. So the order hangs on nobody's neighbours, and some of
 * the people can be played by themselves.
 */

/** From a moment until just before another, epoch ms. */
export interface Span {
  start: number
  end: number
}

/** Stands for the shop where a customer's place in the population is asked for. */
export const SHOP = -1

/** Where a population has come to: a moment, and whose turn it is. */
export interface Turn {
  readonly at: number
  readonly of: number
}

/** Below zero where one turn comes before another. */
export const byTurn = (one: Turn, other: Turn): number => one.at - other.at || one.of - other.of

/** Something that happens at its time; `nth` is the clock's. */
export interface Due {
  at: number
  of: number
  nth: number
  go(): void | Promise<void>
}

const before = (one: Due, other: Due): boolean =>
  one.at !== other.at ? one.at < other.at : one.of !== other.of ? one.of < other.of : one.nth < other.nth

/** What is known from the beginning, in the order of turns: a list that is gone through costs less than as many places in a heap. */
interface Foreseen {
  readonly all: readonly Turn[]
  next: number
  /** It came after whatever was asked for until then, and before the rest. */
  readonly nth: number
  readonly go: (nth: number) => void
}

/** What is due later than the end of the window that is played lies in no order until then: a small heap stays in the core's memory. */
const WINDOW_MS = 3_600_000

export class PopulationClock implements Turn {
  at: number
  of = SHOP
  private readonly end: number
  private readonly heap: Due[] = []
  /** By its window, counted from the beginning of time. */
  private readonly later = new Map<number, Due[]>()
  private window: number
  private foreseen: Foreseen = { all: [], next: 0, nth: 0, go: () => {} }
  private count = 0
  private readonly came: ((at: number, of: number) => void) | undefined

  /** `came` is told of each turn. */
  constructor({ start, end, came }: Span & { came?: (at: number, of: number) => void }) {
    this.at = start
    this.window = Math.floor(start / WINDOW_MS)
    this.end = end
    this.came = came
  }

  get now(): number {
    return this.at
  }

  /** What is due in the past is due at once; what is due after the end never happens. `of`: the customer's place, or SHOP. */
  schedule(at: number, of: number, go: () => void | Promise<void>): void {
    this.expect({ at, of, nth: 0, go })
  }

  /** The same for one that knows its time. */
  expect(due: Due): void {
    if (due.at >= this.end) return
    due.nth = this.count++
    if (due.at <= this.at) {
      due.at = this.at
      due.of = Math.max(due.of, this.of)
    }
    const window = Math.floor(due.at / WINDOW_MS)
    if (window <= this.window) return this.push(due)
    const known = this.later.get(window)
    if (known) known.push(due)
    else this.later.set(window, [due])
  }

  private push(due: Due): void {
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

  /** The same for a whole list, once; what is one customer's at one moment happens in the order of the list. */
  foresee<T extends Turn>(list: readonly T[], go: (one: T) => void): void {
    const all = list.toSorted(byTurn)
    this.foreseen = { all, next: 0, nth: this.count++, go: (nth) => go(all[nth] as T) }
  }

  /** Brings what is due next into the heap, unless something is there. */
  private reach(): void {
    while (this.heap.length === 0 && this.later.size > 0) {
      this.window += 1
      const due = this.later.get(this.window)
      if (!due) continue
      this.later.delete(this.window)
      for (const one of due) this.push(one)
    }
  }

  /** Plays to the end; a happening that answers a promise is waited for before the next. */
  async play(): Promise<void> {
    for (;;) {
      this.reach()
      if (this.takeForeseen()) continue
      const due = this.take()
      if (!due) break
      this.turn(due.at, due.of)
      const going = due.go()
      if (going) await going
    }
    this.turn(this.end, SHOP)
  }

  private turn(at: number, of: number): void {
    this.at = at
    this.of = of
    this.came?.(at, of)
  }

  /** Whether something that was foreseen is due before all else; it has happened then. */
  private takeForeseen(): boolean {
    const { foreseen, heap } = this
    const one = foreseen.all[foreseen.next]
    if (!one || one.at >= this.end) return false
    const [first] = heap
    // What lies in the past is its customer's at once.
    const at = Math.max(one.at, this.at)
    const of = at > this.at ? one.of : Math.max(one.of, this.of)
    const isLater =
      first !== undefined &&
      (first.at !== at ? first.at < at : first.of !== of ? first.of < of : first.nth < foreseen.nth)
    if (isLater) return false
    this.turn(at, of)
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
