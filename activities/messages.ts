/** Sending: one gate, one row a key, one call of the provider. */
import type { ChannelName } from '../domain/channel.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import type { Rest } from '../domain/pause.ts'
import { inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { lockRun } from '../store/enrolments.ts'
import { lockMessage, settleMessage } from '../store/messages.ts'
import { verdictOf } from './attempts.ts'
import { caller, pay } from './calls.ts'
import { noteOf } from './conclusions.ts'
import { learnFate } from './fates.ts'
import type { Now, Parts } from './index.ts'
import { type Reserved, reserver } from './reservations.ts'
import { together } from './together.ts'

export { messageIdOf } from './gate.ts'

export interface SendRequest {
  /** The effect key; the activity's id as well. */
  key: string
  run: string
  message: string
  /** What the words may name beside the customer, e.g. the coupon. */
  data: Record<string, unknown>
  /** From when on it is no news any more, shop time; what is held or tried again until then is skipped. */
  until?: number
  /** When the step asked, shop time. */
  asked: number
  /** The rest of the story before it. */
  rest?: Rest
  /** The run goes on from another; what that sent is not sent again. */
  kept?: true
}

export type SendResult =
  | { is: 'sent' }
  /** The provider has it and will say what became of it. */
  | { is: 'accepted' }
  | { is: 'skipped' | 'failed' | 'unknown'; code: Refusal }
  /** `until` null: until the journey is resumed. */
  | { is: 'held'; code: Refusal; until: number | null }

/** Nothing was sent: it is for the queue of another channel. Only the workflow's host sees it, which asks there. */
export interface Moved {
  is: 'moved'
  to: ChannelName
}

/** A crowd is decided this much later, by half as many transactions: its messages wait for a connection to the provider anyway. */
const GATHER_MS = 10

export function messageActivities(parts: Parts, now: Now) {
  const { db, log } = parts
  const { reserve, reserveAll } = reserver(parts, now)
  const { call } = caller(parts, now)

  async function reserveAlone(request: SendRequest): Promise<Reserved> {
    await learnFate(parts, request.key, now(request.asked))
    return inTransaction(db, (tx) => reserve(tx, request))
  }

  const reserveTogether = together({
    all: (page: readonly SendRequest[]) => inTransaction(db, (tx) => reserveAll(tx, page)),
    alone: reserveAlone,
    // The caps must count the first before the second is asked for.
    apartBy: ({ run }) => partsOfRun(run).customer,
    gatherMs: GATHER_MS,
  })

  /** The run ended, or another attempt went first, before this one could begin: the row says what is to be answered. */
  async function overtaken(request: SendRequest): Promise<SendResult> {
    const again = await inTransaction(db, (tx) => reserve(tx, request))
    if (again.do === 'answer') return again.result
    throw new PerennialError('CHANNEL_TRANSIENT', 'another attempt gave up meanwhile')
  }

  return {
    /** Sends one message, or says why not. Safe to call any number of times with the same key. */
    async sendMessage(request: SendRequest): Promise<SendResult | Moved> {
      const reserved = await reserveTogether(request)
      if (reserved.do === 'call' && parts.at !== undefined && parts.at !== reserved.channel.name) {
        return { is: 'moved', to: reserved.channel.name }
      }
      const called = reserved.do === 'call' ? await call(request, reserved) : reserved.result
      const result = called ?? (await overtaken(request))
      const { journey, customer } = partsOfRun(request.run)
      log({
        effect: 'send',
        journey,
        customer,
        key: request.key,
        result: result.is,
        code: 'code' in result ? result.code : undefined,
      })
      return result
    },

    /** Gives up a send whose provider could not be reached in the time it was good for; what was decided by then stays so. */
    async expireMessage({ key, run, message, asked }: Omit<SendRequest, 'data'>): Promise<SendResult> {
      const code = 'SEND_EXPIRED'
      return inTransaction(db, async (tx) => {
        const state = await lockRun(tx, run)
        const row = await lockMessage(tx, key)
        const verdict = row && verdictOf(row)
        if (verdict) return verdict
        const status = row?.status === 'sending' ? 'unknown' : 'failed'
        if (row) {
          await settleMessage(tx, key, { status, began: status === 'unknown', code, now: now(asked) })
          await pay(tx, key, { status, now: now(asked) })
        }
        if (state)
          await decide(
            tx,
            noteOf({ request: { key, run, message }, run: state }, { verdict: status, code, now: now(asked) }),
          )
        return { is: status, code }
      })
    },
  }
}
