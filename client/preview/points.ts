/** Points in memory: activities/points.ts for one run of a customer who had none before. */
import { PerennialError, type Refusal } from '../../domain/errors.ts'
import { localDate } from '../../domain/calendar.ts'
import type { RunStatus } from '../../domain/journey.ts'
import {
  type Earning,
  type OnReturn,
  type PointRule,
  type Unit,
  capsOf,
  clawBack,
  earningsOf,
  paidOrderOf,
  sumOf,
  withTier,
  withinCap,
} from '../../domain/points.ts'
import { type Refunds, shareOf } from '../../domain/returns.ts'
import type { Host } from '../catalogue.ts'
import type { VirtualBudget } from './budget.ts'
import type { Standing } from './effects.ts'
import type { Setting } from './setting.ts'
import type { VirtualTiers } from './tiers.ts'
import type { Line } from './timeline.ts'

interface Award {
  rule: string
  unit: Unit
  /** What is left of it, and what it was. */
  amount: number
  earned: number
  onReturn: OnReturn
  state: 'pending' | 'available' | 'settled' | 'void'
}

type Calls = Host['activities']
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

export class VirtualPoints {
  private readonly awards: Award[] = []
  private readonly setting: Setting
  private readonly budget: VirtualBudget
  private readonly say: (what: Line['what'], text: string, more: Partial<Line>) => void

  private readonly tiers: VirtualTiers

  constructor(
    setting: Setting,
    { budget, tiers }: { budget: VirtualBudget; tiers: VirtualTiers },
    say: (what: Line['what'], text: string, more: Partial<Line>) => void,
  ) {
    this.setting = setting
    this.budget = budget
    this.say = say
    this.tiers = tiers
  }

  award(request: Parameters<Calls['awardPoints']>[0], { status, paused }: Standing): Answer<'awardPoints'> {
    const { rule: name } = request
    const { plan, arm, begin } = this.setting
    const rule = plan.points[name]
    if (!rule) {
      throw new PerennialError('POINTS_RULE_UNKNOWN', `'${plan.name}' has no rule of points '${name}'`, {
        field: 'rule',
      })
    }
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', `points ${name} held: PAUSED`, { name, code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    const rates = rule.tier ? withTier(rule, this.tiers.now.multiplier ?? 1) : rule
    const earned = earningsOf(rates, paidOrderOf(begin), this.day())
    const earnings = earned && this.capped(name, rule, earned)
    const refuse = (code: Refusal): Answer<'awardPoints'> => {
      this.say('refused', `points ${name} refused: ${code}`, { name, code })
      return { is: 'refused', code }
    }
    if (arm === 'holdout') return refuse('HOLDOUT')
    if (!earned?.length) return refuse(earned ? 'NOTHING_EARNED' : 'AMOUNT_MISSING')
    if (!earnings?.length) return refuse('POINTS_CAP')
    const { unit = 'points', pending = false, onReturn = 'within-balance' } = rule
    const amount = sumOf(earnings)
    const short = this.budget.takePoints(unit, amount)
    if (short) return refuse(short)
    this.awards.push({ rule: name, unit, amount, earned: amount, onReturn, state: pending ? 'pending' : 'available' })
    this.say('points', `points ${name}: ${amount} ${unit}${pending ? ', pending' : ''}`, { name })
    return { is: 'awarded', unit, amount, pending }
  }

  settle({ status, paused }: Standing): Answer<'settlePoints'> {
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', 'points held: PAUSED', { code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    for (const award of this.awards.filter(({ state }) => state === 'pending')) {
      award.state = 'settled'
      this.say('points', `points ${award.rule}: ${award.amount} ${award.unit} settled`, { name: award.rule })
    }
    return { is: 'settled', ...this.totals((award) => award.state === 'settled') }
  }

  /** All that is not void, or what some rules awarded. */
  takeBack(rules?: readonly string[]): Answer<'takeBackPoints'> {
    const taken: Award[] = []
    for (const award of this.awards.filter(({ state, rule }) => state !== 'void' && (rules?.includes(rule) ?? true))) {
      const { rule, unit, state, onReturn, amount } = award
      // Nothing is spent in a walk, so all that was settled is there.
      const back = state === 'pending' ? amount : clawBack(onReturn, amount, amount).taken
      award.state = 'void'
      this.budget.giveBack(unit, back)
      taken.push({ ...award, amount: back })
      this.say('points', `points ${rule}: ${back} ${unit} ${state === 'pending' ? 'void' : 'clawed back'}`, {
        name: rule,
      })
    }
    return this.totals(() => true, taken)
  }

  /** What the parts of the order that were refunded take, each once: what its share comes to over what was taken before. */
  takeBackParts({ whole, goods, parts }: Refunds, status: RunStatus): void {
    const last = parts.at(-1)
    if (whole || last === undefined || status !== 'running') return
    for (const award of this.awards.filter(({ state }) => state !== 'void')) {
      const share = Math.min(
        award.amount,
        shareOf(award.earned, { ...last, before: 0 }, goods) - (award.earned - award.amount),
      )
      const { rule, unit, onReturn, state } = award
      const back = state === 'pending' ? share : clawBack(onReturn, share, share).taken
      award.amount -= back
      this.budget.giveBack(unit, back)
      const what = state === 'pending' ? 'void' : 'clawed back'
      if (back > 0) this.say('points', `points ${rule}: ${back} ${unit} ${what}, refund ${last.refund}`, { name: rule })
    }
  }

  private capped(name: string, rule: PointRule, earned: readonly Earning[]): Earning[] {
    const before = sumOf(this.awards.filter((award) => award.rule === name).map((award) => ({ amount: award.earned })))
    return capsOf(rule).reduce((kept, cap) => withinCap(kept, cap.points - before), [...earned])
  }

  /** The day the run begins; a preview's customer has no birthday. */
  private day() {
    return { date: localDate(this.setting.startsAt, this.setting.zone), birthday: null }
  }

  private totals(counts: (award: Award) => boolean, awards: readonly Award[] = this.awards) {
    const of = (unit: Unit): number => sumOf(awards.filter((award) => award.unit === unit && counts(award)))
    return { points: of('points'), growth: of('growth') }
  }
}
