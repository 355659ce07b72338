/** Points in memory: activities/points.ts for one run of a customer who had none before. */
import { PerennialError } from '../../domain/errors.ts'
import { type OnReturn, type Unit, clawBack, earningsOf, paidOrderOf, sumOf } from '../../domain/points.ts'
import type { Host } from '../catalogue.ts'
import type { Standing } from './effects.ts'
import type { Setting } from './setting.ts'
import type { Line } from './timeline.ts'

interface Award {
  rule: string
  unit: Unit
  amount: number
  onReturn: OnReturn
  state: 'pending' | 'available' | 'settled' | 'void'
}

type Calls = Host['activities']
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

export class VirtualPoints {
  private readonly awards: Award[] = []
  private readonly setting: Setting
  private readonly say: (what: Line['what'], text: string, more: Partial<Line>) => void

  constructor(setting: Setting, say: (what: Line['what'], text: string, more: Partial<Line>) => void) {
    this.setting = setting
    this.say = say
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
    const earnings = earningsOf(rule, paidOrderOf(begin))
    const code = arm === 'holdout' ? 'HOLDOUT' : earnings?.length === 0 ? 'NOTHING_EARNED' : 'AMOUNT_MISSING'
    if (arm === 'holdout' || !earnings?.length) {
      this.say('refused', `points ${name} refused: ${code}`, { name, code })
      return { is: 'refused', code }
    }
    const { unit = 'points', pending = false, onReturn = 'within-balance' } = rule
    const amount = sumOf(earnings)
    this.awards.push({ rule: name, unit, amount, onReturn, state: pending ? 'pending' : 'available' })
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
      taken.push({ ...award, amount: back })
      this.say('points', `points ${rule}: ${back} ${unit} ${state === 'pending' ? 'void' : 'clawed back'}`, {
        name: rule,
      })
    }
    return this.totals(() => true, taken)
  }

  private totals(counts: (award: Award) => boolean, awards: readonly Award[] = this.awards) {
    const of = (unit: Unit): number => sumOf(awards.filter((award) => award.unit === unit && counts(award)))
    return { points: of('points'), growth: of('growth') }
  }
}
