/**
 * What advertising law and good manners say of words as the customer will read them. The words are in wording-terms.ts. A text is
 * read as its reader would: width, case, accents, blanks, punctuation, invisible characters, traditional characters and letters
 * borrowed from other alphabets make no difference.
 */
import { Lines, indexed, standing } from './wording-places.ts'
import { HAN, chinese, readings, wordsSought } from './wording-reading.ts'
import { type Severity, TERMS, type Term } from './wording-terms.ts'

const INLINE = /<\/?(?:a|abbr|b|bdi|bdo|big|code|del|em|font|i|ins|mark|s|small|span|strong|sub|sup|u|wbr)\b[^>]*>/gi
const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', shy: '', zwj: '', zwnj: '' }

/** What a reader sees of HTML, roughly and fast: enough to look for words. */
export function textSeenIn(html: string): string {
  return html
    .replace(/<!--.*?-->|<(style|script|title|head)\b.*?<\/\1\s*>/gis, ' ')
    .replace(INLINE, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(
      /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));?/gi,
      (whole, decimal?: string, hex?: string, name?: string) => {
        if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole
        const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
        return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
      },
    )
}

export interface Finding extends Pick<Term, 'term' | 'category' | 'severity' | 'basis' | 'suggestion'> {}

const RANK: Record<Severity, number> = { block: 0, review: 1, evidence: 2 }

/** A list of terms, made ready once. The check answers what is wrong with words, the gravest first, each term once. */
export function compileWording(terms: readonly Term[]): (text: string) => Finding[] {
  const han = indexed(
    terms.filter(({ term }) => HAN.test(term)),
    chinese,
  )
  const latin = indexed(
    terms.filter(({ term }) => !HAN.test(term)),
    wordsSought,
  )
  const lines = new Lines(han, latin)
  return (text) => {
    if (lines.haveNone(text)) return []
    const [compact = '', ...words] = readings(text)
    const found = new Set(standing(compact, han))
    for (const one of words) for (const term of standing(one, latin)) found.add(term)
    return [...found]
      .map(({ term, category, severity, basis, suggestion }) => ({ term, category, severity, basis, suggestion }))
      .sort((a, b) => RANK[a.severity] - RANK[b.severity])
  }
}

const ours = compileWording(TERMS)
const compiled = new WeakMap<readonly Term[], ReturnType<typeof compileWording>>()

/** What a plan or an operator answers for: terms with the proof of them, and terms that a person has said yes to. */
export interface WordingLeave {
  /** Terms for which proof is held; any value, as a list or by term. */
  evidence?: readonly string[]
  /** Terms of severity review that a person approved in these words. */
  approved?: readonly string[]
}

/**
 * What is wrong with rendered words, the gravest first. `terms` are the shop's own and ours together; the same array is made ready
 * once. What is forbidden no leave allows.
 */
export function checkWording(
  text: string,
  { terms, ...leave }: WordingLeave & { terms?: readonly Term[] } = {},
): Finding[] {
  return afterLeave(checkerOf(terms)(text), leave)
}

/** What is left of findings where leave is given. */
export const afterLeave = (findings: readonly Finding[], { evidence = [], approved = [] }: WordingLeave): Finding[] =>
  findings.filter(
    ({ term, severity }) =>
      severity === 'block' || !(severity === 'evidence' ? evidence.includes(term) : approved.includes(term)),
  )

function checkerOf(terms: readonly Term[] | undefined): ReturnType<typeof compileWording> {
  if (terms === undefined || terms === TERMS) return ours
  const known = compiled.get(terms)
  if (known) return known
  const check = compileWording(terms)
  compiled.set(terms, check)
  return check
}

/** What findings come to: forbidden, or for a person to look at; undefined where there are none. */
export function gravest(findings: readonly Finding[]): 'block' | 'review' | undefined {
  if (findings.some(({ severity }) => severity === 'block')) return 'block'
  return findings.length > 0 ? 'review' : undefined
}

const ADDRESS = /\bhttps?:\/\/[\x21-\x7e]+/g

/** All that a customer reads of a mail, for the check: subject, text, and what the HTML shows. */
export function textOfWords({ subject, text, html }: { subject: string; text: string; html?: string }): string {
  const all = [subject, text, ...(html === undefined ? [] : [textSeenIn(html)])].join('\n')
  // The letters of a token say nothing.
  return all.includes('://') ? all.replace(ADDRESS, ' ') : all
}
