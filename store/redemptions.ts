/**
 * Coupons at the checkout: reserved for a cart, redeemed on an order once, let go, given back by a refund. Each is one
 * transaction under an idempotency key, behind the customer's lock and then the coupon's. A refusal is a value and leaves nothing
 * but its line in the decision log, so it may be asked again under the same key.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { canonical } from '../domain/journey.ts'
import { type Basket, type Gives, type Worth, whyNotRedeem, worthOf } from '../domain/offer.ts'
import { lockCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction, isUniqueViolation } from './db.ts'
import { decide } from './decisions.ts'
import { type HeldCoupon, isHeldBy, lockCoupon, standingOn } from './held-coupons.ts'
import { countTry, lockedUntil } from './tries.ts'

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

export interface WithBasket extends Checkout {
  basket: Basket
}

export interface Refused {
  ok: false
  code: Refusal
  /** With TOO_MANY_TRIES: ms of shop time until a code is looked at again. */
  retryAfterMs?: number
}

/** `gives` is null where the shop's own till knows what the coupon is worth. */
export interface Valued extends Worth {
  offer: string
  title: string
  gives: Gives | null
  expiresAt: string
}

export type Reserved = { ok: true; heldUntil: string } & Valued
export type Redeemed = { ok: true; redeemedAt: string } & Valued
export interface Released {
  ok: true
  /** False where this order did not have it. */
  released: boolean
}
export interface Refunded {
  ok: true
  outcome: 'returned' | 'reissued' | 'lost'
  /** Until when it may be used again; null where it is lost. */
  expiresAt: string | null
}
export type Answer<A> = (A & { replayed: boolean }) | Refused

/** Takes the coupon for the order for `holdMs`, or until it expires. Asked again by the same order it holds on anew. */
export function reserveCoupon(db: Db, asked: WithBasket & { holdMs: number }): Promise<Answer<Reserved>> {
  const { order, now, basket, holdMs } = asked
  return once<Reserved>(db, 'reserve', { ...asked, input: { basket, holdMs } }, async (tx, coupon) => {
    const worth = await valued(tx, coupon, asked)
    if (!worth.ok) return worth
    const until = at(Math.min(now + holdMs, coupon.expires_at.getTime()))
    await exactlyOne(
      sql`
      update coupons set status = 'held', held_by = ${order}, held_until = ${until}
      where code = ${coupon.code} and ${takeable(order, now)}
    `.execute(tx),
    )
    return { ok: true, heldUntil: until.toISOString(), ...worth.valued }
  })
}

/** Uses the coupon on the order. Asked again for the same order, under whatever key, it answers the first redemption again. */
export function redeemCoupon(db: Db, asked: WithBasket): Promise<Answer<Redeemed>> {
  const { order, now, basket, customer, key } = asked
  return once<Redeemed>(db, 'redeem', { ...asked, input: { basket } }, async (tx, coupon, hash) => {
    const before = await redemptionOn(tx, coupon.code, order)
    if (before) return { ...sameAs<Redeemed>(before, hash), replayed: true }
    const worth = await valued(tx, coupon, asked)
    if (!worth.ok) return worth
    await exactlyOne(
      sql`
      update coupons set status = 'redeemed', held_by = null, held_until = null
      where code = ${coupon.code} and ${takeable(order, now)}
    `.execute(tx),
    )
    const { discount, shipping, gift, lines } = worth.valued
    const total = lines.reduce((sum, line) => sum + line.amount, 0)
    const { rows } = await sql<{ id: number }>`
      insert into redemptions (code, customer, "order", key, basket, discount, shipping, gift, redeemed_at)
      values (${coupon.code}, ${customer}, ${order}, ${key}, ${total}, ${discount}, ${shipping}, ${gift}, ${at(now)})
      returning id
    `.execute(tx)
    await sql`
      insert into redemption_lines (redemption, line, amount, discount)
      select ${rows[0]?.id}, * from json_to_recordset(${JSON.stringify(lines)}) as l (line text, amount bigint, discount bigint)
    `.execute(tx)
    await note(tx, coupon, asked, { verdict: 'redeemed' })
    return { ok: true, redeemedAt: at(now).toISOString(), ...worth.valued }
  })
}

/** Lets go of what the order holds; nothing happens where it holds nothing. A redeemed coupon is refunded, not released. */
export function releaseCoupon(db: Db, asked: Checkout): Promise<Answer<Released>> {
  const { order } = asked
  return once<Released>(db, 'release', { ...asked, input: {} }, async (tx, coupon) => {
    if (await redemptionOn(tx, coupon.code, order)) return { ok: false, code: 'COUPON_REDEEMED' }
    const { numAffectedRows } = await sql`
      update coupons set status = 'open', held_by = null, held_until = null
      where code = ${coupon.code} and status = 'held' and held_by = ${order}
    `.execute(tx)
    return { ok: true, released: numAffectedRows === 1n }
  })
}

/** Takes the redemption back, once, and does with the coupon what its version of the offer says. */
export function refundCoupon(db: Db, asked: Checkout): Promise<Answer<Refunded>> {
  const { order, customer, now } = asked
  return once<Refunded>(db, 'refund', { ...asked, input: {} }, async (tx, coupon) => {
    const { rows } = await sql<{ id: number; outcome: Refunded['outcome'] | null; expires_at: Date | null }>`
      select id, outcome from redemptions where code = ${coupon.code} and "order" = ${order} and customer = ${customer}
      order by id desc limit 1
    `.execute(tx)
    const [redemption] = rows
    if (!redemption) return { ok: false, code: 'NOT_REDEEMED' }
    const told = (outcome: Refunded['outcome'], expires: number): Refunded => ({
      ok: true,
      outcome,
      expiresAt: outcome === 'lost' ? null : at(expires).toISOString(),
    })
    if (redemption.outcome) return { ...told(redemption.outcome, coupon.expires_at.getTime()), replayed: true }
    const { outcome, expires } = afterRefund(coupon, now)
    await exactlyOne(
      sql`
      update redemptions set reversed_at = ${at(now)}, outcome = ${outcome}
      where id = ${redemption.id} and reversed_at is null
    `.execute(tx),
    )
    await exactlyOne(
      sql`
      update coupons set status = ${outcome === 'lost' ? 'lost' : 'open'}, expires_at = ${at(expires)}
      where code = ${coupon.code} and status = 'redeemed'
    `.execute(tx),
    )
    await note(tx, coupon, asked, { verdict: outcome })
    return told(outcome, expires)
  })
}

function afterRefund(
  { terms, expires_at }: HeldCoupon,
  now: number,
): { outcome: Refunded['outcome']; expires: number } {
  const expires = expires_at.getTime()
  if (terms.onRefund.is === 'reissue')
    return { outcome: 'reissued', expires: Math.max(expires, now + terms.onRefund.ms) }
  return { outcome: terms.onRefund.is === 'return' && now < expires ? 'returned' : 'lost', expires }
}

/** `replayed` where it was done before, under another key. */
type Work<A> = (tx: Tx, coupon: HeldCoupon, hash: string) => Promise<(A & { replayed?: true }) | Refused>

/** One transaction under its key: the customer locked, tries counted, the coupon locked, the answer kept. */
async function once<A extends { ok: true }>(
  db: Db,
  action: string,
  asked: Checkout & { input: object },
  work: Work<A>,
): Promise<Answer<A>> {
  const { code, customer, order, input } = asked
  const hash = createHash('sha256').update(canonical({ action, code, customer, order, input })).digest('hex')
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
  if (!(await lockCustomer(tx, asked.customer))) {
    throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${asked.customer}'`, { field: 'customer' })
  }
  const { rows } = await sql<Kept>`select request_hash, answer from checkout_answers where key = ${asked.key}`.execute(
    tx,
  )
  if (rows[0]) return { ...sameAs<A>(rows[0], hash), replayed: true }
  const coupon = await lookUp(tx, asked)
  if ('ok' in coupon) return coupon
  const answer = await work(tx, coupon, hash)
  if (!answer.ok) {
    await note(tx, coupon, asked, { verdict: 'refused', code: answer.code })
    return answer
  }
  const { replayed = false, ...kept } = answer
  await sql`
    insert into checkout_answers (key, request_hash, answer, at)
    values (${asked.key}, ${hash}, ${JSON.stringify(kept)}, ${at(asked.now)})
  `.execute(tx)
  return { ...answer, replayed }
}

interface Kept {
  request_hash: string
  answer: unknown
}

function sameAs<A>({ request_hash, answer }: Kept, hash: string): A {
  if (request_hash === hash) return answer as A
  throw new PerennialError('IDEMPOTENCY_MISMATCH', 'the same was asked for before with other input', {
    field: 'Idempotency-Key',
  })
}

/** The coupon, locked, if it is one this customer may know of; another's is as unknown as one that never was. */
async function lookUp(tx: Tx, asked: Checkout): Promise<HeldCoupon | Refused> {
  const { code, customer, visitor, now } = asked
  const who = [`customer/${customer}`, ...(visitor === undefined ? [] : [`visitor/${visitor}`])]
  const until = await lockedUntil(tx, who, now)
  if (until !== undefined) return { ok: false, code: 'TOO_MANY_TRIES', retryAfterMs: until - now }
  const coupon = await lockCoupon(tx, code)
  if (coupon && (coupon.customer === null || coupon.customer === customer)) return coupon
  await countTry(tx, who, code, now)
  if (coupon) await note(tx, coupon, asked, { verdict: 'refused', code: 'COUPON_NOT_YOURS' })
  return { ok: false, code: 'COUPON_UNKNOWN' }
}

/** What the coupon does to the basket, or why it may not. */
async function valued(
  tx: Tx,
  coupon: HeldCoupon,
  { order, customer, basket, now }: WithBasket,
): Promise<{ ok: true; valued: Valued } | Refused> {
  const refuse = (code: Refusal): Refused => ({ ok: false, code })
  if (coupon.status === 'redeemed') return refuse('COUPON_REDEEMED')
  if (coupon.status === 'lost') return refuse('COUPON_LOST')
  if (coupon.status === 'void') return refuse('COUPON_VOID')
  if (coupon.expires_at.getTime() <= now) return refuse('COUPON_EXPIRED')
  if (isHeldBy(coupon, now) && coupon.held_by !== order) return refuse('COUPON_HELD')
  const { paidBefore, beside, taken, redeemedOfOffer } = await standingOn(tx, coupon, { order, customer, now })
  // One's own coupons were counted when they were issued; a code for anybody counts here.
  if (coupon.customer === null && redeemedOfOffer >= coupon.per_member) return refuse('MEMBER_LIMIT')
  const code = whyNotRedeem(coupon.terms, { basket, paidBefore, beside })
  if (code) return refuse(code)
  const { offer, title, terms, expires_at } = coupon
  const worth = worthOf(terms, basket, taken)
  return { ok: true, valued: { offer, title, gives: terms.gives, expiresAt: expires_at.toISOString(), ...worth } }
}

const takeable = (order: string, now: number) => sql`
  expires_at > ${at(now)} and (status = 'open' or (status = 'held' and (held_by = ${order} or held_until <= ${at(now)})))`

async function redemptionOn(tx: Tx, code: string, order: string): Promise<Kept | undefined> {
  const { rows } = await sql<Kept>`
    select a.request_hash, a.answer from redemptions r join checkout_answers a on a.key = r.key
    where r.code = ${code} and r."order" = ${order} and r.reversed_at is null
  `.execute(tx)
  return rows[0]
}

/** A guarded statement behind the locks must hit its row; if not, the guard and the reasons above disagree. */
async function exactlyOne(done: Promise<{ numAffectedRows?: bigint | undefined }>): Promise<void> {
  if ((await done).numAffectedRows === 1n) return
  throw new PerennialError('INTERNAL', 'a coupon was not as its lock said')
}

function note(
  tx: Tx,
  { journey, batch, enrolment, customer: owner, offer }: HeldCoupon,
  { key, code: coupon, order, customer, now }: Checkout,
  { verdict, code }: { verdict: string; code?: Refusal },
): Promise<void> {
  // A refusal told again is one line, and takes no idempotency key; another's run is not this customer's.
  const own = `checkout/${coupon}/${customer}/${order}/${verdict}/${code ?? key}`
  const run = owner === customer ? enrolment : null
  return decide(tx, {
    key: own,
    customer,
    journey: journey ?? batch ?? offer,
    enrolment: run,
    about: 'coupon',
    verdict,
    code: code ?? null,
    detail: offer,
    now,
  })
}
