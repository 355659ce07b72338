/**
 * The simulation by itself: no server. Run it alone, as it wants all cores and the memory's whole way to them. Each play has a process of
 * its own, as one that has played before has compiled all it needs.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { USUAL } from '../../client/simulation/made-up-kinds.ts'

/** Of a busy shop: what is in the table of docs/simulation.md. */
const BUSY = 1

/** What is played. */
export interface SimulationAsked {
  customers: number
  threads: number
  /** How many times as much customers do as those of a busy shop. */
  activity: number
}

export interface SimulationResult extends SimulationAsked {
  runs: number
  /** Sent, and decided against. */
  messages: number
  seconds: { generate: number; simulate: number; report: number }
  cpuSeconds: number
  megabytes: number
}

/**
 * All journeys and campaigns over so many made-up customers, in one thread and then in as many as there are cores; and both over
 * customers of a busy shop.
 */
export async function measureSimulation(
  customers: number,
  say: (line: string) => void,
): Promise<Record<string, SimulationResult>> {
  const results: Record<string, SimulationResult> = {}
  const counts = [...new Set([1, availableParallelism()])]
  const plays = [USUAL, BUSY].flatMap((activity) => counts.map((threads) => ({ customers, threads, activity })))
  for (const asked of plays) {
    const result = await playedApart(asked)
    say(`simulation: ${JSON.stringify(result)}`)
    results[`${asked.activity === BUSY ? 'busy-' : ''}threads${asked.threads}`] = result
  }
  return results
}

async function playedApart(asked: SimulationAsked): Promise<SimulationResult> {
  const child = fork(fileURLToPath(new URL('./simulation-process.ts', import.meta.url)), [JSON.stringify(asked)])
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process that played ended without a word')
  })
  const [result] = (await Promise.race([once(child, 'message'), ended])) as [SimulationResult]
  return result
}
