import { describe, expect, it } from 'vitest'
import { checkPlan } from '../../domain/contracts/plan.ts'
import { compileMjml } from '../../domain/mjml.ts'
import { withPartials } from '../../domain/partials.ts'
import { compiledWording, flawsOfPlan, readyWording, withReadyWords } from '../../domain/ready-words.ts'
import { renderWords } from '../../domain/template.ts'

const body = (inside: string): string =>
  `<mjml>\n<mj-body>\n<mj-section>\n<mj-column>\n${inside}\n</mj-column>\n</mj-section>\n</mj-body>\n</mjml>`

describe('MJML', () => {
  it('becomes HTML with its Liquid in it, no font from elsewhere, and a text part', async () => {
    const mjml = body(
      '<mj-text>Hello {{ name }}</mj-text><mj-raw>{% for one in items %}<p>{{ one }}</p>{% endfor %}</mj-raw><mj-button href="{{ url | safe_url }}">Go</mj-button>',
    )
    const words = await compiledWording(readyWording({ subject: 'Hi', mjml }, 'x'), 'x')
    expect(words.html).not.toMatch(/googleapis|@import/)
    const variables = { name: '<b>{{ url }}</b>', items: ['<i>', '2'], url: 'javascript:alert(1)' }
    const rendered = renderWords(words, variables)
    if (!rendered.ok) throw new Error(rendered.detail)
    expect(rendered.words.html).toContain('Hello &lt;b&gt;{{ url }}&lt;/b&gt;')
    expect(rendered.words.html).toContain('<p>&lt;i&gt;</p>')
    expect(rendered.words.html).not.toContain('javascript:')
    expect(rendered.words.text).toContain('Hello <b>{{ url }}</b>')
    expect(rendered.words.text).toContain('Go #')
  })

  it.each([
    ['an unknown tag', body('<mj-txt>x</mj-txt>'), /line 5, <mj-txt>/],
    ['an unknown attribute', body('<mj-text colour="red">x</mj-text>'), /<mj-text>.*colour/],
    ['what is no MJML', '<p>x</p>', /<p>/],
    [
      'Liquid that it would drop',
      '<mjml><mj-body>\n{% for a in b %}<mj-section></mj-section>{% endfor %}</mj-body></mjml>',
      /line 2: \{% for a in b %\}.*mj-raw/,
    ],
    ['an include', '<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>', /x: .*include/],
  ])('refuses %s by line and tag', async (_, source, message) => {
    await expect(compileMjml(source, 'x')).rejects.toThrow(
      expect.objectContaining({ code: 'MJML_INVALID', message: expect.stringMatching(message) as string }),
    )
  })
})

describe('the text part', () => {
  it('is made from HTML where none was written', () => {
    const words = readyWording(
      {
        subject: 'x',
        html: '<h1>Hello {{ name }}</h1><p>See <a href="https://s.com/a">this</a></p><img src="https://s.com/i">',
      },
      'x',
    )
    expect(words.text).toBe('Hello {{ name }}\n\nSee this https://s.com/a')
  })
})

describe('partials', () => {
  const partials = (name: string) => ({ end: { subject: '', text: "A < B\n{{ a | default: 'x' }}" } })[name]

  it('are put in as text and as markup, with their Liquid left alone', () => {
    const words = { subject: 's', text: "x {% render 'end' %}", html: '<p>{%- include "end" -%}</p>' }
    expect(withPartials(words, partials)).toEqual({
      subject: 's',
      text: "x A < B\n{{ a | default: 'x' }}",
      html: "<p>A &lt; B<br>{{ a | default: 'x' }}</p>",
    })
  })

  it('that are not there stay, and no rendering takes them', () => {
    const words = withPartials({ subject: 's', text: "{% render 'gone' %}" }, partials)
    expect(renderWords(words, {})).toMatchObject({ ok: false, code: 'TEMPLATE_FAILED' })
  })

  it('are never put in by what a customer is called', () => {
    const rendered = renderWords(
      { subject: '{{ name }}', text: '{{ name }}' },
      { name: "{% render 'end' %}{{ 7 | times: 6 }}" },
    )
    expect(rendered.ok && rendered.words.text).toBe("{% render 'end' %}{{ 7 | times: 6 }}\n")
  })
})

describe('the words of a plan', () => {
  const plan =
    (copy: object, more: object = {}) =>
    () =>
      checkPlan('test', { title: 'T', copy: { hello: copy }, ...more })

  it.each([
    [
      'a language that names another variable',
      { subject: 'a', text: '{{ coupon.code }}', locales: { 'zh-CN': { subject: 'b', text: '{{ copon.code }}' } } },
      /zh-CN.*VARIABLE_UNKNOWN, copon\.code/,
    ],
    ['what advertising may never say', { subject: 'a', text: '国 家 级' }, /WORDING_BLOCKED, 国家级/],
    ['a partial that is not there', { subject: 'a', text: "{% render 'foot' %}" }, /PARTIAL_UNKNOWN, foot/],
    ['a link that leads nowhere', { subject: 'a', text: 'a', html: '<a href="/sale">x</a>' }, /LINK_DEAD, \/sale/],
    ['a link by a variable alone', { subject: 'a', text: 'a', html: '<a href="{{ url }}">x</a>' }, /LINK_UNSAFE/],
    ['an end that is hidden', { subject: 'a', text: 'a', html: '<p>x</p><!-- oh' }, /UNSUBSCRIBE_HIDDEN/],
    ['a style that is not closed', { subject: 'a', text: 'a', html: '<p>x</p><style>' }, /UNSUBSCRIBE_HIDDEN/],
    ['neither text nor markup', { subject: 'a' }, /expected text, html or mjml/],
    ['both kinds of markup', { subject: 'a', html: 'x', mjml: 'y' }, /html or mjml/],
    [
      'a language that is none',
      { subject: 'a', text: 'b', locales: { Chinese: { subject: 'b', text: 'c' } } },
      /BCP 47|locales/,
    ],
  ])('are refused with %s', (_, copy, message) => expect(plan(copy)).toThrow(message))

  it('tell of what is for review, which a send is held for', () => {
    const checked = plan({ subject: 'Last chance', text: '销量第一' }, { evidence: ['第一'] })()
    expect(flawsOfPlan(checked).map(({ code, detail }) => `${code} ${detail}`)).toEqual(['WORDING_REVIEW last chance'])
  })

  it('have their MJML compiled and looked at before anything begins', async () => {
    const good = plan({ subject: 'a', mjml: body('<mj-text>x</mj-text>') })()
    expect(good.copy['hello']?.html).toBeUndefined()
    expect((await withReadyWords(good)).copy['hello']).toMatchObject({
      text: 'x',
      html: expect.stringContaining('<body') as string,
    })
    const bad = plan({ subject: 'a', mjml: body('<mj-text>国家级</mj-text>') })()
    await expect(withReadyWords(bad)).rejects.toThrow(/WORDING_BLOCKED/)
  })

  it('are too long for a channel that takes less', () => {
    expect(plan({ subject: 'a', text: 'x'.repeat(501) }, { channels: ['sms'] })).toThrow(/TEXT_LONG, sms: 501/)
    const checked = plan({ subject: 'a', text: '短'.repeat(71) }, { channels: ['sms'] })()
    expect(flawsOfPlan(checked).map(({ code, detail }) => `${code} ${detail}`)).toEqual(['SMS_SEGMENTS 2'])
  })
})
