/** What operators see and say of the gate: the topics, what a customer agreed to, and the words that wait for a yes. */
import { PerennialError } from '../domain/errors.ts'
import type { Topic } from '../domain/consent.ts'
import { type ConsentLine, consentHistory, putTopic, topics } from '../store/consents.ts'
import { customer } from '../store/customers.ts'
import { type WordingLine, approveWording, wordings } from '../store/wordings.ts'
import type { OperatorParts } from './operator.ts'

export interface ConsentReport {
  customer: string
  /** Their favourite channels, best first. */
  channels: string[]
  /** Everything they ever said, oldest first, with the proof. */
  lines: ConsentLine[]
}

export interface Approval {
  hash: string
  journey: string
  message: string
  /** Runs that were held for it and go on. */
  woken: number
}

export interface GateWords {
  topics(): Promise<Topic[]>
  /** Adds a topic or changes what is told of it. Throws TOPIC_INVALID. */
  putTopic(topic: Pick<Topic, 'id'> & Partial<Topic>): Promise<Topic>
  /** Throws CUSTOMER_UNKNOWN. */
  consents(customer: string): Promise<ConsentReport>
  /** Words in which a term asks for a person's judgement; those that wait first. */
  wordings(): Promise<WordingLine[]>
  /** Says yes to exactly these words and lets the held messages go. Throws WORDING_UNKNOWN. */
  approve(request: { hash: string; by: string }): Promise<Approval>
}

const TOPIC = /^[a-z][a-z0-9-]{0,63}$/

export function gateWords({ db, clock }: Pick<OperatorParts, 'db' | 'clock'>): GateWords {
  return {
    topics: () => topics(db),
    async putTopic(topic) {
      if (!TOPIC.test(topic.id))
        throw new PerennialError('TOPIC_INVALID', `a topic cannot be called '${topic.id}'`, { field: 'topic' })
      return putTopic(db, topic)
    },
    async consents(id) {
      const person = await customer(db, id)
      if (!person) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
      return { customer: id, channels: person.channels, lines: await consentHistory(db, id) }
    },
    wordings: () => wordings(db),
    async approve({ hash, by }) {
      const done = await approveWording(db, { hash, by, now: clock.now() })
      if (!done) throw new PerennialError('WORDING_UNKNOWN', `no words are marked '${hash}'`, { field: 'hash' })
      return { hash, ...done }
    },
  }
}
