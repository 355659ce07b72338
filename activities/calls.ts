/** Calling a provider about messages that are reserved, and writing what came of it. */
import { PerennialError, type Refusal } from '../domain/errors.ts'
import { suppress } from '../store/customers.ts'
import { type Tx, inTransaction } from '../store/db.ts'
import { decide } from '../store/decisions.ts'
import { lockRun } from '../store/enrolments.ts'
import { noteCost } from '../store/fates.ts'
import { releaseCost, settleCost } from '../store/message-costs.ts'
import {
  type Beginning,
  type Taken,
  beginSending,
  beginSendingAll,
  settleMessage,
  settleSent,
} from '../store/messages.ts'
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

/** A message's own key: two attempts at it are not of one page. */
const byKey = ({ key }: { key: string }): string => key

export function caller({ db }: Pick<Parts, 'db'>, now: Now) {
  const beginTogether = together({
    all: async (page: readonly Beginning[]) => {
      const begun = await beginSendingAll(db, page)
      return new Map(page.map((one) => [one, begun.has(one.key)]))
    },
    alone: (one) => beginSending(db, one),
    apartBy: byKey,
  })

  const settleSentTogether = together({
    all: async (page: readonly Taken[]) => {
      const seenTo = await settleSent(db, page, { passing: true })
      return new Map(page.filter(({ key }) => seenTo.has(key)).map((one) => [one, undefined]))
    },
    alone: async (one) => void (await settleSent(db, [one])),
    apartBy: byKey,
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
      await settleSentTogether({ key: request.key, detail, providerId, now: at })
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
        began = await beginTogether({ key: request.key, provider: channel.provider, now: now(request.asked) })
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
