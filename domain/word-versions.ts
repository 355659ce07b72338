/** Which words a customer gets: the plan's or an operator's newer ones, in the language that fits, with their partials put in. */
import { PLAN_LOCALE, chooseLocale } from './locale.ts'
import { PARTIALS, PARTIALS_JOURNEY, withPartials } from './partials.ts'
import type { Copy, Wording } from './template.ts'

/** The newest version of an operator's words for a message (or a partial) in one language. `words` null: the plan's own again. */
export interface WordVersion {
  journey: string
  message: string
  locale: string
  version: number
  words: Wording | null
  leave: { approved?: string[]; evidence?: Record<string, string> }
}

export interface ChosenWords {
  /** With the partials put in. */
  words: Wording
  locale: string
  /** Null where they are the plan's. */
  version: number | null
  /** What the operator who published them answers for. */
  leave: WordVersion['leave']
}

type Of = Pick<WordVersion, 'journey' | 'message'>

const inForce = (versions: readonly WordVersion[], { journey, message }: Of): WordVersion[] =>
  versions.filter((one) => one.journey === journey && one.message === message && one.words !== null)

/** Every language there is for a message, the plan's own first. */
export function localesOf(copy: Copy, versions: readonly WordVersion[], of: Of): string[] {
  const own = [copy.locale ?? PLAN_LOCALE, ...Object.keys(copy.locales ?? {})]
  return [...new Set([...own, ...inForce(versions, of).map((one) => one.locale)])]
}

/** The plan's own words in one language; undefined where it has none. */
export function plansWords(copy: Copy, locale: string): Wording | undefined {
  if (locale === (copy.locale ?? PLAN_LOCALE)) return copy
  return copy.locales?.[locale]
}

function inLocale(copy: Copy, versions: readonly WordVersion[], of: Of, locale: string): Omit<ChosenWords, 'locale'> {
  const newer = inForce(versions, of).find((one) => one.locale === locale)
  if (newer?.words) return { words: newer.words, version: newer.version, leave: newer.leave }
  return { words: plansWords(copy, locale) ?? copy, version: null, leave: {} }
}

/** `wanted`: the customer's locale, then the shop's. `versions`: the newest of the message and of the partials. */
export function chooseWords(
  copy: Copy,
  versions: readonly WordVersion[],
  { wanted, ...of }: Of & { wanted: readonly (string | null | undefined)[] },
): ChosenWords {
  const locale = chooseLocale(wanted, localesOf(copy, versions, of))
  const chosen = inLocale(copy, versions, of, locale)
  return { ...chosen, locale, words: withPartials(chosen.words, partialsFor(locale, versions)) }
}

/** Partials in the language of the words they stand in. */
export function partialsFor(locale: string, versions: readonly WordVersion[]): (name: string) => Wording | undefined {
  return (name) => {
    const partial = Object.hasOwn(PARTIALS, name) ? PARTIALS[name] : undefined
    if (!partial) return undefined
    const of = { journey: PARTIALS_JOURNEY, message: name }
    return inLocale(partial, versions, of, chooseLocale([locale], localesOf(partial, versions, of))).words
  }
}
