/** The inbox in memory: store/events.ts and store/waits.ts for one run. */
import { partsOfRun } from '../../domain/ids.ts'
import { type EndPattern, type Properties, type RunStatus, type TakenEvent } from '../../domain/journey.ts'
import type { Refunds } from '../../domain/returns.ts'
import { endsRun, entryOf, refundsAmong } from './routing.ts'
import type { Setting } from './setting.ts'
import { VirtualWaits } from './waits.ts'

export class VirtualInbox {
  status: RunStatus = 'running'
  reason = ''
  goalAt: number | null = null
  readonly events: TakenEvent[] = []

  readonly waits = new VirtualWaits(this)
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
    const { plan } = this.setting
    const whole = (exit: EndPattern): boolean => !exit.whole || this.refunds().whole
    const left = plan.exits.some((exit) => this.ends(exit, event) && whole(exit)) && this.end('exited', event.type)
    return left ? 'an exit' : undefined
  }

  private ends(pattern: EndPattern, event: TakenEvent): boolean {
    const { plan, run, begin: begun } = this.setting
    return endsRun(plan, pattern, event, { occasion: partsOfRun(run).occasion, begun })
  }

  /** What the refunds so far come to, of the order that began the run. */
  refunds(): Refunds {
    return refundsAmong(this.events, this.setting.begin)
  }

  private giveToWait(event: TakenEvent): string | undefined {
    if (!this.waits.give(event, this.now())) return undefined
    this.wake()
    return 'what the wait was for'
  }

  private entry(event: TakenEvent, before: readonly TakenEvent[]): string | undefined {
    const { plan, run, start } = this.setting
    const past = [{ occasion: partsOfRun(run).occasion, enteredAt: start, open: this.status === 'running' }]
    const entry = entryOf(plan, event, { before, past, now: this.now() })
    // What a plan does not begin with is not worth a word.
    if (!entry || (!entry.enter && entry.code === 'BEGINS_NOT_MATCHED')) return undefined
    return entry.enter ? `begins another run, ${entry.occasion}` : `no entry: ${entry.code}`
  }

  /** False where the run had ended before. */
  end(status: Exclude<RunStatus, 'running'>, reason: string): boolean {
    if (this.status !== 'running') return false
    Object.assign(this, { status, reason })
    this.waits.close()
    this.wake()
    return true
  }
}
