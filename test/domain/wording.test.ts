import { describe, expect, test } from 'vitest'
import { checkWording } from '../../domain/wording.ts'
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

  test('puts the gravest first', () => {
    expect(checkWording('原价 100，绝对最佳').map((one) => one.severity)).toEqual(['block', 'review', 'evidence'])
  })
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
