/** Words that hold a term somebody has to agree to, and who did: a yes is to exactly these words. */
import { sql } from 'kysely'
import type { Wording } from '../domain/template.ts'
import type { Finding } from '../domain/wording.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { wake, wakeCampaign } from './dispatch.ts'

export interface WordingQuestion {
  hash: string
  journey: string
  message: string
  words: Wording
  findings: readonly Finding[]
  now: number
}

/**
 * Puts words to the operators; answers whether a yes came meanwhile. A share lock on what is asked makes a yes wait for this
 * transaction, so that it finds the message it has to wake.
 */
export async function askForYes(
  tx: Tx,
  { hash, journey, message, words, findings, now }: WordingQuestion,
): Promise<boolean> {
  const terms = [...new Set(findings.map((one) => one.term))].sort()
  for (const term of terms) {
    const { basis = '', suggestion = '' } = findings.find((one) => one.term === term) ?? {}
    await sql`
      insert into wordings (hash, term, journey, message, words, basis, suggestion, asked_at)
      values (${hash}, ${term}, ${journey}, ${message}, ${JSON.stringify(words)}::jsonb, ${basis}, ${suggestion}, ${at(now)})
      on conflict (hash, term) do nothing
    `.execute(tx)
  }
  const { rows } = await sql<{ approved: boolean }>`
    select approved_at is not null as approved from wordings where hash = ${hash} and term = any(${terms}) order by term for share
  `.execute(tx)
  return rows.every((row) => row.approved)
}

export interface WordingLine {
  hash: string
  journey: string
  message: string
  words: Wording
  terms: { term: string; basis: string; suggestion: string }[]
  asked_at: Date
  approved_at: Date | null
  approved_by: string | null
  /** Messages that are held for it. */
  held: number
}

/** What was put to the operators, what waits first, then the newest. */
export async function wordings(db: Db, limit = 100): Promise<WordingLine[]> {
  const { rows } = await sql<WordingLine>`
    select w.hash, w.journey, w.message, w.words, min(w.asked_at) as asked_at,
      case when bool_and(w.approved_at is not null) then max(w.approved_at) end as approved_at,
      case when bool_and(w.approved_at is not null) then max(w.approved_by) end as approved_by,
      json_agg(json_build_object('term', w.term, 'basis', w.basis, 'suggestion', w.suggestion) order by w.term) as terms,
      (select count(*) from messages m where m.journey = w.journey and m.message = w.message and m.status = 'held'
        and m.code = 'WORDING_REVIEW') as held
    from wordings w group by w.hash, w.journey, w.message, w.words
    order by bool_and(w.approved_at is not null), min(w.asked_at) desc limit ${limit}
  `.execute(db)
  return rows
}

/**
 * Says yes to the words with this hash, to all terms that were found in them, and wakes the runs that are held for it; answers
 * how many, undefined where no such words are known. Asked again it changes nothing.
 */
export function approveWording(
  db: Db,
  { hash, by, now }: { hash: string; by: string; now: number },
): Promise<{ journey: string; message: string; woken: number } | undefined> {
  return inTransaction(db, async (tx) => {
    const { rows: known } = await sql<{ journey: string; message: string }>`
      select journey, message from wordings where hash = ${hash} order by term for update
    `.execute(tx)
    const [first] = known
    if (!first) return undefined
    const { journey, message } = first
    await sql`
      update wordings set approved_at = ${at(now)}, approved_by = ${by} where hash = ${hash} and approved_at is null
    `.execute(tx)
    const { rows } = await sql<{ id: string }>`
      update enrolments set held_at = null where held_at is not null and status = 'running' and id in (
        select enrolment from messages
        where journey = ${journey} and message = ${message} and status = 'held' and code = 'WORDING_REVIEW') returning id
    `.execute(tx)
    await wake(
      tx,
      rows.map((row) => row.id),
    )
    // Members of a campaign are asked for again by its next page.
    const { numAffectedRows: members = 0n } = await sql`
      update messages set held_until = ${at(now)}
      where journey = ${journey} and message = ${message} and status = 'held' and code = 'WORDING_REVIEW' and wave is not null
    `.execute(tx)
    if (members > 0n) await wakeCampaign(tx, journey)
    return { journey, message, woken: rows.length + Number(members) }
  })
}
