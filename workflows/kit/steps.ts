/**
 * What the words of a story do, over a host: Temporal in run.ts, a virtual clock in a preview or a test. The same code, so that
 * what was previewed is what happens.
 */
import type { Activities, SendRequest, SendResult } from '../../activities/index.ts'
import { type CalendarDays, type Duration, milliseconds } from '../../domain/duration.ts'
import { bucketOf, pickArm } from '../../domain/experiment.ts'
import { type EffectKind, effectKey, waitKey } from '../../domain/ids.ts'
import type { TakenEvent } from '../../domain/journey.ts'
import { type CareActivity, careCleanUp, careWords, targetInWords } from './care-steps.ts'
import { type HeardActivity, askedOf, heardWords } from './heard-steps.ts'
import type { Journey, Kit } from './plan.ts'
import { type ReferralActivity, referralWords, takeBackRewards } from './referral-steps.ts'
import { Left, Resting, failureOf, isStale } from './rests.ts'
import { rewardWords } from './reward-steps.ts'

type AnyKit = Kit<string, string, string>

/** What a run is told at its start: ids and the tempo, nothing of the person. */
export interface RunInput {
  run: string
  journey: string
  customer: string
  /** Shop time at which the story begins; a sweep enters people ahead of it. */
  startsAt: number
  /** The run of another journey that it goes on from. */
  from?: string
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
  /** Hears which way of a split is gone, of which there are, before it is. */
  chose?(split: string, way: string, ways: readonly string[]): void
  activities: Pick<
    Activities,
    | 'openWait'
    | 'viewWait'
    | 'closeWait'
    | HeardActivity
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

/** A computed time as people read it: one decimal. */
const shortened = (time: string): string => time.replace(/(\.\d)\d+/, '$1')

class Player extends Resting {
  private waits = 0
  private readonly effects = new Map<string, number>()

  async wait(time: Parameters<AnyKit['wait']>[0]): Promise<void> {
    if (typeof time === 'string') {
      return this.restUntil(this.host.now() + milliseconds(time), `wait ${shortened(time)}`, {})
    }
    const words = `wait ${time.days} days, ${time.at}`
    await this.restUntil(await this.calendarWait(time, words), words, { at: time.at })
  }

  private calendarWait(wait: CalendarDays, words: string): Promise<number> {
    const { customer } = this.input
    return this.asking(words, (of) => this.host.activities.calendarWait({ customer, wait, ...of }))
  }

  async waitUntil(
    target: Parameters<AnyKit['waitUntil']>[0],
    policy?: { late: 'now' | 'next' | 'skip' | 'exit' },
  ): Promise<boolean> {
    const { customer } = this.input
    const words = `wait until ${targetInWords(target)}`
    const { due, late, next } = await this.asking(words, (of) =>
      this.host.activities.calendarTarget({ customer, target, ...of }),
    )
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

  async waitForEvent(type: string, options: Parameters<AnyKit['waitForEvent']>[1]): ReturnType<AnyKit['waitForEvent']> {
    const { activities } = this.host
    const { run } = this.input
    const key = waitKey(run, ++this.waits)
    const within = milliseconds(options.within)
    const step = `wait for ${type}`
    const match = askedOf(options.match)
    let deadline = 0
    let view = await this.asking(step, (of) => {
      deadline = of.asked + within
      // Its answer says whether the run is on.
      this.handled = this.host.wakes()
      return activities.openWait({ key, type, match, deadline, ...of })
    })
    for (;;) {
      this.leaveUnless(view.status)
      if (view.event) return this.came(view.event)
      this.move(step, deadline)
      if ((await this.host.rest(deadline, this.handled)) === 'woken') {
        this.handled = this.host.wakes()
        view = await activities.viewWait({ run, key })
        continue
      }
      const asked = this.host.now()
      this.rest = { ...this.rest, due: deadline }
      const restart = options.restart ?? null
      const last = await activities.closeWait({
        run,
        key,
        deadline,
        restart,
        match,
        within,
        step,
        rest: this.rest,
        asked,
      })
      if ('is' in last) {
        await this.held(`${step}, held: PAUSED`, null)
        this.handled = this.host.wakes()
        view = await activities.viewWait({ run, key })
        continue
      }
      this.leaveUnless(last.status)
      if (last.event) return this.came(last.event)
      if (last.again === null) {
        this.due = deadline
        return undefined
      }
      deadline = last.again
      this.rest = { since: asked, due: deadline }
      view = last
    }
  }

  private came(event: TakenEvent): TakenEvent {
    this.inTime()
    this.due = Math.max(this.due, Date.parse(event.at))
    return event
  }

  async expiring(
    kind: Parameters<AnyKit['expiring']>[0],
    { daysBefore }: { daysBefore: number },
  ): ReturnType<AnyKit['expiring']> {
    for (let waited = false; ; waited = true) {
      const words = `wait until ${daysBefore === 1 ? 'a day' : `${daysBefore} days`} before`
      const answer = await this.asking(words, (of) =>
        this.host.activities.expiringSoon({ kind, daysBefore, waited, ...of }),
      )
      if (answer.is === 'due') return answer.expiring
      if (answer.is !== 'wait') return undefined
      await this.restUntil(answer.until, words)
    }
  }

  async send(
    message: string,
    data: Record<string, unknown> = {},
    news?: { until: string } | { within: Duration },
  ): ReturnType<AnyKit['send']> {
    const key = this.nextKey('send', message)
    for (let again = false; ; again = true) {
      this.move(`send ${message}`, null)
      // As in `asking`: a message that was sent before is told as sent, whatever became of the run since.
      const wakes = this.host.wakes()
      if (again) this.handled = wakes
      const asked = this.host.now()
      const { run } = this.input
      const until = this.newsUntil(news)
      const request = { key, run, message, data, asked, ...until, ...this.kept(), ...this.resting(asked) }
      const result = await this.host.activities.sendMessage(request)
      if (result.is === 'held') {
        const { code, until } = result
        if (code === 'WAIT_SHIFTED' && until !== null) this.lengthened(asked, until)
        await this.held(`send ${message}, held: ${code}`, until, wakes)
        continue
      }
      if (result.is === 'skipped' && result.code === 'LEFT_JOURNEY') throw new Left('ended')
      if (!isStale(result)) this.inTime()
      return result
    }
  }

  /** Counted from when the story should have come here, which a pause may move on. */
  private newsUntil(news: Parameters<AnyKit['send']>[2]): { until?: number } {
    if (news === undefined) return {}
    return { until: 'until' in news ? Date.parse(news.until) : this.due + milliseconds(news.within) }
  }

  takeBackPoints(): ReturnType<AnyKit['takeBackPoints']> {
    this.move('take points back', null)
    return this.host.activities.takeBackPoints({ run: this.input.run, asked: this.host.now() })
  }

  customer(): ReturnType<AnyKit['customer']> {
    const { customer } = this.input
    return this.asking('customer', (of) => this.host.activities.customerFacts({ customer, ...of }))
  }

  /** What is put right after the goal or an exit, or a stop that says so; any other stop leaves all as it is. */
  async cleanUp({ cleanUp }: Pick<Journey, 'cleanUp'>): Promise<void> {
    if (cleanUp === undefined) return
    const view = await this.host.activities.runStatus({ run: this.input.run })
    if (view.cleanUp ?? (view.status === 'goal' || view.status === 'exited')) {
      await cleanUp({
        takeBackPoints: () => this.takeBackPoints(),
        takeBackRewards: () => takeBackRewards(this),
        ...careCleanUp(this),
      })
    }
  }

  async split<A extends string>(name: string, arms: Record<A, () => unknown>, weights?: Record<A, number>): Promise<A> {
    const names = Object.keys(arms) as A[]
    const bucket = bucketOf('split', this.input.journey, name, this.input.customer)
    const arm = pickArm(
      names.map((one) => [one, weights?.[one] ?? 1] as const),
      bucket,
    )
    this.host.chose?.(name, arm, names)
    await arms[arm]()
    return arm
  }

  /** The key of an effect; a second time round a loop is a second effect. */
  nextKey(kind: EffectKind, name: string): string {
    const count = (this.effects.get(`${kind}/${name}`) ?? 0) + 1
    this.effects.set(`${kind}/${name}`, count)
    return effectKey(this.input.run, kind, name, count)
  }

  /** Whether an earlier run may have done it. */
  kept(): { kept?: true } {
    return this.input.from === undefined ? {} : { kept: true }
  }
}

/** All words, told whose they are. */
const WORDS: { [name in keyof AnyKit]: (player: Player, ...said: never[]) => unknown } = {
  wait: (player, ...said: Parameters<Player['wait']>) => player.wait(...said),
  waitUntil: (player, ...said: Parameters<Player['waitUntil']>) => player.waitUntil(...said),
  waitForEvent: (player, ...said: Parameters<Player['waitForEvent']>) => player.waitForEvent(...said),
  send: (player, ...said: Parameters<Player['send']>) => player.send(...said),
  expiring: (player, ...said: Parameters<Player['expiring']>) => player.expiring(...said),
  takeBackPoints: (player) => player.takeBackPoints(),
  split: (player, ...said: Parameters<Player['split']>) => player.split(...said),
  customer: (player) => player.customer(),
  ...heardWords,
  ...rewardWords,
  ...referralWords,
  ...careWords,
}

/** The words of one player. Each is made when a story takes it: most take few, and a simulation has a hundred thousand runs. */
class WordsOf {
  readonly player: Player

  constructor(player: Player) {
    this.player = player
  }
}
for (const [name, word] of Object.entries(WORDS)) {
  Object.defineProperty(WordsOf.prototype, name, {
    get(this: WordsOf) {
      const { player } = this
      // No word is said with more; gathering them costs more than the call.
      return (one: never, two: never, three: never) => word(player, one, two, three)
    },
  })
}

function finish(player: Player, status: 'completed' | 'exited', reason: string): Promise<void> {
  return player.asking('the end', (of) => player.host.activities.finishRun({ status, reason, ...of }))
}

/** Plays a story to its end, whichever that is, and records it. Throws what the story throws. */
export async function playStory(
  definition: Pick<Journey, 'story' | 'cleanUp'>,
  host: Host,
  input: RunInput,
): Promise<void> {
  const { run } = input
  const player = new Player(host, input)
  try {
    if (input.startsAt > host.now()) await player.restUntil(input.startsAt, 'wait for the day')
    await definition.story(new WordsOf(player) as unknown as AnyKit)
  } catch (error) {
    if (error instanceof Left) {
      if (error.reason === 'late') await finish(player, 'exited', 'TOO_LATE')
      return player.cleanUp(definition)
    }
    await host.activities.finishRun({ run, status: 'failed', ...failureOf(error), step: player.at, asked: host.now() })
    throw error
  }
  await finish(player, 'completed', 'the story was told')
  // An exit may have come since the last step.
  await player.cleanUp(definition)
}
