/** What the store needs done from time to time, whoever is in a journey: an hourly schedule asks for it. */
import { forgetSlots } from '../store/release.ts'
import { expirePoints } from '../store/spends.ts'
import type { Now, Parts } from './index.ts'

/** Does some of what is due, a page of it, and answers how much that was; 0 when nothing is left. */
type Job = (parts: Parts, now: number) => Promise<number>

/** In the order of the night: what is over goes before what counts it. */
const JOBS: Record<string, Job> = {
  'expire points': ({ db }, now) => expirePoints(db, { now }),
  'forget release slots': ({ db }, now) => forgetSlots(db, { now }),
}

/** How much each job did. */
export type Upkept = Record<string, number>

export function upkeepActivities(parts: Parts, now: Now) {
  return {
    /** One round: a page of each job. All zero when nothing is left; a round too many changes nothing. */
    async upkeep({ asked }: { asked: number }): Promise<Upkept> {
      const done: Upkept = {}
      for (const [job, work] of Object.entries(JOBS)) done[job] = await work(parts, now(asked))
      return done
    },
  }
}
