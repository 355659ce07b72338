/**
 * Whether a referral is paid for: judged by the risk rules, approved once its order has outlived the return window. Each is one
 * transaction behind the advocate's lock, which every void of theirs takes as well.
 */
import { sql } from 'kysely'
import type { Refusal } from '../domain/errors.ts'
import type { Judgement } from '../domain/risk.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { type RunState, holdRun } from './enrolments.ts'
import { type Now, approvedOf, lockAbout, noteReferral } from './referral-runs.ts'
import { type Referral, exactlyOne } from './referrals.ts'
import { lastReview } from './reviews.ts'
import { exempt, judgeIn, lastJudgement } from './risk.ts'

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
  { key, run: id, now: clock }: { key: string; run: string; now: Now },
): Promise<Judgement> {
  return inTransaction(db, async (tx) => {
    const about = await lockAbout(tx, id, clock)
    const { run, referral, now } = about
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
    await noteReferral(tx, about, { id, key, verdict: outcome, code: reason, detail })
    return judgement
  })
}

export type Approval = { is: 'approved'; friends: number } | { is: 'refused'; code: Refusal } | { is: 'held' }

/**
 * Approves what was allowed by the rules or by a reviewer and has outlived its return window, once; answers how many approved
 * friends the advocate has by now. What was not allowed is denied by this.
 */
export function approveReferral(db: Db, { run: id, now: clock }: { run: string; now: Now }): Promise<Approval> {
  return inTransaction(db, async (tx) => {
    const about = await lockAbout(tx, id, clock)
    const { run, referral, now } = about
    const { friend, advocate, campaign, programme } = referral
    if (referral.status === 'approved') return { is: 'approved', friends: await approvedOf(tx, referral) }
    const stop = await stopped(tx, id, run, now)
    if (stop) return stop
    const friends = await approvedOf(tx, referral)
    const code = await whyNotApprove(tx, id, { referral, friends, now })
    const noted = { id, key: `referral/${friend}/approval`, detail: `${friend}, friend of ${advocate}` }
    if (code === undefined) {
      await exactlyOne(
        sql`
        update referrals set status = 'approved', approved_at = ${at(now)}
        where friend = ${friend} and status in ('pending', 'held', 'in-review') and returns_until <= ${at(now)}
      `.execute(tx),
      )
      await remember(tx, id, referral, now)
      await noteReferral(tx, about, {
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
    await noteReferral(tx, about, {
      ...noted,
      verdict: 'refused',
      code,
      detail: `${noted.detail}, at most ${programme.atMost}`,
    })
    return { is: 'refused', code }
  })
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
