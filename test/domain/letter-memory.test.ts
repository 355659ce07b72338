/** What is remembered of letters is what reading each of them anew finds: whatever stands around a value, and whatever the value is. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { FAMILY, FIRST, GIVEN, LAST } from '../../client/simulation/made-up-names.ts'
import { LetterMemory } from '../../domain/letter-memory.ts'
import { TemplateMemory } from '../../domain/template-memory.ts'
import { type Wording, renderWords } from '../../domain/template.ts'
import { chooseWords, localesOf } from '../../domain/word-versions.ts'
import { type Finding, checkWording, textOfWords } from '../../domain/wording.ts'
import { inertIn } from '../../domain/wording-inert.ts'
import { TERMS } from '../../domain/wording-terms.ts'

/** Undefined where nothing comes out. */
function readAnew(words: Wording, values: Record<string, unknown>): readonly Finding[] | undefined {
  const rendered = renderWords(words, structuredClone(values), undefined, undefined, undefined, true)
  if (!rendered.ok) return undefined
  const { subject, text } = rendered.words
  return checkWording(textOfWords({ subject, text }))
}

/** Asks the memory; what it cannot tell is read anew, as whoever asks does. */
const remembered = (memory: LetterMemory, words: Wording, values: Record<string, unknown>) =>
  memory.findings({ words, china: false }, values, () => readAnew(words, values)) ?? readAnew(words, values)

const standIn = inertIn()
const isInert = (value: string): boolean => standIn(value) !== value
const terms = TERMS.map(({ term }) => term)
const code = fc.stringMatching(/^[A-HJ-NP-Z2-9]{12}$/)
const names = [...FIRST, ...LAST, ...FAMILY.map((family, nth) => `${family}${GIVEN[nth % GIVEN.length]}`)]
const someName = fc.oneof(
  fc.constantFrom(...names),
  fc.constantFrom(...terms),
  fc.constantFrom('AD', '广告', 'A', '1', '第一', ''),
)
/** Pieces of terms, so that values and what stands around them make up whole ones. */
const piece = fc.tuple(fc.constantFrom(...terms), fc.nat(), fc.nat()).map(([term, one, other]) => {
  const [from, to] = [one % (term.length + 1), other % (term.length + 1)].sort((a, b) => a - b)
  return term.slice(from, to)
})
const value = fc.oneof(
  someName,
  code,
  piece,
  fc.integer({ min: 0, max: 3_000 }),
  fc.date().map((at) => at.toJSON()?.slice(0, 10) ?? ''),
)
const around = fc.oneof(piece, fc.constantFrom('', ' ', '\n', ', ', '，', '第', '第1', 'a', '-', '.', '¥'))

describe('what is remembered of letters', () => {
  it('is what reading anew finds, for all words of all journeys', async () => {
    const letters: Wording[] = []
    for (const { plan } of (await readCatalogue()).values()) {
      for (const [message, copy] of Object.entries(plan.copy)) {
        for (const locale of localesOf(copy, [], { journey: plan.name, message })) {
          letters.push(chooseWords(copy, [], { journey: plan.name, message, wanted: [locale] }).words)
        }
      }
    }
    const memory = new LetterMemory()
    const item = fc.record({ title: value, amount: fc.nat(500_00), stock: fc.constantFrom(0, 1, undefined) })
    const coupon = fc.record({ issued: fc.boolean(), code, title: value, expires: value })
    const values = fc.record({
      name: value,
      order: value,
      days: fc.nat(40),
      coupon,
      cart: fc.record({ items: fc.array(item, { maxLength: 3 }) }),
      coupons: fc.record({ first: value, last: value, coupons: fc.array(coupon, { maxLength: 2 }) }),
      links: fc.constant({ preferences: 'https://shop.example/p', confirm: 'https://shop.example/c' }),
    })
    fc.assert(
      fc.property(fc.constantFrom(...letters), values, (words, some) => {
        expect(remembered(memory, words, some)).toEqual(readAnew(words, some))
      }),
      { numRuns: 2_000 },
    )
  })

  it('is what reading anew finds, where a value and what stands around it make up what is looked for', () => {
    let inert = 0
    fc.assert(
      fc.property(
        around,
        around,
        around,
        fc.array(value, { minLength: 2, maxLength: 8 }),
        (before, between, after, all) => {
          const words = { subject: `${before}{{ one }}`, text: `${before}{{ one }}${between}{{ other }}${after}` }
          const memory = new LetterMemory()
          all.forEach((one, nth) => {
            const values = { one, other: all[(nth + 1) % all.length] }
            if (typeof one === 'string' && isInert(one)) inert += 1
            expect(remembered(memory, words, values)).toEqual(readAnew(words, values))
          })
        },
      ),
      { numRuns: 3_000 },
    )
    expect(inert).toBeGreaterThan(1_000)
  })

  it('is asked once for letters that differ in a name and a code alone', () => {
    const memory = new LetterMemory()
    const words = { subject: 'Hello {{ name }}', text: '{% for one in all %}{{ one.code }}\n{% endfor %}' }
    let read = 0
    for (const name of ['Ada', 'Grace Hopper', 'Ruth']) {
      const values = { name, all: [{ code: 'ABCD2345EFGH' }] }
      memory.findings({ words, china: false }, values, () => ((read += 1), []))
    }
    expect(read).toBe(1)
  })

  it('is not asked for words that an operator checks by terms of their own, nor for HTML', () => {
    const memory = new LetterMemory()
    const words = { subject: 's', text: 't' }
    expect(memory.findings({ words, china: false, terms: [] }, {}, () => [])).toBeUndefined()
    expect(memory.findings({ words: { ...words, html: '<p>t</p>' }, china: false }, {}, () => [])).toBeUndefined()
  })
})

describe('rendering by parts', () => {
  it.each([
    ['{% for one in all %}{{ forloop.index }}{{ one }}{% endfor %}', [{ all: ['a', 'b'] }, { all: [] }]],
    [
      '{% for one in all %}{{ one.title }}{% else %}none{% endfor %}',
      [{ all: [{ title: 'a' }] }, { all: [] }, { all: 'ab' }, {}],
    ],
    ['{% for one in all reversed %}{{ one }}{% endfor %}', [{ all: ['a', 'b'] }]],
    [
      '{% unless one.stock == 0 %}{{ one.title }}{% else %}gone{% endunless %}',
      [{ one: { stock: 0 } }, { one: { title: 'a' } }],
    ],
    ['{% if n > 3 and name %}{{ name }}{% endif %}', [{ n: 4, name: 'a' }, { n: 3, name: 'a' }, { n: 4 }]],
    ['{% if one == "x%}" %}a{% endif %}', [{ one: 'x%}' }, { one: 'y' }]],
  ])('comes to what rendering anew comes to: %s', (text, all: Record<string, unknown>[]) => {
    const { render } = new TemplateMemory()
    const words = { subject: 's', text }
    for (const values of [...all, ...all]) {
      const anew = renderWords(words, structuredClone(values))
      expect(renderWords(words, structuredClone(values), undefined, undefined, render)).toEqual(anew)
    }
  })
})
