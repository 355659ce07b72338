/** The activities of one run in memory, for a walk through one journey and for a whole population alike. */
import { afterDays, occurrenceOf } from '../../domain/calendar.ts'
import type { Facts } from '../../domain/customer.ts'
import { type Expiring, type ExpiryKind, expiringIn } from '../../domain/expiry.ts'
import { partsOfRun } from '../../domain/ids.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { Level, TierFacts } from '../../domain/tier.ts'
import type { Host } from '../catalogue.ts'
import type { Standing, VirtualEffects } from './effects.ts'
import type { VirtualCare } from './care.ts'
import type { VirtualMessages } from './messages.ts'
import type { VirtualPoints } from './points.ts'
import type { VirtualReferrals } from './referrals.ts'
import type { Setting } from './setting.ts'
import type { Issue } from './tiers.ts'
import type { Say } from './timeline.ts'
import type { VirtualWaits } from './waits.ts'

type Calls = Host['activities']
type Call<K extends keyof Calls> = Parameters<Calls[K]>[0]
type Answer<K extends keyof Calls> = Awaited<ReturnType<Calls[K]>>

/** One run: what it stands on, and how it stands. */
export interface RunInMemory {
  readonly setting: Pick<Setting, 'plan' | 'run' | 'zone' | 'begin' | 'startsAt'>
  readonly waits: VirtualWaits
  readonly effects: VirtualEffects
  readonly messages: VirtualMessages
  readonly points: VirtualPoints
  readonly tiers: {
    readonly now: Level
    facts(now: number): TierFacts
    grant(standing: Standing, issue: Issue): Answer<'grantTierBenefits'>
  }
  readonly care: VirtualCare
  readonly referrals: VirtualReferrals
  now(): number
  /** Called before every effect: what is due by now happens first. */
  look(): void
  standing(): Standing
  facts(): Facts
  /** What the customer has that expires. */
  perishables(kind: ExpiryKind): readonly Expiring[]
  /** The story ends; the run may have ended before. */
  end(status: Exclude<RunStatus, 'running'>, reason: string): void
  /** Whether an effect waits for the journey to be resumed. */
  hold(held: boolean): void
  /** What is said of the next wait; undefined: nothing. */
  noteWait(note: string | undefined): void
  say: Say
}

/** A class, as a population has a hundred thousand of them: one shape for all, and no closures. */
export class RunActivities implements Calls {
  protected readonly run: RunInMemory

  constructor(run: RunInMemory) {
    this.run = run
  }

  async openWait(wait: Call<'openWait'>) {
    const { run } = this
    run.look()
    const view = run.waits.open(wait)
    if (view.event) run.say('wait', `wait for ${wait.type}: it came before`, { name: wait.type })
    return view
  }

  async viewWait({ key }: Call<'viewWait'>) {
    const view = this.run.waits.view(key)
    if (!view.event && view.status === 'running') this.run.noteWait(undefined)
    return view
  }

  async closeWait(asked: Call<'closeWait'>) {
    const { run } = this
    const last = run.waits.lastLook(asked)
    if (last.again !== null) run.noteWait(`, anew after ${[asked.restart ?? []].flat().join(' or ')}`)
    else if (!last.event && last.status === 'running') run.say('wait', 'it did not come')
    return last
  }

  async beginning() {
    const { plan, begin } = this.run.setting
    return plan.begins === undefined ? {} : begin
  }

  async newestEvent(asked: Call<'newestEvent'>) {
    this.run.look()
    const { plan, begin, startsAt } = this.run.setting
    const at = new Date(startsAt).toISOString()
    return this.run.waits.newest(asked, { id: 'event-0', type: plan.begins?.on ?? '', at, properties: begin })
  }

  async runStatus() {
    return { status: this.run.standing().status }
  }

  async calendarWait({ wait, asked }: Call<'calendarWait'>) {
    return afterDays(asked, wait, this.run.setting.zone)
  }

  async calendarTarget({ target, asked }: Call<'calendarTarget'>) {
    const { due, late, next } = occurrenceOf(target, this.run.setting.zone, asked)
    return { due, late, next: next ?? null }
  }

  async expiringSoon({ kind, daysBefore, waited }: Call<'expiringSoon'>) {
    const { run } = this
    run.look()
    const { plan, run: id, zone } = run.setting
    const { at = '10:00', worth = 1 } = plan.sweep ?? {}
    const from = partsOfRun(id).occasion ?? ''
    const items = run.perishables(kind)
    const answer = expiringIn(items, { from, zone, now: run.now(), daysBefore, waited, at, worth })
    if (answer.is === 'nothing' || answer.is === 'late') {
      run.say('wait', `${daysBefore} days before: ${answer.is === 'late' ? 'past' : 'nothing is left'}`)
    }
    return answer
  }

  async customerFacts() {
    this.run.look()
    return this.run.facts()
  }

  async issueCoupon(request: Call<'issueCoupon'>) {
    const { run } = this
    run.look()
    const offer = (request.pack && run.tiers.now.birthday) ?? request.offer
    // Nearly always its own.
    const asked = offer === request.offer ? request : { ...request, offer }
    return this.held(run.effects.issueCoupon(asked, run.standing()))
  }

  async grantTierBenefits() {
    const { run } = this
    run.look()
    return this.held(run.tiers.grant(run.standing(), (offer, asked) => run.effects.giftOf(offer, asked)))
  }

  async sendMessage(request: Call<'sendMessage'>) {
    const { run } = this
    run.look()
    const result = run.messages.send(request, run.standing())
    run.hold(result.is === 'held' && result.until === null)
    return result
  }

  async awardPoints(request: Call<'awardPoints'>) {
    this.run.look()
    return this.held(this.run.points.award(request, this.run.standing()))
  }

  async settlePoints() {
    this.run.look()
    return this.held(this.run.points.settle(this.run.standing()))
  }

  async takeBackPoints() {
    this.run.look()
    return this.run.points.takeBack(this.run.now())
  }

  async openReview(asked: Call<'openReview'>) {
    this.run.look()
    return this.run.care.openReview(asked)
  }

  async viewReview(asked: Call<'viewReview'>) {
    this.run.look()
    return this.run.care.viewReview(asked)
  }

  async closeReview(asked: Call<'closeReview'>) {
    this.run.look()
    return this.run.care.closeReview(asked)
  }

  async workingDeadline(asked: Call<'workingDeadline'>) {
    return this.run.care.workingDeadline(asked)
  }

  async giveTag(asked: Call<'giveTag'>) {
    this.run.look()
    return this.held(this.run.care.giveTag(asked, this.run.standing()))
  }

  async takeTagOff(asked: Call<'takeTagOff'>) {
    this.run.look()
    return this.run.care.takeTagOff(asked)
  }

  async withdrawConsent(asked: Call<'withdrawConsent'>) {
    this.run.look()
    return this.held(this.run.care.withdraw(asked, this.run.standing()))
  }

  async askForConsent(asked: Call<'askForConsent'>) {
    this.run.look()
    return this.held(this.run.care.ask(asked, this.run.standing()))
  }

  async voidCoupons() {
    this.run.look()
    return this.run.effects.voidCoupons()
  }

  async referralCode(asked: Call<'referralCode'>) {
    this.run.look()
    return this.held(this.run.referrals.code(asked, this.run.standing()))
  }

  async returnsUntil() {
    return this.run.referrals.returnsUntil()
  }

  async judgeReferral() {
    this.run.look()
    return this.run.referrals.judge()
  }

  async approveReferral() {
    this.run.look()
    return this.held(this.run.referrals.approve(this.run.standing()))
  }

  async giveReward(asked: Call<'giveReward'>) {
    this.run.look()
    return this.held(this.run.referrals.reward(asked, this.run.standing()))
  }

  async climbRung(asked: Call<'climbRung'>) {
    this.run.look()
    const climbed = this.run.referrals.climb(asked, this.run.standing())
    this.run.hold(climbed?.result.is === 'held')
    return climbed
  }

  async takeBackRewards() {
    this.run.look()
    return this.run.referrals.takeBack(this.run.now())
  }

  async finishRun({ status, reason }: Call<'finishRun'>) {
    this.run.look()
    this.run.end(status, reason)
  }

  /** An effect that a pause may hold until the resume. */
  private held<T extends { is: string }>(result: T): T {
    this.run.hold(result.is === 'held')
    return result
  }
}
