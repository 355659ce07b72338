/** The edge to Temporal: errors of the catalogue become failures it retries, or not. */
import { ApplicationFailure } from '@temporalio/activity'
import { ApplicationFailureCategory } from '@temporalio/common'
import { type ErrorCode, PerennialError } from '../domain/errors.ts'
import { storeError } from '../store/db.ts'

const TRIED_AGAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'STORE_UNAVAILABLE',
  'CHANNEL_TRANSIENT',
  'TEMPORAL_UNAVAILABLE',
])

function asFailure(error: unknown): unknown {
  const known = storeError(error)
  if (!(known instanceof PerennialError)) return known
  return ApplicationFailure.create({
    type: known.code,
    message: known.message,
    nonRetryable: !TRIED_AGAIN.has(known.code),
    // What is tried again is no alarm: it is counted, not logged as a failure.
    ...(TRIED_AGAIN.has(known.code) && { category: ApplicationFailureCategory.BENIGN }),
    ...(known.retryAfterMs !== undefined && { nextRetryDelay: known.retryAfterMs }),
    cause: known,
  })
}

type Doing = (input: never) => Promise<unknown>

/** The same activities, with errors that Temporal understands. */
export function answering<A extends Record<string, Doing>>(activities: A): A {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      try {
        return await activity(input)
      } catch (error) {
        throw asFailure(error)
      }
    },
  ])
  return Object.fromEntries(wrapped) as A
}
