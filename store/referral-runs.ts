/** What every decision about a referral begins with: the advocate's run, locked, and the referral it is about. */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type Db, type Tx } from './db.ts'
import { decide } from './decisions.ts'
import { type RunState, enrolment, lockRun } from './enrolments.ts'
import { type Referral, lockReferral, referralOf } from './referrals.ts'

export interface About {
  run: RunState
  referral: Referral
  /** Read behind the advocate's lock: what went first is not dated after what it decides. */
  now: number
}

/** Shop time, epoch ms, when it is asked for. */
export type Now = () => number

/** The run, its customer locked, and the referral it is about: the friend is the run's occasion. Throws RUN_UNKNOWN, REFERRAL_MISSING. */
export async function lockAbout(tx: Tx, id: string, now: Now): Promise<About> {
  const run = await lockRun(tx, id)
  if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
  const friend = (await enrolment(tx, id))?.occasion
  const referral = friend ? await lockReferral(tx, friend) : undefined
  if (!referral || referral.advocate !== run.customer) {
    throw new PerennialError('REFERRAL_MISSING', `'${id}' is about no referral`, { field: 'run' })
  }
  return { run, referral, now: now() }
}

/** When the friend's order can no longer be returned, shop time. Throws REFERRAL_MISSING. */
export async function returnsUntil(db: Db, id: string): Promise<number> {
  const friend = (await enrolment(db, id))?.occasion
  const until = friend && (await referralOf(db, friend))?.returns_until
  if (!until) throw new PerennialError('REFERRAL_MISSING', `'${id}' is about no referral`, { field: 'run' })
  return until.getTime()
}

/** How many approved friends an advocate has in the campaign of a referral. */
export async function approvedOf(tx: Tx, { advocate, campaign }: Referral): Promise<number> {
  const { rows } = await sql<{ friends: number }>`
    select count(*) as friends from referrals where advocate = ${advocate} and campaign = ${campaign} and status = 'approved'
  `.execute(tx)
  return rows[0]?.friends ?? 0
}

/** A line in the decision log of the advocate. */
export function noteReferral(
  tx: Tx,
  { run, referral, now }: About,
  said: { id: string; key: string; verdict: string; code: Refusal | null; detail: string },
): Promise<void> {
  const { id: run_, key, verdict, code, detail } = said
  const of = { customer: referral.advocate, journey: run.journey, enrolment: run_ }
  return decide(tx, { ...of, key: `${key}/${verdict}/${code ?? ''}`, about: 'referral', verdict, code, detail, now })
}
