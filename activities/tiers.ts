/** What a level gives when it is reached, once a member, period and level. SQL only, so a local activity. */
import type { Coupon } from '../domain/coupon.ts'
import { milliseconds } from '../domain/duration.ts'
import type { Refusal } from '../domain/errors.ts'
import { partsOfRun, tierGiftKey } from '../domain/ids.ts'
import { type Gift, type LevelBenefits, benefitsOf } from '../domain/tier.ts'
import { issueCoupon } from '../store/coupons.ts'
import { awardPoints } from '../store/points.ts'
import { type Claim, claimGift } from '../store/tier-benefits.ts'
import { couponOf } from './coupons.ts'
import type { Now, Parts } from './index.ts'

/** A level and what of its gift was given; what was refused is null or 0 and stands under `refused`. */
export interface GrantedBenefits extends LevelBenefits {
  level: string
  title: string
  coupon: Coupon | null
  points: number
  refused: { coupon?: Refusal; points?: Refusal }
}

export type GrantResult = ({ is: 'granted' } & GrantedBenefits) | { is: 'refused'; code: Refusal } | { is: 'held' }

type Claimed = Extract<Claim, { is: 'claimed' }>

/** One part of a gift: what was given, nothing where the gift has none, or why not. */
type Part<T> = { given: T } | { refused: Refusal } | 'held'

export function tierActivities({ db, plans, policy, drawCode, log }: Parts, now: Now) {
  async function couponFor(claim: Claimed, { offer, valid }: Gift, of: { run: string; now: number }) {
    if (offer === undefined) return { given: null }
    const key = tierGiftKey({ ...claim, level: claim.level.id }, 'coupon')
    const issue = await issueCoupon(db, { ...of, key, offer, valid, validMs: milliseconds(valid), drawCode })
    if (issue.is === 'held') return 'held'
    return issue.is === 'refused' ? { refused: issue.code } : { given: couponOf(issue.coupon, policy.shopZone) }
  }

  async function pointsFor(
    claim: Claimed,
    { points, validDays }: Gift,
    of: { run: string; now: number },
  ): Promise<Part<number>> {
    if (points === undefined) return { given: 0 }
    const key = tierGiftKey({ ...claim, level: claim.level.id }, 'points')
    const terms = {
      title: `Gift of ${claim.level.title}`,
      earn: { fixed: points },
      ...(validDays !== undefined && { validDays }),
    }
    const told = { plans: [...plans.values()], shopZone: policy.shopZone }
    const award = await awardPoints(db, { ...of, ...told, key, rule: 'tier-gift', terms })
    if (award.is === 'held') return 'held'
    return award.is === 'refused' ? { refused: award.code } : { given: award.amount }
  }

  async function give(run: string, at: number): Promise<GrantResult> {
    const claim = await claimGift(db, { run, now: at })
    if (claim.is !== 'claimed') return claim
    const { level } = claim
    const gift = level.gift ?? { valid: '0 days' }
    const coupon: Part<Coupon | null> = await couponFor(claim, gift, { run, now: at })
    const points = await pointsFor(claim, gift, { run, now: at })
    if (coupon === 'held' || points === 'held') return { is: 'held' }
    return {
      is: 'granted',
      level: level.id,
      title: level.title,
      ...benefitsOf(level),
      coupon: 'given' in coupon ? coupon.given : null,
      points: 'given' in points ? points.given : 0,
      refused: {
        ...('refused' in coupon && { coupon: coupon.refused }),
        ...('refused' in points && { points: points.refused }),
      },
    }
  }

  return {
    /** Gives what the level has whose rise began the run, or says why not: given before, no such level, run over. */
    async grantTierBenefits({ run, asked }: { run: string; asked: number }): Promise<GrantResult> {
      const result = await give(run, now(asked))
      const { journey, customer } = partsOfRun(run)
      const code = result.is === 'refused' ? result.code : undefined
      log({ effect: 'grant', journey, customer, key: `${run}/tier`, result: result.is, code })
      return result
    },
  }
}
