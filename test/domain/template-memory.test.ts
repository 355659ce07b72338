/** Rendering that remembers says what rendering anew says: over all words of all journeys, in any order of values. */
import { describe, expect, it } from 'vitest'
import { readCatalogue } from '../../client/catalogue.ts'
import { chooseWords, localesOf } from '../../domain/word-versions.ts'
import { TemplateMemory } from '../../domain/template-memory.ts'
import { type Rendered, type Wording, renderWords } from '../../domain/template.ts'

const coupon = (code: string) => ({ issued: true, code, title: 'Ten off', expires: '2026-12-01' })
const VALUES: Record<string, unknown>[] = [
  {},
  { name: 'Ada', coupon: coupon('ABCD2345EFGH'), size: 'M', item: 'Tea', days: 3, cart: { items: [] } },
  {
    name: '王芳',
    coupon: coupon('HHHH2345EFGH'),
    item: 'Tea',
    days: 4,
    cart: { items: [{ title: 'Tea', amount: 120 }] },
  },
  { name: '王芳', coupon: { issued: false }, days: 4, cart: { items: [{ title: 'Tea', amount: 120, stock: 0 }] } },
  { name: 'Ada', coupon: { issued: false }, coupons: { first: 'a', last: 'b', coupons: [coupon('A'), coupon('B')] } },
]
// `increment` counts in the values themselves.
const anew = (words: Wording, values: Record<string, unknown>) => renderWords(words, structuredClone(values))

/** Without the place in the letter. */
const said = (rendered: Rendered): Rendered =>
  rendered.ok ? rendered : { ...rendered, detail: rendered.detail.split(', line')[0] ?? '' }

describe('rendering that remembers', () => {
  it('says what rendering anew says, the second time as the first', async () => {
    const render = new TemplateMemory().render
    for (const { plan } of (await readCatalogue()).values()) {
      for (const [message, copy] of Object.entries(plan.copy)) {
        for (const locale of localesOf(copy, [], { journey: plan.name, message })) {
          const { words } = chooseWords(copy, [], { journey: plan.name, message, wanted: [locale] })
          for (const values of [...VALUES, ...VALUES]) {
            expect(said(renderWords(words, values, undefined, undefined, render))).toEqual(said(anew(words, values)))
          }
        }
      }
    }
  })

  it.each([
    ['{% assign one = name %}{{ one }} and {{ one | upcase }}', [{ name: 'a' }, { name: 'b' }]],
    [
      '{% for one in all %}{{ one }}{% break %}{% endfor %}{{ all.size }}',
      [{ all: [1] }, { all: [2, 3] }, { all: [] }],
    ],
    [
      '{{ all[at] }}{{ all.first }}',
      [
        { all: [1, 2], at: 0 },
        { all: [1, 2], at: 1 },
        { all: [3, 2], at: 1 },
      ],
    ],
    ['{{ maybe }}', [{ maybe: null }, {}, { maybe: '' }, { maybe: 'null' }]],
    ['{% increment n %}{% increment n %}', [{}, {}]],
    ['{% if one.two %}{{ one.two.three }}{% endif %}', [{ one: {} }, { one: { two: { three: 3 } } }, {}]],
  ])('keeps apart what hangs on other values: %s', (text, all) => {
    const render = new TemplateMemory().render
    const words = { subject: 's', text }
    for (const values of [...all, ...all]) {
      expect(renderWords(words, structuredClone(values), undefined, undefined, render)).toEqual(anew(words, values))
    }
  })
})
