import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Copy, checkCopy, renderWords } from '../../domain/template.ts'

const words = (copy: Partial<Copy>, variables: Record<string, unknown>) => {
  const rendered = renderWords({ subject: 'Hello', text: 'Hello', ...copy }, variables)
  if (!rendered.ok) throw new Error(`${rendered.code}: ${rendered.detail}`)
  return rendered.words
}
const refusal = (text: string, variables: Record<string, unknown> = {}) => {
  const rendered = renderWords({ subject: 'Hello', text }, variables)
  return rendered.ok ? undefined : { code: rendered.code, detail: rendered.detail }
}

describe('words', () => {
  it('are filled in, in all three parts', () => {
    const coupon = { code: 'ABC', expires: '2026-11-30' }
    const filled = words(
      { subject: '{{ coupon.code }}', text: 'Dear {{ name }},\n\n{{ coupon.expires }}' },
      { name: 'Ada', coupon },
    )
    expect(filled.subject).toBe('ABC')
    expect(filled.text).toBe('Dear Ada,\n\n2026-11-30\n')
    expect(filled.html).toContain('<p>Dear Ada,</p>\n<p>2026-11-30</p>')
  })

  it('carry the footer in both bodies', () => {
    const rendered = renderWords(
      { subject: 'Hello', text: 'Hello' },
      {},
      { text: 'Unsubscribe', url: 'https://s.example/u?a="1"&b' },
    )
    expect(rendered.ok && rendered.words.text).toBe('Hello\n\n--\nUnsubscribe: https://s.example/u?a="1"&b\n')
    expect(rendered.ok && rendered.words.html).toContain('href="https://s.example/u?a=&#34;1&#34;&amp;b"')
  })

  it('are a refusal where a variable has no value, never a blank', () => {
    expect(refusal('Hello {{ name }}')).toMatchObject({ code: 'TEMPLATE_VARIABLE_MISSING' })
    expect(refusal('{{ coupon.code }}', { coupon: { issued: false } })?.code).toBe('TEMPLATE_VARIABLE_MISSING')
    expect(refusal('{{ coupon.code }}', {})?.detail).toContain('coupon')
    expect(refusal('{{ name.constructor }}', { name: 'Ada' })?.code).toBe('TEMPLATE_VARIABLE_MISSING')
    expect(refusal('{% if name %}{{ name }}{% else %}you{% endif %}')).toBeUndefined()
  })

  it('escape a person’s own words in HTML, and leave them alone in text', () => {
    const name = `<script>alert("1")</script> & 'Co'`
    const { html, text, subject } = words({ subject: '{{ name }}', text: '{{ name }}' }, { name })
    expect(html).not.toContain('<script>')
    expect(html).toContain('&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp; &#39;Co&#39;')
    expect(text).toBe(`${name}\n`)
    expect(subject).toBe(name)
    expect(words({ html: '<b title="{{ name }}">hi</b>' }, { name }).html).not.toContain('<script>')
  })

  it('let no name write a header', () => {
    const { subject } = words({ subject: 'Hello {{ name }}' }, { name: 'Ada\r\nBcc: everyone@shop.example' })
    expect(subject).toBe('Hello Ada Bcc: everyone@shop.example')
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', ' ', ':', '\r', '\n', '\t', '\u0085', '\u2028', '{') }),
        (name) => !/[\r\n]/.test(words({ subject: '{{ name }}' }, { name }).subject),
      ),
      { seed: 1, numRuns: 300 },
    )
  })

  it('let no markup of a person through, whatever they write', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '{', '%', '}', 'a', '\n') }), (name) => {
        const { html } = words({ html: '[{{ name }}]' }, { name })
        const inside = html.slice(html.indexOf('[') + 1, html.lastIndexOf(']'))
        return !/[<>"']/.test(inside)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('have no filter that switches escaping off', () => {
    expect(() => checkCopy({ subject: 'Hello', text: '{{ name | raw }}' }, 'x')).toThrow(/undefined filter: raw/)
    expect(refusal('{{ name | raw }}', { name: '<b>' })?.code).toBe('TEMPLATE_FAILED')
  })

  it('link to nothing but pages and addresses through safe_url', () => {
    const link = (url: unknown): string => words({ html: '<a href="{{ url | safe_url }}">x</a>' }, { url }).html
    expect(link('https://shop.example/a?b=1')).toContain('href="https://shop.example/a?b=1"')
    expect(link('mailto:ada@shop.example')).toContain('href="mailto:ada@shop.example"')
    for (const url of [
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      ' javascript:alert(1)',
      'data:text/html,x',
      '//x',
      7,
      '',
    ]) {
      expect(link(url)).toContain('href="#"')
    }
  })

  it('are stopped where they would never end', () => {
    const before = performance.now()
    expect(refusal('{% for i in (1..1000000000) %}{{ i }}{% endfor %}')?.code).toBe('TEMPLATE_FAILED')
    const nested =
      '{% for i in (1..9999) %}{% for j in (1..9999) %}{% for k in (1..9999) %}a{% endfor %}{% endfor %}{% endfor %}'
    expect(refusal(nested)?.code).toBe('TEMPLATE_FAILED')
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  it('read no files', () => {
    expect(refusal(`{% include '/etc/passwd' %}`)?.code).toBe('TEMPLATE_FAILED')
    expect(refusal(`{% render '../../package.json' %}`)?.code).toBe('TEMPLATE_FAILED')
  })
})

describe('checkCopy', () => {
  it.each([
    [{ subject: '{{ name', text: 'x' }, 'subject'],
    [{ subject: 'x', text: '{% if name %}' }, 'text'],
    [{ subject: 'x', text: 'x', html: '{% nonsense %}' }, 'html'],
    [{ subject: 'x', text: '{{ name | shout }}' }, 'text'],
  ])('names the part that cannot be read: %j', (copy, part) => {
    const field = `first-order.copy.welcome.${part}`
    expect(() => checkCopy(copy, 'first-order.copy.welcome')).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_SYNTAX', field, message: expect.stringContaining(field) as string }),
    )
  })

  it('says the line', () => {
    expect(() => checkCopy({ subject: 'x', text: 'one\ntwo\n{{ name' }, 'x')).toThrow(/line:3/)
  })

  it('lets words pass that can be read', () => {
    expect(() => checkCopy({ subject: '{{ name }}', text: '{% if a %}b{% endif %}' }, 'x')).not.toThrow()
  })
})
