/** Where a customer stands with the shop, as the nightly reckoning left it (store/standings.ts). Money in minor units. */

export const STAGES = ['prospect', 'new', 'active', 'high-value', 'at-risk', 'dormant', 'lost', 'reactivated'] as const
export type Stage = (typeof STAGES)[number]

/** Recency, frequency and money, each 1 (least) to 5. */
export interface Rfm {
  r: number
  f: number
  m: number
}

export interface Standing {
  stage: Stage
  /** Null for who paid nothing within the window. */
  rfm: Rfm | null
  /** The name of the cell of the RFM map: 'champions'. Null with `rfm`. */
  segment: string | null
  /** Days between paid orders, the median of the customer's own; null before the second order. */
  gapDays: number | null
  /** Days after which each category is bought again: the customer's own median where there is one, else the shop's. */
  cycles: Record<string, number>
  /** Paid net of refunds within the last 365 days. */
  yearSpent: number
  /** ISO 8601; null before the first paid order. */
  lastPaidAt: string | null
  churnRisk: boolean
}
