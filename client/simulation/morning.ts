/** Places of the morning: store/release.ts in memory. What was held over the night leaves one after the other, as it was asked for. */
import { BUCKETS, bucketOf } from '../../domain/experiment.ts'
import { CHANNELS, type ChannelName } from '../../domain/channel.ts'
import type { Ask, Commons } from './commons.ts'

/** Who waits for a morning to open; where its place is, is known then. */
export interface Ticket {
  readonly ask: Ask
  readonly key: string
}

export class MorningPlaces {
  private readonly taken = new Map<string, number>()
  private readonly next = new Map<string, number>()
  /** The slots of those of this thread who were given one and have not come. */
  private readonly slots = new Map<Ask, number>()
  private readonly rate: { messages: number; windowMs: number }
  private readonly commons: Commons

  constructor(rate: { messages: number; windowMs: number }, commons: Commons) {
    this.rate = rate
    this.commons = commons
  }

  ask({ channel, opensAt, key }: { channel: ChannelName; opensAt: number; key: string }): Ticket {
    return { ask: this.commons.ask({ channel: CHANNELS.indexOf(channel), opensAt }), key }
  }

  /** The place of a ticket whose morning opens now: a moment of its slot that the key decides. */
  placeOf({ ask, key }: Ticket): number {
    if (!this.slots.has(ask)) for (const one of this.commons.askedBefore(ask.opensAt)) this.give(one)
    const slot = this.slots.get(ask) ?? ask.opensAt
    this.slots.delete(ask)
    return slot + Math.floor((bucketOf('release', key) / BUCKETS) * this.rate.windowMs)
  }

  /** A place in the first slot from the opening on that has one. */
  private give(ask: Ask): void {
    const { messages, windowMs } = this.rate
    const { channel, opensAt } = ask
    const opening = `${channel}/${opensAt}`
    let slot = this.next.get(opening) ?? Math.ceil(opensAt / windowMs) * windowMs
    while ((this.taken.get(`${channel}/${slot}`) ?? 0) >= messages) slot += windowMs
    const place = `${channel}/${slot}`
    this.taken.set(place, (this.taken.get(place) ?? 0) + 1)
    this.next.set(opening, slot)
    this.slots.set(ask, slot)
  }
}
