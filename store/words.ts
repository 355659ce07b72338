/** Operators' words: versions that are never changed, the newest in force; and the one question a send asks of them. */
import { sql } from 'kysely'
import { PerennialError } from '../domain/errors.ts'
import { isInChina } from '../domain/mail-rules.ts'
import { PARTIALS_JOURNEY } from '../domain/partials.ts'
import type { Copy, Wording } from '../domain/template.ts'
import { type ChosenWords, type WordVersion, chooseWords } from '../domain/word-versions.ts'
import type { Term } from '../domain/wording-terms.ts'
import { type Db, at, inTransaction } from './db.ts'
import { type TermRow, termsWith } from './wording-terms.ts'

export interface WordsAsked {
  journey: string
  message: string
  /** The plan's words. */
  copy: Copy
  /** What customers read who told no language; absent: the plan's own. */
  shopLocale?: string | undefined
}

export interface WordsFound extends ChosenWords {
  /** Whether anything says that the customer is in China (domain/mail-rules.ts). */
  china: boolean
  /** What the wording check is to look for: ours and the shop's. */
  terms: readonly Term[]
}

/** What is published over a plan's words, and what the wording check is to look for beside ours. */
export interface Published {
  versions: WordVersion[]
  terms: readonly Term[]
}

interface PublishedRow {
  versions: WordVersion[]
  terms: TermRow[]
}

type OfMessage = Pick<WordsAsked, 'journey' | 'message'>

const published = (all: readonly OfMessage[]) => sql`
  (select coalesce(json_agg(v), '[]') from (
    select distinct on (journey, message, locale) journey, message, locale, version, words, leave from word_versions
    where (journey, message) in (select * from unnest(${all.map((one) => one.journey)}::text[], ${all.map((one) => one.message)}::text[]))
      or journey = ${PARTIALS_JOURNEY}
    order by journey, message, locale, version desc) v) as versions,
  (select coalesce(json_agg(json_build_object('term', term, 'severity', severity, 'category', category, 'basis', basis,
    'suggestion', suggestion, 'except_in', except_in) order by term), '[]') from wording_terms) as terms`

/** The words of one message for one customer, as published at this moment. One round trip. Throws CUSTOMER_UNKNOWN. */
export async function wordsFor(tx: Db, asked: WordsAsked & { customer: string }): Promise<WordsFound> {
  const { customer } = asked
  const { rows } = await sql<PublishedRow & Reader>`
    /* prepared */ select c.locale, c.zone, c.phone, ${published([asked])} from customers c where c.id = ${customer}
  `.execute(tx)
  const [row] = rows
  if (!row) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${customer}'`, { field: 'customer' })
  return wordsIn({ versions: row.versions, terms: termsWith(row.terms) }, asked, row)
}

/** What is published of some messages, whoever reads them. */
export async function publishedWords(tx: Db, all: readonly OfMessage[]): Promise<Published> {
  const { rows } = await sql<PublishedRow>`/* prepared */ select ${published(all)}`.execute(tx)
  return { versions: rows[0]?.versions ?? [], terms: termsWith(rows[0]?.terms ?? []) }
}

/** What of a customer says in which words they are written to. */
export interface Reader {
  locale: string | null
  zone: string | null
  phone: string | null
}

export function wordsIn({ versions, terms }: Published, asked: WordsAsked, reader: Reader): WordsFound {
  const { journey, message, copy, shopLocale } = asked
  const chosen = chooseWords(copy, versions, { journey, message, wanted: [reader.locale, shopLocale] })
  return { ...chosen, china: isInChina(reader), terms }
}

/** The newest versions: of one message or of one journey, with those of the partials, or of all. */
export async function newestWords(db: Db, of: { journey?: string; message?: string } = {}): Promise<WordVersion[]> {
  const { rows } = await sql<WordVersion>`
    select distinct on (journey, message, locale) journey, message, locale, version, words, leave from word_versions
    where ${of.journey ?? null}::text is null or journey = ${PARTIALS_JOURNEY}
      or (journey = ${of.journey ?? null} and (${of.message ?? null}::text is null or message = ${of.message ?? null}))
    order by journey, message, locale, version desc
  `.execute(db)
  return rows
}

export interface WordLine extends WordVersion {
  by: string
  note: string | null
  at: Date
}

/** Every version of a message's words, newest first. */
export async function wordHistory(
  db: Db,
  { journey, message, locale }: { journey: string; message: string; locale?: string | undefined },
): Promise<WordLine[]> {
  const { rows } = await sql<WordLine>`
    select journey, message, locale, version, words, leave, by, note, at from word_versions
    where journey = ${journey} and message = ${message} and (${locale ?? null}::text is null or locale = ${locale ?? null})
    order by at desc, locale, version desc
  `.execute(db)
  return rows
}

export interface Publish {
  journey: string
  message: string
  locale: string
  words: Wording | null
  leave?: WordVersion['leave']
  by: string
  note?: string | undefined
  now: number
}

/** Writes the next version, in force from here on; answers its number. Two at once come one after the other. */
export function publishWords(db: Db, one: Publish): Promise<number> {
  return inTransaction(db, async (tx) => {
    const place = [one.journey, one.message, one.locale].join('/')
    await sql`select pg_advisory_xact_lock(hashtextextended(${`words/${place}`}, 0))`.execute(tx)
    const { rows } = await sql<{ version: number }>`
      insert into word_versions (journey, message, locale, version, words, leave, by, note, at)
      select ${one.journey}, ${one.message}, ${one.locale}, coalesce(max(version), 0) + 1,
        ${one.words === null ? null : JSON.stringify(one.words)}::jsonb, ${JSON.stringify(one.leave ?? {})}::jsonb, ${one.by},
        ${one.note ?? null}, ${at(one.now)}
      from word_versions where journey = ${one.journey} and message = ${one.message} and locale = ${one.locale}
      returning version
    `.execute(tx)
    return rows[0]?.version ?? 0
  })
}
