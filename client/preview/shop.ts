/**
 * A shop in memory for one run: the host of a story on a clock that jumps from one thing to the next. It answers as the
 * activities do, from the same rules of the domain.
 */
import { afterDays, localDate, occurrenceOf } from '../../domain/calendar.ts'
import { PerennialError } from '../../domain/errors.ts'
import { expiringIn } from '../../domain/expiry.ts'
import { partsOfRun } from '../../domain/ids.ts'
import { REFUNDED } from '../../domain/returns.ts'
import type { Host, Where } from '../catalogue.ts'
import { VirtualBudget } from './budget.ts'
import { VirtualEffects } from './effects.ts'
import { VirtualInbox } from './inbox.ts'
import { VirtualMessages } from './messages.ts'
import { VirtualPoints } from './points.ts'
import { VirtualReferrals } from './referrals.ts'
import type { Outside, Setting } from './setting.ts'
import { VirtualTiers } from './tiers.ts'
import { type Line, spanInWords } from './timeline.ts'

/** More than any story needs: one that comes to it goes round in a circle. */
const STEPS_MOST = 10_000

export class VirtualShop implements Host {
  readonly lines: Line[] = []
  readonly inbox: VirtualInbox
  /** Settles when the run is held and nothing that is scripted will end the hold. */
  readonly heldForEver: Promise<void>
  private halt: () => void = () => {}

  private readonly setting: Setting
  private readonly effects: VirtualEffects
  private readonly messages: VirtualMessages
  private readonly points: VirtualPoints
  private readonly tiers: VirtualTiers
  private readonly referrals: VirtualReferrals
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
  private consented: boolean

  constructor(setting: Setting) {
    this.setting = setting
    this.clock = setting.start
    this.where = { step: 'the beginning', since: setting.start, until: null }
    this.consented = setting.customer.consent
    this.outside = [...setting.outside]
    this.inbox = new VirtualInbox(
      setting,
      () => this.clock,
      () => (this.woken += 1),
    )
    const say = (what: Line['what'], text: string, more: Partial<Line>): void => this.say(what, text, more)
    const budget = new VirtualBudget(setting)
    this.effects = new VirtualEffects(setting, budget, say)
    this.messages = new VirtualMessages(setting, say)
    this.tiers = new VirtualTiers(setting, say)
    this.points = new VirtualPoints(setting, { budget, tiers: this.tiers }, say)
    const { inbox, effects, points } = this
    this.referrals = new VirtualReferrals(setting, { inbox, effects, points, say })
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

  /** What comes after the run has ended: its goal may still be counted. */
  playOut(): void {
    for (const next of this.outside.splice(0)) this.happen(next)
  }

  say(what: Line['what'], text: string, more: Partial<Line> = {}): void {
    this.lines.push({ at: this.clock, after: spanInWords(this.clock - this.setting.start), what, text, ...more })
  }

  readonly activities: Host['activities'] = {
    openWait: async (wait) => {
      this.look()
      const view = this.inbox.openWait(wait)
      if (view.event) this.say('wait', `wait for ${wait.type}: it came before`, { name: wait.type })
      return view
    },
    viewWait: async ({ key }) => {
      const view = this.inbox.view(key)
      if (!view.event && view.status === 'running') this.waitNote = undefined
      return view
    },
    closeWait: async (asked) => {
      const last = this.inbox.closeWait(asked)
      if (last.again !== null) this.waitNote = `, anew after ${asked.restart}`
      else if (!last.event && last.status === 'running') this.say('wait', 'it did not come')
      return last
    },
    beginning: async () => (this.setting.plan.begins ? this.setting.begin : {}),
    newestEvent: async (asked) => this.looking(() => this.inbox.newest(asked)),
    runStatus: async () => ({ status: this.inbox.status }),
    calendarWait: async ({ wait, asked }) => afterDays(asked, wait, this.setting.zone),
    calendarTarget: async ({ target, asked }) => {
      const { due, late, next } = occurrenceOf(target, this.setting.zone, asked)
      return { due, late, next: next ?? null }
    },
    customerFacts: async () => {
      this.look()
      return this.facts()
    },
    issueCoupon: async (request) => {
      this.look()
      const offer = (request.pack && this.tiers.now.birthday) ?? request.offer
      const result = this.effects.issueCoupon({ ...request, offer }, this.standing())
      this.held = result.is === 'held'
      return result
    },
    grantTierBenefits: async () => {
      this.look()
      const standing = this.standing()
      const result = this.tiers.grant(standing, (offer, valid) => this.effects.sampleOf(offer, valid, standing))
      this.held = result.is === 'held'
      return result
    },
    sendMessage: async (request) => {
      this.look()
      const result = this.messages.send(request, this.standing())
      this.held = result.is === 'held' && result.until === null
      return result
    },
    awardPoints: async (request) => {
      this.look()
      const result = this.points.award(request, this.standing())
      this.held = result.is === 'held'
      return result
    },
    settlePoints: async () => {
      this.look()
      const result = this.points.settle(this.standing())
      this.held = result.is === 'held'
      return result
    },
    takeBackPoints: async () => {
      this.look()
      return this.points.takeBack()
    },
    expiringSoon: async ({ daysBefore, waited }) => {
      this.look()
      const { run, zone, plan, perishables } = this.setting
      const items = perishables.filter(({ at, goneAt }) => Math.min(at, goneAt) > this.clock)
      const { at = '10:00', worth = 1 } = plan.sweep ?? {}
      const from = partsOfRun(run).occasion ?? ''
      const answer = expiringIn(items, { from, zone, now: this.clock, daysBefore, waited, at, worth })
      if (answer.is === 'nothing' || answer.is === 'late') {
        this.say('wait', `${daysBefore} days before: ${answer.is === 'late' ? 'past' : 'nothing is left'}`)
      }
      return answer
    },
    openReview: async (asked) => this.looking(() => this.referrals.openReview(asked)),
    viewReview: async (asked) => this.looking(() => this.referrals.viewReview(asked)),
    closeReview: async (asked) => this.looking(() => this.referrals.closeReview(asked)),
    referralCode: async (asked) => this.holding(() => this.referrals.code(asked, this.standing())),
    returnsUntil: async () => this.referrals.returnsUntil(),
    judgeReferral: async () => this.looking(() => this.referrals.judge()),
    approveReferral: async () => this.holding(() => this.referrals.approve(this.standing())),
    giveReward: async (asked) => this.holding(() => this.referrals.reward(asked, this.standing())),
    climbRung: async (asked) => {
      const climbed = this.looking(() => this.referrals.climb(asked, this.standing()))
      this.held = climbed?.result.is === 'held'
      return climbed
    },
    takeBackRewards: async () => this.looking(() => this.referrals.takeBack()),
    finishRun: async ({ status, reason }) => {
      this.look()
      if (this.inbox.end(status, reason)) this.say('end', `end, ${status}: ${reason}`)
    },
  }

  private looking<T>(effect: () => T): T {
    this.look()
    return effect()
  }

  /** An effect that a pause may hold until the resume. */
  private holding<T extends { is: string }>(effect: () => T): T {
    const result = this.looking(effect)
    this.held = result.is === 'held'
    return result
  }

  /** Before every effect: what is due by now has happened, as the store's rows would be there. */
  private look(): void {
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
        this.consented = false
        return this.say('event', 'unsubscribed: consent is withdrawn')
      case 'decision': {
        const open = this.referrals.decide(one.decision, this.clock)
        if (open) this.woken += 1
        return this.say(
          'operator',
          open ? `decides: ${one.decision}` : `decides: ${one.decision}, but nothing is asked`,
        )
      }
      case 'pause':
        this.paused = true
        return this.say('operator', 'paused')
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
    const effects = this.inbox.arrive(type, properties)
    const { status, reason } = this.inbox
    const ended = before === 'running' && status !== 'running'
    if (ended && this.resting) effects.push(`'${this.where.step}' ends early`)
    this.say('event', `event ${type}: ${effects.join(', ') || 'kept, nothing waits for it'}`, { name: type })
    if (type === REFUNDED) this.points.takeBackParts(this.inbox.refunds(), status)
    if (ended) this.say('end', `end, ${status}: ${reason}`)
  }

  private standing() {
    const { clock: now, paused, consented } = this
    return { now, status: this.inbox.status, paused, consented }
  }

  private facts() {
    const { customer, start } = this.setting
    const orders = this.inbox.events.filter((event) => event.type === 'order.paid')
    const amounts = orders.map(({ properties: { amount } }) => (typeof amount === 'number' ? amount : 0))
    return {
      zone: customer.zone,
      today: localDate(this.clock, this.setting.zone),
      tags: customer.tags,
      paidOrders: customer.paidOrders + orders.length,
      spent: customer.spent + amounts.reduce((sum, amount) => sum + amount, 0),
      since: new Date(start).toISOString(),
      tier: this.tiers.facts(this.clock),
      traits: customer.traits ?? {},
      standing: customer.standing ?? null,
    }
  }
}
