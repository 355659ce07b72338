/** Tags that journeys give and take off. SQL only, so local activities. */
import { TAGS } from '../domain/audience-review.ts'
import { milliseconds } from '../domain/duration.ts'
import { partsOfRun } from '../domain/ids.ts'
import { reviewAudiences } from '../store/audience-members.ts'
import type { Tx } from '../store/db.ts'
import { tellEvent } from '../store/events.ts'
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

export function tagActivities({ db, log, plans, policy }: Parts, now: Now) {
  /** Audiences that look at tags are looked at anew with each. */
  const changed = (tx: Tx, of: { customer: string; now: number }): Promise<void> =>
    reviewAudiences(
      tx,
      { ...of, touched: [TAGS] },
      { plans: [...plans.values()], shopZone: policy.shopZone, tell: tellEvent },
    )

  return {
    /** Tags the run's customer, once, or says why not: control arm, run over. */
    async giveTag({ key, run, tag, lasts, asked }: TagRequest): Promise<EffectAnswer> {
      const until = lasts === undefined ? null : now(asked) + milliseconds(lasts)
      const answer = await giveTag(db, { key, run, tag, until, now: () => now(asked), changed })
      const { journey, customer } = partsOfRun(run)
      const code = answer.is === 'refused' ? answer.code : undefined
      log({ effect: 'tag', journey, customer, key, result: answer.is, code })
      return answer
    },

    /** Takes off a tag that a journey gave, whether or not the run is on. */
    async takeTagOff({ key, run, tag, asked }: Omit<TagRequest, 'lasts'>): Promise<{ untagged: boolean }> {
      const answer = await takeTagOff(db, { key, run, tag, now: () => now(asked), changed })
      const { journey, customer } = partsOfRun(run)
      log({ effect: 'tag', journey, customer, key, result: answer.untagged ? 'untagged' : 'not there' })
      return answer
    },
  }
}
