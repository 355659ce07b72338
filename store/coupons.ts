/** Coupons: issued once a key, never past the quota, never past what one customer may have. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Offer } from '../domain/coupon.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { bucketOf } from '../domain/experiment.ts'
import { canonical } from '../domain/journey.ts'
import { type LimitBy, termsOf } from '../domain/offer.ts'
import { type Drawn, holdCoupon, roomForCoupon } from './coupon-budgets.ts'
import { type Db, type Tx, at, inTransaction, isUniqueViolation } from './db.ts'
import { decide } from './decisions.ts'
import { holdRun } from './enrolments.ts'
import { issueLimit } from './identity-limits.ts'
import { setTerms } from './offers.ts'
import { lockOccasion, openBuckets } from './quota.ts'

/**
 * Stores the offers of a plan that are not known yet; a known one stays as operators have steered it since. What it gives and
 * needs is the plan's: worded anew, it is a new version for coupons issued from now on.
 */
export async function addOffers(db: Db, offers: Record<string, Offer>): Promise<void> {
  for (const [id, offer] of Object.entries(offers)) {
    await inTransaction(db, async (tx) => {
      const { numAffectedRows } = await sql`
        insert into offers (id, title, per_member, per_member_most, per_occasion)
        values (${id}, ${offer.title}, ${offer.perMember}, ${offer.perMember}, ${offer.perOccasion ?? null})
        on conflict (id) do nothing
      `.execute(tx)
      if (numAffectedRows === 1n) await openBuckets(tx, id, offer.quota, offer.buckets)
      await setTerms(tx, id, termsOf(offer))
    })
  }
}

export interface OfferState extends Omit<Offer, 'perOccasion'> {
  id: string
  issued: number
  buckets: number
  perOccasion: number | null
}

export async function offers(db: Db): Promise<OfferState[]> {
  const { rows } = await sql<OfferState>`
    select id, title, sum(quota)::int8 as quota, per_member as "perMember", per_occasion as "perOccasion",
      sum(issued)::int8 as issued, count(*) as buckets
    from offers join offer_buckets on offer = id group by id order by id`.execute(db)
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
  /** Names another offer in its place, behind the customer's lock, for a coupon that is issued now; undefined: none. */
  instead?: (tx: Tx, customer: string) => Promise<string | undefined>
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
/** Each time somebody else has taken the last place of a counter, or steered the offer: a quota has no more than BUCKETS_MOST. */
const CHANGES = 1_000

/** What the statement went by has changed meanwhile: its counter is full and another is not. */
class Changed extends Error {}

/**
 * Issues a coupon once: the same key and request answers the first coupon again, the same key with another request throws
 * IDEMPOTENCY_MISMATCH. Refusals are values. Throws OFFER_UNKNOWN, RUN_UNKNOWN, STORE_UNAVAILABLE.
 */
export function issueCoupon(db: Db, request: IssueRequest): Promise<Issue> {
  return drawing(db, (tx) => issueIn(tx, request))
}

/** One transaction that draws codes; done again in the rare case that one is taken, and where a counter filled meanwhile. */
export async function drawing<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let [draw, change] = [1, 1]; ;) {
    try {
      return await inTransaction(db, work)
    } catch (error) {
      // Begun anew, so that nobody waits for a second counter while the lock of the first is still theirs.
      if (error instanceof Changed && change++ < CHANGES) continue
      const taken = isUniqueViolation(error, 'coupons_pkey') || isUniqueViolation(error, 'coupons_key_key')
      if (!taken || draw++ >= DRAWS) throw error
    }
  }
}

/** The same within a transaction of `drawing`. */
export async function issueIn(tx: Tx, asked: IssueRequest): Promise<Issue> {
  const { request, owner: first } = await ownerOf(tx, asked)
  const hash = createHash('sha256')
    .update(canonical({ run: asked.run, offer: asked.offer, valid: asked.valid }))
    .digest('hex')
  const kinds = first.limitBy ?? []
  const limit = await issueLimit(tx, { offer: request.offer, customer: first.customer, kinds })
  // Nearly every request may have its coupon: it is asked for, and only where it was not had is looked why.
  const room = await roomForCoupon(tx, first.drawn, request.now)
  const may = !limit && room.is === 'room' && !first.exhausted
  if (may && first.occasion !== null) await lockOccasion(tx, request.offer, first.occasion)
  const coupon = may ? await guardedIssue(tx, request, { ...first, hash, kinds }) : undefined
  if (coupon) {
    const { key, run: enrolment, now } = request
    await holdCoupon(tx, room, { key, enrolment, customer: first.customer, coupon, now })
    return { is: 'issued', coupon, replayed: false }
  }
  const found = await lookAt(tx, request)
  if (found?.before) {
    const { hash: before, ...had } = found.before
    if (before === hash) {
      const { zone } = first
      return { is: 'issued', coupon: { ...had, expiresAt: new Date(had.expiresAt), zone }, replayed: true }
    }
    throw new PerennialError('IDEMPOTENCY_MISMATCH', `'${request.key}' was issued for another request`, {
      field: 'key',
    })
  }
  if (found?.status === 'running' && found.paused) {
    await holdRun(tx, request.run, request.now)
    return { is: 'held' }
  }
  const code = whyNot(found, request) ?? limit ?? (room.is === 'refused' ? room.code : undefined)
  // What was in the way is gone by now: a place was added, an offer worded anew, a journey resumed.
  if (!code) throw new Changed()
  const { customer, journey } = first
  const { key, run: enrolment, now, offer: detail } = request
  await decide(tx, { key, customer, journey, enrolment, about: 'coupon', verdict: 'refused', code, detail, now })
  return { is: 'refused', code }
}

interface Owner {
  customer: string
  journey: string
  zone: string | null
  /** The version that is issued now, and by what it counts accounts; null where there is no such offer, or by nothing. */
  version: number | null
  limitBy: LimitBy[] | null
  /** The occasion that counts it; null where the offer counts none, or the run is of none. */
  occasion: string | null
  /** Whether the occasion's number was seen used up: then nobody waits for its counter. */
  exhausted: boolean
  /** What the journey's budget has to do with it; null where there is none. */
  drawn: Drawn | null
}

/** Locks the run's customer, and names the offer that it is to be behind that lock. */
async function ownerOf(tx: Tx, asked: IssueRequest): Promise<{ request: IssueRequest; owner: Owner }> {
  const owner = await lockOwner(tx, asked)
  if (!owner) throw new PerennialError('RUN_UNKNOWN', `no run '${asked.run}'`, { field: 'run' })
  const offer = await asked.instead?.(tx, owner.customer)
  if (offer === undefined || offer === asked.offer) return { request: asked, owner }
  const request = { ...asked, offer }
  return { request, owner: (await lockOwner(tx, request)) ?? owner }
}

/**
 * Locks the run's customer, and reads the offer and the budget by the way. A journey gets its budget behind everybody's lock
 * (budgets.ts), the table's, which the statement waits for before it looks: so what it sees of that is the newest.
 */
async function lockOwner(tx: Tx, { run, offer }: IssueRequest): Promise<Owner | undefined> {
  const { rows } = await sql<Owner>`/* prepared */
    select u.id as customer, e.journey, u.zone, o.version, v.terms->'limitBy' as "limitBy",
      case when o.per_occasion is not null then e.occasion end as occasion,
      coalesce(e.occasion is not null and o.per_occasion <= coalesce(n.issued, 0), false) as exhausted,
      case when b.journey is not null then json_build_object('journey', b.journey, 'budget', b.budget, 'own', b.own,
        'class', b.class, 'terms', v.terms) end as drawn
    from enrolments e join customers u on u.id = e.customer
    left join offers o on o.id = ${offer} left join offer_versions v on v.offer = o.id and v.version = o.version
    left join occasion_counters n on n.offer = o.id and n.occasion = e.occasion
    left join budget_journeys b on b.journey = e.journey
    where e.id = ${run} for update of u
  `.execute(tx)
  return rows[0]
}

interface Asked {
  arm: string
  status: string
  paused: boolean
  before: { code: string; offer: string; title: string; expiresAt: string; hash: string } | null
  /** Null where there is no such offer. */
  offer: { full: boolean; free: boolean; exhausted: boolean } | null
}

/**
 * All that is asked of the run, the key and the offer, behind the customer's lock. The pause is read shared, so that a resume
 * waits for the answer.
 */
async function lookAt(tx: Tx, { run, key, offer }: IssueRequest): Promise<Asked | undefined> {
  const { rows } = await sql<Asked>`/* prepared */
    with paused as (
      select paused_at from journeys where name = (select journey from enrolments where id = ${run}) for share)
    select e.arm, e.status, exists (select 1 from paused where paused_at is not null) as paused,
      (select json_build_object('code', c.code, 'offer', c.offer, 'title', o.title, 'expiresAt', c.expires_at,
          'hash', c.request_hash) from coupons c join offers o on o.id = c.offer where c.key = ${key}) as before,
      (select json_build_object(
          'full', o.per_member <= coalesce(
            (select issued from member_counters m where m.offer = o.id and m.customer = e.customer), 0),
          'free', exists (select 1 from offer_buckets b where b.offer = o.id and b.issued < b.quota),
          'exhausted', coalesce(e.occasion is not null and o.per_occasion <= coalesce(
            (select issued from occasion_counters n where n.offer = o.id and n.occasion = e.occasion), 0), false))
        from offers o where o.id = ${offer}) as offer
    from enrolments e where e.id = ${run}
  `.execute(tx)
  return rows[0]
}

/**
 * The one statement that spends quota, counts the customer, makes the coupon and notes it. Its row is the answer: one, or none
 * where the run, the pause, the key, the quota, the occasion's number or the customer's limit says no. The caller holds the locks
 * of the customer and of the occasion's counter, so what it reads of them is the newest. The customer's own counter of places is
 * asked first, by a hash, then the next that is not full.
 */
async function guardedIssue(
  tx: Tx,
  { key, run, offer, validMs, now, drawCode }: IssueRequest,
  { customer, journey, zone, version, occasion, hash, kinds }: Owner & { hash: string; kinds: readonly LimitBy[] },
): Promise<IssuedCoupon | undefined> {
  const code = drawCode()
  const expiresAt = at(now + validMs)
  const { rows } = await sql<{ title: string }>`/* prepared */
    with places as (
      select bucket, issued < quota as free, count(*) over () as count from offer_buckets where offer = ${offer}),
    paused as (select paused_at from journeys where name = ${journey} for share),
    chosen as (
      select o.title, o.per_occasion, p.bucket from places p
      join offers o on o.id = ${offer} and o.version = ${version}
      join enrolments e on e.id = ${run} and e.status = 'running' and e.arm <> 'holdout'
      where p.free and not exists (select 1 from paused where paused_at is not null)
        and not exists (select 1 from coupons where key = ${key})
        and o.per_member > coalesce((select issued from member_counters where offer = ${offer} and customer = ${customer}), 0)
        and case when o.per_occasion is null or e.occasion is null then ${occasion}::text is null
          else o.per_occasion > (select issued from occasion_counters where offer = ${offer} and occasion = ${occasion}) end
      order by p.bucket < ${bucketOf('quota', offer, customer)} % p.count, p.bucket limit 1),
    spent as (
      update offer_buckets b set issued = b.issued + 1 from chosen
      where b.offer = ${offer} and b.bucket = chosen.bucket and b.issued < b.quota
      returning chosen.title, chosen.per_occasion),
    counted as (
      insert into member_counters as m (offer, customer, issued) select ${offer}, ${customer}, 1 from spent
      on conflict (offer, customer) do update set issued = m.issued + 1 returning m.offer),
    counted_of_occasion as (
      update occasion_counters n set issued = n.issued + 1, most = greatest(n.most, spent.per_occasion) from spent, counted
      where n.offer = ${offer} and n.occasion = ${occasion}),
    made as (
      insert into coupons (code, key, request_hash, offer, version, customer, enrolment, issued_at, expires_at)
      select ${code}, ${key}, ${hash}, ${offer}, ${version}, ${customer}, ${run}, ${at(now)}, ${expiresAt} from counted),
    counted_by as (
      insert into coupon_identities (kind, hash, code) select i.kind, i.hash, ${code}
      from counted, identities i where i.customer = ${customer} and i.kind = any(${kinds})),
    noted as (
      insert into decisions (key, customer, journey, enrolment, about, verdict, detail, at)
      select ${key}, ${customer}, ${journey}, ${run}, 'coupon', 'issued', ${offer}, ${at(now)} from counted
      on conflict (key) do nothing)
    select title from spent, counted
  `.execute(tx)
  return rows[0] && { code, offer, title: rows[0].title, expiresAt, zone }
}

function whyNot(asked: Asked | undefined, { offer }: IssueRequest): Refusal | undefined {
  if (asked?.status !== 'running') return 'LEFT_JOURNEY'
  if (asked.arm === 'holdout') return 'HOLDOUT'
  if (!asked.offer) throw new PerennialError('OFFER_UNKNOWN', `no offer '${offer}'`, { field: 'offer' })
  if (asked.offer.full) return 'MEMBER_LIMIT'
  return asked.offer.free && !asked.offer.exhausted ? undefined : 'QUOTA_EXHAUSTED'
}

/** Whether an offer has a coupon left for an occasion; a known one that has none may have some again. */
export async function hasPlaces(db: Db, offer: string, occasion: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from offers o where o.id = ${offer} and exists (select 1 from offer_buckets where offer = o.id and issued < quota)
      and (o.per_occasion is null or o.per_occasion > coalesce(
        (select issued from occasion_counters where offer = o.id and occasion = ${occasion}), 0))
  `.execute(db)
  return rows.length > 0
}

/** Those of the keys under which a coupon was issued. */
export async function issuedAmong(db: Db, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ key: string }>`select key from coupons where key = any(${keys})`.execute(db)
  return new Set(rows.map((row) => row.key))
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
