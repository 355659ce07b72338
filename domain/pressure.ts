/** How much a customer is written to: rolling caps, all of which must have room, and who gets the last place they have. */
import type { ChannelName } from './channel.ts'
import type { MessageClass } from './sending.ts'

/** At most so many messages in a rolling window, of one channel or tag where it names one. */
export interface CapRule {
  messages: number
  windowMs: number
  channel?: ChannelName
  tag?: string
  /** The classes of message that count in the window; which classes are bound by it is for the gate's table to say. */
  counts: readonly MessageClass[]
}

export interface Load {
  channel: ChannelName
  tags: readonly string[]
}

/** A message that went out, is on its way or is reserved; `at` is when its place was taken. */
export interface PastMessage extends Load {
  at: number
  class: MessageClass
}

/** A message of the same customer that waits in an auction. */
export interface Bid extends Load {
  key: string
  priority: number
  at: number
  until: number
}

/**
 * go: there is room, and nobody better waits for it. full: none. outranked: there was, and another journey got it. wait: until the
 * auction is over.
 */
export type Contest = { is: 'go' | 'full' | 'outranked' } | { is: 'wait'; until: number; since: number }

const concerns = (rule: CapRule, load: Load): boolean =>
  (rule.channel === undefined || rule.channel === load.channel) &&
  (rule.tag === undefined || load.tags.includes(rule.tag))

/** How many messages a rule still has room for: a message counts until a window after it to the millisecond. */
function roomOf(rule: CapRule, past: readonly PastMessage[], now: number): number {
  let room = rule.messages
  const since = now - rule.windowMs
  for (const one of past) {
    if (one.at > since && rule.counts.includes(one.class) && concerns(rule, one)) room -= 1
  }
  return room
}

export interface Contender extends Load {
  key: string
  priority: number
  /** When it entered the auction, and until when that lasts; null where it has not. */
  bid: { at: number; until: number } | null
}

const outranks = (one: Bid, me: Contender): boolean =>
  one.priority > me.priority ||
  (one.priority === me.priority &&
    me.bid !== null &&
    (one.at < me.bid.at || (one.at === me.bid.at && one.key < me.key)))

/**
 * Whether a message may take a place under the caps. Where it would take the last one and some journey ranks higher than its own
 * (`highest` is the best there is), it waits for the window, once for all who ask within it: the best goes, and the others once
 * more wait for as long in case the best does not go after all. Nobody waits longer. Rivals are the bids of the customer's other
 * runs. Everything in ms of shop time.
 */
export function contest(
  me: Contender,
  facts: {
    rules: readonly CapRule[]
    past: readonly PastMessage[]
    rivals: readonly Bid[]
    highest: number
    windowMs: number
    now: number
  },
): Contest {
  const { past, rivals, now, windowMs } = facts
  // The first time round and no longer than the second window: who has not come back by then has lost its turn.
  const live = rivals.length === 0 ? rivals : rivals.filter((one) => now < one.until + windowMs)
  let [isFull, isLast, isAhead] = [false, false, false]
  for (const rule of facts.rules) {
    if (!concerns(rule, me)) continue
    const room = roomOf(rule, past, now)
    let better = 0
    for (const one of live) if (outranks(one, me) && concerns(rule, one)) better += 1
    isFull ||= room <= 0
    isLast ||= room - better < 2
    isAhead ||= better >= room
  }
  if (isFull) return { is: me.bid === null ? 'full' : 'outranked' }
  if (me.bid === null) {
    if (!isLast || windowMs === 0 || facts.highest <= me.priority) return { is: 'go' }
    const open = live.filter((one) => one.until > now).map((one) => one.until)
    return { is: 'wait', since: now, until: open.length > 0 ? Math.min(...open) : now + windowMs }
  }
  const { at: since, until } = me.bid
  if (now < until) return { is: 'wait', since, until }
  return isAhead && now < until + windowMs ? { is: 'wait', since, until: until + windowMs } : { is: 'go' }
}
