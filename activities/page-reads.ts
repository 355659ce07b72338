/** What the gate needs to know of a page of messages: read for all of them at once, each text of words chosen once. */
import { PerennialError } from '../domain/errors.ts'
import { isInChina } from '../domain/mail-rules.ts'
import type { Tx } from '../store/db.ts'
import { sendFactsOfAll } from '../store/sending.ts'
import { type Published, type Reader, publishedWords, wordsIn } from '../store/words.ts'
import { type GateQuestion, type GateRead, type messageGate, wordingHash } from './gate.ts'

type Worded = Omit<GateRead, 'facts'>

export function pageReader({ wordsAsked, factsAsked }: ReturnType<typeof messageGate>) {
  /** What was read for each question, in their order; `readers` are their customers. Throws CUSTOMER_UNKNOWN. */
  return async function readAll(
    tx: Tx,
    asked: readonly GateQuestion[],
    readers: readonly Reader[],
  ): Promise<GateRead[]> {
    if (asked.length === 0) return []
    const worded = chooser(await publishedWords(tx, messagesOf(asked)))
    const words = asked.map((question, index) => worded(question, readers[index] ?? NOBODY))
    const facts = await sendFactsOfAll(
      tx,
      asked.map((question, index) => factsAsked(question, words[index]?.wording ?? '')),
    )
    return asked.map(({ request, run }, index) => {
      const [row, chosen] = [facts.get(request.key), words[index]]
      if (row && chosen) return { facts: row, ...chosen }
      throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${run.customer}'`, { field: 'customer' })
    })
  }

  /** Most of a page read the same words. */
  function chooser(published: Published) {
    const known = new Map<string, Worded>()
    return ({ plan, request: { message } }: GateQuestion, reader: Reader): Worded => {
      const key = JSON.stringify([plan.name, message, reader.locale])
      let worded = known.get(key)
      if (!worded) {
        const chosen = wordsIn(published, wordsAsked(plan, message), reader)
        worded = { chosen, wording: wordingHash(plan.name, message, chosen.words) }
        known.set(key, worded)
      }
      return { ...worded, chosen: { ...worded.chosen, china: isInChina(reader) } }
    }
  }
}

const NOBODY: Reader = { locale: null, zone: null, phone: null }

function messagesOf(asked: readonly GateQuestion[]) {
  const all = asked.map(({ plan, request: { message } }) => ({ journey: plan.name, message }))
  return [...new Map(all.map((one) => [`${one.journey}/${one.message}`, one])).values()]
}
