/** Coupons: issued once a key, never past the quota, never past what one customer may have. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Offer } from '../domain/coupon.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { canonical } from '../domain/journey.ts'
import { termsOf } from '../domain/offer.ts'
import { type Db, type Tx, at, inTransaction, isUniqueViolation } from './db.ts'
import { decide } from './decisions.ts'
import { holdRun, lockRun } from './enrolments.ts'
import { setTerms } from './offers.ts'

/**
 * Stores the offers of a plan that are not known yet; a known one stays as operators have steered it since. What it gives and
 * needs is the plan's: worded anew, it is a new version for coupons issued from now on.
 */
export async function addOffers(db: Db, offers: Record<string, Offer>): Promise<void> {
  for (const [id, offer] of Object.entries(offers)) {
    await inTransaction(db, async (tx) => {
      await sql`
        insert into offers (id, title, quota, per_member) values (${id}, ${offer.title}, ${offer.quota}, ${offer.perMember})
        on conflict (id) do nothing
      `.execute(tx)
      await setTerms(tx, id, termsOf(offer))
    })
  }
}

export interface OfferState extends Offer {
  id: string
  issued: number
}

export async function offers(db: Db): Promise<OfferState[]> {
  const { rows } = await sql<OfferState>`
    select id, title, quota, per_member as "perMember", issued from offers order by id`.execute(db)
  return rows
}

export interface IssueRequest {
  /** The effect key (domain/ids.ts). */
  key: string
  run: string
  offer: string
  /** What was asked, for the request hash: the validity as the plan words it. */
  valid: string
  /** How long the coupon lives, ms of shop time. */
  validMs: number
  now: number
  /** Draws a code; called again in the rare case that it is taken. */
  drawCode: () => string
}

export interface IssuedCoupon {
  code: string
  offer: string
  title: string
  expiresAt: Date
  zone: string | null
}

export type Issue =
  | { is: 'issued'; coupon: IssuedCoupon; replayed: boolean }
  | { is: 'refused'; code: Refusal }
  /** The journey is paused; ask again when it is resumed. */
  | { is: 'held' }

const DRAWS = 5

/**
 * Issues a coupon once: the same key and request answers the first coupon again, the same key with another request throws
 * IDEMPOTENCY_MISMATCH. Refusals are values. Throws OFFER_UNKNOWN, RUN_UNKNOWN, STORE_UNAVAILABLE.
 */
export function issueCoupon(db: Db, request: IssueRequest): Promise<Issue> {
  return drawing(db, (tx) => issueIn(tx, request))
}

/** One transaction that draws codes; done again in the rare case that one is taken. */
export async function drawing<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let draw = 1; ; draw++) {
    try {
      return await inTransaction(db, work)
    } catch (error) {
      if (draw >= DRAWS || !(isUniqueViolation(error, 'coupons_pkey') || isUniqueViolation(error, 'coupons_key_key')))
        throw error
    }
  }
}

/** The same within a transaction of `drawing`. */
export async function issueIn(tx: Tx, request: IssueRequest): Promise<Issue> {
  const run = await lockRun(tx, request.run)
  if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${request.run}'`, { field: 'run' })
  const hash = createHash('sha256')
    .update(canonical({ run: request.run, offer: request.offer, valid: request.valid }))
    .digest('hex')
  const before = await couponByKey(tx, request.key)
  if (before) {
    if (before.request_hash === hash) return { is: 'issued', coupon: before, replayed: true }
    throw new PerennialError('IDEMPOTENCY_MISMATCH', `'${request.key}' was issued for another request`, {
      field: 'key',
    })
  }
  const about = {
    key: request.key,
    customer: run.customer,
    journey: run.journey,
    enrolment: request.run,
    now: request.now,
  }
  const refuse = async (code: Refusal): Promise<Issue> => {
    await decide(tx, { ...about, about: 'coupon', verdict: 'refused', code, detail: request.offer })
    return { is: 'refused', code }
  }
  if (run.status !== 'running') return refuse('LEFT_JOURNEY')
  if (run.paused) {
    await holdRun(tx, request.run, request.now)
    return { is: 'held' }
  }
  if (run.arm === 'holdout') return refuse('HOLDOUT')
  if (!(await guardedIssue(tx, request, { customer: run.customer, hash }))) {
    return refuse(await whyNot(tx, request.offer, run.customer))
  }
  const issued = await couponByKey(tx, request.key)
  if (!issued) throw new PerennialError('INTERNAL', `the coupon of '${request.key}' is gone`)
  await decide(tx, { ...about, about: 'coupon', verdict: 'issued', detail: request.offer })
  return { is: 'issued', coupon: issued, replayed: false }
}

/**
 * The one statement that spends quota. Its row count is the answer: one, or none when the quota or the customer's limit is
 * reached. The caller holds the customer's lock, so the counter it reads is the newest.
 */
async function guardedIssue(
  tx: Tx,
  { key, run, offer, validMs, now, drawCode }: IssueRequest,
  { customer, hash }: { customer: string; hash: string },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    with spent as (
      update offers set issued = issued + 1
      where id = ${offer} and issued < quota
        and not exists (select 1 from coupons where key = ${key})
        and per_member > coalesce((select issued from member_counters where offer = ${offer} and customer = ${customer}), 0)
      returning id, version),
    counted as (
      insert into member_counters as m (offer, customer, issued) select id, ${customer}, 1 from spent
      on conflict (offer, customer) do update set issued = m.issued + 1 returning offer)
    insert into coupons (code, key, request_hash, offer, version, customer, enrolment, issued_at, expires_at)
    select ${drawCode()}, ${key}, ${hash}, id, version, ${customer}, ${run}, ${at(now)}, ${at(now + validMs)}
    from spent join counted on counted.offer = spent.id
  `.execute(tx)
  return numAffectedRows === 1n
}

async function whyNot(tx: Tx, offer: string, customer: string): Promise<Refusal> {
  const { rows } = await sql<{ full: boolean }>`
    select per_member <= coalesce((select issued from member_counters where offer = ${offer} and customer = ${customer}), 0)
      as full from offers where id = ${offer}
  `.execute(tx)
  const [row] = rows
  if (!row) throw new PerennialError('OFFER_UNKNOWN', `no offer '${offer}'`, { field: 'offer' })
  return row.full ? 'MEMBER_LIMIT' : 'QUOTA_EXHAUSTED'
}

async function couponByKey(tx: Tx, key: string): Promise<(IssuedCoupon & { request_hash: string }) | undefined> {
  const { rows } = await sql<IssuedCoupon & { request_hash: string }>`
    select c.code, c.offer, o.title, c.expires_at as "expiresAt", u.zone, c.request_hash from coupons c
    join offers o on o.id = c.offer join customers u on u.id = c.customer where c.key = ${key}
  `.execute(tx)
  return rows[0]
}

export interface CouponLine {
  code: string
  offer: string
  enrolment: string
  issued_at: Date
  expires_at: Date
}

export async function couponsOf(db: Db, customer: string): Promise<CouponLine[]> {
  const { rows } = await sql<CouponLine>`
    select code, offer, enrolment, issued_at, expires_at from coupons where customer = ${customer} order by issued_at
  `.execute(db)
  return rows
}
