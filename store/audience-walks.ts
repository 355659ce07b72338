/**
 * Walks over all customers, an audience at a time: whom a new definition takes in, and once a day whoever came in or fell out as
 * time passed. Each page stands by itself: one that is walked again finds nothing left to do.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { AudienceFilter } from '../domain/audience-filter.ts'
import { localDate } from '../domain/calendar.ts'
import { type AudienceContext, decideMembership, takesIn } from './audience-members.ts'
import { namedAudiences } from './audiences.ts'
import { lockCustomer } from './customers.ts'
import { type Db, type Tx, at, inTransaction } from './db.ts'
import { lockTogether } from './referrals.ts'

/** Customers that a page looks at, so that the database never looks at all of them to find the first. */
const RANGE = 20_000
/** As many as are locked together where they come in or fall out quietly, at once. */
const QUIET_RANGE = 5_000
/** Those who come in or fall out that a page takes at most where each is told of. */
const PAGE = 500
/** Pages of one call in which nobody comes in or falls out. */
const PAGES_MOST = 50
/** Pages that whoever sets a definition waits for: of 100,000 customers. */
const PAGES_AWAITED = 20

interface Walk {
  audience: string
  settled: boolean
  quiet: boolean
  round: number
  /** Null where it is at its end and begins anew. */
  after: string | null
}

export interface Walking {
  now: number
  shopZone: string
  /** One alone; all of them unless told. */
  audience?: string
}

type Context = Omit<AudienceContext, 'shopZone'>

/** Some of what is due; answers how much that was, 0 when every audience was walked today. */
export async function walkAudiences(db: Db, asked: Walking, context: Context): Promise<number> {
  for (let pages = 1; ; pages++) {
    const walk = await dueWalk(db, localDate(asked.now, asked.shopZone), asked)
    if (!walk) return pages - 1
    const moved = await walkPage(db, walk, { ...asked, ...context })
    if (moved > 0 || pages === PAGES_MOST) return pages + moved
  }
}

/** What new definitions do quietly, for as many customers as a call can wait for; false where the upkeep has to go on with it. */
export async function settleAudiences(
  db: Db,
  asked: Walking,
  context: Context,
  pages = PAGES_AWAITED,
): Promise<boolean> {
  const today = localDate(asked.now, asked.shopZone)
  for (let page = 0; ; page++) {
    const walk = await dueWalk(db, today, { ...asked, quietly: true })
    if (!walk) return true
    if (page === pages) return false
    await walkPage(db, walk, { ...asked, ...context })
  }
}

/** One page; answers how many came in or fell out. */
async function walkPage(db: Db, walk: Walk, asked: Walking & Context): Promise<number> {
  const { now, shopZone, plans, tell } = asked
  const { audience } = walk
  const after = walk.after ?? ''
  const quietly = walk.quiet && !walk.settled
  const limit = quietly ? QUIET_RANGE + 1 : PAGE
  const upto = await rangeAfter(db, after, quietly ? QUIET_RANGE : RANGE)
  const named = await namedAudiences(db)
  const page = await whoDiffers(db, { audience, named, now, after, upto, limit })
  if (quietly) await inTransaction(db, (tx) => moveQuietly(tx, page, { audience, named, now }))
  else
    for (const customer of page)
      await inTransaction(db, async (tx) => {
        await lockCustomer(tx, customer)
        // As it stands behind the lock, with the audiences as they are by now.
        const of = { customer, names: [audience], named: await namedAudiences(tx), now }
        await decideMembership(tx, of, { plans, tell, shopZone })
      })
  const next = page.length < limit ? upto : (page.at(-1) ?? null)
  await goOn(db, walk, { today: localDate(now, shopZone), next })
  return page.length
}

/** The last customer of a range that begins after one; null where it goes to the end. */
async function rangeAfter(db: Db, after: string, size: number): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    select id from customers where id > ${after} order by id offset ${size - 1}::bigint limit 1`.execute(db)
  return rows[0]?.id ?? null
}

async function dueWalk(
  db: Db,
  today: string,
  { audience, quietly = false }: Pick<Walking, 'audience'> & { quietly?: boolean },
): Promise<Walk | undefined> {
  const { rows } = await sql<Walk>`
    select audience, settled, quiet, round, after from audience_walks
    where (after is not null or day is distinct from ${today}::date) and (${audience ?? null}::text is null or audience = ${audience ?? null})
      and (not ${quietly}::boolean or (quiet and not settled))
    order by settled, audience limit 1
  `.execute(db)
  return rows[0]
}

interface Differing {
  audience: string
  named: ReadonlyMap<string, AudienceFilter>
  now: number
}

const isIn = (audience: string): RawBuilder<SqlBool> => sql`
  exists (select 1 from audience_members m where m.audience = ${audience} and m.customer = c.id and m.left_at is null)`

/** Those of a range who are in and should not be, and the other way round, in the order of ids. */
async function whoDiffers(
  db: Db,
  of: Differing & { after: string; upto: string | null; limit: number },
): Promise<string[]> {
  const { audience, after, upto, limit } = of
  const { rows } = await sql<{ id: string }>`
    select c.id from customers c where c.id > ${after} and (${upto}::text is null or c.id <= ${upto}) and ${takesIn(audience, of)} <> ${isIn(audience)}
    order by c.id limit ${limit}
  `.execute(db)
  return rows.map(({ id }) => id)
}

/** Behind the locks of all of them, as many as come in or fall out by then. */
async function moveQuietly(tx: Tx, page: readonly string[], { audience, now }: Differing): Promise<void> {
  if (page.length === 0) return
  await lockTogether(tx, page)
  const of = { named: await namedAudiences(tx), now }
  // Before the others come in, who would else be looked at twice.
  await sql`
    update audience_members o set left_at = greatest(o.entered_at, ${at(now)}) from customers c
    where o.audience = ${audience} and o.customer = c.id and o.left_at is null and c.id = any(${page})
      and not ${takesIn(audience, of)}
  `.execute(tx)
  await sql`
    insert into audience_members (audience, customer, entry, entered_at)
    select ${audience}, c.id, coalesce(max(b.entry), 0) + 1, greatest(${at(now)}, max(b.left_at))
    from customers c left join audience_members b on b.audience = ${audience} and b.customer = c.id
    where c.id = any(${page}) and ${takesIn(audience, of)} and not ${isIn(audience)} group by c.id
  `.execute(tx)
}

/** Only where nobody set it back meanwhile: then it is walked from its beginning. */
async function goOn(db: Db, walk: Walk, { today, next }: { today: string; next: string | null }): Promise<void> {
  await sql`
    update audience_walks set day = ${today}::date, after = ${next}, settled = settled or ${next === null}
    where audience = ${walk.audience} and round = ${walk.round} and after is not distinct from ${walk.after}
  `.execute(db)
}
