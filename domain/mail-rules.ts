/**
 * What the law asks of a mail beyond its words, done by code so that no plan forgets it: the mark of advertising for customers in
 * China (rules on internet mail services, MIIT order 38 of 2006, art. 13 and 14: the subject begins with 广告 or AD), a way out in
 * every mail that can be left (RFC 8058), and the sender's postal address (CAN-SPAM, 15 USC 7704(a)(5)).
 */
import { isChinese } from './locale.ts'
import type { MessageClass } from './sending.ts'
import { type Footer, type Render, type Rendered, type Wording, renderWords } from './template.ts'

/** What tells where a customer is. */
export interface Whereabouts {
  locale?: string | null
  zone?: string | null
  phone?: string | null
}

const CHINESE_ZONES = new Set([
  'Asia/Shanghai',
  'Asia/Chongqing',
  'Asia/Chungking',
  'Asia/Harbin',
  'Asia/Urumqi',
  'Asia/Kashgar',
  'PRC',
])

/**
 * Whether anything says that the customer is in mainland China: the phone, the zone or the region of the locale. Chinese in
 * simplified characters without a region counts unless a phone or a zone says another country: a mark too many costs nothing.
 */
export function isInChina({ locale, zone, phone }: Whereabouts): boolean {
  if (phone?.startsWith('+86') || (zone && CHINESE_ZONES.has(zone))) return true
  if (!locale) return false
  if (/-CN\b/i.test(locale)) return true
  return !phone && !zone && /^zh(-Hans)?$/i.test(locale)
}

const MARKED = /^[\s【[(（]*(广告|AD(?![a-z0-9]))/i

/** The subject as it must begin where the customer is in China. */
export function markedSubject(subject: string, locale: string): string {
  if (MARKED.test(subject)) return subject
  return isChinese(locale) ? `广告：${subject}` : `AD: ${subject}`
}

export interface MailRules {
  class: MessageClass
  /** Of the words. */
  locale: string
  china: boolean
  unsubscribeUrl?: string | undefined
  preferencesUrl?: string | undefined
  /** The shop's postal address. */
  address?: string | undefined
  /** Nobody looks at a page that is made from the text: renderWords. */
  pageless?: boolean
}

const SAID = {
  zh: { unsubscribe: '退订', preferences: '订阅设置' },
  en: { unsubscribe: 'Unsubscribe', preferences: 'Preferences' },
} as const

/** What stands below a mail; undefined where it needs nothing. */
export function mailFooter({ locale, unsubscribeUrl, preferencesUrl, address }: MailRules): Footer | undefined {
  if (unsubscribeUrl === undefined) return undefined
  const said = SAID[isChinese(locale) ? 'zh' : 'en']
  return {
    text: said.unsubscribe,
    url: unsubscribeUrl,
    ...(preferencesUrl && { more: [{ text: said.preferences, url: preferencesUrl }] }),
    ...(address && { note: address }),
  }
}

/** A mail out of its words, with all that the law asks of it. */
export function renderMail(
  copy: Wording,
  variables: Record<string, unknown>,
  rules: MailRules,
  render?: Render,
): Rendered {
  const rendered = renderWords(copy, variables, mailFooter(rules), rules.locale, render, rules.pageless)
  if (!rendered.ok || rules.class !== 'marketing' || !rules.china) return rendered
  return { ok: true, words: { ...rendered.words, subject: markedSubject(rendered.words.subject, rules.locale) } }
}
