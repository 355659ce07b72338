/** Sending: one gate, one row a key, one call of the provider. */
import type { ChannelName } from '../domain/channel.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import type { Rest } from '../domain/pause.ts'
import { suppress } from '../store/customers.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { type RunState, holdRun, lockRun } from '../store/enrolments.ts'
import { noteCost } from '../store/fates.ts'
import {
  type MessageRow,
  beginSending,
  lockMessage,
  recordVerdict,
  settleMessage,
  settleSent,
} from '../store/messages.ts'
import { holdCost, releaseCost, settleCost } from '../store/message-costs.ts'
import { recordWords } from '../store/words.ts'
import type { Channel, Outgoing, Receipt } from './channels/channel.ts'
import { learnFate } from './fates.ts'
import { messageGate, minorOf } from './gate.ts'
import type { Now, Parts, PlanFacts } from './index.ts'
import { overQuota } from './quotas.ts'

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
    const { verdict, row, chosen, outgoing, channel, detail, purse, cost = 0 } = await gate.ask(tx, question)
    const { exposed } = verdict
    if (outgoing && channel) {
      const full = await overQuota(tx, parts.quotas, { channel, key: request.key, now: asked })
      if (full !== undefined) {
        const code = 'PROVIDER_QUOTA'
        await note(tx, run, request, { verdict: 'held', code, now: asked })
        await recordVerdict(tx, row, { status: 'held', code, until: full, now: asked })
        return { do: 'answer', result: { is: 'held', code, until: full } }
      }
      const of = { key: request.key, journey: run.journey, enrolment: request.run, customer: run.customer }
      if (purse) await holdCost(tx, purse, { ...of, cost, now: asked })
      await recordVerdict(tx, row, { status: 'reserved', address: outgoing.to, exposed, now: asked })
      await recordWords(tx, request.key, chosen)
      return { do: 'call', outgoing, channel }
    }
    if (verdict.do === 'send') throw new PerennialError('INTERNAL', `the gate let '${request.key}' pass without words`)
    const { code } = verdict
    const said = { code, exposed, now: asked, ...(detail && { detail }) }
    await note(tx, run, request, { ...said, verdict: verdict.do === 'hold' ? 'held' : 'skipped' })
    if (verdict.do === 'skip') {
      if (purse && purse.held > 0) await releaseCost(tx, { key: request.key, now: asked })
      await recordVerdict(tx, row, { ...said, status: 'skipped' })
      return { do: 'answer', result: { is: 'skipped', code } }
    }
    const until = await gate.heldUntil(tx, question, verdict)
    const bid = verdict.since !== undefined && {
      at: verdict.since,
      until: before?.bid_until?.getTime() ?? until ?? asked,
    }
    await recordVerdict(tx, row, { ...said, status: 'held', until, ...(bid && { bid }) })
    if (until === null) {
      await holdRun(tx, request.run, asked, { step: `send ${request.message}`, due: request.rest?.due ?? asked })
    }
    return { do: 'answer', result: { is: 'held', code, until } }
  }

  /** What an earlier attempt under the same key left; undefined where this one may go on. */
  async function answerBefore(tx: Tx, row: MessageRow, run: RunState, asked: number): Promise<SendResult | undefined> {
    if (row.status === 'held' || row.status === 'reserved') return undefined
    if (row.status !== 'sending') return verdictOf(row)
    // The attempt before this one died at the provider. Transactional: at least once. All else: never twice.
    if (row.class === 'transactional') return undefined
    const code = 'SEND_FATE_UNKNOWN'
    await settleMessage(tx, row.key, { status: 'unknown', began: true, code, now: asked })
    await settleCost(tx, { key: row.key, now: asked })
    const request = { key: row.key, run: row.enrolment, message: row.message }
    await note(tx, run, request, { verdict: 'unknown', code, now: asked })
    return { is: 'unknown', code }
  }

  function note(
    tx: Tx,
    run: RunState,
    request: Pick<SendRequest, 'key' | 'run' | 'message'>,
    said: { verdict: string; code?: Refusal; detail?: string | undefined; now: number },
  ): Promise<void> {
    return decide(tx, {
      key: `${request.key}/${said.verdict}/${said.code ?? ''}`,
      customer: run.customer,
      journey: run.journey,
      enrolment: request.run,
      about: 'send',
      verdict: said.verdict,
      code: said.code ?? null,
      detail: said.detail ? `${request.message}: ${said.detail}` : request.message,
      now: said.now,
    })
  }

  /** Calls the provider and writes what came of it. Throws CHANNEL_TRANSIENT to be called again. */
  async function call(request: SendRequest, outgoing: Outgoing, channel: Channel): Promise<SendResult> {
    let asked = false
    let began = false
    const receipt = await channel.send(outgoing, async () => {
      asked = true
      began = await beginSending(db, request.key, now(request.asked), channel.provider)
      return began
    })
    if (asked && !began) return overtaken(request)
    const settle = async (
      status: 'sent' | 'accepted' | 'reserved' | 'unknown' | 'failed',
      code?: Refusal,
    ): Promise<void> => {
      const at = now(request.asked)
      await inTransaction(db, async (tx) => {
        // The customer before the message, as the gate locks them; the other way round two attempts could lock each other out.
        const run = status === 'reserved' ? undefined : await lockRun(tx, request.run)
        const { detail, providerId } = receipt
        const outcome = { status, began, ...(code && { code }), ...(providerId && { providerId }), detail, now: at }
        const settled = await settleMessage(tx, request.key, outcome)
        await noteCost(tx, request.key, receipt)
        if (channel.costOf) await pay(tx, request.key, { status, cost: receipt.cost, now: at })
        if (receipt.deadAddress) {
          await suppress(tx, { channel: channel.name, address: outgoing.to, reason: 'refused', now: at })
        }
        if (run && settled)
          await note(tx, run, request, { verdict: status, ...(code && { code, detail: receipt.detail }), now: at })
      })
    }
    switch (receipt.is) {
      case 'sent':
        if (plain(receipt) && !channel.costOf)
          await settleSent(db, request.key, { ...receipt, now: now(request.asked) })
        else await settle('sent')
        return { is: 'sent' }
      case 'accepted':
        await settle('accepted')
        return { is: 'accepted' }
      case 'refused':
        await settle('failed', 'PROVIDER_REFUSED')
        return { is: 'failed', code: 'PROVIDER_REFUSED' }
      case 'unknown':
        await settle('unknown', 'SEND_FATE_UNKNOWN')
        return { is: 'unknown', code: 'SEND_FATE_UNKNOWN' }
      case 'transient':
        await settle('reserved')
        throw new PerennialError('CHANNEL_TRANSIENT', receipt.detail, { retryAfterMs: receipt.retryAfterMs })
    }
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
      const result = reserved.do === 'call' ? await call(request, reserved.outgoing, reserved.channel) : reserved.result
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
        if (state) await note(tx, state, { key, run, message }, { verdict: status, code, now: now(asked) })
        return { is: status, code }
      })
    },
  }
}

/** A provider that has a message, or may have it, is paid for it; one that will be asked again still holds its money. */
async function pay(
  tx: Tx,
  key: string,
  { status, cost, now }: { status: string; cost?: number | undefined; now: number },
): Promise<void> {
  if (status === 'failed') await releaseCost(tx, { key, now })
  else if (status !== 'reserved') await settleCost(tx, { key, ...(cost !== undefined && { cost: minorOf(cost) }), now })
}

/** Nothing has to be written but that it was sent. */
const plain = (receipt: Receipt): boolean =>
  Object.keys(receipt).every((field) => ['is', 'detail', 'providerId'].includes(field))

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
