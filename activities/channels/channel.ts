/** What every channel is to the rest: it takes one message and says honestly what became of it. */
import type { Words } from '../../domain/template.ts'

export interface Outgoing {
  /** The effect key, for logs and for providers that deduplicate. */
  key: string
  to: string
  /** The same for every attempt of one key. */
  messageId: string
  words: Words
  /** Absent where a message cannot be unsubscribed from. */
  unsubscribeUrl?: string
}

/**
 * sent: the provider took it. transient: it surely does not have it, try later. refused: it will never take it. unknown: the
 * connection died after the provider began to read it.
 */
export interface Receipt {
  is: 'sent' | 'transient' | 'refused' | 'unknown'
  /** The provider's words, without the person's. */
  detail: string
}

/**
 * Writes down that from here on the provider may have the message, and answers whether to go on: false where the run ended
 * meanwhile or another attempt went first. The later it is asked, the fewer sends end up of unknown fate.
 */
export type Begin = () => Promise<boolean>

export interface Channel {
  readonly name: 'email'
  /** Asks `begin` once, at the last moment before the provider can have the message. */
  send(message: Outgoing, begin: Begin): Promise<Receipt>
  close(): Promise<void>
}
