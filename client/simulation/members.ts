/** A population: customers, and what they will do whatever is sent to them. */
import type { Properties } from '../../domain/journey.ts'
import type { CustomerChange } from '../../store/customers.ts'
import { claimedCode } from '../../domain/referral.ts'
import { type Purchases, purchasesOf } from './frames.ts'

/** What a customer does once: an event of the shop. */
export interface Act {
  id: string
  /** When, epoch ms. */
  at: number
  type: string
  /** A `referral` or `code` that begins with `@` stands for the code of the customer who is named behind it. */
  properties: Properties
  /** What it tells of the customer beside. */
  customer?: Omit<CustomerChange, 'id'> | undefined
  /** Of a paid order: uses the customer's coupon that ends first, where one goes with it. */
  redeems?: boolean | undefined
  /** Of a paid order: pays with as many points as there are, up to so many. */
  spends?: number | undefined
  /** Follows the link of the newest mail that asked to confirm. Where there is none that is good yet, nothing happens at all. */
  confirms?: boolean | undefined
}

export interface Member {
  id: string
  /** Whether the customer's mail address is suppressed from the beginning. */
  suppressed: boolean
  /** In the order of time; the first tells who the customer is. */
  acts: Act[]
}

/** Those of a population whom one thread plays. */
export interface Part {
  /** Which of the threads. */
  nth: number
  members: readonly Member[]
  /** The place of each in the whole population, in the order of ids. */
  places: readonly number[]
  /** How many the other threads play. */
  others: number
  /** What everybody buys, whoever plays them. */
  purchases: readonly Purchases[]
  /** The zones that anybody lives in, and since when; null: of those who tell none. */
  zones: ReadonlyMap<string | null, number>
}

/**
 * The people shared out over threads, so that each has about as much to do. Who came by somebody is played with them, as what one does
 * is told to the other.
 */
export function partsOf(members: readonly Member[], threads: number): [Part, ...Part[]] {
  const byId = members.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  const purchases = purchasesOf(byId)
  const zones = zonesOf(byId)
  const parts = Array.from({ length: threads }, (_, nth) => ({
    nth,
    members: [] as Member[],
    places: [] as number[],
    others: 0,
    purchases,
    zones,
  }))
  const work = parts.map(() => 0)
  for (const places of companies(byId)) {
    const least = work.indexOf(Math.min(...work))
    for (const place of places) {
      const member = byId[place]
      const part = parts[least]
      if (!member || !part) continue
      part.members.push(member)
      part.places.push(place)
      work[least] = (work[least] ?? 0) + member.acts.length
    }
  }
  for (const part of parts) part.others = members.length - part.members.length
  const [first, ...others] = parts
  if (!first) throw new RangeError('people are played by one thread at least')
  return [first, ...others]
}

function zonesOf(members: readonly Member[]): Map<string | null, number> {
  const zones = new Map<string | null, number>()
  for (const { acts } of members) {
    acts.forEach(({ at, customer }, nth) => {
      const zone = nth === 0 ? (customer?.zone ?? null) : customer?.zone
      if (zone !== undefined) zones.set(zone, Math.min(at, zones.get(zone) ?? Infinity))
    })
  }
  return zones
}

/** Those who have to do with one another, by their places: most with nobody. */
function companies(byId: readonly Member[]): number[][] {
  const placeOf = new Map(byId.map(({ id }, place) => [id, place]))
  const leads = byId.map((_, place) => place)
  const leadOf = (place: number): number => {
    let lead = place
    while (leads[lead] !== lead) lead = leads[lead] ?? lead
    return lead
  }
  byId.forEach(({ acts }, place) => {
    for (const act of acts) {
      const advocate = placeOf.get(claimedCode(act)?.replace(/^@/, '') ?? '')
      if (advocate !== undefined) leads[leadOf(place)] = leadOf(advocate)
    }
  })
  const of = new Map<number, number[]>()
  byId.forEach((_, place) => {
    const lead = leadOf(place)
    const known = of.get(lead)
    if (known) known.push(place)
    else of.set(lead, [place])
  })
  return [...of.values()]
}
