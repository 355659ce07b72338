/** Where terms of the wording check stand in a text that was read, and whether any may: most letters have none. */
import { LETTERS, gathered } from './wording-reading.ts'
import type { Term } from './wording-terms.ts'

interface Sought {
  text: string
  except: readonly string[]
  of: Term
}

/** Terms by their first two characters, so that a text is gone through once, whatever their number. */
export interface Index {
  /** Whether any term may begin so, which nearly always is the whole answer. */
  begins: Uint8Array
  terms: Map<number, Sought[]>
}

const pairAt = (text: string, at: number): number => text.charCodeAt(at) * 0x10000 + text.charCodeAt(at + 1)
const placeOf = (pair: number): number => (pair ^ (pair >>> 13)) & 0xffff

export function indexed(terms: readonly Term[], read: (term: string) => string): Index {
  const index: Index = { begins: new Uint8Array(0x10000), terms: new Map() }
  for (const of of terms) {
    // Words without their blanks are found as well: f r e e m o n e y, #FreeMoney.
    for (const text of new Set([read(of.term), read(of.term.replaceAll(' ', ''))])) {
      const pair = pairAt(text, 0)
      index.begins[placeOf(pair)] = 1
      index.terms.set(pair, [...(index.terms.get(pair) ?? []), { text, except: (of.except ?? []).map(read), of }])
    }
  }
  return index
}

/** The next place from `at` on where a term may begin; the length of the text where there is none. */
function nextPlace(text: string, { begins }: Index, at: number): number {
  const last = text.length - 1
  for (let place = at; place < last; place++) if (begins[placeOf(pairAt(text, place))] === 1) return place
  return text.length
}

const NO_TERMS: readonly Sought[] = []

/** The terms that stand in `text` outside of all the longer words in which they are harmless. */
export function* standing(text: string, index: Index): Generator<Term> {
  for (let at = nextPlace(text, index, 0); at < text.length; at = nextPlace(text, index, at + 1)) {
    for (const sought of index.terms.get(pairAt(text, at)) ?? NO_TERMS) {
      if (text.startsWith(sought.text, at) && !isHarmless(text, at, sought)) yield sought.of
    }
  }
}

/** Whether a term stands in `text`, harmless or not. */
function standsAny(text: string, index: Index): boolean {
  for (let at = nextPlace(text, index, 0); at < text.length; at = nextPlace(text, index, at + 1)) {
    for (const sought of index.terms.get(pairAt(text, at)) ?? NO_TERMS)
      if (text.startsWith(sought.text, at)) return true
  }
  return false
}

function isHarmless(text: string, at: number, { text: term, except }: Sought): boolean {
  return except.some((longer) => {
    for (let inside = longer.indexOf(term); inside !== -1; inside = longer.indexOf(term, inside + 1)) {
      if (text.startsWith(longer, at - inside)) return true
    }
    return false
  })
}

/** A line by one of the readings. */
interface Way {
  empty: boolean
  /** As much of its beginning as a term that began before it may take. */
  head: string
  /** The end of it with which a term may begin that goes on after it; nothing where none can. */
  tail: string
  /** No term goes on from before it to after it. */
  ends: boolean
}

/** The terms of an index, taken apart where a line may end: after a character, or after a word where a blank leads all words. */
class Across {
  private readonly index: Index
  private readonly lead: '' | ' '
  /** Of how many parts a term is at most, but for one. */
  private most = 1
  /** What a term may begin with, and the last parts of those. */
  private readonly begun = new Set<string>()
  private readonly lasts = new Set<string>()

  constructor(index: Index, lead: '' | ' ') {
    this.index = index
    this.lead = lead
    const all = [...index.terms.values()].flat().map(({ text }) => text.slice(lead.length))
    for (const text of all) {
      let [count, end] = [0, 0]
      while ((end = this.endOf(text, ++count)) > 0 && end < text.length) {
        this.begun.add(lead + text.slice(0, end))
        this.lasts.add(text.slice(this.startOf(text.slice(0, end), 1), end))
      }
      this.most = Math.max(this.most, count - 1)
    }
  }

  /** Where so many parts of a text end; 0 where it has fewer. */
  private endOf(text: string, count: number): number {
    if (this.lead === '') return text.length < count ? 0 : count
    let end = 0
    for (let nth = 0; nth < count; nth++) {
      end = text.indexOf(' ', end) + 1
      if (end === 0) return 0
    }
    return end
  }

  /** Where its last so many parts begin. */
  private startOf(text: string, count: number): number {
    if (this.lead === '') return Math.max(0, text.length - count)
    let start = text.length
    for (let nth = 0; nth < count && start > 0; nth++) start = start < 2 ? 0 : text.lastIndexOf(' ', start - 2) + 1
    return start
  }

  /** Undefined where a term may stand in it. */
  wayOf(whole: string): Way | undefined {
    if (whole === this.lead) return NOTHING
    if (standsAny(whole, this.index)) return undefined
    const text = whole.slice(this.lead.length)
    const end = this.endOf(text, this.most)
    return { empty: false, head: end === 0 ? text : text.slice(0, end), tail: this.tailOf(text), ends: end > 0 }
  }

  private tailOf(text: string): string {
    if (!this.lasts.has(text.slice(this.startOf(text, 1)))) return ''
    for (let count = this.most; count > 0; count--) {
      const tail = this.lead + text.slice(this.startOf(text, count))
      if (this.begun.has(tail)) return tail
    }
    return ''
  }

  /** What of all so far a term may begin with; `begun` is what of the lines before. Undefined where one may stand there. */
  after(begun: string, { empty, head, tail, ends }: Way): string | undefined {
    if (empty) return begun
    if (begun === '') return tail
    const both = begun + head
    if (both.length > ACROSS_MOST || standsAny(both, this.index)) return undefined
    return ends ? tail : both
  }
}

const ACROSS_MOST = 500
const NOTHING: Way = { empty: true, head: '', tail: '', ends: false }

interface Clause {
  compact: Way
  words: Way
  joined: Way
  /** Whether its first and its last word are of one letter, which those of another clause may be joined to. */
  letterFirst: boolean
  letterLast: boolean
}

/**
 * Most letters have nothing in them that is looked for, and most of their lines are in many letters: a line is read once, clause by
 * clause, as a name is in one of them. Where no term stands in any clause or goes on from one to the next, none stands in the whole.
 */
export class Lines {
  private readonly lines = new Map<string, readonly (Clause | null)[]>()
  /** Null where only the whole says what stands there. */
  private readonly clauses = new Map<string, Clause | null>()
  private readonly han: Across
  private readonly latin: Across

  constructor(han: Index, latin: Index) {
    this.han = new Across(han, '')
    this.latin = new Across(latin, ' ')
  }

  /** Whether no term stands in a text; false where it has to be read as a whole. */
  haveNone(text: string): boolean {
    let compact: string | undefined = ''
    let words: string | undefined = ''
    let joined: string | undefined = ''
    let letterLast = false
    for (const line of text.split('\n')) {
      for (const clause of this.clausesOf(line)) {
        if (clause === null || (letterLast && clause.letterFirst)) return false
        if (!clause.words.empty) letterLast = clause.letterLast
        compact = this.han.after(compact, clause.compact)
        words = this.latin.after(words, clause.words)
        joined = this.latin.after(joined, clause.joined)
        if (compact === undefined || words === undefined || joined === undefined) return false
      }
    }
    return true
  }

  private clausesOf(line: string): readonly (Clause | null)[] {
    const known = this.lines.get(line)
    if (known) return known
    return keep(
      this.lines,
      line,
      line.split(CLAUSES).map((one) => this.clauseOf(one)),
    )
  }

  private clauseOf(text: string): Clause | null {
    const known = this.clauses.get(text)
    return known === undefined ? keep(this.clauses, text, this.read(text)) : known
  }

  private read(text: string): Clause | null {
    const { words, joined, compact } = gathered(text)
    // 第 and a number are read as one, by what follows.
    if (compact.includes('第1') || compact.endsWith('第')) return null
    if (LETTERS.test(words) || LETTERS.test(joined)) return null
    const ofHan = this.han.wayOf(compact)
    const ofWords = this.latin.wayOf(words)
    const ofJoined = joined === words ? ofWords : this.latin.wayOf(joined)
    if (!ofHan || !ofWords || !ofJoined) return null
    return {
      compact: ofHan,
      words: ofWords,
      joined: ofJoined,
      letterFirst: LETTER_FIRST.test(words) || LETTER_FIRST.test(joined),
      letterLast: LETTER_LAST.test(words) || LETTER_LAST.test(joined),
    }
  }
}

/** After a blank, or between Chinese, where no English word goes on. */
const CLAUSES = /(?<=[,.:;!?] )|(?<=[\u4e00-\u9fff][，。：！；、？])(?=[\u4e00-\u9fff])/

const LETTER_FIRST = /^ (?:[^ ]|[\ud800-\udbff][^ ]) /
const LETTER_LAST = / (?:[^ ]|[\ud800-\udbff][^ ]) $/
const KEPT_MOST = 5_000
const KEPT_LONGEST = 1_000

/** Nothing long is kept, and all is forgotten at times. */
function keep<T>(all: Map<string, T>, text: string, value: T): T {
  if (text.length > KEPT_LONGEST) return value
  if (all.size >= KEPT_MOST) all.clear()
  all.set(text, value)
  return value
}
