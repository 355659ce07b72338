/** What the words about coupons, points and gifts do; the player of steps.ts hands itself in. */
import type { Kit } from './plan.ts'
import { type Playing, type Words, asking } from './referral-steps.ts'

type Steps = Pick<Kit<string, string>, 'issueCoupon' | 'awardPoints' | 'settlePoints' | 'grantTierBenefits'>

export const rewardWords: Words<Steps> = { issueCoupon, awardPoints, settlePoints, grantTierBenefits }

async function issueCoupon(
  player: Playing,
  offer: string,
  { valid, pack }: Parameters<Steps['issueCoupon']>[1],
): ReturnType<Steps['issueCoupon']> {
  const key = player.nextKey('coupon', offer)
  const result = await asking(player, `issue ${offer}`, (of) =>
    player.host.activities.issueCoupon({ key, offer, valid, ...of, ...(pack && { pack }), ...player.kept() }),
  )
  return result.is === 'issued' ? { issued: true, ...result.coupon } : { issued: false, refused: result.code }
}

async function awardPoints(player: Playing, rule: string): ReturnType<Steps['awardPoints']> {
  const key = player.nextKey('points', rule)
  const result = await asking(player, `award ${rule}`, (of) => player.host.activities.awardPoints({ key, rule, ...of }))
  if (result.is === 'refused') return { awarded: false, refused: result.code }
  const { unit, amount, pending } = result
  return { awarded: true, unit, amount, pending }
}

async function settlePoints(player: Playing): ReturnType<Steps['settlePoints']> {
  const result = await asking(player, 'settle points', (of) => player.host.activities.settlePoints(of))
  return result.is === 'settled' ? { points: result.points, growth: result.growth } : player.leave()
}

async function grantTierBenefits(player: Playing): ReturnType<Steps['grantTierBenefits']> {
  const result = await asking(player, 'grant tier benefits', (of) => player.host.activities.grantTierBenefits(of))
  if (result.is === 'refused') return { granted: false, refused: result.code }
  const { is: _, ...benefits } = result
  return { granted: true, ...benefits }
}
