/** What an operator may do with words, put together for the operator's client. */
import { PerennialError } from '../domain/errors.ts'
import { type CustomerFactsOf, factsForPreview } from '../store/preview-facts.ts'
import { newestWords } from '../store/words.ts'
import { termsInForce } from '../store/wording-terms.ts'
import type { PublishedWords } from './preview/words.ts'
import {
  type SetWords,
  type WordsParts,
  checkWords,
  historyOfWords,
  revertWords,
  sendTest,
  setWords,
  showWords,
} from './words.ts'

export function wordsDesk(parts: WordsParts & { taskQueue?: string; shopLocale?: string | undefined }) {
  return {
    show: (of: Parameters<typeof showWords>[1]) => showWords(parts, of),
    set: (asked: SetWords) => setWords(parts, asked),
    history: (of: Parameters<typeof historyOfWords>[1]) => historyOfWords(parts, of),
    revert: (asked: Parameters<typeof revertWords>[1]) => revertWords(parts, asked),
    check: (journey?: string) => checkWords(parts, journey),
    test: (asked: Parameters<typeof sendTest>[1]) => sendTest(parts, asked, parts.taskQueue ?? 'journeys'),
    /** A real customer's facts and the words in force, for a preview. Throws CUSTOMER_UNKNOWN. */
    async previewAs(id: string, topic: string): Promise<{ customer: CustomerFactsOf; published: PublishedWords }> {
      const [customer, versions, terms] = await Promise.all([
        factsForPreview(parts.db, { customer: id, topic, now: parts.clock.now() }),
        newestWords(parts.db),
        termsInForce(parts.db),
      ])
      if (!customer) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
      return { customer, published: { versions, terms, shopLocale: parts.shopLocale } }
    },
  }
}

export type WordsDesk = ReturnType<typeof wordsDesk>
