/**
 * Pieces of words that many messages share, as data: `{% render 'footer' %}`. Operators word them anew as they do messages
 * (`perennial words set partials footer`). A partial holds no partial.
 */
import type { Copy, Wording } from './template.ts'

/** The name under which operators' words for partials are kept; no journey may be called so. */
export const PARTIALS_JOURNEY = 'partials'

export const PARTIALS: Readonly<Record<string, Copy>> = {
  header: {
    subject: '',
    text: '{% if name %}Hello {{ name }},{% else %}Hello,{% endif %}',
    locales: { 'zh-CN': { subject: '', text: '{% if name %}{{ name }}，您好：{% else %}您好：{% endif %}' } },
  },
  footer: {
    subject: '',
    text: 'Questions? Answer this mail, and a person reads it.',
    locales: { 'zh-CN': { subject: '', text: '有问题请直接回复本邮件，我们会有人阅读。' } },
  },
}

const TAG = /\{%-?\s*(?:render|include)\s+['"]([^'"]*)['"]\s*-?%\}/g

/** The names of the partials that words ask for, in all their parts. */
export function partialsIn(words: { subject: string; text?: string; html?: string; mjml?: string }): string[] {
  const parts = [words.subject, words.text ?? '', words.html ?? '', words.mjml ?? '']
  return [...new Set(parts.flatMap((part) => [...part.matchAll(TAG)].map(([, name = '']) => name)))]
}

/** The words with their partials put in. One that `partials` does not have stays as it stands, which no rendering takes. */
export function withPartials(words: Wording, partials: (name: string) => Wording | undefined): Wording {
  const put = (source: string, part: (partial: Wording) => string): string =>
    source.replace(TAG, (tag, name: string) => {
      const partial = partials(name)
      return partial ? part(partial) : tag
    })
  const text = put(words.text, (partial) => partial.text)
  const subject = put(words.subject, (partial) => partial.text)
  if (words.html === undefined) return { subject, text }
  return { subject, text, html: put(words.html, (partial) => partial.html ?? markupOf(partial.text)) }
}

const SIGNS: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Text as markup, with its Liquid left alone. */
function markupOf(text: string): string {
  return text
    .split(/(\{\{.*?\}\}|\{%.*?%\})/s)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[&<>]/g, (sign) => SIGNS[sign] ?? sign)))
    .join('')
    .replaceAll('\n', '<br>')
}
