/** What a simulation counts while it goes. Days are whole days since the beginning. */
import type { ChannelName } from '../../domain/channel.ts'
import type { Refusal } from '../../domain/errors.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { CustomerChange } from '../../store/customers.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { Line } from '../preview/timeline.ts'
import type { HeldCoupon } from './coupons.ts'
import type { Person } from './person.ts'
import type { PopulationRun } from './run.ts'

const DAY = 86_400_000

/** What a run says, for the counts: its text is for whoever looks at one customer. */
interface Told extends Pick<Line, 'at' | 'what'> {
  more: Partial<Line>
}

/** The last word on a message, as the store's row has it. */
export interface MessageEnd {
  key: string
  customer: string
  journey: string
  message: string
  channel: ChannelName
  status: 'sent' | 'held' | 'skipped'
  code: Refusal | null
  at: number
}

export interface JourneyCount {
  entered: number
  treated: number
  holdout: number
  converted: number
  ends: Record<RunStatus, number>
  /** Sends by day. */
  days: number[]
  /** The messages, offers and rules of points that a story asked for. */
  reached: Set<string>
}

export interface Redemption {
  /** The customer's place in the population. */
  of: number
  offer: string
  cost: number
}

export const counted = <K>(map: Map<K, number>, key: K, by = 1): void => void map.set(key, (map.get(key) ?? 0) + by)

export class Tally {
  events = 0
  /** Messages that were sent, and those that were decided against. */
  decided = 0
  /** The last word on each message, where that is wanted; else nothing. */
  readonly messages = new Map<string, MessageEnd>()
  readonly channels = new Map<ChannelName, number[]>()
  readonly journeys = new Map<string, JourneyCount>()
  /** Refusals and holds: '<code>' by '<journey>'. */
  readonly refusals = new Map<Refusal, Map<string, number>>()
  /** Ways of splits that were gone, by '<journey>/<split>'. */
  readonly splits = new Map<string, Map<string, number>>()
  readonly redemptions: Redemption[] = []
  readonly failures = new Map<string, { count: number; message: string }>()
  readonly entryRefusals = new Map<Refusal, Map<string, number>>()
  private readonly start: number
  private readonly days: number
  private readonly each: boolean

  constructor(
    entries: readonly CatalogueEntry[],
    { start, days, each }: { start: number; days: number; each: boolean },
  ) {
    this.start = start
    this.days = days
    this.each = each
    for (const { plan } of entries) {
      const ends = { running: 0, completed: 0, goal: 0, exited: 0, stopped: 0, failed: 0 }
      this.journeys.set(plan.name, {
        entered: 0,
        treated: 0,
        holdout: 0,
        converted: 0,
        ends,
        days: this.noDays(),
        reached: new Set(),
      })
    }
  }

  private noDays(): number[] {
    return Array.from({ length: this.days }, () => 0)
  }

  private countSent(days: number[], at: number): void {
    const day = Math.floor((at - this.start) / DAY)
    days[day] = (days[day] ?? 0) + 1
  }

  event(person: Person, type: string, at: number, said?: Omit<CustomerChange, 'id'>): void {
    this.events += 1
    if (!person.isTold) return
    const gone = said?.consent ? Object.entries(said.consent).filter(([, word]) => word === false) : []
    const text = `event ${type}${gone.map(([topic]) => `, no more ${topic}`).join('')}`
    person.tell({ at, what: 'event', text, more: { name: type }, run: null })
  }

  entered({ entry, arm }: PopulationRun): void {
    const count = this.of(entry.plan.name)
    count.entered += 1
    count[arm] += 1
  }

  converted({ entry }: PopulationRun): void {
    this.of(entry.plan.name).converted += 1
  }

  failed({ entry }: PopulationRun, error: unknown): void {
    const { name } = entry.plan
    const message = error instanceof Error ? error.message : String(error)
    const known = this.failures.get(name) ?? { count: 0, message }
    this.failures.set(name, { count: known.count + 1, message: known.message < message ? known.message : message })
  }

  refusedEntry(journey: string, code: Refusal): void {
    const at = this.entryRefusals.get(code) ?? new Map<string, number>()
    counted(at, journey)
    this.entryRefusals.set(code, at)
  }

  split({ entry }: PopulationRun, { name, way, ways }: { name: string; way: string; ways: readonly string[] }): void {
    const key = `${entry.plan.name}/${name}`
    const known = this.splits.get(key) ?? new Map(ways.map((one) => [one, 0]))
    counted(known, way)
    this.splits.set(key, known)
  }

  redeemed(person: Person, { offer, cost, code }: HeldCoupon, at: number): void {
    this.redemptions.push({ of: person.place, offer, cost })
    person.tell({ at, what: 'coupon', text: `coupon ${offer}: ${code} redeemed`, more: {}, run: null })
  }

  /** `cost`: what the coupon had taken off. */
  unredeemed(person: Person, { coupon, cost }: { coupon: HeldCoupon; cost: number }, at: number): void {
    const { offer, code } = coupon
    this.redemptions.push({ of: person.place, offer, cost: -cost })
    person.tell({ at, what: 'coupon', text: `coupon ${offer}: ${code} given back`, more: {}, run: null })
  }

  /** Points that were spent, or given back where it is below zero. */
  spent(person: Person, amount: number, at: number): void {
    if (amount === 0) return
    const text = amount > 0 ? `${amount} points spent` : `${-amount} points given back`
    person.tell({ at, what: 'points', text, more: {}, run: null })
  }

  /** What a run says of itself. */
  tell({ entry, person }: PopulationRun, { at, what, more }: Told): void {
    const { name, code, key, channel } = more
    const journey = entry.plan.name
    if (code) {
      const by = this.refusals.get(code) ?? new Map<string, number>()
      counted(by, journey)
      this.refusals.set(code, by)
    }
    if (what === 'end' || name === undefined) return
    const count = this.of(journey)
    count.reached.add(name)
    if (what !== 'message' && what !== 'held' && what !== 'skipped') return
    if (key === undefined || channel === undefined) return
    const status = what === 'message' ? 'sent' : what
    if (status !== 'held') this.decided += 1
    if (status === 'sent') {
      person.sent += 1
      this.countSent(count.days, at)
      const days = this.channels.get(channel) ?? this.noDays()
      this.channels.set(channel, days)
      this.countSent(days, at)
    }
    if (!this.each) return
    this.messages.set(key, {
      key,
      customer: person.id,
      journey,
      message: name,
      channel,
      status,
      code: code ?? null,
      at,
    })
  }

  private of(journey: string): JourneyCount {
    const known = this.journeys.get(journey)
    if (known) return known
    throw new RangeError(`no journey '${journey}' is simulated`)
  }
}
