/** What the wording check finds in letters, for a whole population: once for all letters that differ in nothing it could find. */
import type { WordsForOne } from './sent-words.ts'
import { Likeness, TemplateMemory } from './template-memory.ts'
import type { Wording } from './template.ts'
import type { Finding } from './wording.ts'
import { inertIn } from './wording-inert.ts'

type Letter = Pick<WordsForOne, 'words' | 'china' | 'terms'>

/** Before a number it is read by what follows that. */
const ORDINAL = '第'

type Found = readonly Finding[]

/** The letters of one wording. */
interface OfOne {
  from: Likeness<Found>
  canTell: boolean
}

export class LetterMemory {
  private readonly templates = new TemplateMemory()
  private readonly asked = { stands: inertIn(), without: ORDINAL }
  private readonly letters = new WeakMap<Wording, OfOne>()

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
    const { from, canTell } = this.of(words)
    const like = canTell ? this.likeness(words, variables, from.to(china ? 1 : 0)) : undefined
    if (like && !like.kept) like.kept = read()
    return like?.kept
  }

  private of(words: Wording): OfOne {
    const known = this.letters.get(words) ?? {
      from: new Likeness<Found>(),
      canTell: !words.subject.includes(ORDINAL) && !words.text.includes(ORDINAL),
    }
    this.letters.set(words, known)
    return known
  }

  private likeness(
    { subject, text }: Wording,
    variables: Record<string, unknown>,
    from: Likeness<Found>,
  ): Likeness<Found> | undefined {
    const { templates, asked } = this
    const above = templates.likeness(subject, variables, { asked, from })
    return above && templates.likeness(text, variables, { asked, from: above })
  }
}
