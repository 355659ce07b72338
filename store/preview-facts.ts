/** What a preview wants to know of a real customer. */
import { MESSAGES } from '../domain/consent.ts'
import { consentsOf } from './consents.ts'
import { customer as customerBy, factsOf } from './customers.ts'
import type { Db } from './db.ts'
import { sql } from 'kysely'

export interface CustomerFactsOf {
  id: string
  name: string | null
  email: string | null
  phone: string | null
  zone: string | null
  locale: string | null
  tags: string[]
  /** To the topic, by mail. */
  consent: boolean
  suppressed: boolean
  paidOrders: number
  spent: number
}

export async function factsForPreview(
  db: Db,
  { customer: id, topic, now }: { customer: string; topic: string; now: number },
): Promise<CustomerFactsOf | undefined> {
  const [person, facts, consents] = await Promise.all([
    customerBy(db, id),
    factsOf(db, { customer: id, now }),
    consentsOf(db, id),
  ])
  if (!person || !facts) return undefined
  const { rows } = await sql`
    select 1 from suppressions where channel = 'email' and address = lower(${person.email})`.execute(db)
  const { name, email, phone, zone, locale } = person
  return {
    id,
    name,
    email,
    phone,
    zone,
    locale,
    tags: facts.tags,
    consent: consents.some(
      (one) => one.topic === topic && one.channel === 'email' && one.purpose === MESSAGES && one.granted,
    ),
    suppressed: rows.length > 0,
    paidOrders: Number(facts.paidOrders),
    spent: facts.spent,
  }
}
