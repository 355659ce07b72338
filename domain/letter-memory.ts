/** What the wording check finds in letters, for a whole population: once for all letters that differ in nothing it could find. */
import type { WordsForOne } from './sent-words.ts'
import { TemplateMemory } from './template-memory.ts'
import type { Wording } from './template.ts'
import type { Finding } from './wording.ts'
import { inertIn } from './wording-inert.ts'

type Letter = Pick<WordsForOne, 'words' | 'china' | 'terms'>

/** Before a number it is read by what follows that. */
const ORDINAL = '第'

export class LetterMemory {
  private readonly templates = new TemplateMemory()
  private readonly asked = { stands: inertIn(), without: ORDINAL }
  private readonly found = new WeakMap<Wording, Map<string, readonly Finding[]>>()

  get render() {
    return this.templates.render
  }

  /**
   * What is found in a mail that comes out whole: remembered, or read by `read`. Undefined where nothing would come out or this cannot
   * tell; the mail has to be written then. Of one wording the rules are the same but for whether its customer is in China.
   */
  findings(
    { words, china, terms }: Letter,
    variables: Record<string, unknown>,
    read: () => readonly Finding[] | undefined,
  ): readonly Finding[] | undefined {
    if (words.html !== undefined || terms !== undefined) return undefined
    const like = this.likeness(words, variables)
    if (like === undefined) return undefined
    const key = china ? `china ${like}` : like
    const known = this.found.get(words) ?? new Map<string, readonly Finding[]>()
    const before = known.get(key)
    if (before) return before
    const found = read()
    if (found) this.found.set(words, known.set(key, found))
    return found
  }

  private likeness({ subject, text }: Wording, variables: Record<string, unknown>): string | undefined {
    const { asked } = this
    const above = this.templates.likeness(subject, variables, asked)
    if (above === undefined) return undefined
    const below = this.templates.likeness(text, variables, asked)
    return below === undefined ? undefined : `${above}\n${below}`
  }
}
