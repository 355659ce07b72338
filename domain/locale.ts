/** Which of the languages there are a customer reads best: their own, its language, then the shop's, then the plan's. */

/** The language of a plan's words where it says none. */
export const PLAN_LOCALE = 'en'

const LOCALE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/

/** True for a BCP 47 tag such as 'zh-CN' or 'en'. */
export function isLocale(text: string): boolean {
  return LOCALE.test(text)
}

/** 'zh-Hans-CN' and what is left of it when its end is taken away: 'zh-Hans', 'zh'. */
function narrowing(locale: string): string[] {
  const parts = locale.split('-')
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('-'))
}

const languageOf = (locale: string): string => locale.toLowerCase().split('-')[0] ?? ''

function bestFor(wanted: string, there: readonly string[]): string | undefined {
  for (const tag of narrowing(wanted)) {
    const same = there.find((one) => one.toLowerCase() === tag.toLowerCase())
    if (same !== undefined) return same
  }
  // A reader of zh-TW is better served by zh-CN than by another language.
  return there.find((one) => languageOf(one) === languageOf(wanted))
}

/**
 * The locale to use of `there`, the plan's own first. `wanted` in the order in which they are asked: the customer's, the shop's;
 * null where nobody told.
 */
export function chooseLocale(wanted: readonly (string | null | undefined)[], there: readonly string[]): string {
  for (const one of wanted) {
    const best = one ? bestFor(one, there) : undefined
    if (best !== undefined) return best
  }
  return there[0] ?? PLAN_LOCALE
}

/** True where the words are to be Chinese rather than English: what our own pages and footers ask. */
export function isChinese(locale: string | null | undefined): boolean {
  return locale !== null && locale !== undefined && /^zh(?:-|$)/i.test(locale)
}
