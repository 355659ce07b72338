/** What Perennial's rules know of a person of the shop. */

import type { TierFacts } from './tier.ts'

/** What a story may ask of a customer: no name, no address, only what a plan branches on. Money in minor units. */
export interface Facts {
  zone: string | null
  tags: string[]
  paidOrders: number
  spent: number
  since: string
  /** Null where the shop has no programme of tiers. */
  tier: TierFacts | null
}
