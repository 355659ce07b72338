/** Where customers stand, for those who look from outside: the newest reckoning, one customer and why, and a reckoning now. */
import { localDate } from '../domain/calendar.ts'
import { PerennialError } from '../domain/errors.ts'
import { isKeyPart } from '../domain/ids.ts'
import { dayNumber } from '../domain/reckoning.ts'
import { type Rhythm, rhythmOf } from '../domain/rhythm.ts'
import { type Limits, limitsOf } from '../domain/stage.ts'
import type { Standing } from '../domain/standing.ts'
import type { Clock } from '../domain/tempo.ts'
import { customer as customerOf } from '../store/customers.ts'
import type { Db } from '../store/db.ts'
import { tellEvent } from '../store/events.ts'
import { paidOrdersOf } from '../store/paid-orders.ts'
import { frameOf } from '../store/reckoning-frames.ts'
import { type Reckoning, newestReckoning, reckonNow, reckoningOf } from '../store/reckonings.ts'
import { type Placed, placedOf, standingOf } from '../store/standings.ts'
import { type Catalogue, plansOf } from './catalogue.ts'

export interface StandingParts {
  db: Db
  catalogue: Catalogue
  clock: Clock
  /** Whose calendar the days are of. */
  shopZone: string
}

const unknown = (message: string, field?: string): PerennialError =>
  new PerennialError('RECKONING_UNKNOWN', message, field === undefined ? {} : { field })

/** The newest reckoning that is finished. Throws RECKONING_UNKNOWN. */
export async function standingsReport({ db }: Pick<StandingParts, 'db'>): Promise<Reckoning> {
  const newest = await newestReckoning(db, { finished: true })
  if (newest) return newest
  throw unknown('no reckoning of the shop is finished yet')
}

export interface StandingReport extends Placed {
  customer: string
  standing: Standing
  /** Days since the last paid order on the day it was reckoned for; null before the first. */
  silence: number | null
  /** How often they buy, and the silences that mean something for them, in days. */
  rhythm: Rhythm
  limits: Limits
  /** By whose edges they were scored. */
  reckoning: Reckoning
}

/** Where one customer stands and what it was reckoned from. Throws CUSTOMER_UNKNOWN, RECKONING_UNKNOWN. */
export async function standingReport({ db }: Pick<StandingParts, 'db'>, customer: string): Promise<StandingReport> {
  if (!isKeyPart(customer) || !(await customerOf(db, customer))) {
    throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${customer}'`, { field: 'customer' })
  }
  const [standing, placed] = [await standingOf(db, customer), await placedOf(db, customer)]
  const reckoning = placed && (await reckoningOf(db, placed.by))
  if (!standing || !placed || !reckoning) throw unknown(`'${customer}' was not reckoned yet`, 'customer')
  const { zone } = reckoning
  const asOf = placed.asOf.getTime()
  const orders = await paidOrdersOf(db, { customer, asOf, zone })
  const rhythm = rhythmOf(orders, frameOf(reckoning).rhythm)
  const last = orders.at(-1)
  const silence = last === undefined ? null : dayNumber(localDate(asOf, zone)) - last.day
  return { customer, standing, ...placed, silence, rhythm, limits: limitsOf(rhythm.usual), reckoning }
}

/** Today's reckoning to its end, or once more where it was finished. */
export function reckonStandings(
  { db, catalogue, clock, shopZone }: StandingParts,
  { anew = false }: { anew?: boolean } = {},
): Promise<{ customers: number; reckoning: Reckoning | undefined }> {
  const plans = [...plansOf(catalogue).values()]
  return reckonNow(db, { plans, shopZone, tell: tellEvent, now: clock.now(), anew })
}
