/** What the words about referral and rewards do; the player of steps.ts hands itself in. */
import type { EffectKind } from '../../domain/ids.ts'
import type { RunStatus } from '../../domain/journey.ts'
import type { Kit, RewardOutcome } from './plan.ts'
import type { Host, RunInput } from './steps.ts'

/** The activities these words stand on. */
export type ReferralActivity =
  'referralCode' | 'returnsUntil' | 'judgeReferral' | 'approveReferral' | 'giveReward' | 'climbRung' | 'takeBackRewards'

/** What the steps need of the player. */
export interface Playing {
  handled: number
  readonly host: Host
  readonly input: RunInput
  nextKey(kind: EffectKind, name: string): string
  move(step: string, until: number | null): void
  held(step: string, until: number | null): Promise<void>
  restUntil(until: number, step: string): Promise<void>
  leaveUnless(status: RunStatus): void
  /** Ends the story, as the run has ended. */
  leave(): never
}

type Steps = Pick<Kit<string, string>, 'reward' | 'referralCode' | 'returnsOver' | 'judge' | 'approve' | 'climb'>

export function referralSteps(player: Playing): Steps {
  return {
    reward: (name) => reward(player, name),
    referralCode: (programme) => referralCode(player, programme),
    returnsOver: () => returnsOver(player),
    judge: () => judge(player),
    approve: () => approve(player),
    climb: () => climb(player),
  }
}

type Settled<T> = Exclude<T, { is: 'held' }>

/** Asks for an effect until it is not held by a pause; a run that is over leaves its story. */
export async function asking<T extends { is: string; code?: unknown }>(
  player: Playing,
  step: string,
  ask: () => Promise<T>,
): Promise<Settled<T>> {
  for (;;) {
    player.move(step, null)
    player.handled = player.host.wakes()
    const result = await ask()
    if (result.is === 'refused' && result.code === 'LEFT_JOURNEY') player.leave()
    if (result.is !== 'held') return result as Settled<T>
    await player.held(`${step}, held: PAUSED`, null)
  }
}

async function reward(player: Playing, name: string): Promise<RewardOutcome> {
  const { host, input } = player
  const key = player.nextKey('reward', name)
  const result = await asking(player, `reward ${name}`, () =>
    host.activities.giveReward({ key, run: input.run, reward: name, asked: host.now() }),
  )
  return result.is === 'given' ? { given: true, ...result.gift } : { given: false, refused: result.code }
}

async function referralCode(player: Playing, programme: string): ReturnType<Steps['referralCode']> {
  const { host, input } = player
  const result = await asking(player, `code of ${programme}`, () =>
    host.activities.referralCode({ run: input.run, programme, asked: host.now() }),
  )
  return result.is === 'given'
    ? { given: true, code: result.code, ends: result.ends }
    : { given: false, refused: result.code }
}

async function approve(player: Playing): ReturnType<Steps['approve']> {
  const { host, input } = player
  const result = await asking(player, 'approve', () =>
    host.activities.approveReferral({ run: input.run, asked: host.now() }),
  )
  return result.is === 'approved'
    ? { approved: true, friends: result.friends }
    : { approved: false, refused: result.code }
}

async function returnsOver(player: Playing): Promise<void> {
  const until = await player.host.activities.returnsUntil({ run: player.input.run })
  await player.restUntil(until, 'wait for the end of the return window')
}

function judge(player: Playing): ReturnType<Steps['judge']> {
  const { host, input } = player
  player.move('judge', null)
  const key = player.nextKey('judge', 'referral')
  return host.activities.judgeReferral({ key, run: input.run, asked: host.now() })
}

async function climb(player: Playing): Promise<number[]> {
  const { host, input } = player
  const rungs: number[] = []
  let above = 0
  for (;;) {
    player.move('climb the ladder', null)
    player.handled = host.wakes()
    const climbed = await host.activities.climbRung({ run: input.run, above, asked: host.now() })
    if (!climbed) return rungs
    const { rung, result } = climbed
    if (result.is === 'held') {
      await player.held(`rung ${rung}, held: PAUSED`, null)
      continue
    }
    if (result.is === 'refused' && result.code === 'LEFT_JOURNEY') player.leave()
    if (result.is === 'given') rungs.push(rung)
    above = rung
  }
}

/** What a void referral was rewarded with; in a clean-up only. */
export function takeBackRewards(player: Playing): ReturnType<Host['activities']['takeBackRewards']> {
  const { host, input } = player
  player.move('take rewards back', null)
  return host.activities.takeBackRewards({ run: input.run, asked: host.now() })
}
