/** Whom a filter takes in, as a condition of SQL. */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { AudienceFilter, FilterSetting } from '../domain/audience-filter.ts'

/** A condition over `customers c` for any `where`. */
export function matching(filter: AudienceFilter, setting: FilterSetting): RawBuilder<SqlBool> {
  if ('everybody' in filter) return sql`true`
  if ('tag' in filter) return sql`c.tags @> array[${filter.tag}]`
  if ('all' in filter)
    return sql`(${sql.join(
      filter.all.map((one) => matching(one, setting)),
      sql` and `,
    )})`
  const named = setting.named.get(filter.audience)
  return named ? matching(named, setting) : sql`false`
}
