/** Who steered which journey or run, and when. */
import { sql } from 'kysely'
import { type Db, at } from './db.ts'

export type SteeringWord = 'pause' | 'resume' | 'stop' | 'migrate' | 'retry'

export interface SteeringEntry {
  word: SteeringWord
  journey: string
  /** Where it is about one run. */
  enrolment?: string
  by: string
  now: number
  detail?: object
}

export async function logSteering(db: Db, one: SteeringEntry): Promise<void> {
  await sql`
    insert into steering_log (at, by, word, journey, enrolment, detail)
    values (${at(one.now)}, ${one.by}, ${one.word}, ${one.journey}, ${one.enrolment ?? null}, ${JSON.stringify(one.detail ?? {})}::jsonb)
  `.execute(db)
}

export interface SteeringLine {
  at: Date
  by: string
  word: SteeringWord
  journey: string
  enrolment: string | null
  detail: Record<string, unknown>
}

/** What was done to a journey as a whole, to one run, or to the runs of a customer; the newest first. */
export async function steeringOf(
  db: Db,
  of: { journey?: string; enrolment?: string; customer?: string },
  limit: number,
): Promise<SteeringLine[]> {
  const { rows } = await sql<SteeringLine>`
    select s.at, s.by, s.word, s.journey, s.enrolment, s.detail from steering_log s
    left join enrolments e on e.id = s.enrolment
    where (${of.journey ?? null}::text is null or (s.journey = ${of.journey ?? null} and s.enrolment is null))
      and (${of.enrolment ?? null}::text is null or s.enrolment = ${of.enrolment ?? null})
      and (${of.customer ?? null}::text is null or e.customer = ${of.customer ?? null})
    order by s.id desc limit ${limit}
  `.execute(db)
  return rows
}
