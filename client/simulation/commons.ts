/**
 * What all the people of a population take from: budgets, quotas, the places of the morning. Threads that play some of the people each
 * tell one another what theirs took, and when, over shared memory. A thread that has to know what the others took until its turn waits
 * until they have come as far; where there is plenty left it does not, and looks later whether there was.
 */
import { PerennialError } from '../../domain/errors.ts'
import { type Turn, SHOP, byTurn } from './clock.ts'

/** One thread's part of the memory that all of them see. */
interface Slate {
  /** How far it has come: a turn as one number, and how many lines it has written. */
  come: BigInt64Array
  /** Lines of LINE numbers. Only the thread itself writes them, and none that it has counted changes. */
  lines: SharedArrayBuffer
  /** The same as numbers: as many as there are by now. */
  numbers: Float64Array
}

/** For each thread its slate; handed to all of them. */
export type Board = readonly { readonly come: SharedArrayBuffer; readonly lines: SharedArrayBuffer }[]

/** at, of, what was taken, how much of it, of which part of it. */
const LINE = 5
const BYTES = 8
const FIRST_LINES = 10_000
/** What a slate may grow to; memory is taken as it grows. */
const MOST_LINES = 20_000_000

const [COME, WRITTEN] = [0, 1]

export function newBoard(threads: number): Board {
  return Array.from({ length: threads }, () => ({
    come: new SharedArrayBuffer(2 * BYTES),
    lines: new SharedArrayBuffer(FIRST_LINES * LINE * BYTES, { maxByteLength: MOST_LINES * LINE * BYTES }),
  }))
}

/** A place has 21 bits, as there may be a million customers; what is left lasts for longer than anybody simulates. */
const PLACES = 21n
const numberOf = ({ at, of }: Turn, start: number): bigint => (BigInt(at - start) << PLACES) + BigInt(of + 1)
const OVER = 2n ** 62n

/** More was taken at once than anybody thought: what was given meanwhile may have been too much. The people are to be played in one thread. */
export class Overtaken extends Error {}

/** Of what there is a bounded amount for all. */
export class Share {
  /** What the others took, as far as is known. */
  others = 0
  /** Whoever would leave less looks first what the others took. */
  margin = 0
  /** What was taken is never given back. */
  lasting = false
  /** What was left over at the least where something was given without a look since the last; what the others took until the next. */
  over = Infinity
  rise = 0
  /** The most that it came to. */
  peak = 0
}

export interface Bounds {
  most: number
  lasting: boolean
  burst?: number
}

/** Who asked for a place of a morning, in whichever thread. */
export interface Ask extends Turn {
  readonly channel: number
  readonly opensAt: number
}

interface Peer extends Slate {
  read: number
}

interface Told extends Turn {
  what: number
  amount: number
  part: number
}

/** What a line is of, where it is of a place of the morning. */
const MORNING = -1

const ALONE: Board = []

export class Commons {
  private readonly shares = new Map<string, Share>()
  private readonly own: Slate | undefined
  private readonly peers: Peer[]
  private written = 0
  private readonly turn: () => Turn
  private readonly start: number
  private asks: Ask[] = []
  /** Why no more can be said; a story that hears of it would only take it for a failure of its own. */
  private broken: Error | undefined

  /** `board` has a slate for each thread, of which this one is the `nth`; without one it has all of the people. */
  constructor({
    start,
    turn,
    nth = 0,
    board = ALONE,
  }: {
    start: number
    turn: () => Turn
    nth?: number
    board?: Board
  }) {
    this.start = start
    this.turn = turn
    const slates = board.map(({ come, lines }): Slate => ({
      come: new BigInt64Array(come),
      lines,
      numbers: new Float64Array(lines),
    }))
    this.own = slates[nth]
    this.peers = slates.flatMap((slate, one) => (one === nth ? [] : [{ ...slate, read: 0 }]))
  }

  private get isAlone(): boolean {
    return this.peers.length === 0
  }

  /** Tells the others how far this thread has come: they need wait for nothing that lies before. */
  readonly came = (at: number, of: number): void => {
    if (this.broken) throw this.broken
    if (this.own && !this.isAlone) Atomics.store(this.own.come, COME, numberOf({ at, of }, this.start))
  }

  /** Hears what the others did until now. */
  meet(): void {
    this.look(this.turn())
  }

  /** This thread is at its end. What the others did until theirs is looked at, so that nothing was given too much. */
  end(): void {
    if (this.broken) throw this.broken
    this.leave()
    this.look({ at: Infinity, of: SHOP }, OVER)
  }

  /** The others need not wait for this thread any more. */
  leave(): void {
    if (this.own) Atomics.store(this.own.come, COME, OVER)
  }

  /**
   * What there is `most` of: `what` is a number that all threads have for it, `part` one for a part of it. `burst`: so much may be taken
   * in a moment.
   */
  share(what: number, part: number, { most, lasting, burst = 0 }: Bounds): Share {
    return Object.assign(this.shareOf(what, part), { margin: Math.max(Math.floor(most / 4), burst), lasting })
  }

  private shareOf(what: number, part: number): Share {
    const key = `${what}/${part}`
    const known = this.shares.get(key) ?? new Share()
    this.shares.set(key, known)
    return known
  }

  /** What is left of a share for whoever's turn it is, who would take so much; `room` is what the people of this thread leave of it. */
  left(share: Share, room: number, wanted: number): number {
    if (this.isAlone) return room
    const known = room - share.others
    if (known - wanted >= share.margin) {
      share.over = Math.min(share.over, known - wanted)
      return known
    }
    if (share.lasting && known <= 0) return known
    this.look(this.turn())
    return room - share.others
  }

  /** Something of a share was taken, or given back where it is below zero. */
  took(what: number, part: number, amount: number): void {
    if (!this.isAlone && amount !== 0) this.write(what, part, amount)
  }

  /** How many threads there are beside this one. */
  get others(): number {
    return this.peers.length
  }

  /** What the others said of something until they were met last; it is told once. */
  heard(what: number, part: number): number {
    const key = `${what}/${part}`
    const said = this.shares.get(key)?.others ?? 0
    this.shares.delete(key)
    return said
  }

  /** Somebody wants a place of the morning. */
  ask({ channel, opensAt }: Pick<Ask, 'channel' | 'opensAt'>): Ask {
    const { at, of } = this.turn()
    const ask = { at, of, channel, opensAt }
    this.asks.push(ask)
    if (!this.isAlone) this.write(MORNING, channel, opensAt)
    return ask
  }

  /** All who asked before a moment, whichever their thread, in the order of their turns; each is answered once. */
  askedBefore(at: number): Ask[] {
    this.look({ at, of: SHOP })
    const asked = this.asks.filter((one) => one.at < at)
    this.asks = this.asks.filter((one) => one.at >= at)
    return asked.sort(byTurn)
  }

  private write(what: number, part: number, amount: number): void {
    const { own } = this
    if (!own) return
    const { at, of } = this.turn()
    const from = this.written * LINE
    if (this.written === MOST_LINES) this.fail(new Overtaken('more was taken than a slate has room for'))
    if (from + LINE > own.numbers.length) own.lines.grow(Math.min(MOST_LINES * LINE * BYTES, own.lines.byteLength * 2))
    own.numbers[from] = at
    own.numbers[from + 1] = of
    own.numbers[from + 2] = what
    own.numbers[from + 3] = part
    own.numbers[from + 4] = amount
    this.written += 1
    Atomics.store(own.come, WRITTEN, BigInt(this.written))
  }

  /** Reads what the others did before a turn, for which it waits. */
  private look(until: Turn, number = numberOf(until, this.start)): void {
    for (const peer of this.peers) {
      if (!waitFor(peer, number))
        this.fail(new PerennialError('INTERNAL', 'a thread of the simulation has not come on for two minutes'))
      const written = Number(Atomics.load(peer.come, WRITTEN))
      for (; peer.read < written; peer.read++) {
        const told = lineAt(peer.numbers, peer.read)
        if (byTurn(told, until) >= 0) break
        this.apply(told)
      }
    }
    for (const share of this.shares.values()) {
      if (share.peak > share.over) this.fail(new Overtaken('more was taken at once than was left to trust'))
      share.over = Infinity
      share.rise = 0
      share.peak = 0
    }
  }

  private fail(error: Error): never {
    this.broken = error
    throw error
  }

  private apply({ at, of, what, part, amount }: Told): void {
    if (what === MORNING) this.asks.push({ at, of, channel: part, opensAt: amount })
    else {
      const share = this.shareOf(what, part)
      share.others += amount
      share.rise += amount
      share.peak = Math.max(share.peak, share.rise)
    }
  }
}

function lineAt(numbers: Float64Array, nth: number): Told {
  const [at = 0, of = 0, what = 0, part = 0, amount = 0] = numbers.subarray(nth * LINE, (nth + 1) * LINE)
  return { at, of, what, part, amount }
}

/** Looks this often before it lets go of the core for a moment. */
const LOOKS = 2_000
const MOMENT_MS = 0.2
/** A thread that stands still for so long is dead: the longest turn, of a campaign that begins for a million, takes seconds. */
const PATIENCE_MS = 120_000
const nobody = new Int32Array(new SharedArrayBuffer(4))

/** False where it gave up. */
function waitFor({ come }: Peer, number: bigint): boolean {
  let seen = -1n
  let since = 0
  for (let looks = 0; ; looks++) {
    const now = Atomics.load(come, COME)
    if (now >= number) return true
    if (looks < LOOKS) continue
    Atomics.wait(nobody, 0, 0, MOMENT_MS)
    if (now !== seen) [seen, since] = [now, performance.now()]
    else if (performance.now() - since > PATIENCE_MS) return false
  }
}
