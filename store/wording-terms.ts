/** The shop's own terms of the wording check, beside ours. */
import { sql } from 'kysely'
import { type Severity, TERMS, type Term, type WordingCategory } from '../domain/wording-terms.ts'
import { type Db, at } from './db.ts'

/** 'allow' lifts one of ours. */
export interface TermRow {
  term: string
  severity: Severity | 'allow'
  category: WordingCategory
  basis: string
  suggestion: string
  except_in: readonly string[]
}

let last: { of: string; terms: readonly Term[] } | undefined

/** Ours and the shop's: where both name a term, the shop's counts. The same rows answer the same array, so that it is compiled once. */
export function termsWith(rows: readonly TermRow[]): readonly Term[] {
  if (rows.length === 0) return TERMS
  const of = JSON.stringify(rows)
  if (last?.of === of) return last.terms
  const named = new Set(rows.map((row) => row.term))
  const own = rows.flatMap(({ except_in, severity, ...row }): Term[] =>
    severity === 'allow' ? [] : [{ ...row, severity, ...(except_in.length > 0 && { except: except_in }) }],
  )
  last = { of, terms: [...TERMS.filter(({ term }) => !named.has(term)), ...own] }
  return last.terms
}

export interface TermLine extends TermRow {
  by: string
  at: Date
}

export async function termLines(db: Db): Promise<TermLine[]> {
  const { rows } = await sql<TermLine>`select * from wording_terms order by term`.execute(db)
  return rows
}

/** What a send is checked against at this moment. */
export async function termsInForce(db: Db): Promise<readonly Term[]> {
  const { rows } = await sql<{ terms: TermRow[] }>`
    select coalesce(json_agg(json_build_object('term', term, 'severity', severity, 'category', category, 'basis', basis,
      'suggestion', suggestion, 'except_in', except_in) order by term), '[]') as terms from wording_terms`.execute(db)
  return termsWith(rows[0]?.terms ?? [])
}

export async function setTerm(db: Db, { now, ...one }: TermRow & { by: string; now: number }): Promise<void> {
  await sql`
    insert into wording_terms (term, severity, category, basis, suggestion, except_in, by, at)
    values (${one.term}, ${one.severity}, ${one.category}, ${one.basis}, ${one.suggestion}, ${one.except_in}, ${one.by}, ${at(now)})
    on conflict (term) do update set severity = excluded.severity, category = excluded.category, basis = excluded.basis,
      suggestion = excluded.suggestion, except_in = excluded.except_in, by = excluded.by, at = excluded.at
  `.execute(db)
}

/** False where the shop has no such term of its own. */
export async function removeTerm(db: Db, term: string): Promise<boolean> {
  const { numAffectedRows } = await sql`delete from wording_terms where term = ${term}`.execute(db)
  return numAffectedRows === 1n
}
