/** One run of a journey in a population: the host of its story on the clock of all, over the desks of a preview. */
import { PerennialError } from '../../domain/errors.ts'
import { type Arm } from '../../domain/experiment.ts'
import type { Facts } from '../../domain/customer.ts'
import type { Expiring, ExpiryKind } from '../../domain/expiry.ts'
import type { Properties, RunStatus, TakenEvent } from '../../domain/journey.ts'
import { type CatalogueEntry, type Host, playStory } from '../catalogue.ts'
import type { ChannelName } from '../../domain/channel.ts'
import type { RunInMemory } from '../preview/activities.ts'
import type { Purse } from '../preview/budget.ts'
import { VirtualCare } from '../preview/care.ts'
import { type Standing, VirtualEffects } from '../preview/effects.ts'
import { VirtualMessages } from '../preview/messages.ts'
import { VirtualPoints } from '../preview/points.ts'
import { VirtualReferrals } from '../preview/referrals.ts'
import type { Setting } from '../preview/setting.ts'
import type { Issue } from '../preview/tiers.ts'
import type { Line, Say } from '../preview/timeline.ts'
import { VirtualWaits } from '../preview/waits.ts'
import { benefitsOf } from '../../domain/tier.ts'
import type { Due } from './clock.ts'
import type { Ticket } from './morning.ts'
import type { Person } from './person.ts'
import { PopulationActivities } from './run-activities.ts'
import { RunSetting } from './run-setting.ts'
import type { PopulationShop } from './shop.ts'

/** More than any story needs: one that comes to it goes round in a circle. */
const STEPS_MOST = 10_000

const NOTHING_MORE = {}
const IDLE = (): void => {}

const withoutWords = ({ words: _words, ...more }: Partial<Line>): Partial<Line> => more

export interface Entering {
  id: string
  occasion: string | null
  arm: Arm
  startsAt: number
  /** The event that began it; a sweep's runs have none. */
  begun: Properties | undefined
}

/** What a story has come to of its run; all of one shape, whichever it comes to first. */
class Desks {
  setting: Setting | undefined = undefined
  say: Say | undefined = undefined
  waits: VirtualWaits | undefined = undefined
  effects: VirtualEffects | undefined = undefined
  messages: VirtualMessages | undefined = undefined
  points: VirtualPoints | undefined = undefined
  care: VirtualCare | undefined = undefined
  referrals: VirtualReferrals | undefined = undefined
  activities: Host['activities'] | undefined = undefined
}

/** How the shop stands to a run when an effect is asked for. */
class RunStanding implements Standing {
  readonly now: number
  readonly status: RunStatus
  readonly paused = false
  private readonly of: PopulationRun

  constructor(of: PopulationRun) {
    this.now = of.now()
    this.status = of.status
    this.of = of
  }

  consented(channel: ChannelName): boolean {
    const { person, entry } = this.of
    return person.agreesTo(entry.plan, channel)
  }
}

type Granted = Awaited<ReturnType<Host['activities']['grantTierBenefits']>>

/** A story that rests. */
class Rest implements Due {
  at: number
  of: number
  nth = 0
  private readonly run: PopulationRun
  readonly goOn: (why: 'due' | 'woken') => void

  constructor(run: PopulationRun, at: number, goOn: (why: 'due' | 'woken') => void) {
    this.at = at
    this.of = run.person.place
    this.run = run
    this.goOn = goOn
  }

  go(): Promise<void> | undefined {
    return this.run.comeDue(this)
  }
}

export class PopulationRun implements Host, RunInMemory {
  readonly id: string
  readonly entry: CatalogueEntry
  readonly person: Person
  readonly occasion: string | null
  readonly arm: Arm
  readonly enteredAt: number
  readonly startsAt: number
  readonly goalUntil: number | null
  /** The event that began it, if one did. */
  readonly begun: Properties | undefined
  status: RunStatus = 'running'
  reason = ''
  /** Where a message of it is held for the morning. */
  ticket: Ticket | null = null

  /** As the rule of re-entry asks of earlier runs. */
  get open(): boolean {
    return this.status === 'running'
  }

  private readonly shop: PopulationShop
  /** The events of the customer when it began. */
  private readonly since: number
  private heard: TakenEvent[] | undefined
  private woken = 0
  private steps = 0
  private parked: Rest | null = null
  private leaveOff: () => void = IDLE

  constructor(
    shop: PopulationShop,
    { entry, person, entering }: { entry: CatalogueEntry; person: Person; entering: Entering },
  ) {
    const { plan } = entry
    const { id, occasion, arm, startsAt, begun } = entering
    this.shop = shop
    this.entry = entry
    this.person = person
    this.id = id
    this.occasion = occasion
    this.arm = arm
    this.enteredAt = shop.clock.now
    this.startsAt = startsAt
    this.begun = begun
    this.goalUntil = plan.goal?.within ? startsAt + plan.goal.within : null
    this.since = person.events.length
  }

  /** Its desks are made when a story comes to them, and forgotten with it: most runs need few of them. */
  private kept: Desks | undefined

  private get desks(): Desks {
    return (this.kept ??= new Desks())
  }

  get setting(): Setting {
    return (this.desks.setting ??= new RunSetting(this, this.shop))
  }

  get waits(): VirtualWaits {
    return (this.desks.waits ??= new VirtualWaits(this))
  }

  get effects(): VirtualEffects {
    return (this.desks.effects ??= new VirtualEffects(
      this.setting,
      { budget: this.purse, shelf: this.person.shelf },
      this.say,
    ))
  }

  get messages(): VirtualMessages {
    return (this.desks.messages ??= new VirtualMessages(this.setting, this.say))
  }

  get points(): VirtualPoints {
    const { lots, tier: tiers } = this.person
    return (this.desks.points ??= new VirtualPoints(this.setting, { budget: this.purse, lots, tiers }, this.say))
  }

  get care(): VirtualCare {
    return (this.desks.care ??= new VirtualCare(this.setting, { inbox: this, ties: this.person }, this.say))
  }

  get referrals(): VirtualReferrals {
    const { care, effects, points, say } = this
    return (this.desks.referrals ??= new VirtualReferrals(this.setting, { inbox: this, care, effects, points, say }))
  }

  get activities(): Host['activities'] {
    return (this.desks.activities ??= new PopulationActivities(this, this.shop))
  }

  get tiers(): RunInMemory['tiers'] {
    const { tier } = this.person
    return { now: tier.now, facts: (now) => tier.facts(now), grant: (standing, issue) => this.grant(standing, issue) }
  }

  private get purse(): Purse {
    return this.shop.budgets.purse(this.entry.plan.name)
  }

  /** Whether a wait of it is over by the event. */
  takes(event: TakenEvent): boolean {
    return this.kept?.waits?.give(event, this.now()) ?? false
  }

  /** What came since it began. */
  get events(): readonly TakenEvent[] {
    const { since, person } = this
    const heard = (this.heard ??= [])
    for (let nth = since + heard.length; nth < person.events.length; nth++) heard.push(person.events[nth] as TakenEvent)
    return heard
  }

  now(): number {
    return this.shop.clock.now
  }

  wakes(): number {
    return this.woken
  }

  /** Begins the story; resolves when it rests for the first time. */
  begin(): Promise<void> {
    const { plan } = this.entry
    const rested = this.nextRest()
    void this.play({ run: this.id, journey: plan.name, customer: this.person.id, startsAt: this.startsAt })
    return rested
  }

  private async play(input: Parameters<typeof playStory>[2]): Promise<void> {
    try {
      await playStory(this.entry.journey, this, input)
    } catch (error) {
      this.shop.tally.failed(this, error)
    }
    this.over()
  }

  /** Its story is told, or rests where it has none of its own, as in a campaign. */
  over(): void {
    const { leaveOff } = this
    this.kept = undefined
    this.heard = undefined
    // What nobody resumes any more is not kept.
    this.leaveOff = IDLE
    leaveOff()
  }

  chose(name: string, way: string, ways: readonly string[]): void {
    this.shop.tally.split(this, { name, way, ways })
    this.tell('split', `split ${name}: ${way}`, { name })
  }

  /** Resolves when the story rests, or is over. */
  private nextRest(): Promise<void> {
    return new Promise((resolve) => (this.leaveOff = resolve))
  }

  rest(until: number | null, handled: number): Promise<'due' | 'woken'> {
    if (this.woken > handled) return Promise.resolve('woken')
    if (until !== null && until <= this.now()) return Promise.resolve('due')
    return new Promise((goOn) => {
      this.parked = new Rest(this, until ?? Infinity, goOn)
      this.shop.clock.expect(this.parked)
      this.leaveOff()
    })
  }

  /** What was held for a morning goes on at its place in it, which is known when it opens. */
  comeDue(rest: Rest): Promise<void> | undefined {
    const { ticket, shop } = this
    if (ticket?.ask.opensAt !== this.now() || this.parked !== rest) return this.resume(rest, 'due')
    this.ticket = null
    shop.clock.schedule(shop.morning.placeOf(ticket), this.person.place, () => this.resume(rest, 'due'))
    return undefined
  }

  /** Its turn: resolves when it rests again. Nothing happens where it has gone on since. */
  private resume(rest: Rest, why: 'due' | 'woken'): Promise<void> | undefined {
    if (this.parked !== rest) return undefined
    this.parked = null
    const rested = this.nextRest()
    rest.goOn(why)
    return rested
  }

  wake(): void {
    this.woken += 1
    const { parked } = this
    if (parked) this.shop.clock.schedule(this.now(), this.person.place, () => this.resume(parked, 'woken'))
  }

  moved(): void {}

  get say(): Say {
    return (this.desks.say ??= (what, text, more) => this.tell(what, text, more))
  }

  /** The words of a message are told by its subject: whole mails of a hundred thousand would not fit. */
  tell(what: Parameters<Say>[0], text: string, more: Partial<Line> = NOTHING_MORE): void {
    const at = this.now()
    if (this.person.isTold) {
      this.person.tell({ at, what, text, more: more.words ? withoutWords(more) : more, run: this.id })
    }
    this.shop.tally.tell(this, { at, what, more })
  }

  look(): void {
    this.steps += 1
    if (this.steps <= STEPS_MOST) return
    const { name } = this.entry.plan
    throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts takes more than ${STEPS_MOST} steps`, {
      field: 'story',
    })
  }

  standing(): Standing {
    return new RunStanding(this)
  }

  facts(): Facts {
    return this.person.facts(this.now(), this.shop.standings.standingOf(this.person))
  }

  perishables(kind: ExpiryKind): Expiring[] {
    return this.shop.perishables(this.person, kind)
  }

  /** False where it had ended before. */
  finish(status: Exclude<RunStatus, 'running'>, reason: string): boolean {
    if (this.status !== 'running') return false
    this.status = status
    this.reason = reason
    this.person.open.delete(this)
    this.kept?.waits?.close()
    // What waited in an auction takes nothing away from others any more.
    const { bids } = this.person.load
    if (bids.size > 0) for (const key of bids.keys()) if (key.startsWith(`${this.id}/`)) bids.delete(key)
    this.tell('end', `end, ${status}: ${reason}`)
    return true
  }

  end(status: Exclude<RunStatus, 'running'>, reason: string): void {
    this.finish(status, reason)
  }

  hold(): void {}

  noteWait(): void {}

  private grant(standing: Standing, issue: Issue): Granted {
    const { status, now } = standing
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    const claim = this.arm === 'holdout' ? undefined : this.person.tier.claim(this.id, this.begun ?? {})
    if (claim === undefined || claim === 'given') {
      const code = this.arm === 'holdout' ? 'HOLDOUT' : claim === 'given' ? 'TIER_GIFT_GIVEN' : 'TIER_NOT_REACHED'
      this.say('refused', `tier benefits refused: ${code}`, { name: 'tier benefits', code })
      return { is: 'refused', code }
    }
    const { level, key } = claim
    const { gift } = level
    const coupon = gift?.offer === undefined ? null : issue(gift.offer, { key, valid: gift.valid, now })
    const points = gift?.points === undefined ? 0 : this.giftPoints(level.title, gift.points, gift.validDays, standing)
    return {
      is: 'granted',
      level: level.id,
      title: level.title,
      ...benefitsOf(level),
      coupon: typeof coupon === 'string' ? null : coupon,
      points: typeof points === 'string' ? 0 : points,
      refused: {
        ...(typeof coupon === 'string' && { coupon }),
        ...(typeof points === 'string' && { points }),
      },
    }
  }

  private giftPoints(title: string, amount: number, validDays: number | undefined, standing: Standing) {
    const rule = { title: `Gift of ${title}`, earn: { fixed: amount }, ...(validDays !== undefined && { validDays }) }
    const award = this.points.awardBy(rule, { name: 'tier-gift', key: `${this.id}/gift/points` }, standing)
    return award.is === 'awarded' ? award.amount : award.is === 'refused' ? award.code : 0
  }
}
