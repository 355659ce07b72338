/** What Perennial's rules know of a person of the shop. */

import type { Properties } from './journey.ts'
import type { Standing } from './standing.ts'
import type { TierFacts } from './tier.ts'

/** What a story may ask of a customer: no name, no address, only what a plan branches on. Money in minor units. */
export interface Facts {
  zone: string | null
  /** The day on their calendar: '2026-11-23'. A story has no clock of its own. */
  today: string
  tags: string[]
  paidOrders: number
  spent: number
  since: string
  /** Null where the shop has no programme of tiers. */
  tier: TierFacts | null
  /** What the shop told of them beside, by name: { babyBorn: '2026-03-01' }. */
  traits: Properties
  /** Null before the first nightly reckoning of this customer. */
  standing: Standing | null
}
