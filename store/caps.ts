/** What a rule of points may award at most, counted behind the customer's lock. */
import { sql } from 'kysely'
import { solarBirthday } from '../domain/birthday.ts'
import { dayAfter, instantOn, localDate } from '../domain/calendar.ts'
import { type BonusDay, type Cap, type Earning, type PointRule, capsOf, withinCap } from '../domain/points.ts'
import { type Customer, birthdayOf } from './customers.ts'
import { type Tx, at } from './db.ts'

export interface Capped {
  run: string
  customer: string
  journey: string
  rule: string
  terms: PointRule
  /** The customer's own, or the shop's. */
  zone: string
  now: number
}

/** What of the earnings is within every cap of the rule; empty where one is reached. */
export async function cappedEarnings(tx: Tx, of: Capped, earnings: readonly Earning[]): Promise<Earning[]> {
  let kept = [...earnings]
  for (const cap of capsOf(of.terms)) kept = withinCap(kept, cap.points - (await awarded(tx, of, cap)))
  return kept
}

/** What the rule has awarded the customer under a cap so far, bonuses included. What was taken back since counts all the same. */
async function awarded(tx: Tx, { run, customer, journey, rule, zone, now }: Capped, { per }: Cap): Promise<number> {
  const today = localDate(now, zone)
  const [from, to] = [instantOn(today, '00:00', zone), instantOn(dayAfter(today, 1), '00:00', zone)]
  const within =
    per === 'day'
      ? sql`t.at >= ${at(from)} and t.at < ${at(to)}`
      : sql`(r.id = ${run} or e.properties->>'order' = (select b.properties->>'order' from enrolments m
          join events b on b.seq = m.begun_seq where m.id = ${run} and m.begun_by = b.type || ' ' || b.id))`
  const { rows } = await sql<{ amount: number }>`
    select coalesce(sum(l.original), 0)::bigint as amount
    from point_transfers t join point_lots l on l.transfer = t.id join enrolments r on r.id = t.enrolment
    left join events e on e.seq = r.begun_seq and r.begun_by = e.type || ' ' || e.id
    where t.customer = ${customer} and t.kind = 'earn' and r.journey = ${journey}
      and split_part(t.rule, '+', 1) = ${rule} and ${within}
  `.execute(tx)
  return rows[0]?.amount ?? 0
}

/** The day on which a run was entered, for bonuses that are of one day. */
export async function bonusDayOf(tx: Tx, run: string, person: Customer | undefined, zone: string): Promise<BonusDay> {
  const { rows } = await sql<{ entered_at: Date }>`select entered_at from enrolments where id = ${run}`.execute(tx)
  const date = localDate(rows[0]?.entered_at.getTime() ?? 0, zone)
  const birthday = person && birthdayOf(person)
  return { date, birthday: birthday ? solarBirthday(birthday, date) : null }
}
