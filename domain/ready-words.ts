/**
 * Words made ready to be filled in: MJML becomes HTML, HTML becomes the text part where none was written, and every wording is
 * held to the lint. Done when a process starts or words are saved, never at a send.
 */
import { type Delivery, deliveryOf } from './delivery.ts'
import { PerennialError } from './errors.ts'
import { PLAN_LOCALE } from './locale.ts'
import { compileMjml } from './mjml.ts'
import { PARTIALS, withPartials } from './partials.ts'
import type { MessageClass } from './sending.ts'
import { type Copy, type CopyDraft, type Draft, type Wording, checkCopy, variablesOf } from './template.ts'
import { textOfHtml } from './text-part.ts'
import { type Flaw, type LintContext, lintWords } from './words-lint.ts'

/** Without its MJML compiled, which takes a promise. Throws TEMPLATE_SYNTAX. */
export function readyWording(draft: Draft, where: string): Wording {
  checkCopy(draft, where)
  const { subject, text, html, mjml } = draft
  return {
    subject,
    text: text ?? (html === undefined ? '' : textOfHtml(html)),
    ...(html !== undefined && { html }),
    ...(mjml !== undefined && { mjml }),
  }
}

/** The same of a message in all its languages. */
export function readyCopy({ locale, locales, ...own }: CopyDraft, where: string): Copy {
  const others = Object.entries(locales ?? {}).map(([tag, draft]) => [tag, readyWording(draft, `${where}.${tag}`)])
  return {
    ...readyWording(own, where),
    ...(locale !== undefined && { locale }),
    ...(others.length > 0 && { locales: Object.fromEntries(others) as Record<string, Wording> }),
  }
}

/** A wording whose MJML is compiled. Throws MJML_INVALID, TEMPLATE_SYNTAX. */
export async function compiledWording(words: Wording, where: string): Promise<Wording> {
  if (words.mjml === undefined) return words
  const html = await compileMjml(words.mjml, `${where}.mjml`)
  const whole = { ...words, html, text: words.text === '' ? textOfHtml(html) : words.text }
  checkCopy(whole, where)
  return whole
}

async function compiledCopy(copy: Copy, where: string): Promise<Copy> {
  const locales = await Promise.all(
    Object.entries(copy.locales ?? {}).map(async ([tag, words]) => [
      tag,
      await compiledWording(words, `${where}.${tag}`),
    ]),
  )
  return {
    ...copy,
    ...(await compiledWording(copy, where)),
    ...(locales.length > 0 && { locales: Object.fromEntries(locales) as Record<string, Wording> }),
  }
}

/** What of a plan its words are judged by. */
export interface WordsOfPlan {
  name: string
  class: MessageClass
  copy: Record<string, Copy>
  delivery: Delivery
}

/** A plan with its MJML compiled and its words held to the lint. Throws MJML_INVALID, TEMPLATE_SYNTAX, JOURNEY_INVALID. */
export async function withReadyWords<P extends WordsOfPlan>(plan: P): Promise<P> {
  const copy = await Promise.all(
    Object.entries(plan.copy).map(async ([message, one]) => [
      message,
      await compiledCopy(one, `${plan.name}.copy.${message}`),
    ]),
  )
  const ready = { ...plan, copy: Object.fromEntries(copy) as Record<string, Copy> }
  holdToLint(ready)
  return ready
}

export interface PlanFlaw extends Flaw {
  message: string
  locale: string
}

/** Every flaw of a plan's words, by message and language. Those whose MJML is not compiled are left out. */
export function flawsOfPlan(plan: WordsOfPlan, more: Pick<LintContext, 'terms'> = {}): PlanFlaw[] {
  return Object.entries(plan.copy).flatMap(([message, copy]) => {
    const own: [string, Wording][] = [[copy.locale ?? PLAN_LOCALE, copy], ...Object.entries(copy.locales ?? {})]
    const variables = variablesOf(withPartials(copy, partialOf))
    return own
      .filter(([, words]) => words.mjml === undefined || words.html !== undefined)
      .flatMap(([locale, words], i) =>
        lintWords(words, withPartials(words, partialOf), {
          ...deliveryOf(plan.delivery, message),
          ...more,
          class: plan.class,
          // What the story hands over is not known here; other languages may name no more than the first.
          variables: i === 0 ? undefined : variables,
        }).map((one) => ({ ...one, message, locale })),
      )
  })
}

const partialOf = (name: string): Wording | undefined => PARTIALS[name]

/** Throws JOURNEY_INVALID with the first error of a plan's words; what is for review is told by `perennial words check`. */
export function holdToLint(plan: WordsOfPlan): void {
  const worst = flawsOfPlan(plan).find((one) => one.severity === 'error')
  if (!worst) return
  const field = `copy.${worst.message}`
  throw new PerennialError(
    'JOURNEY_INVALID',
    `workflows/${plan.name}.ts, ${field} (${worst.locale}): ${worst.code}, ${worst.detail}; ${worst.todo}`,
    { field },
  )
}
