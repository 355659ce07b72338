/** What a filter comes to, before anybody acts by it: how many it takes in, how that differs from another, and some of them to look at. */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { AudienceFilter, FilterSetting } from '../domain/audience-filter.ts'
import { matching } from './audience-sql.ts'
import type { Db } from './db.ts'

export interface AudienceCount {
  /** All there are. */
  customers: number
  /** Those whom the filter takes in. */
  members: number
}

export interface AudienceDifference extends AudienceCount {
  /** Who is taken in and was not, and the other way round. */
  enter: number
  leave: number
}

const NOBODY: RawBuilder<SqlBool> = sql`false`

/** Throws AUDIENCE_UNKNOWN, AUDIENCE_CIRCULAR. */
export async function countAudience(db: Db, filter: AudienceFilter, setting: FilterSetting): Promise<AudienceCount> {
  const { rows } = await sql<AudienceCount>`
    select count(*) as customers, count(*) filter (where ${matching(filter, setting)}) as members from customers c`.execute(
    db,
  )
  return rows[0] ?? { customers: 0, members: 0 }
}

/** Beside whom another filter takes in, null being nobody. Each is read in a setting of its own. */
export async function compareAudiences(
  db: Db,
  after: { filter: AudienceFilter | null; setting: FilterSetting },
  before: { filter: AudienceFilter | null; setting: FilterSetting },
): Promise<AudienceDifference> {
  const of = ({ filter, setting }: typeof after): RawBuilder<SqlBool> =>
    filter === null ? NOBODY : matching(filter, setting)
  const { rows } = await sql<AudienceDifference>`
    select count(*) as customers, count(*) filter (where is_in) as members,
      count(*) filter (where is_in and not was_in) as enter, count(*) filter (where was_in and not is_in) as leave
    from (select ${of(after)} as is_in, ${of(before)} as was_in from customers c) seen`.execute(db)
  return rows[0] ?? { customers: 0, members: 0, enter: 0, leave: 0 }
}

/** One to look at: what filters go by, and nothing that says who it is. */
export interface SampledCustomer {
  id: string
  zone: string | null
  locale: string | null
  tags: string[]
  stage: string | null
  tier: string | null
  since: Date
}

/** Some of them, drawn by a hash of their ids, so that the same are shown again. */
export async function sampleAudience(
  db: Db,
  filter: AudienceFilter,
  { limit, ...setting }: FilterSetting & { limit: number },
): Promise<SampledCustomer[]> {
  const { rows } = await sql<SampledCustomer>`
    select c.id, c.zone, c.locale, c.tags, s.stage, h.level as tier, c.created_at as since
    from customers c left join standings s on s.customer = c.id
    left join tier_history h on h.customer = c.id and h.valid_to is null
    where ${matching(filter, setting)} order by md5(c.id), c.id limit ${limit}
  `.execute(db)
  return rows
}
