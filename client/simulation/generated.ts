/**
 * A population that is made up: kinds of customers with rates of what they do, hours and weekdays, a few days of the year on which
 * more is bought, consent, zones and languages. docs/simulation.md has the numbers and what they stand on.
 */
import type { Properties } from '../../domain/journey.ts'
import type { CustomerChange } from '../../store/customers.ts'
import { Dice } from './dice.ts'
import { habitsOf, pointsSpent } from './made-up-habits.ts'
import { type Kind, KINDS, doing } from './made-up-kinds.ts'
import { FAMILY, FIRST, GIVEN, GOODS, INTERESTS, LAST, pickOf } from './made-up-names.ts'
import { HOUR_WEIGHTS, MOST, weightOf } from './made-up-seasons.ts'
import type { Act, Member } from './members.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const ZONES = [
  { weight: 62, zone: 'Asia/Shanghai', offset: 8, locale: 'zh-CN' },
  { weight: 8, zone: 'Asia/Hong_Kong', offset: 8, locale: 'zh-HK' },
  { weight: 8, zone: 'Asia/Tokyo', offset: 9, locale: 'en' },
  { weight: 8, zone: 'Europe/London', offset: 0, locale: 'en' },
  { weight: 8, zone: 'America/New_York', offset: -5, locale: 'en' },
  { weight: 3, zone: 'America/Los_Angeles', offset: -8, locale: 'en' },
  { weight: 3, zone: 'Australia/Sydney', offset: 11, locale: 'en' },
] as const

const SHARES = {
  consent: 0.78,
  sms: 0.35,
  profiling: 0.3,
  mail: 0.97,
  name: 0.96,
  birthday: 0.7,
  suppressed: 0.01,
  leaves: 0.03,
  redeems: 0.55,
  refunded: 0.06,
  partly: 0.3,
  reviewed: 0.15,
  changed: 0.2,
  checkout: 0.3,
  byCart: 0.7,
  assistant: 0.3,
  interest: 0.4,
  referred: 0.04,
  /** Of an order: what goes wrong with it. */
  late: 0.04,
  stockout: 0.01,
  returned: 0.02,
  /** Of what was said to be late: it came in time after all. */
  inTime: 0.08,
  /** Of the deposits for a presale: their balance is paid, or they are given back before. */
  balance: 0.85,
  givenBack: 0.04,
}

/** Festivals whose goods can be had for a deposit; the balance can be paid from eight in the evening before until the day is over. */
const PRESALES = ['06-18', '11-11', '12-12'] as const
/** The clock of the shop, which presales go by. */
const SHOP_OFFSET = 8

export interface Generating {
  customers: number
  seed: number
  /** Epoch ms, a midnight in UTC. */
  from: number
  days: number
  /** How many times as much they do as the kinds say; 1 unless said. */
  activity?: number
}

/** The same members for the same numbers; each has dice of their own, so that more customers change nobody. */
export function generatedMembers({ customers, seed, from, days, activity = 1 }: Generating): Member[] {
  return Array.from({ length: customers }, (_, index) => {
    const id = `S${String(index + 1).padStart(5, '0')}`
    const dice = [new Dice(seed, id), new Dice(seed, id, 'more'), new Dice(seed, id, 'habits')] as const
    return new Life(id, dice, { from, days, activity, earlier: index }).member()
  })
}

class Life {
  private readonly id: string
  private readonly dice: Dice
  /** For what came to be made up later, so that all else stays as it was drawn. */
  private readonly more: Dice
  private readonly rest: Dice
  private readonly kind: Kind
  private readonly place: (typeof ZONES)[number]
  private readonly from: number
  private readonly end: number
  private readonly entered: number
  private readonly earlier: number
  private readonly acts: Omit<Act, 'id'>[] = []
  private agreed = false
  private orders = 0
  private carts = 0

  constructor(
    id: string,
    [dice, more, rest]: readonly [Dice, Dice, Dice],
    span: { from: number; days: number; activity: number; earlier: number },
  ) {
    this.id = id
    this.dice = dice
    this.more = more
    this.rest = rest
    this.kind = doing(dice.pick(Object.values(KINDS).map((kind) => [kind, kind.share] as const)), span.activity)
    this.place = dice.pick(ZONES.map((place) => [place, place.weight] as const))
    this.from = span.from
    this.end = span.from + span.days * DAY
    this.earlier = span.earlier
    // Those who were there before are told of in the first hour, by a change of their profile.
    this.entered = this.kind.fresh ? this.moment(this.from, this.end) : this.from + dice.below(HOUR)
  }

  member(): Member {
    const { dice, kind } = this
    this.come()
    this.often('page.viewed', kind.views, () => ({ page: `P${dice.below(200)}` }))
    for (const at of this.moments(kind.carts)) this.cart(at)
    this.often('customer.checked-in', kind.checkIns, (_, at) => ({ day: this.localDay(at) }))
    for (const at of this.moments(kind.orders)) this.order(at)
    this.presales()
    if (dice.chance(SHARES.leaves)) {
      const consent = { marketing: false }
      this.add(this.moment(this.entered, this.end), 'customer.unsubscribed', {}, { customer: { consent } })
    }
    this.habits()
    const acts = this.acts
      .filter(({ at }) => at >= this.entered && at < this.end)
      .sort((one, other) => one.at - other.at)
      // Of one shape, as there are millions.
      .map(({ at, type, properties, customer, redeems, confirms }, nth): Act => ({
        id: `${this.id}-${nth + 1}`,
        at,
        type,
        properties,
        customer,
        redeems,
        confirms,
        spends: type === 'order.paid' ? pointsSpent(this.rest) : undefined,
      }))
    return { id: this.id, suppressed: dice.chance(SHARES.suppressed), acts }
  }

  private habits(): void {
    const { id, rest: dice, entered, end, agreed, kind, acts } = this
    const moments = (mean: number): number[] => this.moments(mean, dice)
    const habits = habitsOf({ id, dice, entered, end, agreed, shares: kind.shares, acts, moments })
    for (const { at, type, properties, ...more } of habits) this.add(at, type, properties, more)
  }

  private come(): void {
    const { dice, kind, earlier } = this
    const friend = kind.fresh && earlier > 0 && dice.chance(SHARES.referred)
    const advocate = `S${String(dice.below(Math.max(1, earlier)) + 1).padStart(5, '0')}`
    const type = kind.fresh ? 'customer.registered' : 'profile.changed'
    this.add(this.entered, type, friend ? { referral: `@${advocate}` } : {}, { customer: this.known() })
    if (kind.fresh && dice.chance(SHARES.assistant)) this.add(this.entered + dice.below(2 * DAY), 'assistant.added', {})
  }

  private known(): Omit<CustomerChange, 'id'> {
    const { dice, place } = this
    const chinese = place.locale.startsWith('zh')
    const names = chinese ? [pickOf(dice, FAMILY), pickOf(dice, GIVEN)] : [pickOf(dice, FIRST), ' ', pickOf(dice, LAST)]
    const agreed = (this.agreed = dice.chance(SHARES.consent))
    const sms = dice.chance(SHARES.sms)
    const born = { month: 1 + dice.below(12), day: 1 + dice.below(28) }
    const marketing = {
      granted: agreed,
      channels: agreed && sms ? ['email', 'sms'] : ['email'],
      purpose: 'messages',
      proof: {},
    }
    return {
      name: dice.chance(SHARES.name) ? names.join('') : null,
      email: dice.chance(SHARES.mail) ? `${this.id.toLowerCase()}@mail.example` : null,
      phone: sms && chinese ? `+86138${this.id.slice(1).padStart(8, '0')}` : null,
      zone: place.zone,
      locale: place.locale,
      birthday: dice.chance(SHARES.birthday) ? born : null,
      tags: dice.chance(SHARES.interest) ? [pickOf(dice, INTERESTS)] : [],
      consent: { marketing },
    }
  }

  /** What is put into a cart and stays there, unless it is changed or comes as far as the checkout. */
  private cart(at: number): void {
    const { dice } = this
    const contents = this.contents()
    this.add(at, 'cart.added', contents)
    if (dice.chance(SHARES.changed)) {
      const changed = { ...this.contents(), cart: contents.cart }
      this.add(at + dice.below(3 * HOUR), 'cart.changed', changed)
    }
    if (dice.chance(SHARES.checkout)) this.add(at + dice.below(HOUR), 'checkout.started', contents)
  }

  private contents() {
    const [category, title] = pickOf(this.dice, GOODS)
    const amount = this.basket()
    return { cart: `K${this.id.slice(1)}-${++this.carts}`, amount, items: [{ id: title, title, category, amount }] }
  }

  private order(at: number): void {
    const { dice } = this
    const order = `O${this.id.slice(1)}-${++this.orders}`
    const { cart, amount, items } = this.contents()
    const freight = amount < 99_00 ? 8_00 : 0
    const bought = { order, cart, amount: amount + freight, freight, lines: items }
    if (dice.chance(SHARES.byCart)) {
      this.add(at - Math.round(dice.around(2, 1) * HOUR), 'cart.added', { cart, amount, items })
      this.add(at - dice.below(20 * MINUTE) - MINUTE, 'checkout.started', { cart, amount, items })
    }
    this.add(at, 'order.paid', bought, { redeems: dice.chance(SHARES.redeems) })
    this.add(at + Math.round(dice.around(3, 0.4) * DAY), 'order.delivered', { order, lines: items })
    this.failures(order, at)
    if (dice.chance(SHARES.refunded)) {
      const part: Properties = dice.chance(SHARES.partly)
        ? { amount: Math.round(amount / 3), refund: `R${order.slice(1)}` }
        : {}
      this.add(at + Math.round(dice.around(6, 0.6) * DAY), 'order.refunded', { order, ...part })
    } else if (dice.chance(SHARES.reviewed)) {
      const review = { review: `V${order.slice(1)}`, order }
      this.add(at + Math.round(dice.around(7, 0.5) * DAY), 'review.published', review)
    }
  }

  private failures(order: string, at: number): void {
    const { more } = this
    const chance = more.next()
    const { late, stockout, returned } = SHARES
    if (chance >= late + stockout + returned) return
    const kind = chance < late ? 'late' : chance < late + stockout ? 'stockout' : 'return'
    const failure = `F${order.slice(1)}`
    const failed = at + Math.round(more.around({ late: 5, stockout: 1, return: 8 }[kind], 0.3) * DAY)
    this.add(failed, 'service.failed', { failure, order, kind })
    if (kind === 'late' && more.chance(SHARES.inTime)) this.add(failed + DAY, 'service.withdrawn', { failure, order })
    if (kind !== 'return') return
    const received = failed + Math.round(more.around(5, 0.4) * DAY)
    this.add(received, 'goods.received', { order })
    this.add(received + 2 * DAY, 'order.refunded', { order })
  }

  private presales(): void {
    const { more, kind, entered, end } = this
    for (let year = new Date(this.from).getUTCFullYear(); year <= new Date(end).getUTCFullYear(); year++) {
      for (const festival of PRESALES) {
        const day = Date.parse(`${year}-${festival}T00:00:00Z`) - SHOP_OFFSET * HOUR
        if (!more.chance(kind.presale / 100)) continue
        const deposit = day - DAY - more.below(9 * DAY)
        if (deposit < entered || deposit >= end) continue
        this.presale(deposit, { opens: day - 4 * HOUR, ends: day + DAY })
      }
    }
  }

  /** A deposit, and nearly always the balance: most pay in the first hours. */
  private presale(at: number, { opens, ends }: { opens: number; ends: number }): void {
    const { more } = this
    const [, product] = pickOf(more, GOODS)
    const order = `P${this.id.slice(1)}-${new Date(ends).toISOString().slice(0, 10)}`
    const price = 100 * Math.max(50, Math.round(more.around(this.kind.basket, 0.5) / 100))
    const times = { balanceOpens: clockOf(opens), balanceEnds: clockOf(ends) }
    this.add(at, 'deposit.paid', { order, product, amount: Math.round(price / 5), ...times })
    if (more.chance(SHARES.givenBack)) return this.add(at + more.below(opens - at), 'deposit.refunded', { order })
    if (!more.chance(SHARES.balance)) return
    const paid = Math.min(ends - MINUTE, opens + Math.round(more.around(3, 1) * HOUR))
    this.add(paid, 'balance.paid', { order, product, amount: price - Math.round(price / 5) })
    this.add(paid + Math.round(more.around(2, 0.4) * DAY), 'order.shipped', { order, tracking: `T${order.slice(1)}` })
  }

  private often(type: string, mean: number, properties: (nth: number, at: number) => Properties): void {
    this.moments(mean).forEach((at, nth) => this.add(at, type, properties(nth + 1, at)))
  }

  private add(at: number, type: string, properties: Properties, more: Partial<Act> = {}): void {
    const { customer, redeems, confirms } = more
    this.acts.push({ at, type, properties, customer, redeems, confirms })
  }

  /** What a basket comes to, in whole yuan. */
  private basket(): number {
    return 100 * Math.max(10, Math.round(this.dice.around(this.kind.basket, 0.55) / 100))
  }

  /** So many moments as a month has in the mean, over the customer's time in the window. */
  private moments(mean: number, dice = this.dice): number[] {
    const count = dice.times((mean * (this.end - this.entered)) / (30 * DAY))
    const moments = Array.from({ length: count }, () => this.moment(this.entered, this.end, dice))
    return moments.sort((one, other) => one - other)
  }

  /** A day by weekday and season, an hour by the customer's clock; drawn again until one is taken. */
  private moment(from: number, end: number, dice = this.dice): number {
    const { place } = this
    for (;;) {
      const day = Math.floor((from + dice.next() * (end - from)) / DAY) * DAY
      const hour = dice.pick(HOUR_WEIGHTS)
      const at = day + (hour - place.offset) * HOUR + dice.below(HOUR)
      if (dice.next() * MOST < weightOf(day) && at >= from && at < end) return at
      if (end - from < DAY) return from + dice.below(Math.max(1, end - from))
    }
  }

  private localDay(at: number): string {
    return new Date(at + this.place.offset * HOUR).toISOString().slice(0, 10)
  }
}

/** With the shop's offset, as shops tell the times of a presale. */
const clockOf = (at: number): string =>
  new Date(at + SHOP_OFFSET * HOUR).toISOString().replace('.000Z', `+0${SHOP_OFFSET}:00`)
