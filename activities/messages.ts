/** Sending: one gate, one row a key, one call of the provider. */
import type { ChannelName } from '../domain/channel.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import type { Rest } from '../domain/pause.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { type RunState, holdRun, lockRun } from '../store/enrolments.ts'
import { settleCost } from '../store/message-costs.ts'
import { type MessageRow, lockMessage, settleMessage } from '../store/messages.ts'
import { caller, pay } from './calls.ts'
import type { Channel, Outgoing } from './channels/channel.ts'
import { concluder, noteOf, writeConclusions } from './conclusions.ts'
import { learnFate } from './fates.ts'
import { messageGate } from './gate.ts'
import type { Now, Parts, PlanFacts } from './index.ts'

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

type Reserved = { do: 'call'; outgoing: Outgoing; channel: Channel } | { do: 'answer'; result: SendResult }

export function messageActivities(parts: Parts, now: Now) {
  const { db, log } = parts
  const gate = messageGate(parts)
  const conclude = concluder(parts, gate)
  const { call } = caller(parts, now)

  function planOf(run: RunState): PlanFacts {
    const plan = parts.plans.get(run.journey)
    if (!plan) throw new PerennialError('JOURNEY_UNKNOWN', `no journey '${run.journey}'`, { field: 'journey' })
    return plan
  }

  /** Decides and, where the answer is to send, reserves, all in one transaction with the customer locked. */
  async function reserve(tx: Tx, request: SendRequest): Promise<Reserved> {
    const run = await lockRun(tx, request.run)
    if (!run) throw new PerennialError('RUN_UNKNOWN', `no run '${request.run}'`, { field: 'run' })
    // Read behind the lock: what went first is not dated after what it decides.
    const asked = now(request.asked)
    const plan = planOf(run)
    const before = await lockMessage(tx, request.key)
    const settled = before && (await answerBefore(tx, before, run, asked))
    if (settled) return { do: 'answer', result: settled }

    const question = { request, run, plan, before, now: asked }
    const concluded = await conclude(tx, question, await gate.ask(tx, question))
    await writeConclusions(tx, [concluded], asked)
    const { call, result } = concluded
    if (call) return { do: 'call', ...call }
    if (!result) throw new PerennialError('INTERNAL', `nothing was concluded of '${request.key}'`)
    if (result.is === 'held' && result.until === null) {
      await holdRun(tx, request.run, asked, { step: `send ${request.message}`, due: request.rest?.due ?? asked })
    }
    return { do: 'answer', result }
  }

  /** What an earlier attempt under the same key left; undefined where this one may go on. */
  async function answerBefore(tx: Tx, row: MessageRow, run: RunState, asked: number): Promise<SendResult | undefined> {
    if (row.status === 'held' || row.status === 'reserved') return undefined
    if (row.status !== 'sending') return verdictOf(row)
    // The attempt before this one died at the provider. Transactional: at least once. All else: never twice.
    if (row.class === 'transactional') return undefined
    return forsakeIn(tx, row, run, asked)
  }

  /** The run ended, or another attempt went first, before this one could begin: the row says what is to be answered. */
  async function overtaken(request: SendRequest): Promise<SendResult> {
    const again = await inTransaction(db, (tx) => reserve(tx, request))
    if (again.do === 'answer') return again.result
    throw new PerennialError('CHANNEL_TRANSIENT', 'another attempt gave up meanwhile')
  }

  return {
    /** Sends one message, or says why not. Safe to call any number of times with the same key. */
    async sendMessage(request: SendRequest): Promise<SendResult | Moved> {
      await learnFate(parts, request.key, now(request.asked))
      const reserved = await inTransaction(db, (tx) => reserve(tx, request))
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

/** The attempt that had begun it died: nobody knows what became of it. */
async function forsakeIn(tx: Tx, row: MessageRow, run: RunState, asked: number): Promise<SendResult> {
  const code = 'SEND_FATE_UNKNOWN'
  await settleMessage(tx, row.key, { status: 'unknown', began: true, code, now: asked })
  await settleCost(tx, { key: row.key, now: asked })
  const request = { key: row.key, run: row.enrolment, message: row.message }
  await decide(tx, noteOf({ request, run }, { verdict: 'unknown', code, now: asked }))
  return { is: 'unknown', code }
}

/** The same for a message of which nobody else says that it is at work on it; one that was settled meanwhile stays so. */
export function forsaker({ db }: Pick<Parts, 'db'>, now: Now) {
  return ({ key, run, asked }: Pick<SendRequest, 'key' | 'run' | 'asked'>): Promise<void> =>
    inTransaction(db, async (tx) => {
      const state = await lockRun(tx, run)
      const row = await lockMessage(tx, key)
      if (state && row?.status === 'sending') await forsakeIn(tx, row, state, now(asked))
    })
}

/** What a row says that no attempt is at work on; undefined where one is, or will be. */
function verdictOf(row: MessageRow): SendResult | undefined {
  switch (row.status) {
    case 'sending':
    case 'reserved':
      return undefined
    case 'sent':
    case 'accepted':
      return { is: row.status }
    case 'held':
      return { is: 'held', code: row.code ?? 'QUIET_HOURS', until: row.held_until?.getTime() ?? null }
    case 'skipped':
    case 'failed':
    case 'unknown':
      return { is: row.status, code: row.code ?? 'PROVIDER_REFUSED' }
  }
}
