/** Who was on which level when, and the growth value that carried it. */
import { sql } from 'kysely'
import { type Counted, type Level, levelAt } from '../domain/tier.ts'
import { type Db, type Tx, at } from './db.ts'
import { programmeOf } from './programmes.ts'

/** Why a row was opened: seen for the first time, risen, kept at the end of a term, fallen at its end, fallen by a refund. */
export type TierWhy = 'first' | 'rise' | 'keep' | 'fall' | 'refund'

export interface TierRow {
  customer: string
  ordinal: number
  version: number
  level: string
  rank: number
  why: TierWhy
  growth: number
  growth_since: Date
  growth_after: number
  growth_upto: number
  period: string | null
  period_end: Date | null
  valid_from: Date
  valid_to: Date | null
  term_end: Date | null
  due_at: Date | null
}

export async function currentTier(db: Db, customer: string): Promise<TierRow | undefined> {
  const { rows } = await sql<TierRow>`
    select * from tier_history where customer = ${customer} and valid_to is null`.execute(db)
  return rows[0]
}

/** The newest `limit` rows of a customer, oldest first. */
export async function tierHistoryOf(db: Db, customer: string, limit = 200): Promise<TierRow[]> {
  const { rows } = await sql<TierRow>`
    select * from (select * from tier_history where customer = ${customer} order by ordinal desc limit ${limit}) newest
    order by ordinal`.execute(db)
  return rows
}

/** From where on growth counts in a level: a fall by a refund and the first sight of the lowest level begin nothing anew. */
export function openedBy(row: TierRow): Counted {
  const goesOn = row.why === 'refund' || (row.why === 'first' && row.rank === 0)
  return { since: row.growth_since.getTime(), after: goesOn ? row.growth_after : row.growth_upto }
}

export interface GrowthAsk extends Counted {
  customer: string
  /** Counts transfers up to this one; all unless said. */
  upto?: number | undefined
}

/** The growth value that counts, in the order of the asks: what was settled, less what refunds of the same orders took. */
export async function growthOf(db: Db, asks: readonly GrowthAsk[]): Promise<number[]> {
  if (asks.length === 0) return []
  const said = asks.map(({ customer, since, after, upto = null }, n) => ({
    n,
    customer,
    since: at(since),
    after,
    upto,
  }))
  const { rows } = await sql<{ n: number; growth: number }>`
    select a.n, coalesce(sum(l.original + coalesce(m.amount, 0)), 0)::bigint as growth
    from json_to_recordset(${JSON.stringify(said)}) as a (n int, customer text, since timestamptz, after bigint, upto bigint)
    left join (point_lots l join point_transfers r on r.id = l.resolved_by)
      on l.customer = a.customer and l.unit = 'growth' and l.state <> 'void' and r.at >= a.since and r.id > a.after
        and (a.upto is null or r.id <= a.upto)
    left join lateral (
      select sum(amount) as amount from point_lot_moves where lot = l.id and (a.upto is null or transfer <= a.upto)) m on true
    group by a.n order by a.n
  `.execute(db)
  return rows.map(({ growth }) => growth)
}

/** The newest transfer of growth value a customer has, 0 for none. */
export async function newestGrowth(tx: Tx, customer: string): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    select coalesce(max(id), 0)::bigint as id from point_transfers where customer = ${customer} and unit = 'growth'
  `.execute(tx)
  return rows[0]?.id ?? 0
}

/** The level a customer had at an instant, with what it gave then; undefined before they had any. For auditing past orders. */
export async function tierAt(
  db: Db,
  { customer, instant }: { customer: string; instant: number },
): Promise<{ level: Level; rank: number; version: number } | undefined> {
  const { rows } = await sql<TierRow>`
    select * from tier_history where customer = ${customer} and valid_from <= ${at(instant)}
      and (valid_to is null or valid_to > ${at(instant)}) order by ordinal desc limit 1
  `.execute(db)
  const [row] = rows
  return row && { ...(await levelOf(db, row, instant)), rank: row.rank }
}

/** What a row's level is at an instant: as it was reached, but on the lowest level as the newest version then had it. */
export async function levelOf(db: Db, row: TierRow, instant: number): Promise<{ level: Level; version: number }> {
  if (row.rank > 0) return { level: levelAt(await programmeOf(db, row.version), row.rank), version: row.version }
  const { rows } = await sql<{ version: number }>`
    select version from programmes where since <= ${at(instant)} order by version desc limit 1`.execute(db)
  const version = rows[0]?.version ?? row.version
  return { level: levelAt(await programmeOf(db, version), 0), version }
}

export interface LevelCount {
  version: number
  level: string
  rank: number
  customers: number
}

/** How many customers are on each level now, by the version they reached it under. */
export async function tierCounts(db: Db): Promise<LevelCount[]> {
  const { rows } = await sql<LevelCount>`
    select version, level, rank, count(*) as customers from tier_history where valid_to is null
    group by version, level, rank order by rank, version`.execute(db)
  return rows
}
