/** The numbers of budgets, read from the store when somebody asks. */
import { Gauge } from 'prom-client'
import { alertCounts, budgetLines } from '../../store/budgets.ts'
import type { Db } from '../../store/db.ts'

/** Gauges that say nothing while the store does not answer: the other numbers must come all the same. */
export function budgetGauges(db: Db): Gauge[] {
  const money = new Gauge({
    name: 'perennial_budget_minor',
    help: 'Money of each budget in minor units: its cap, what is reserved and what is spent of it.',
    labelNames: ['budget', 'part'] as const,
    registers: [],
    async collect() {
      this.reset()
      for (const { budget, cap, reserved, spent } of await orNone(budgetLines(db))) {
        for (const [part, amount] of Object.entries({ cap, reserved, spent })) this.set({ budget, part }, amount)
      }
    },
  })
  const alerts = new Gauge({
    name: 'perennial_budget_alerts',
    help: 'How often each budget passed each threshold, percent of its cap; 100 also where a journey was refused.',
    labelNames: ['budget', 'threshold'] as const,
    registers: [],
    async collect() {
      this.reset()
      for (const { budget, threshold, count } of await orNone(alertCounts(db))) {
        this.set({ budget, threshold: String(threshold) }, count)
      }
    },
  })
  return [money, alerts]
}

async function orNone<T>(rows: Promise<T[]>): Promise<T[]> {
  try {
    return await rows
  } catch {
    return []
  }
}
