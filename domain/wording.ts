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
  const plain = plainOf(piece)
  const words = wordsOf(plain)
  const inside = plain.replace(INSIDE, '')
  const joined = inside === plain ? words : wordsOf(inside)
  const han = !ASCII.test(plain) && HAN.test(plain)
  const letters = plain.replace(NO_LETTER, '')
  const reading = { words, joined, compact: han ? simplified(letters) : letters, han }
  if (piece.length > PIECE_MOST) return reading
  if (pieces.size >= PIECES_MOST) pieces.clear()
  pieces.set(piece, reading)
  return reading
}

const PIECE_MOST = 200

/** Chinese has no blanks, so all of them go; of English the words stay apart, once with punctuation as a blank, once as nothing. */
function readings(text: string): string[] {
  let [words, joined, compact, han] = [' ', ' ', '', false]
  for (const piece of text.split(/[ \n]+/)) {
    if (piece === '') continue
    const one = readingOf(piece)
    if (one.words !== '') words += `${one.words} `
    if (one.joined !== '') joined += `${one.joined} `
    compact += one.compact
    han ||= one.han
  }
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

/** The terms that stand in `text` outside of all the longer words in which they are harmless. */
function* standing(text: string, { begins, terms }: Index): Generator<Term> {
  for (let at = 0; at < text.length - 1; at++) {
    const pair = pairAt(text, at)
    if (begins[placeOf(pair)] === 0) continue
    for (const sought of terms.get(pair) ?? []) {
      if (text.startsWith(sought.text, at) && !isHarmless(text, at, sought)) yield sought.of
    }
  }
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
  return (text) => {
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
  { evidence = [], approved = [], terms }: WordingLeave & { terms?: readonly Term[] } = {},
): Finding[] {
  return checkerOf(terms)(text).filter(
    ({ term, severity }) =>
      severity === 'block' || !(severity === 'evidence' ? evidence.includes(term) : approved.includes(term)),
  )
}

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
  return all.replace(ADDRESS, ' ')
}
