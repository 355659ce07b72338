/** The shop's own words of the wording check, and what the check says of a text. */
import type { Clock } from '../domain/tempo.ts'
import { type Finding, checkWording } from '../domain/wording.ts'
import { TERMS, type WordingCategory } from '../domain/wording-terms.ts'
import { PerennialError } from '../domain/errors.ts'
import type { Db } from '../store/db.ts'
import { type TermLine, type TermRow, removeTerm, setTerm, termLines, termsInForce } from '../store/wording-terms.ts'

export interface TermAsked {
  term: string
  severity: TermRow['severity']
  category?: WordingCategory | undefined
  basis?: string | undefined
  suggestion?: string | undefined
  except?: readonly string[]
  by: string
}

export interface TermsInForce {
  /** How many are looked for in all. */
  terms: number
  ours: number
  own: TermLine[]
}

export function wordingDesk({ db, clock }: { db: Db; clock: Clock }) {
  return {
    async terms(): Promise<TermsInForce> {
      const [own, all] = await Promise.all([termLines(db), termsInForce(db)])
      return { terms: all.length, ours: TERMS.length, own }
    },

    async check(text: string): Promise<Finding[]> {
      return checkWording(text, { terms: await termsInForce(db) })
    },

    /** Adds a term of the shop's, or judges one of ours otherwise. Throws WORDS_REFUSED for one that nothing could be found by. */
    async set({
      term,
      severity,
      category = 'promise',
      basis = 'the shop',
      suggestion = 'say it otherwise',
      except = [],
      by,
    }: TermAsked) {
      const small = term.normalize('NFKC').toLowerCase().trim()
      if (!/[\p{L}\p{N}].*[\p{L}\p{N}]/u.test(small))
        throw new PerennialError('WORDS_REFUSED', `'${term}' is too short for a term`, {
          field: 'term',
          expected: 'two letters or characters at least',
        })
      const row = { term: small, severity, category, basis, suggestion, except_in: [...except], by }
      await setTerm(db, { ...row, now: clock.now() })
      return row
    },

    remove: (term: string): Promise<boolean> => removeTerm(db, term),
  }
}

export type WordingDesk = ReturnType<typeof wordingDesk>
