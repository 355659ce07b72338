import { describe, expect, it } from 'vitest'
import { isInChina, markedSubject, renderMail } from '../../domain/mail-rules.ts'

const RULES = { class: 'marketing', locale: 'en', china: false, unsubscribeUrl: 'https://s.com/u/1' } as const
const mail = (rules: Partial<Parameters<typeof renderMail>[2]>, copy = { subject: 'News', text: 'Hello' }) => {
  const rendered = renderMail(copy, {}, { ...RULES, ...rules })
  if (!rendered.ok) throw new Error(rendered.detail)
  return rendered.words
}

describe('where a customer is', () => {
  it.each([
    [{ phone: '+8613912345678', locale: 'en-GB', zone: 'Europe/London' }, true],
    [{ zone: 'Asia/Shanghai' }, true],
    [{ zone: 'Asia/Urumqi', locale: 'en' }, true],
    [{ locale: 'zh-CN', zone: 'Europe/Berlin' }, true],
    [{ locale: 'zh-Hans-CN' }, true],
    [{ locale: 'zh' }, true],
    [{ locale: 'zh', zone: 'Asia/Singapore' }, false],
    [{ locale: 'zh-TW' }, false],
    [{ locale: 'zh-Hant' }, false],
    [{ locale: 'en-CN' }, true],
    [{ zone: 'Asia/Hong_Kong', phone: '+85291234567' }, false],
    [{}, false],
    [{ locale: null, zone: null, phone: null }, false],
  ])('%j: in China %s', (of, china) => expect(isInChina(of)).toBe(china))
})

describe('a mail', () => {
  it('of marketing to China begins its subject as the rules ask, once', () => {
    expect(mail({ china: true }).subject).toBe('AD: News')
    expect(mail({ china: true, locale: 'zh-CN' }, { subject: '上新', text: '您好' }).subject).toBe('广告：上新')
    for (const marked of ['广告：上新', 'AD: News', '【广告】上新', '[AD] News'])
      expect(markedSubject(marked, 'zh-CN')).toBe(marked)
    expect(markedSubject('Adele is here', 'en')).toBe('AD: Adele is here')
  })

  it.each(['service', 'transactional'] as const)('of %s carries no mark', (of) => {
    expect(mail({ china: true, class: of }).subject).toBe('News')
  })

  it('that can be left has the way out, the preferences and the address in both bodies, in its language', () => {
    const { text, html } = mail({
      locale: 'zh-CN',
      preferencesUrl: 'https://s.com/p/1',
      address: 'Shop Ltd., <1> Long Road',
    })
    expect(text).toBe('Hello\n\n--\n退订: https://s.com/u/1\n订阅设置: https://s.com/p/1\nShop Ltd., <1> Long Road\n')
    expect(html).toContain('<a href="https://s.com/u/1">退订</a> · <a href="https://s.com/p/1">订阅设置</a>')
    expect(html).toContain('Shop Ltd., &lt;1&gt; Long Road')
    expect(html).toContain('<html lang="zh-CN">')
  })

  it('that is a page of its own has the footer before its end', () => {
    const { html } = mail({}, { subject: 'x', text: 'x', html: '<html><body><p>hi</p></body></html>' } as never)
    expect(html).toMatch(/<p>hi<\/p><div[^>]*>.*Unsubscribe.*<\/div><\/body><\/html>\n$/s)
  })
})
