/** The checkout's door to points, whoever stands at it: the HTTP routes, a test, a shop's own program in this process. */
import { localDate } from '../domain/calendar.ts'
import { readIdempotencyKey } from '../domain/contracts/checkout.ts'
import { type PointAction, readPointRequest } from '../domain/contracts/point-checkout.ts'
import { PerennialError } from '../domain/errors.ts'
import { isKeyPart } from '../domain/ids.ts'
import type { Unit } from '../domain/points.ts'
import type { Clock } from '../domain/tempo.ts'
import { customer as customerById } from '../store/customers.ts'
import { type Db, storeError } from '../store/db.ts'
import {
  type PointAnswer,
  type RestoredAnswer,
  type SpentAnswer,
  restoreOfOrder,
  spendOnOrder,
} from '../store/point-checkout.ts'
import { type LedgerReport, balanceReport, ledgerReport } from './points.ts'

export interface PointParts {
  db: Db
  clock: Clock
  /** The zone of customers who did not tell theirs. */
  shopZone: string
}

export interface PointCall {
  customer: string
  /** The request's own; a retry brings the same. */
  key: unknown
  body: unknown
}

/**
 * Spends a customer's points on an order, or gives them back. What may not be is an answer with `ok: false` and a code of REFUSALS.
 * Throws CHECKOUT_INVALID, CUSTOMER_UNKNOWN, IDEMPOTENCY_MISMATCH and STORE_UNAVAILABLE: ask again under the same key.
 */
export async function askPoints(
  { db, clock, shopZone }: PointParts,
  action: PointAction,
  { customer, key: asked, body }: PointCall,
): Promise<PointAnswer<SpentAnswer> | PointAnswer<RestoredAnswer>> {
  const key = readIdempotencyKey(asked)
  const about = { key, customer: known(customer), now: clock.now() }
  try {
    if (action === 'spend') return await spendOnOrder(db, { ...about, ...readPointRequest('spend', body) })
    return await restoreOfOrder(db, { ...about, shopZone, ...readPointRequest('restore', body) })
  } catch (error) {
    throw storeError(error)
  }
}

/** An id that cannot be one is nobody's. */
function known(customer: string): string {
  if (isKeyPart(customer)) return customer
  throw new PerennialError('CUSTOMER_UNKNOWN', 'no customer has this id', { field: 'customer' })
}

export interface PointsOf {
  customer: string
  points: Account
  growth: Account
  /** Points that expire, soonest first: the last day on the customer's calendar, and the instant at which it is over. */
  expiring: { lastDay: string; expiresAt: string; amount: number }[]
}

interface Account {
  available: number
  pending: number
  owed: number
}

/** Throws CUSTOMER_UNKNOWN, STORE_UNAVAILABLE. */
export async function pointsOf({ db, shopZone }: PointParts, id: string): Promise<PointsOf> {
  try {
    const { customer, balances, expiring } = await balanceReport({ db }, known(id))
    const zone = (await customerById(db, id))?.zone ?? shopZone
    const of = (unit: Unit): Account => {
      const found = balances.find((one) => one.unit === unit)
      return { available: found?.available ?? 0, pending: found?.pending ?? 0, owed: found?.debt ?? 0 }
    }
    return {
      customer,
      points: of('points'),
      growth: of('growth'),
      expiring: expiring.map(({ expires_at: end, amount }) => ({
        lastDay: localDate(end.getTime() - 1, zone),
        expiresAt: end.toISOString(),
        amount,
      })),
    }
  } catch (error) {
    throw storeError(error)
  }
}

/** The newest 500 movements, oldest first. Throws CUSTOMER_UNKNOWN, STORE_UNAVAILABLE. */
export async function ledgerFor({ db }: PointParts, id: string): Promise<LedgerReport> {
  try {
    return await ledgerReport({ db }, known(id))
  } catch (error) {
    throw storeError(error)
  }
}
