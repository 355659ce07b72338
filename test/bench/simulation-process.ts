/** One play of the simulation bench, in a process of its own: is asked by its argument, and answers by a message. */
import { readCatalogue } from '../../client/catalogue.ts'
import { Crew } from '../../client/simulation/crew.ts'
import { generatedMembers } from '../../client/simulation/generated.ts'
import { pageOf } from '../../client/simulation/page.ts'
import { reportOf } from '../../client/simulation/report.ts'
import { RULES } from '../../client/simulation/simulate.ts'
import type { SimulationAsked, SimulationResult } from './simulation.ts'

const SPAN = { from: Date.UTC(2026, 10, 23), days: 90 }
const SEED = 7

/** The threads have loaded their journeys before the clock starts, as this one has. */
async function play(asked: SimulationAsked): Promise<SimulationResult> {
  const { customers, threads, activity } = asked
  const entries = [...(await readCatalogue()).values()]
  const crew = new Crew(threads)
  await crew.opened()
  const began = performance.now()
  const members = generatedMembers({ customers, seed: SEED, ...SPAN, activity })
  const generated = performance.now()
  const before = process.cpuUsage()
  const outcome = await crew.simulate({ entries, members, ...SPAN })
  const cpu = process.cpuUsage(before)
  const played = performance.now()
  const { pointCost } = RULES
  const report = reportOf({ entries, customers, ...SPAN, seed: SEED, activity, pointCost, outcome })
  pageOf(report)
  const seconds = (from: number, to: number): number => Math.round((to - from) / 10) / 100
  const result = {
    ...asked,
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

process.send?.(await play(JSON.parse(process.argv[2] ?? '{}') as SimulationAsked))
process.disconnect()
