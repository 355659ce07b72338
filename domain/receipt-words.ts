/** What customers answer to an SMS when they want no more of them. */

/** R and TD are what the mainland's suffix asks for; the others are what the networks count as a refusal as well. */
const REFUSALS: ReadonlySet<string> = new Set(['R', 'TD', 'T', 'N', '退订', '拒收', 'STOP', 'UNSUBSCRIBE'])

/** True for a whole answer that is a refusal, however it is written; a sentence that holds one is for a person to read. */
export function isRefusal(text: string): boolean {
  const plain = text
    .normalize('NFKC')
    .replace(/[\p{P}\p{S}\s]/gu, '')
    .toUpperCase()
  return REFUSALS.has(plain)
}
