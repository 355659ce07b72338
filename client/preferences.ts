/** What a customer hears about and over which channels: read for the page of preferences, and changed by it. */
import type { Routing } from '../domain/journey.ts'
import type { Clock } from '../domain/tempo.ts'
import { PerennialError } from '../domain/errors.ts'
import type { ConsentState, Proof } from '../domain/consent.ts'
import { MESSAGES } from '../domain/consent.ts'
import { type Consent, confirmConsent, consentsOf, pendingBy, setConsent, topics } from '../store/consents.ts'
import { type Customer, customer, lockCustomer } from '../store/customers.ts'
import { type Db, inTransaction } from '../store/db.ts'
import { tellConfirmed } from '../store/events.ts'
import { reachableBy } from '../store/reach.ts'

/** The topic that plans have unless they name another. */
const OURS: Record<string, { en: string; zh: string }> = { marketing: { en: 'marketing', zh: '优惠与活动' } }

/** What people call a topic; its own id where the shop gave it no title. */
export async function topicTitles(db: Db, lang: 'en' | 'zh'): Promise<(topic: string) => string> {
  const titles = new Map((await topics(db)).map(({ id, title }) => [id, title]))
  return (topic) => {
    const title = titles.get(topic) ?? topic
    return title === topic ? (OURS[topic]?.[lang] ?? topic) : title
  }
}

export interface Choice {
  channel: string
  state: ConsentState
}

export interface TopicChoices {
  topic: string
  title: string
  description: string
  choices: Choice[]
}

export interface Preferences {
  person: Customer
  topics: TopicChoices[]
}

/** Every topic the shop offers or the customer said anything about, over every channel they can be reached by. */
export async function preferencesOf(db: Db, id: string, lang: 'en' | 'zh'): Promise<Preferences | undefined> {
  const person = await customer(db, id)
  if (!person) return undefined
  const [listed, said, channels, titleOf] = await Promise.all([
    topics(db),
    consentsOf(db, id),
    reachableBy(db, id),
    topicTitles(db, lang),
  ])
  const spoken = said.filter(({ purpose }) => purpose === MESSAGES)
  const offered = listed.filter(({ retired, id: topic }) => !retired || spoken.some((one) => one.topic === topic))
  const ids = new Set([...offered.map((one) => one.id), ...spoken.map(({ topic }) => topic)])
  return {
    person,
    topics: [...ids].sort().map((topic) => ({
      topic,
      title: titleOf(topic),
      description: listed.find((one) => one.id === topic)?.description ?? '',
      choices: channelsFor(topic, channels, spoken).map((channel) => ({
        channel,
        state: spoken.find((one) => one.topic === topic && one.channel === channel)?.state ?? 'refused',
      })),
    })),
  }
}

/** Those that reach the customer now, and those they once agreed to, so that they can take it back. */
function channelsFor(topic: string, channels: readonly string[], spoken: readonly Consent[]): string[] {
  const agreed = spoken.filter((one) => one.topic === topic && one.state !== 'refused').map(({ channel }) => channel)
  return [...new Set([...channels, ...agreed])]
}

/** Where a choice is written, and whom consent that is confirmed by it is told to. */
export interface ChoiceParts {
  db: Db
  clock: Clock
  plans: readonly Routing[]
  shopZone: string
}

export interface Wanted {
  topic: string
  channel: string
  granted: boolean
}

/**
 * Takes what a customer chose on the page. What came by mail shows that they read their mail, so that consent to it needs no
 * confirming. Answers how much has changed. Throws TOKEN_INVALID where nobody has that id.
 */
export function choose(
  { db, clock, ...told }: ChoiceParts,
  { customer: id, wanted, proof }: { customer: string; wanted: readonly Wanted[]; proof: Proof },
): Promise<number> {
  return inTransaction(db, async (tx) => {
    const person = await lockCustomer(tx, id)
    if (!person) throw new PerennialError('TOKEN_INVALID', 'the link names nobody', { field: 'token' })
    let changed = 0
    const now = clock.now()
    for (const { granted, ...one } of wanted) {
      const confirmed = granted && one.channel === 'email'
      const more = { granted, confirmed, source: 'preferences', now, ...(granted && { proof }) }
      if (await setConsent(tx, { customer: id, ...one, ...more })) changed += 1
    }
    await tellConfirmed(tx, id, { ...told, now })
    return changed
  })
}

/** Confirms all that waits for it over the e-mail channel; answers the topics. */
export function confirmAll(
  { db, clock, ...told }: ChoiceParts,
  { customer: id, proof }: { customer: string; proof: Proof },
): Promise<string[]> {
  return inTransaction(db, async (tx) => {
    await lockCustomer(tx, id)
    const now = clock.now()
    const pending = await pendingBy(tx, { customer: id, channel: 'email' })
    for (const { topic, purpose } of pending) {
      const of = { customer: id, topic, channel: 'email', purpose }
      await confirmConsent(tx, { ...of, source: 'confirmed', proof, now })
    }
    await tellConfirmed(tx, id, { ...told, now })
    return [...new Set(pending.map(({ topic }) => topic))]
  })
}
