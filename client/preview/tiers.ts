/** The tier of the customer in memory: activities/tiers.ts and what store/tier-benefits.ts says of how one stands. */
import { afterDays } from '../../domain/calendar.ts'
import type { Coupon } from '../../domain/coupon.ts'
import type { Refusal } from '../../domain/errors.ts'
import { type Level, type Programme, type TierFacts, benefitsOf, levelAt, tierFacts } from '../../domain/tier.ts'
import type { Host } from '../catalogue.ts'
import type { Standing } from './effects.ts'
import type { Setting } from './setting.ts'
import type { Say } from './timeline.ts'

type Calls = Host['activities']
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

/** Issues a coupon of an offer under a key, or says why not. */
export type Issue = (offer: string, asked: { key: string; valid: string; now: number }) => Coupon | Refusal

const UPGRADED = 'tier.upgraded'

export class VirtualTiers {
  private level: Level
  private readonly programme: Programme
  private readonly setting: Setting
  private readonly say: Say

  constructor(setting: Setting, say: Say) {
    this.setting = setting
    this.say = say
    this.programme = setting.programme
    this.level = this.named(setting.plan.begins?.on === UPGRADED ? setting.begin['level'] : undefined)
  }

  /** The level of a name; else the one the customer was given, or the lowest. */
  private named(name: unknown): Level {
    const { customer, plan } = this.setting
    const { levels } = this.programme
    const unsaid = plan.begins?.on === UPGRADED ? 1 : 0
    const id = typeof name === 'string' ? name : customer.tier?.level
    return levels.find((level) => level.id === id) ?? levelAt(this.programme, unsaid)
  }

  /** An event of our own tells of the level that the customer has from then on. */
  arrive(type: string, properties: Record<string, unknown>): void {
    if (type.startsWith('tier.') && typeof properties['level'] === 'string')
      this.level = this.named(properties['level'])
  }

  get now(): Level {
    return this.level
  }

  facts(now: number): TierFacts {
    const { customer, zone, start } = this.setting
    const { growth = this.level.from, needed = 0, daysLeft = 365 } = customer.tier ?? {}
    const end = afterDays(start, { days: daysLeft + 1, at: '00:00' }, zone)
    const keeping = this.level.from === 0 ? null : { growth: this.level.from - needed, end }
    return tierFacts({ programme: this.programme, level: this.level, growth, keeping, now, zone })
  }

  grant({ now, status, paused }: Standing, issue: Issue): Answer<'grantTierBenefits'> {
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', 'tier benefits held: PAUSED', { code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    const { plan, arm } = this.setting
    const code = arm === 'holdout' ? 'HOLDOUT' : plan.begins?.on === UPGRADED ? undefined : 'TIER_NOT_REACHED'
    if (code) {
      this.say('refused', `tier benefits refused: ${code}`, { name: 'tier benefits', code })
      return { is: 'refused', code }
    }
    const { id, title, gift } = this.level
    const { run } = this.setting
    const asked = { key: `${run}/gift`, valid: gift?.valid ?? '0 days', now }
    const coupon = gift?.offer === undefined ? null : issue(gift.offer, asked)
    const points = gift?.points ?? 0
    if (points > 0) this.say('points', `points tier-gift: ${points} points`, { name: 'tier-gift' })
    const given = typeof coupon === 'string' ? { coupon: null, refused: { coupon } } : { coupon, refused: {} }
    return { is: 'granted', level: id, title, ...benefitsOf(this.level), points, ...given }
  }
}
