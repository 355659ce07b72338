/** Consent that journeys take back or ask for again. SQL only, so local activities. */
import { PerennialError } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import { askForConsent, withdrawConsent } from '../store/run-consents.ts'
import type { EffectAnswer } from '../store/run-effects.ts'
import type { Now, Parts } from './index.ts'

interface ConsentRequest {
  key: string
  run: string
  asked: number
}

export function consentActivities({ db, plans, log }: Parts, now: Now) {
  /** The plan's own, unless another is named. */
  function topicOf(run: string): string {
    const { journey } = partsOfRun(run)
    const plan = plans.get(journey)
    if (plan) return plan.topic
    throw new PerennialError('JOURNEY_UNKNOWN', `no journey '${journey}'`, { field: 'run' })
  }
  function told(key: string, run: string, done: string, answer: EffectAnswer): EffectAnswer {
    const { journey, customer } = partsOfRun(run)
    const refused = answer.is === 'refused' ? answer.code : undefined
    log({ effect: 'consent', journey, customer, key, result: answer.is === 'done' ? done : answer.is, code: refused })
    return answer
  }
  return {
    /** Withdraws the plan's topic over every channel, with the reason. */
    async withdrawConsent({ key, run, reason, asked }: ConsentRequest & { reason: string }): Promise<EffectAnswer> {
      const answer = await withdrawConsent(db, { key, run, topic: topicOf(run), reason, now: () => now(asked) })
      return told(key, run, 'withdrawn', answer)
    },

    /** Makes consent that a journey withdrew pending, for the link of the next message to confirm, or says why not. */
    async askForConsent({ key, run, topic, asked }: ConsentRequest & { topic?: string }): Promise<EffectAnswer> {
      const answer = await askForConsent(db, { key, run, topic: topic ?? topicOf(run), now: () => now(asked) })
      return told(key, run, 'asked', answer)
    },
  }
}
