import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkWording, textOfWords, textSeenIn } from '../../domain/wording.ts'
import { TERMS } from '../../domain/wording-terms.ts'

const found = (text: string, evidence: string[] = []): string[] =>
  checkWording(text, { evidence }).map((one) => one.term)

describe('the wording check', () => {
  test.each([
    '最近上新',
    '第一时间通知你',
    '最后一天',
    '最多可省 20 元',
    '最低消费 100 元',
    'asbestos',
    'the best of friends',
    '满 100 减 10',
  ])('lets %s pass', (text) => expect(found(text)).toEqual([]))

  test.each([
    ['国家级品质', '国家级'],
    ['國家級品質', '国家级'],
    ['国 家-级', '国家级'],
    ['国\u200b家\u200d级', '国家级'],
    ['ｃｕｒｅｓ everything', 'cures'],
    ['It C.U.R.E.S you', 'cures'],
    ["The world's best tea", "world's best"],
    ['本活动最終解釋權歸本店所有', '最终解释权'],
  ])('finds in %s the term %s', (text, term) => expect(found(text)).toContain(term))

  test('finds a term beside the longer word in which it is harmless', () => {
    expect(found('第一时间送达，销量第一')).toEqual(['第一'])
  })

  test('lets a claim with proof pass, never what is forbidden', () => {
    expect(found('销量第一，国家级', ['第一', '国家级'])).toEqual(['国家级'])
  })

  test('finds the same on the short way, which printed letters alone take, as on the long one', () => {
    const words = TERMS.map(({ term }) => term).filter((term) => /^[\x20-\x7e]+$/.test(term))
    const glue = fc.constantFrom(' ', '-', '. ', '\n', '', ' a ', ' b c ', "'", '1', ' the ')
    const spelt = fc
      .constantFrom(...words)
      .chain((word) => fc.constantFrom(word, word.toUpperCase(), [...word].join(' ')))
    const piece = fc.oneof(spelt, glue, fc.string({ maxLength: 6 }))
    let hits = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const terms = found(text)
        hits += terms.length
        // What nobody sees is read all the same.
        expect(found(`${text}\u200b`)).toEqual(terms)
      }),
      { numRuns: 2_000 },
    )
    expect(hits).toBeGreaterThan(200)
  })

  test('finds the same line by line and clause by clause as in the whole', () => {
    const words = TERMS.flatMap(({ term, except = [] }) => [term, ...except].flatMap((one) => [one, ...one.split(' ')]))
    const cut = fc
      .constantFrom(...words)
      .chain((word) => fc.integer({ min: 0, max: word.length }).map((at) => word.slice(0, at) + '\n' + word.slice(at)))
    const glue = fc.constantFrom(' ', '\n', '\n\n', ', ', '. ', '，', '。', '-', '', ' a ', '1', '第', '王', 'é')
    const piece = fc.oneof(fc.constantFrom(...words), fc.constantFrom(...words), cut, glue, glue)
    let [hits, none] = [0, 0]
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('')
        const terms = found(text)
        if (terms.length > 0) hits += 1
        else none += 1
        // Letters side by side are read in the whole alone.
        expect(found(`x y word\n${text}`)).toEqual(terms)
      }),
      { numRuns: 10_000 },
    )
    expect(Math.min(hits, none)).toBeGreaterThan(1_000)
  })

  test('puts the gravest first', () => {
    expect(checkWording('原价 100，绝对最佳').map((one) => one.severity)).toEqual(['block', 'review', 'evidence'])
  })
})

describe('a disguise', () => {
  const BLOCKED = TERMS.filter(({ severity }) => severity === 'block').map(({ term }) => term)
  const INVISIBLE = [
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u034f',
    '\ufe0f',
    '\u{e0100}',
    '\u202e',
    '\u0301',
    '\u0007',
  ]

  test('of invisible characters never hides a term, wherever they are put', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...BLOCKED),
        fc.array(fc.tuple(fc.nat(40), fc.constantFrom(...INVISIBLE)), { minLength: 1, maxLength: 12 }),
        (term, hidden) => {
          const letters = [...term]
          for (const [at, sign] of hidden) letters.splice(at % (letters.length + 1), 0, sign)
          return found(`见 ${letters.join('')} 见`).includes(term)
        },
      ),
      { seed: 7, numRuns: 2_000 },
    )
  })

  test('of blanks and signs never hides a Chinese term', () => {
    const chinese = BLOCKED.filter((term) => /\p{Script=Han}/u.test(term))
    fc.assert(
      fc.property(
        fc.constantFrom(...chinese),
        fc.array(fc.constantFrom(' ', '·', '★', '\n', '—', '🎉', '.', '　')),
        (term, signs) => found([...term].map((letter, i) => letter + (signs[i] ?? '')).join('')).includes(term),
      ),
      { seed: 7, numRuns: 1_000 },
    )
  })

  test.each([
    ['letters of another alphabet', 'Frее Mоnеу', 'free money'],
    ['digits for letters', 'fr33 m0ney', 'free money'],
    ['an i for an l', 'doubie your money', 'double your money'],
    ['signs inside a word', 'fr_ee mo-ney', 'free money'],
    ['letters one by one', 'F R E E  M O N E Y'.replace('  ', ' | '), 'free money'],
    ['accents', 'frée mőney', 'free money'],
    ['a full width', 'ｆｒｅｅ　ｍｏｎｅｙ', 'free money'],
    ['a variant character', '囯家级', '国家级'],
    ['a digit for a numeral', '销量第1', '第一'],
    ['traditional characters', '最終解釋權', '最终解释权'],
  ])('of %s is seen through', (_, text, term) => expect(found(text)).toContain(term))

  test.each([
    'Order 1003 is on its way',
    '第 10 位',
    'Привет, как дела',
    'CURE5XALLQ7',
    'level 5',
    'https://s.com/cures',
  ])('is not seen where there is none: %s', (text) =>
    expect(checkWording(textOfWords({ subject: '', text })).map((one) => one.term)).toEqual([]),
  )

  test('of markup is seen through', () => {
    expect(found(textSeenIn('国<b>家</b><span></span>级'))).toEqual(['国家级'])
    expect(found(textSeenIn('&#22269;&#x5bb6;级'))).toEqual(['国家级'])
    expect(found(textSeenIn('<p>国家</p><style>级{}</style><!-- 级 -->'))).toEqual([])
  })
})

describe('normal shop language passes', () => {
  test.each([
    '您的第一杯咖啡半价',
    '首选地址已更新',
    '顶级会员专享',
    '您最好在三天内使用',
    '最佳赏味期 30 天',
    '顾客第一，服务第一',
    '内增高鞋垫',
    '治愈系香薰',
    '最大限度保护',
    '万能胶',
    'Your first cup is on us',
    'No. 1 Nanjing Road',
    'We cure our own ham',
    'The best is yet to come',
  ])('%s', (text) => expect(found(text)).toEqual([]))

  test.each(['last chance', 'act now', '首选', '顶级', '特供', 'risk free', 'no obligation'])(
    '%s is for review, not forbidden',
    (text) => {
      expect(checkWording(text).map((one) => one.severity)).toEqual(['review'])
    },
  )
})

describe('the list of terms', () => {
  test('has at least a hundred, in both languages, each once', () => {
    const terms = TERMS.map((one) => one.term)
    expect(new Set(terms).size).toBe(terms.length)
    expect(terms.length).toBeGreaterThanOrEqual(100)
    expect(terms.filter((term) => /^[a-z0-9' ]+$/.test(term)).length).toBeGreaterThanOrEqual(30)
  })

  test('finds each of its own terms, and none in the words it excepts', () => {
    for (const { term, except = [] } of TERMS) {
      expect(found(`a ${term} b`)).toContain(term)
      for (const harmless of except) expect(found(harmless)).not.toContain(term)
    }
  })
})
