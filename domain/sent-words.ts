/** The words of one message as they go out over a channel, and what the wording check says of them. */
import type { Capability } from './channel.ts'
import { type MailRules, renderMail } from './mail-rules.ts'
import type { Render, Rendered, Words } from './template.ts'
import type { ChosenWords } from './word-versions.ts'
import { type Finding, afterLeave, checkWording, textOfWords } from './wording.ts'
import type { Term } from './wording-terms.ts'

/** Words as they were chosen for one customer (store/words.ts). */
export interface WordsForOne extends ChosenWords {
  /** Whether anything says that the customer is in China. */
  china: boolean
  /** What the wording check looks for; ours unless said. */
  terms?: readonly Term[]
}

/** Filled in, with all that the law asks of a mail where it is one. */
export function wordsOver(
  channel: Pick<Capability, 'address'>,
  chosen: WordsForOne,
  variables: Record<string, unknown>,
  rules: Omit<MailRules, 'locale' | 'china'>,
  render?: Render,
): Rendered {
  const china = chosen.china && channel.address === 'email'
  return renderMail(chosen.words, variables, { locale: chosen.locale, china, ...rules }, render)
}

/** `leave` is the plan's; an operator's words bring their own beside it. */
export function findingsIn(
  words: Words,
  { words: { html }, leave, terms }: Pick<WordsForOne, 'words' | 'leave' | 'terms'>,
  { evidence, approved = [] }: { evidence: readonly string[]; approved?: readonly string[] },
): Finding[] {
  // HTML that was made from the text says the same.
  const read = html === undefined ? { subject: words.subject, text: words.text } : words
  const found = checkWording(textOfWords(read), terms && { terms })
  if (found.length === 0) return found
  return afterLeave(found, {
    evidence: [...evidence, ...Object.keys(leave.evidence ?? {})],
    approved: [...approved, ...(leave.approved ?? [])],
  })
}
