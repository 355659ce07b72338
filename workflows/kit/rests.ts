/** How a story rests and asks: what pauses do to it is told by the store in the answers to its steps, and obeyed here. */
import type { RunStatus } from '../../domain/journey.ts'
import type { Held, Rest } from '../../domain/pause.ts'
import type { Host, RunInput } from './steps.ts'

/** Unwinds a story whose run has ended, or that leaves by its late policy. */
export class Left extends Error {
  readonly reason: 'ended' | 'late'

  constructor(reason: 'ended' | 'late') {
    super(`the run left the story: ${reason}`)
    this.reason = reason
  }
}

/**
 * What every step that a pause may hold tells the store. It is spread last: what stands after a spread costs Node 20 a microsecond, and
 * a simulation takes a million steps.
 */
export interface Asked {
  run: string
  step: string
  rest?: Rest
  asked: number
}

const isHeld = (answer: unknown): answer is Partial<Held> =>
  typeof answer === 'object' && answer !== null && 'is' in answer && answer.is === 'held'

/** An effect that a resume left out. */
export const isStale = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && 'code' in answer && answer.code === 'STALE_SKIPPED'

/** What failed, in the words of the activity that said so, which Temporal wraps; of an error of the story's own, its words. */
export function failureOf(error: unknown): { reason: string; code?: string } {
  if (!(error instanceof Error)) return { reason: String(error) }
  let told = { reason: error.message, code: error.name }
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if ('type' in one && typeof one.type === 'string' && one.type !== '') told = { reason: one.message, code: one.type }
  }
  return told
}

const NO_REST = {}

/** The part of the player that rests; its words are in steps.ts. */
export class Resting {
  handled = 0
  /** The step it is at. */
  at = 'beginning'
  /** Since when the story rests, and until when by its plan; its last effect or answer lies before that. */
  protected rest: Rest
  /** When the story should have come to where it is: late where nobody was there to go on with it. */
  protected due: number
  readonly host: Host
  readonly input: RunInput

  constructor(host: Host, input: RunInput) {
    this.host = host
    this.input = input
    const now = host.now()
    this.rest = { since: now, due: now }
    this.due = input.startsAt
  }

  /**
   * Asks the store until no pause holds the story. What was left out as stale took no time. A wake-up that came before stays to be
   * looked at by the next rest: an effect that was there already answers as it did, also in a run that has ended since.
   */
  async asking<T>(step: string, ask: (of: Asked) => Promise<T>): Promise<Exclude<T, { is: 'held' }>> {
    for (let again = false; ; again = true) {
      this.move(step, null)
      const wakes = this.host.wakes()
      if (again) this.handled = wakes
      const asked = this.host.now()
      const answer = await ask({ run: this.input.run, step, asked, ...this.resting(asked) })
      if (!isHeld(answer)) {
        if (!isStale(answer)) this.inTime()
        return answer as Exclude<T, { is: 'held' }>
      }
      const until = answer.until ?? null
      if (until !== null) this.lengthened(asked, until)
      await this.held(`${step}, held: ${until === null ? 'PAUSED' : 'WAIT_SHIFTED'}`, until, wakes)
    }
  }

  /** What the store has to know of the rest before a step: nothing where there was none. */
  protected resting(asked: number): { rest?: Rest } {
    return this.rest.since < asked ? { rest: this.rest } : NO_REST
  }

  /** Pauses moved the end of its rest. */
  protected lengthened(asked: number, until: number): void {
    this.rest = { since: asked, due: until, moved: true }
    this.due = until
  }

  /** The story is where it should be: what comes now is due now. */
  protected inTime(): void {
    const now = this.host.now()
    this.rest = { since: now, due: now }
  }

  /**
   * Rests until `until`; a wake-up in between only makes it look whether the run is still on. A pause may lengthen a `wait`,
   * which is elapsed time or ends at a time of day, but no date.
   */
  async restUntil(until: number, step: string, wait?: { at?: string }): Promise<void> {
    this.rest = wait ? { since: this.rest.since, due: until, ...wait } : { since: until, due: until }
    let target = until
    this.move(step, target)
    while ((await this.host.rest(target, this.handled)) === 'woken') {
      this.handled = this.host.wakes()
      const asked = this.host.now()
      const { run } = this.input
      const view = await this.host.activities.runStatus({ run, asked, ...this.resting(asked) })
      this.leaveUnless(view.status)
      if (view.until === undefined) continue
      target = view.until
      this.lengthened(asked, target)
      this.move(step, target)
    }
    this.due = target
  }

  /** Rests until the hold is over or something happened; the effect is then asked for again under its old key. */
  held(step: string, until: number | null, handled = this.handled): Promise<unknown> {
    this.move(step, until)
    return this.host.rest(until, handled)
  }

  move(step: string, until: number | null): void {
    this.at = step
    this.host.moved({ step, since: this.host.now(), until })
  }

  leaveUnless(status: RunStatus): void {
    if (status !== 'running') this.leave()
  }

  leave(): never {
    throw new Left('ended')
  }
}
