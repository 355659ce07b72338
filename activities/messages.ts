/** Sending: one gate, one row a key, one call of the provider. */
import { createHash } from 'node:crypto'
import { opensAt } from '../domain/calendar.ts'
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import { type SendFacts, gate } from '../domain/sending.ts'
import { unsubscribeLink, wordLinks } from '../domain/links.ts'
import { leaveOf } from '../domain/ready-words.ts'
import { mailWords } from '../domain/sent-words.ts'
import type { Rendered } from '../domain/template.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { type RunState, holdRun, lockRun } from '../store/enrolments.ts'
import {
  type MessageRow,
  type NewMessage,
  beginSending,
  lockMessage,
  recordVerdict,
  sendFacts,
  settleMessage,
} from '../store/messages.ts'
import { recordWords, wordsFor } from '../store/words.ts'
import type { Channel, Outgoing } from './channels/channel.ts'
import type { Now, Parts, PlanFacts } from './index.ts'

export interface SendRequest {
  /** The effect key; the activity's id as well. */
  key: string
  run: string
  message: string
  /** What the words may name beside the customer, e.g. the coupon. */
  data: Record<string, unknown>
  /** When the step asked, shop time. */
  asked: number
}

export type SendResult =
  | { is: 'sent' }
  /** The provider has it and will say what became of it. */
  | { is: 'accepted' }
  | { is: 'skipped' | 'failed' | 'unknown'; code: Refusal }
  /** `until` null: until the journey is resumed. */
  | { is: 'held'; code: Refusal; until: number | null }

type Reserved = { do: 'call'; outgoing: Outgoing } | { do: 'answer'; result: SendResult }

/** A Message-ID is made from the key, so that every attempt carries the same. */
export function messageIdOf(key: string, publicUrl: string): string {
  return `<${createHash('sha256').update(key).digest('hex').slice(0, 32)}@${new URL(publicUrl).hostname}>`
}

export function messageActivities(parts: Parts, now: Now) {
  const { db, log } = parts
  const channel = mailOf(parts)

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

    const { facts, rendered, unsubscribeUrl, chosen } = await factsFor(tx, request, run, plan, asked)
    const verdict = gate(plan.class, facts)
    const row = newMessage(request, run, plan)
    if (verdict.do === 'send') {
      const words = rendered()
      if (!words.ok || facts.address === null)
        throw new PerennialError('INTERNAL', `the gate let '${request.key}' pass without words`)
      await recordVerdict(tx, row, { status: 'reserved', address: facts.address, now: asked })
      await recordWords(tx, request.key, chosen)
      const outgoing = {
        key: request.key,
        to: facts.address,
        messageId: row.messageId,
        words: words.words,
        class: plan.class,
        locale: chosen.locale,
        unsubscribeUrl,
      }
      return { do: 'call', outgoing }
    }
    const words = /^(TEMPLATE|WORDING)/.test(verdict.code) ? rendered() : undefined
    const detail = words && !words.ok ? words.detail : undefined
    await note(tx, run, request, {
      verdict: verdict.do === 'hold' ? 'held' : 'skipped',
      code: verdict.code,
      detail,
      now: asked,
    })
    if (verdict.do === 'skip') {
      await recordVerdict(tx, row, { status: 'skipped', code: verdict.code, ...(detail && { detail }), now: asked })
      return { do: 'answer', result: { is: 'skipped', code: verdict.code } }
    }
    await recordVerdict(tx, row, { status: 'held', code: verdict.code, until: verdict.until, now: asked })
    if (verdict.until === null) await holdRun(tx, request.run, asked)
    return { do: 'answer', result: { is: 'held', code: verdict.code, until: verdict.until } }
  }

  /** What an earlier attempt under the same key left; undefined where this one may go on. */
  async function answerBefore(tx: Tx, row: MessageRow, run: RunState, asked: number): Promise<SendResult | undefined> {
    if (row.status === 'held' || row.status === 'reserved') return undefined
    if (row.status !== 'sending') return verdictOf(row)
    // The attempt before this one died at the provider. Transactional: at least once. All else: never twice.
    if (row.class === 'transactional') return undefined
    const code = 'SEND_FATE_UNKNOWN'
    await settleMessage(tx, row.key, { status: 'unknown', began: true, code, now: asked })
    const request = { key: row.key, run: row.enrolment, message: row.message }
    await note(tx, run, request, { verdict: 'unknown', code, now: asked })
    return { is: 'unknown', code }
  }

  async function factsFor(tx: Tx, request: SendRequest, run: RunState, plan: PlanFacts, asked: number) {
    const topic = { customer: run.customer, topic: plan.topic, channel: channel.name }
    const row = await sendFacts(tx, { ...topic, since: asked - parts.policy.cap.windowMs, except: request.key })
    if (!row) throw new PerennialError('CUSTOMER_UNKNOWN', `no customer '${run.customer}'`, { field: 'customer' })
    const unsubscribeUrl =
      plan.class === 'transactional' ? undefined : unsubscribeLink(topic, parts)
    const { shopLocale, address } = parts.words ?? {}
    const of = { journey: run.journey, message: request.message, customer: run.customer, shopLocale }
    const chosen = await wordsFor(tx, { ...of, copy: copyOf(plan, request.message) })
    const links = wordLinks({ customer: run.customer, email: row.email, now: asked }, parts)
    const rules = { class: plan.class, unsubscribeUrl, preferencesUrl: links.preferences, address, plan: leaveOf(plan) }
    let words: Rendered | undefined
    const rendered = (): Rendered => {
      const variables = { ...(row.name === null ? {} : { name: row.name }), links, ...request.data }
      words ??= mailWords(chosen, variables, rules)
      return words
    }
    const facts: SendFacts = {
      now: asked,
      run: run.status,
      paused: run.paused,
      consented: row.consented,
      suppressed: row.suppressed,
      arm: run.arm,
      render: () => {
        const result = rendered()
        return result.ok ? undefined : result.code
      },
      opensAt: opensAt(parts.policy.quiet, row.zone ?? parts.policy.shopZone, asked),
      recent: row.recent,
      cap: parts.policy.cap.messages,
      address: row.email,
    }
    return { facts, rendered, chosen, ...(unsubscribeUrl === undefined ? {} : { unsubscribeUrl }) }
  }

  function newMessage(request: SendRequest, run: RunState, plan: PlanFacts): NewMessage {
    return {
      key: request.key,
      enrolment: request.run,
      journey: run.journey,
      message: request.message,
      customer: run.customer,
      channel: channel.name,
      class: plan.class,
      topic: plan.topic,
      messageId: messageIdOf(request.key, parts.publicUrl),
    }
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
  async function call(request: SendRequest, outgoing: Outgoing): Promise<SendResult> {
    let asked = false
    let began = false
    const receipt = await channel.send(outgoing, async () => {
      asked = true
      began = await beginSending(db, request.key, now(request.asked))
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
        if (run && settled)
          await note(tx, run, request, { verdict: status, ...(code && { code, detail: receipt.detail }), now: at })
      })
    }
    switch (receipt.is) {
      case 'sent':
        await settle('sent')
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
        throw new PerennialError('CHANNEL_TRANSIENT', receipt.detail)
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
    async sendMessage(request: SendRequest): Promise<SendResult> {
      const reserved = await inTransaction(db, (tx) => reserve(tx, request))
      const result = reserved.do === 'call' ? await call(request, reserved.outgoing) : reserved.result
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
        if (row) await settleMessage(tx, key, { status, began: status === 'unknown', code, now: now(asked) })
        if (state) await note(tx, state, { key, run, message }, { verdict: status, code, now: now(asked) })
        return { is: status, code }
      })
    },
  }
}

/** The channel of every message until the gate chooses one. */
function mailOf({ channels }: Parts): Channel {
  const mail = channels.get('email')
  if (!mail) throw new PerennialError('INTERNAL', 'the e-mail channel is not there')
  return mail
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

function copyOf(plan: PlanFacts, message: string): PlanFacts['copy'][string] {
  const copy = plan.copy[message]
  if (!copy)
    throw new PerennialError('JOURNEY_INVALID', `'${plan.name}' has no words for '${message}'`, {
      field: `copy.${message}`,
    })
  return copy
}
