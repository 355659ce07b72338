/** Outcomes: how a run ended. */
import { partsOfRun } from '../domain/ids.ts'
import { finishRun } from '../store/outcomes.ts'
import type { Now, Parts } from './index.ts'

export interface Finish {
  run: string
  status: 'completed' | 'exited' | 'failed'
  reason: string
  /** Where it failed, and the code of the error. */
  step?: string
  code?: string
  asked: number
}

export function outcomeActivities({ db, log }: Parts, now: Now) {
  return {
    /** Records the end of a story, unless the inbox or an operator ended the run first. */
    async finishRun({ run, status, reason, step, code, asked }: Finish): Promise<void> {
      const failure = status === 'failed' && { failed: { step: step ?? null, code: code ?? null } }
      await finishRun(db, { run, status, reason, ...failure, now: now(asked) })
      const { journey, customer } = partsOfRun(run)
      log({ effect: 'finish', journey, customer, key: run, result: status })
    },
  }
}
