/**
 * What an advocate gets for friends, and gives back: approval once the order has outlived its return window, one reward a friend,
 * one a rung of the ladder. Each is one transaction behind the advocate's lock, which every void of theirs takes as well.
 */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type Programme, type RewardTerms, rungKey, rungsReached } from '../domain/referral.ts'
import type { Judgement } from '../domain/risk.ts'
import { milliseconds } from '../domain/duration.ts'
import { type IssuedCoupon, drawing, issueIn } from './coupons.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { type RunState, enrolment, holdRun, lockRun } from './enrolments.ts'
import { lockCoupon } from './held-coupons.ts'
import { awardIn, takeBackEarned } from './points.ts'
import { type Referral, exactlyOne, lockReferral, referralOf } from './referrals.ts'
import { lastReview } from './reviews.ts'
import { exempt, judgeIn, lastJudgement } from './risk.ts'

interface About {
  run: RunState
  referral: Referral
}

/** The run, its customer locked, and the referral it is about: the friend is the run's occasion. Throws RUN_UNKNOWN, REFERRAL_MISSING. */
async function lockAbout(tx: Tx, id: string): Promise<About> {
  const run = await lockRun(tx, id)
  if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
  const friend = (await enrolment(tx, id))?.occasion
  const referral = friend ? await lockReferral(tx, friend) : undefined
  if (!referral || referral.advocate !== run.customer) {
    throw new PerennialError('REFERRAL_MISSING', `'${id}' is about no referral`, { field: 'run' })
  }
  return { run, referral }
}

/** When the friend's order can no longer be returned, shop time. Throws REFERRAL_MISSING. */
export async function returnsUntil(db: Db, id: string): Promise<number> {
  const friend = (await enrolment(db, id))?.occasion
  const until = friend && (await referralOf(db, friend))?.returns_until
  if (!until) throw new PerennialError('REFERRAL_MISSING', `'${id}' is about no referral`, { field: 'run' })
  return until.getTime()
}

/** What stops an effect of a run whatever it is; undefined where nothing does. */
async function stopped(
  tx: Tx,
  id: string,
  run: RunState,
  now: number,
): Promise<{ is: 'refused'; code: Refusal } | { is: 'held' } | undefined> {
  if (run.status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
  if (run.paused) {
    await holdRun(tx, id, now)
    return { is: 'held' }
  }
  return run.arm === 'holdout' ? { is: 'refused', code: 'HOLDOUT' } : undefined
}

const STATUS_OF = { allow: 'pending', hold: 'held', review: 'in-review', deny: 'denied' } as const

/** Judges the referral of a run, once a key, and says so in its status. What is decided already is not judged anew. */
export function judgeReferral(
  db: Db,
  { key, run: id, now }: { key: string; run: string; now: number },
): Promise<Judgement> {
  return inTransaction(db, async (tx) => {
    const { run, referral } = await lockAbout(tx, id)
    const { replayed, ...judgement } = await judgeIn(tx, { key, run: id, referral, now })
    const open = ['pending', 'held', 'in-review'].includes(referral.status)
    if (replayed || !open || run.status !== 'running') return judgement
    const { outcome, points, rules } = judgement
    const status = STATUS_OF[outcome]
    const reason = status === 'denied' ? 'REFERRAL_DENIED' : null
    await exactlyOne(
      sql`update referrals set status = ${status}, reason = ${reason} where friend = ${referral.friend}`.execute(tx),
    )
    const detail = `${referral.friend}: ${points} points${rules.map((one) => `, ${one.rule} ${one.points}`).join('')}`
    await note(tx, { run, referral }, { id, key, verdict: outcome, code: reason, detail, now })
    return judgement
  })
}

export type Approval = { is: 'approved'; friends: number } | { is: 'refused'; code: Refusal } | { is: 'held' }

/**
 * Approves what was allowed by the rules or by a reviewer and has outlived its return window, once; answers how many approved
 * friends the advocate has by now. What was not allowed is denied by this.
 */
export function approveReferral(db: Db, { run: id, now }: { run: string; now: number }): Promise<Approval> {
  return inTransaction(db, async (tx) => {
    const about = await lockAbout(tx, id)
    const { run, referral } = about
    const { friend, advocate, campaign, programme } = referral
    if (referral.status === 'approved') return { is: 'approved', friends: await approvedOf(tx, referral) }
    const stop = await stopped(tx, id, run, now)
    if (stop) return stop
    const friends = await approvedOf(tx, referral)
    const code = await whyNotApprove(tx, id, { referral, friends, now })
    const noted = { id, key: `referral/${friend}/approval`, now, detail: `${friend}, friend of ${advocate}` }
    if (code === undefined) {
      await exactlyOne(
        sql`
        update referrals set status = 'approved', approved_at = ${at(now)}
        where friend = ${friend} and status in ('pending', 'held', 'in-review') and returns_until <= ${at(now)}
      `.execute(tx),
      )
      await remember(tx, id, referral, now)
      await note(tx, about, {
        ...noted,
        verdict: 'approved',
        code: null,
        detail: `${noted.detail}, number ${friends + 1} in ${campaign}`,
      })
      return { is: 'approved', friends: friends + 1 }
    }
    if (code === 'REFERRAL_DENIED' || code === 'REFERRAL_CAP') {
      await sql`
        update referrals set status = 'denied', reason = ${code}
        where friend = ${friend} and status in ('pending', 'held', 'in-review')`.execute(tx)
    }
    await note(tx, about, {
      ...noted,
      verdict: 'refused',
      code,
      detail: `${noted.detail}, at most ${programme.atMost}`,
    })
    return { is: 'refused', code }
  })
}

async function approvedOf(tx: Tx, { advocate, campaign }: Referral): Promise<number> {
  const { rows } = await sql<{ friends: number }>`
    select count(*) as friends from referrals where advocate = ${advocate} and campaign = ${campaign} and status = 'approved'
  `.execute(tx)
  return rows[0]?.friends ?? 0
}

async function whyNotApprove(
  tx: Tx,
  id: string,
  { referral, friends, now }: { referral: Referral; friends: number; now: number },
): Promise<Refusal | undefined> {
  const { status, reason, returns_until, programme, friend } = referral
  if (status === 'denied' || status === 'voided') return reason ?? 'REFERRAL_NOT_APPROVED'
  if (returns_until === null || status === 'claimed') return 'REFERRAL_NOT_APPROVED'
  if (now < returns_until.getTime()) return 'REFERRAL_TOO_SOON'
  const judged = await lastJudgement(tx, friend)
  if (!judged) return 'REFERRAL_NOT_APPROVED'
  const allowed =
    judged.outcome === 'allow' || (judged.outcome !== 'deny' && (await lastReview(tx, id))?.decision === 'approve')
  if (!allowed) return 'REFERRAL_DENIED'
  return friends >= programme.atMost ? 'REFERRAL_CAP' : undefined
}

/** What a reviewer approved is fed back to the rules. */
async function remember(tx: Tx, id: string, referral: Referral, now: number): Promise<void> {
  const judged = await lastJudgement(tx, referral.friend)
  const review = await lastReview(tx, id)
  if (!judged || judged.outcome === 'allow' || review?.decision !== 'approve') return
  await exempt(tx, referral, { rules: judged.rules, all: review.remember, by: review.by, now })
}

export interface RewardRequest {
  key: string
  run: string
  terms: RewardTerms
  shopZone: string
  now: number
  drawCode: () => string
}

/** `points` of the unit that the rule says, or the coupon. */
export type Reward =
  | { is: 'given'; what: 'points'; unit: string; amount: number }
  | { is: 'given'; what: 'coupon'; coupon: IssuedCoupon }
  | { is: 'refused'; code: Refusal }
  | { is: 'held' }

/** Gives what the terms say under the key, as awardPoints and issueCoupon do. */
async function giveIn(tx: Tx, request: RewardRequest): Promise<Reward> {
  const { key, run, terms: reward, shopZone, now, drawCode } = request
  if (reward.is === 'points') {
    const { rule, terms } = reward
    const award = await awardIn(tx, { key, run, rule, terms, shopZone, now })
    return award.is === 'awarded' ? { is: 'given', what: 'points', unit: award.unit, amount: award.amount } : award
  }
  const { offer, valid } = reward
  const issue = await issueIn(tx, { key, run, offer, valid, validMs: milliseconds(valid), now, drawCode })
  return issue.is === 'issued' ? { is: 'given', what: 'coupon', coupon: issue.coupon } : issue
}

/** A reward of any journey: one money effect, once under its key. Throws what awardPoints and issueCoupon throw. */
export function giveReward(db: Db, request: RewardRequest): Promise<Reward> {
  return drawing(db, (tx) => giveIn(tx, request))
}

/** The reward of a run's referral, as it was frozen at the claim: only where it is approved, and one a friend. Throws REWARD_UNKNOWN. */
export function rewardAdvocate(
  db: Db,
  { name, ...request }: Omit<RewardRequest, 'terms'> & { name: string },
): Promise<Reward> {
  return drawing(db, async (tx) => {
    const about = await lockAbout(tx, request.run)
    const { friend, programme, status } = about.referral
    const terms = termsOf(programme, name)
    const { rows } = await sql<{ key: string }>`select key from referral_rewards where friend = ${friend}`.execute(tx)
    const had = rows[0]?.key === request.key
    const refuse = async (code: Refusal): Promise<Reward> => {
      const { run: id, key, now } = request
      await note(tx, about, { id, key, verdict: 'refused', code, detail: `${name} for ${friend}`, now })
      return { is: 'refused', code }
    }
    // A run that was left is told so, whatever became of its referral.
    if (!had && about.run.status === 'running' && status !== 'approved') return refuse('REFERRAL_NOT_APPROVED')
    if (!had && rows.length > 0) return refuse('MEMBER_LIMIT')
    const reward = await giveIn(tx, { ...request, terms })
    if (reward.is === 'given' && !had) await keep(tx, about, { ...request, friend, rung: null, what: reward.what })
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
  now: number
}

async function keep(tx: Tx, { referral }: About, { key, run, friend, rung, what, now }: Kept): Promise<void> {
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
    const about = await lockAbout(tx, request.run)
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
    const reward = await giveIn(tx, { ...request, key, terms: termsOf(programme, next.reward) })
    if (reward.is === 'given') await keep(tx, about, { ...request, key, friend: null, rung, what: reward.what })
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
export function takeBackRewards(db: Db, { run: id, now }: { run: string; now: number }): Promise<TakenBack> {
  return inTransaction(db, async (tx) => {
    const about = await lockAbout(tx, id)
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
        row.kind === 'points' ? await takePoints(tx, about, { id, row, now }) : await voidCoupon(tx, row.key, now)
      if (outcome === 'used') taken.used += 1
      else taken.rewards += 1
      await exactlyOne(
        sql`
        update referral_rewards set taken_back_at = ${at(now)}, outcome = ${outcome} where key = ${row.key} and taken_back_at is null
      `.execute(tx),
      )
      const detail = `${row.rung === null ? `for ${friend}` : `rung ${row.rung}`}: ${row.kind} ${outcome}`
      await note(tx, about, { id, key: `${row.key}/taken-back`, verdict: 'taken back', code: null, detail, now })
    }
    await sql`update referrals set taken_back_at = coalesce(taken_back_at, ${at(now)}) where friend = ${friend}`.execute(
      tx,
    )
    return taken
  })
}

async function takePoints(
  tx: Tx,
  { run }: About,
  { id, row, now }: { id: string; row: Live; now: number },
): Promise<'taken-back'> {
  await takeBackEarned(tx, { keys: [row.key], run, runId: id, now })
  return 'taken-back'
}

/** Behind the customer's lock and then the coupon's, as the checkout takes them: it is redeemed or void, never both. */
async function voidCoupon(tx: Tx, key: string, now: number): Promise<'void' | 'used' | 'over'> {
  const { rows } = await sql<{ code: string }>`select code from coupons where key = ${key}`.execute(tx)
  const coupon = rows[0] && (await lockCoupon(tx, rows[0].code))
  if (coupon?.status === 'redeemed') return 'used'
  if (!coupon || coupon.status === 'lost' || coupon.status === 'void' || coupon.expires_at.getTime() <= now)
    return 'over'
  await exactlyOne(
    sql`
    update coupons set status = 'void', held_by = null, held_until = null where code = ${coupon.code} and status in ('open', 'held')
  `.execute(tx),
  )
  return 'void'
}

function note(
  tx: Tx,
  { run, referral }: About,
  said: { id: string; key: string; verdict: string; code: Refusal | null; detail: string; now: number },
): Promise<void> {
  const { id: run_, key, verdict, code, detail, now } = said
  const of = { customer: referral.advocate, journey: run.journey, enrolment: run_ }
  return decide(tx, { ...of, key: `${key}/${verdict}/${code ?? ''}`, about: 'referral', verdict, code, detail, now })
}
