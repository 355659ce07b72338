/**
 * A shop in memory for a whole population: it takes events as the inbox does (store/events.ts), enters people as the sweeps do, and
 * keeps what all of them share: the clock, the budgets, the quotas, the places of the morning.
 */
import type { AudienceFilter } from '../../domain/audience-filter.ts'
import type { QuietHours } from '../../domain/calendar.ts'
import type { Refusal } from '../../domain/errors.ts'
import { armOf } from '../../domain/experiment.ts'
import type { Expiring, ExpiryKind } from '../../domain/expiry.ts'
import { runId } from '../../domain/ids.ts'
import { type Properties, type TakenEvent, decideEntry, occasionOf } from '../../domain/journey.ts'
import type { CapRule } from '../../domain/pressure.ts'
import { RETURNED } from '../../domain/consent.ts'
import { REFUNDED } from '../../domain/returns.ts'
import { LetterMemory } from '../../domain/letter-memory.ts'
import type { Programme } from '../../domain/tier.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import { endsRun, entryOf, refundsAmong } from '../preview/routing.ts'
import type { PublishedWords } from '../preview/words.ts'
import { PopulationAudiences } from './audiences.ts'
import { PopulationBudgets } from './budgets.ts'
import { settleOrder } from './checkout.ts'
import { PopulationClock, type Span, type Turn } from './clock.ts'
import { type Board, Commons } from './commons.ts'
import { type HeldCoupon, PopulationCoupons } from './coupons.ts'
import { mayConfirm, settleConsent, tellSilenceBroken } from './double-opt-in.ts'
import { Frames } from './frames.ts'
import type { Act, Member, Part } from './members.ts'
import { MorningPlaces } from './morning.ts'
import { MOVES_ORDERS } from './orders.ts'
import { Person } from './person.ts'
import { isWorse } from './outcome.ts'
import { PopulationReferrals } from './referrals.ts'
import { Rolls } from './rolls.ts'
import { type Entering, PopulationRun } from './run.ts'
import { PointSpends } from './spends.ts'
import { PopulationStandings } from './standings.ts'
import { type Swept, lateBirthday } from './sweeps.ts'
import type { Tally } from './tally.ts'

const HOUR = 3_600_000

/** The rules of the shop that are no plan's. */
export interface ShopRules {
  quiet: QuietHours
  caps: readonly CapRule[]
  auctionMs: number
  release: { messages: number; windowMs: number }
  shopZone: string
  /** What a point costs, minor units. */
  pointCost: number
  programme: Programme
  published?: PublishedWords
  /** Terms of the wording check that a person has agreed to. */
  approved: readonly string[]
  /** Journeys that begin switched off and are on here. */
  switchedOn: readonly string[]
  /** Topics to which consent counts only once it is confirmed. */
  doubleOptIn: readonly string[]
  /** Audiences by name, in the order of names. */
  audiences: ReadonlyMap<string, AudienceFilter>
}

/** What a shop is opened with. */
export interface Opening {
  /** The people it plays. */
  part: Part
  span: Span
  rules: ShopRules
  tally: Tally
  /** Those whose story is kept. */
  watched: ReadonlySet<string>
  /** Where it tells those who play the others what its people take. */
  board?: Board
}

/** Somebody who is expected: known from their first event on. */
interface Guest {
  member: Member
  person: Person | undefined
}

/** Something that one of them will do. */
interface Coming extends Turn {
  guest: Guest
  act: Act
}

export class PopulationShop {
  readonly people = new Map<string, Person>()
  readonly clock: PopulationClock
  readonly commons: Commons
  readonly rules: ShopRules
  readonly tally: Tally
  readonly budgets: PopulationBudgets
  readonly coupons: PopulationCoupons
  readonly referrals: PopulationReferrals
  readonly standings: PopulationStandings
  readonly audiences: PopulationAudiences
  readonly rolls = new Rolls()
  /** The first moment, epoch ms. */
  readonly opened: number
  readonly spends = new PointSpends()
  readonly entries: readonly CatalogueEntry[]
  /** The types of events that are goals or exits, and the journeys that begin with each type. */
  private readonly goals: ReadonlySet<string>
  private readonly exits: ReadonlySet<string>
  private readonly begins = new Map<string, CatalogueEntry[]>()
  private readonly told = new Set<string>()
  private readonly watched: ReadonlySet<string>
  readonly morning: MorningPlaces
  readonly letters = new LetterMemory()
  readonly highest: number

  constructor(entries: readonly CatalogueEntry[], { part, span, rules, tally, watched, board }: Opening) {
    const plans = entries.map(({ plan }) => plan)
    this.entries = entries
    const { start } = span
    this.opened = start
    const commons = new Commons({ start, turn: () => this.clock, nth: part.nth, ...(board && { board }) })
    this.commons = commons
    this.clock = new PopulationClock({ ...span, ...(board && { came: commons.came }) })
    this.rules = rules
    this.tally = tally
    this.watched = watched
    this.budgets = new PopulationBudgets(plans, { now: () => this.clock.now, pointCost: rules.pointCost, commons })
    this.coupons = new PopulationCoupons(plans, {
      budgets: this.budgets,
      commons,
      others: part.others,
      issued: (coupon, holder) => this.expireLater(coupon, holder),
    })
    this.referrals = new PopulationReferrals(
      new Map(plans.flatMap(({ name, referral }) => (referral ? [[name, referral] as const] : []))),
    )
    this.standings = new PopulationStandings(rules.shopZone, new Frames(part.purchases, rules.shopZone))
    this.audiences = new PopulationAudiences(this, rules.audiences)
    this.morning = new MorningPlaces(rules.release, commons)
    const marketing = plans.filter((plan) => plan.class === 'marketing')
    this.highest = Math.max(0, ...marketing.map((plan) => plan.delivery.priority))
    this.goals = new Set(plans.flatMap(({ goal }) => goal?.on ?? []))
    this.exits = new Set(plans.flatMap(({ exits }) => exits.map(({ on }) => on)))
    for (const entry of entries) {
      const { on } = entry.plan.begins ?? {}
      if (on !== undefined) this.begins.set(on, [...(this.begins.get(on) ?? []), entry])
    }
    this.expect(part)
  }

  /** Everything that members will do, at its time. */
  private expect({ members, places }: Part): void {
    const coming = members.flatMap((member, nth) => {
      const of = places[nth] ?? nth
      const guest: Guest = { member, person: undefined }
      return member.acts.map((act): Coming => ({ at: act.at, of, guest, act }))
    })
    this.clock.foresee(coming, (one) => this.accept(one))
  }

  /** Whoever got the most messages so far; of two who got as many the first by id. */
  worstHit(): Person | undefined {
    let worst: Person | undefined
    for (const one of this.people.values()) {
      if (!worst || isWorse(one, worst)) worst = one
    }
    return worst
  }

  /** Only the story of the worst hit is told in the end: of whoever can hardly catch up any more it is kept no longer. */
  forgetTheQuiet(): void {
    const least = leastToCatchUp(this.worstHit()?.sent ?? 0)
    for (const person of this.people.values()) if (person.sent < least) person.forget()
  }

  private meet({ id, suppressed }: Member, place: number): Person {
    const { shopZone, programme } = this.rules
    const known = { id, place, suppressed, now: this.clock.now, told: this.watched.has(id) }
    const person = new Person(known, { shopZone, programme, coupons: this.coupons, points: this.rolls.points })
    this.people.set(id, person)
    this.standings.meet(person)
    return person
  }

  /** Takes an event in as the inbox does. */
  private accept({ guest, of, act }: Coming): void {
    const { now } = this.clock
    if (act.confirms && !mayConfirm(guest.person, now)) return
    const isNew = guest.person === undefined
    const person = (guest.person ??= this.meet(guest.member, of))
    const { customer: said, type, properties } = act
    const confirmed = said ? person.learn(said, { source: act.id, doubleOptIn: this.rules.doubleOptIn }) : []
    if (said?.birthday) this.rolls.tellsBirthday(person)
    const event = { id: act.id, type, at: new Date(now).toISOString(), properties }
    const paidBefore = person.paidOrders > 0
    person.hear(event)
    this.tally.event(person, type, now, said)
    settleOrder(this, person, act, paidBefore)
    this.route(person, event)
    if (said?.birthday) this.keepLateBirthday(person)
    const moved = MOVES_ORDERS.has(type) ? this.standings.standAnew(person, now) : undefined
    if (moved) this.tell(person, moved)
    if (type === RETURNED) tellSilenceBroken(this, person, act.id)
    this.refer(person, event)
    if (said?.consent || act.confirms) settleConsent(this, person, act, confirmed)
    this.audiences.reviewEvent(person, act, isNew)
  }

  private keepLateBirthday(person: Person): void {
    for (const entry of this.entries) {
      const { sweep } = entry.plan
      const late = sweep?.audience === 'birthday' ? lateBirthday(person, sweep.at, this.clock.now) : undefined
      if (late && !this.isOff(entry.plan)) this.enterSwept(person, entry, late)
    }
  }

  /** Enters whom a sweep found, unless they may not enter. */
  enterSwept(person: Person, entry: CatalogueEntry, { occasion, instant }: Omit<Swept, 'person'>): void {
    const { plan } = entry
    const { now } = this.clock
    if (!decideEntry(plan, { occasion, now, past: person.past(plan.name) }).enter) return
    this.enter(person, entry, { occasion, startsAt: Math.max(instant, now), begun: undefined })
  }

  /** Tells an event of our own: stored and routed as a shop's is, once. */
  tell(person: Person, { id, type, properties }: { id: string; type: string; properties: Properties }): void {
    if (this.told.has(id)) return
    this.told.add(id)
    const event = { id, type, at: new Date(this.clock.now).toISOString(), properties }
    person.hear(event)
    this.tally.event(person, type, this.clock.now)
    this.route(person, event)
    this.audiences.reviewEvent(person, { type })
  }

  private route(person: Person, event: TakenEvent): void {
    const { type } = event
    if (this.goals.has(type)) this.reachGoals(person, event)
    if (this.exits.has(type)) this.leave(person, event)
    if (type === REFUNDED) this.takeBackParts(person, event)
    for (const run of person.open) if (run.takes(event)) run.wake()
    const begins = this.begins.get(type)
    if (begins) for (const entry of begins) this.tryEntry(person, entry, event)
  }

  private reachGoals(person: Person, event: TakenEvent): void {
    const { now } = this.clock
    let left = 0
    for (const run of person.pursuing) {
      if (run.goalUntil !== null && run.goalUntil < now) continue
      const { plan } = run.entry
      if (run.startsAt <= now && plan.goal && endsRun(plan, plan.goal, event, run)) {
        this.tally.converted(run)
        if (run.finish('goal', event.type)) run.wake()
      } else person.pursuing[left++] = run
    }
    person.pursuing.length = left
  }

  private leave(person: Person, event: TakenEvent): void {
    for (const run of person.open) {
      const { plan } = run.entry
      for (const exit of plan.exits) {
        const isLeft = endsRun(plan, exit, event, run) && (!exit.whole || isRefundedWhole(run))
        if (!isLeft || !run.finish('exited', event.type)) continue
        run.wake()
        break
      }
    }
  }

  /** What the parts of an order that were refunded take from the runs that the order began. */
  private takeBackParts(person: Person, { properties }: TakenEvent): void {
    const { now } = this.clock
    const order = occasionOf('order', properties)
    this.reviewing(person, 'refund', () => {
      for (const run of person.open) {
        if (order === undefined || run.begun === undefined || occasionOf('order', run.begun) !== order) continue
        run.points.takeBackParts(refundsAmong(person.events, run.begun), { now, status: run.status })
      }
    })
  }

  private tryEntry(person: Person, entry: CatalogueEntry, event: TakenEvent): void {
    const { plan } = entry
    const past = person.past(plan.name)
    const asked = entryOf(plan, event, { before: person.events, past, now: this.clock.now })
    if (!asked) return
    const known = !asked.enter && NOT_FOR_THIS.includes(asked.code)
    if (this.isOff(plan) && !known) return this.tally.refusedEntry(plan.name, 'SWITCHED_OFF')
    if (!asked.enter) return this.tally.refusedEntry(plan.name, asked.code)
    this.enter(person, entry, { occasion: asked.occasion, startsAt: this.clock.now, begun: event.properties })
  }

  /** Begins switched off, and nobody has switched it on. */
  isOff({ name, off }: CatalogueEntry['plan']): boolean {
    return off === true && !this.rules.switchedOn.includes(name)
  }

  /** Begins a run, unless there is the same one. */
  enter(person: Person, entry: CatalogueEntry, asked: Pick<Entering, 'occasion' | 'startsAt' | 'begun'>): void {
    const run = this.admit(person, entry, asked)
    if (run) this.clock.schedule(this.clock.now, person.place, () => run.begin())
  }

  /** The same, of which the story is not told. */
  admit(
    person: Person,
    entry: CatalogueEntry,
    asked: Pick<Entering, 'occasion' | 'startsAt' | 'begun'>,
  ): PopulationRun | undefined {
    const { plan } = entry
    const runs = person.runs.get(plan.name)
    if (runs?.some((run) => run.occasion === asked.occasion)) return undefined
    const id = runId({ journey: plan.name, customer: person.id, occasion: asked.occasion })
    const arm = armOf(plan.name, person.id, plan.holdout)
    const { occasion, startsAt, begun } = asked
    const run = new PopulationRun(this, { entry, person, entering: { id, occasion, arm, startsAt, begun } })
    person.open.add(run)
    if (plan.goal) person.pursuing.push(run)
    if (runs) runs.push(run)
    else person.runs.set(plan.name, [run])
    run.tell('begin', `${plan.title} begins, ${arm}`, { name: plan.name })
    this.tally.entered(run)
    return run
  }

  private refer(person: Person, event: TakenEvent): void {
    const { events, refused } = this.referrals.apply(person, event, this.clock.now)
    if (refused) this.tally.refusedEntry(refused.campaign, refused.code)
    for (const { to, ...told } of events) {
      const whom = this.people.get(to)
      if (whom) this.tell(whom, told)
    }
  }

  /** Runs what may change somebody's growth value, and then decides the tier anew. */
  reviewing<T>(person: Person, because: 'growth' | 'refund', work: () => T): T {
    const fresh = person.lots.newest + 1
    const before = person.lots.allGrowth
    const done = work()
    if (person.lots.allGrowth !== before) {
      this.rolls.climbers.add(person)
      this.reviewTier(person, because, fresh)
    }
    return done
  }

  private reviewTier(person: Person, because: 'growth' | 'refund' | 'time', fresh?: number): void {
    const { now } = this.clock
    for (const told of person.tier.review(because, { now, ...(fresh !== undefined && { fresh }) }))
      this.tell(person, told)
    const due = person.tier.dueAt
    // The upkeep looks once an hour.
    if (due !== undefined && due > now)
      this.clock.schedule(nextHour(due), person.place, () => this.reviewTier(person, 'time'))
  }

  /** What a customer has that expires. */
  perishables({ lots, coupons }: Person, kind: ExpiryKind): Expiring[] {
    const { now } = this.clock
    if (kind === 'points') {
      return lots.all.flatMap(({ unit, state, remaining, expiresAt: at }) =>
        unit === 'points' && state === 'available' && remaining > 0 && at !== null && at > now
          ? [{ at, amount: remaining }]
          : [],
      )
    }
    return [...coupons.values()].flatMap(({ code, title, status, expiresAt: at }) =>
      status === 'open' && at > now ? [{ at, amount: 1, coupon: { code, title } }] : [],
    )
  }

  private expireLater(coupon: HeldCoupon, { id, place: of }: Pick<Person, 'id' | 'place'>): void {
    const person = this.people.get(id)
    if (person) this.rolls.holders.add(person)
    this.clock.schedule(nextHour(coupon.expiresAt), of, () => {
      if (coupon.status === 'open' && coupon.expiresAt <= this.clock.now) this.budgets.release(coupon.key)
    })
  }
}

/**
 * Whoever is hit worst in the end is hardly ever three and a half standard deviations below what they will have had by then, which is a
 * little less than the most that anybody has had so far. Counts are taken as Poisson.
 */
function leastToCatchUp(most: number): number {
  const likely = 0.85 * most
  return likely - 3.5 * Math.sqrt(likely)
}

/** The upkeep comes once an hour. */
export const nextHour = (at: number): number => Math.ceil(at / HOUR) * HOUR

/** Refusals that come before it is asked whether the journey is on. */
const NOT_FOR_THIS: readonly Refusal[] = ['BEGINS_NOT_MATCHED', 'OCCASION_MISSING', 'OCCASION_OVER']

/** Whether the order that began a run is refunded as a whole; true where the run began with none. */
function isRefundedWhole({ begun, person }: PopulationRun): boolean {
  return begun?.['order'] === undefined || refundsAmong(person.events, begun).whole
}
