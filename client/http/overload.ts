/** How much may be on its way before senders are asked to wait. What is refused was not taken, so nothing is lost. */
import type { FastifyRequest } from 'fastify'
import type { Db } from '../../store/db.ts'
import { dispatchBacklog } from '../../store/dispatch.ts'
import { Overloaded } from './answers.ts'

export interface Limits {
  /** Event requests in hand at once; 64 unless told. */
  inFlight?: number
  /** Rows of the outbox that may wait for Temporal; 50,000 unless told. */
  backlog?: number
}

export interface Overload {
  /** Takes a place for a request, or throws OVERLOADED, or STORE_UNAVAILABLE where the outbox cannot be read. */
  enter(request: FastifyRequest): Promise<void>
  /** Does the work of a request; its place is kept until that ends, even if the sender has hung up. */
  during<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T>
  /** Gives the place back, unless work goes on. Called again it does nothing. */
  leave(request: FastifyRequest): void
}

const LOOKS_EVERY_MS = 1_000
const BRIEFLY = 1
const A_WHILE = 5

export function guardOverload(db: Db, { inFlight = 64, backlog = 50_000 }: Limits = {}): Overload {
  const inside = new Set<FastifyRequest>()
  const working = new Set<FastifyRequest>()
  const waiting = everySecond(async () => (await dispatchBacklog(db)).waiting)
  return {
    async enter(request) {
      if (inside.size >= inFlight) throw new Overloaded(`${inside.size} requests are in hand`, BRIEFLY)
      inside.add(request)
      const rows = await waiting()
      if (rows >= backlog) throw new Overloaded('Temporal has not been told of enough events yet', A_WHILE)
    },
    async during(request, work) {
      working.add(request)
      try {
        return await work()
      } finally {
        working.delete(request)
        inside.delete(request)
      }
    },
    leave(request) {
      if (!working.has(request)) inside.delete(request)
    },
  }
}

/** Looks at most once a second, by the machine's clock; all who ask meanwhile share the answer. A failure is not kept. */
function everySecond<T>(look: () => Promise<T>): () => Promise<T> {
  let seen: { at: number; answer: Promise<T> } | undefined
  return () => {
    const now = performance.now()
    if (seen && now - seen.at < LOOKS_EVERY_MS) return seen.answer
    const answer = look()
    const mine = { at: now, answer }
    seen = mine
    answer.catch(() => {
      if (seen === mine) seen = undefined
    })
    return answer
  }
}
