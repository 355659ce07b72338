/** What a walk is given: one customer, one plan, and what happens to them from outside. */
import type { QuietHours } from '../../domain/calendar.ts'
import type { Arm } from '../../domain/experiment.ts'
import type { Properties } from '../../domain/journey.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { PublishedWords } from './words.ts'

export interface VirtualCustomer {
  id: string
  name: string | null
  email: string | null
  zone: string | null
  /** BCP 47, and E.164: what their words are chosen by. */
  locale?: string | null
  phone?: string | null
  /** Whether they agreed to the plan's topic. */
  consent: boolean
  suppressed: boolean
  tags: string[]
  /** Before the walk; what is paid in it is added. Money in minor units. */
  paidOrders: number
  spent: number
}

/** What happens from outside, epoch ms of shop time. */
export type Outside = { at: number } & (
  { is: 'event'; type: string; properties: Properties } | { is: 'unsubscribe' } | { is: 'pause' } | { is: 'resume' }
)

export interface Setting {
  plan: CatalogueEntry['plan']
  run: string
  arm: Arm
  /** When the customer enters, and when the story begins. */
  start: number
  startsAt: number
  customer: VirtualCustomer
  /** The properties of the event that began the run. */
  begin: Properties
  /** The customer's, or the shop's where they have none. */
  zone: string
  /** Sorted by `at`. */
  outside: readonly Outside[]
  /** What operators have published over the plan's words. */
  published?: PublishedWords | undefined
  quiet: QuietHours
  cap: { messages: number; windowMs: number }
  /** Marketing messages of other journeys, reserved at the start. */
  recent: number
  /** Coupons that each offer has left (undefined: its quota), and that the customer has of each. */
  couponsLeft: number | undefined
  couponsHeld: number
}
