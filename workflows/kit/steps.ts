/**
 * What the words of a story do, over a host: Temporal in run.ts, a virtual clock in a preview or a test. The same code, so that
 * what was previewed is what happens.
 */
import type { Activities, SendRequest, SendResult } from '../../activities/index.ts'
import { type CalendarDays, type Duration, milliseconds } from '../../domain/duration.ts'
import { bucketOf, pickArm } from '../../domain/experiment.ts'
import { type EffectKind, effectKey, waitKey } from '../../domain/ids.ts'
import type { Properties, RunStatus, TakenEvent } from '../../domain/journey.ts'
import { type CareActivity, careCleanUp, careSteps, targetInWords } from './care-steps.ts'
import type { Journey, Kit, Match } from './plan.ts'
import { type ReferralActivity, referralSteps, takeBackRewards } from './referral-steps.ts'

type AnyKit = Kit<string, string, string>

/** What a run is told at its start: ids and the tempo, nothing of the person. */
export interface RunInput {
  run: string
  journey: string
  customer: string
  /** Shop time at which the story begins; a sweep enters people ahead of it. */
  startsAt: number
}

/** Where a run is, for people. Times are shop time, epoch ms. */
export interface Where {
  step: string
  since: number
  until: number | null
}

export interface Host {
  /** Shop time. */
  now(): number
  /** How often the run was woken so far. */
  wakes(): number
  /** Rests until shop time `until` (null: for ever), or until it has been woken more often than `handled`. */
  rest(until: number | null, handled: number): Promise<'due' | 'woken'>
  moved(where: Where): void
  activities: Pick<
    Activities,
    | 'openWait'
    | 'viewWait'
    | 'closeWait'
    | 'beginning'
    | 'newestEvent'
    | 'runStatus'
    | 'calendarWait'
    | 'calendarTarget'
    | 'customerFacts'
    | 'issueCoupon'
    | 'awardPoints'
    | 'settlePoints'
    | 'takeBackPoints'
    | 'expiringSoon'
    | 'grantTierBenefits'
    | ReferralActivity
    | CareActivity
    | 'finishRun'
  > & {
    /** By whichever channel the gate chooses. */
    sendMessage(request: SendRequest): Promise<SendResult>
  }
}

/** Unwinds a story whose run has ended, or that leaves by its late policy. */
class Left extends Error {
  readonly reason: 'ended' | 'late'

  constructor(reason: 'ended' | 'late') {
    super(`the run left the story: ${reason}`)
    this.reason = reason
  }
}

/** Without what is not asked. */
const asked = (match: Match = {}): Properties =>
  Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined)) as Properties

/** A computed time as people read it: one decimal. */
const shortened = (time: string): string => time.replace(/(\.\d)\d+/, '$1')

class Player {
  handled = 0
  private waits = 0
  /** When the story should have come to where it is: late where nobody was there to go on with it. */
  private due: number
  private readonly effects = new Map<string, number>()
  readonly host: Host
  readonly input: RunInput

  constructor(host: Host, input: RunInput) {
    this.host = host
    this.input = input
    this.due = input.startsAt
  }

  kit(): AnyKit {
    return {
      wait: (time) => this.wait(time),
      waitUntil: (target, policy) => this.waitUntil(target, policy),
      waitForEvent: (type, options) => this.waitForEvent(type, options),
      beginning: () => this.host.activities.beginning({ run: this.input.run }),
      newest: (type, options) => this.newest(type, options),
      send: (message, data, news) => this.send(message, data ?? {}, news),
      expiring: (kind, options) => this.expiring(kind, options),
      issueCoupon: (offer, options) => this.issueCoupon(offer, options),
      awardPoints: (rule) => this.awardPoints(rule),
      settlePoints: () => this.settlePoints(),
      takeBackPoints: () => this.takeBackPoints(),
      grantTierBenefits: () => this.grantTierBenefits(),
      ...referralSteps(this),
      ...careSteps(this),
      split: (name, arms, weights) => this.split(name, arms, weights),
      customer: () => this.customer(),
    }
  }

  /** Rests until `until`; a wake-up in between only makes it look whether the run is still on. */
  async restUntil(until: number, step: string): Promise<void> {
    this.move(step, until)
    while ((await this.host.rest(until, this.handled)) === 'woken') {
      this.handled = this.host.wakes()
      const { status } = await this.host.activities.runStatus({ run: this.input.run })
      this.leaveUnless(status)
    }
    this.due = until
  }

  private async wait(time: Parameters<AnyKit['wait']>[0]): Promise<void> {
    const until = typeof time === 'string' ? this.host.now() + milliseconds(time) : await this.calendarWait(time)
    await this.restUntil(until, `wait ${typeof time === 'string' ? shortened(time) : `${time.days} days, ${time.at}`}`)
  }

  private calendarWait(wait: CalendarDays): Promise<number> {
    return this.host.activities.calendarWait({ customer: this.input.customer, wait, asked: this.host.now() })
  }

  private async waitUntil(
    target: Parameters<AnyKit['waitUntil']>[0],
    policy?: { late: 'now' | 'next' | 'skip' | 'exit' },
  ): Promise<boolean> {
    const { customer } = this.input
    const { due, late, next } = await this.host.activities.calendarTarget({ customer, target, asked: this.host.now() })
    const words = `wait until ${targetInWords(target)}`
    if (!late) {
      await this.restUntil(due, words)
      return true
    }
    switch (policy?.late ?? (next === null ? 'now' : 'next')) {
      case 'exit':
        throw new Left('late')
      case 'skip':
        return false
      case 'next':
        if (next !== null) await this.restUntil(next, words)
        return true
      case 'now':
        return true
    }
  }

  private async waitForEvent(
    type: string,
    options: Parameters<AnyKit['waitForEvent']>[1],
  ): ReturnType<AnyKit['waitForEvent']> {
    const { activities } = this.host
    const { run } = this.input
    const key = waitKey(run, ++this.waits)
    const within = milliseconds(options.within)
    const match = asked(options.match)
    let deadline = this.host.now() + within
    this.handled = this.host.wakes()
    let view = await activities.openWait({ key, run, type, match, deadline })
    for (;;) {
      this.leaveUnless(view.status)
      if (view.event) return this.came(view.event)
      this.move(`wait for ${type}`, deadline)
      if ((await this.host.rest(deadline, this.handled)) === 'woken') {
        this.handled = this.host.wakes()
        view = await activities.viewWait({ run, key })
        continue
      }
      const last = await activities.closeWait({ run, key, deadline, restart: options.restart ?? null, match, within })
      this.leaveUnless(last.status)
      if (last.event) return this.came(last.event)
      if (last.again === null) {
        this.due = deadline
        return undefined
      }
      deadline = last.again
      view = last
    }
  }

  private came(event: TakenEvent): TakenEvent {
    this.due = Math.max(this.due, Date.parse(event.at))
    return event
  }

  private async newest(type: string | string[], options?: { match?: Match }): Promise<TakenEvent | undefined> {
    const { run } = this.input
    const found = await this.host.activities.newestEvent({ run, types: [type].flat(), match: asked(options?.match) })
    return found ?? undefined
  }

  private async expiring(
    kind: Parameters<AnyKit['expiring']>[0],
    { daysBefore }: { daysBefore: number },
  ): ReturnType<AnyKit['expiring']> {
    const { run } = this.input
    for (let waited = false; ; waited = true) {
      const asked = this.host.now()
      const answer = await this.host.activities.expiringSoon({ run, kind, daysBefore, waited, asked })
      if (answer.is === 'due') return answer.expiring
      if (answer.is !== 'wait') return undefined
      await this.restUntil(answer.until, `wait until ${daysBefore === 1 ? 'a day' : `${daysBefore} days`} before`)
    }
  }

  private async send(
    message: string,
    data: Record<string, unknown>,
    news?: { until: string } | { within: Duration },
  ): ReturnType<AnyKit['send']> {
    const key = this.nextKey('send', message)
    const until = news && { until: 'until' in news ? Date.parse(news.until) : this.due + milliseconds(news.within) }
    for (;;) {
      this.move(`send ${message}`, null)
      // The gate itself reads whether the run is still on, so a wake-up until here is handled by it.
      this.handled = this.host.wakes()
      const result = await this.host.activities.sendMessage({
        key,
        run: this.input.run,
        message,
        data,
        ...until,
        asked: this.host.now(),
      })
      if (result.is === 'held') {
        await this.held(`${message}, held: ${result.code}`, result.until)
        continue
      }
      if (result.is === 'skipped' && result.code === 'LEFT_JOURNEY') throw new Left('ended')
      return result
    }
  }

  private async issueCoupon(
    offer: string,
    { valid, pack }: Parameters<AnyKit['issueCoupon']>[1],
  ): ReturnType<AnyKit['issueCoupon']> {
    const key = this.nextKey('coupon', offer)
    for (;;) {
      this.move(`issue ${offer}`, null)
      this.handled = this.host.wakes()
      const result = await this.host.activities.issueCoupon({
        key,
        run: this.input.run,
        offer,
        valid,
        ...(pack && { pack }),
        asked: this.host.now(),
      })
      if (result.is === 'issued') return { issued: true, ...result.coupon }
      if (result.is === 'refused') {
        if (result.code === 'LEFT_JOURNEY') throw new Left('ended')
        return { issued: false, refused: result.code }
      }
      await this.held(`${offer}, held: PAUSED`, null)
    }
  }

  private async awardPoints(rule: string): ReturnType<AnyKit['awardPoints']> {
    const key = this.nextKey('points', rule)
    for (;;) {
      this.move(`award ${rule}`, null)
      this.handled = this.host.wakes()
      const { run } = this.input
      const result = await this.host.activities.awardPoints({ key, run, rule, asked: this.host.now() })
      if (result.is === 'awarded') {
        const { unit, amount, pending } = result
        return { awarded: true, unit, amount, pending }
      }
      if (result.is === 'refused') {
        if (result.code === 'LEFT_JOURNEY') throw new Left('ended')
        return { awarded: false, refused: result.code }
      }
      await this.held(`${rule}, held: PAUSED`, null)
    }
  }

  private async settlePoints(): ReturnType<AnyKit['settlePoints']> {
    for (;;) {
      this.move('settle points', null)
      this.handled = this.host.wakes()
      const result = await this.host.activities.settlePoints({ run: this.input.run, asked: this.host.now() })
      if (result.is === 'settled') return { points: result.points, growth: result.growth }
      if (result.is === 'refused') throw new Left('ended')
      await this.held('settle points, held: PAUSED', null)
    }
  }

  private takeBackPoints(): ReturnType<AnyKit['takeBackPoints']> {
    this.move('take points back', null)
    return this.host.activities.takeBackPoints({ run: this.input.run, asked: this.host.now() })
  }

  private async grantTierBenefits(): ReturnType<AnyKit['grantTierBenefits']> {
    for (;;) {
      this.move('grant tier benefits', null)
      this.handled = this.host.wakes()
      const result = await this.host.activities.grantTierBenefits({ run: this.input.run, asked: this.host.now() })
      if (result.is === 'granted') {
        const { is: _, ...benefits } = result
        return { granted: true, ...benefits }
      }
      if (result.is === 'refused') {
        if (result.code === 'LEFT_JOURNEY') throw new Left('ended')
        return { granted: false, refused: result.code }
      }
      await this.held('tier benefits, held: PAUSED', null)
    }
  }

  private customer(): ReturnType<AnyKit['customer']> {
    return this.host.activities.customerFacts({ customer: this.input.customer, asked: this.host.now() })
  }

  /** What is put right after the goal or an exit; a stop by an operator leaves all as it is. */
  async cleanUp({ cleanUp }: Journey): Promise<void> {
    if (cleanUp === undefined) return
    const { status } = await this.host.activities.runStatus({ run: this.input.run })
    if (status === 'goal' || status === 'exited') {
      await cleanUp({
        takeBackPoints: () => this.takeBackPoints(),
        takeBackRewards: () => takeBackRewards(this),
        ...careCleanUp(this),
      })
    }
  }

  /** Rests until the hold is over or something happened; the effect is then asked for again under its old key. */
  async held(step: string, until: number | null): Promise<void> {
    this.move(step, until)
    await this.host.rest(until, this.handled)
  }

  private async split<A extends string>(
    name: string,
    arms: Record<A, () => unknown>,
    weights?: Record<A, number>,
  ): Promise<A> {
    const names = Object.keys(arms) as A[]
    const bucket = bucketOf('split', this.input.journey, name, this.input.customer)
    const arm = pickArm(
      names.map((one) => [one, weights?.[one] ?? 1] as const),
      bucket,
    )
    await arms[arm]()
    return arm
  }

  /** The key of an effect; a second time round a loop is a second effect. */
  nextKey(kind: EffectKind, name: string): string {
    const count = (this.effects.get(`${kind}/${name}`) ?? 0) + 1
    this.effects.set(`${kind}/${name}`, count)
    return effectKey(this.input.run, kind, name, count)
  }

  move(step: string, until: number | null): void {
    this.host.moved({ step, since: this.host.now(), until })
  }

  leaveUnless(status: RunStatus): void {
    if (status !== 'running') this.leave()
  }

  leave(): never {
    throw new Left('ended')
  }
}

/** Plays a story to its end, whichever that is, and records it. Throws what the story throws. */
export async function playStory(definition: Journey, host: Host, input: RunInput): Promise<void> {
  const { run } = input
  const player = new Player(host, input)
  const finish = (status: 'completed' | 'exited' | 'failed', reason: string): Promise<void> =>
    host.activities.finishRun({ run, status, reason, asked: host.now() })
  try {
    if (input.startsAt > host.now()) await player.restUntil(input.startsAt, 'wait for the day')
    await definition.story(player.kit())
  } catch (error) {
    if (error instanceof Left) {
      if (error.reason === 'late') await finish('exited', 'TOO_LATE')
      return player.cleanUp(definition)
    }
    await finish('failed', error instanceof Error ? error.message : String(error))
    throw error
  }
  await finish('completed', 'the story was told')
  // An exit may have come since the last step.
  await player.cleanUp(definition)
}
