/** What a customer has: balances, what expires when, and the ledger behind them. */
import { PerennialError } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import type { Unit } from '../domain/points.ts'
import { customer as customerById } from '../store/customers.ts'
import {
  type Balance,
  type ExpiringPoints,
  type LedgerLine,
  balancesOf,
  expiringPoints,
  ledgerOf,
} from '../store/ledger.ts'
import { type ByHand, resolveByHand } from '../store/points.ts'
import { plansOf } from './catalogue.ts'
import type { OperatorParts } from './operator.ts'

type Parts = Pick<OperatorParts, 'db'>

export interface BalanceReport {
  customer: string
  /** Both units; all zero for a customer who never had any. */
  balances: Balance[]
  /** Points that expire, soonest first. */
  expiring: ExpiringPoints[]
}

export interface LedgerReport {
  customer: string
  /** The newest 500 transfers, oldest first. */
  lines: LedgerLine[]
}

const UNITS: readonly Unit[] = ['points', 'growth']

async function known({ db }: Parts, id: string): Promise<void> {
  if (await customerById(db, id)) return
  throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${id}'`, { field: 'customer' })
}

/** Throws CUSTOMER_UNKNOWN. */
export async function balanceReport(parts: Parts, customer: string): Promise<BalanceReport> {
  await known(parts, customer)
  const found = await balancesOf(parts.db, customer)
  const balances = UNITS.map(
    (unit) => found.find((one) => one.unit === unit) ?? { unit, pending: 0, available: 0, debt: 0 },
  )
  return { customer, balances, expiring: await expiringPoints(parts.db, customer) }
}

/** Throws CUSTOMER_UNKNOWN. */
export async function ledgerReport(parts: Parts, customer: string): Promise<LedgerReport> {
  await known(parts, customer)
  return { customer, lines: await ledgerOf(parts.db, customer) }
}

export interface ResolveRequest {
  /** A run that is over, whose points are still pending: stopped by an operator, or failed. */
  run: string
  verdict: 'settle' | 'void'
  /** Kept in the decision log. */
  reason: string
}

/** What was settled or taken back; `changed` is false where nothing was pending any more. */
export interface ResolvedPoints extends ByHand {
  run: string
  customer: string
  verdict: 'settle' | 'void'
}

/** Throws RUN_UNKNOWN, RUN_IS_ON. */
export async function resolvePoints(
  { db, clock, catalogue, shopZone }: Pick<OperatorParts, 'db' | 'clock' | 'catalogue' | 'shopZone'>,
  { run, verdict, reason }: ResolveRequest,
): Promise<ResolvedPoints> {
  const done = await resolveByHand(db, {
    run,
    verdict,
    reason,
    now: clock.now(),
    plans: [...plansOf(catalogue).values()],
    shopZone,
  })
  return { run, customer: partsOfRun(run).customer, verdict, ...done }
}
