/** What the tests of referral start from: a programme, a code, a friend's order, and an advocate's run taken by hand. */
import { codeFrom } from '../../domain/coupon.ts'
import { randomBytes } from 'node:crypto'
import type { PlanFacts } from '../../activities/index.ts'
import type { Routing } from '../../domain/journey.ts'
import type { Programme } from '../../domain/referral.ts'
import { milliseconds } from '../../domain/duration.ts'
import { effectKey } from '../../domain/ids.ts'
import { addOffers } from '../../store/coupons.ts'
import { type Db, inTransaction } from '../../store/db.ts'
import { tellEvent } from '../../store/events.ts'
import { type Approval, approveReferral, judgeReferral } from '../../store/referral-approval.ts'
import {
  type Reward,
  type RungReward,
  climbRung,
  rewardAdvocate,
  takeBackRewards,
} from '../../store/referral-rewards.ts'
import {
  type ClaimAnswer,
  type Referral,
  claimIn,
  giveCode,
  lockTogether,
  ownerOf,
  referralOf,
} from '../../store/referrals.ts'
import { person } from '../world.ts'
import { type HandClock, inboxOf, planFacts, routing } from './given.ts'

export const RETURNS = milliseconds('15 days')

export const programme = (more: Partial<Programme> = {}): Programme => ({
  friend: 'friend-10',
  advocate: 'advocate',
  minimum: 100_00,
  returns: RETURNS,
  attribution: milliseconds('30 days'),
  codes: { limit: 100, valid: milliseconds('365 days') },
  ladder: [
    { rung: 1, reward: 'first' },
    { rung: 3, reward: 'three' },
  ],
  atMost: 20,
  onVoid: 'claw-back',
  rewards: {
    advocate: {
      is: 'points',
      rule: 'friend',
      terms: { title: 'Friend', earn: { fixed: 500 }, bonuses: { double: 2 } },
    },
    first: { is: 'points', rule: 'first', terms: { title: 'First', earn: { fixed: 100 } } },
    three: { is: 'coupon', offer: 'three-friends', valid: '30 days' },
  },
  ...more,
})

/** The journey of the advocate, as the inbox and the activities read it. */
export const rewardPlan = (more: Partial<Programme> = {}): PlanFacts =>
  planFacts('reward', {
    begins: { on: 'referral.qualified' },
    occasion: 'friend',
    exits: [{ on: 'referral.voided', sameOccasion: true }],
    referral: programme(more),
  })

const OFFER = { title: 'Three friends', quota: 1_000, perMember: 9, gives: { amount: 500 } }

export const drawCode = (): string => codeFrom(randomBytes(12))

/** A small shop whose advocates bring friends; every step is the store's own, taken by hand. */
export async function referralShop(
  db: Db,
  clock: HandClock,
  more: { plan?: PlanFacts; plans?: readonly Routing[] } = {},
) {
  const plan = more.plan ?? rewardPlan()
  const plans = [plan, ...(more.plans ?? [routing('friend', { begins: { on: 'referral.accepted' } })])]
  const send = inboxOf(db, clock, plans)
  for (const reward of Object.values(plan.referral?.rewards ?? {})) {
    if (reward.is === 'coupon') await addOffers(db, { [reward.offer]: OFFER })
  }
  const runOf = (friend: string, advocate: string): string => `reward/${advocate}/${friend}`
  const shop = {
    plan,
    plans,
    send,
    runOf,
    /** A customer with a code; answers it. */
    async advocate(id: string): Promise<string> {
      await send('customer.registered', person(id))
      const of = { campaign: 'reward', advocate: id, programme: plan.referral as Programme, now: clock.now(), drawCode }
      const given = await giveCode(db, of, async () => undefined)
      return 'code' in given ? given.code.code : ''
    },
    /** Claims as the HTTP route does. */
    claim(friend: string, code: string): Promise<ClaimAnswer> {
      return inTransaction(db, async (tx) => {
        await lockTogether(tx, [friend, (await ownerOf(tx, code)) ?? friend])
        const claim = { friend, code, by: `test-${code}-${clock.now()}`, plans, now: clock.now() }
        return claimIn(tx, claim, tellEvent)
      })
    },
    async friend(id: string, code: string): Promise<void> {
      await send('customer.registered', person(id), { properties: { referral: code } })
    },
    paid: (friend: string, properties: object = {}, id?: string) =>
      send('order.paid', friend, {
        properties: { order: `O-${friend}`, amount: 150_00, ...properties },
        ...(id && { id }),
      }),
    refunded: (friend: string, properties: object = {}) =>
      send('order.refunded', friend, { properties: { order: `O-${friend}`, ...properties } }),
    async status(friend: string): Promise<string> {
      const row = await referralOf(db, friend)
      return row ? [row.status, row.reason].filter(Boolean).join(' ') : 'none'
    },
    row: (friend: string): Promise<Referral | undefined> => referralOf(db, friend),
    judge: (friend: string, advocate: string, nth = 1) => {
      const run = runOf(friend, advocate)
      return judgeReferral(db, { key: effectKey(run, 'judge', 'referral', nth), run, now: clock.now })
    },
    approve: (friend: string, advocate: string): Promise<Approval> =>
      approveReferral(db, { run: runOf(friend, advocate), now: clock.now }),
    reward: (friend: string, advocate: string, name = 'advocate'): Promise<Reward> => {
      const run = runOf(friend, advocate)
      const key = effectKey(run, 'reward', name, 1)
      return rewardAdvocate(db, { key, run, name, shopZone: 'UTC', now: clock.now, drawCode })
    },
    async climb(friend: string, advocate: string): Promise<RungReward[]> {
      const all: RungReward[] = []
      for (let above = 0; ; above = all.at(-1)?.rung ?? 0) {
        const request = { run: runOf(friend, advocate), above, shopZone: 'UTC', now: clock.now, drawCode }
        const next = await climbRung(db, request)
        if (!next) return all
        all.push(next)
      }
    },
    takeBack: (friend: string, advocate: string) =>
      takeBackRewards(db, { run: runOf(friend, advocate), now: clock.now }),
    /** All that the advocate's story does once the window is over. */
    async settle(friend: string, advocate: string): Promise<void> {
      await shop.judge(friend, advocate)
      if ((await shop.approve(friend, advocate)).is !== 'approved') return
      await shop.reward(friend, advocate)
      await shop.climb(friend, advocate)
    },
  }
  return shop
}
