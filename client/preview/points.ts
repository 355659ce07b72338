/** Points in memory: activities/points.ts for one run, over the lots of its customer. */
import { type KeptBirthday, solarBirthday } from '../../domain/birthday.ts'
import { localDate } from '../../domain/calendar.ts'
import { PerennialError, type Refusal } from '../../domain/errors.ts'
import { occasionOf } from '../../domain/journey.ts'
import {
  type BonusDay,
  type Cap,
  type Earning,
  type PointRule,
  type Unit,
  capsOf,
  earningsOf,
  expiryOf,
  paidOrderOf,
  sumOf,
  withTier,
  withinCap,
} from '../../domain/points.ts'
import { type Refunds, shareOf } from '../../domain/returns.ts'
import type { Level } from '../../domain/tier.ts'
import type { Host } from '../catalogue.ts'
import type { Purse } from './budget.ts'
import type { Standing } from './effects.ts'
import type { Earned, Lots } from './lots.ts'
import type { Setting } from './setting.ts'
import type { Say } from './timeline.ts'

/** What one asking awarded: the base and its bonuses. */
interface Award {
  rule: string
  unit: Unit
  lots: Earned[]
  /** What the run has settled of it. */
  settled: number
}

type Calls = Host['activities']
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

export interface PointsOver {
  budget: Purse
  lots: Lots
  /** The level that the customer has now. */
  tiers: { readonly now: Level }
}

export class VirtualPoints {
  private readonly awards: Award[] = []
  private readonly setting: Setting
  private readonly over: PointsOver
  private readonly say: Say

  constructor(setting: Setting, over: PointsOver, say: Say) {
    this.setting = setting
    this.over = over
    this.say = say
  }

  award(request: Parameters<Calls['awardPoints']>[0], standing: Standing): Answer<'awardPoints'> {
    const { plan } = this.setting
    const { rule: name, key } = request
    const rule = plan.points[name]
    if (!rule) {
      throw new PerennialError('POINTS_RULE_UNKNOWN', `'${plan.name}' has no rule of points '${name}'`, {
        field: 'rule',
      })
    }
    return this.awardBy(rule, { name, key }, standing)
  }

  /** The same by a rule that is no plan's, as of the gift of a level. */
  awardBy(
    rule: PointRule,
    { name, key }: { name: string; key: string },
    { now, status, paused }: Standing,
  ): Answer<'awardPoints'> {
    const { arm, begin } = this.setting
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', `points ${name} held: PAUSED`, { name, code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    const rates = rule.tier ? withTier(rule, this.over.tiers.now.multiplier ?? 1) : rule
    const earned = earningsOf(rates, paidOrderOf(begin), this.day())
    const earnings = earned && this.capped(name, rule, { earned, now })
    if (arm === 'holdout') return this.refused(name, 'HOLDOUT')
    if (!earned?.length) return this.refused(name, earned ? 'NOTHING_EARNED' : 'AMOUNT_MISSING')
    if (!earnings?.length) return this.refused(name, 'POINTS_CAP')
    const { unit = 'points', pending = false } = rule
    const parts = earnings.map(({ bonus, amount }) => ({
      key: bonus === null ? key : `${key}+${bonus}`,
      unit,
      part: amount,
      whole: amount,
    }))
    const short = this.over.budget.takePoints(parts, pending)
    if (short) return this.refused(name, short)
    const lots = parts.map((one) => this.earn(rule, { key: one.key, name, amount: one.part, now }))
    this.awards.push({ rule: name, unit, lots, settled: 0 })
    const amount = sumOf(earnings)
    this.say('points', `points ${name}: ${amount} ${unit}${pending ? ', pending' : ''}`, { name })
    return { is: 'awarded', unit, amount, pending }
  }

  private refused(name: string, code: Refusal): Answer<'awardPoints'> {
    this.say('refused', `points ${name} refused: ${code}`, { name, code })
    return { is: 'refused', code }
  }

  private earn(
    rule: PointRule,
    { key, name, amount, now }: { key: string; name: string; amount: number; now: number },
  ) {
    const { plan, run, begin, zone } = this.setting
    const { unit = 'points', pending = false, onReturn = 'within-balance', validDays } = rule
    return this.over.lots.earn({
      key,
      journey: plan.name,
      run,
      rule: name,
      order: occasionOf('order', begin),
      unit,
      onReturn,
      original: amount,
      expiresAt: expiryOf(now, validDays, zone),
      pending,
      now,
    })
  }

  settle({ now, status, paused }: Standing): Answer<'settlePoints'> {
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', 'points held: PAUSED', { code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    for (const award of this.awards) {
      const pending = award.lots.filter(({ state }) => state === 'pending')
      if (pending.length === 0) continue
      let amount = 0
      for (const lot of pending) {
        const part = this.over.lots.settle(lot, now)
        this.over.budget.settlePoints({ key: lot.key, unit: lot.unit, part, whole: lot.original })
        amount += part
      }
      award.settled += amount
      this.say('points', `points ${award.rule}: ${amount} ${award.unit} settled`, { name: award.rule })
    }
    return { is: 'settled', ...totals(this.awards.map(({ unit, settled: amount }) => ({ unit, amount }))) }
  }

  /** All that is not void, or what some rules awarded. */
  takeBack(now: number, rules?: readonly string[]): Answer<'takeBackPoints'> {
    this.over.lots.expire(now)
    const taken: { unit: Unit; amount: number }[] = []
    for (const { rule, unit, lots } of this.awards.filter((award) => rules?.includes(award.rule) ?? true)) {
      const alive = lots.filter(({ state, reversed }) => state !== 'void' && !reversed)
      const pending = alive.every(({ state }) => state === 'pending')
      if (alive.length === 0) continue
      const amount = sumOf(alive.map((lot) => ({ amount: this.back(lot, { now }) })))
      taken.push({ unit, amount })
      this.say('points', `points ${rule}: ${amount} ${unit} ${pending ? 'void' : 'clawed back'}`, { name: rule })
    }
    return totals(taken)
  }

  /** What the parts of the order that were refunded take, each once. */
  takeBackParts({ whole, goods, parts }: Refunds, { now, status }: Pick<Standing, 'now' | 'status'>): void {
    if (whole || parts.length === 0 || status !== 'running') return
    this.over.lots.expire(now)
    for (const part of parts) {
      for (const { rule, unit, lots } of this.awards) {
        const fresh = lots.filter(
          ({ state, reversed, refunds }) => state !== 'void' && !reversed && !refunds.includes(part.refund),
        )
        const what = fresh.every(({ state }) => state === 'pending') ? 'void' : 'clawed back'
        const refunded = { refund: part.refund, now }
        const back = sumOf(
          fresh.map((lot) => ({ amount: this.back(lot, { ...refunded, share: shareOf(lot.original, part, goods) }) })),
        )
        if (back > 0) {
          this.say('points', `points ${rule}: ${back} ${unit} ${what}, refund ${part.refund}`, { name: rule })
        }
      }
    }
  }

  private back(lot: Earned, by: { refund?: string; share?: number; now: number }): number {
    const { was, amount, whole } = this.over.lots.takeBack(lot, by)
    this.over.budget.giveBack({ key: lot.key, unit: lot.unit, part: amount, whole }, was)
    return amount
  }

  private capped(
    name: string,
    rule: PointRule,
    { earned, now }: { earned: readonly Earning[]; now: number },
  ): Earning[] {
    const caps = capsOf(rule)
    if (caps.length === 0) return [...earned]
    const before = this.over.lots.of(this.setting.plan.name, name)
    return caps.reduce((kept, cap) => withinCap(kept, cap.points - this.underCap(before, cap, now)), [...earned])
  }

  /** What of earlier lots counts under a cap: of this day, or of the order. */
  private underCap(lots: readonly Earned[], { per }: Cap, now: number): number {
    const { run, begin, zone } = this.setting
    if (per === 'order') {
      const order = occasionOf('order', begin)
      const same = lots.filter((lot) => lot.run === run || (order !== undefined && lot.order === order))
      return same.reduce((sum, { original }) => sum + original, 0)
    }
    const today = localDate(now, zone)
    let sum = 0
    // The newest come last, and none of a day comes after one of another.
    for (let nth = lots.length - 1; nth >= 0; nth--) {
      const lot = lots[nth]
      if (!lot || localDate(lot.earnedAt, zone) !== today) break
      sum += lot.original
    }
    return sum
  }

  /** The day the run begins. */
  private day(): BonusDay {
    const { startsAt, zone, customer } = this.setting
    return new DayOf(localDate(startsAt, zone), customer.birthday ?? null)
  }
}

/** Few rules ask for the birthday, and one by the moon is far to reckon. */
class DayOf implements BonusDay {
  readonly date: string
  private readonly kept: KeptBirthday | null

  constructor(date: string, kept: KeptBirthday | null) {
    this.date = date
    this.kept = kept
  }

  get birthday() {
    return this.kept && solarBirthday(this.kept, this.date)
  }
}

function totals(amounts: readonly { unit: Unit; amount: number }[]): { points: number; growth: number } {
  const sums = { points: 0, growth: 0 }
  for (const { unit, amount } of amounts) sums[unit] += amount
  return sums
}
