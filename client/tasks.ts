/** The door to what people of the shop are to do for a customer, whoever stands at it: HTTP, the CLI, a shop's own program. */
import type { Clock } from '../domain/tempo.ts'
import type { Db } from '../store/db.ts'
import { type ReviewAnswer, type ReviewLine, type TaskResult, decideReview, openReviews } from '../store/reviews.ts'

export interface TaskParts {
  db: Db
  clock: Clock
}

export type TaskLine = Pick<ReviewLine, 'id' | 'note' | 'journey' | 'customer' | 'occasion' | 'run'> & {
  task: string
  openedAt: Date
  deadline: Date
}

export interface TaskDone {
  id: number
  result: TaskResult
  by: string
  note: string
}

export type TaskAnswer =
  { ok: true; id: number; result: TaskResult; by: string; replayed: boolean } | Extract<ReviewAnswer, { ok: false }>

/** What is to be done, the most urgent first. */
export async function listTasks({ db, clock }: TaskParts): Promise<TaskLine[]> {
  const lines = await openReviews(db, { kind: 'task', now: clock.now() })
  return lines.map(({ topic: task, id, note, journey, customer, occasion, run, openedAt, deadline }) => ({
    id,
    task,
    note,
    journey,
    customer,
    occasion,
    run,
    openedAt,
    deadline,
  }))
}

/** Says that a task is done or cannot be, or answers why that is no longer possible. Throws TASK_UNKNOWN. */
export async function answerTask({ db, clock }: TaskParts, { id, result, by, note }: TaskDone): Promise<TaskAnswer> {
  const said = { id, decision: result, by, reason: note, remember: false, now: () => clock.now() }
  const answer = await decideReview(db, said)
  if (!answer.ok) return answer
  const { ok, replayed } = answer
  return { ok, id, result: answer.decision, by: answer.by, replayed }
}
