/** What follows from the gate's answer about one message: what is held for it, what is written, what the run is told. */
import { PerennialError, type Refusal } from '../domain/errors.ts'
import type { Tx } from '../store/db.ts'
import { type Decision, decideAll } from '../store/decisions.ts'
import { holdCost, releaseCost } from '../store/message-costs.ts'
import { type NewMessage, type WrittenVerdict, recordVerdicts } from '../store/messages.ts'
import type { Channel, Outgoing } from './channels/channel.ts'
import type { Answer, GateQuestion, messageGate } from './gate.ts'
import type { Parts } from './index.ts'
import type { SendResult } from './messages.ts'
import { overQuota } from './quotas.ts'

export interface Conclusion {
  row: NewMessage
  verdict: WrittenVerdict
  note?: Decision
  /** Where it is reserved: what is to be sent, and by whom. */
  call?: { outgoing: Outgoing; channel: Channel }
  /** Where it is not. */
  result?: { is: 'skipped'; code: Refusal } | Extract<SendResult, { is: 'held' }>
}

export function concluder(parts: Parts, { heldUntil }: Pick<ReturnType<typeof messageGate>, 'heldUntil'>) {
  /** Holds the money and takes the places that the answer needs. Nothing of the message itself is written yet. */
  return async function conclude(tx: Tx, question: GateQuestion, answer: Answer): Promise<Conclusion> {
    const { request, run, before, now } = question
    const { verdict, row, outgoing, channel, purse, cost = 0, detail, chosen } = answer
    if (outgoing && channel) {
      const full = await overQuota(tx, parts.quotas, { channel, key: request.key, now })
      if (full !== undefined) return held(question, row, { code: 'PROVIDER_QUOTA', until: full, now })
      const of = { key: request.key, journey: run.journey, enrolment: request.run, customer: run.customer }
      if (purse) await holdCost(tx, purse, { ...of, cost, now })
      const { locale, version } = chosen
      const words = { locale, version }
      return {
        row,
        verdict: { status: 'reserved', address: outgoing.to, exposed: verdict.exposed, words, now },
        call: { outgoing, channel },
      }
    }
    if (verdict.do === 'send') throw new PerennialError('INTERNAL', `the gate let '${request.key}' pass without words`)
    const { code } = verdict
    const said = { code, exposed: verdict.exposed, now, ...(detail !== undefined && { detail }) }
    if (verdict.do === 'skip') {
      if (purse && purse.held > 0) await releaseCost(tx, { key: request.key, now })
      return {
        row,
        verdict: { ...said, status: 'skipped' },
        note: noteOf(question, { verdict: 'skipped', ...said }),
        result: { is: 'skipped', code },
      }
    }
    const until = await heldUntil(tx, question, verdict)
    const bid = verdict.since !== undefined && {
      at: verdict.since,
      until: before?.bid_until?.getTime() ?? until ?? now,
    }
    return held(question, row, { ...said, until, ...(bid && { bid }) })
  }
}

function held(
  question: GateQuestion,
  row: NewMessage,
  said: Omit<WrittenVerdict, 'status'> & { code: Refusal; until: number | null },
): Conclusion {
  const { code, until } = said
  return {
    row,
    verdict: { ...said, status: 'held' },
    note: noteOf(question, { verdict: 'held', ...said }),
    result: { is: 'held', code, until },
  }
}

/** A line of the decision log about a message. */
export function noteOf(
  {
    request,
    run,
  }: { request: { key: string; run: string; message: string }; run: { customer: string; journey: string } },
  said: { verdict: string; code?: Refusal; detail?: string | undefined; now: number },
): Decision {
  return {
    key: `${request.key}/${said.verdict}/${said.code ?? ''}`,
    customer: run.customer,
    journey: run.journey,
    enrolment: request.run,
    about: 'send',
    verdict: said.verdict,
    code: said.code ?? null,
    detail: said.detail ? `${request.message}: ${said.detail}` : request.message,
    now: said.now,
  }
}

/** Writes what was concluded, of one message or of a page. */
export async function writeConclusions(tx: Tx, all: readonly Conclusion[]): Promise<void> {
  await recordVerdicts(
    tx,
    all.map(({ row, verdict }) => [row, verdict] as const),
  )
  await decideAll(
    tx,
    all.flatMap(({ note }) => note ?? []),
  )
}
