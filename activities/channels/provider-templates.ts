/** Providers that send only words they have approved: which template of theirs a message of ours is, and what fills it. */
import type { Outgoing } from './channel.ts'

/**
 * A template of the provider. `params` in the provider's order: its own name for each, and what it is filled with: `text` and
 * `subject` are our words, `content` our words with the refusal where one is due, `unsubscribe` the link, anything else is looked
 * up in the message's data: `coupon.code`.
 */
export interface ProviderTemplate {
  id: string
  params?: Record<string, string>
}

/** By journey and message, 'first-order/welcome', by journey, 'first-order/*', or '*' for all others. */
export type ProviderTemplates = Readonly<Record<string, ProviderTemplate>>

export interface FilledTemplate {
  id: string
  /** The provider's name and the value of each, in order. */
  params: [string, string][]
}

/** The template of a message, filled; a word about what is missing where it cannot be. */
export function fillTemplate(
  templates: ProviderTemplates,
  message: Pick<Outgoing, 'key' | 'words' | 'data' | 'unsubscribeUrl'>,
  content: string,
): FilledTemplate | { missing: string } {
  const [journey = ''] = message.key.split('/')
  const name = /\/send\/([^#]*)/.exec(message.key)?.[1] ?? ''
  const template = templates[`${journey}/${name}`] ?? templates[`${journey}/*`] ?? templates['*']
  if (!template) return { missing: `a template for ${journey}/${name}` }
  const params: [string, string][] = []
  for (const [param, source] of Object.entries(template.params ?? {})) {
    const value = valueOf(source, message, content)
    if (value === undefined) return { missing: `${source} for the template ${template.id}` }
    params.push([param, value])
  }
  return { id: template.id, params }
}

function valueOf(
  source: string,
  { words, data, unsubscribeUrl }: Pick<Outgoing, 'words' | 'data' | 'unsubscribeUrl'>,
  content: string,
): string | undefined {
  const own: Record<string, string | undefined> = {
    text: words.text.trim(),
    subject: words.subject,
    content,
    unsubscribe: unsubscribeUrl,
  }
  if (Object.hasOwn(own, source)) return own[source]
  let value: unknown = data
  for (const part of source.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
