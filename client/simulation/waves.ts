/**
 * One wave of a campaign in one zone: activities/campaigns.ts and wave-pages.ts in memory, with a turn of its own for everybody instead of
 * pages. Whoever is known when it begins is asked for, in the order of ids, by the very gate of single messages.
 */
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import { NO_COUNTS, type WaveCounts, type WaveTerms, hoursOpenAt, isTooLate, timesOf } from '../../domain/campaign.ts'
import { REFUSALS, type Refusal } from '../../domain/errors.ts'
import { effectKey } from '../../domain/ids.ts'
import { gate, wordlessGate } from '../../domain/sending.ts'
import type { Host } from '../catalogue.ts'
import type { CampaignTelling } from './campaign-runs.ts'
import { SHOP } from './clock.ts'
import { numberOf } from './dice.ts'
import { noteLink } from './double-opt-in.ts'
import type { Person } from './person.ts'
import type { PopulationRun } from './run.ts'

type Request = Parameters<Host['activities']['sendMessage']>[0]

/** What the threads tell one another of a wave is known by. */
const WAVES = -3
/** How often it is asked whether the other threads are done. */
const MINUTE = 60_000
/** Said by a thread that will never be done, as somebody is held until a person acts. */
const NEVER = 1_000_000

const CODES = Object.keys(REFUSALS) as Refusal[]

export class Wave {
  private readonly of: CampaignTelling
  private readonly name: string
  private readonly terms: WaveTerms
  private readonly went: (counts: WaveCounts) => Promise<void>
  private readonly filters: readonly AudienceFilter[]
  private readonly times: ReturnType<typeof timesOf>
  private readonly counts: WaveCounts = { ...NO_COUNTS, went: true, reasons: {} }
  private crowd: readonly Person[] = []
  private next = 0
  private held = 0
  private isDone = false
  private isStuck = false
  private othersDone = 0
  /** When its hours open, seen from a moment. */
  private hours = { now: NaN, opens: NaN }

  constructor(
    of: CampaignTelling,
    { name, terms }: { name: string; terms: WaveTerms },
    went: (counts: WaveCounts) => Promise<void>,
  ) {
    this.of = of
    this.name = name
    this.terms = terms
    this.went = went
    this.filters = [of.terms.audience, ...(terms.to ? [terms.to] : [])]
    this.times = timesOf(terms, { day: of.date, zone: of.zone })
  }

  private get now(): number {
    return this.of.shop.clock.now
  }

  private at(when: number, of: number, go: () => void | Promise<void>): void {
    this.of.shop.clock.schedule(when, of, go)
  }

  open(): void {
    this.at(Math.max(this.times.due, this.now), SHOP, () => this.begin())
  }

  private begin(): void | Promise<void> {
    const { now } = this
    if (isTooLate(this.terms.late, { ...this.times, now })) return this.went({ ...NO_COUNTS, reasons: {} })
    const opens = this.opensAt()
    if (opens > now) return this.at(opens, SHOP, () => this.begin())
    this.crowd = this.of.people()
    this.at(now + MINUTE, SHOP, () => this.look())
    this.walk()
  }

  /** When it goes on: now, unless it is outside its hours or its rate is used up. */
  private opensAt(): number {
    const { now, of } = this
    const { hours, rate } = of.terms
    if (this.hours.now !== now) this.hours = { now, opens: hoursOpenAt(hours, of.zone, now) }
    const { opens } = this.hours
    return opens > now || !rate ? opens : of.rates.opensAt(of.entry.plan.name, rate, now)
  }

  /** Whoever is next has a turn of their own. */
  private walk(): void {
    const person = this.crowd[this.next]
    if (person) this.at(this.now, person.place, () => this.come(person))
    else this.settle()
  }

  private come(person: Person): void {
    const opens = this.opensAt()
    // Those who are held then come first, as their ids do.
    if (opens > this.now) return this.at(opens, person.place, () => this.come(person))
    this.next += 1
    const run = this.takeIn(person)
    if (run) {
      this.counts.members += 1
      this.ask(run)
    }
    this.walk()
  }

  /** The run of one whom the wave is for, entered where they are new. */
  private takeIn(person: Person): PopulationRun | undefined {
    const { of } = this
    const before = of.runOf(person)
    // Who has left is in no later wave.
    if (person.zone !== of.zone || (before && !before.open)) return undefined
    if (!of.shop.audiences.takeIn(this.filters, person)) return undefined
    const run = before ?? of.enter(person)
    return run && wasAsked(run, this.terms.send) ? undefined : run
  }

  /** A coupon is issued for whom the message would reach, before it is asked for with its words. */
  private ask(run: PopulationRun, known?: Request): void {
    const { coupon, send } = this.terms
    const standing = run.standing()
    const { until } = this.times
    const plain = { key: effectKey(run.id, 'send', send, 1), run: run.id, message: send, data: {}, asked: this.now }
    const request = known ?? (until === null ? plain : { ...plain, until })
    const isOpen = !coupon || known !== undefined
    const goes = isOpen || run.messages.wouldGo(request, standing)
    const asked = goes && !isOpen ? this.withCoupon(run, request, standing) : request
    const answer = run.messages.send(asked, standing, goes ? gate : wordlessGate)
    if (answer.is === 'held') return this.hold(run, goes ? asked : undefined, answer.until)
    this.count(run, asked.message, answer)
    run.ticket = null
    run.over()
  }

  private withCoupon(run: PopulationRun, request: Request, standing: ReturnType<PopulationRun['standing']>): Request {
    const { coupon, send } = this.terms
    if (!coupon) return request
    const { offer, valid, otherwise = send } = coupon
    const key = effectKey(run.id, 'coupon', offer, 1)
    const issue = run.effects.issueCoupon({ key, run: run.id, offer, valid, asked: this.now }, standing)
    return issue.is === 'issued' ? { ...request, data: { coupon: issue.coupon } } : { ...request, message: otherwise }
  }

  private count(run: PopulationRun, message: string, answer: { is: string; code?: Refusal }): void {
    const { counts, of } = this
    if (answer.is !== 'sent') {
      const { code } = answer
      counts.skipped += 1
      if (code) counts.reasons[code] = (counts.reasons[code] ?? 0) + 1
      return
    }
    counts.sent += 1
    noteLink(run, message)
    const { rate } = of.terms
    if (rate) of.rates.take(of.entry.plan.name, rate, this.now)
  }

  private hold(run: PopulationRun, request: Request | undefined, until: number | null): void {
    this.held += 1
    if (until === null) this.isStuck = true
    else this.at(until, run.person.place, () => this.again(run, request))
  }

  private again(run: PopulationRun, request: Request | undefined): void {
    const { now, of } = this
    const { ticket, person } = run
    const goOn = (): void => this.again(run, request)
    if (ticket?.ask.opensAt === now) {
      run.ticket = null
      return this.at(of.shop.morning.placeOf(ticket), person.place, goOn)
    }
    const opens = this.opensAt()
    if (opens > now) return this.at(opens, person.place, goOn)
    this.held -= 1
    this.ask(run, request)
    this.settle()
  }

  /** Tells the other threads when this one is done. */
  private settle(): void {
    const { counts, held, isStuck } = this
    const isOver = this.next === this.crowd.length && (held === 0 || isStuck)
    if (!isOver || this.isDone) return
    this.isDone = true
    this.say('done', isStuck ? NEVER : 1)
    this.say('members', counts.members)
    this.say('sent', counts.sent)
    this.say('skipped', counts.skipped)
    for (const code of CODES) this.say(code, counts.reasons[code] ?? 0)
  }

  private partOf(what: string): number {
    return numberOf(`${this.of.id}/${this.name}/${what}`)
  }

  private say(what: string, amount: number): void {
    this.of.shop.commons.took(WAVES, this.partOf(what), amount)
  }

  private hear(what: string): number {
    return this.of.shop.commons.heard(WAVES, this.partOf(what))
  }

  /** The story goes on once all threads are done. */
  private look(): void | Promise<void> {
    const { commons } = this.of.shop
    if (this.isDone && this.isStuck) return undefined
    if (this.isDone) {
      commons.meet()
      this.othersDone += this.hear('done')
      if (this.othersDone >= NEVER) return undefined
      if (this.othersDone === commons.others) return this.went(this.allCounts())
    }
    return this.at(this.now + MINUTE, SHOP, () => this.look())
  }

  private allCounts(): WaveCounts {
    const { counts } = this
    for (const what of ['members', 'sent', 'skipped'] as const) counts[what] += this.hear(what)
    for (const code of CODES) {
      const all = (counts.reasons[code] ?? 0) + this.hear(code)
      if (all > 0) counts.reasons[code] = all
    }
    return counts
  }
}

const askedOf = new WeakMap<PopulationRun, string[]>()

/** Whether a message was asked for before; it is from now on. */
function wasAsked(run: PopulationRun, send: string): boolean {
  const asked = askedOf.get(run) ?? []
  if (asked.includes(send)) return true
  askedOf.set(run, [...asked, send])
  return false
}
