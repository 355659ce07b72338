/**
 * Values that no term of the wording check can touch, wherever they stand in a letter: no character of them is in a Chinese term, and
 * no word of them is a part of an English one, so that none begins in them, ends in them or goes over them. Two letters that differ in
 * such values alone are found the same in.
 */
import { HAN, chinese, gathered, skeleton, wordsSought } from './wording-reading.ts'
import { TERMS, type Term } from './wording-terms.ts'

/** Words, codes, dates and amounts; a Chinese name. */
const LATIN = /^[A-Za-z0-9]+(?:[ .,-][A-Za-z0-9]+)*$/
const BETWEEN = /[ .,-]/g
const ONE_WORD = /^[A-Za-z0-9]+$/
const BEGINNING = 3
const ONE_LETTER = /^[a-z]$/
const CHINESE = /^[\u4e00-\u9fff]{2,}$/
const LONGEST = 40
/** The mark of an advertisement is looked for at the beginning of a subject. */
const MARKS = ['ad', '广告']

/** What stands for a value that is inert; the value itself where it is not. */
type Inert = (value: string) => string

const LATIN_SIGN = '\u0001'
const CHINESE_SIGN = '\u0002'
const KNOWN_MOST = 20_000

export const inertIn = (terms: readonly Term[] = TERMS): Inert => remembered(compile(terms.map(({ term }) => term)))

function compile(terms: readonly string[]): Inert {
  const all = [...terms, ...MARKS]
  const signs = new Set(all.filter((term) => HAN.test(term)).flatMap((term) => [...chinese(term)]))
  const words = all
    .filter((term) => !HAN.test(term))
    .flatMap((term) => [wordsSought(term), wordsSought(term.replaceAll(' ', ''))])
  const latin = words.join('|')
  const beginnings = new Set(Array.from(latin, (_, at) => latin.slice(at, at + BEGINNING)))
  // A letter alone may be joined to others; of most words not even the beginning is in a term.
  const isApartWord = (word: string) =>
    word === '' ||
    (!ONE_LETTER.test(word) &&
      ((word.length >= BEGINNING && !beginnings.has(word.slice(0, BEGINNING))) || !latin.includes(word)))
  const isApart = (text: string) => text.split(' ').every(isApartWord)
  const holdsSign = (compact: string) => [...compact].some((sign) => signs.has(sign))
  // Digits are read as letters beside letters, and as digits alone.
  const asDigits = (value: string) => value.toLowerCase().replaceAll('i', 'l')
  // Nearly all are names and codes, and a code is met three times.
  const isCode = (word: string) => !holdsSign(word) && isApartWord(skeleton(word)) && isApartWord(asDigits(word))
  return (value) => {
    if (value.length > LONGEST) return value
    if (ONE_WORD.test(value)) return isCode(value.toLowerCase()) ? LATIN_SIGN : value
    const isChinese = CHINESE.test(value)
    if (!isChinese && !LATIN.test(value)) return value
    const { compact, words, joined } = gathered(value)
    if (holdsSign(compact)) return value
    if (isChinese) return CHINESE_SIGN
    const digits = asDigits(value)
    const readings = [words, joined, digits.replace(BETWEEN, ' '), digits.replace(BETWEEN, '')]
    return readings.every(isApart) ? LATIN_SIGN : value
  }
}

function remembered(inert: Inert): Inert {
  const known = new Map<string, string>()
  return (value) => {
    const before = known.get(value)
    if (before !== undefined) return before
    const sign = inert(value)
    if (known.size >= KNOWN_MOST) known.clear()
    known.set(value, sign)
    return sign
  }
}
