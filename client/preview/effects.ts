/** Coupons in memory: activities/coupons.ts for one run. */
import { localDate } from '../../domain/calendar.ts'
import { type Coupon, type Offer, codeFrom } from '../../domain/coupon.ts'
import { milliseconds } from '../../domain/duration.ts'
import { PerennialError, type Refusal } from '../../domain/errors.ts'
import { bucketOf } from '../../domain/experiment.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { Host } from '../catalogue.ts'
import type { VirtualBudget } from './budget.ts'
import type { Setting } from './setting.ts'
import type { Line } from './timeline.ts'

/** How the shop stands when an effect is asked for. */
export interface Standing {
  now: number
  status: RunStatus
  paused: boolean
  consented: boolean
}

type Calls = Host['activities']
type Call<K extends keyof Calls> = Parameters<Calls[K]>[0]
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

export class VirtualEffects {
  private readonly issued = new Map<string, number>()
  private readonly setting: Setting
  private readonly budget: VirtualBudget
  private readonly say: (what: Line['what'], text: string, more: Partial<Line>) => void

  constructor(
    setting: Setting,
    budget: VirtualBudget,
    say: (what: Line['what'], text: string, more: Partial<Line>) => void,
  ) {
    this.setting = setting
    this.budget = budget
    this.say = say
  }

  issueCoupon({ offer: name, valid }: Call<'issueCoupon'>, { now, status, paused }: Standing): Answer<'issueCoupon'> {
    const expires = now + milliseconds(valid)
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', `coupon ${name} held: PAUSED`, { name, code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    const offer = this.setting.plan.offers[name]
    if (!offer) {
      throw new PerennialError('OFFER_UNKNOWN', `'${this.setting.plan.name}' has no offer '${name}'`, {
        field: 'offer',
      })
    }
    const coupon = this.issue(name, offer, expires)
    return typeof coupon === 'string' ? { is: 'refused', code: coupon } : { is: 'issued', coupon }
  }

  /** What the walk issued; of a coupon that was used nothing is known here. */
  voidCoupons(): Answer<'voidCoupons'> {
    let coupons = 0
    for (const [name, count] of this.issued) {
      coupons += count
      this.say('coupon', `coupon ${name} void`, { name })
    }
    this.issued.clear()
    return { coupons, used: 0 }
  }

  /** A coupon of an offer that may be another plan's, as of the gift of a level. */
  sampleOf(name: string, valid: string, { now }: Standing): Coupon | Refusal {
    const offer = this.setting.plan.offers[name] ?? { title: name, quota: Infinity, perMember: Infinity }
    return this.issue(name, offer, now + milliseconds(valid))
  }

  private issue(name: string, offer: Offer, until: number): Coupon | Refusal {
    const before = this.issued.get(name) ?? 0
    const code = this.whyNot(offer, before)
    if (code) {
      this.say('refused', `coupon ${name} refused: ${code}`, { name, code })
      return code
    }
    this.issued.set(name, before + 1)
    this.budget.holdCoupon(offer)
    const coupon = this.sample(name, offer, { ordinal: before + 1, expires: until })
    this.say('coupon', `coupon ${name}: ${coupon.code}`, { name, until })
    return coupon
  }

  private whyNot(offer: Offer, before: number): Refusal | undefined {
    const { arm, couponsHeld, couponsLeft } = this.setting
    if (arm === 'holdout') return 'HOLDOUT'
    const short = this.budget.whyNotCoupon(offer)
    if (short) return short
    if (before + couponsHeld >= offer.perMember) return 'MEMBER_LIMIT'
    return before >= (couponsLeft ?? offer.quota) ? 'QUOTA_EXHAUSTED' : undefined
  }

  /** A code that is seen at once to be no real one, and is the same in every preview of an offer. */
  private sample(offer: string, { title }: Offer, { ordinal, expires }: { ordinal: number; expires: number }): Coupon {
    const bytes = Uint8Array.from({ length: 12 }, (_, i) => bucketOf('sample', offer, String(ordinal), String(i)))
    return {
      code: `SAMPLE${codeFrom(bytes).slice(6)}`,
      offer,
      title,
      expires: localDate(expires, this.setting.zone),
      expiresAt: new Date(expires).toISOString(),
    }
  }
}
