/** The decision log: why each person did, or did not, get a journey, a message or a coupon. */
import { sql } from 'kysely'
import type { Refusal } from '../domain/errors.ts'
import { type Db, at } from './db.ts'

export interface Decision {
  /** The decision's own key: the same one made again by a retry is one line. */
  key: string
  customer: string
  journey: string
  enrolment: string | null
  about:
    | 'entry'
    | 'goal'
    | 'exit'
    | 'send'
    | 'coupon'
    | 'points'
    | 'tier'
    | 'wait'
    | 'split'
    | 'referral'
    | 'review'
    | 'task'
    | 'tag'
    | 'consent'
  /** entered, refused, sent, skipped, held, issued …: the word shown to people. */
  verdict: string
  code?: Refusal | null
  detail?: string | null
  now: number
}

export async function decide(db: Db, one: Decision): Promise<void> {
  await sql`
    insert into decisions (key, customer, journey, enrolment, about, verdict, code, detail, at)
    values (${one.key}, ${one.customer}, ${one.journey}, ${one.enrolment}, ${one.about}, ${one.verdict}, ${one.code ?? null},
            ${one.detail ?? null}, ${at(one.now)})
    on conflict (key) do nothing
  `.execute(db)
}

/** The same for many at once. */
export async function decideAll(db: Db, all: readonly Decision[]): Promise<void> {
  if (all.length === 0) return
  const rows = all.map(({ now, ...one }) => ({ ...one, at: at(now) }))
  await sql`
    insert into decisions (key, customer, journey, enrolment, about, verdict, code, detail, at)
    select key, customer, journey, enrolment, about, verdict, code, detail, at from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as one (key text, customer text, journey text, enrolment text, about text, verdict text, code text, detail text, at timestamptz)
    on conflict (key) do nothing
  `.execute(db)
}

export interface DecisionLine {
  at: Date
  journey: string
  enrolment: string | null
  about: string
  verdict: string
  code: Refusal | null
  detail: string | null
}

/** The newest `limit` decisions about a customer, oldest first. */
export async function decisionsOf(db: Db, customer: string, limit = 500): Promise<DecisionLine[]> {
  const { rows } = await sql<DecisionLine>`
    select at, journey, enrolment, about, verdict, code, detail from (
      select * from decisions where customer = ${customer} order by id desc limit ${limit}) newest order by id
  `.execute(db)
  return rows
}
