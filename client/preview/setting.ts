/** What a walk is given: one customer, one plan, and what happens to them from outside. */
import type { KeptBirthday } from '../../domain/birthday.ts'
import type { QuietHours } from '../../domain/calendar.ts'
import type { ChannelName } from '../../domain/channel.ts'
import type { Bid, CapRule, PastMessage } from '../../domain/pressure.ts'
import type { Expiring } from '../../domain/expiry.ts'
import type { Arm } from '../../domain/experiment.ts'
import type { Properties } from '../../domain/journey.ts'
import type { LetterMemory } from '../../domain/letter-memory.ts'
import type { Programme } from '../../domain/tier.ts'
import type { RiskOutcome } from '../../domain/risk.ts'
import type { Standing } from '../../domain/standing.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { PublishedWords } from './words.ts'

export interface VirtualCustomer {
  id: string
  name: string | null
  email: string | null
  /** Where they can be reached beside e-mail, by channel. */
  reach?: Partial<Record<ChannelName, string>>
  /** The channels they like best first. */
  channels?: ChannelName[]
  zone: string | null
  birthday?: KeptBirthday | null
  /** BCP 47, and E.164: what their words are chosen by. */
  locale?: string | null
  phone?: string | null
  /** Whether they agreed to the plan's topic. */
  consent: boolean
  /** Where they do not: why a journey withdrew it ('silence'); absent where they never agreed or said no themselves. */
  withdrawnFor?: string
  suppressed: boolean
  tags: string[]
  traits?: Properties
  /** As the last nightly reckoning left it; it does not change in a walk. */
  standing?: Standing | null
  /** Before the walk; what is paid in it is added. Money in minor units. */
  paidOrders: number
  spent: number
  /**
   * The level at the start, what counts now (what the level takes, unless said), what is missing to keep it (nothing) and the days
   * that its term has left (365). Null: the lowest level.
   */
  tier: { level: string; growth?: number; needed?: number; daysLeft?: number } | null
}

/** What happens from outside, epoch ms of shop time. */
export type Outside = { at: number } & (
  | { is: 'event'; type: string; properties: Properties }
  | { is: 'unsubscribe' }
  | { is: 'pause' }
  | { is: 'resume' }
  | ({ is: 'decision' } & Answered)
)

/** What a person decides, or says of a task; by 'operator' unless said. */
export interface Answered {
  decision: 'approve' | 'deny' | 'done' | 'cannot'
  by?: string
}

/** The messages of one customer, over all runs. */
export interface CustomerLoad {
  past: PastMessage[]
  /** What waits in an auction, by its key; a silent one is of a control arm. */
  bids: Map<string, Bid & { silent: boolean }>
}

/** Points of a lot, or coupons, that expire; `goneAt` is when they are spent or redeemed. */
export interface Perishable extends Expiring {
  goneAt: number
}

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
  /** What is remembered of letters; each is written and read anew unless said. */
  letters?: LetterMemory
  /** Nobody will look at the words of what was sent. */
  isUnheard?: boolean
  programme: Programme
  quiet: QuietHours
  caps: readonly CapRule[]
  /** What the customer got in the other journeys so far, and, with `auctionMs`, what waits there; runs side by side share it. */
  load: CustomerLoad
  auctionMs: number
  /** The best priority of any journey. */
  highest: number
  /** A place of the morning for what was held over the night: activities/gate.ts. As soon as it opens, where it is left out. */
  release?: (asked: { channel: ChannelName; opensAt: number; key: string }) => number
  /** Terms that a person has agreed to. */
  approved: readonly string[]
  /** Called before the clock goes on, so that runs side by side keep one time. */
  pace?: (at: number) => Promise<void>
  /** Coupons that each offer has left (undefined: its quota), and that the customer has of each. */
  couponsLeft: number | undefined
  couponsHeld: number
  /** What is left of the plan's budget for this journey, minor units (undefined: what the plan words). */
  budgetLeft: number | undefined
  /** What expires, for a journey that tells of it. */
  perishables: readonly Perishable[]
  /** What the risk rules say, in the order in which they are asked ('allow' from then on), and the friends approved before. */
  referral: { risk: readonly RiskOutcome[]; friends: number }
}
