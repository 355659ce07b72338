/** The words of a message as the virtual customer would get them: activities/messages.ts without a store. */
import { isInChina } from '../../domain/mail-rules.ts'
import { PerennialError } from '../../domain/errors.ts'
import { type WordsForOne } from '../../domain/sent-words.ts'
import type { Copy } from '../../domain/template.ts'
import { type ChosenWords, type WordVersion, chooseWords } from '../../domain/word-versions.ts'
import type { Term } from '../../domain/wording-terms.ts'
import type { Setting } from './setting.ts'

/** What operators have published, where a preview is one of a running shop; nothing otherwise. */
export interface PublishedWords {
  versions: readonly WordVersion[]
  shopLocale?: string | undefined
  terms?: readonly Term[]
}

const SAMPLE_LINKS = { preferences: 'https://shop.example/p/sample', confirm: 'https://shop.example/c/sample' }

/** The words for the customer of a walk; the footer, which is the same under every mail, is left out of a preview. */
export function wordsInPreview(
  { plan, customer, published }: Pick<Setting, 'plan' | 'customer' | 'published'>,
  message: string,
): WordsForOne {
  const copy = plan.copy[message]
  if (!copy) {
    throw new PerennialError('JOURNEY_INVALID', `'${plan.name}' has no words for '${message}'`, {
      field: `copy.${message}`,
    })
  }
  const { versions = NO_VERSIONS, shopLocale, terms } = published ?? {}
  const of = { journey: plan.name, message, wanted: [customer.locale, shopLocale] }
  const { words, locale, version, leave } =
    versions.length > 0 ? chooseWords(copy, versions, of) : plansChoice(copy, of)
  const chosen: WordsForOne = { china: isInChina(customer), words, locale, version, leave }
  if (terms) chosen.terms = terms
  return chosen
}

const NO_VERSIONS: readonly WordVersion[] = []
const choices = new WeakMap<Copy, Map<string, ChosenWords>>()

/** The plan's own words in a language, chosen once: a population asks for them a hundred thousand times. */
function plansChoice(copy: Copy, of: Parameters<typeof chooseWords>[2]): ChosenWords {
  const [own, shops] = of.wanted
  const key = shops ? `${own} ${shops}` : (own ?? '')
  const known = choices.get(copy) ?? new Map<string, ChosenWords>()
  const before = known.get(key)
  if (before) return before
  const chosen = chooseWords(copy, NO_VERSIONS, of)
  choices.set(copy, known.set(key, chosen))
  return chosen
}

/** What every message may name. */
export function variablesInPreview({ customer }: Pick<Setting, 'customer'>): Record<string, unknown> {
  return customer.name === null ? { links: SAMPLE_LINKS } : { name: customer.name, links: SAMPLE_LINKS }
}
