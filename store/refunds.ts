/** Redemptions taken back: the whole order, or some of its lines. The coupon comes back with the last line, by its offer's policy. */
import { sql } from 'kysely'
import { mostOf } from '../domain/budget.ts'
import type { LineDiscount } from '../domain/offer.ts'
import { type Answer, type Checkout, type Done, mustHit, note, once } from './checkouts.ts'
import { refundHold, refundPart } from './coupon-budgets.ts'
import { type Db, type Tx, at } from './db.ts'
import type { HeldCoupon } from './held-coupons.ts'
import { uncountRedeemed } from './identity-limits.ts'

export interface RefundRequest extends Checkout {
  /** The ids of the lines that came back; all that are left where it is not said. */
  lines?: readonly string[] | undefined
}

export type ReturnedLine = Pick<LineDiscount, 'line' | 'discount'>

export interface Refunded {
  ok: true
  /** `kept`: the coupon stays on the order, for the lines that the customer keeps. */
  outcome: 'returned' | 'reissued' | 'lost' | 'kept'
  /** Until when it may be used again; null where it is lost or stays on the order. */
  expiresAt: string | null
  /** What had been off the lines that this refund took back. */
  lines: ReturnedLine[]
}

interface Redemption {
  id: number
  outcome: 'returned' | 'reissued' | 'lost' | null
  lines: (ReturnedLine & { reversed: boolean })[]
}

/**
 * Takes a redemption back, once, or some lines of it, each once, and does with the coupon what its version of the offer says.
 * What was off a line is reversed with it; what the rest was sold for stays.
 */
export function refundCoupon(db: Db, asked: RefundRequest): Promise<Answer<Refunded>> {
  const input = asked.lines === undefined ? {} : { lines: [...asked.lines].toSorted() }
  return once<Refunded>(db, 'refund', { ...asked, input }, (tx, coupon) => refundLocked(tx, coupon, asked))
}

/** Takes back under the locks of the coupon and of its customer. */
export async function refundLocked(tx: Tx, coupon: HeldCoupon, asked: RefundRequest): Promise<Done<Refunded>> {
  const redemption = await redemptionOf(tx, asked)
  if (!redemption) return { ok: false, code: 'NOT_REDEEMED' }
  const known = new Set(redemption.lines.map(({ line }) => line))
  if (asked.lines?.some((line) => !known.has(line))) return { ok: false, code: 'LINE_NOT_REDEEMED' }
  const lines = asked.lines ?? [...known]
  const open = redemption.lines.filter(({ reversed }) => !reversed)
  const back = open.filter(({ line }) => lines.includes(line))
  // Where nothing is left to take back it is told again what was.
  const replayed = back.length === 0
  const named = redemption.lines.filter(({ line }) => lines.includes(line))
  const told = (outcome: Refunded['outcome'], expires: number): Refunded => ({
    ok: true,
    outcome,
    expiresAt: outcome === 'lost' || outcome === 'kept' ? null : at(expires).toISOString(),
    lines: (replayed ? named : back).map(({ line, discount }) => ({ line, discount })),
  })
  if (redemption.outcome) return { answer: told(redemption.outcome, coupon.expires_at.getTime()), replayed: true }
  await reverseLines(tx, redemption.id, back, asked.now)
  if (back.length < open.length) {
    const more = `${back.length} of ${known.size} lines`
    const discount = back.reduce((sum, line) => sum + line.discount, 0)
    if (discount > 0) await refundPart(tx, { code: coupon.code, discount, now: asked.now })
    if (!replayed) await note(tx, coupon, asked, { verdict: 'returned in part', more })
    return { answer: told('kept', 0), replayed }
  }
  const { outcome, expires } = afterRefund(coupon, asked.now)
  await giveBack(tx, coupon, { redemption: redemption.id, outcome, expires, now: asked.now })
  await note(tx, coupon, asked, { verdict: outcome })
  return { answer: told(outcome, expires) }
}

async function redemptionOf(tx: Tx, { code, order, customer }: RefundRequest): Promise<Redemption | undefined> {
  const { rows } = await sql<Redemption>`
    select r.id, r.outcome, (
      select coalesce(json_agg(json_build_object('line', line, 'discount', discount, 'reversed', reversed_at is not null)
        order by line), '[]') from redemption_lines where redemption = r.id) as lines
    from redemptions r where r.code = ${code} and r."order" = ${order} and r.customer = ${customer} order by r.id desc limit 1
  `.execute(tx)
  return rows[0]
}

async function reverseLines(tx: Tx, redemption: number, lines: readonly ReturnedLine[], now: number): Promise<void> {
  if (lines.length === 0) return
  await sql`
    update redemption_lines set reversed_at = ${at(now)}
    where redemption = ${redemption} and line = any(${lines.map(({ line }) => line)}) and reversed_at is null
  `.execute(tx)
}

async function giveBack(
  tx: Tx,
  coupon: HeldCoupon,
  { redemption, outcome, expires, now }: { redemption: number; outcome: string; expires: number; now: number },
): Promise<void> {
  mustHit(
    await sql`
    update redemptions set reversed_at = ${at(now)}, outcome = ${outcome} where id = ${redemption} and reversed_at is null
  `.execute(tx),
  )
  mustHit(
    await sql`
    update coupons set status = ${outcome === 'lost' ? 'lost' : 'open'}, expires_at = ${at(expires)}
    where code = ${coupon.code} and status = 'redeemed'
  `.execute(tx),
  )
  const expiresAt = outcome === 'lost' ? null : at(expires)
  await refundHold(tx, { code: coupon.code, redemption, most: mostOf(coupon.terms) ?? 0, expiresAt, now })
  if (coupon.customer === null) await uncountRedeemed(tx, coupon.code)
}

function afterRefund(
  { terms, expires_at }: HeldCoupon,
  now: number,
): { outcome: 'returned' | 'reissued' | 'lost'; expires: number } {
  const expires = expires_at.getTime()
  if (terms.onRefund.is === 'reissue')
    return { outcome: 'reissued', expires: Math.max(expires, now + terms.onRefund.ms) }
  return { outcome: terms.onRefund.is === 'return' && now < expires ? 'returned' : 'lost', expires }
}
