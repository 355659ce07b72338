/** What every channel is to the rest: it takes one message and says honestly what became of it. */
import type { Capability, ChannelName } from '../../domain/channel.ts'
import type { MessageClass } from '../../domain/sending.ts'
import type { Words } from '../../domain/template.ts'

export interface Outgoing {
  /** The effect key, for logs and for providers that deduplicate. */
  key: string
  /** As the channel's `can.address` says; a web push subscription is its JSON. */
  to: string
  /** The same for every attempt of one key. */
  messageId: string
  words: Words
  class: MessageClass
  /** BCP 47, where the customer told one. */
  locale?: string
  /** Absent where a message cannot be unsubscribed from. */
  unsubscribeUrl?: string
  /** What the words could name, for providers that fill a template of their own. */
  data?: Record<string, unknown>
}

/**
 * sent: the provider took it, or brought it. accepted: it has it and will say later, which is not told as sent. transient: it surely
 * does not have it, try later. refused: it will never take it. unknown: the connection died after it began to read it.
 */
export interface Receipt {
  is: 'sent' | 'accepted' | 'transient' | 'refused' | 'unknown'
  /** The provider's code and words, without the person's. */
  detail: string
  /** What the provider calls the message, for receipts and look-ups. */
  providerId?: string
  /** transient: how long it asks to wait at least, ms of the machine. */
  retryAfterMs?: number
  /** SMS: how many segments it took, and what they cost in ten-thousandths of the currency's main unit. */
  segments?: number
  cost?: number
  /** refused: nothing can ever be sent to this address, so that it is suppressed. */
  deadAddress?: boolean
}

/**
 * Writes down that from here on the provider may have the message, and answers whether to go on: false where the run ended
 * meanwhile or another attempt went first. The later it is asked, the fewer sends end up of unknown fate.
 */
export type Begin = () => Promise<boolean>

/** A message that went out before, for a provider that can be asked about it. */
export interface Sought extends Pick<Outgoing, 'key' | 'to' | 'messageId'> {
  providerId?: string
  /** When it was begun, shop time, epoch ms. */
  begunAt?: number
}

/** Whether a channel has what it needs; `missing` names the variables of the configuration that are not set. */
export type Readiness = { ok: true } | { ok: false; missing: string[] }

export interface Channel {
  readonly name: ChannelName
  /** Who carries it: 'smtp', 'aliyun', 'tencent' … Quotas and receipts are counted by it. */
  readonly provider: string
  readonly ready: Readiness
  readonly can: Capability
  /** Asks `begin` once, at the last moment before the provider can have the message. One that is not ready answers `transient`. */
  send(message: Outgoing, begin: Begin): Promise<Receipt>
  /**
   * Takes many at once; absent where it takes them one by one. `begin` is asked as by `send`, and answers the keys that may go: the
   * others are not sent and not answered.
   */
  sendAll?(
    messages: readonly Outgoing[],
    begin: (keys: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<ReadonlyMap<string, Receipt>>
  /** What it will cost, in ten-thousandths of the currency's main unit. Absent where messages cost nothing each. */
  costOf?(message: Pick<Outgoing, 'words' | 'class' | 'to'>): number
  /**
   * What the provider says became of a message; undefined where it does not say. Absent where it cannot be asked. 'transient' says
   * that it surely does not have it.
   */
  lookUp?(message: Sought): Promise<Receipt | undefined>
  close(): Promise<void>
}
