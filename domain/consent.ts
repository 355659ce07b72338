/** What a customer has agreed to: by topic, channel and purpose, with the proof of it. */

/**
 * What for: 'messages' is to be written to at all; a plan that names another ('profiling') needs that as well. One who withdraws
 * 'messages' has withdrawn everything on the topic and channel.
 */
export const MESSAGES = 'messages'

/** A thing customers can choose to hear about, as the shop keeps its list. */
export interface Topic {
  id: string
  title: string
  description: string
  /** Consent counts only once the customer has confirmed it; until then, and in silence, it is a refusal. */
  doubleOptIn: boolean
  /** No longer offered; consent that was given still counts. */
  retired: boolean
}

/** How long the link that asks to confirm is good, ms. */
export const CONFIRM_WITHIN = 7 * 86_400_000

/** What shows later that consent was given: the version of the text that was agreed to, and hashes of where from, if known. */
export interface Proof {
  text?: string
  ipHash?: string
  agentHash?: string
  /** Why it was withdrawn, where a journey did that and not the customer: 'silence'. */
  reason?: string
}

/** Why a journey unsubscribes those who no longer listen, and what the shop tells of one who comes by all the same. */
export const SILENCE = 'silence'
export const RETURNED = 'customer.returned'

export type ConsentState = 'granted' | 'pending' | 'refused'

export const stateOf = ({ granted, pending }: { granted: boolean; pending: boolean }): ConsentState =>
  granted ? 'granted' : pending ? 'pending' : 'refused'

/** What an event may say of a topic: yes or no for the e-mail channel, or for which channels, what for, and with which proof. */
export interface ConsentGiven {
  granted: boolean
  channels: readonly string[]
  purpose: string
  proof: Proof
}
