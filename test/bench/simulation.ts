/** The simulation by itself: no server, one thread. Run it alone, as it wants a core and the memory's whole way to it. */
import { readCatalogue } from '../../client/catalogue.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { pageOf } from '../../client/simulation/page.ts'
import { reportOf } from '../../client/simulation/report.ts'
import { simulate } from '../../client/simulation/simulate.ts'

const FROM = Date.UTC(2026, 10, 23)
const DAYS = 90
const SEED = 7

export interface SimulationResult {
  customers: number
  runs: number
  messages: number
  seconds: { generate: number; simulate: number; report: number }
  cpuSeconds: number
  megabytes: number
}

/** All journeys and campaigns over so many made-up customers. */
export async function measureSimulation(customers: number, say: (line: string) => void): Promise<SimulationResult> {
  const entries = [...(await readCatalogue()).values()]
  const began = performance.now()
  const members = generatedMembers({ customers, seed: SEED, from: FROM, days: DAYS })
  const generated = performance.now()
  const before = process.cpuUsage()
  const simulated = await simulate({ entries, members, from: FROM, days: DAYS })
  const cpu = process.cpuUsage(before)
  const played = performance.now()
  const report = reportOf(simulated, { seed: SEED })
  pageOf(report)
  const seconds = (from: number, to: number): number => Math.round((to - from) / 10) / 100
  const result = {
    customers,
    runs: report.runs,
    messages: simulated.tally.messages.size,
    seconds: {
      generate: seconds(began, generated),
      simulate: seconds(generated, played),
      report: seconds(played, performance.now()),
    },
    cpuSeconds: Math.round((cpu.user + cpu.system) / 10_000) / 100,
    megabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  }
  say(`simulation: ${JSON.stringify(result)}`)
  return result
}
