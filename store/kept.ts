/** What a run finds that goes on from one of another journey: what that one gave is not given again. */
import { type RawBuilder, sql } from 'kysely'
import type { IssuedCoupon } from './coupons.ts'
import type { Db } from './db.ts'

/** An effect of a run; the same in those it goes on from has the same end of its key. */
export interface KeyOfRun {
  run: string
  key: string
}

/** The keys of the same effect in every run that this one goes on from. */
function keptKeys({ run, key }: KeyOfRun): RawBuilder<{ key: string }> {
  return sql`
    with recursive past as (
      select migrated_from as id from enrolments where id = ${run} and migrated_from is not null
      union all
      select e.migrated_from from past p join enrolments e on e.id = p.id where e.migrated_from is not null)
    select id || ${key.slice(run.length)} as key from past`
}

/** Whether the customer has the message, or may have it, by an earlier run. */
export async function wasHad(db: Db, of: KeyOfRun): Promise<boolean> {
  const { rows } = await sql`
    select 1 from messages where key in (${keptKeys(of)}) and status in ('sending', 'sent', 'accepted', 'unknown')`.execute(
    db,
  )
  return rows.length > 0
}

/** The coupon that an earlier run issued, unless it was taken back. */
export async function keptCoupon(db: Db, of: KeyOfRun): Promise<IssuedCoupon | undefined> {
  const { rows } = await sql<IssuedCoupon>`
    select c.code, c.offer, o.title, c.expires_at as "expiresAt", p.zone
    from coupons c join offers o on o.id = c.offer join customers p on p.id = c.customer
    where c.key in (${keptKeys(of)}) and c.status <> 'void'`.execute(db)
  return rows[0]
}
