/**
 * What messages cost, as an SMS does: held of the journey's budget when the message is reserved, spent when its provider has it or
 * may have it, let go when it never will. Call all of it with the customer locked.
 */
import { roomOf } from '../domain/budget.ts'
import { messageCostKey } from '../domain/ids.ts'
import { type BudgetRow, alertExhausted } from './budget-alerts.ts'
import { idsOf, linkOf, lockHold, openNew, releaseHold, settleHold } from './budget-holds.ts'
import { type BudgetLink, lockBudgets } from './budgets.ts'
import type { Tx } from './db.ts'

/** The budgets of a journey, locked, as one message of it sees them. */
export interface Purse {
  link: BudgetLink
  rows: BudgetRow[]
  /** What is held for this message already, minor units. */
  held: number
}

/** Undefined where the journey has no budget. */
export async function purseFor(tx: Tx, { key, journey }: { key: string; journey: string }): Promise<Purse | undefined> {
  const link = await linkOf(tx, journey)
  if (!link) return undefined
  const hold = await lockHold(tx, messageCostKey(key))
  return { link, rows: await lockBudgets(tx, idsOf(link)), held: hold?.state === 'open' ? hold.amount : 0 }
}

const short = ({ link, rows, held }: Purse, cost: number): BudgetRow[] =>
  rows.filter((row) => roomOf(row, link.class === 'marketing') + held < cost)

/** Whether there is room for a message of this cost, minor units. */
export const affords = (purse: Purse, cost: number): boolean => short(purse, cost).length === 0

/** Somebody was refused: the budgets that had no room say so once. */
export async function tellShort(tx: Tx, purse: Purse, { cost, now }: { cost: number; now: number }): Promise<void> {
  for (const row of short(purse, cost)) await alertExhausted(tx, row, now)
}

export interface Promised {
  /** The key of the message. */
  key: string
  journey: string
  enrolment: string
  customer: string
  /** Minor units. */
  cost: number
  now: number
}

/** Holds the cost of a message that is reserved. One that was held before stays as it is: what it really costs is known when it is sent. */
export async function holdCost(tx: Tx, { link, held }: Purse, { key, cost, ...of }: Promised): Promise<void> {
  if (cost > 0 && held === 0) await openNew(tx, link, { ...of, key: messageCostKey(key), amount: cost })
}

/** Spends what a message cost, or what was held for it where the provider does not say. Where the budget has no room for more than that, that. */
export async function settleCost(
  tx: Tx,
  { key, cost, now }: { key: string; cost?: number | undefined; now: number },
): Promise<void> {
  const hold = messageCostKey(key)
  const settled = await settleHold(tx, { key: hold, ...(cost !== undefined && { cost }), now })
  if (settled.is === 'refused') await settleHold(tx, { key: hold, now })
}

/** The message will never be sent. */
export async function releaseCost(tx: Tx, { key, now }: { key: string; now: number }): Promise<void> {
  await releaseHold(tx, { key: messageCostKey(key), now })
}
