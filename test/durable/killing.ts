/** Workers in processes of their own that are killed at random while customers come in. */
import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { bucketOf } from '../../domain/experiment.ts'
import { type World, person } from '../world.ts'
import type { Go } from './worker-process.ts'

const PROGRAM = fileURLToPath(new URL('./worker-process.ts', import.meta.url))

const alive = new Set<ChildProcess>()

/** Ends what is left of the workers; for afterAll. */
export function killAll(): void {
  for (const child of alive) child.kill('SIGKILL')
}

/** A process that has loaded everything and waits; loading takes longer than the life that is ahead of it. */
async function standBy(): Promise<ChildProcess> {
  const child = fork(PROGRAM, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  await said(child, 'loaded')
  return child
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const heard = (message: unknown): void => {
      if (message !== word) return
      child.off('message', heard)
      resolve()
    }
    child.on('message', heard)
    child.once('exit', (code, signal) => reject(new Error(`the worker ended by itself: ${code ?? signal}`)))
  })
}

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
  let next = standBy()
  let registered = 0
  for (let kill = 0; kill < kills; kill++) {
    const worker = await next
    worker.send(go)
    await said(worker, 'working')
    next = standBy()
    while (registered < (runs * (kill + 1)) / kills) {
      registered += 1
      const id = `${letter}${registered}`
      await world.send({ id: `${id}-in`, type: 'customer.registered', customer: person(id) })
    }
    await pause(100 + 600 * (bucketOf(seed, 'life', String(kill)) / 10_000))
    worker.removeAllListeners('exit')
    worker.kill('SIGKILL')
    alive.delete(worker)
  }
  const last = await next
  last.send(go)
  await said(last, 'working')
}
