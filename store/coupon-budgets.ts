/** What a journey's budget has to do with its coupons: the most one costs is held at the issue, spent or let go by what becomes of it. */
import { sql } from 'kysely'
import { mostOf, roomOf } from '../domain/budget.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import type { Terms } from '../domain/offer.ts'
import {
  HOLD,
  type Hold,
  type HoldRow,
  LIVE_FIRST,
  type Settling,
  idsOf,
  open,
  openAnd,
  openNew,
  releaseHold,
  resolve,
  settle,
  whyNoRoom,
} from './budget-holds.ts'
import { type BudgetLink, lockBudgets } from './budgets.ts'
import { lockCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'

/** Room for one coupon, its budgets locked until the coupon is held; `link` undefined where the journey has no budget. */
export type CouponRoom = { is: 'room'; link: BudgetLink | undefined; amount: number } | { is: 'refused'; code: Refusal }

/** A journey's budgets, and what the offer that is drawn on them gives; `terms` null where there is no such offer. */
export type Drawn = BudgetLink & { terms: Terms | null }

/** Whether the journey's budget has room for a coupon of the offer. An unknown one is left to whoever issues it. */
export async function roomForCoupon(tx: Tx, drawn: Drawn | null, now: number): Promise<CouponRoom> {
  if (!drawn?.terms) return { is: 'room', link: undefined, amount: 0 }
  const { terms, ...link } = drawn
  const amount = mostOf(terms)
  if (amount === undefined) return { is: 'refused', code: 'COST_UNBOUNDED' }
  const code = await whyNoRoom(tx, link, { amount, marketing: link.class === 'marketing', now })
  return code ? { is: 'refused', code } : { is: 'room', link, amount }
}

/** Holds what `roomForCoupon` found, for the coupon that was issued since, in the same transaction. */
export async function holdCoupon(
  tx: Tx,
  room: CouponRoom,
  of: { key: string; enrolment: string; customer: string; coupon: { code: string; expiresAt: Date }; now: number },
): Promise<void> {
  if (room.is === 'refused' || !room.link) return
  const { link, amount } = room
  await openNew(tx, link, { ...of, journey: link.journey, amount })
}

async function holdsOfCoupon(tx: Tx, code: string): Promise<Hold[]> {
  const { rows } = await sql<Hold>`/* prepared */
    select ${HOLD} from budget_holds where coupon = ${code} ${LIVE_FIRST} for update
  `.execute(tx)
  return rows
}

/** Whether what is held for a coupon covers the cost: then it can be settled last, and nobody waits for the budget meanwhile. */
export const isCovered = ({ state, amount }: HoldRow, cost: number): boolean => state === 'open' && cost <= amount

/**
 * A coupon is redeemed: its hold is spent at what it cost. One whose hold was let go (by a machine whose clock is ahead) takes
 * the money anew. BUDGET_EXHAUSTED where it costs more than was held and there is no more; nothing is changed then.
 */
export async function settleCoupon(
  tx: Tx,
  row: HoldRow,
  { cost, redemption, now }: { cost: number; redemption: string; now: number },
): Promise<Refusal | undefined> {
  const first: Hold = { ...row, expires_at: row.expires_at === null ? null : new Date(row.expires_at) }
  const hold = first.state === 'released' ? { ...first, amount: 0 } : first
  const settled = await (first.state === 'released'
    ? settleAnew(tx, hold, { key: `${first.key}/late/${redemption}`, cost, now })
    : settle(tx, hold, { spent: cost, now }))
  return settled.is === 'refused' ? settled.code : undefined
}

async function settleAnew(
  tx: Tx,
  old: Hold,
  { key, cost, now }: { key: string; cost: number; now: number },
): Promise<Settling> {
  const code = await whyNoRoom(tx, old, { amount: cost, marketing: false, now })
  if (code) return { is: 'refused', code }
  const hold: Hold = { ...old, key, amount: 0, state: 'open', settled: 0 }
  await open(tx, old, { ...hold, coupon: couponOf(old), now })
  return settle(tx, hold, { spent: cost, now })
}

function couponOf({ coupon, expires_at }: Hold): { code: string; expiresAt: Date } {
  if (coupon === null || expires_at === null) throw new PerennialError('INTERNAL', 'the hold is of no coupon')
  return { code: coupon, expiresAt: expires_at }
}

/**
 * A redemption is taken back: its money is free. Where the coupon lives again until `expiresAt` its most is held anew, or as
 * much of it as there is: at least what was spent, as that has just come back.
 */
export async function refundHold(
  tx: Tx,
  asked: { code: string; redemption: number; most: number; expiresAt: Date | null; now: number },
): Promise<void> {
  const { code, redemption, most, expiresAt, now } = asked
  const [hold, ...old] = await holdsOfCoupon(tx, code)
  if (hold?.state !== 'settled') return
  await resolve(tx, hold, { state: 'released', settled: 0, reserved: 0, spent: -hold.settled, now })
  if (expiresAt === null) return
  const rooms = (await lockBudgets(tx, idsOf(hold))).map((row) => roomOf(row, false))
  const amount = Math.min(most, ...rooms)
  const [{ key }] = [...old, hold] as [Hold]
  const anew = { ...hold, key: `${key}/after/${redemption}`, amount, coupon: { code, expiresAt }, now }
  await openAnd(tx, { ...hold, reserved: amount, spent: 0, now }, anew)
}

/** Some lines of a redemption came back: what was off them is free, and the coupon stays on the order. */
export async function refundPart(
  tx: Tx,
  { code, discount, now }: { code: string; discount: number; now: number },
): Promise<void> {
  const [hold] = await holdsOfCoupon(tx, code)
  if (hold?.state !== 'settled') return
  const back = Math.min(hold.settled, discount)
  await resolve(tx, hold, { state: 'settled', settled: hold.settled - back, reserved: 0, spent: -back, now })
}

/** A coupon was taken back before anybody redeemed it: what was held for it is free. */
export async function releaseCoupon(tx: Tx, { code, now }: { code: string; now: number }): Promise<void> {
  const [hold] = await holdsOfCoupon(tx, code)
  if (hold?.state === 'open') await releaseHold(tx, { key: hold.key, now })
}

const HOLDS_AT_ONCE = 500

/** Lets go of what is held for coupons that expired by `now`; answers how many, 500 at most a call. */
export async function releaseExpired(db: Db, { now }: { now: number }): Promise<number> {
  const { rows } = await sql<{ key: string; customer: string }>`
    select key, customer from budget_holds where state = 'open' and expires_at <= ${at(now)}
    order by expires_at, key limit ${HOLDS_AT_ONCE}
  `.execute(db)
  for (const { key, customer } of rows) {
    await inTransaction(db, async (tx) => {
      // Behind the customer's lock, as a redemption is: whichever comes first, the other finds the hold as it left it.
      await lockCustomer(tx, customer)
      await releaseHold(tx, { key, now })
    })
  }
  return rows.length
}
