/** Coupons in memory: activities/coupons.ts for one run. */
import { localDate } from '../../domain/calendar.ts'
import { type Coupon, type Offer, codeFrom } from '../../domain/coupon.ts'
import { milliseconds } from '../../domain/duration.ts'
import { PerennialError, type Refusal } from '../../domain/errors.ts'
import { bucketOf } from '../../domain/experiment.ts'
import { partsOfRun } from '../../domain/ids.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { ChannelName } from '../../domain/channel.ts'
import type { Host } from '../catalogue.ts'
import type { Purse } from './budget.ts'
import type { Setting } from './setting.ts'
import type { Say } from './timeline.ts'

/** How the shop stands when an effect is asked for. */
export interface Standing {
  now: number
  status: RunStatus
  paused: boolean
  /** Whether the customer agreed to the plan's topic on a channel. */
  consented: (channel: ChannelName) => boolean
}

type Calls = Host['activities']
type Call<K extends keyof Calls> = Parameters<Calls[K]>[0]
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

/** Where the coupons of a customer come from. */
export interface Shelf {
  /** Undefined where there is no such offer. */
  offer(name: string): Offer | undefined
  /** Of an offer the coupons that the customer has had, and those that are left for anybody of an occasion. */
  had(name: string): number
  left(name: string, offer: Offer, occasion: string | null): number
  /** Answers the code of one. */
  take(name: string, asked: { key: string; title: string; expiresAt: number }, occasion: string | null): string
  /** Makes one void: 'over' where it had ended before. */
  takeBack(code: string): 'void' | 'used' | 'over'
}

/** The offers of one plan, for one customer. */
export class SampleShelf implements Shelf {
  private readonly issued = new Map<string, number>()
  private readonly setting: Setting

  constructor(setting: Setting) {
    this.setting = setting
  }

  offer(name: string): Offer | undefined {
    return this.setting.plan.offers[name]
  }

  had(name: string): number {
    return (this.issued.get(name) ?? 0) + this.setting.couponsHeld
  }

  /** One customer is of one occasion. */
  left(name: string, { quota, perOccasion = quota }: Offer): number {
    return (this.setting.couponsLeft ?? Math.min(quota, perOccasion)) - (this.issued.get(name) ?? 0)
  }

  /** A code that is seen at once to be no real one, and is the same in every preview of an offer. */
  take(name: string): string {
    const ordinal = (this.issued.get(name) ?? 0) + 1
    this.issued.set(name, ordinal)
    const bytes = Uint8Array.from({ length: 12 }, (_, i) => bucketOf('sample', name, String(ordinal), String(i)))
    return `SAMPLE${codeFrom(bytes).slice(6)}`
  }

  /** Of a coupon that was used nothing is known here. */
  takeBack(): 'void' {
    return 'void'
  }
}

export class VirtualEffects {
  private readonly setting: Setting
  private readonly over: { budget: Purse; shelf: Shelf }
  private readonly say: Say
  private readonly own: { name: string; code: string }[] = []

  constructor(setting: Setting, over: { budget: Purse; shelf: Shelf }, say: Say) {
    this.setting = setting
    this.over = over
    this.say = say
  }

  issueCoupon(
    { key, offer: name, valid }: Call<'issueCoupon'>,
    { now, status, paused }: Standing,
  ): Answer<'issueCoupon'> {
    const expires = now + milliseconds(valid)
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', `coupon ${name} held: PAUSED`, { name, code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    const offer = this.over.shelf.offer(name)
    if (!offer) {
      throw new PerennialError('OFFER_UNKNOWN', `'${this.setting.plan.name}' has no offer '${name}'`, {
        field: 'offer',
      })
    }
    const coupon = this.issue(name, offer, { key, expires })
    return typeof coupon === 'string' ? { is: 'refused', code: coupon } : { is: 'issued', coupon }
  }

  /** Takes back what the run issued and nobody used. */
  voidCoupons(): Answer<'voidCoupons'> {
    const back = { coupons: 0, used: 0 }
    for (const { name, code } of this.own.splice(0)) {
      const became = this.over.shelf.takeBack(code)
      if (became === 'used') back.used += 1
      if (became !== 'void') continue
      back.coupons += 1
      this.say('coupon', `coupon ${name} void`, { name })
    }
    return back
  }

  /** A coupon of an offer that may be another plan's, as of the gift of a level. */
  giftOf(name: string, { key, valid, now }: { key: string; valid: string; now: number }): Coupon | Refusal {
    const offer = this.over.shelf.offer(name) ?? { title: name, quota: Infinity, perMember: Infinity }
    return this.issue(name, offer, { key, expires: now + milliseconds(valid) })
  }

  private issue(name: string, offer: Offer, { key, expires }: { key: string; expires: number }): Coupon | Refusal {
    const code = this.whyNot(name, offer)
    if (code) {
      this.say('refused', `coupon ${name} refused: ${code}`, { name, code })
      return code
    }
    const { occasion } = partsOfRun(this.setting.run)
    const coupon = {
      code: this.over.shelf.take(name, { key, title: offer.title, expiresAt: expires }, occasion),
      offer: name,
      title: offer.title,
      expires: localDate(expires, this.setting.zone),
      expiresAt: new Date(expires).toISOString(),
    }
    this.over.budget.holdCoupon(offer, key)
    this.own.push({ name, code: coupon.code })
    this.say('coupon', `coupon ${name}: ${coupon.code}`, { name, until: expires, key })
    return coupon
  }

  /** In the order of the store, where the budget is asked last. */
  private whyNot(name: string, offer: Offer): Refusal | undefined {
    const { budget, shelf } = this.over
    if (this.setting.arm === 'holdout') return 'HOLDOUT'
    if (shelf.had(name) >= offer.perMember) return 'MEMBER_LIMIT'
    const { occasion } = partsOfRun(this.setting.run)
    return shelf.left(name, offer, occasion) <= 0 ? 'QUOTA_EXHAUSTED' : budget.whyNotCoupon(offer)
  }
}
