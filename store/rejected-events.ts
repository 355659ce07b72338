/** Events of a batch that were refused, kept for the shop's engineers. */
import { sql } from 'kysely'
import type { Problem } from '../domain/errors.ts'
import { type Db, at } from './db.ts'

const BODY_KEPT = 10_000

/** Keeps a bad event of a batch with its reason, for the shop's engineers. */
export async function rejectEvent(
  db: Db,
  { id, problem, body, now }: { id: string | null; problem: Problem; body: unknown; now: number },
): Promise<void> {
  await sql`
    insert into rejected_events (id, code, message, field, expected, body, received_at)
    values (${id}, ${problem.code}, ${problem.message}, ${problem.field ?? null}, ${problem.expected ?? null},
            ${(JSON.stringify(body) ?? '').replaceAll('\\u0000', '').slice(0, BODY_KEPT)}, ${at(now)})
  `.execute(db)
}

export interface RejectedEvent {
  id: string | null
  code: string
  message: string
  field: string | null
  expected: string | null
  body: string
  received_at: Date
}

export async function rejectedEvents(db: Db, limit: number): Promise<RejectedEvent[]> {
  const { rows } = await sql<RejectedEvent>`
    select id, code, message, field, expected, body, received_at from rejected_events order by seq desc limit ${limit}
  `.execute(db)
  return rows
}
