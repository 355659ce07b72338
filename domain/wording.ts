/**
 * What advertising law and good manners say of words as the customer will read them. The words are in wording-terms.ts. A text is
 * read as its reader would: width, case, accents, blanks, punctuation, invisible characters, traditional characters and letters
 * borrowed from other alphabets make no difference.
 */
import { Converter } from 'opencc-js/t2cn'
import { type Severity, TERMS, type Term } from './wording-terms.ts'

/** No width, or nothing drawn; what is left of accents after decomposition; variation selectors. */
const INVISIBLE = /[\p{Cf}\p{M}\u115f\u1160\u3164\u2800\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu
const NO_LETTER = /[^\p{L}\p{N}]+/gu
/** Punctuation inside a word, which blanks do not border: cu.res, c_u_r_e_s. */
const INSIDE = /(?<=[\p{L}\p{N}])[^\p{L}\p{N}\s]+(?=[\p{L}\p{N}])/gu

const converter = Converter({ from: 'hk', to: 'cn' })
const CJK = [0x4e00, 0x9fff] as const

/** Every character that is written otherwise in simplified form; made at the first Chinese text, in some milliseconds. */
function traditional(): { pattern: RegExp; simple: Map<string, string> } {
  const simple = new Map(Object.entries(VARIANTS))
  for (let code = CJK[0]; code <= CJK[1]; code++) {
    const sign = String.fromCharCode(code)
    const read = converter(sign)
    if (read !== sign && !simple.has(sign)) simple.set(sign, read)
  }
  return { pattern: new RegExp(`[${[...simple.keys()].join('')}]`, 'g'), simple }
}

let table: ReturnType<typeof traditional> | undefined

/** A character at a time, as reading whole sentences costs more and tells no more. */
function simplified(text: string): string {
  table ??= traditional()
  const { pattern, simple } = table
  return text.replace(pattern, (sign) => simple.get(sign) ?? sign)
}

/** Letters of other alphabets that look like ours, after lower case. */
const LOOKALIKES = new Map(
  Object.entries({
    a: 'аαɑ',
    b: 'вьβ',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еεєё',
    f: 'ғ',
    g: 'ɡ',
    h: 'һнη',
    i: 'іıιї',
    j: 'јϳ',
    k: 'кκ',
    l: 'ӏ',
    m: 'мμ',
    n: 'пո',
    o: 'оοσօ',
    p: 'рρ',
    q: 'ԛ',
    r: 'гг',
    s: 'ѕ',
    t: 'тτ',
    u: 'υսц',
    v: 'ѵν',
    w: 'ԝωш',
    x: 'хχ',
    y: 'уγү',
    z: 'ᴢζ',
  }).flatMap(([latin, others]) => [...others].map((other) => [other, latin] as const)),
)
const FOREIGN = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}ɑɡıᴢ]/gu

/** Digits that stand for letters in a word that has letters; alone they are numbers. */
const DIGITS: Record<string, string> = { '0': 'o', '1': 'l', '3': 'e', '4': 'a', '5': 's', '7': 't' }
const MIXED = /\b(?=\p{N}*[a-z])(?=[a-z]*\p{N})[a-z\p{N}]{3,}\b/gu

/** Characters that are written for a common one to slip past. */
const VARIANTS: Record<string, string> = {
  囯: '国',
  圀: '国',
  朂: '最',
  苐: '第',
  壹: '一',
  弌: '一',
  隹: '佳',
  価: '价',
}
/** 第1 is said as 第一, 第10 is not. */
const FIRST = /第1(?!\d)/g

/** English letters so that those which stand for one another are one: i, l and 1 look alike. */
const skeleton = (words: string): string =>
  words
    .replace(FOREIGN, (letter) => LOOKALIKES.get(letter) ?? letter)
    .replace(MIXED, (word) => word.replace(/[013457]/g, (digit) => DIGITS[digit] ?? digit))
    .replaceAll('i', 'l')

/** Nothing to decompose and nothing that cannot be seen. */
const PRINTED = /^[\t\n\r\x20-\x7e]*$/

const plainOf = (text: string): string =>
  (PRINTED.test(text) ? text : text.normalize('NFKD').replace(INVISIBLE, '')).toLowerCase()

/** Two words of one letter side by side, which may be of one word; the pattern that joins those is dear. */
const LETTERS = / (?:[^ ]|[\ud800-\udbff][^ ]) (?:[^ ]|[\ud800-\udbff][^ ]) /

const wordsOf = (plain: string): string => skeleton(plain.replace(/['’]/g, '').replace(NO_LETTER, ' ').trim())

/** Letters set one by one are a word: c u r e s. */
const lettersJoined = (words: string): string =>
  LETTERS.test(words) ? words.replace(/(?<= \p{L}) (?=\p{L} )/gu, '') : words

const HAN = /\p{Script=Han}/u

const ASCII = /^[\x00-\x7f]*$/

/** How what stands between two blanks is read, which does not hang on what stands around them. */
interface Reading {
  words: string
  /** With punctuation inside as nothing. */
  joined: string
  compact: string
  han: boolean
}

const pieces = new Map<string, Reading>()
const PIECES_MOST = 20_000

/** Most of what stands between blanks is in every letter of a plan. Nothing long is kept, and all is forgotten at times. */
function readingOf(piece: string): Reading {
  const known = pieces.get(piece)
  if (known) return known
  const reading = readingAnew(piece)
  if (piece.length > PIECE_MOST) return reading
  if (pieces.size >= PIECES_MOST) pieces.clear()
  pieces.set(piece, reading)
  return reading
}

/** A word or a number, and what a sentence puts after it: nothing to be read otherwise. */
const WORD = /^([a-z0-9]+)[,.:;!?]?$/

function readingAnew(piece: string): Reading {
  const plain = plainOf(piece)
  const word = WORD.exec(plain)?.[1]
  if (word !== undefined) {
    const words = skeleton(word)
    return { words, joined: words, compact: word, han: false }
  }
  const words = wordsOf(plain)
  const inside = plain.replace(INSIDE, '')
  const joined = inside === plain ? words : wordsOf(inside)
  const han = !ASCII.test(plain) && HAN.test(plain)
  const letters = plain.replace(NO_LETTER, '')
  return { words, joined, compact: han ? simplified(letters) : letters, han }
}

const PIECE_MOST = 200

/** Chinese has no blanks, so all of them go; of English the words stay apart, once with punctuation as a blank, once as nothing. */
function gathered(text: string): Reading {
  let [words, joined, compact, han] = [' ', ' ', '', false]
  // By one sign it is taken apart faster.
  for (const piece of text.split(text.includes('\n') ? /[ \n]/ : ' ')) {
    if (piece === '') continue
    const one = readingOf(piece)
    if (one.words !== '') words += `${one.words} `
    if (one.joined !== '') joined += `${one.joined} `
    compact += one.compact
    han ||= one.han
  }
  return { words, joined, compact, han }
}

function readings(text: string): string[] {
  const { words, joined, compact, han } = gathered(text)
  const all = [han ? compact.replace(FIRST, '第一') : '', lettersJoined(words)]
  return joined === words ? all : [...all, lettersJoined(joined)]
}

const chinese = (text: string): string => readings(text)[0] ?? ''
const wordsSought = (term: string): string => readings(term)[1] ?? ''

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

interface Sought {
  text: string
  except: readonly string[]
  of: Term
}

const RANK: Record<Severity, number> = { block: 0, review: 1, evidence: 2 }

/** Terms by their first two characters, so that a text is gone through once, whatever their number. */
interface Index {
  /** Whether any term may begin so, which nearly always is the whole answer. */
  begins: Uint8Array
  terms: Map<number, Sought[]>
}

const pairAt = (text: string, at: number): number => text.charCodeAt(at) * 0x10000 + text.charCodeAt(at + 1)
const placeOf = (pair: number): number => (pair ^ (pair >>> 13)) & 0xffff

function indexed(terms: readonly Term[], read: (term: string) => string): Index {
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
function* standing(text: string, index: Index): Generator<Term> {
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

interface Line {
  compact: Way
  words: Way
  joined: Way
  /** Whether its first and its last word are of one letter, which those of another line may be joined to. */
  letterFirst: boolean
  letterLast: boolean
}

/**
 * Most letters have nothing in them that is looked for, and most of their lines are in many letters: a line is read once, and where no
 * term stands in any of them or goes on from one to the next, none stands in the whole.
 */
class Lines {
  /** Null where only the whole says what stands there. */
  private readonly known = new Map<string, Line | null>()
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
    for (const one of text.split('\n')) {
      if (one === '') continue
      const line = this.lineOf(one)
      if (line === null || (letterLast && line.letterFirst)) return false
      if (!line.words.empty) letterLast = line.letterLast
      compact = this.han.after(compact, line.compact)
      words = this.latin.after(words, line.words)
      joined = this.latin.after(joined, line.joined)
      if (compact === undefined || words === undefined || joined === undefined) return false
    }
    return true
  }

  private lineOf(text: string): Line | null {
    const known = this.known.get(text)
    if (known !== undefined) return known
    const line = this.read(text)
    if (text.length > LINE_MOST) return line
    if (this.known.size >= LINES_MOST) this.known.clear()
    this.known.set(text, line)
    return line
  }

  private read(text: string): Line | null {
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

const LETTER_FIRST = /^ (?:[^ ]|[\ud800-\udbff][^ ]) /
const LETTER_LAST = / (?:[^ ]|[\ud800-\udbff][^ ]) $/
const LINES_MOST = 20_000
const LINE_MOST = 1_000

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
