/** People of the shop, tags and consent in memory: activities/reviews.ts, tags.ts and consents.ts for one run. */
import { milliseconds } from '../../domain/duration.ts'
import type { Refusal } from '../../domain/errors.ts'
import { workdaysAfter } from '../../domain/holiday.ts'
import type { Host } from '../catalogue.ts'
import type { Standing } from './effects.ts'
import type { Answered, Setting } from './setting.ts'
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

interface Over {
  inbox: Awaiting
  say: Say
}

/** A year that nobody has told of: working days are those of the week. */
const NO_HOLIDAYS = { years: new Set<number>(), days: new Map<string, never>() }

export class VirtualCare {
  private readonly setting: Setting
  private readonly over: Over
  private readonly asked = new Map<string, Asked>()
  private readonly given = new Map<string, number>()
  private consent: 'granted' | 'pending' | 'refused'
  /** Why a journey withdrew it. */
  private withdrawnFor: string | undefined

  constructor(setting: Setting, over: Over) {
    this.setting = setting
    this.over = over
    this.consent = setting.customer.consent ? 'granted' : 'refused'
    this.withdrawnFor = setting.customer.withdrawnFor
  }

  openReview({ key, topic, note, deadline, otherwise }: Call<'openReview'>): Answer<'openReview'> {
    if (!this.asked.has(key)) {
      const task = otherwise === 'cannot'
      const held = this.setting.arm === 'holdout'
      const decided = held ? { decision: otherwise, by: 'control arm', reason: '' } : null
      this.asked.set(key, { task, deadline, otherwise, decided })
      const said = held ? `: ${otherwise}, in the control arm` : note ? `: ${note}` : ''
      const what = task ? 'task' : 'review'
      this.over.say(what, `${what} ${topic}${said}`, { name: topic, until: deadline })
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
      this.over.say(review.task ? 'task' : 'review', `nobody decided: ${review.otherwise}`, {})
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

  /** The shop's tags, and those given in this walk that have not fallen off. */
  tags(now: number): string[] {
    const given = [...this.given].filter(([, until]) => until > now).map(([tag]) => tag)
    return [...new Set([...this.setting.customer.tags, ...given])]
  }

  giveTag({ tag, lasts }: Call<'giveTag'>, standing: Standing): EffectAnswer {
    return this.effect(standing, `tag ${tag}`, () => {
      const until = lasts === undefined ? Infinity : standing.now + milliseconds(lasts)
      this.given.set(tag, Math.max(until, this.given.get(tag) ?? 0))
      this.over.say('tag', `tag ${tag}`, { name: tag, ...(until < Infinity && { until }) })
    })
  }

  takeTagOff({ tag }: Call<'takeTagOff'>): Answer<'takeTagOff'> {
    const untagged = this.given.delete(tag)
    if (untagged) this.over.say('tag', `untag ${tag}`, { name: tag })
    return { untagged }
  }

  consented(): boolean {
    return this.consent === 'granted'
  }

  /** The customer's own no. */
  unsubscribe(): void {
    this.consent = 'refused'
    this.withdrawnFor = undefined
  }

  /** Where the event says that the customer has confirmed. */
  arrive(type: string, topic: unknown): void {
    if (type === 'consent.confirmed' && topic === this.setting.plan.topic) this.consent = 'granted'
  }

  withdraw({ reason }: Call<'withdrawConsent'>, standing: Standing): EffectAnswer {
    return this.effect(standing, 'unsubscribe', () => {
      this.consent = 'refused'
      this.withdrawnFor = reason
      this.over.say('consent', `consent to ${this.setting.plan.topic} withdrawn: ${reason}`, { name: reason })
    })
  }

  ask({ topic = this.setting.plan.topic }: Call<'askForConsent'>, standing: Standing): EffectAnswer {
    return this.effect(standing, `consent to ${topic}`, () => {
      if (this.consent === 'granted') return 'CONSENT_GIVEN'
      if (this.consent === 'refused' && this.withdrawnFor === undefined) return 'NO_CONSENT'
      this.consent = 'pending'
      this.over.say('consent', `consent to ${topic} waits to be confirmed`, { name: topic })
      return undefined
    })
  }

  /** As every effect: told why not where the run is over, held or in the control arm. */
  private effect(
    { status, paused }: Standing,
    name: string,
    does: () => Refusal | undefined | void,
  ): Answer<'giveTag'> {
    if (status !== 'running') return { is: 'refused', code: 'LEFT_JOURNEY' }
    if (paused) {
      this.over.say('held', `${name} held: PAUSED`, { code: 'PAUSED', until: null })
      return { is: 'held' }
    }
    const code = this.setting.arm === 'holdout' ? 'HOLDOUT' : does()
    if (!code) return { is: 'done' }
    this.over.say('refused', `${name} refused: ${code}`, { name, code })
    return { is: 'refused', code }
  }
}
