/** The door for events, whoever brings them: the HTTP route, a test, a shop's own program in this process. */
import { type EventsAnswer, type EventRead, idOf, readEvent, rejection } from '../domain/contracts/event.ts'
import { PerennialError, type Problem, problemOf } from '../domain/errors.ts'
import { identitiesOf } from '../domain/identity.ts'
import { customerOf } from './consent.ts'
import type { Routing } from '../domain/journey.ts'
import type { Clock } from '../domain/tempo.ts'
import { type Db, storeError } from '../store/db.ts'
import { acceptEvent } from '../store/events.ts'
import { rejectEvent } from '../store/rejected-events.ts'

export interface EventsParts {
  db: Db
  plans: readonly Routing[]
  clock: Clock
  /** What customers' identities are hashed with. */
  secret: string
}

export const BATCH_MOST = 500
/** Customers whose events are stored at once; below the store's connections, so that others get theirs. */
const AT_ONCE = 8

/**
 * Takes one event, an array of them or {batch: [...]} (what else the envelope holds is not read). One event alone throws
 * EVENT_INVALID or EVENT_ID_REUSED where it is bad. In a batch the good ones are kept, in their order for each customer, and
 * the bad ones are named in the answer; either way a bad one is stored as rejected. Throws REQUEST_MALFORMED,
 * BATCH_TOO_LARGE and STORE_UNAVAILABLE: send the whole again, what was stored by then is dropped as a double.
 */
export async function acceptEvents(parts: EventsParts, body: unknown): Promise<EventsAnswer> {
  const batch = batchOf(body)
  try {
    return batch ? await acceptBatch(parts, batch) : await acceptAlone(parts, body)
  } catch (error) {
    throw storeError(error)
  }
}

function batchOf(body: unknown): readonly unknown[] | undefined {
  const enveloped = body !== null && typeof body === 'object' && !Array.isArray(body) && 'batch' in body
  const batch = enveloped ? body.batch : body
  if (!Array.isArray(batch)) {
    if (!enveloped) return undefined
    const expected = 'an array of events'
    throw new PerennialError('REQUEST_MALFORMED', `batch: expected ${expected}`, { field: 'batch', expected })
  }
  if (batch.length > BATCH_MOST) {
    throw new PerennialError('BATCH_TOO_LARGE', `${batch.length} events in one batch`, {
      field: 'batch',
      expected: `at most ${BATCH_MOST}`,
    })
  }
  return batch
}

async function acceptAlone(parts: EventsParts, body: unknown): Promise<EventsAnswer> {
  try {
    const outcome = await store(parts, readEvent(body))
    return { accepted: outcome === 'stored' ? 1 : 0, duplicates: outcome === 'stored' ? 0 : 1, rejected: [] }
  } catch (error) {
    if (!isBadEvent(error)) throw error
    try {
      await keepRejected(parts, problemOf(error), body)
    } catch (failure) {
      // The sender learns what is wrong all the same; only the copy for the operators is missing.
      if (!isStoreUnavailable(storeError(failure))) throw failure
    }
    throw error
  }
}

async function acceptBatch(parts: EventsParts, batch: readonly unknown[]): Promise<EventsAnswer> {
  const answer: EventsAnswer = { accepted: 0, duplicates: 0, rejected: [] }
  const reject = (index: number, error: PerennialError): void => {
    answer.rejected.push(rejection(error, index, batch[index]))
  }
  const byCustomer = new Map<string, { index: number; event: EventRead }[]>()
  for (const [index, body] of batch.entries()) {
    try {
      const event = readEvent(body)
      const line = byCustomer.get(event.customer.id)
      if (line) line.push({ index, event })
      else byCustomer.set(event.customer.id, [{ index, event }])
    } catch (error) {
      if (!isBadEvent(error)) throw error
      reject(index, error)
    }
  }
  await eachAtOnce([...byCustomer.values()], async (line, stopped) => {
    for (const { index, event } of line) {
      if (stopped()) return
      try {
        if ((await store(parts, event)) === 'stored') answer.accepted += 1
        else answer.duplicates += 1
      } catch (error) {
        if (!isBadEvent(error)) throw error
        reject(index, error)
      }
    }
  })
  answer.rejected.sort((a, b) => a.index - b.index)
  // Last, so that a batch that has to be sent again does not leave its bad ones twice.
  for (const { index, id: _id, ...problem } of answer.rejected) await keepRejected(parts, problem, batch[index])
  return answer
}

function store({ db, plans, clock, secret }: EventsParts, event: EventRead): Promise<'stored' | 'duplicate'> {
  // A device, a card and a postal address are kept as hashes alone.
  const { device, payment, address, ...customer } = { ...NOTHING, ...event.customer }
  const identities = identitiesOf({ ...customer, device, payment, address }, secret)
  const at = event.at === undefined ? null : Date.parse(event.at)
  const told = customerOf(customer, secret)
  return acceptEvent(db, { ...event, customer: told, at }, { plans, now: () => clock.now(), identities })
}

const NOTHING = { device: undefined, payment: undefined, address: undefined, email: undefined, phone: undefined }

function keepRejected({ db, clock }: EventsParts, problem: Problem, body: unknown): Promise<void> {
  return rejectEvent(db, { id: idOf(body), problem, body: writable(body), now: clock.now() })
}

/** JSON that is nested too deep to be written is not kept word for word. */
function writable(body: unknown): unknown {
  try {
    JSON.stringify(body)
    return body
  } catch (error) {
    return error instanceof Error ? `(not kept: ${error.message})` : null
  }
}

/** Errors of the event itself; all others are about the server and end a batch. */
export function isBadEvent(error: unknown): error is PerennialError {
  return error instanceof PerennialError && (error.code === 'EVENT_INVALID' || error.code === 'EVENT_ID_REUSED')
}

function isStoreUnavailable(error: unknown): boolean {
  return error instanceof PerennialError && error.code === 'STORE_UNAVAILABLE'
}

/** Works through `items`, AT_ONCE at a time. The first failure stops the others after what they have in hand, and is thrown. */
async function eachAtOnce<T>(
  items: readonly T[],
  work: (item: T, stopped: () => boolean) => Promise<void>,
): Promise<void> {
  const left = items.values()
  let failure: { error: unknown } | undefined
  const stopped = (): boolean => failure !== undefined
  const worker = async (): Promise<void> => {
    for (const item of left) {
      if (stopped()) return
      try {
        await work(item, stopped)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  if (failure) throw failure.error
}
