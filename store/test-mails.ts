/** What a test mail is made from, and that it was sent. */
import { sql } from 'kysely'
import { PerennialError } from '../domain/errors.ts'
import { isInChina } from '../domain/mail-rules.ts'
import type { Copy } from '../domain/template.ts'
import { type ChosenWords, chooseWords } from '../domain/word-versions.ts'
import { customer as customerBy } from './customers.ts'
import { type Db, at } from './db.ts'
import { newestWords } from './words.ts'

export interface WordSource extends ChosenWords {
  /** The customer's; null where there is none. */
  name: string | null
  china: boolean
}

/** The words in force, for a customer or in a language. Throws CUSTOMER_UNKNOWN. */
export async function wordsToTest(
  db: Db,
  asked: {
    journey: string
    message: string
    copy: Copy
    customer?: string | undefined
    locale?: string | undefined
    shopLocale?: string | undefined
  },
): Promise<WordSource> {
  const { journey, message, copy, customer: id, locale, shopLocale } = asked
  const person = id === undefined ? undefined : await customerBy(db, id)
  if (id !== undefined && !person)
    throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
  const versions = await newestWords(db, { journey, message })
  const chosen = chooseWords(copy, versions, { journey, message, wanted: [locale, person?.locale, shopLocale] })
  return { ...chosen, name: person?.name ?? null, china: person ? isInChina(person) : false }
}

export async function recordTest(
  db: Db,
  one: {
    journey: string
    message: string
    locale: string
    customer: string | undefined
    recipient: string
    by: string
    now: number
    status: string
    detail: string
  },
): Promise<void> {
  await sql`
    insert into test_sends (journey, message, locale, customer, recipient, by, at, status, detail)
    values (${one.journey}, ${one.message}, ${one.locale}, ${one.customer ?? null}, ${one.recipient}, ${one.by},
      ${at(one.now)}, ${one.status}, ${one.detail})
  `.execute(db)
}
