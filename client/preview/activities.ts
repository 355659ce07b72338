/** The activities of one run in memory, for a walk through one journey and for a whole population alike. */
import { afterDays, occurrenceOf } from '../../domain/calendar.ts'
import type { Facts } from '../../domain/customer.ts'
import { type Expiring, type ExpiryKind, expiringIn } from '../../domain/expiry.ts'
import { partsOfRun } from '../../domain/ids.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { Level, TierFacts } from '../../domain/tier.ts'
import type { Host } from '../catalogue.ts'
import type { Standing, VirtualEffects } from './effects.ts'
import type { VirtualMessages } from './messages.ts'
import type { VirtualPoints } from './points.ts'
import type { VirtualReferrals } from './referrals.ts'
import type { Setting } from './setting.ts'
import type { Issue } from './tiers.ts'
import type { Say } from './timeline.ts'
import type { VirtualWaits } from './waits.ts'

type Calls = Host['activities']
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

export function activitiesOf(run: RunInMemory): Calls {
  const looking = <T>(effect: () => T): T => {
    run.look()
    return effect()
  }
  /** An effect that a pause may hold until the resume. */
  const holding = <T extends { is: string }>(effect: () => T): T => {
    const result = looking(effect)
    run.hold(result.is === 'held')
    return result
  }
  return {
    ...waiting(run, looking),
    customerFacts: async () => looking(() => run.facts()),
    issueCoupon: async (request) =>
      holding(() => {
        const offer = (request.pack && run.tiers.now.birthday) ?? request.offer
        return run.effects.issueCoupon({ ...request, offer }, run.standing())
      }),
    grantTierBenefits: async () =>
      holding(() => run.tiers.grant(run.standing(), (offer, asked) => run.effects.giftOf(offer, asked))),
    sendMessage: async (request) => {
      const result = looking(() => run.messages.send(request, run.standing()))
      run.hold(result.is === 'held' && result.until === null)
      return result
    },
    awardPoints: async (request) => holding(() => run.points.award(request, run.standing())),
    settlePoints: async () => holding(() => run.points.settle(run.standing())),
    takeBackPoints: async () => looking(() => run.points.takeBack(run.now())),
    ...referring(run, { looking, holding }),
    finishRun: async ({ status, reason }) => looking(() => run.end(status, reason)),
  }
}

type ReferralActivity =
  | 'openReview'
  | 'viewReview'
  | 'closeReview'
  | 'referralCode'
  | 'returnsUntil'
  | 'judgeReferral'
  | 'approveReferral'
  | 'giveReward'
  | 'climbRung'
  | 'takeBackRewards'

type Looking = <T>(effect: () => T) => T
type Holding = <T extends { is: string }>(effect: () => T) => T

function waiting(
  run: RunInMemory,
  looking: Looking,
): Pick<
  Calls,
  | 'openWait'
  | 'viewWait'
  | 'closeWait'
  | 'beginning'
  | 'newestEvent'
  | 'runStatus'
  | 'calendarWait'
  | 'calendarTarget'
  | 'expiringSoon'
> {
  const { plan, run: id, zone, begin, startsAt } = run.setting
  const on = plan.begins?.on
  const first = { id: 'event-0', type: on ?? '', at: new Date(startsAt).toISOString(), properties: begin }
  return {
    openWait: async (wait) => {
      const view = looking(() => run.waits.open(wait))
      if (view.event) run.say('wait', `wait for ${wait.type}: it came before`, { name: wait.type })
      return view
    },
    viewWait: async ({ key }) => {
      const view = run.waits.view(key)
      if (!view.event && view.status === 'running') run.noteWait(undefined)
      return view
    },
    closeWait: async (asked) => {
      const last = run.waits.lastLook(asked)
      if (last.again !== null) run.noteWait(`, anew after ${[asked.restart].flat().join(" or ")}`)
      else if (!last.event && last.status === 'running') run.say('wait', 'it did not come')
      return last
    },
    beginning: async () => (on === undefined ? {} : begin),
    newestEvent: async (asked) => looking(() => run.waits.newest(asked, first)),
    runStatus: async () => ({ status: run.standing().status }),
    calendarWait: async ({ wait, asked }) => afterDays(asked, wait, zone),
    calendarTarget: async ({ target, asked }) => {
      const { due, late, next } = occurrenceOf(target, zone, asked)
      return { due, late, next: next ?? null }
    },
    expiringSoon: async ({ kind, daysBefore, waited }) => {
      const items = looking(() => run.perishables(kind))
      const { at = '10:00', worth = 1 } = plan.sweep ?? {}
      const from = partsOfRun(id).occasion ?? ''
      const answer = expiringIn(items, { from, zone, now: run.now(), daysBefore, waited, at, worth })
      if (answer.is === 'nothing' || answer.is === 'late') {
        run.say('wait', `${daysBefore} days before: ${answer.is === 'late' ? 'past' : 'nothing is left'}`)
      }
      return answer
    },
  }
}

function referring(
  run: RunInMemory,
  { looking, holding }: { looking: Looking; holding: Holding },
): Pick<Calls, ReferralActivity> {
  const { referrals } = run
  return {
    openReview: async (asked) => looking(() => referrals.openReview(asked)),
    viewReview: async (asked) => looking(() => referrals.viewReview(asked)),
    closeReview: async (asked) => looking(() => referrals.closeReview(asked)),
    referralCode: async (asked) => holding(() => referrals.code(asked, run.standing())),
    returnsUntil: async () => referrals.returnsUntil(),
    judgeReferral: async () => looking(() => referrals.judge()),
    approveReferral: async () => holding(() => referrals.approve(run.standing())),
    giveReward: async (asked) => holding(() => referrals.reward(asked, run.standing())),
    climbRung: async (asked) => {
      const climbed = looking(() => referrals.climb(asked, run.standing()))
      run.hold(climbed?.result.is === 'held')
      return climbed
    },
    takeBackRewards: async () => looking(() => referrals.takeBack(run.now())),
  }
}
