/** What advertising law and good manners say of words as the customer will read them. The words are in wording-terms.ts. */
import { Converter } from 'opencc-js/t2cn'
import { type Severity, TERMS, type Term } from './wording-terms.ts'

/** What is spaced out, hidden by a character of no width or written in traditional characters is read as what it says. */
const INVISIBLE = /[\p{Cf}\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe00-\ufe0f]/gu
const NO_LETTER = /[^\p{L}\p{N}]+/gu

const simplified = Converter({ from: 'hk', to: 'cn' })

/** Two readings: Chinese has no blanks, so all of them go; of English the words stay apart, except letters set one by one. */
function readings(text: string): { compact: string; words: string } {
  const plain = text.normalize('NFKC').replace(INVISIBLE, '').toLowerCase()
  const compact = simplified(plain.replace(NO_LETTER, ''))
  const words = ` ${plain.replace(/['’]/g, '').replace(NO_LETTER, ' ').trim()} `
  return { compact, words: words.replace(/(?<= \p{L}) (?=\p{L} )/gu, '') }
}

const isChinese = (term: string): boolean => /\p{Script=Han}/u.test(term)
const asWords = (term: string): string => ` ${term.replaceAll("'", '')} `

/** True where `term` stands in `text` outside of all the longer words in which it is harmless. */
function stands(text: string, term: string, except: readonly string[] = []): boolean {
  const covered = except.flatMap((longer) =>
    placesOf(text, longer).map((from) => [from, from + longer.length] as const),
  )
  return placesOf(text, term).some(
    (from) => !covered.some(([start, end]) => from >= start && from + term.length <= end),
  )
}

function placesOf(text: string, part: string): number[] {
  const places: number[] = []
  for (let from = text.indexOf(part); from !== -1; from = text.indexOf(part, from + 1)) places.push(from)
  return places
}

export interface Finding extends Pick<Term, 'term' | 'category' | 'severity' | 'basis' | 'suggestion'> {}

const RANK: Record<Severity, number> = { block: 0, review: 1, evidence: 2 }

/**
 * What is wrong with rendered words, the gravest first. `evidence` names terms for which the plan holds proof. `terms` are the
 * shop's own in place of ours.
 */
export function checkWording(
  text: string,
  { evidence = [], terms = TERMS }: { evidence?: readonly string[]; terms?: readonly Term[] } = {},
): Finding[] {
  const { compact, words } = readings(text)
  return terms
    .filter(({ term, except, severity }) => {
      if (severity === 'evidence' && evidence.includes(term)) return false
      return isChinese(term) ? stands(compact, term, except) : stands(words, asWords(term), except?.map(asWords))
    })
    .map(({ term, category, severity, basis, suggestion }) => ({ term, category, severity, basis, suggestion }))
    .sort((a, b) => RANK[a.severity] - RANK[b.severity])
}
