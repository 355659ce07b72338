/**
 * What an advocate gets for friends, and gives back: one reward a friend, one a rung of the ladder. Each is one transaction behind
 * the advocate's lock.
 */
import { sql } from 'kysely'
import { milliseconds } from '../domain/duration.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import type { Routing } from '../domain/journey.ts'
import { type Programme, type RewardTerms, rungKey, rungsReached } from '../domain/referral.ts'
import { type IssuedCoupon, drawing, issueIn } from './coupons.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { lockRun } from './enrolments.ts'
import { awardIn, takeBackEarned } from './points.ts'
import { type About, type Now, approvedOf, lockAbout, noteReferral } from './referral-runs.ts'
import { exactlyOne } from './referrals.ts'
import { takeCouponBack } from './void-coupons.ts'

export interface RewardRequest {
  key: string
  run: string
  terms: RewardTerms
  shopZone: string
  /** What a point costs a budget, minor units: 1 unless told. */
  pointCost?: number | undefined
  /** Whom a tier that is reached by it is told to. */
  plans?: readonly Routing[]
  now: Now
  drawCode: () => string
}

/** `points` of the unit that the rule says, or the coupon. */
export type Reward =
  | { is: 'given'; what: 'points'; unit: string; amount: number }
  | { is: 'given'; what: 'coupon'; coupon: IssuedCoupon }
  | { is: 'refused'; code: Refusal }
  | { is: 'held' }

/** Gives what the terms say under the key, as awardPoints and issueCoupon do. */
async function giveIn(tx: Tx, request: Omit<RewardRequest, 'now'> & { now: number }): Promise<Reward> {
  const { key, run, terms: reward, now, drawCode, ...told } = request
  if (reward.is === 'points') {
    const { rule, terms } = reward
    const award = await awardIn(tx, { key, run, rule, terms, now, ...told })
    return award.is === 'awarded' ? { is: 'given', what: 'points', unit: award.unit, amount: award.amount } : award
  }
  const { offer, valid } = reward
  const issue = await issueIn(tx, { key, run, offer, valid, validMs: milliseconds(valid), now, drawCode })
  return issue.is === 'issued' ? { is: 'given', what: 'coupon', coupon: issue.coupon } : issue
}

/** A reward of any journey: one money effect, once under its key. Throws what awardPoints and issueCoupon throw. */
export function giveReward(db: Db, request: RewardRequest): Promise<Reward> {
  return drawing(db, async (tx) => {
    await lockRun(tx, request.run)
    return giveIn(tx, { ...request, now: request.now() })
  })
}

/** The reward of a run's referral, as it was frozen at the claim: only where it is approved, and one a friend. Throws REWARD_UNKNOWN. */
export function rewardAdvocate(
  db: Db,
  { name, ...request }: Omit<RewardRequest, 'terms'> & { name: string },
): Promise<Reward> {
  return drawing(db, async (tx) => {
    const about = await lockAbout(tx, request.run, request.now)
    const { friend, programme, status } = about.referral
    const terms = termsOf(programme, name)
    const { rows } = await sql<{ key: string }>`select key from referral_rewards where friend = ${friend}`.execute(tx)
    const had = rows[0]?.key === request.key
    const refuse = async (code: Refusal): Promise<Reward> => {
      const { run: id, key } = request
      await noteReferral(tx, about, { id, key, verdict: 'refused', code, detail: `${name} for ${friend}` })
      return { is: 'refused', code }
    }
    // A run that was left is told so, whatever became of its referral.
    if (!had && about.run.status === 'running' && status !== 'approved') return refuse('REFERRAL_NOT_APPROVED')
    if (!had && rows.length > 0) return refuse('MEMBER_LIMIT')
    const reward = await giveIn(tx, { ...request, terms, now: about.now })
    if (reward.is === 'given' && !had)
      await keep(tx, about, { key: request.key, run: request.run, friend, rung: null, what: reward.what })
    return reward
  })
}

function termsOf({ rewards }: Programme, name: string): RewardTerms {
  const terms = Object.hasOwn(rewards, name) ? rewards[name] : undefined
  if (terms) return terms
  throw new PerennialError('REWARD_UNKNOWN', `the programme has no reward '${name}'`, { field: 'reward' })
}

interface Kept {
  key: string
  run: string
  friend: string | null
  rung: number | null
  what: 'points' | 'coupon'
}

async function keep(tx: Tx, { referral, now }: About, { key, run, friend, rung, what }: Kept): Promise<void> {
  const { campaign, advocate, programme } = referral
  await sql`
    insert into referral_rewards (key, campaign, advocate, friend, rung, on_void, enrolment, kind, given_at)
    values (${key}, ${campaign}, ${advocate}, ${friend}, ${rung}, ${programme.onVoid}, ${run}, ${what}, ${at(now)})
  `.execute(tx)
}

export type RungReward = { rung: number; reward: Reward }

/**
 * Gives the lowest rung of the ladder that the advocate's approved friends reach and that was not given, or is given no more;
 * undefined where there is none. Asked until then: each rung is a transaction of its own.
 */
export function climbRung(
  db: Db,
  { above, ...request }: Omit<RewardRequest, 'terms' | 'key'> & { above: number },
): Promise<RungReward | undefined> {
  return drawing(db, async (tx) => {
    const about = await lockAbout(tx, request.run, request.now)
    const { advocate, campaign, programme, status } = about.referral
    if (status !== 'approved') return undefined
    const friends = await approvedOf(tx, about.referral)
    const { rows } = await sql<{ rung: number; live: boolean }>`
      select rung, taken_back_at is null as live from referral_rewards
      where campaign = ${campaign} and advocate = ${advocate} and rung is not null
    `.execute(tx)
    const next = rungsReached(programme.ladder, friends).find(
      ({ rung }) => rung > above && !rows.some((row) => row.live && row.rung === rung),
    )
    if (!next) return undefined
    const { rung } = next
    const nth = rows.filter((row) => row.rung === rung).length + 1
    const key = rungKey({ campaign, advocate, rung, nth })
    const reward = await giveIn(tx, { ...request, key, terms: termsOf(programme, next.reward), now: about.now })
    if (reward.is === 'given') await keep(tx, about, { key, run: request.run, friend: null, rung, what: reward.what })
    return { rung, reward }
  })
}

interface Live {
  key: string
  kind: 'points' | 'coupon'
  rung: number | null
}

/** How many rewards a void took back, and how many coupons of it were used before. */
export interface TakenBack {
  rewards: number
  used: number
}

/**
 * Takes back what a referral was rewarded with that is void: the friend's reward, and by the programme's policy the rungs that the
 * advocate no longer reaches. Nothing where the referral is not void. Whether the run is on does not matter.
 */
export function takeBackRewards(db: Db, { run: id, now: clock }: { run: string; now: Now }): Promise<TakenBack> {
  return inTransaction(db, async (tx) => {
    const about = await lockAbout(tx, id, clock)
    const { now } = about
    const { friend, advocate, campaign, status } = about.referral
    const taken: TakenBack = { rewards: 0, used: 0 }
    if (status !== 'voided') return taken
    const friends = await approvedOf(tx, about.referral)
    const { rows } = await sql<Live>`
      select key, kind, rung from referral_rewards where taken_back_at is null and (friend = ${friend}
        or (campaign = ${campaign} and advocate = ${advocate} and rung > ${friends} and on_void = 'claw-back'))
      order by given_at desc, key for update
    `.execute(tx)
    for (const row of rows) {
      const outcome =
        row.kind === 'points'
          ? await takePoints(tx, about, { id, row })
          : await takeCouponBack(tx, { key: row.key, reason: 'its referral is void', now })
      if (outcome === 'used') taken.used += 1
      else taken.rewards += 1
      await exactlyOne(
        sql`
        update referral_rewards set taken_back_at = ${at(now)}, outcome = ${outcome} where key = ${row.key} and taken_back_at is null
      `.execute(tx),
      )
      const detail = `${row.rung === null ? `for ${friend}` : `rung ${row.rung}`}: ${row.kind} ${outcome}`
      await noteReferral(tx, about, { id, key: `${row.key}/taken-back`, verdict: 'taken back', code: null, detail })
    }
    await sql`update referrals set taken_back_at = coalesce(taken_back_at, ${at(now)}) where friend = ${friend}`.execute(
      tx,
    )
    return taken
  })
}

async function takePoints(tx: Tx, { run, now }: About, { id, row }: { id: string; row: Live }): Promise<'taken-back'> {
  await takeBackEarned(tx, { keys: [row.key], run, runId: id, now })
  return 'taken-back'
}
