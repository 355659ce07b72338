import type { SimulationReport } from './report.ts'
import type { ShopRules } from './shop.ts'
export const pageOf = (report: SimulationReport, _rules: ShopRules): string =>
  `<!doctype html><pre>${report.customers}</pre>`
