/** Points and growth value, awarded once. SQL only, so local activities. */
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import type { Unit } from '../domain/points.ts'
import { type Amounts, type Settlement, awardPoints, settlePoints, takeBackPoints } from '../store/points.ts'
import type { Now, Parts } from './index.ts'

export interface AwardPoints {
  key: string
  run: string
  /** A rule of the plan. */
  rule: string
  asked: number
}

export type AwardResult =
  { is: 'awarded'; unit: Unit; amount: number; pending: boolean } | { is: 'refused'; code: Refusal } | { is: 'held' }

export function pointActivities({ db, plans, policy, log }: Parts, now: Now) {
  const tell = (effect: 'award' | 'settle' | 'take-back', run: string, key: string, result: string, code?: Refusal) => {
    const { journey, customer } = partsOfRun(run)
    log({ effect, journey, customer, key, result, code })
  }
  const told = { plans: [...plans.values()], shopZone: policy.shopZone }
  return {
    /** Awards what a rule of the plan comes to, or says why not: nothing was paid, control arm, run over. */
    async awardPoints({ key, run, rule, asked }: AwardPoints): Promise<AwardResult> {
      const { journey } = partsOfRun(run)
      const terms = plans.get(journey)?.points[rule]
      if (!terms) {
        throw new PerennialError('POINTS_RULE_UNKNOWN', `'${journey}' has no rule of points '${rule}'`, {
          field: 'rule',
        })
      }
      const award = await awardPoints(db, {
        key,
        run,
        rule,
        terms,
        pointCost: policy.pointCost,
        ...told,
        now: now(asked),
      })
      tell('award', run, key, award.is, award.is === 'refused' ? award.code : undefined)
      if (award.is !== 'awarded') return award
      const { unit, amount, pending } = award
      return { is: 'awarded', unit, amount, pending }
    },

    /** Makes what the run has pending the customer's own; answers what is settled by now. */
    async settlePoints({ run, asked }: { run: string; asked: number }): Promise<Settlement> {
      const settled = await settlePoints(db, { run, now: now(asked), ...told })
      tell('settle', run, run, settled.is, settled.is === 'refused' ? settled.code : undefined)
      return settled
    },

    /** Takes back what the run awarded, whether or not it is on; answers what was taken, with what is owed. */
    async takeBackPoints({ run, asked }: { run: string; asked: number }): Promise<Amounts> {
      const taken = await takeBackPoints(db, { run, now: now(asked), ...told })
      tell('take-back', run, run, `${taken.points} points, ${taken.growth} growth`)
      return taken
    },
  }
}
