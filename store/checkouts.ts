/**
 * What every request of the checkout goes through: one transaction under its key, the customer locked, wrong codes counted, the
 * coupon locked, the answer kept.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { canonical } from '../domain/journey.ts'
import { type Db, type Tx, at, inTransaction, isUniqueViolation } from './db.ts'
import { decide } from './decisions.ts'
import { COUPON_COLUMNS, type HeldCoupon, couponForUpdate, standingRow } from './held-coupons.ts'
import { TRIES_WITHIN_MS, countTry, lockingTry } from './tries.ts'

export interface Checkout {
  /** The request's own key; the same one again answers the same again. */
  key: string
  code: string
  customer: string
  /** The order, or the cart that becomes it: the same id from the reservation to the refund. */
  order: string
  /** What the shop knows of the device; tries are counted by it too. */
  visitor?: string | undefined
  now: number
}

export interface Refused {
  ok: false
  code: Refusal
  /** With TOO_MANY_TRIES: ms of shop time until a code is looked at again. */
  retryAfterMs?: number
}

export type Answer<A> = (A & { replayed: boolean }) | Refused

type Request = 'reserve' | 'redeem' | 'release' | 'refund'

/** What a request asks, as it is compared where the same key, or the same order, comes again. */
export function requestHash(
  action: Request,
  { code, customer, order, input }: Pick<Checkout, 'code' | 'customer' | 'order'> & { input: object },
): string {
  return createHash('sha256').update(canonical({ action, code, customer, order, input })).digest('hex')
}

/** `replayed` where it was done before, under another key; `kept` where the work has stored its answer itself. */
export type Done<A> = { answer: A; replayed?: boolean; kept?: boolean } | Refused
type Work<A> = (tx: Tx, coupon: HeldCoupon, hash: string) => Promise<Done<A>>

export async function once<A extends { ok: true }>(
  db: Db,
  action: Request,
  asked: Checkout & { input: object },
  work: Work<A>,
): Promise<Answer<A>> {
  const hash = requestHash(action, asked)
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(db, (tx) => onceIn(tx, asked, hash, work))
    } catch (error) {
      // Somebody else's request took the same key meanwhile: now it is there to be read.
      const taken = ['checkout_answers_pkey', 'redemptions_key_key'].some((one) => isUniqueViolation(error, one))
      if (attempt > 1 || !taken) throw error
    }
  }
}

async function onceIn<A extends { ok: true }>(
  tx: Tx,
  asked: Checkout,
  hash: string,
  work: Work<A>,
): Promise<Answer<A>> {
  const { rows } = await sql`/* prepared */ select 1 from customers where id = ${asked.customer} for update`.execute(tx)
  if (rows.length === 0) {
    throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${asked.customer}'`, { field: 'customer' })
  }
  const found = await lookUp(tx, asked)
  if (found.request_hash !== null) {
    return { ...sameAs<A>({ request_hash: found.request_hash, answer: found.answer }, hash), replayed: true }
  }
  const coupon = await knownTo(tx, asked, found)
  if ('ok' in coupon) return coupon
  const done = await work(tx, coupon, hash)
  if ('ok' in done) {
    await note(tx, coupon, asked, { verdict: 'refused', code: done.code })
    return done
  }
  const { answer, replayed = false, kept = false } = done
  if (!kept) {
    await sql`
      insert into checkout_answers (key, request_hash, answer, at)
      values (${asked.key}, ${hash}, ${JSON.stringify(answer)}, ${at(asked.now)})
    `.execute(tx)
  }
  return { ...answer, replayed }
}

export interface Kept {
  request_hash: string
  answer: unknown
}

export function sameAs<A>({ request_hash, answer }: Kept, hash: string): A {
  if (request_hash === hash) return answer as A
  throw new PerennialError('IDEMPOTENCY_MISMATCH', 'the same was asked for before with other input', {
    field: 'Idempotency-Key',
  })
}

interface Found {
  request_hash: string | null
  answer: unknown
  /** When the last try was that counts towards a lock. */
  tried: Date | null
  coupon: HeldCoupon | undefined
}

const whoTries = ({ customer, visitor }: Checkout): string[] => [
  `customer/${customer}`,
  ...(visitor === undefined ? [] : [`visitor/${visitor}`]),
]

const LOCKED = { code: sql.ref('locked.code'), offer: sql.ref('locked.offer') }

/** The first answer under the key, the tries, the coupon, locked, and how it stands on the order, in one statement: each way to the store costs more than it. */
async function lookUp(tx: Tx, asked: Checkout): Promise<Found> {
  const { rows } = await sql<Found & HeldCoupon & { found: string | null }>`/* prepared */
    with kept as (select request_hash, answer from checkout_answers where key = ${asked.key}),
    tried as (${lockingTry(whoTries(asked), asked.now)}),
    locked as (${couponForUpdate(asked.code)}),
    standing as (${standingRow(LOCKED, asked)} from locked)
    select kept.request_hash, kept.answer, tried.tried, locked.code, ${COUPON_COLUMNS}, locked.code as found,
      (select row_to_json(standing) from standing) as standing
    from tried left join kept on true left join locked on true
  `.execute(tx)
  const [row] = rows
  if (!row) throw new PerennialError('INTERNAL', 'a statement that always has a row had none')
  return { ...row, coupon: row.found === null ? undefined : row }
}

/** The coupon if it is one this customer may know of; another's is as unknown as one that never was. */
async function knownTo(tx: Tx, asked: Checkout, { tried, coupon }: Found): Promise<HeldCoupon | Refused> {
  const { code, customer, now } = asked
  if (tried !== null) {
    return { ok: false, code: 'TOO_MANY_TRIES', retryAfterMs: tried.getTime() + TRIES_WITHIN_MS - now }
  }
  if (coupon && (coupon.customer === null || coupon.customer === customer)) return coupon
  await countTry(tx, whoTries(asked), code, now)
  if (coupon) await note(tx, coupon, asked, { verdict: 'refused', code: 'COUPON_NOT_YOURS' })
  return { ok: false, code: 'COUPON_UNKNOWN' }
}

/** A guarded statement behind the locks must hit its row; if not, the guard and the reasons disagree. */
export function mustHit({ numAffectedRows }: { numAffectedRows?: bigint | undefined }): void {
  if (numAffectedRows === 1n) return
  throw new PerennialError('INTERNAL', 'a coupon was not as its lock said')
}

type Noted = Pick<Checkout, 'key' | 'code' | 'order' | 'customer' | 'now'>

/** The key of a line in the decision log. A refusal told again is one line, and takes no idempotency key. */
export const noteKey = ({ code: coupon, customer, order, key }: Noted, verdict: string, code?: Refusal): string =>
  `checkout/${coupon}/${customer}/${order}/${verdict}/${code ?? key}`

/** Under which journey, and which run, a coupon's line stands: another's run is not this customer's. */
export const noteUnder = ({ journey, batch, offer, customer: owner, enrolment }: HeldCoupon, customer: string) => ({
  journey: journey ?? batch ?? offer,
  enrolment: owner === customer ? enrolment : null,
})

export function note(
  tx: Tx,
  coupon: HeldCoupon,
  asked: Noted,
  { verdict, code, more }: { verdict: string; code?: Refusal; more?: string },
): Promise<void> {
  const { customer, now } = asked
  return decide(tx, {
    key: noteKey(asked, verdict, code),
    customer,
    ...noteUnder(coupon, customer),
    about: 'coupon',
    verdict,
    code: code ?? null,
    detail: more === undefined ? coupon.offer : `${coupon.offer}: ${more}`,
    now,
  })
}
