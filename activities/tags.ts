/** Tags that journeys give and take off. SQL only, so local activities. */
import { milliseconds } from '../domain/duration.ts'
import { partsOfRun } from '../domain/ids.ts'
import { giveTag, takeTagOff } from '../store/own-tags.ts'
import type { EffectAnswer } from '../store/run-effects.ts'
import type { Now, Parts } from './index.ts'

export interface TagRequest {
  key: string
  run: string
  tag: string
  /** How long it stays, as the plan words it; until it is taken off where that is not said. */
  lasts?: string | undefined
  asked: number
}

export function tagActivities({ db, log }: Parts, now: Now) {
  return {
    /** Tags the run's customer, once, or says why not: control arm, run over. */
    async giveTag({ key, run, tag, lasts, asked }: TagRequest): Promise<EffectAnswer> {
      const until = lasts === undefined ? null : now(asked) + milliseconds(lasts)
      const answer = await giveTag(db, { key, run, tag, until, now: () => now(asked) })
      const { journey, customer } = partsOfRun(run)
      const code = answer.is === 'refused' ? answer.code : undefined
      log({ effect: 'tag', journey, customer, key, result: answer.is, code })
      return answer
    },

    /** Takes off a tag that a journey gave, whether or not the run is on. */
    async takeTagOff({ key, run, tag, asked }: Omit<TagRequest, 'lasts'>): Promise<{ untagged: boolean }> {
      const answer = await takeTagOff(db, { key, run, tag, now: () => now(asked) })
      const { journey, customer } = partsOfRun(run)
      log({ effect: 'tag', journey, customer, key, result: answer.untagged ? 'untagged' : 'not there' })
      return answer
    },
  }
}
