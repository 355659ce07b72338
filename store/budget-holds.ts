/**
 * Money held for what was promised, spent when it is used, let go when it is not. Call it within the transaction of the effect,
 * with the customer locked: budgets are locked after that, in the order of their ids, and moved by one guarded UPDATE.
 */
import { type RawBuilder, sql } from 'kysely'
import { roomOf, shareOf } from '../domain/budget.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { BUDGET_COLUMNS, type BudgetRow, alertExhausted, alertPassed } from './budget-alerts.ts'
import { type BudgetLink, lockBudgets } from './budgets.ts'
import { type Tx, at } from './db.ts'

/** Which budgets a hold is of: the campaign's, and the journey's own where it has one. */
export type Of = Pick<BudgetLink, 'budget' | 'own'>

export const idsOf = ({ budget, own }: Of): string[] => (own === null ? [budget] : [budget, own])

/** What a journey draws on; undefined where its plan has no budget. */
export async function linkOf(tx: Tx, journey: string): Promise<BudgetLink | undefined> {
  const { rows } = await sql<BudgetLink>`
    select journey, budget, own, class from budget_journeys where journey = ${journey}`.execute(tx)
  return rows[0]
}

/** Locks the budgets of a link; BUDGET_EXHAUSTED, with its alert, where one of them has no room for the amount. */
export async function whyNoRoom(
  tx: Tx,
  of: Of,
  { amount, marketing, now }: { amount: number; marketing: boolean; now: number },
): Promise<Refusal | undefined> {
  const rows = await lockBudgets(tx, idsOf(of))
  const short = rows.filter((row) => roomOf(row, marketing) < amount)
  for (const row of short) await alertExhausted(tx, row, now)
  return short.length > 0 ? 'BUDGET_EXHAUSTED' : undefined
}

interface Move extends Of {
  reserved: number
  spent: number
  /** Whether the line holds: only for what is promised anew by marketing. */
  marketing?: boolean
  /** Whether the budgets are locked already. */
  locked?: boolean
  now: number
}

/**
 * The guarded update: all of the budgets move, or it throws and nothing does. `beside` writes the one hold that they move for,
 * in the same statement, as whoever waits for the budgets waits for every way to the store.
 */
export async function move(tx: Tx, moved: Move, beside?: RawBuilder<unknown>): Promise<void> {
  const { reserved, spent, marketing = false, locked, now, ...of } = moved
  if (reserved === 0 && spent === 0) return beside && mustWrite(await beside.execute(tx), of)
  const ids = idsOf(of)
  if (!locked && ids.length > 1) await lockBudgets(tx, ids)
  const { rows } = await sql<BudgetRow & { written: number }>`/* prepared */
    ${beside ? sql`with beside as (${beside} returning key)` : sql``}
    update budgets set reserved = reserved + ${reserved}, spent = spent + ${spent}
    where id = any(${ids}) and reserved + ${reserved} >= 0 and spent + ${spent} >= 0
      and reserved + spent + ${reserved + spent}
        <= cap - case when ${marketing} and ${reserved + spent > 0} then (cap * line_bp + 9999) / 10000 else 0 end
    returning ${BUDGET_COLUMNS}, ${beside ? sql`(select count(*) from beside)` : sql`1`} as written
  `.execute(tx)
  if (rows.length !== ids.length || rows.some(({ written }) => written !== 1)) throw notAsLocked(of)
  for (const { written: _, ...row } of rows) await alertPassed(tx, row, now)
}

function mustWrite({ numAffectedRows }: { numAffectedRows?: bigint | undefined }, of: Of): void {
  if (numAffectedRows !== 1n) throw notAsLocked(of)
}

const notAsLocked = ({ budget }: Of): PerennialError =>
  new PerennialError('INTERNAL', `'${budget}', or a hold of it, was not as its lock said`)

export interface HoldRequest {
  /** The key of the effect that it pays for (domain/ids.ts). */
  key: string
  journey: string
  enrolment: string
  customer: string
  /** The most it can cost, minor units. */
  amount: number
  coupon?: { code: string; expiresAt: Date }
  now: number
}

/** `none`: the journey has no budget, so nothing holds it back. */
export type Held = { is: 'held'; replayed: boolean } | { is: 'refused'; code: Refusal } | { is: 'none' }

/**
 * Holds money once: the same key and amount again does nothing, with another amount it throws IDEMPOTENCY_MISMATCH. Taken from
 * the campaign's budget and the journey's own, or from neither.
 */
export async function holdMoney(tx: Tx, request: HoldRequest): Promise<Held> {
  const { key, journey, amount, now } = request
  const before = await lockHold(tx, key)
  if (before) {
    if (before.amount === amount && before.journey === journey) return { is: 'held', replayed: true }
    throw new PerennialError('IDEMPOTENCY_MISMATCH', `'${key}' holds another amount`, { field: 'amount' })
  }
  const link = await linkOf(tx, journey)
  if (!link) return { is: 'none' }
  const marketing = link.class === 'marketing'
  const code = await whyNoRoom(tx, link, { amount, marketing, now })
  if (code) return { is: 'refused', code }
  await openNew(tx, link, request)
  return { is: 'held', replayed: false }
}

/** Opens a hold of budgets that `whyNoRoom` has locked, and takes its amount from them. */
export function openNew(tx: Tx, link: BudgetLink, one: HoldRequest): Promise<void> {
  const marketing = link.class === 'marketing'
  return openAnd(tx, { ...link, reserved: one.amount, spent: 0, marketing, locked: true, now: one.now }, one)
}

/** Opens a hold and moves its budgets, in one statement. */
export const openAnd = (tx: Tx, moved: Move, one: HoldRequest): Promise<void> => move(tx, moved, opening(moved, one))

/** Opens a hold that takes nothing yet. */
export async function open(tx: Tx, of: Of, one: HoldRequest): Promise<void> {
  mustWrite(await opening(of, one).execute(tx), of)
}

const opening = ({ budget, own }: Of, one: HoldRequest) => sql`
  insert into budget_holds (key, budget, own, journey, enrolment, customer, coupon, amount, created_at, expires_at)
  values (${one.key}, ${budget}, ${own}, ${one.journey}, ${one.enrolment}, ${one.customer}, ${one.coupon?.code ?? null},
          ${one.amount}, ${at(one.now)}, ${one.coupon?.expiresAt ?? null})`

/** A hold as its row is, locked. */
export interface Hold extends Of {
  key: string
  journey: string
  enrolment: string
  customer: string
  coupon: string | null
  amount: number
  state: 'open' | 'settled' | 'released'
  settled: number
  expires_at: Date | null
}

export const HOLD = sql`key, budget, own, journey, enrolment, customer, coupon, amount, state, settled, expires_at`

/** A coupon's holds stand with the live one first (it has one at most), then the oldest. */
export const LIVE_FIRST = sql`order by state = 'released', created_at, key`

/** A hold as it is read within another statement. */
export type HoldRow = Omit<Hold, 'expires_at'> & { expires_at: string | null }

/** The first hold of the coupon that is called `c`, as a part of a statement. */
export const HOLD_OF_COUPON = sql`(
  select row_to_json(h) from (select ${HOLD} from budget_holds where coupon = c.code ${LIVE_FIRST} limit 1) h)`

export async function lockHold(tx: Tx, key: string): Promise<Hold | undefined> {
  const { rows } = await sql<Hold>`select ${HOLD} from budget_holds where key = ${key} for update`.execute(tx)
  return rows[0]
}

interface Resolving {
  state: 'settled' | 'released'
  settled: number
  now: number
}

const resolving = ({ key, state: from }: Hold, { state, settled, now }: Resolving) => sql`
  update budget_holds set state = ${state}, settled = ${settled}, resolved_at = ${at(now)}
  where key = ${key} and state = ${from}`

/** What becomes of a hold, with what its budgets move by for it. */
export const resolve = (tx: Tx, hold: Hold, to: Resolving & Pick<Move, 'reserved' | 'spent'>): Promise<void> =>
  move(tx, { ...hold, reserved: to.reserved, spent: to.spent, now: to.now }, resolving(hold, to))

/** `none`: there is no such hold, or it was let go. */
export type Settling = { is: 'settled'; replayed: boolean } | { is: 'refused'; code: Refusal } | { is: 'none' }

/**
 * Spends what a hold came to in the end, once, and frees the rest. A cost above what was held is taken besides, from the line
 * too, as the promise was made; refused where there is not so much. Another cost than the first is IDEMPOTENCY_MISMATCH.
 */
export async function settleHold(
  tx: Tx,
  { key, cost, now }: { key: string; cost?: number; now: number },
): Promise<Settling> {
  const hold = await lockHold(tx, key)
  if (!hold || hold.state === 'released') return { is: 'none' }
  const spent = cost ?? hold.amount
  if (hold.state === 'settled') {
    if (cost === undefined || hold.settled === cost) return { is: 'settled', replayed: true }
    throw new PerennialError('IDEMPOTENCY_MISMATCH', `'${key}' was settled for another cost`, { field: 'cost' })
  }
  return settle(tx, hold, { spent, now })
}

export async function settle(tx: Tx, hold: Hold, { spent, now }: { spent: number; now: number }): Promise<Settling> {
  const more = spent - hold.amount
  const code = more > 0 ? await whyNoRoom(tx, hold, { amount: more, marketing: false, now }) : undefined
  if (code) return { is: 'refused', code }
  await resolve(tx, hold, { state: 'settled', settled: spent, reserved: -hold.amount, spent, now })
  return { is: 'settled', replayed: false }
}

/** Lets go of an open hold; false where there is none: asked again, nothing happens. */
export async function releaseHold(tx: Tx, { key, now }: { key: string; now: number }): Promise<boolean> {
  const hold = await lockHold(tx, key)
  if (hold?.state !== 'open') return false
  await resolve(tx, hold, { state: 'released', settled: 0, reserved: -hold.amount, spent: 0, now })
  return true
}

/** Frees a part of what a settled hold spent, as where points are clawed back. Call it once for each thing taken back. */
export async function giveBack(
  tx: Tx,
  { key, part, whole, now }: { key: string; part: number; whole: number; now: number },
): Promise<void> {
  const hold = await lockHold(tx, key)
  if (hold?.state !== 'settled') return
  const back = shareOf(hold.settled, part, whole)
  const state = part >= whole ? 'released' : 'settled'
  await resolve(tx, hold, { state, settled: hold.settled - back, reserved: 0, spent: -back, now })
}
