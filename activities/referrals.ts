/** Referral: the code to share, the judgement, the approval and what is given for it, once. SQL only, so local activities. */
import { localDate } from '../domain/calendar.ts'
import type { Coupon } from '../domain/coupon.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import type { RewardTerms } from '../domain/referral.ts'
import type { Judgement } from '../domain/risk.ts'
import { type IssuedCoupon } from '../store/coupons.ts'
import { decide } from '../store/decisions.ts'
import { holdRun, lockRun } from '../store/enrolments.ts'
import { type Approval, approveReferral, judgeReferral } from '../store/referral-approval.ts'
import { returnsUntil } from '../store/referral-runs.ts'
import {
  type Reward,
  type TakenBack,
  climbRung,
  giveReward,
  rewardAdvocate,
  takeBackRewards,
} from '../store/referral-rewards.ts'
import { giveCode } from '../store/referrals.ts'
import type { Now, Parts } from './index.ts'

interface OfRun {
  run: string
  asked: number
}

/** What a reward came to: points of a unit, or a coupon. */
export type Gift = { points: { unit: string; amount: number } } | { coupon: Coupon }
export type RewardResult = { is: 'given'; gift: Gift } | { is: 'refused'; code: Refusal } | { is: 'held' }
export type CodeResult = { is: 'given'; code: string; ends: string } | { is: 'refused'; code: Refusal } | { is: 'held' }
export type RungResult = { rung: number; result: RewardResult }

export function referralActivities({ db, plans, policy, drawCode, log }: Parts, now: Now) {
  const { shopZone, pointCost } = policy
  const told = { plans: [...plans.values()], shopZone, pointCost }
  const tell = (
    effect: 'referral' | 'reward' | 'take-back',
    run: string,
    key: string,
    result: string,
    code?: Refusal,
  ) => {
    const { journey, customer } = partsOfRun(run)
    log({ effect, journey, customer, key, result, code })
  }
  const codeOf = (
    one: { is: 'refused'; code: Refusal } | { is: 'given' | 'held' | 'approved' },
  ): Refusal | undefined => (one.is === 'refused' ? one.code : undefined)

  function resultOf(reward: Reward): RewardResult {
    if (reward.is !== 'given') return reward
    if (reward.what === 'points') return { is: 'given', gift: { points: { unit: reward.unit, amount: reward.amount } } }
    return { is: 'given', gift: { coupon: couponOf(reward.coupon) } }
  }

  function couponOf({ code, offer, title, expiresAt, zone }: IssuedCoupon): Coupon {
    const expires = localDate(expiresAt.getTime(), zone ?? shopZone)
    return { code, offer, title, expires, expiresAt: expiresAt.toISOString() }
  }

  function rewardOf(journey: string, name: string): RewardTerms {
    const rewards = plans.get(journey)?.rewards ?? {}
    const terms = Object.hasOwn(rewards, name) ? rewards[name] : undefined
    if (terms) return terms
    throw new PerennialError('REWARD_UNKNOWN', `'${journey}' has no reward '${name}'`, { field: 'reward' })
  }

  return {
    /** The customer's code of a programme, the same one ever after. Throws REWARD_UNKNOWN where no plan has the programme. */
    async referralCode({ run: id, programme: campaign, asked }: OfRun & { programme: string }): Promise<CodeResult> {
      const programme = plans.get(campaign)?.referral
      if (!programme)
        throw new PerennialError('REWARD_UNKNOWN', `no plan has the programme '${campaign}'`, { field: 'programme' })
      const { journey, customer: advocate } = partsOfRun(id)
      const of = { campaign, advocate, programme, now: now(asked), drawCode }
      const given = await giveCode(db, of, async (tx): Promise<Exclude<CodeResult, { is: 'given' }> | undefined> => {
        const run = await lockRun(tx, id)
        if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
        if (run.status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
        if (run.paused) {
          await holdRun(tx, id, of.now)
          return { is: 'held' }
        }
        const code = run.arm === 'holdout' ? 'HOLDOUT' : null
        const said = {
          about: 'referral',
          verdict: code ? 'refused' : 'code given',
          code,
          detail: campaign,
          now: of.now,
        } as const
        await decide(tx, { key: `${id}/referral-code`, customer: advocate, journey, enrolment: id, ...said })
        return code ? { is: 'refused', code } : undefined
      })
      const result: CodeResult =
        'refused' in given
          ? given.refused
          : { is: 'given', code: given.code.code, ends: localDate(given.code.ends_at.getTime(), shopZone) }
      tell('referral', id, `${id}/referral-code`, result.is, codeOf(result))
      return result
    },

    /** When the order that the run is about can no longer be returned, shop time. */
    returnsUntil: ({ run }: { run: string }): Promise<number> => returnsUntil(db, run),

    /** What the risk rules say of the run's referral, once a key. */
    async judgeReferral({ key, run, asked }: OfRun & { key: string }): Promise<Judgement> {
      const judgement = await judgeReferral(db, { key, run, now: () => now(asked) })
      tell('referral', run, key, judgement.outcome)
      return judgement
    },

    /** Approves the run's referral, or says why not. */
    async approveReferral({ run, asked }: OfRun): Promise<Approval> {
      const approval = await approveReferral(db, { run, now: () => now(asked) })
      tell('referral', run, run, approval.is, codeOf(approval))
      return approval
    },

    /** A reward of the plan, once; of a referral, as it was frozen at the claim and only where that is approved. */
    async giveReward({
      key,
      run,
      reward: name,
      asked,
    }: OfRun & { key: string; reward: string }): Promise<RewardResult> {
      const { journey } = partsOfRun(run)
      const request = { key, run, ...told, now: () => now(asked), drawCode }
      const given = plans.get(journey)?.referral
        ? await rewardAdvocate(db, { ...request, name })
        : await giveReward(db, { ...request, terms: rewardOf(journey, name) })
      tell('reward', run, key, given.is, codeOf(given))
      return resultOf(given)
    },

    /** The lowest rung above `above` that is reached and not given yet; null where there is none. */
    async climbRung({ run, above, asked }: OfRun & { above: number }): Promise<RungResult | null> {
      const climbed = await climbRung(db, { run, above, ...told, now: () => now(asked), drawCode })
      if (!climbed) return null
      const result = resultOf(climbed.reward)
      tell('reward', run, `${run}/rung/${climbed.rung}`, result.is, codeOf(result))
      return { rung: climbed.rung, result }
    },

    /** Takes back what a void referral was rewarded with, by the programme's policy; whether the run is on does not matter. */
    async takeBackRewards({ run, asked }: OfRun): Promise<TakenBack> {
      const taken = await takeBackRewards(db, { run, now: () => now(asked) })
      tell('take-back', run, run, `${taken.rewards} rewards, ${taken.used} used`)
      return taken
    },
  }
}
