/** How runs ended and what became of them, recorded once each. */
import { sql } from 'kysely'
import { type Db, inTransaction } from './db.ts'
import { endRuns, lockRun } from './enrolments.ts'

/** Ends a run whose story is over, unless the inbox or an operator ended it first. */
export async function finishRun(
  db: Db,
  { run, status, reason, now }: { run: string; status: 'completed' | 'exited' | 'failed'; reason: string; now: number },
): Promise<void> {
  await inTransaction(db, async (tx) => {
    // Behind the customer's lock like every end, so that no wait is opened beside it.
    await lockRun(tx, run)
    await endRuns(tx, [run], { status, reason, now })
  })
}

export interface ArmOutcome {
  journey: string
  arm: 'treated' | 'holdout'
  runs: number
  converted: number
}

/** Conversions by arm, as assigned: whoever entered an arm counts in it, whatever became of the run. */
export async function armOutcomes(db: Db, journey?: string): Promise<ArmOutcome[]> {
  const { rows } = await sql<ArmOutcome>`
    select e.journey, e.arm, count(*) as runs, count(o.enrolment) as converted
    from enrolments e left join outcomes o on o.enrolment = e.id and o.kind = 'converted'
    where ${journey ?? null}::text is null or e.journey = ${journey ?? null}
    group by e.journey, e.arm order by e.journey, e.arm desc
  `.execute(db)
  return rows
}
