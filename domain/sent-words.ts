/** The words of one message as they go out: chosen, filled in, with what the law asks of a mail, and looked at for what may not be said. */
import type { Refusal } from './errors.ts'
import { type MailRules, renderMail } from './mail-rules.ts'
import type { Rendered, Words } from './template.ts'
import type { ChosenWords } from './word-versions.ts'
import { type Finding, checkWording, gravest, textOfWords } from './wording.ts'
import type { Term } from './wording-terms.ts'

/** What a plan answers for in its own words (domain/contracts/plan.ts, field `wording`). */
export interface Leave {
  evidence: readonly string[]
  approved: readonly string[]
}

/** What the wording check says of words as they would go out. An operator's words bring their own leave beside the plan's. */
export function findingsIn(
  words: Words,
  { leave, terms }: Pick<ChosenWords, 'leave'> & { terms?: readonly Term[] },
  plan: Leave,
): Finding[] {
  return checkWording(textOfWords(words), {
    evidence: [...plan.evidence, ...Object.keys(leave.evidence ?? {})],
    approved: [...plan.approved, ...(leave.approved ?? [])],
    ...(terms && { terms }),
  })
}

const REFUSED: Record<'block' | 'review', Refusal> = { block: 'WORDING_BLOCKED', review: 'WORDING_REVIEW' }

/** A mail, or why not. Advertising law is about advertising: what must go out is not held to it. */
export function mailWords(
  chosen: ChosenWords & { china: boolean; terms?: readonly Term[] },
  variables: Record<string, unknown>,
  { plan, ...rules }: Omit<MailRules, 'locale' | 'china'> & { plan: Leave },
): Rendered {
  const rendered = renderMail(chosen.words, variables, { ...rules, locale: chosen.locale, china: chosen.china })
  if (!rendered.ok || rules.class === 'transactional') return rendered
  const findings = findingsIn(rendered.words, chosen, plan)
  const verdict = gravest(findings)
  if (verdict === undefined) return rendered
  return { ok: false, code: REFUSED[verdict], detail: findings.map(({ term }) => term).join(', ') }
}
