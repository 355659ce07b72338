/**
 * A shop in memory for one run: the host of a story on a clock that jumps from one thing to the next. It answers as the
 * activities do, from the same rules of the domain.
 */
import { localDate } from '../../domain/calendar.ts'
import { PerennialError } from '../../domain/errors.ts'
import type { RunStatus } from '../../domain/journey.ts'
import { REFUNDED } from '../../domain/returns.ts'
import type { Host, Where } from '../catalogue.ts'
import { RunActivities, type RunInMemory } from './activities.ts'
import { VirtualBudget } from './budget.ts'
import { SampleTies, VirtualCare, tagsNow } from './care.ts'
import { SampleShelf, type Standing, VirtualEffects } from './effects.ts'
import { VirtualInbox } from './inbox.ts'
import { Lots } from './lots.ts'
import { VirtualMessages } from './messages.ts'
import { VirtualPoints } from './points.ts'
import { VirtualReferrals } from './referrals.ts'
import type { Outside, Perishable, Setting } from './setting.ts'
import { VirtualTiers } from './tiers.ts'
import { type Line, type Say, spanInWords } from './timeline.ts'
import type { VirtualWaits } from './waits.ts'

/** More than any story needs: one that comes to it goes round in a circle. */
const STEPS_MOST = 10_000

export class VirtualShop implements Host, RunInMemory {
  readonly lines: Line[] = []
  readonly inbox: VirtualInbox
  /** Settles when the run is held and nothing that is scripted will end the hold. */
  readonly heldForEver: Promise<void>
  private halt: () => void = () => {}

  readonly setting: Setting
  readonly waits: VirtualWaits
  readonly effects: VirtualEffects
  readonly messages: VirtualMessages
  readonly points: VirtualPoints
  readonly tiers: VirtualTiers
  readonly referrals: VirtualReferrals
  readonly care: VirtualCare
  private readonly ties: SampleTies
  private readonly outside: Outside[]
  private clock: number
  private woken = 0
  private steps = 0
  private where: Where
  private resting = false
  /** What is said of the next wait: undefined where it only goes on after a wake-up that was not for it. */
  private waitNote: string | undefined = ''
  private paused = false
  private held = false

  constructor(setting: Setting) {
    this.setting = setting
    this.clock = setting.start
    this.where = { step: 'the beginning', since: setting.start, until: null }
    this.outside = [...setting.outside]
    this.inbox = new VirtualInbox(
      setting,
      () => this.clock,
      () => (this.woken += 1),
    )
    const { say, inbox } = this
    const budget = new VirtualBudget(setting)
    this.waits = inbox.waits
    this.effects = new VirtualEffects(setting, { budget, shelf: new SampleShelf(setting) }, say)
    this.messages = new VirtualMessages(setting, say)
    this.tiers = new VirtualTiers(setting, say)
    this.points = new VirtualPoints(setting, { budget, lots: new Lots(), tiers: this.tiers }, say)
    const { effects, points } = this
    this.ties = new SampleTies(setting.customer)
    const care = new VirtualCare(setting, { inbox, ties: this.ties }, say)
    this.care = care
    this.referrals = new VirtualReferrals(setting, { inbox, care, effects, points, say })
    this.activities = new RunActivities(this)
    this.heldForEver = new Promise((resolve) => (this.halt = resolve))
  }

  now(): number {
    return this.clock
  }

  wakes(): number {
    return this.woken
  }

  async rest(until: number | null, handled: number): Promise<'due' | 'woken'> {
    this.resting = true
    while (this.woken <= handled) {
      const next = this.outside[0]
      const due = next && (until === null || next.at <= until) ? next.at : until
      if (due !== null) await this.setting.pace?.(due)
      if (next && (until === null || next.at <= until)) {
        this.outside.shift()
        this.happen(next)
      } else if (until === null) {
        this.halt()
        await new Promise(() => {})
      } else {
        this.clock = Math.max(this.clock, until)
        this.resting = false
        return 'due'
      }
    }
    this.resting = false
    return 'woken'
  }

  moved(where: Where): void {
    const { step, until } = where
    if (step.startsWith('wait ') && until !== null && this.waitNote !== undefined) {
      this.say('wait', `${step}${this.waitNote}`, { until })
    }
    this.waitNote = ''
    this.where = where
  }

  chose(split: string, way: string): void {
    this.say('split', `split ${split}: ${way}`, { name: split })
  }

  /** What comes after the run has ended: its goal may still be counted. */
  playOut(): void {
    for (const next of this.outside.splice(0)) this.happen(next)
  }

  readonly say: Say = (what, text, more = {}) => {
    this.lines.push({ at: this.clock, after: spanInWords(this.clock - this.setting.start), what, text, ...more })
  }

  readonly activities: Host['activities']

  /** Before every effect: what is due by now has happened, as the store's rows would be there. */
  look(): void {
    this.steps += 1
    if (this.steps > STEPS_MOST) {
      const { name } = this.setting.plan
      throw new PerennialError('JOURNEY_INVALID', `workflows/${name}.ts takes more than ${STEPS_MOST} steps`, {
        field: 'story',
      })
    }
    for (let next = this.outside[0]; next && next.at <= this.clock; next = this.outside[0]) {
      this.outside.shift()
      this.happen(next)
    }
  }

  private happen(one: Outside): void {
    this.clock = Math.max(this.clock, one.at)
    switch (one.is) {
      case 'event':
        return this.arrive(one)
      case 'unsubscribe':
        this.ties.say(false)
        this.say('event', 'unsubscribed: consent is withdrawn')
        break
      case 'decision': {
        const open = this.care.decide(one, this.clock)
        if (open) this.woken += 1
        const asked = open ? '' : ', but nothing is asked'
        this.say('operator', `decides: ${one.decision}${asked}`)
        break
      }
      case 'pause':
        this.paused = true
        this.say('operator', 'paused')
        break
      case 'resume':
        this.paused = false
        this.say('operator', 'resumed')
        if (this.held) this.woken += 1
        this.held = false
    }
  }

  private arrive({ type, properties }: Outside & { is: 'event' }): void {
    const before = this.inbox.status
    this.tiers.arrive(type, properties)
    if (type === 'consent.confirmed' && properties['topic'] === this.setting.plan.topic) this.ties.say(true)
    const effects = this.inbox.arrive(type, properties)
    const { status, reason } = this.inbox
    const ended = before === 'running' && status !== 'running'
    if (ended && this.resting) effects.push(`'${this.where.step}' ends early`)
    this.say('event', `event ${type}: ${effects.join(', ') || 'kept, nothing waits for it'}`, { name: type })
    if (type === REFUNDED) this.points.takeBackParts(this.inbox.refunds(), { now: this.clock, status })
    if (ended) this.say('end', `end, ${status}: ${reason}`)
  }

  standing(): Standing {
    const { clock: now, paused, ties } = this
    return { now, status: this.inbox.status, paused, consented: () => ties.agrees() }
  }

  end(status: Exclude<RunStatus, 'running'>, reason: string): void {
    if (this.inbox.end(status, reason)) this.say('end', `end, ${status}: ${reason}`)
  }

  hold(held: boolean): void {
    this.held = held
  }

  noteWait(note: string | undefined): void {
    this.waitNote = note
  }

  perishables(): readonly Perishable[] {
    return this.setting.perishables.filter(({ at, goneAt }) => Math.min(at, goneAt) > this.clock)
  }

  facts() {
    const { customer, start } = this.setting
    const orders = this.inbox.events.filter((event) => event.type === 'order.paid')
    const amounts = orders.map(({ properties: { amount } }) => (typeof amount === 'number' ? amount : 0))
    return {
      zone: customer.zone,
      today: localDate(this.clock, this.setting.zone),
      tags: tagsNow(customer.tags, this.ties, this.clock),
      paidOrders: customer.paidOrders + orders.length,
      spent: customer.spent + amounts.reduce((sum, amount) => sum + amount, 0),
      since: new Date(start).toISOString(),
      tier: this.tiers.facts(this.clock),
      traits: customer.traits ?? {},
      standing: customer.standing ?? null,
    }
  }
}
