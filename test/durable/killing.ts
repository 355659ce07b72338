/** Workers in processes of their own that are killed at random while customers come in. */
import { setTimeout as pause } from 'node:timers/promises'
import { bucketOf } from '../../domain/experiment.ts'
import { type StoodBy, standBy } from '../processes.ts'
import { type World, person } from '../world.ts'
import type { Go } from './worker-process.ts'

const PROGRAM = new URL('./worker-process.ts', import.meta.url)

export interface Killing {
  go: Go
  kills: number
  /** So many customers register while it goes on: V1, V2 …, or as `letter` has it. Temporal keeps the ids of the other tests' runs. */
  runs: number
  letter?: string
  /** The lives of the workers are the same for the same seed. */
  seed: string
}

/** Kills one worker after the other with -9; the last one is left alive, and goes on with all there is. */
export async function killWorkers(world: World, { go, kills, runs, seed, letter = 'V' }: Killing): Promise<void> {
  let next: Promise<StoodBy> = standBy(PROGRAM)
  let registered = 0
  for (let kill = 0; kill < kills; kill++) {
    const worker = await next
    await worker.begin(go)
    next = standBy(PROGRAM)
    while (registered < (runs * (kill + 1)) / kills) {
      registered += 1
      const id = `${letter}${registered}`
      await world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
    }
    await pause(100 + 600 * (bucketOf(seed, 'life', String(kill)) / 10_000))
    worker.kill()
  }
  const last = await next
  await last.begin(go)
}
