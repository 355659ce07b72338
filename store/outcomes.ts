/** How runs ended and what became of them, recorded once each. */
import { sql } from 'kysely'
import { type Db, inTransaction } from './db.ts'
import { endRuns, lockRun } from './enrolments.ts'

export interface RunEnd {
  run: string
  status: 'completed' | 'exited' | 'failed'
  reason: string
  /** Of a failure: the step it came to, and the code of the error. */
  failed?: { step: string | null; code: string | null } | false
  now: number
}

/** Ends a run whose story is over, unless the inbox or an operator ended it first. */
export async function finishRun(db: Db, { run, status, reason, failed, now }: RunEnd): Promise<void> {
  await inTransaction(db, async (tx) => {
    // Behind the customer's lock like every end, so that no wait is opened beside it.
    await lockRun(tx, run)
    const [ended] = await endRuns(tx, [run], { status, reason, now })
    if (!ended || !failed) return
    await sql`update enrolments set step = ${failed.step}, failed_code = ${failed.code} where id = ${run}`.execute(tx)
  })
}

export interface ArmOutcome {
  journey: string
  arm: 'treated' | 'holdout'
  runs: number
  converted: number
}

/**
 * Conversions by arm, as assigned: whoever entered an arm counts in it, whatever became of the run. With `exposed` only runs that
 * came to a message that would have gone out, in both arms alike, and what was converted after that.
 */
export async function armOutcomes(
  db: Db,
  journey?: string,
  { exposed = false }: { exposed?: boolean } = {},
): Promise<ArmOutcome[]> {
  const { rows } = await sql<ArmOutcome>`
    select e.journey, e.arm, count(*) as runs, count(o.enrolment) as converted
    from enrolments e
    left join lateral (select min(at) as at from exposures x where x.enrolment = e.id) seen on true
    left join outcomes o on o.enrolment = e.id and o.kind = 'converted' and (not ${exposed} or o.at >= seen.at)
    where (${journey ?? null}::text is null or e.journey = ${journey ?? null}) and (not ${exposed} or seen.at is not null)
    group by e.journey, e.arm order by e.journey, e.arm desc
  `.execute(db)
  return rows
}
