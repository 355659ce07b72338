/** People of the shop, tags and consent in memory: activities/reviews.ts, tags.ts and consents.ts for one run. */
import { milliseconds } from '../../domain/duration.ts'
import type { Refusal } from '../../domain/errors.ts'
import { workdaysAfter } from '../../domain/holiday.ts'
import type { Host } from '../catalogue.ts'
import type { Standing } from './effects.ts'
import type { Answered, Setting, VirtualCustomer } from './setting.ts'
import type { Say } from './timeline.ts'
import type { Awaiting } from './waits.ts'

type Calls = Host['activities']
type Call<K extends keyof Calls> = Parameters<Calls[K]>[0]
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>
type Decided = NonNullable<Answer<'viewReview'>['decided']>
type EffectAnswer = Answer<'giveTag'>

interface Asked {
  task: boolean
  deadline: number
  otherwise: Decided['decision']
  decided: Decided | null
}

/** What journeys know of one customer and may change: shared by all their runs. */
export interface Ties {
  /** The tags that journeys gave, and when each falls off. */
  readonly tags: Map<string, number>
  /** Whether they agreed to a topic by mail; where not, whether a journey may ask them to, as it withdrew that or has asked before. */
  agrees(topic: string): boolean
  mayBeAsked(topic: string): boolean
  withdraw(topic: string, reason: string): void
  /** It waits to be confirmed from now on; `run` asked for it. */
  ask(topic: string, run: string): void
}

/** The shop's tags, and those of journeys that have not fallen off. */
export function tagsNow(ofShop: readonly string[], { tags }: Pick<Ties, 'tags'>, now: number): string[] {
  if (tags.size === 0 && ofShop.length === 0) return []
  const all = new Set(ofShop)
  for (const [tag, until] of tags) if (until > now) all.add(tag)
  return [...all]
}

/** The customer of one walk, who says the same to every topic. */
export class SampleTies implements Ties {
  readonly tags = new Map<string, number>()
  private consent: boolean
  private withdrawn: string | undefined

  constructor({ consent, withdrawnFor }: VirtualCustomer) {
    this.consent = consent
    this.withdrawn = consent ? undefined : withdrawnFor
  }

  agrees(): boolean {
    return this.consent
  }

  mayBeAsked(): boolean {
    return this.withdrawn !== undefined
  }

  /** What is pending is as withdrawn as before. */
  ask(): void {}

  withdraw(_topic: string, reason: string): void {
    this.consent = false
    this.withdrawn = reason
  }

  /** The customer's own word. */
  say(granted: boolean): void {
    this.consent = granted
    this.withdrawn = undefined
  }
}

/** A year that nobody has told of: working days are those of the week. */
const NO_HOLIDAYS = { years: new Set<number>(), days: new Map<string, never>() }

export class VirtualCare {
  private readonly setting: Setting
  private readonly over: { inbox: Awaiting; ties: Ties }
  private readonly say: Say
  private readonly asked = new Map<string, Asked>()

  constructor(setting: Setting, over: { inbox: Awaiting; ties: Ties }, say: Say) {
    this.setting = setting
    this.over = over
    this.say = say
  }

  openReview({ key, topic, note, deadline, otherwise }: Call<'openReview'>): Answer<'openReview'> {
    if (!this.asked.has(key)) {
      const task = otherwise === 'cannot'
      const held = this.setting.arm === 'holdout'
      const decided = held ? { decision: otherwise, by: 'control arm', reason: '' } : null
      this.asked.set(key, { task, deadline, otherwise, decided })
      const said = held ? `: ${otherwise}, in the control arm` : note ? `: ${note}` : ''
      const what = task ? 'task' : 'review'
      this.say(what, `${what} ${topic}${said}`, { name: topic, until: deadline })
    }
    return this.viewReview({ key })
  }

  viewReview({ key }: { key: string }): Answer<'viewReview'> {
    return { status: this.over.inbox.status, decided: this.asked.get(key)?.decided ?? null }
  }

  closeReview({ key }: { key: string }): Answer<'closeReview'> {
    const review = this.asked.get(key)
    if (review && !review.decided && this.over.inbox.status === 'running') {
      review.decided = { decision: review.otherwise, by: 'deadline', reason: 'nobody decided' }
      this.say(review.task ? 'task' : 'review', `nobody decided: ${review.otherwise}`, {})
    }
    return this.viewReview({ key })
  }

  /** A person decides what is open, or does it; false where nothing of that kind is, or its time is over. */
  decide({ decision, by = 'operator' }: Answered, now: number): boolean {
    const task = decision === 'done' || decision === 'cannot'
    const open = [...this.asked.values()].find((one) => !one.decided && one.deadline >= now && one.task === task)
    if (!open || this.over.inbox.status !== 'running') return false
    open.decided = { decision, by, reason: '' }
    return true
  }

  /** What the last review came to that is decided. */
  lastDecision(): Decided['decision'] | undefined {
    return [...this.asked.values()].filter(({ task }) => !task).at(-1)?.decided?.decision
  }

  workingDeadline({ workingDays, asked }: Call<'workingDeadline'>): number {
    return workdaysAfter(asked, workingDays, { zone: this.setting.zone, holidays: NO_HOLIDAYS })
  }

  giveTag({ tag, lasts }: Call<'giveTag'>, standing: Standing): EffectAnswer {
    return this.effect(standing, `tag ${tag}`, () => {
      const { tags } = this.over.ties
      const until = lasts === undefined ? Infinity : standing.now + milliseconds(lasts)
      tags.set(tag, Math.max(until, tags.get(tag) ?? 0))
      this.say('tag', `tag ${tag}`, { name: tag, ...(until < Infinity && { until }) })
      return undefined
    })
  }

  takeTagOff({ tag }: Call<'takeTagOff'>): Answer<'takeTagOff'> {
    const untagged = this.over.ties.tags.delete(tag)
    if (untagged) this.say('tag', `untag ${tag}`, { name: tag })
    return { untagged }
  }

  withdraw({ reason }: Call<'withdrawConsent'>, standing: Standing): EffectAnswer {
    const { topic } = this.setting.plan
    return this.effect(standing, 'unsubscribe', () => {
      this.over.ties.withdraw(topic, reason)
      this.say('consent', `consent to ${topic} withdrawn: ${reason}`, { name: reason })
      return undefined
    })
  }

  ask({ topic = this.setting.plan.topic }: Call<'askForConsent'>, standing: Standing): EffectAnswer {
    return this.effect(standing, `consent to ${topic}`, () => {
      const { ties } = this.over
      if (ties.agrees(topic)) return 'CONSENT_GIVEN'
      if (!ties.mayBeAsked(topic)) return 'NO_CONSENT'
      ties.ask(topic, this.setting.run)
      this.say('consent', `consent to ${topic} waits to be confirmed`, { name: topic })
      return undefined
    })
  }

  /** As every effect: told why not where the run is over, held or in the control arm. */
  private effect({ status, paused }: Standing, name: string, does: () => Refusal | undefined): Answer<'giveTag'> {
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.say('held', `${name} held: PAUSED`, { code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    const code = this.setting.arm === 'holdout' ? 'HOLDOUT' : does()
    if (!code) return { is: 'done' }
    this.say('refused', `${name} refused: ${code}`, { name, code })
    return { is: 'refused', code }
  }
}
