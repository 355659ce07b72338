/** At most so many messages of a campaign in each span, over all zones and threads: store/release.ts in memory. */
import { type CampaignRate, slotOf } from '../../domain/campaign.ts'
import type { Commons, Share } from './commons.ts'
import { numberOf } from './dice.ts'

/** What a place in a slot is known by among the threads. */
const PLACES = -2

interface Slot {
  part: number
  share: Share
  taken: number
}

export class CampaignRates {
  /** The slot that each campaign is in. */
  private readonly slots = new Map<string, Slot & { at: number }>()
  private readonly commons: Commons

  constructor(commons: Commons) {
    this.commons = commons
  }

  /** When the next message of a campaign may go, for whoever's turn it is: now where there is room. */
  opensAt(campaign: string, rate: CampaignRate, now: number): number {
    const { share, taken, at } = this.slotAt(campaign, rate, now)
    return this.commons.left(share, rate.messages - taken, 1) > 0 ? now : at + rate.everyMs
  }

  take(campaign: string, rate: CampaignRate, now: number): void {
    const slot = this.slotAt(campaign, rate, now)
    slot.taken += 1
    this.commons.took(PLACES, slot.part, 1)
  }

  private slotAt(campaign: string, rate: CampaignRate, now: number): Slot & { at: number } {
    const at = slotOf(rate, now)
    const known = this.slots.get(campaign)
    if (known?.at === at) return known
    const part = numberOf(`${campaign}/${at}`)
    // Who is the last to have a place hangs on all threads, so that each is asked for.
    const share = this.commons.share(PLACES, part, { most: rate.messages, lasting: true, burst: Infinity })
    const slot = { at, part, share, taken: 0 }
    this.slots.set(campaign, slot)
    return slot
  }
}
