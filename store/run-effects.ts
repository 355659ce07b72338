/**
 * An effect of a run on what is known of its customer: once under its key, with the line in the decision log as the row that makes
 * it once. No money: what is paid has rows of its own.
 */
import { sql } from 'kysely'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { type Db, type Tx, inTransaction } from './db.ts'
import { type Decision, decide } from './decisions.ts'
import { type RunState, holdRun, lockRun } from './enrolments.ts'

export interface RunEffect {
  key: string
  run: string
  about: Decision['about']
  /** Read behind the customer's lock. */
  now: () => number
}

/** What came of it, as the log has it: a verdict, or why not. */
export interface Effected {
  verdict: string
  code?: Refusal
  detail: string
}

export type EffectAnswer = { is: 'done' } | { is: 'refused'; code: Refusal } | { is: 'held' }

/**
 * Does an effect of a run that is on, with its customer locked. A pause holds it, the control arm and a run that is over are
 * refused. Asked again under its key it answers the same and does nothing. Throws RUN_UNKNOWN.
 */
export function effectOnce(
  db: Db,
  { key, run: id, about, now: clock }: RunEffect,
  effect: (tx: Tx, run: RunState, now: number) => Promise<Effected>,
): Promise<EffectAnswer> {
  return inTransaction(db, async (tx) => {
    const run = await lockRun(tx, id)
    if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${id}'`, { field: 'run' })
    const { rows } = await sql<{ code: Refusal | null }>`select code from decisions where key = ${key}`.execute(tx)
    const [before] = rows
    if (before) return answerOf(before.code)
    if (run.status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    const now = clock()
    if (run.paused) {
      await holdRun(tx, id, now)
      return { is: 'held' }
    }
    const { journey, customer } = run
    const came: Effected =
      run.arm === 'holdout' ? { verdict: 'refused', code: 'HOLDOUT', detail: about } : await effect(tx, run, now)
    await decide(tx, { key, customer, journey, enrolment: id, about, ...came, now })
    return answerOf(came.code ?? null)
  })
}

const answerOf = (code: Refusal | null): EffectAnswer => (code === null ? { is: 'done' } : { is: 'refused', code })
