/** Tiers for those who look from outside: the levels and who is on them, one customer's tier, and the programme itself. */
import { readProgramme } from '../domain/contracts/programme.ts'
import { PerennialError } from '../domain/errors.ts'
import { isKeyPart } from '../domain/ids.ts'
import type { Clock } from '../domain/tempo.ts'
import { type Level, type Programme, type TierFacts, levelAt, rankUnder } from '../domain/tier.ts'
import type { Db } from '../store/db.ts'
import { type ProgrammeVersion, newestProgramme, programmeVersions, setProgramme } from '../store/programmes.ts'
import { tierStanding } from '../store/tier-benefits.ts'
import { type TierRow, tierCounts, tierHistoryOf } from '../store/tier-history.ts'

export interface TierParts {
  db: Db
  clock: Clock
  /** The zone of customers who did not tell theirs. */
  shopZone: string
}

export interface LevelLine extends Level {
  /** Customers on it now, also those who reached it under an earlier version. */
  customers: number
}

export interface TiersReport {
  version: number
  since: Date
  title: string
  /** Lowest first. */
  levels: LevelLine[]
}

async function newest(db: Db): Promise<ProgrammeVersion> {
  const found = await newestProgramme(db)
  if (found) return found
  throw new PerennialError('PROGRAMME_UNKNOWN', 'the shop has no programme of tiers')
}

/** Throws PROGRAMME_UNKNOWN. */
export async function tiersReport({ db }: Pick<TierParts, 'db'>): Promise<TiersReport> {
  const { version, since, programme } = await newest(db)
  const [counts, versions] = await Promise.all([tierCounts(db), programmeVersions(db)])
  const customers = programme.levels.map(() => 0)
  for (const one of counts) {
    const rank = rankNow(programme, versions.get(one.version), one.rank)
    customers[rank] = (customers[rank] ?? 0) + one.customers
  }
  const levels = programme.levels.map((level, rank) => ({ ...level, customers: customers[rank] ?? 0 }))
  return { version, since, title: programme.title, levels }
}

function rankNow(programme: Programme, before: Programme | undefined, rank: number): number {
  return rank === 0 || !before ? 0 : rankUnder(programme, levelAt(before, rank))
}

/** What the checkout asks for: how the customer stands now. */
export interface TierAnswer {
  customer: string
  tier: TierFacts
}

/** Throws CUSTOMER_UNKNOWN, PROGRAMME_UNKNOWN. */
export async function tierAnswer({ db, clock, shopZone }: TierParts, customer: string): Promise<TierAnswer> {
  if (!isKeyPart(customer)) {
    throw new PerennialError('CUSTOMER_UNKNOWN', 'no customer can have this id', { field: 'customer' })
  }
  const tier = await tierStanding(db, { customer, now: clock.now(), shopZone })
  if (tier) return { customer, tier }
  throw new PerennialError('PROGRAMME_UNKNOWN', 'the shop has no programme of tiers')
}

export interface TierReport extends TierAnswer {
  /** The newest 200 rows, oldest first; the last one is open. */
  history: TierRow[]
}

/** Throws CUSTOMER_UNKNOWN, PROGRAMME_UNKNOWN. */
export async function tierReport(parts: TierParts, customer: string): Promise<TierReport> {
  return { ...(await tierAnswer(parts, customer)), history: await tierHistoryOf(parts.db, customer) }
}

/** The programme that holds now. Throws PROGRAMME_UNKNOWN. */
export const programmeNow = ({ db }: Pick<TierParts, 'db'>): Promise<ProgrammeVersion> => newest(db)

/** Makes a programme the shop's: a new version, unless it is the newest already. Throws PROGRAMME_INVALID, OFFER_UNKNOWN. */
export function changeProgramme(
  { db, clock }: Pick<TierParts, 'db' | 'clock'>,
  body: unknown,
): Promise<ProgrammeVersion & { changed: boolean }> {
  return setProgramme(db, readProgramme(body), { now: clock.now() })
}
