/** A population over several threads: this one plays a part of the people, each thread beside it another. */
import { availableParallelism } from 'node:os'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { PerennialError, type Problem, problemOf } from '../../domain/errors.ts'
import { type CatalogueEntry, WORKFLOWS_FOLDER } from '../catalogue.ts'
import { type Board, Overtaken, newBoard } from './commons.ts'
import { type Part, partsOf } from './members.ts'
import { type Outcome, outcomeOf, together } from './outcome.ts'
import { type Playing, type Simulating, play, simulate } from './simulate.ts'

/** What a thread is told to play: the journeys by name, as a story does not go from thread to thread. */
export interface Task extends Omit<Playing, 'entries' | 'part' | 'board'> {
  journeys: string[]
  part: Part
  board: Board
}

/** What it came to; `overtaken` where the people are to be played in one thread. */
export type Answer = { is: 'played'; outcome: Outcome } | { is: 'overtaken' } | { is: 'failed'; problem: Problem }

/** Said once the journeys are loaded. */
export const READY = 'ready'

/** TypeScript is read by tsx, which does not come along into a thread. */
const isSource = import.meta.url.endsWith('.ts')
const PROGRAM = JSON.stringify(new URL(`./hand.${isSource ? 'ts' : 'js'}`, import.meta.url).href)
const LOADING = isSource
  ? `import('tsx/esm/api').then(({ register }) => { register(); return import(${PROGRAM}) })`
  : `import(${PROGRAM})`

/** Megabytes for what is young: what a run leaves behind is dead before it is looked at. */
const YOUNG = 192

/** More threads than this wait for one another. */
const THREADS_MOST = 8
/** So few people are played before a thread has begun. */
const PEOPLE_LEAST = 1_000

/** How many threads are worth while for so many customers. */
export const threadsFor = (customers: number): number =>
  customers < PEOPLE_LEAST ? 1 : Math.min(THREADS_MOST, availableParallelism())

export class Crew {
  private readonly hands: Worker[]
  private readonly ready: Promise<unknown>

  /** Begins to load the journeys of a folder in all threads but this one. */
  constructor(threads: number, folder: URL = WORKFLOWS_FOLDER) {
    this.hands = Array.from(
      { length: threads - 1 },
      () =>
        new Worker(LOADING, {
          eval: true,
          workerData: { folder: folder.href },
          resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
        }),
    )
    this.ready = Promise.all(this.hands.map((hand) => once(hand, 'message')))
    // Whoever simulates hears of it.
    this.ready.catch(() => {})
  }

  /** Resolves when all threads have their journeys. */
  async opened(): Promise<void> {
    await this.ready
  }

  /** Plays the days over all threads; comes to the same as in one. The journeys are those of the folder. */
  async simulate(asked: Simulating): Promise<Outcome> {
    const outcome = this.hands.length > 0 ? await this.inParts(asked) : undefined
    return outcome ?? (await simulate(asked)).outcome
  }

  /** As `simulate` does it in one thread: once more where the story of the worst hit was not kept. */
  private async inParts(asked: Simulating): Promise<Outcome | undefined> {
    await this.ready
    const parts = partsOf(asked.members, this.hands.length + 1)
    const outcome = await this.over(parts, asked)
    const worst = outcome?.worst
    return worst && !worst.timeline ? this.over(parts, asked, worst.customer) : outcome
  }

  async close(): Promise<void> {
    await Promise.all(this.hands.map((hand) => hand.terminate()))
  }

  /** Undefined where one thread was overtaken by another. */
  private async over(parts: [Part, ...Part[]], asked: Simulating, watched?: string): Promise<Outcome | undefined> {
    const { members: _members, entries, ...more } = asked
    const [own, ...others] = parts
    const board = newBoard(parts.length)
    const shared = { ...more, board, ...(watched !== undefined && { watched }) }
    const answers = this.hands.map(async (hand, nth): Promise<Answer> => {
      const task = { ...shared, part: others[nth], journeys: namesOf(entries) }
      const answer = once(hand, 'message')
      hand.postMessage(task)
      return ((await answer) as [Answer])[0]
    })
    const mine = await tried(() => play({ ...shared, entries, part: own }).then(outcomeOf))
    const all = [mine, ...(await Promise.all(answers))]
    const outcomes = all.flatMap((one) => (one.is === 'played' ? [one.outcome] : []))
    for (const one of all) if (one.is === 'failed') throw errorOf(one.problem)
    return outcomes.length === all.length ? outcomes.reduce(together) : undefined
  }
}

/** An error does not go from thread to thread as what it is, but as what it says. */
const errorOf = ({ code, message, ...at }: Problem): PerennialError => new PerennialError(code, message, at)

const namesOf = (entries: readonly CatalogueEntry[]): string[] => entries.map(({ plan }) => plan.name)

export async function tried(work: () => Promise<Outcome>): Promise<Answer> {
  try {
    return { is: 'played', outcome: await work() }
  } catch (error) {
    if (error instanceof Overtaken) return { is: 'overtaken' }
    if (error instanceof PerennialError) return { is: 'failed', problem: problemOf(error) }
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { is: 'failed', problem: problemOf(new PerennialError('INTERNAL', message)) }
  }
}
