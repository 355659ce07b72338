/** The simulation by itself: no server. Run it alone, as it wants all cores and the memory's whole way to them. */
import { availableParallelism } from 'node:os'
import { type CatalogueEntry, readCatalogue } from '../../client/catalogue.ts'
import { Crew } from '../../client/simulation/crew.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { pageOf } from '../../client/simulation/page.ts'
import { reportOf } from '../../client/simulation/report.ts'
import { RULES } from '../../client/simulation/simulate.ts'

const FROM = Date.UTC(2026, 10, 23)
const DAYS = 90
const SEED = 7

export interface SimulationResult {
  customers: number
  threads: number
  runs: number
  /** Sent, and decided against. */
  messages: number
  seconds: { generate: number; simulate: number; report: number }
  cpuSeconds: number
  megabytes: number
}

/** All journeys and campaigns over so many made-up customers, in one thread and then in as many as there are cores. */
export async function measureSimulation(
  customers: number,
  say: (line: string) => void,
): Promise<Record<string, SimulationResult>> {
  const entries = [...(await readCatalogue()).values()]
  const results: Record<string, SimulationResult> = {}
  for (const threads of new Set([1, availableParallelism()])) {
    const result = await measure(entries, { customers, threads })
    say(`simulation: ${JSON.stringify(result)}`)
    results[`threads${threads}`] = result
  }
  return results
}

/** The threads have loaded their journeys before the clock starts, as this one has. */
async function measure(
  entries: readonly CatalogueEntry[],
  { customers, threads }: { customers: number; threads: number },
): Promise<SimulationResult> {
  const crew = new Crew(threads)
  await crew.opened()
  const began = performance.now()
  const members = generatedMembers({ customers, seed: SEED, from: FROM, days: DAYS })
  const generated = performance.now()
  const before = process.cpuUsage()
  const outcome = await crew.simulate({ entries, members, from: FROM, days: DAYS })
  const cpu = process.cpuUsage(before)
  const played = performance.now()
  const { pointCost } = RULES
  const report = reportOf({ entries, customers, from: FROM, days: DAYS, seed: SEED, pointCost, outcome })
  pageOf(report)
  const seconds = (from: number, to: number): number => Math.round((to - from) / 10) / 100
  const result = {
    customers,
    threads,
    runs: report.runs,
    messages: outcome.decided,
    seconds: {
      generate: seconds(began, generated),
      simulate: seconds(generated, played),
      report: seconds(played, performance.now()),
    },
    cpuSeconds: Math.round((cpu.user + cpu.system) / 10_000) / 100,
    megabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  }
  await crew.close()
  return result
}
