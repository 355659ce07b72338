/** The shop's programme of tiers, version by version: the newest counts, and none is ever changed. */
import { sql } from 'kysely'
import { PerennialError } from '../domain/errors.ts'
import { canonical } from '../domain/journey.ts'
import type { Programme } from '../domain/tier.ts'
import { type Db, at, inTransaction } from './db.ts'

export interface ProgrammeVersion {
  version: number
  programme: Programme
  since: Date
}

/** Undefined where the shop has none: then nobody has a tier. */
export async function newestProgramme(db: Db): Promise<ProgrammeVersion | undefined> {
  const { rows } = await sql<ProgrammeVersion>`
    select version, programme, since from programmes order by version desc limit 1`.execute(db)
  return rows[0]
}

/** The programme as it was in one version. */
export async function programmeOf(db: Db, version: number): Promise<Programme> {
  const { rows } = await sql<{ programme: Programme }>`
    select programme from programmes where version = ${version}`.execute(db)
  if (rows[0]) return rows[0].programme
  throw new PerennialError('INTERNAL', `version ${version} of the programme is gone`)
}

/** All versions by their number. */
export async function programmeVersions(db: Db): Promise<Map<number, Programme>> {
  const { rows } = await sql<ProgrammeVersion>`select version, programme from programmes`.execute(db)
  return new Map(rows.map(({ version, programme }) => [version, programme]))
}

/**
 * Makes a programme the shop's, as a new version unless the newest says the same. With `onlyFirst` a shop that has one keeps it.
 * Throws OFFER_UNKNOWN where it names an offer that is not stored.
 */
export function setProgramme(
  db: Db,
  programme: Programme,
  { now, onlyFirst = false }: { now: number; onlyFirst?: boolean },
): Promise<ProgrammeVersion & { changed: boolean }> {
  return inTransaction(db, async (tx) => {
    await sql`lock table programmes in share row exclusive mode`.execute(tx)
    const newest = await newestProgramme(tx)
    if (newest && (onlyFirst || canonical(newest.programme) === canonical(programme))) {
      return { ...newest, changed: false }
    }
    await expectOffers(tx, programme)
    const version = (newest?.version ?? 0) + 1
    const since = at(Math.max(now, newest?.since.getTime() ?? now))
    await sql`
      insert into programmes (version, programme, since) values (${version}, ${JSON.stringify(programme)}, ${since})
    `.execute(tx)
    return { version, programme, since, changed: true }
  })
}

async function expectOffers(db: Db, { levels }: Programme): Promise<void> {
  const named = levels.flatMap(({ birthday, gift }) => [birthday, gift?.offer].filter((one) => one !== undefined))
  const { rows } = await sql<{ id: string }>`
    select id from unnest(${named}::text[]) as named (id) where not exists (select 1 from offers o where o.id = named.id) limit 1
  `.execute(db)
  if (!rows[0]) return
  throw new PerennialError('OFFER_UNKNOWN', `the programme names the offer '${rows[0].id}', which is not stored`, {
    field: 'levels',
  })
}
