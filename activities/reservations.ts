/**
 * Asking the gate about single messages and writing what it says, in one transaction with the customer locked: one message by
 * itself, or a page of those that come together. Nobody in a page waits for another's customer, shares another's counter or hears
 * of another's failure: who would is left out of it and asked alone.
 */
import { PerennialError } from '../domain/errors.ts'
import type { Tx } from '../store/db.ts'
import { type RunInPage, type RunState, holdRun, lockRun, lockRuns } from '../store/enrolments.ts'
import { lockMessage } from '../store/messages.ts'
import { answerBefore, verdictOf } from './attempts.ts'
import type { Channel, Outgoing } from './channels/channel.ts'
import { type Conclusion, concluder, writeConclusions } from './conclusions.ts'
import { type Answer, type GateQuestion, messageGate } from './gate.ts'
import type { Now, Parts, PlanFacts } from './index.ts'
import type { SendRequest, SendResult } from './messages.ts'
import { pageReader } from './page-reads.ts'

export type Reserved = { do: 'call'; outgoing: Outgoing; channel: Channel } | { do: 'answer'; result: SendResult }

/** One of a page that the gate is asked about. */
interface Asked {
  question: GateQuestion
  reader: RunInPage
}

export function reserver(parts: Parts, now: Now) {
  const gate = messageGate(parts)
  const conclude = concluder(parts, gate)
  const readAll = pageReader(gate)

  function planOf(run: RunState): PlanFacts {
    const plan = parts.plans.get(run.journey)
    if (!plan) throw new PerennialError('JOURNEY_UNKNOWN', `no journey '${run.journey}'`, { field: 'journey' })
    return plan
  }

  /** One by itself, whatever it needs. */
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
    await writeConclusions(tx, [concluded])
    return reservedBy(tx, question, concluded)
  }

  /** A page of them; who is not among the answers is to be asked alone. */
  async function reserveAll(tx: Tx, requests: readonly SendRequest[]): Promise<ReadonlyMap<SendRequest, Reserved>> {
    const runs = new Map((await lockRuns(tx, requests)).map((one) => [one.run, one]))
    const reserved = new Map<SendRequest, Reserved>()
    const asked: Asked[] = []
    for (const request of requests) {
      const run = runs.get(request.run)
      const settled = run?.before && run.before.status !== 'held' ? verdictOf(run.before) : undefined
      if (settled) reserved.set(request, { do: 'answer', result: settled })
      else if (run && run.before?.status !== 'sending') asked.push(...askedOf(request, run))
    }
    const concluded = await concludeAll(tx, asked)
    await writeConclusions(tx, [...concluded.values()])
    for (const [question, conclusion] of concluded) {
      reserved.set(question.request, await reservedBy(tx, question, conclusion))
    }
    return reserved
  }

  /** Nobody where its plan, its words or its budget have more to say than a page can hear. */
  function askedOf(request: SendRequest, run: RunInPage): Asked[] {
    const plan = parts.plans.get(run.journey)
    if (!plan?.copy[request.message] || gate.isPaid({ request, plan })) return []
    return [{ question: { request, run, plan, before: run.before, now: now(request.asked) }, reader: run }]
  }

  async function concludeAll(tx: Tx, asked: readonly Asked[]): Promise<Map<GateQuestion, Conclusion>> {
    const concluded = new Map<GateQuestion, Conclusion>()
    const read = await readAll(
      tx,
      asked.map(({ question }) => question),
      asked.map(({ reader }) => reader),
    )
    for (const [index, { question }] of asked.entries()) {
      const known = read[index]
      const answer = known && (await gate.decide(tx, question, known).catch(() => undefined))
      if (answer && !counts(question, answer)) concluded.set(question, await conclude(tx, question, answer))
    }
    return concluded
  }

  /** Whether it takes a place of which there are so many for all: two pages that take several could wait for each other. */
  const counts = ({ run }: GateQuestion, { verdict, channel }: Answer): boolean =>
    verdict.do === 'hold'
      ? verdict.code === 'QUIET_HOURS' && run.arm !== 'holdout'
      : channel !== undefined && (parts.quotas?.has(channel.provider) ?? false)

  async function reservedBy(
    tx: Tx,
    { request, now: asked }: GateQuestion,
    { call, result }: Conclusion,
  ): Promise<Reserved> {
    if (call) return { do: 'call', ...call }
    if (!result) throw new PerennialError('INTERNAL', `nothing was concluded of '${request.key}'`)
    if (result.is === 'held' && result.until === null) {
      await holdRun(tx, request.run, asked, { step: `send ${request.message}`, due: request.rest?.due ?? asked })
    }
    return { do: 'answer', result }
  }

  return { reserve, reserveAll }
}
