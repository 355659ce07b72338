/** Tags that journeys give. The shop's own stand on the customer and come with events; the two are read as one. */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { decide } from './decisions.ts'
import { lockRun } from './enrolments.ts'
import { type EffectAnswer, effectOnce } from './run-effects.ts'

/** Those that a customer has by now and that the shop does not send as well, as an array: to be put behind `c.tags`. */
export const ownTags = (customer: RawBuilder<unknown>, now: number): RawBuilder<unknown> => sql`
  array(select t.tag from own_tags t where t.customer = ${customer} and (t.until is null or t.until > ${at(now)})
    and not exists (select 1 from customers s where s.id = t.customer and t.tag = any(s.tags)) order by t.tag)`

/** Whether a journey gave the tag to `customers c`, and it has not fallen off. */
export const hasOwnTag = (tag: string, now: number): RawBuilder<SqlBool> => sql`
  exists (select 1 from own_tags t where t.customer = c.id and t.tag = ${tag} and (t.until is null or t.until > ${at(now)}))`

export interface NewTag {
  key: string
  run: string
  tag: string
  /** When it falls off by itself, shop time; null: when it is taken off. */
  until: number | null
  now: () => number
  /** Called with the customer locked, where their tags have changed. */
  changed?: ((tx: Tx, of: { customer: string; now: number }) => Promise<void>) | undefined
}

/** Tags the run's customer, once. One who has the tag keeps it as long as the longer of the two says. Throws RUN_UNKNOWN. */
export function giveTag(db: Db, { key, run: id, tag, until, now: clock, changed }: NewTag): Promise<EffectAnswer> {
  return effectOnce(db, { key, run: id, about: 'tag', now: clock }, async (tx, { customer }, now) => {
    const ends = until === null ? null : at(until)
    await sql`
      insert into own_tags as t (customer, tag, enrolment, at, until) values (${customer}, ${tag}, ${id}, ${at(now)}, ${ends})
      on conflict (customer, tag) do update set enrolment = excluded.enrolment, at = excluded.at,
        until = case when t.until is null or excluded.until is null then null else greatest(t.until, excluded.until) end
    `.execute(tx)
    await changed?.(tx, { customer, now })
    return { verdict: 'tagged', detail: tag }
  })
}

/** Takes a tag of our own off, whoever gave it and whether or not the run is on; one of the shop's stays. */
export function takeTagOff(
  db: Db,
  { key, run: id, tag, now: clock, changed }: Omit<NewTag, 'until'>,
): Promise<{ untagged: boolean }> {
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, id)
    const { rows } = await sql`select 1 from decisions where key = ${key}`.execute(tx)
    if (!run || rows.length > 0) return { untagged: false }
    const { customer, journey } = run
    const { numAffectedRows } = await sql`
      delete from own_tags where customer = ${customer} and tag = ${tag}`.execute(tx)
    if (numAffectedRows !== 1n) return { untagged: false }
    const line = { key, customer, journey, enrolment: id, about: 'tag', verdict: 'untagged' } as const
    const now = clock()
    await decide(tx, { ...line, detail: tag, now })
    await changed?.(tx, { customer, now })
    return { untagged: true }
  })
}
