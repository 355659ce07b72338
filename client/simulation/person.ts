/** What a shop knows of one customer of a population: facts, consent, events, coupons, points, and the runs they are in. */
import type { KeptBirthday } from '../../domain/birthday.ts'
import { localDate } from '../../domain/calendar.ts'
import { CAPABILITIES, CHANNELS, type ChannelName } from '../../domain/channel.ts'
import { MESSAGES } from '../../domain/consent.ts'
import type { Facts } from '../../domain/customer.ts'
import type { PastEntry, TakenEvent } from '../../domain/journey.ts'
import type { Order } from '../../domain/rhythm.ts'
import type { Standing } from '../../domain/standing.ts'
import type { Programme } from '../../domain/tier.ts'
import type { CustomerChange } from '../../store/customers.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import { type Ties, tagsNow } from '../preview/care.ts'
import { type DatedEvent, datedOf } from '../preview/membership.ts'
import type { Shelf } from '../preview/effects.ts'
import { Lots } from '../preview/lots.ts'
import type { CustomerLoad, VirtualCustomer } from '../preview/setting.ts'
import type { Line } from '../preview/timeline.ts'
import { type Confirmed, Consents } from './consents.ts'
import type { HeldCoupon, PopulationCoupons } from './coupons.ts'
import type { PopulationRun } from './run.ts'
import { MOVES_ORDERS, ordersAmong } from './orders.ts'
import type { Placed } from './standings.ts'
import { TierHistory } from './tiers.ts'

/** A day of a year as a number that sweeps compare; by the moon's calendar it is below zero. */
export function birthdayNumber({ month, day, calendar = 'solar' }: KeptBirthday): number {
  return (month * 100 + day) * (calendar === 'solar' ? 1 : -1)
}

/** A line of somebody's story, with the run it is of; null for what no run did. */
export type PersonLine = Line & { run: string | null }

/** The same as it is kept, as one of a million that nobody may ever look at. */
interface KeptLine extends Pick<PersonLine, 'at' | 'what' | 'text' | 'run'> {
  more: Partial<Line>
}

/** What a plan needs to be agreed to over a channel. The same texts again and again are found faster than new ones. */
function consentsFor(plan: CatalogueEntry['plan'], channel: ChannelName): readonly string[] {
  const byChannel = consentKeys.get(plan) ?? new Map<ChannelName, string[]>()
  const known = byChannel.get(channel)
  if (known) return known
  const keys = [...new Set([MESSAGES, plan.delivery.purpose])].map((purpose) => `${plan.topic}/${channel}/${purpose}`)
  consentKeys.set(plan, byChannel.set(channel, keys))
  return keys
}

const consentKeys = new WeakMap<CatalogueEntry['plan'], Map<ChannelName, string[]>>()

const NO_ENTRIES: readonly PastEntry[] = []
const NO_ORDERS: readonly Order[] = []

/** What everybody has of the shop. */
interface OfShop {
  shopZone: string
  programme: Programme
  coupons: PopulationCoupons
  /** Before when nobody's points expire. */
  points: { soonest: number }
}

export class Person implements Ties {
  readonly id: string
  /** Their place in the population, in the order of ids. */
  readonly place: number
  readonly joined: number
  private readonly since: string
  readonly customer: VirtualCustomer
  readonly events: TakenEvent[] = []
  readonly runs = new Map<string, PopulationRun[]>()
  /** Those of them that are on, in the order in which they began. */
  readonly open = new Set<PopulationRun>()
  /** Those of them whose goal may yet be reached, whether they are on or not. */
  readonly pursuing: PopulationRun[] = []
  readonly load: CustomerLoad = { past: [], bids: new Map() }
  readonly lots: Lots
  readonly coupons = new Map<string, HeldCoupon>()
  readonly shelf: Shelf
  readonly tier: TierHistory
  /** Messages sent to them so far. */
  sent = 0
  /** Null where their story is not kept. */
  private lines: KeptLine[] | null
  paidOrders = 0
  /** Where they stand, as standings.ts has it. */
  placed: Placed | undefined = undefined
  private bought: readonly Order[] | undefined
  /** All that was paid, minor units. */
  private spent = 0
  /** The day on which a birthday is kept by its own calendar, as `birthdayNumber` has it; 0 where there is none. */
  bornOn = 0
  /** None of the customer's coupons ends later. */
  lastCoupon = -Infinity
  readonly tags = new Map<string, number>()
  readonly consents = new Consents()
  /** The topics that those come to, once somebody has asked. */
  private agreed: readonly string[] | undefined
  private readonly dated: DatedEvent[] = []
  private readonly shopZone: string

  constructor(
    {
      id,
      place,
      suppressed,
      now,
      told,
    }: { id: string; place: number; suppressed: boolean; now: number; told: boolean },
    { shopZone, programme, coupons, points }: OfShop,
  ) {
    this.id = id
    this.place = place
    this.lines = told ? [] : null
    this.joined = now
    this.since = new Date(now).toISOString()
    this.shopZone = shopZone
    this.customer = {
      id,
      name: null,
      email: null,
      reach: { log: id },
      channels: [],
      zone: null,
      birthday: null,
      locale: null,
      phone: null,
      consent: false,
      suppressed,
      tags: [],
      traits: {},
      standing: null,
      paidOrders: 0,
      spent: 0,
      tier: null,
    }
    this.shelf = coupons.shelfOf(this)
    const lots = new Lots(points)
    this.lots = lots
    this.tier = new TierHistory({ customer: id, zone: () => this.zone, joined: now, programme, lots })
  }

  /** The customer's own, or the shop's where they have none. */
  get zone(): string {
    return this.customer.zone ?? this.shopZone
  }

  /**
   * Takes what an event says of its customer; what it does not say stays as it was. Answers what it confirmed of consent that was pending,
   * as all consent to some topics is at first.
   */
  learn(
    { reach = {}, consent = {}, ...said }: Omit<CustomerChange, 'id'>,
    { source, doubleOptIn }: { source: string; doubleOptIn: readonly string[] },
  ): Confirmed[] {
    const { customer } = this
    const known = customer as VirtualCustomer & Record<string, unknown>
    for (const [field, value] of Object.entries(said)) if (value !== undefined) known[field] = value
    if (said.birthday !== undefined) this.bornOn = said.birthday ? birthdayNumber(said.birthday) : 0
    for (const [kind, address] of Object.entries(reach)) this.addressAt(kind, address)
    if (said.phone !== undefined) this.addressAt('phone', said.phone)
    const confirmed: Confirmed[] = []
    for (const [topic, word] of Object.entries(consent)) {
      const { granted, channels, purpose } =
        typeof word === 'boolean' ? { granted: word, channels: ['email'], purpose: MESSAGES } : word
      this.agreed = undefined
      const toConfirm = doubleOptIn.includes(topic)
      for (const channel of channels)
        if (this.consents.say({ topic, channel, purpose, granted, source, toConfirm }))
          confirmed.push({ topic, channel })
    }
    return confirmed
  }

  /** What they bought and was not paid back. */
  get orders(): readonly Order[] {
    if (this.paidOrders === 0) return NO_ORDERS
    return (this.bought ??= ordersAmong(this.events, this.shopZone))
  }

  /** The topics they agreed to be written about, over some channel. */
  get topics(): readonly string[] {
    return (this.agreed ??= this.consents.topics)
  }

  agrees(topic: string): boolean {
    return this.consents.get(`${topic}/email/${MESSAGES}`) === true
  }

  mayBeAsked(topic: string): boolean {
    return this.consents.mayBeAsked(topic)
  }

  withdraw(topic: string, reason: string): void {
    this.consents.withdraw(topic, reason)
    this.agreed = undefined
  }

  ask(topic: string, run: string): void {
    this.consents.ask(topic, run)
  }

  /** Follows the link that asks to confirm. */
  confirm(source: string): Confirmed[] {
    this.agreed = undefined
    return this.consents.confirm(source)
  }

  private addressAt(kind: string, address: string | null): void {
    const { reach = {} } = this.customer
    for (const channel of CHANNELS) {
      if (CAPABILITIES[channel].address !== kind) continue
      if (address === null) delete reach[channel]
      else reach[channel] = address
    }
  }

  /** Whether they agreed to what a plan sends over a channel: to messages, and to the purpose that the plan names beside. */
  agreesTo(plan: CatalogueEntry['plan'], channel: ChannelName): boolean {
    for (const key of consentsFor(plan, channel)) if (this.consents.get(key) !== true) return false
    return true
  }

  /** Whether anybody may look at their story. */
  get isTold(): boolean {
    return this.lines !== null
  }

  tell(line: KeptLine): void {
    this.lines?.push(line)
  }

  /** Nobody will look at their story. */
  forget(): void {
    this.lines = null
  }

  /** In the order of time; what happened at one moment stays in the order in which it did. Undefined where it was not kept. */
  timeline(): PersonLine[] | undefined {
    return this.lines
      ?.map(({ at, what, text, more, run }) => ({ at, after: '', what, text, ...more, run }))
      .sort((one, other) => one.at - other.at)
  }

  /** What they did, as filters of an audience ask. */
  get eventsDated(): readonly DatedEvent[] {
    const { dated, events } = this
    for (let nth = dated.length; nth < events.length; nth++) dated.push(datedOf(events[nth] as TakenEvent))
    return dated
  }

  hear(event: TakenEvent): void {
    this.events.push(event)
    if (MOVES_ORDERS.has(event.type)) this.bought = undefined
    if (event.type !== 'order.paid') return
    const { amount } = event.properties
    this.paidOrders += 1
    if (typeof amount === 'number') this.spent += amount
  }

  /** The earlier runs of a journey, for the rule of re-entry. */
  past(journey: string): readonly PastEntry[] {
    return this.runs.get(journey) ?? NO_ENTRIES
  }

  /** Those that the shop told and those that journeys gave, as long as they last. */
  tagsAt(now: number): string[] {
    return tagsNow(this.customer.tags, this, now)
  }

  facts(now: number, standing: Standing | null): Facts {
    const { zone, traits = {} } = this.customer
    const { paidOrders, spent, since } = this
    return {
      zone,
      today: localDate(now, this.zone),
      tags: this.tagsAt(now),
      paidOrders,
      spent,
      since,
      traits,
      standing,
      tier: this.tier.facts(now),
    }
  }
}
