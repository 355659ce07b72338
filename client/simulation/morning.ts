/** Places of the morning: store/release.ts in memory. What was held over the night leaves one after the other. */
import { BUCKETS, bucketOf } from '../../domain/experiment.ts'

export class MorningPlaces {
  private readonly taken = new Map<string, number>()
  private readonly next = new Map<string, number>()
  private readonly rate: { messages: number; windowMs: number }

  constructor(rate: { messages: number; windowMs: number }) {
    this.rate = rate
  }

  /** A place in the first slot from `opensAt` on that has one, at a moment of it that the key decides. */
  place({ channel, opensAt, key }: { channel: string; opensAt: number; key: string }): number {
    const { messages, windowMs } = this.rate
    const opening = `${channel}/${opensAt}`
    let slot = this.next.get(opening) ?? Math.ceil(opensAt / windowMs) * windowMs
    while ((this.taken.get(`${channel}/${slot}`) ?? 0) >= messages) slot += windowMs
    const place = `${channel}/${slot}`
    this.taken.set(place, (this.taken.get(place) ?? 0) + 1)
    this.next.set(opening, slot)
    return slot + Math.floor((bucketOf('release', key) / BUCKETS) * windowMs)
  }
}
