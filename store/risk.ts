/** The facts that the risk rules read (domain/risk.ts), gathered with bounded work, and the judgements that came of them. */
import { sql } from 'kysely'
import type { IdentityKind } from '../domain/identity.ts'
import {
  type Edge,
  type Fired,
  type Judgement,
  type Owned,
  type Ring,
  type RiskFacts,
  isVirtualNumber,
  judge,
  ringOf,
} from '../domain/risk.ts'
import { type Db, type Tx, at } from './db.ts'
import type { Referral } from './referrals.ts'

/** A walk along what customers share looks at so many of them, in so many steps, and at so many referrals a step. */
export const WALK = { customers: 300, steps: 4, referrals: 200 } as const

/** What is known of a referral now. */
export async function riskFacts(tx: Tx, referral: Referral): Promise<RiskFacts> {
  const { friend, advocate } = referral
  const [shared, counts, ring] = [
    await sharedKinds(tx, friend, advocate),
    await countsOf(tx, referral),
    await ringAround(tx, friend, advocate),
  ]
  const { phone, ...rest } = counts
  return { sameCustomer: friend === advocate, shared, ...rest, virtualNumber: isVirtualNumber(phone), ring }
}

async function sharedKinds(tx: Tx, friend: string, advocate: string): Promise<IdentityKind[]> {
  const { rows } = await sql<{ kind: IdentityKind }>`
    select distinct kind from identities a join identities b using (kind, hash)
    where a.customer = ${friend} and b.customer = ${advocate} order by kind
  `.execute(tx)
  return rows.map(({ kind }) => kind)
}

type Counts = Pick<
  RiskFacts,
  'lastHour' | 'lastDay' | 'sameDevice' | 'sameAddress' | 'friends' | 'newFriends' | 'denied'
> & { phone: string | null }

async function countsOf(tx: Tx, { friend, advocate, claimed_at }: Referral): Promise<Counts> {
  const { rows } = await sql<Counts>`
    with mine as (
      select r.status, r.reason, r.claimed_at, c.created_at from referrals r join customers c on c.id = r.friend
      where r.advocate = ${advocate}),
    beside as (
      select i.kind, r.friend from identities own join identities i using (kind, hash) join referrals r on r.friend = i.customer
      where own.customer = ${friend} and own.kind in ('device', 'address')
        and r.claimed_at > ${claimed_at}::timestamptz - interval '1 day' and r.claimed_at <= ${claimed_at}
      limit ${WALK.customers})
    select
      count(*) filter (where claimed_at > ${claimed_at}::timestamptz - interval '1 hour' and claimed_at <= ${claimed_at}) as "lastHour",
      count(*) filter (where claimed_at > ${claimed_at}::timestamptz - interval '1 day' and claimed_at <= ${claimed_at}) as "lastDay",
      count(*) filter (where claimed_at > ${claimed_at}::timestamptz - interval '30 days') as friends,
      count(*) filter (where claimed_at > ${claimed_at}::timestamptz - interval '30 days'
        and created_at > claimed_at - interval '1 day') as "newFriends",
      count(*) filter (where status = 'denied' and reason = 'REFERRAL_DENIED') as denied,
      (select count(distinct friend) from beside where kind = 'device') as "sameDevice",
      (select count(distinct friend) from beside where kind = 'address') as "sameAddress",
      (select phone from customers where id = ${friend}) as phone
    from mine
  `.execute(tx)
  return rows[0] as Counts
}

/** Step by step from the two to whoever shares an identity or a referral with those found so far. */
async function ringAround(tx: Tx, friend: string, advocate: string): Promise<Ring> {
  const seen = new Set([advocate, friend])
  let frontier = [...seen]
  let capped = false
  for (let step = 0; step < WALK.steps && frontier.length > 0 && !capped; step++) {
    const sharers = await sharersOf(tx, frontier, seen)
    capped = sharers.length + seen.size > WALK.customers
    const next = [...sharers, ...(await referredWith(tx, frontier))].filter((one) => !seen.has(one))
    frontier = [...new Set(next)].slice(0, WALK.customers - seen.size)
    for (const one of frontier) seen.add(one)
  }
  const all = [...seen]
  return ringOf(advocate, await identitiesAmong(tx, all), await referralsAmong(tx, all), capped)
}

async function sharersOf(tx: Tx, of: readonly string[], seen: ReadonlySet<string>): Promise<string[]> {
  const { rows } = await sql<{ customer: string }>`
    select distinct b.customer from identities a
    cross join lateral (select customer from identities where kind = a.kind and hash = a.hash
      and customer <> all(${[...seen]}) limit ${WALK.customers}) b
    where a.customer = any(${of}) limit ${WALK.customers}
  `.execute(tx)
  return rows.map(({ customer }) => customer)
}

/** The newest friends of some customers, and whose friends they are. */
async function referredWith(tx: Tx, of: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ customer: string }>`
    select advocate as customer from referrals where friend = any(${of})
    union all (select friend from referrals where advocate = any(${of}) order by claimed_at desc limit ${WALK.referrals})
  `.execute(tx)
  return rows.map(({ customer }) => customer)
}

async function identitiesAmong(tx: Tx, customers: readonly string[]): Promise<Owned[]> {
  const { rows } = await sql<Owned>`
    select customer, kind || ' ' || hash as identity from identities where customer = any(${customers})`.execute(tx)
  return rows
}

async function referralsAmong(tx: Tx, customers: readonly string[]): Promise<Edge[]> {
  const { rows } = await sql<Edge>`
    select advocate, friend from referrals where friend = any(${customers}) and advocate = any(${customers})`.execute(
    tx,
  )
  return rows
}

/** Judges a referral and keeps the judgement under its key; asked again it answers the first. Call it with the advocate locked. */
export async function judgeIn(
  tx: Tx,
  { key, run, referral, now }: { key: string; run: string; referral: Referral; now: number },
): Promise<Judgement & { replayed: boolean }> {
  const { rows: before } = await sql<Judgement>`
    select outcome, points, rules from risk_judgements where key = ${key}`.execute(tx)
  if (before[0]) return { ...before[0], replayed: true }
  const facts = await riskFacts(tx, referral)
  const judgement = judge(facts, await exemptionsOf(tx, referral))
  await sql`
    insert into risk_judgements (key, friend, advocate, enrolment, outcome, points, rules, facts, at)
    values (${key}, ${referral.friend}, ${referral.advocate}, ${run}, ${judgement.outcome}, ${judgement.points},
            ${JSON.stringify(judgement.rules)}, ${JSON.stringify(facts)}, ${at(now)})
  `.execute(tx)
  return { ...judgement, replayed: false }
}

async function exemptionsOf(tx: Tx, { friend, advocate }: Referral): Promise<Set<string>> {
  const { rows } = await sql<{ rule: string }>`
    select rule from risk_exemptions where advocate = ${advocate} and friend in (${friend}, '*')`.execute(tx)
  return new Set(rows.map(({ rule }) => rule))
}

/** The newest judgement of a referral. */
export async function lastJudgement(db: Db, friend: string): Promise<Judgement | undefined> {
  const { rows } = await sql<Judgement>`
    select outcome, points, rules from risk_judgements where friend = ${friend} order by id desc limit 1`.execute(db)
  return rows[0]
}

/** A reviewer has approved what these rules spoke against: they count no more for the two, or for all friends of the advocate. */
export async function exempt(
  tx: Tx,
  { friend, advocate }: Referral,
  { rules, all, by, now }: { rules: readonly Fired[]; all: boolean; by: string; now: number },
): Promise<void> {
  await sql`
    insert into risk_exemptions (advocate, friend, rule, by, at)
    select ${advocate}, ${all ? '*' : friend}, rule, ${by}, ${at(now)} from unnest(${rules.map(({ rule }) => rule)}::text[]) rule
    on conflict do nothing
  `.execute(tx)
}
