/**
 * How a text is read by the wording check: as its reader would, so that width, case, accents, blanks, punctuation, invisible characters,
 * traditional characters and letters borrowed from other alphabets make no difference.
 */
import { Converter } from 'opencc-js/t2cn'

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

/** English letters, in lower case, so that those which stand for one another are one: i, l and 1 look alike. */
export function skeleton(words: string): string {
  const ours = ASCII.test(words) ? words : words.replace(FOREIGN, (letter) => LOOKALIKES.get(letter) ?? letter)
  const lettered = /[013457]/.test(ours)
    ? ours.replace(MIXED, (word) => word.replace(/[013457]/g, (digit) => DIGITS[digit] ?? digit))
    : ours
  return lettered.replaceAll('i', 'l')
}

/** Nothing to decompose and nothing that cannot be seen. */
const PRINTED = /^[\t\n\r\x20-\x7e]*$/

const plainOf = (text: string): string =>
  (PRINTED.test(text) ? text : text.normalize('NFKD').replace(INVISIBLE, '')).toLowerCase()

/** Two words of one letter side by side, which may be of one word; the pattern that joins those is dear. */
export const LETTERS = / (?:[^ ]|[\ud800-\udbff][^ ]) (?:[^ ]|[\ud800-\udbff][^ ]) /

const wordsOf = (plain: string): string => skeleton(plain.replace(/['’]/g, '').replace(NO_LETTER, ' ').trim())

/** Letters set one by one are a word: c u r e s. */
const lettersJoined = (words: string): string =>
  LETTERS.test(words) ? words.replace(/(?<= \p{L}) (?=\p{L} )/gu, '') : words

export const HAN = /\p{Script=Han}/u

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
export function gathered(text: string): Reading {
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

export function readings(text: string): string[] {
  const { words, joined, compact, han } = gathered(text)
  const all = [han ? compact.replace(FIRST, '第一') : '', lettersJoined(words)]
  return joined === words ? all : [...all, lettersJoined(joined)]
}

export const chinese = (text: string): string => readings(text)[0] ?? ''
export const wordsSought = (term: string): string => readings(term)[1] ?? ''
