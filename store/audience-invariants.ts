/** What must hold of audiences. Composed in invariants.ts. */
import { type RawBuilder, sql } from 'kysely'
import { lookedAt } from '../domain/audience-review.ts'
import { takesIn } from './audience-members.ts'
import { filtersOf, newestAudiences } from './audiences.ts'
import type { Db } from './db.ts'

export const AUDIENCE_INVARIANTS: Record<string, string> = {
  'a customer is in an audience once at a time': `
    select audience || ' ' || customer as key, count(*) || ' entries are open' as wrong from audience_members
    where left_at is null group by audience, customer having count(*) > 1`,
  'the entries of an audience are counted without gaps, one after the other': `
    select audience || ' ' || customer || ' ' || entry as key, 'the ' || nth || '. from ' || entered_at || ', the one before left '
      || coalesce(before::text, 'never') as wrong
    from (select *, row_number() over w as nth, lag(left_at) over w as before from audience_members
      window w as (partition by audience, customer order by entry)) e
    where entry <> nth or (nth > 1 and (before > entered_at or (before is null and left_at is not null)))`,
}

export const MEMBERS_ARE_WHOM_THE_FILTER_TAKES_IN = 'the members of an audience are whom its filter takes in'

/**
 * The rows that break it: of audiences that were walked to their end since they changed, and whose filter says the same of a customer
 * until something happens to them.
 */
export async function strayMembers(db: Db): Promise<RawBuilder<unknown>> {
  // Read first: where one changes meanwhile, none is looked at.
  const { rows } = await sql<{
    revision: number
  }>`select coalesce(max(revision), 0) as revision from audiences`.execute(db)
  const named = filtersOf(await newestAudiences(db))
  const steady = [...named].filter(([, filter]) => !lookedAt(filter, { named }).drifts)
  const parts = steady.map(
    ([name]) => sql`
      select ${name}::text || ' ' || c.id as key, case when m.customer is null then 'is not in' else 'is in' end as wrong
      from customers c left join audience_members m on m.audience = ${name} and m.customer = c.id and m.left_at is null
      where (m.customer is not null) <> ${takesIn(name, { named, now: 0 })}
        and exists (select 1 from audience_walks w where w.audience = ${name} and w.settled)
        and ${rows[0]?.revision ?? 0} = (select max(revision) from audiences)`,
  )
  // One that was removed has nobody.
  const gone = sql`
    select m.audience || ' ' || m.customer as key, 'is in one that was removed' as wrong
    from audience_members m join audience_walks w on w.audience = m.audience and w.settled
    where m.left_at is null and (select a.filter from audiences a where a.name = m.audience order by version desc limit 1) is null`
  return sql.join([gone, ...parts], sql` union all `)
}
