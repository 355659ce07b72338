/** What a page has reserved goes out: in one call where the channel takes many, else a few at a time. */
import { PerennialError } from '../domain/errors.ts'
import { partsOfRun } from '../domain/ids.ts'
import { moveOn } from '../store/messages.ts'
import { type Calling, caller } from './calls.ts'
import type { Channel, Outgoing } from './channels/channel.ts'
import type { Now, Parts } from './index.ts'

/** One message that is reserved. */
export interface Reservation {
  request: Calling
  outgoing: Outgoing
  channel: Channel
}

type Bulk = Channel & Required<Pick<Channel, 'sendAll'>>

const takesMany = (channel: Channel): channel is Bulk => channel.sendAll !== undefined

/** Calls at once of a channel that takes one message at a time. */
const SIDE_BY_SIDE = 8

export function deliverer(parts: Parts, now: Now) {
  const { db, log } = parts
  const { call, settle } = caller(parts, now)

  function tell({ key, run }: Calling, result: string): void {
    const { journey, customer } = partsOfRun(run)
    log({ effect: 'send', journey, customer, key, result })
  }

  /** Answers how many the provider would not take yet: they stay reserved. */
  async function inOne(all: readonly Reservation[], channel: Bulk): Promise<number> {
    const asked = Math.max(...all.map(({ request }) => request.asked))
    const receipts = await channel.sendAll(
      all.map(({ outgoing }) => outgoing),
      async (keys) => {
        const beginning = keys.map((key) => ({ key, provider: channel.provider, now: now(asked) }))
        return (await moveOn(db, { beginning })).begun
      },
    )
    const answered = all.flatMap((one) => {
      const receipt = receipts.get(one.request.key)
      return receipt ? [{ ...one, receipt }] : []
    })
    const sent = answered.filter(({ receipt }) => receipt.is === 'sent' && !channel.costOf)
    const at = now(asked)
    const taken = sent.map(({ request: { key }, receipt: { detail, providerId } }) => ({
      key,
      detail,
      providerId,
      now: at,
    }))
    if (taken.length > 0) await moveOn(db, { taken })
    for (const { request, outgoing, receipt } of answered.filter((one) => !sent.includes(one))) {
      await settle(request, receipt, { outgoing, channel, began: true })
    }
    for (const { request, receipt } of answered) tell(request, receipt.is)
    return answered.filter(({ receipt }) => receipt.is === 'transient').length
  }

  async function oneByOne(all: readonly Reservation[]): Promise<number> {
    const waiting = [...all]
    let put = 0
    const caller = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        try {
          const result = await call(one.request, one)
          tell(one.request, result?.is ?? 'overtaken')
        } catch (error) {
          if (!(error instanceof PerennialError && error.code === 'CHANNEL_TRANSIENT')) throw error
          put += 1
        }
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, caller))
    return put
  }

  /** Sends them all; answers how many stay reserved, as their provider would not take them yet. */
  return async function deliver(all: readonly Reservation[]): Promise<number> {
    let put = 0
    for (const channel of new Set(all.map((one) => one.channel))) {
      const of = all.filter((one) => one.channel === channel)
      put += takesMany(channel) ? await inOne(of, channel) : await oneByOne(of)
    }
    return put
  }
}
