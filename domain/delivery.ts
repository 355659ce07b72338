/** How the messages of a plan go out: over which channels, how urgently, as what they count, and what they need. */
import type { ChannelName } from './channel.ts'
import { MESSAGES } from './consent.ts'

/** What one message says of itself; what it leaves out is as the plan has it. */
export interface MessageDelivery {
  /** In the order in which the plan would use them. */
  channels?: ChannelName[]
  /** What it counts as in the frequency caps, beside the tags of the plan. */
  tags?: string[]
  /** Terms for which the shop holds proof, beside those of the plan. */
  evidence?: string[]
}

export interface Delivery {
  /** What consent is needed for beside messages at all. */
  purpose: string
  /** Of two journeys that want the last place the caps have, the higher goes. */
  priority: number
  channels: ChannelName[]
  tags: string[]
  evidence: string[]
  messages: Record<string, MessageDelivery>
}

export const PLAIN: Delivery = {
  purpose: MESSAGES,
  priority: 0,
  channels: ['email'],
  tags: [],
  evidence: [],
  messages: {},
}

export function deliveryOf(plan: Delivery, message: string): Required<MessageDelivery> {
  const before = deliveries.get(plan)?.get(message)
  if (before) return before
  const known = deliveries.get(plan) ?? new Map<string, Required<MessageDelivery>>()
  const one = madeOf(plan, message)
  deliveries.set(plan, known.set(message, one))
  return one
}

const deliveries = new WeakMap<Delivery, Map<string, Required<MessageDelivery>>>()

function madeOf({ channels, tags, evidence, messages }: Delivery, message: string): Required<MessageDelivery> {
  const own = messages[message] ?? {}
  return {
    channels: own.channels ?? channels,
    tags: [...new Set([...tags, ...(own.tags ?? [])])],
    evidence: [...evidence, ...(own.evidence ?? [])],
  }
}

/** The channels of a message as this customer would have them: what they like best first, then in the plan's order. */
export function preferred(channels: readonly ChannelName[], likes: readonly string[]): ChannelName[] {
  if (likes.length === 0 || channels.length < 2) return [...channels]
  const rank = (channel: ChannelName): number => (likes.includes(channel) ? likes.indexOf(channel) : likes.length)
  return [...channels].sort((one, other) => rank(one) - rank(other))
}
