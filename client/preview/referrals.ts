/** Referral and rewards in memory: activities/referrals.ts for one run of an advocate. */
import { localDate } from '../../domain/calendar.ts'
import { codeFrom } from '../../domain/coupon.ts'
import { PerennialError, type Refusal } from '../../domain/errors.ts'
import { bucketOf } from '../../domain/experiment.ts'
import { partsOfRun } from '../../domain/ids.ts'
import { type Programme, type RewardTerms, rungsReached } from '../../domain/referral.ts'
import { RISK_BANDS, type RiskOutcome } from '../../domain/risk.ts'
import type { Host } from '../catalogue.ts'
import type { VirtualCare } from './care.ts'
import type { Standing, VirtualEffects } from './effects.ts'
import type { VirtualPoints } from './points.ts'
import type { Setting } from './setting.ts'
import type { Say } from './timeline.ts'
import type { Awaiting } from './waits.ts'

type Calls = Host['activities']
type Call<K extends keyof Calls> = Parameters<Calls[K]>[0]
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

interface Over {
  inbox: Awaiting
  care: VirtualCare
  effects: VirtualEffects
  points: VirtualPoints
  say: Say
}

const POINTS: Record<RiskOutcome, number> = { allow: 0, ...RISK_BANDS }

export class VirtualReferrals {
  private readonly setting: Setting
  private readonly over: Over
  private readonly given: { terms: RewardTerms; rung: number | null }[] = []
  private outcome: RiskOutcome | undefined
  private judged = 0
  private approved = false

  constructor(setting: Setting, over: Over) {
    this.setting = setting
    this.over = over
  }

  code({ programme: name }: Call<'referralCode'>, standing: Standing): Answer<'referralCode'> {
    const stop = this.stopped(standing, `code of ${name}`)
    if (stop) return stop
    const bytes = Uint8Array.from({ length: 12 }, (_, i) => bucketOf('sample', name, String(i)))
    const code = `SAMPLE${codeFrom(bytes).slice(6)}`
    this.over.say('referral', `referral code of ${name}: ${code}`, { name })
    // How long the code is good stands in the other journey's plan.
    return { is: 'given', code, ends: localDate(standing.now + 365 * 86_400_000, this.setting.zone) }
  }

  returnsUntil(): number {
    return this.setting.startsAt + this.programme().returns
  }

  judge(): Answer<'judgeReferral'> {
    const { risk } = this.setting.referral
    const outcome = risk[this.judged] ?? 'allow'
    this.judged += 1
    this.outcome = outcome
    const points = POINTS[outcome]
    const rules = points === 0 ? [] : [{ rule: 'scripted', points }]
    this.over.say('referral', `risk: ${outcome}`, { name: 'risk' })
    return { outcome, points, rules }
  }

  approve(standing: Standing): Answer<'approveReferral'> {
    const { friends } = this.setting.referral
    if (this.approved) return { is: 'approved', friends: friends + 1 }
    const stop = this.stopped(standing, 'approval')
    if (stop) return stop
    const code = this.whyNot(standing.now)
    if (code) {
      this.over.say('refused', `approval refused: ${code}`, { name: 'approval', code })
      return { is: 'refused', code }
    }
    this.approved = true
    this.over.say('referral', `approved, friend number ${friends + 1}`, { name: 'approval' })
    return { is: 'approved', friends: friends + 1 }
  }

  private whyNot(now: number): Refusal | undefined {
    if (now < this.returnsUntil()) return 'REFERRAL_TOO_SOON'
    if (this.outcome === undefined) return 'REFERRAL_NOT_APPROVED'
    const last = this.over.care.lastDecision()
    const allowed = this.outcome === 'allow' || (this.outcome !== 'deny' && last === 'approve')
    if (!allowed) return 'REFERRAL_DENIED'
    return this.setting.referral.friends >= this.programme().atMost ? 'REFERRAL_CAP' : undefined
  }

  reward({ key, run, reward: name, asked }: Call<'giveReward'>, standing: Standing): Answer<'giveReward'> {
    const { plan } = this.setting
    const terms = (plan.referral?.rewards ?? plan.rewards)[name]
    if (!terms)
      throw new PerennialError('REWARD_UNKNOWN', `'${plan.name}' has no reward '${name}'`, { field: 'reward' })
    if (plan.referral && !this.approved && standing.status === 'running') {
      const code = 'REFERRAL_NOT_APPROVED'
      this.over.say('refused', `reward ${name} refused: ${code}`, { name, code })
      return { is: 'refused', code }
    }
    return this.give(terms, { key, run, asked, rung: null }, standing)
  }

  climb({ run, above, asked }: Call<'climbRung'>, standing: Standing): Answer<'climbRung'> {
    const { ladder, rewards } = this.programme()
    const { friends } = this.setting.referral
    if (!this.approved) return null
    const before = new Set(rungsReached(ladder, friends).map(({ rung }) => rung))
    const next = rungsReached(ladder, friends + 1).find(({ rung }) => rung > above && !before.has(rung))
    const terms = next && rewards[next.reward]
    if (!next || !terms || this.given.some(({ rung }) => rung === next.rung)) return null
    this.over.say('referral', `rung ${next.rung} of the ladder`, { name: next.reward })
    return {
      rung: next.rung,
      result: this.give(terms, { key: `${run}/rung/${next.rung}`, run, asked, rung: next.rung }, standing),
    }
  }

  private give(
    terms: RewardTerms,
    { rung, ...request }: { key: string; run: string; asked: number; rung: number | null },
    standing: Standing,
  ): Answer<'giveReward'> {
    if (terms.is === 'points') {
      const award = this.over.points.award({ ...request, rule: terms.rule }, standing)
      if (award.is !== 'awarded') return award
      this.given.push({ terms, rung })
      return { is: 'given', gift: { points: { unit: award.unit, amount: award.amount } } }
    }
    const issue = this.over.effects.issueCoupon({ ...request, offer: terms.offer, valid: terms.valid }, standing)
    if (issue.is !== 'issued') return issue
    this.given.push({ terms, rung })
    return { is: 'given', gift: { coupon: issue.coupon } }
  }

  takeBack(now: number): Answer<'takeBackRewards'> {
    if (!this.over.inbox.events.some((event) => this.isVoidOf(event))) return { rewards: 0, used: 0 }
    const { onVoid } = this.programme()
    const back = this.given.filter(({ rung }) => rung === null || onVoid === 'claw-back')
    const rules = back.flatMap(({ terms }) => (terms.is === 'points' ? [terms.rule] : []))
    if (rules.length > 0) this.over.points.takeBack(now, rules)
    for (const { terms } of back) {
      if (terms.is === 'coupon') this.over.say('coupon', `coupon ${terms.offer} void`, { name: terms.offer })
    }
    return { rewards: back.length, used: 0 }
  }

  private isVoidOf({ type, properties }: Awaiting['events'][number]): boolean {
    return type === 'referral.voided' && properties['friend'] === partsOfRun(this.setting.run).occasion
  }

  private programme(): Programme {
    const { plan, run } = this.setting
    if (plan.referral) return plan.referral
    throw new PerennialError('REFERRAL_MISSING', `'${run}' is about no referral`, { field: 'run' })
  }

  /** As every effect: told why not where the run is over, held or in the control arm. */
  private stopped(
    { status, paused }: Standing,
    what: string,
  ): { is: 'refused'; code: Refusal } | { is: 'held' } | undefined {
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.over.say('held', `${what} held: PAUSED`, { code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    if (this.setting.arm !== 'holdout') return undefined
    this.over.say('refused', `${what} refused: HOLDOUT`, { name: what, code: 'HOLDOUT' })
    return { is: 'refused', code: 'HOLDOUT' }
  }
}
