/**
 * Who came by whom. A code is an advocate's; a claim makes the customer the advocate's friend until a later one moves it or the
 * first order decides. A claim is made with the friend and the code's owner locked, by `lockTogether`, before anything else.
 */
import { sql } from 'kysely'
import { readCode } from '../domain/coupon.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import type { Properties, Routing } from '../domain/journey.ts'
import { type Programme, type ReferralStatus, whyNotClaim } from '../domain/referral.ts'
import { type Db, type Tx, at, inTransaction, isUniqueViolation } from './db.ts'
import { decide } from './decisions.ts'
import { countTry, lockedUntil } from './tries.ts'

export interface Referral {
  friend: string
  advocate: string
  code: string
  campaign: string
  programme: Programme
  status: ReferralStatus
  reason: Refusal | null
  claimed_at: Date
  claim_until: Date
  order: string | null
  qualified_at: Date | null
  returns_until: Date | null
  approved_at: Date | null
  voided_at: Date | null
  taken_back_at: Date | null
}

/** Tells an event of our own; `tellEvent` of events.ts, handed in as that file stands on this one. */
export type Tell = (
  tx: Tx,
  event: { id: string; type: string; customer: string; properties: Properties },
  to: { plans: readonly Routing[]; now: number },
) => Promise<boolean>

/** Locks several customers, in the order of their ids, in one statement. Those that are not there yet are left out. */
export async function lockTogether(tx: Tx, ids: readonly string[]): Promise<void> {
  await sql`select 1 from customers where id = any(${ids}) order by id for update`.execute(tx)
}

/** A customer's own referral, locked to the end of the transaction. Lock the friend or the advocate first. */
export async function lockReferral(tx: Tx, friend: string): Promise<Referral | undefined> {
  const { rows } = await sql<Referral>`select * from referrals where friend = ${friend} for update`.execute(tx)
  return rows[0]
}

export async function referralOf(db: Db, friend: string): Promise<Referral | undefined> {
  const { rows } = await sql<Referral>`select * from referrals where friend = ${friend}`.execute(db)
  return rows[0]
}

/** Whose a code is. Never changes. */
export async function ownerOf(db: Db, typed: string): Promise<string | undefined> {
  const code = readCode(typed)
  if (code === undefined) return undefined
  const { rows } = await sql<{ advocate: string }>`select advocate from referral_codes where code = ${code}`.execute(db)
  return rows[0]?.advocate
}

export interface ReferralCode {
  code: string
  campaign: string
  advocate: string
  usage_limit: number
  claims: number
  starts_at: Date
  ends_at: Date
}

const DRAWS = 5

/**
 * The advocate's code of a campaign, made at the first asking: the same one ever after. `allow` is asked in the transaction that
 * would make it, with the customer locked, and may refuse.
 */
export async function giveCode<R>(
  db: Db,
  of: { campaign: string; advocate: string; programme: Programme; now: number; drawCode: () => string },
  allow: (tx: Tx) => Promise<R | undefined>,
): Promise<{ code: ReferralCode } | { refused: R }> {
  for (let draw = 1; ; draw++) {
    try {
      return await inTransaction(db, async (tx) => {
        const refused = await allow(tx)
        return refused === undefined ? { code: await codeIn(tx, of) } : { refused }
      })
    } catch (error) {
      if (draw >= DRAWS || !isUniqueViolation(error, 'referral_codes_pkey')) throw error
    }
  }
}

async function codeIn(
  tx: Tx,
  { campaign, advocate, programme, now, drawCode }: Parameters<typeof giveCode>[1],
): Promise<ReferralCode> {
  const { limit, valid } = programme.codes
  await sql`
    insert into referral_codes (code, campaign, advocate, usage_limit, starts_at, ends_at)
    values (${drawCode()}, ${campaign}, ${advocate}, ${limit}, ${at(now)}, ${at(now + valid)})
    on conflict on constraint referral_codes_once do nothing
  `.execute(tx)
  const { rows } = await sql<ReferralCode>`
    select * from referral_codes where campaign = ${campaign} and advocate = ${advocate}`.execute(tx)
  return rows[0] as ReferralCode
}

export interface Claim {
  friend: string
  /** As it was typed. */
  code: string
  /** What the shop knows of the device; guesses are counted by it too. */
  visitor?: string | undefined
  /** What the claim came by, for the decision log: the id of an event or of a request. */
  by: string
  plans: readonly Routing[]
  now: number
}

export type ClaimAnswer =
  | { ok: true; friend: string; code: string; status: ReferralStatus; claimUntil: string; replayed: boolean }
  /** `retryAfterMs` with TOO_MANY_TRIES: ms of shop time until a code is looked at again. */
  | { ok: false; code: Refusal; retryAfterMs?: number }

/** Attributes a friend, or says why not. The same friend and code again answer the same. Call it with both locked. */
export async function claimIn(tx: Tx, claim: Claim, tell: Tell): Promise<ClaimAnswer> {
  const { friend, now } = claim
  const who = [`customer/${friend}`, ...(claim.visitor === undefined ? [] : [`visitor/${claim.visitor}`])]
  const refuse = async (code: Refusal, campaign: string): Promise<ClaimAnswer> => {
    await note(tx, claim, campaign, { verdict: 'refused', code, detail: `code ${claim.code.slice(0, 40)}` })
    return { ok: false, code }
  }
  const any = claim.plans.find((plan) => plan.referral)?.name ?? 'referral'
  const until = await lockedUntil(tx, who, now)
  if (until !== undefined) return { ...(await refuse('TOO_MANY_TRIES', any)), retryAfterMs: until - now } as ClaimAnswer
  const code = readCode(claim.code)
  // What cannot be a code is no guess at one: the form of codes is no secret.
  if (code === undefined) return refuse('REFERRAL_UNKNOWN', any)
  const before = await lockReferral(tx, friend)
  if (before?.code === code) return answerOf(before, true)
  // In the order of codes, as a claim that moves counts on two of them.
  const { rows } = await sql<ReferralCode>`
    select * from referral_codes where code in (${code}, ${before?.code ?? code}) order by code for update
  `.execute(tx)
  const found = rows.find((row) => row.code === code)
  if (!found) {
    await countTry(tx, who, code, now)
    return refuse('REFERRAL_UNKNOWN', any)
  }
  const programme = claim.plans.find((plan) => plan.name === found.campaign)?.referral
  const refused = whyNotClaim({
    now,
    self: await isSelf(tx, friend, found.advocate),
    known: await hasPaid(tx, friend),
    programme,
    code: {
      startsAt: found.starts_at.getTime(),
      endsAt: found.ends_at.getTime(),
      claims: found.claims,
      limit: found.usage_limit,
    },
    before: before?.status,
  })
  if (refused ?? !programme) return refuse(refused ?? 'REFERRAL_EXPIRED', found.campaign)
  return answerOf(await attribute(tx, claim, { found, programme: programme as Programme, before, tell }), false)
}

const answerOf = ({ friend, code, status, claim_until }: Referral, replayed: boolean): ClaimAnswer => ({
  ok: true,
  friend,
  code,
  status,
  claimUntil: claim_until.toISOString(),
  replayed,
})

interface Attribution {
  found: ReferralCode
  programme: Programme
  before: Referral | undefined
  tell: Tell
}

/** Writes the claim; one that was there moves, and gives its place on the other code back. */
async function attribute(tx: Tx, claim: Claim, { found, programme, before, tell }: Attribution): Promise<Referral> {
  const { friend, plans, now } = claim
  const { code, advocate, campaign } = found
  if (before)
    await exactlyOne(
      sql`update referral_codes set claims = claims - 1 where code = ${before.code} and claims > 0`.execute(tx),
    )
  await exactlyOne(
    sql`update referral_codes set claims = claims + 1 where code = ${code} and claims < usage_limit`.execute(tx),
  )
  const { rows } = await sql<Referral>`
    insert into referrals as r (friend, advocate, code, campaign, programme, status, claimed_at, claim_until)
    values (${friend}, ${advocate}, ${code}, ${campaign}, ${JSON.stringify(programme)}, 'claimed', ${at(now)},
            ${at(now + programme.attribution)})
    on conflict (friend) do update set advocate = excluded.advocate, code = excluded.code, campaign = excluded.campaign,
      programme = excluded.programme, claimed_at = excluded.claimed_at, claim_until = excluded.claim_until
    where r.status = 'claimed' returning *
  `.execute(tx)
  const [referral] = rows
  if (!referral) throw new PerennialError('INTERNAL', `the referral of '${friend}' was not as its lock said`)
  const verdict = before ? 'moved' : 'claimed'
  const detail = `friend of ${advocate} by ${code}${before ? `, was of ${before.advocate}` : ''}`
  await note(tx, claim, campaign, { verdict, detail })
  await tell(
    tx,
    {
      id: `referral/${friend}/accepted`,
      type: 'referral.accepted',
      customer: friend,
      properties: { advocate, campaign, offer: programme.friend },
    },
    { plans, now },
  )
  return referral
}

/** A guarded statement behind the locks must hit its row; if not, all is undone. */
export async function exactlyOne(done: Promise<{ numAffectedRows?: bigint | undefined }>): Promise<void> {
  if ((await done).numAffectedRows === 1n) return
  throw new PerennialError('INTERNAL', 'a referral was not as its lock said')
}

async function isSelf(tx: Tx, friend: string, advocate: string): Promise<boolean> {
  if (friend === advocate) return true
  const { rows } = await sql<{ one: number }>`
    select 1 as one from identities a join identities b using (kind, hash)
    where a.customer = ${friend} and b.customer = ${advocate} and a.kind in ('email', 'phone', 'payment') limit 1
  `.execute(tx)
  return rows.length > 0
}

/** Whether the customer has paid for an order, or another account by the same mail or phone has. */
async function hasPaid(tx: Tx, customer: string): Promise<boolean> {
  const { rows } = await sql<{ one: number }>`
    select 1 as one from events where type = 'order.paid' and customer in (
      select ${customer} union
      (select b.customer from identities a join identities b using (kind, hash)
        where a.customer = ${customer} and a.kind in ('email', 'phone') limit 50)) limit 1
  `.execute(tx)
  return rows.length > 0
}

function note(
  tx: Tx,
  { friend, by, now }: Claim,
  journey: string,
  said: { verdict: string; code?: Refusal; detail: string },
): Promise<void> {
  const key = `referral/${friend}/claim/${by}/${said.code ?? said.verdict}`
  return decide(tx, { key, customer: friend, journey, enrolment: null, about: 'referral', ...said, now })
}
