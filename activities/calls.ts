/** Calling a provider about messages that are reserved, and writing what came of it. */
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { suppress } from '../store/customers.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { lockRun } from '../store/enrolments.ts'
import { noteCost } from '../store/fates.ts'
import { releaseCost, settleCost } from '../store/message-costs.ts'
import { type Beginning, type Moves, type Taken, moveOn, settleMessage } from '../store/messages.ts'
import type { Channel, Outgoing, Receipt } from './channels/channel.ts'
import { noteOf } from './conclusions.ts'
import { minorOf } from './gate.ts'
import type { Now, Parts } from './index.ts'
import type { SendRequest, SendResult } from './messages.ts'
import { together } from './together.ts'

export type Calling = Pick<SendRequest, 'key' | 'run' | 'message' | 'asked'>

type Settled = 'sent' | 'accepted' | 'reserved' | 'unknown' | 'failed'

/** What each answer of a provider makes of the message. */
const SETTLED: Record<Receipt['is'], { status: Settled; code?: Refusal }> = {
  sent: { status: 'sent' },
  accepted: { status: 'accepted' },
  refused: { status: 'failed', code: 'PROVIDER_REFUSED' },
  unknown: { status: 'unknown', code: 'SEND_FATE_UNKNOWN' },
  transient: { status: 'reserved' },
}

type Move = { begins: Beginning } | { taken: Taken }

export function caller({ db }: Pick<Parts, 'db'>, now: Now) {
  /** Whether it began, or was seen to. */
  const move = together<Move, boolean>({
    all: async (page) => {
      const { begun, settled } = await moveOn(db, movesOf(page), { passing: true })
      const answers = page.map(
        (one) => [one, 'begins' in one ? begun.has(keyOf(one)) : settled.has(keyOf(one))] as const,
      )
      return new Map(answers.filter(([one, answer]) => answer || 'begins' in one))
    },
    alone: async (one) => {
      const { begun } = await moveOn(db, movesOf([one]))
      return begun.has(keyOf(one))
    },
    apartBy: keyOf,
  })

  /** Writes what came of a call. `began`: whether the provider could have the message by it. */
  async function settle(
    request: Calling,
    receipt: Receipt,
    { outgoing, channel, began }: { outgoing: Outgoing; channel: Channel; began: boolean },
  ): Promise<void> {
    const at = now(request.asked)
    const { detail, providerId } = receipt
    const { status, code } = SETTLED[receipt.is]
    if (status === 'sent' && plain(receipt) && !channel.costOf) {
      await move({ taken: { key: request.key, detail, providerId, now: at } })
      return
    }
    await inTransaction(db, async (tx) => {
      // The customer before the message, as the gate locks them; the other way round two attempts could lock each other out.
      const run = status === 'reserved' ? undefined : await lockRun(tx, request.run)
      const outcome = { status, began, ...(code && { code }), ...(providerId && { providerId }), detail, now: at }
      const settled = await settleMessage(tx, request.key, outcome)
      await noteCost(tx, request.key, receipt)
      if (channel.costOf) await pay(tx, request.key, { status, cost: receipt.cost, now: at })
      if (receipt.deadAddress) {
        await suppress(tx, { channel: channel.name, address: outgoing.to, reason: 'refused', now: at })
      }
      if (run && settled)
        await decide(tx, noteOf({ request, run }, { verdict: status, ...(code && { code, detail }), now: at }))
    })
  }

  return {
    settle,

    /**
     * Calls the provider and writes what came of it. Undefined where the run ended, or another attempt went first, before this one
     * could begin. Throws CHANNEL_TRANSIENT to be called again.
     */
    async call(
      request: Calling,
      { outgoing, channel }: { outgoing: Outgoing; channel: Channel },
    ): Promise<SendResult | undefined> {
      let asked = false
      let began = false
      const receipt = await channel.send(outgoing, async () => {
        asked = true
        began = await move({ begins: { key: request.key, provider: channel.provider, now: now(request.asked) } })
        return began
      })
      if (asked && !began) return undefined
      await settle(request, receipt, { outgoing, channel, began })
      const { status, code } = SETTLED[receipt.is]
      if (status === 'sent' || status === 'accepted') return { is: status }
      if (status === 'reserved')
        throw new PerennialError('CHANNEL_TRANSIENT', receipt.detail, { retryAfterMs: receipt.retryAfterMs })
      return { is: status, code: code ?? 'PROVIDER_REFUSED' }
    },
  }
}

const keyOf = (move: Move): string => ('begins' in move ? move.begins : move.taken).key

const movesOf = (page: readonly Move[]): Moves => ({
  beginning: page.flatMap((one) => ('begins' in one ? one.begins : [])),
  taken: page.flatMap((one) => ('taken' in one ? one.taken : [])),
})

/** A provider that has a message, or may have it, is paid for it; one that will be asked again still holds its money. */
export async function pay(
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
