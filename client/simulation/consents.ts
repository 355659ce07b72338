/**
 * What one customer agreed to, by topic, channel and purpose: store/consents.ts and run-consents.ts in memory. A word that says what holds
 * already changes nothing, as there.
 */
import { CONFIRM_WITHIN, MESSAGES } from '../../domain/consent.ts'

/** What consent is given or refused to. */
export interface Subject {
  topic: string
  channel: string
  purpose: string
}

export interface Word extends Subject {
  granted: boolean
  /** Where it was said. */
  source: string
  /** It counts only once it is confirmed. */
  toConfirm: boolean
}

/** What waits to be confirmed, with the event or run in which it was said. */
export type Pending = Subject & { source: string }

/** Consent that was pending and is given now. */
export type Confirmed = Pick<Subject, 'topic' | 'channel'>

const MAIL = 'email'

const keyOf = ({ topic, channel, purpose }: Subject): string => `${topic}/${channel}/${purpose}`
const isByMail = ({ channel, purpose }: Subject): boolean => channel === MAIL && purpose === MESSAGES
const byMail = (topic: string): Subject => ({ topic, channel: MAIL, purpose: MESSAGES })

export class Consents {
  private readonly said = new Map<string, boolean>()
  /** In the order in which it was said. */
  private readonly waiting = new Map<string, Pending>()
  /** By topic why a journey withdrew it by mail, where nothing was said since. */
  private readonly withdrawals = new Map<string, string>()
  /** The link of the newest mail that asked to confirm. */
  private link: { to: string; until: number } | undefined = undefined

  /** By '<topic>/<channel>/<purpose>'. */
  get(key: string): boolean | undefined {
    return this.said.get(key)
  }

  /** The topics that are agreed to, over some channel. */
  get topics(): string[] {
    const given = [...this.said].flatMap(([key, granted]) => (granted && key.endsWith(`/${MESSAGES}`) ? [key] : []))
    return [...new Set(given.map((key) => key.slice(0, key.indexOf('/'))))]
  }

  /** Whether it confirmed what was pending. What was confirmed before is not taken back by a word that would be pending. */
  say({ granted, source, toConfirm, ...of }: Word): boolean {
    const key = keyOf(of)
    const was = this.said.get(key)
    const waited = this.waiting.has(key)
    const counts = granted && !toConfirm
    // A no to what a journey took back is the customer's own.
    const isTakenBack = isByMail(of) && this.withdrawals.has(of.topic)
    const isNew = granted && !counts ? was !== true && !waited : was !== counts || waited || isTakenBack
    if (!isNew) return false
    this.said.set(key, counts)
    this.waiting.delete(key)
    if (granted && !counts) this.waiting.set(key, { ...of, source })
    if (isByMail(of)) this.withdrawals.delete(of.topic)
    return counts && waited && of.purpose === MESSAGES
  }

  /** Takes a topic back over every channel on which it is given or waits to be confirmed. */
  withdraw(topic: string, reason: string): void {
    const given = [...this.said].filter(([key, granted]) => granted || this.waiting.has(key))
    for (const [key] of given) {
      if (!key.startsWith(`${topic}/`) || !key.endsWith(`/${MESSAGES}`)) continue
      this.said.set(key, false)
      this.waiting.delete(key)
      if (key === keyOf(byMail(topic))) this.withdrawals.set(topic, reason)
    }
  }

  /** A journey withdrew it by mail, or it waits to be confirmed. */
  mayBeAsked(topic: string): boolean {
    return this.withdrawals.has(topic) || this.waiting.has(keyOf(byMail(topic)))
  }

  /** Makes mails on a topic pending. */
  ask(topic: string, source: string): void {
    this.say({ ...byMail(topic), granted: true, source, toConfirm: true })
  }

  /** The topics that a journey withdrew for a reason, in their order. */
  withdrawnFor(reason: string): string[] {
    return [...this.withdrawals].flatMap(([topic, why]) => (why === reason ? [topic] : [])).sort()
  }

  /** What waits to be confirmed by mail. */
  get pending(): Pending[] {
    return [...this.waiting.values()].filter(({ channel }) => channel === MAIL)
  }

  /** A mail with the link went to an address. */
  sendLink(to: string, now: number): void {
    this.link = { to, until: now + CONFIRM_WITHIN }
  }

  /** Whether a mail with a link that is good still lies where the customer reads it. */
  hasLink(address: string | null, now: number): boolean {
    return this.link !== undefined && this.link.to === address && now <= this.link.until
  }

  /** The customer follows the link: all that waits by mail counts from now on. */
  confirm(source: string): Confirmed[] {
    return this.pending.filter((one) => this.say({ ...one, granted: true, source, toConfirm: false }))
  }
}
