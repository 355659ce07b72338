/** Audiences by name, version by version: the newest holds, and none is ever changed. */
import { sql } from 'kysely'
import type { AudienceFilter } from '../domain/audience-filter.ts'
import { lookedAt } from '../domain/audience-review.ts'
import { PerennialError } from '../domain/errors.ts'
import { canonical } from '../domain/journey.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'

export interface AudienceVersion {
  name: string
  version: number
  title: string
  /** Null: it was removed. */
  filter: AudienceFilter | null
  by: string
  at: Date
}

/** The newest version of each, in the order of names, those that were removed too. */
export async function newestAudiences(db: Db): Promise<AudienceVersion[]> {
  const { rows } = await sql<AudienceVersion>`
    select distinct on (name) name, version, title, filter, by, at from audiences order by name, version desc`.execute(
    db,
  )
  return rows
}

/** Every version of one, newest first; none where there never was one. */
export async function audienceVersions(db: Db, name: string): Promise<AudienceVersion[]> {
  const { rows } = await sql<AudienceVersion>`
    select name, version, title, filter, by, at from audiences where name = ${name} order by version desc`.execute(db)
  return rows
}

/** The filters in force, by their names. */
export const filtersOf = (all: readonly AudienceVersion[]): Map<string, AudienceFilter> =>
  new Map(all.flatMap(({ name, filter }) => (filter === null ? [] : [[name, filter]])))

/** The filters in force, to read a filter that may name them. */
export const namedAudiences = async (db: Db): Promise<Map<string, AudienceFilter>> =>
  filtersOf(await newestAudiences(db))

export interface AudienceChange {
  name: string
  title: string
  /** Null removes it. */
  filter: AudienceFilter | null
  by: string
  now: number
  /** Whether those who enter and leave by this change are told of. */
  tell: boolean
}

/**
 * Makes a new version unless the newest says the same, and has it and all that name it walked anew. Throws AUDIENCE_UNKNOWN,
 * AUDIENCE_CIRCULAR, and AUDIENCE_IN_USE where one is removed that another names.
 */
export function setAudience(db: Db, change: AudienceChange): Promise<AudienceVersion & { changed: boolean }> {
  return inTransaction(db, async (tx) => {
    // One change at a time, so that the newest revision says all that went before.
    await sql`lock table audiences in share row exclusive mode`.execute(tx)
    const all = await newestAudiences(tx)
    const newest = all.find(({ name }) => name === change.name)
    const { name, title, filter, by, now } = change
    if (newest && newest.title === title && canonical(newest.filter) === canonical(filter))
      return { ...newest, changed: false }
    if (!newest && filter === null)
      throw new PerennialError('AUDIENCE_UNKNOWN', `no audience '${name}'`, { field: 'name' })
    const dependent = dependentOn(name, filtersOf(all))
    if (filter === null && dependent[0] !== undefined)
      throw new PerennialError('AUDIENCE_IN_USE', `the audience '${dependent[0]}' names '${name}'`, { field: 'name' })
    if (filter !== null) lookedAt({ audience: name }, { named: new Map([...filtersOf(all), [name, filter]]) })
    const version = (newest?.version ?? 0) + 1
    const since = at(Math.max(now, newest?.at.getTime() ?? now))
    await sql`
      insert into audiences (name, version, title, filter, by, at)
      values (${name}, ${version}, ${title}, ${filter === null ? null : JSON.stringify(filter)}::jsonb, ${by}, ${since})
    `.execute(tx)
    if (canonical(newest?.filter ?? null) !== canonical(filter)) await walkAnew(tx, [name, ...dependent], !change.tell)
    return { name, version, title, filter, by, at: since, changed: true }
  })
}

/** The audiences that name one, or one that does. */
function dependentOn(name: string, named: ReadonlyMap<string, AudienceFilter>): string[] {
  return [...named].filter(([, filter]) => lookedAt(filter, { named }).audiences.has(name)).map(([other]) => other)
}

async function walkAnew(tx: Tx, names: readonly string[], quiet: boolean): Promise<void> {
  await sql`
    insert into audience_walks (audience, quiet) select name, ${quiet} from unnest(${names}::text[]) name
    on conflict (audience) do update set settled = false, quiet = excluded.quiet, after = '', round = audience_walks.round + 1
  `.execute(tx)
}
