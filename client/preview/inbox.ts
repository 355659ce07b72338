/** The inbox in memory: store/events.ts and store/waits.ts for one run. */
import { partsOfRun } from '../../domain/ids.ts'
import {
  type EndPattern,
  type Properties,
  type RunStatus,
  type TakenEvent,
  concerns,
  decideEntry,
  holds,
  matches,
  occasionOf,
} from '../../domain/journey.ts'
import { paidOrderOf } from '../../domain/points.ts'
import { REFUNDED, type Refunds, refundsOf } from '../../domain/returns.ts'
import type { Host } from '../catalogue.ts'
import type { Setting } from './setting.ts'

interface Wait {
  type: string
  match: Properties
  deadline: number
  open: boolean
  taken: TakenEvent | null
}

type Asked<K extends 'openWait' | 'closeWait' | 'newestEvent'> = Parameters<Host['activities'][K]>[0]

export class VirtualInbox {
  status: RunStatus = 'running'
  reason = ''
  goalAt: number | null = null
  readonly events: TakenEvent[] = []

  private readonly waits = new Map<string, Wait>()
  private readonly setting: Setting
  private readonly now: () => number
  private readonly wake: () => void

  constructor(setting: Setting, now: () => number, wake: () => void) {
    this.setting = setting
    this.now = now
    this.wake = wake
  }

  /** Takes an event in, routed as in the store (goal, exit, waits, entry); answers what came of it, in words. */
  arrive(type: string, properties: Properties): string[] {
    const at = new Date(this.now()).toISOString()
    const event = { id: `event-${this.events.length + 1}`, type, at, properties }
    const before = [...this.events]
    this.events.push(event)
    const effects = [this.reachGoal(event), this.leave(event), this.giveToWait(event), this.entry(event, before)]
    return effects.filter((effect) => effect !== undefined)
  }

  private reachGoal(event: TakenEvent): string | undefined {
    const { plan, startsAt } = this.setting
    if (!plan.goal || !this.ends(plan.goal, event)) return undefined
    if (this.goalAt !== null) return 'the goal, counted before'
    if (plan.goal.within !== null && this.now() > startsAt + plan.goal.within) return 'the goal, too late to count'
    this.goalAt = this.now()
    return this.end('goal', event.type) ? 'the goal' : 'the goal, counted though the run is over'
  }

  private leave(event: TakenEvent): string | undefined {
    const { begin, plan } = this.setting
    const whole = (exit: EndPattern): boolean => !exit.whole || this.refunds(begin).whole
    const left = plan.exits.some((exit) => this.ends(exit, event) && whole(exit)) && this.end('exited', event.type)
    return left ? 'an exit' : undefined
  }

  /** Whether the event ends this run, and not only one of another occasion. */
  private ends(pattern: EndPattern, event: TakenEvent): boolean {
    const { plan, run, begin: begun } = this.setting
    const { occasion } = partsOfRun(run)
    return matches(pattern, event) && concerns(plan, pattern, { properties: event.properties, occasion, begun })
  }

  /** What the refunds so far come to, of the order that began the run or of another. */
  refunds(paid = this.setting.begin, events: readonly TakenEvent[] = this.events): Refunds {
    const order = occasionOf('order', paid)
    const told = events.filter((one) => one.type === REFUNDED && occasionOf('order', one.properties) === order)
    return refundsOf(paidOrderOf(paid), order === undefined ? [] : told)
  }

  private giveToWait(event: TakenEvent): string | undefined {
    for (const wait of this.waits.values()) {
      if (!wait.open || wait.deadline < this.now() || wait.type !== event.type) continue
      if (!holds(event.properties, wait.match)) continue
      Object.assign(wait, { open: false, taken: event })
      this.wake()
      return 'what the wait was for'
    }
    return undefined
  }

  private entry(event: TakenEvent, before: readonly TakenEvent[]): string | undefined {
    const { plan, run, start } = this.setting
    if (!plan.begins || !matches(plan.begins, event)) return undefined
    const occasion = plan.occasion === undefined ? null : occasionOf(plan.occasion, event.properties)
    if (occasion === undefined) return 'no entry: OCCASION_MISSING'
    const over = before.some((one) =>
      plan.exits.some(
        (exit) =>
          exit.sameOccasion &&
          matches(exit, one) &&
          concerns(plan, exit, { properties: one.properties, occasion }) &&
          (!exit.whole || this.refunds(event.properties, before).whole),
      ),
    )
    if (over) return 'no entry: OCCASION_OVER'
    const past = [{ occasion: partsOfRun(run).occasion, enteredAt: start, open: this.status === 'running' }]
    const entry = decideEntry(plan, { occasion, now: this.now(), past })
    return entry.enter ? `begins another run, ${entry.occasion}` : `no entry: ${entry.code}`
  }

  /** False where the run had ended before. */
  end(status: Exclude<RunStatus, 'running'>, reason: string): boolean {
    if (this.status !== 'running') return false
    Object.assign(this, { status, reason })
    for (const wait of this.waits.values()) wait.open = false
    this.wake()
    return true
  }

  view(key: string): { status: RunStatus; event: TakenEvent | null } {
    return { status: this.status, event: this.waits.get(key)?.taken ?? null }
  }

  openWait({ key, type, match, deadline }: Asked<'openWait'>) {
    const running = this.status === 'running'
    const used = new Set([...this.waits.values()].map((one) => one.taken?.id))
    const came = this.events.find((one) => !used.has(one.id) && one.type === type && holds(one.properties, match))
    const taken = running && came ? came : null
    this.waits.set(key, { type, match, deadline, open: running && taken === null, taken })
    return this.view(key)
  }

  /** The last look at the deadline; `again` is the new one where an event of `restart` moved it. */
  closeWait({ key, restart, match = {}, within }: Asked<'closeWait'>) {
    const wait = this.waits.get(key)
    if (!wait?.open) return { ...this.view(key), again: null }
    const anew = [restart ?? []].flat()
    const changes = this.events.filter((one) => anew.includes(one.type) && holds(one.properties, match))
    const times = changes.map((one) => Date.parse(one.at))
    const moved = Math.max(-Infinity, ...times.filter((time) => time <= wait.deadline)) + within
    const again = moved > wait.deadline ? moved : null
    Object.assign(wait, { open: again !== null, deadline: again ?? wait.deadline })
    return { ...this.view(key), again }
  }

  /** The newest event that the run has heard, that which began it with them. */
  newest({ types, match = {} }: Asked<'newestEvent'>): TakenEvent | null {
    const { plan, begin, startsAt } = this.setting
    const first = {
      id: 'event-0',
      type: plan.begins?.on ?? '',
      at: new Date(startsAt).toISOString(),
      properties: begin,
    }
    return [first, ...this.events].findLast((one) => types.includes(one.type) && holds(one.properties, match)) ?? null
  }
}
