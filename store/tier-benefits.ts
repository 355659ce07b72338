/** What a level gives: its multiplier on an order, its birthday pack, its gift, and how a customer stands. */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type Level, type TierFacts, countedAt, levelAt, tierFacts } from '../domain/tier.ts'
import { customer as customerById } from './customers.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { holdRun, lockRun } from './enrolments.ts'
import { beginningOf } from './events.ts'
import { newestProgramme, programmeOf } from './programmes.ts'
import { currentTier, growthOf, levelOf, openedBy, tierAt } from './tier-history.ts'

/** What the level multiplies that the customer had when the order of a run was paid; 1 where they had none. */
export async function multiplierOf(tx: Tx, { customer, run }: { customer: string; run: string }): Promise<number> {
  const { rows } = await sql<{ paid: Date }>`
    select coalesce(e.occurred_at, r.entered_at) as paid from enrolments r
    left join events e on e.seq = r.begun_seq and r.begun_by = e.type || ' ' || e.id where r.id = ${run}
  `.execute(tx)
  const paid = rows[0] && (await tierAt(tx, { customer, instant: rows[0].paid.getTime() }))
  return paid?.level.multiplier ?? 1
}

/** The customer's level now; undefined where they have none yet, or the shop no programme. */
export async function levelNow(db: Db, customer: string, now: number): Promise<Level | undefined> {
  const row = await currentTier(db, customer)
  return row && (await levelOf(db, row, now)).level
}

/**
 * How a customer stands now; null where the shop has no programme. Who was not seen yet is on the lowest level. Throws
 * CUSTOMER_UNKNOWN.
 */
export async function tierStanding(
  db: Db,
  { customer, now, shopZone }: { customer: string; now: number; shopZone: string },
): Promise<TierFacts | null> {
  const newest = await newestProgramme(db)
  const person = await customerById(db, customer)
  if (!person) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${customer}'`, { field: 'customer' })
  if (!newest) return null
  const { programme } = newest
  const row = await currentTier(db, customer)
  const [zone, joined] = [person.zone ?? shopZone, person.created_at.getTime()]
  const opened = row ? openedBy(row) : { since: joined, after: 0 }
  const end = row?.term_end?.getTime() ?? null
  const held = row && end !== null ? await programmeOf(db, row.version) : programme
  const [growth = 0, keeping = 0] = await growthOf(db, [
    { customer, ...countedAt(programme, { at: now, zone, joined, opened }) },
    { customer, ...countedAt(held, { at: end === null ? now : end - 1, zone, joined, opened }) },
  ])
  const level = row ? (await levelOf(db, row, now)).level : levelAt(programme, 0)
  return tierFacts({ programme, level, growth, keeping: end === null ? null : { growth: keeping, end }, now, zone })
}

export type Claim =
  | { is: 'claimed'; customer: string; period: string; level: Level }
  | { is: 'refused'; code: Refusal }
  /** The journey is paused; ask again when it is resumed. */
  | { is: 'held' }

/**
 * Makes a run the one that gives the gift of the level that began it, once a member, period and level: another run is refused,
 * the same one answered again. Throws RUN_UNKNOWN.
 */
export function claimGift(db: Db, { run: id, now }: { run: string; now: number }): Promise<Claim> {
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, id)
    if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
    const { customer, journey } = run
    const note = (verdict: string, detail: string, code?: Refusal): Promise<void> =>
      decide(tx, {
        key: `${id}/tier`,
        customer,
        journey,
        enrolment: id,
        about: 'tier',
        verdict,
        code: code ?? null,
        detail,
        now,
      })
    const refuse = async (code: Refusal): Promise<Claim> => {
      await note('refused', 'gift', code)
      return { is: 'refused', code }
    }
    if (run.status !== 'running') return refuse('LEFT_JOURNEY')
    if (run.paused) {
      await holdRun(tx, id, now)
      return { is: 'held' }
    }
    if (run.arm === 'holdout') return refuse('HOLDOUT')
    const { level, period } = (await beginningOf(tx, id)) ?? {}
    if (typeof level !== 'string' || typeof period !== 'string') return refuse('TIER_NOT_REACHED')
    const { rows: risen } = await sql<{ version: number; rank: number }>`
      select version, rank from tier_history
      where customer = ${customer} and level = ${level} and period = ${period} and why = 'rise' order by ordinal limit 1
    `.execute(tx)
    const [row] = risen
    if (!row) return refuse('TIER_NOT_REACHED')
    await sql`
      insert into tier_gifts (customer, period, level, enrolment, version, at)
      values (${customer}, ${period}, ${level}, ${id}, ${row.version}, ${at(now)}) on conflict do nothing
    `.execute(tx)
    const { rows: given } = await sql<{ enrolment: string }>`
      select enrolment from tier_gifts where customer = ${customer} and period = ${period} and level = ${level}
    `.execute(tx)
    if (given[0]?.enrolment !== id) return refuse('TIER_GIFT_GIVEN')
    await note('granted', level)
    return { is: 'claimed', customer, period, level: levelAt(await programmeOf(tx, row.version), row.rank) }
  })
}
